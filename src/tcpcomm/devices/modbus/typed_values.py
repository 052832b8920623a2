"""
Numbers and texts in registers: :func:`wanted_values` and :func:`to_registers`.

The standard defines registers only. A value of 32 or 64 bits lies in two or four of them, and a text has
two bytes in each. Manufacturers differ in the order of the registers, and of the bytes in each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from attrs import frozen

from tcpcomm.devices.word_types import (
    NUMBER_NAMES,
    WordType,
    number_type,
    plain_values,
    text_bytes,
    text_type,
)
from tcpcomm.errors import CodecError

WholeKind = Literal["u16", "i16", "u32", "i32", "u64", "i64", "bcd", "bcd32"]
FloatKind = Literal["f32", "f64"]
Kind = Literal["u16", "i16", "u32", "i32", "u64", "i64", "bcd", "bcd32", "f32", "f64", "text"]


@frozen
class WantedValues:
    """
    Values that lie in registers.

    Attributes:
        type: the type of each.
        count: their number, for a list; None: one value, without a list.
    """

    type: WordType
    count: int | None

    @property
    def size(self) -> int:
        """The number of registers."""
        return self.type.words * (1 if self.count is None else self.count)

    def of(self, registers: Sequence[int]) -> Any:
        """Return the value, or the list of values, in these registers. Raises CodecError."""
        return self.type.value_of(registers) if self.count is None else self.type.values_of(registers)


def _check_kind(kind: Any) -> None:
    if kind not in (*NUMBER_NAMES, "text"):
        raise CodecError(f"there is no kind {kind!r}: the kinds are {', '.join(NUMBER_NAMES)} and text")


def wanted_values(
    kind: str, count: int | None, *, word_order: str, byte_order: str, encoding: str
) -> WantedValues:
    """
    Return the type and number of values that a program wants to read.

    Args:
        kind: the kind of the values.
        count: the number of values; None: one value, without a list. Of a text, its bytes.
        word_order: ``big`` if the register with the highest bits is the first one.
        byte_order: ``big``, as the standard says, or ``little`` if the bytes of each register are swapped.
        encoding: of a text. It ends before the first zero byte.

    Raises:
        CodecError: an argument is wrong.
    """
    _check_kind(kind)
    if count is not None and (type(count) is not int or count < 1):
        raise CodecError(f"count must be at least 1, not {count!r}")
    if kind != "text":
        return WantedValues(number_type(kind, word_order=word_order, byte_order=byte_order), count)
    if count is None:
        raise CodecError("a text needs count, the number of its bytes: two are in each register")
    return WantedValues(text_type(count, encoding, byte_order=byte_order), None)


def to_registers(kind: str, value: Any, *, word_order: str, byte_order: str, encoding: str) -> list[int]:
    """
    Convert a value, or a list of values, to registers. The arguments are those of :func:`wanted_values`.

    Raises:
        CodecError: the value does not fit the kind, or an argument is wrong.
    """
    _check_kind(kind)
    if kind == "text":
        size = len(text_bytes(value, encoding))
        if not size:
            raise CodecError("an empty text cannot be written")
        return text_type(size, encoding, byte_order=byte_order).words_of(value)
    value = plain_values(value)
    values = value if isinstance(value, list) else [value]
    if not values:
        raise CodecError("an empty list cannot be written")
    return number_type(kind, word_order=word_order, byte_order=byte_order).words_of_all(values)
