"""The opcode of binary messages: a number, several numbers side by side, text, or bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, Final

from attrs import evolve, frozen

from tcpcomm.codec.annotations import bare_type, metadata_of
from tcpcomm.codec.base import MISSING
from tcpcomm.codec.binary.layouts.fixed_size import LIST, FixedLayout, joined, number
from tcpcomm.codec.binary.layouts.forms import NOTHING
from tcpcomm.codec.binary.types import Int, Order
from tcpcomm.codec.problems import brief_repr
from tcpcomm.errors import CodecError, ConfigurationError

EXPECTED: Final = (
    "opcode must be a whole number with its width, such as U16, a tuple of them, or text or bytes of a "
    "fixed size, such as Annotated[str, Fixed(32)]"
)


def int_type(annotation: Any, subject: str) -> Int:
    """Return the Int of an annotation such as U16. Raises ConfigurationError if it has none."""
    found = next((note for note in reversed(metadata_of(annotation)) if isinstance(note, Int)), None)
    if found is None or bare_type(annotation) is not int:
        raise ConfigurationError(f"{subject} must be a whole number with its width, such as U16")
    return found


def opcode_text(opcode: Any) -> str:
    """Return an opcode for error messages."""
    return f"0x{opcode:02X}" if type(opcode) is int else brief_repr(opcode)


@frozen
class OpcodeType:
    """
    The type of all opcodes of a codec.

    Several numbers side by side are one number here, the first of them in its highest bits.

    Attributes:
        layout: the layout in the header.
        bits: the size of the number in bits; 0 for text and bytes.
        empty: the opcode of a fault for a frame without an opcode.
        parts: the sizes in bits of numbers that stand side by side; empty for one number.
    """

    layout: FixedLayout
    bits: int
    empty: Any
    parts: tuple[int, ...] = ()

    def take(self, given: Any) -> Any:
        """Return the opcode of a declaration. Raises ConfigurationError if it does not fit."""
        value = given
        if self.parts and type(given) is tuple:
            value = self._joined(given)
        if self.bits and (type(value) is not int or not 0 <= value < 1 << self.bits):
            parts = f", or {len(self.parts)} numbers such as (1, 2)" if self.parts else ""
            self._refuse(f"a number from 0 to 0x{(1 << self.bits) - 1:X}{parts}", given)
        try:
            self.layout.to_items(value, [])
        except CodecError as error:
            if given is MISSING:
                self._refuse(f"given, such as {type(self.empty).__name__}", given)
            raise ConfigurationError(f"its opcode does not fit: {error}") from None
        return value

    def _refuse(self, expected: str, given: Any) -> None:
        shown = "" if given is MISSING else f", not {brief_repr(given)}"
        raise ConfigurationError(f"its opcode must be {expected}{shown}")

    def _joined(self, given: tuple[Any, ...]) -> Any:
        if len(given) != len(self.parts):
            return None
        value = 0
        for part, bits in zip(given, self.parts, strict=True):
            if type(part) is not int or not 0 <= part < 1 << bits:
                return None
            value = value << bits | part
        return value

    def label(self, opcode: Any) -> str:
        """Return the opcode for people: its bytes on the wire, or its text."""
        if not self.bits:
            return f"{opcode!r}:{self.layout.label}"
        return self.layout.pack(opcode).hex().upper()


def opcode_bits(annotation: Any) -> int:
    """Return the size in bits of an opcode of this type; 0 for text and bytes."""
    if isinstance(annotation, tuple):
        return sum(map(opcode_bits, annotation))
    if bare_type(annotation) in (str, bytes):
        return 0
    try:
        return 8 * int_type(annotation, "opcode").width
    except ConfigurationError:
        raise ConfigurationError(EXPECTED) from None


def opcode_type(
    annotation: Any, order: Order, layout_of: Callable[[Any], FixedLayout | None]
) -> OpcodeType:
    """
    Return the type of opcodes that an annotation gives, or a tuple of annotations.

    Args:
        annotation: such as ``U16``, ``(U8, U8)`` or ``Annotated[str, Fixed(32)]``.
        order: the byte order.
        layout_of: returns the layout of an annotation, or None if its size is not fixed.

    Raises:
        ConfigurationError: it is none of these.
    """
    if isinstance(annotation, tuple):
        return _side_by_side([int_type(each, "each part of opcode") for each in annotation], order)
    if bare_type(annotation) in (str, bytes):
        layout = layout_of(annotation)
        if layout is None:
            raise ConfigurationError(EXPECTED)
        empty = "" if bare_type(annotation) is str else bytes(layout.size)
        return OpcodeType(layout, 0, empty)
    try:
        found = int_type(annotation, "opcode")
    except ConfigurationError:
        raise ConfigurationError(EXPECTED) from None
    return OpcodeType(number(int, found, order), 8 * found.width, 0)


def _side_by_side(types: Sequence[Int], order: Order) -> OpcodeType:
    if len(types) < 2:
        raise ConfigurationError("a tuple of types for opcode needs two or more of them")
    layouts = [number(int, each, order) for each in types]
    record = joined(order, [(f"[{index}]", each) for index, each in enumerate(layouts)], LIST, NOTHING)
    parts = tuple(8 * each.width for each in types)
    total = sum(parts)
    shifts = [total - end for end in accumulate(parts)]
    masks = [(1 << bits) - 1 for bits in parts]

    def from_items(items: Sequence[Any], at: int) -> int:
        values = record.from_items(items, at)
        return sum(value << shift for value, shift in zip(values, shifts, strict=True))

    def to_items(value: Any, items: list[Any]) -> None:
        split = [value >> shift & mask for shift, mask in zip(shifts, masks, strict=True)]
        record.to_items(split, items)

    form = {"type": "side by side", "parts": [each.form for each in layouts]}
    layout = evolve(record, from_items=from_items, to_items=to_items, form=form)
    return OpcodeType(layout, total, 0, parts)
