"""
Numbers and texts in words of 16 bits: :class:`WordType`, :func:`number_type`, :func:`text_type`.

Registers of Modbus and the words of most PLCs have 16 bits. A longer number lies in several of them, and a
text has two bytes in each. Makers differ in the order of the words, and of the two bytes.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final, Literal

from attrs import field, frozen

from tcpcomm.errors import CodecError

Order = Literal["big", "little"]


@frozen
class WordType:
    """
    A type of values that lie in words.

    Attributes:
        name: its name: ``f32``, ``str[16]``.
        words: the number of words that one value takes.
    """

    name: str
    words: int
    _to_bytes: Callable[[Any], bytes] = field(repr=False)
    _of_bytes: Callable[[bytes], Any] = field(repr=False)
    _byte_order: str = field(repr=False)
    _lowest_first: bool = field(default=False, repr=False)

    def words_of(self, value: Any) -> list[int]:
        """Return the words of a value. Raises CodecError if it does not fit."""
        data = self._to_bytes(plain_values(value))
        words = list(struct.unpack(f"{self._byte_order}{self.words}H", data))
        return words[::-1] if self._lowest_first else words

    def value_of(self, words: Sequence[int]) -> Any:
        """Return the value in its words. Raises CodecError if they hold none."""
        words = words[::-1] if self._lowest_first else words
        return self._of_bytes(struct.pack(f"{self._byte_order}{self.words}H", *words))

    def words_of_all(self, values: Sequence[Any]) -> list[int]:
        """Return the words of values that lie side by side. Raises CodecError if one does not fit."""
        return [word for value in values for word in self.words_of(value)]

    def values_of(self, words: Sequence[int]) -> list[Any]:
        """Return the values in the words of several. Raises CodecError if some hold none."""
        starts = range(0, len(words), self.words)
        return [self.value_of(words[start : start + self.words]) for start in starts]


def plain_values(values: Any) -> Any:
    """Return a list in place of a tuple, a range or an array, and a number in place of one of NumPy."""
    if isinstance(values, tuple | range):
        return list(values)
    to_list = getattr(values, "tolist", None)
    return values if to_list is None else to_list()


def _whole_number(name: str) -> tuple[int, Callable[[Any], bytes], Callable[[bytes], Any]]:
    bits, signed = int(name[1:]), name[0] == "i"
    least, most = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)

    def to_bytes(value: Any) -> bytes:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise CodecError(f"{value!r} is not a whole number from {least} to {most}, as {name} is")
        return value.to_bytes(bits // 8, "big", signed=signed)

    return bits // 16, to_bytes, lambda data: int.from_bytes(data, "big", signed=signed)


def _floating_number(name: str) -> tuple[int, Callable[[Any], bytes], Callable[[bytes], Any]]:
    layout = struct.Struct(">f" if name == "f32" else ">d")

    def to_bytes(value: Any) -> bytes:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise CodecError(f"{value!r} is not a number, as {name} is")
        try:
            return layout.pack(value)
        except OverflowError:
            raise CodecError(f"{value!r} is too great for {name}") from None

    return layout.size // 2, to_bytes, lambda data: layout.unpack(data)[0]


def _decimal_number(name: str) -> tuple[int, Callable[[Any], bytes], Callable[[bytes], Any]]:
    digits = 8 if name == "bcd32" else 4
    most = 10**digits - 1

    def to_bytes(value: Any) -> bytes:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            raise CodecError(f"{value!r} is not a whole number from 0 to {most}, as {name} is")
        return bytes.fromhex(f"{value:0{digits}d}")

    def of_bytes(data: bytes) -> int:
        if not data.hex().isdecimal():
            raise CodecError(f"{data.hex().upper()} is not a number in BCD")
        return int(data.hex())

    return digits // 4, to_bytes, of_bytes


_NUMBERS: Final = {
    **{name: _whole_number(name) for name in ("u16", "i16", "u32", "i32", "u64", "i64")},
    **{name: _floating_number(name) for name in ("f32", "f64")},
    **{name: _decimal_number(name) for name in ("bcd", "bcd32")},
}

NUMBER_NAMES: Final = tuple(_NUMBERS)
"""The names of the types of numbers. ``bcd`` has four decimal digits, and ``bcd32`` has eight."""

_SIZED_TEXT: Final = re.compile(r"str\[([1-9][0-9]{0,3})\]")


@lru_cache(maxsize=256)
def number_type(name: str, *, word_order: str = "big", byte_order: str = "big") -> WordType:
    """
    Return a type of numbers.

    Args:
        name: one of NUMBER_NAMES.
        word_order: ``big`` if the word with the highest bits is the first one, or ``little``.
        byte_order: ``big``, or ``little`` if the two bytes of each word are swapped.

    Raises:
        CodecError: the name or an order is unknown.
    """
    if name not in _NUMBERS:
        raise CodecError(f"there is no type {name!r}: the types of numbers are {', '.join(NUMBER_NAMES)}")
    words, to_bytes, of_bytes = _NUMBERS[name]
    lowest_first = _sign_of(word_order, "word_order") == "<"
    return WordType(name, words, to_bytes, of_bytes, _sign_of(byte_order, "byte_order"), lowest_first)


@lru_cache(maxsize=256)
def text_type(size: int, encoding: str, *, byte_order: str = "big") -> WordType:
    """
    Return a type of texts in so many bytes. Zero bytes fill the rest, and a text ends before the first one.

    Args:
        size: the bytes that a text can have.
        encoding: the encoding, by its Python name.
        byte_order: ``big`` if the first byte is in the higher half of its word, or ``little``.

    Raises:
        CodecError: the order is unknown.
    """

    def to_bytes(value: Any) -> bytes:
        data = text_bytes(value, encoding)
        if len(data) > size:
            raise CodecError(f"{value!r} has {len(data)} bytes, and there is room for {size}")
        return data.ljust(size + size % 2, b"\0")

    def of_bytes(data: bytes) -> str:
        found = data[:size].partition(b"\0")[0]
        try:
            return found.decode(encoding)
        except UnicodeDecodeError:
            raise CodecError(f"{found!r} is not a text in {encoding}: give its encoding") from None
        except LookupError:
            raise _no_encoding(encoding) from None

    sign = _sign_of(byte_order, "byte_order")
    return WordType(f"str[{size}]", (size + 1) // 2, to_bytes, of_bytes, sign)


def word_type(name: str, encoding: str, *, word_order: str, text_order: str) -> WordType:
    """
    Return the type that a person writes behind an address: ``f32``, or ``str[16]`` for 16 bytes of text.

    Args:
        name: the type.
        encoding: the encoding of texts.
        word_order: the order of the words of numbers, as for :func:`number_type`.
        text_order: the order of the bytes of texts, as for :func:`text_type`.

    Raises:
        CodecError: no type has this name.
    """
    sized = _SIZED_TEXT.fullmatch(name)
    if sized is not None:
        return text_type(int(sized[1]), encoding, byte_order=text_order)
    if name not in _NUMBERS:
        raise CodecError(
            f"the types are {', '.join(NUMBER_NAMES)}, and str[16] for 16 bytes of text, not {name}"
        )
    return number_type(name, word_order=word_order)


def text_bytes(value: Any, encoding: str) -> bytes:
    """
    Return the bytes of a text.

    Raises:
        CodecError: it is not a text, the encoding lacks a character, or a zero byte would end the text.
    """
    if not isinstance(value, str):
        raise CodecError(f"{value!r} is not a text")
    try:
        data = value.encode(encoding)
    except UnicodeEncodeError:
        raise CodecError(f"{value!r} cannot be written in {encoding}: give another encoding") from None
    except LookupError:
        raise _no_encoding(encoding) from None
    if b"\0" in data:
        raise CodecError(f"{value!r} holds a zero byte, which would end it when it is read")
    return data


def _no_encoding(name: str) -> CodecError:
    return CodecError(f"there is no encoding {name!r}: use ascii, utf-8, cp949, shift_jis or latin-1")


def _sign_of(order: str, name: str) -> str:
    """Return the sign of an order for ``struct``. Raises CodecError."""
    if order not in ("big", "little"):
        raise CodecError(f"{name} must be big or little, not {order!r}")
    return ">" if order == "big" else "<"
