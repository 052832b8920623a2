"""
Numbers and text in words of 16 bits, as MELSEC stores them: :func:`words_of`, :func:`values_in`.

The lowest word of a number comes first. Text has its first character in the lowest byte of a word, and a
zero byte behind its last one.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from attrs import frozen

from tcpcomm.errors import CodecError


@frozen
class Type:
    """A type of numbers: its code for ``struct``, and the words that a number takes."""

    code: str
    words: int


TYPES: Final[Mapping[str, Type]] = MappingProxyType(
    {
        "u16": Type("H", 1),
        "i16": Type("h", 1),
        "u32": Type("I", 2),
        "i32": Type("i", 2),
        "f32": Type("f", 2),
        "u64": Type("Q", 4),
        "i64": Type("q", 4),
        "f64": Type("d", 4),
    }
)
"""The types of numbers in words, by the names that stand behind a colon."""


def words_of(type: str, values: Sequence[Any]) -> list[int]:
    """
    Return the words of numbers.

    Raises:
        CodecError: a value does not fit.
    """
    written = b""
    for value in values:
        try:
            written += struct.pack(f"<{TYPES[type].code}", value)
        except (struct.error, OverflowError):
            raise CodecError(f"{value!r} is not a value of {type}") from None
    return [*struct.unpack(f"<{len(written) // 2}H", written)]


def values_in(type: str, words: Sequence[int]) -> list[Any]:
    """Return the numbers in words."""
    found = TYPES[type]
    return [*struct.unpack(f"<{len(words) // found.words}{found.code}", _bytes(words))]


def words_of_text(text: str, size: int, encoding: str) -> list[int]:
    """
    Return the words of text in a field of so many characters, of which zero bytes fill the rest.

    Raises:
        CodecError: the text does not fit, or the encoding has no bytes for it.
    """
    try:
        content = text.encode(encoding)
    except UnicodeEncodeError as error:
        raise CodecError(f"{text!r} cannot be written in {encoding}: {error.reason}") from None
    if len(content) > size:
        raise CodecError(f"{text!r} has {len(content)} bytes, and the field has {size}")
    content = content.ljust(size + size % 2, b"\0")
    return [*struct.unpack(f"<{len(content) // 2}H", content)]


def text_in(words: Sequence[int], size: int, encoding: str) -> str:
    """Return the text in words, up to a zero byte. Other bytes become replacement characters."""
    return _bytes(words)[:size].partition(b"\0")[0].decode(encoding, "replace")


def _bytes(words: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(words)}H", *words)
