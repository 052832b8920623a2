"""
The shortcut through msgspec, which is several times faster than Python's json, and less strict.

What it gives is taken only if that is proved to be what the standard would give. Where the two differ, and
why each proof holds, is told in docs/explanation/json-engines.md.
"""

from __future__ import annotations

import re
from types import GenericAlias
from typing import Any, Final

from msgspec.json import Decoder, Encoder

from tcpcomm.codec.base import MISSING

__all__ = ["Msgspec"]

_DEEPEST: Final = 7
"""
Lists and objects within each other. msgspec's own bound is the interpreter's stack, as is the standard's,
but at another depth. A type bounds it before either, at no cost; its size doubles with each level.
"""


def _values(levels: int) -> Any:
    """The type of what JSON has, at most so many levels deep."""
    leaf = None | bool | int | float | str
    if levels == 0:
        return leaf
    inner = _values(levels - 1)
    return leaf | GenericAlias(list, (inner,)) | GenericAlias(dict, (str, inner))


_decode: Final = Decoder(_values(_DEEPEST)).decode
_encode: Final = Encoder().encode

if type(_decode(str(2**64))) is not int:
    raise ImportError("this msgspec makes floats of large whole numbers: 0.18 or later does not")

_exponent: Final = re.compile(r"e(?<=[0-9]e)").search
"""Finds 1e16. It looks for an e first, for they are rarer than digits: 2 µs in 4 KB of numbers, not 20."""


class Msgspec:
    """
    See :class:`~tcpcomm.codec.json.engines.Shortcut`.

    Args:
        ascii: whether everything beyond ASCII is to be written as ``\\uXXXX``, which msgspec cannot.
    """

    def __init__(self, ascii: bool) -> None:
        self._ascii = ascii

    def read(self, text: str) -> Any:
        if "\\" in text:
            return MISSING
        try:
            value = _decode(text)
            # msgspec keeps the last of equal keys. One that is lost takes its colon with it; where nothing
            # is escaped, all other colons are written again as they were read.
            if _encode(value).count(b":") == text.count(":"):
                return value
        except Exception:  # whatever it is, the standard says it in its words
            pass
        return MISSING

    def write(self, value: Any) -> str | None:
        try:
            frame = _encode(value)
            text: str = frame.decode()
            # Python writes 1e16 as 1e+16, and 0.00001 as 1e-05. NaN as null, bytes and dates as text, and
            # whatever else msgspec writes and JSON has not, do not come back as they were.
            if (
                "0.0000" not in text
                and _exponent(text) is None
                and (not self._ascii or (text.isascii() and text.isprintable()))
                and _decode(frame) == value
            ):
                return text
        except Exception:  # whatever it is, the standard says it in its words
            pass
        return None
