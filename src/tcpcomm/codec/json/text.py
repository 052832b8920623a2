"""
Frames to values of JSON, and back: :class:`JsonText`. Other modules decide what the values mean.

Source: RFC 8259. Texts that it leaves to a reader's guess are refused: a key that appears twice, NaN and
infinity, and numbers or nesting beyond the interpreter's bounds. Python's json decides all of this, and the
engines of :mod:`tcpcomm.codec.json.engines` do the same in less time.
"""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8, lookup
from collections import Counter
from functools import lru_cache
from typing import Any, Final

from tcpcomm.codec.base import MISSING
from tcpcomm.codec.encoding import Encoding, likely_charset
from tcpcomm.codec.json.engines import engine
from tcpcomm.codec.limits import MAX_VALUES
from tcpcomm.codec.problems import brief_name
from tcpcomm.errors import CodecError, ConfigurationError

_ASCII: Final = "".join(map(chr, range(0x20, 0x7F)))
_UP_TO_A_VALUE: Final = re.compile(
    r'[^",\[{]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^",\[{]*+)*+[,\[{]', re.DOTALL
)
"""Matches up to the next comma or bracket that is not in a string, without going back."""

_BLANKS: Final = re.compile(r"[ \t\n\r]*")
_BEFORE_A_LIST: Final = frozenset((b"[", b" ", b"\t", b"\n", b"\r", BOM_UTF8[:1]))


class TooManyElements(CodecError):
    """A list has more elements than are read."""


