"""
Numbers and texts in the bytes of an XGT controller: :class:`Type`, :func:`type_of`.

A number has its lowest byte first. A text has its first character in the first byte, and zero bytes behind
its last one.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Any, Final

from attrs import frozen

from tcpcomm.devices.word_types import WordType, number_type, word_type
from tcpcomm.errors import CodecError


@frozen
class Type:
    """
    A type of values in bytes.

    Attributes:
        size: the number of bytes that one value takes.
        to_bytes: returns the bytes of a value. Raises CodecError if it does not fit.
        of_bytes: returns the value in bytes. Raises CodecError if there is none.
    """

    size: int
    to_bytes: Callable[[Any], bytes]
    of_bytes: Callable[[bytes], Any]


def _in_bytes(type: WordType) -> Type:
    """Return a type of values in words as one of values in bytes."""
    words = Struct(f"<{type.words}H")
    return Type(
        words.size,
        lambda value: words.pack(*type.words_of(value)),
        lambda data: type.value_of(words.unpack(data)),
    )


def _byte_of(value: Any) -> bytes:
    if type(value) is not int or not 0 <= value <= 255:
        raise CodecError(f"{value!r} is not a whole number from 0 to 255, as a byte is")
    return bytes([value])


UNITS: Final = {
    "B": Type(1, _byte_of, lambda data: data[0]),
    "W": _in_bytes(number_type("u16")),
    "D": _in_bytes(number_type("u32", word_order="little")),
    "L": _in_bytes(number_type("u64", word_order="little")),
}
"""The types of numbers, by the letters of XGT addresses: byte, word, double word and long word."""


def type_of(name: str, encoding: str) -> Type:
    """
    Return the type with the name that stands behind a colon: ``f32``, or ``str[16]`` for 16 bytes of text.

    A text of an odd size takes one byte more.

    Raises:
        CodecError: no type has this name.
    """
    return _in_bytes(word_type(name, encoding, word_order="little", text_order="little"))
