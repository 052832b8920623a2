"""The body of a message from what a program posts: :func:`encode_content`."""

from __future__ import annotations

import json
import math
from typing import Any, Final

from tcpcomm.errors import ConfigurationError
from tcpcomm.plant.message import BINARY, JSON, TEXT
from tcpcomm.tools.manual.values import jsonable

_SEPARATORS: Final = (",", ":")
_encode: Final = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=_SEPARATORS, default=jsonable
).encode


def encode_content(content: Any) -> tuple[str, bytes]:
    """
    Return the content type and the body of a content.

    Bytes stay bytes, a text becomes UTF-8, and anything else JSON: classes with fields become objects, and
    members of an Enum their values. NaN and the infinities, which JSON has not, become the texts ``"NaN"``,
    ``"Infinity"`` and ``"-Infinity"``.

    Raises:
        ConfigurationError: the content is no value for JSON, because it holds itself, or the text has
            characters that UTF-8 has not.
    """
    if isinstance(content, bytes | bytearray | memoryview):
        return BINARY, bytes(content)
    try:
        if isinstance(content, str):
            return TEXT, content.encode("utf-8")
        try:
            return JSON, _encode(content).encode("utf-8")
        except (TypeError, ValueError):  # a NaN, a key that is no text, or half a surrogate pair
            plain = _without_nan(jsonable(content))
            return JSON, json.dumps(plain, allow_nan=False, separators=_SEPARATORS).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"cannot post this {type(content).__name__}: {error}") from None


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, list):
        return [_without_nan(each) for each in value]
    if isinstance(value, dict):
        return {key: _without_nan(each) for key, each in value.items()}
    return value
