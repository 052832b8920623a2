"""
Numbers and texts in words of 16 bits, as Omron's instructions write them: :class:`Type`, :func:`type_of`.

A number of several words has its lowest word first. A text has its first byte in the higher half of a word,
and zero bytes behind its last one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from struct import Struct, error
from typing import Any, Final

from attrs import frozen

from tcpcomm.errors import CodecError


@frozen
class Type:
    """
    A type of values in words.

    Attributes:
        words: the number of words that one value takes.
        to_words: returns the words of a value. Raises CodecError if it does not fit.
        of_words: returns the value in words. Raises CodecError if there is none.
    """

    words: int
    to_words: Callable[[Any], list[int]]
    of_words: Callable[[Sequence[int]], Any]


def _number(
    words: int, to_bytes: Callable[[Any], bytes], of_bytes: Callable[[bytes], Any], range: str
) -> Type:
    """Return the type of numbers with these bytes, the highest first."""

    def to_words(number: Any) -> list[int]:
        try:
            data = to_bytes(number)
        except (error, ValueError, OverflowError, TypeError):
            raise CodecError(f"{number!r} does not fit: give {range}") from None
        return _split(data)[::-1]

    return Type(words, to_words, lambda words: of_bytes(_joined(words[::-1])))


def _split(data: bytes) -> list[int]:
    return [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]


def _joined(words: Sequence[int]) -> bytes:
    return b"".join(word.to_bytes(2, "big") for word in words)


def _whole(size: int, *, signed: bool) -> Type:
    bits = 8 * size
    least, most = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    return _number(
        size // 2,
        lambda number: int.__index__(number).to_bytes(size, "big", signed=signed),
        partial(int.from_bytes, byteorder="big", signed=signed),
        f"a whole number from {least} to {most}",
    )


def _floating(code: str) -> Type:
    layout = Struct(code)
    return _number(
        layout.size // 2, layout.pack, lambda data: layout.unpack(data)[0], "a number that fits the type"
    )


def _decimal(digits: int) -> Type:
    def to_bytes(number: int) -> bytes:
        if not 0 <= number < 10**digits:
            raise ValueError
        return bytes.fromhex(f"{int.__index__(number):0{digits}d}")

    def of_bytes(data: bytes) -> int:
        if not data.hex().isdecimal():
            raise CodecError(f"{data.hex().upper()} is not a number in BCD")
        return int(data.hex())

    return _number(digits // 4, to_bytes, of_bytes, f"a whole number from 0 to {10**digits - 1}")


TYPES: Final = {
    "u16": _whole(2, signed=False),
    "i16": _whole(2, signed=True),
    "u32": _whole(4, signed=False),
    "i32": _whole(4, signed=True),
    "f32": _floating(">f"),
    "u64": _whole(8, signed=False),
    "i64": _whole(8, signed=True),
    "f64": _floating(">d"),
    "bcd": _decimal(4),
    "bcd32": _decimal(8),
}
"""The types of numbers, by the names that stand behind a colon."""

_TEXT: Final = re.compile(r"str\[([1-9][0-9]{0,3})\]")


def type_of(name: str, encoding: str) -> Type:
    """
    Return the type with the name that stands behind a colon: ``f32``, or ``str[16]`` for 16 bytes of text.

    Raises:
        CodecError: no type has this name.
    """
    found = TYPES.get(name)
    if found is not None:
        return found
    sized = _TEXT.fullmatch(name)
    if sized is None:
        raise CodecError(f"the types are {', '.join(TYPES)}, and str[16] for 16 bytes of text, not {name}")
    return _text(int(sized[1]), encoding)


def _text(size: int, encoding: str) -> Type:
    def to_words(text: Any) -> list[int]:
        try:
            data = text.encode(encoding)
        except (AttributeError, UnicodeEncodeError, LookupError):
            raise CodecError(f"{text!r} is not a text in {encoding}") from None
        if len(data) > size or b"\0" in data:
            raise CodecError(f"{text!r} has {len(data)} bytes: give {size} at most, and none of them zero")
        return _split(data.ljust(size + size % 2, b"\0"))

    def of_words(words: Sequence[int]) -> str:
        data = _joined(words)[:size].partition(b"\0")[0]
        try:
            return data.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            raise CodecError(f"{data!r} is not a text in {encoding}") from None

    return Type((size + 1) // 2, to_words, of_words)
