"""
Frames to what JSON has, and back: :class:`JsonText`. What it means is decided elsewhere.

Sources: RFC 8259; what it leaves to the reader is refused here where it would be guessing: keys that are
there twice, NaN and infinity, and numbers or nesting beyond the interpreter's bounds. Python's json decides
all of it; :mod:`tcpcomm.codec.json.engines` has shortcuts that give the same.
"""

from __future__ import annotations

import json
from codecs import BOM_UTF8, lookup
from collections import Counter
from functools import lru_cache
from typing import Any, Final

from tcpcomm.codec.base import MISSING
from tcpcomm.codec.json.engines import engine
from tcpcomm.codec.problems import brief_name
from tcpcomm.errors import CodecError, ConfigurationError

__all__ = ["JsonText"]

_ASCII: Final = "".join(map(chr, range(0x20, 0x7F)))


class JsonText:
    """
    The text of JSON in frames.

    Args:
        encoding: how characters become bytes. It must leave ASCII as it is, as utf-8, cp949, euc-kr and
            shift_jis do. What it has no bytes for is written as ``\\uXXXX``.
        ascii: whether everything beyond ASCII is written so.

    Raises:
        ConfigurationError: there is no such encoding, or JSON cannot be written in it.
    """

    def __init__(self, encoding: str, ascii: bool) -> None:
        try:
            kept = _ASCII.encode(encoding) == _ASCII.encode() and _ASCII.encode().decode(encoding) == _ASCII
        except (LookupError, UnicodeError):
            raise ConfigurationError(f"there is no encoding {encoding!r} for text") from None
        if not kept:
            raise ConfigurationError(
                f"JSON cannot be written in {encoding}, for that changes ASCII characters"
            )
        self.encoding = encoding
        self._is_utf8 = lookup(encoding).name == "utf-8"
        self._shortcut = engine(ascii)
        self._decode = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant).decode
        self._encode = json.JSONEncoder(ensure_ascii=ascii, allow_nan=False, separators=(",", ":")).encode

    def read(self, frame: bytes) -> Any:
        """
        What a frame holds. A byte order mark before it is taken off: C# writes one.

        Raises:
            CodecError: it holds no JSON, or some that is refused.
        """
        try:
            text = frame.removeprefix(BOM_UTF8).decode() if self._is_utf8 else frame.decode(self.encoding)
            if self._shortcut is not None and (value := self._shortcut.read(text)) is not MISSING:
                return value
            return self._decode(text)
        except UnicodeDecodeError as error:
            raise CodecError(f"byte {error.start} is no {self.encoding}: {error.reason}") from None
        except RecursionError:
            raise CodecError("it is nested too deeply") from None
        except json.JSONDecodeError as error:
            raise CodecError(f"it is no JSON: {error.msg} at character {error.pos}") from None
        except CodecError:
            raise
        except ValueError:  # more digits than Python turns into a number
            raise CodecError("a number in it has too many digits") from None

    def write(self, value: Any) -> bytes:
        """
        The frame that holds a value.

        Raises:
            CodecError: JSON cannot carry it.
        """
        try:
            text = self._shortcut.write(value) if self._shortcut is not None else None
            if text is None:
                text = self._encode(value)
        except RecursionError:
            raise CodecError("it is nested too deeply") from None
        except (TypeError, ValueError) as error:
            raise CodecError(f"JSON cannot carry it: {error}") from None
        if self._is_utf8 or text.isascii():
            try:
                return text.encode()
            except UnicodeEncodeError as error:
                raise CodecError(
                    f"half a character cannot be sent: {error.object[error.start]!a}"
                ) from None
        return "".join(_sendable(character, self.encoding) for character in text).encode(self.encoding)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, unless it has a key twice: what such a one means, every reader guesses differently."""
    members = dict(pairs)
    if len(members) != len(pairs):
        times = Counter(key for key, _ in pairs)
        raise CodecError("is there twice", brief_name(next(key for key in times if times[key] > 1)))
    return members


def _refuse_constant(text: str) -> Any:
    raise CodecError(f"{text} is not JSON")


@lru_cache(maxsize=4096)
def _sendable(character: str, encoding: str) -> str:
    """
    A character, or its escape where the encoding does not bring it back unchanged.

    That bytes are found is not enough: Python's shift_jis turns a yen sign into the byte of a backslash.
    """
    try:
        if character.encode(encoding).decode(encoding) == character:
            return character
    except UnicodeError:
        pass  # it has no bytes there, so it is written as an escape
    return json.dumps(character)[1:-1]