class JsonText:
    """
    The text of JSON in frames.

    Args:
        encoding: the encoding of characters. It must not change ASCII: utf-8, cp949, euc-kr and shift_jis
            do not. A character that it does not have is written as ``\\uXXXX``.
        ascii: whether all characters beyond ASCII are written as ``\\uXXXX``.
        most_values: the most values of a frame that is read.

    Raises:
        ConfigurationError: the encoding does not exist, or changes ASCII.
    """

    def __init__(self, encoding: str, ascii: bool, most_values: int = MAX_VALUES) -> None:
        found = Encoding(encoding)
        if not found.carries(_ASCII) or found.encode(_ASCII) != _ASCII.encode():
            raise ConfigurationError(
                f"JSON cannot be written in {encoding}, because it changes ASCII characters"
            )
        self.encoding = encoding
        self.ascii = ascii
        self.charset = self._charset = found.charset
        self._most_values = most_values
        self._is_utf8 = lookup(encoding).name == "utf-8"
        self._fast = engine(ascii)
        self._decode = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant).decode
        self._skip = json.JSONDecoder(parse_constant=_refuse_constant).raw_decode
        self._encode = json.JSONEncoder(ensure_ascii=ascii, allow_nan=False, separators=(",", ":")).encode

    def read(self, frame: bytes) -> Any:
        """
        Return the value in a frame. A byte order mark before it is removed, because C# writes one.

        Raises:
            CodecError: the frame is not JSON, or JSON that is refused.
        """
        try:
            text = frame.removeprefix(BOM_UTF8).decode() if self._is_utf8 else frame.decode(self._charset)
            if len(frame) > self._most_values:
                self._count_values(text)
            if self._fast is not None and (value := self._fast.read(text)) is not MISSING:
                return value
            return self._decode(text)
        except (ValueError, RecursionError) as error:
            raise self._problem(error) from None

    def may_be_list(self, frame: bytes) -> bool:
        """Return False if a frame certainly holds no list, without reading it."""
        return frame[:1] in _BEFORE_A_LIST

    def read_list(self, frame: bytes, most: int) -> list[str] | None:
        """
        Return the texts of the elements of a list, or None if a frame holds something else.

        The values are checked one after the other and not kept, because they can take many times the memory
        of the frame. Only :meth:`read_text` finds a key that appears twice.

        Raises:
            TooManyElements: the list has more than ``most`` elements. The others are not read.
            CodecError: the frame is not JSON, or JSON that is refused.
        """
        try:
            text = frame.removeprefix(BOM_UTF8).decode() if self._is_utf8 else frame.decode(self._charset)
            if len(frame) > self._most_values:
                self._count_values(text)
            at = _after_blanks(text, 0)
            if text[at : at + 1] != "[":
                return None
            elements: list[str] = []
            at = _after_blanks(text, at + 1)
            more = text[at : at + 1] != "]"
            while more:
                if len(elements) == most:
                    raise TooManyElements(f"the list has more than {most} elements")
                _, end = self._skip(text, at)
                elements.append(text[at:end])
                at = _after_blanks(text, end)
                more = text[at : at + 1] == ","
                if more:
                    at = _after_blanks(text, at + 1)
            if text[at : at + 1] != "]":
                raise json.JSONDecodeError("Expecting ',' delimiter", text, at)
            if _after_blanks(text, at + 1) != len(text):
                raise json.JSONDecodeError("Extra data", text, at + 1)
        except (ValueError, RecursionError) as error:
            raise self._problem(error) from None
        return elements

    def _count_values(self, text: str) -> None:
        """Raise CodecError if a text has more values than it may have: they take much time and memory."""
        most = self._most_values
        if text.count(",") + text.count("[") + text.count("{") > most and _has_values(text, most):
            raise CodecError(f"the JSON has more than {most} values (max_values)")

    def read_text(self, text: str) -> Any:
        """Return the value in a text. Raises CodecError."""
        try:
            if self._fast is not None and (value := self._fast.read(text)) is not MISSING:
                return value
            return self._decode(text)
        except (ValueError, RecursionError) as error:
            raise self._problem(error) from None

    def _problem(self, error: Exception) -> CodecError:
        """Return the error of a text that is not JSON, or refused."""
        if isinstance(error, CodecError):
            return error
        if isinstance(error, UnicodeDecodeError):
            likely = likely_charset(error.object, self._charset)
            hint = "" if likely is None else f'; it may be {likely}: write encoding="{likely}"'
            return CodecError(f"byte {error.start} is not {self.encoding}: {error.reason}{hint}")
        if isinstance(error, RecursionError):
            return CodecError("the JSON is nested too deeply")
        if isinstance(error, json.JSONDecodeError):
            return CodecError(f"not JSON: {error.msg} at character {error.pos}")
        return CodecError("a number in the JSON has too many digits")  # Python bounds them

    def write(self, value: Any) -> bytes:
        """Return the frame for a value. Raises CodecError if JSON cannot carry it."""
        try:
            text = self._fast.write(value) if self._fast is not None else None
            if text is None:
                text = self._encode(value)
        except RecursionError:
            raise CodecError("the JSON is nested too deeply") from None
        except (TypeError, ValueError) as error:
            raise CodecError(f"JSON cannot carry the value: {error}") from None
        if self._is_utf8 or text.isascii():
            try:
                return text.encode()
            except UnicodeEncodeError as error:
                raise CodecError(
                    f"half a character cannot be sent: {error.object[error.start]!a}"
                ) from None
        return "".join(_sendable(character, self.encoding) for character in text).encode(self._charset)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object. Raises CodecError if a key appears twice, because readers differ on its meaning."""
    members = dict(pairs)
    if len(members) != len(pairs):
        times = Counter(key for key, _ in pairs)
        raise CodecError("appears twice", brief_name(next(key for key in times if times[key] > 1)))
    return members


def _has_values(text: str, most: int) -> bool:
    """Return True if more than so many values begin in a text. It counts commas and brackets."""
    at = 0
    for _ in range(most + 1):
        found = _UP_TO_A_VALUE.match(text, at)
        if found is None:
            return False
        at = found.end()
    return True


def _after_blanks(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    assert found is not None  # because no blank is enough
    return found.end()


def _refuse_constant(text: str) -> Any:
    raise CodecError(f"{text} is not JSON")


@lru_cache(maxsize=4096)
def _sendable(character: str, encoding: str) -> str:
    """
    Return a character, or its escape if it would not arrive unchanged in this encoding.

    Python's shift_jis, for example, writes a yen sign as the byte of a backslash.
    """
    return character if Encoding(encoding).carries(character) else json.dumps(character)[1:-1]
