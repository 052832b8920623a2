"""The header of binary messages: what stands before the parameters, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from itertools import accumulate
from struct import Struct
from typing import Any, Final, NamedTuple

from attrs import field, frozen

from tcpcomm.codec.annotations import bare_type, metadata_of
from tcpcomm.codec.binary.codegen import HeadItem, read_head, write_head
from tcpcomm.codec.binary.fixed_size import PREFIXES, Packed, constant, number, reserved
from tcpcomm.codec.binary.types import Int, Order
from tcpcomm.codec.problems import inside, wrong
from tcpcomm.errors import CodecError, ConfigurationError

__all__ = ["ID", "OPCODE", "STATUS", "Head", "Length", "Read", "Skip", "Slot", "whole_number"]


class Slot(Enum):
    """A place in a header."""

    OPCODE = "opcode"
    ID = "id"
    STATUS = "status"


OPCODE: Final = Slot.OPCODE
ID: Final = Slot.ID
STATUS: Final = Slot.STATUS


@frozen
class Length:
    """
    A field that counts the bytes behind it, to the end of the frame.

    It is written, and checked, where the framing leaves it in the frame.

    Args:
        type: ``U16``, ``U32``, ...
        adjust: what it says more than there are bytes behind it: 2 if it counts its own two bytes too.
    """

    type: Any
    adjust: int = field(default=0, kw_only=True)


@frozen
class Skip:
    """So many bytes that are sent as zero, and that nobody looks at."""

    size: int


class Read(NamedTuple):
    """What a header held, and the place behind it."""

    opcode: int | None
    id: int | None
    status: int | None
    end: int


def _packed(item: Any, types: Mapping[Slot, Int | None], order: Order) -> Packed:
    if isinstance(item, Slot):
        mark = types[item]
        if mark is None:
            raise ConfigurationError(
                f"{item.name} is in a header, but {item.value}= does not say how wide it is"
            )
        return number(int, mark, order)
    if isinstance(item, Length):
        return number(int, whole_number(item.type, "the type of Length"), order)
    if isinstance(item, Skip):
        return reserved(item.size, order)
    if isinstance(item, bytes) and item:
        return constant(item, order)
    raise ConfigurationError(
        f"a header is made of OPCODE, ID, STATUS, Length, Skip, and bytes, not {item!r}"
    )


def _head_item(item: Any, packed: Packed, left: int) -> HeadItem:
    return HeadItem(
        packed,
        slot=item.value if isinstance(item, Slot) else "",
        constant=item if isinstance(item, bytes) else None,
        more=left + item.adjust if isinstance(item, Length) else None,
    )


def whole_number(annotation: Any, what: str) -> Int:
    """The mark of an annotation that must be a plain whole number, such as U16."""
    mark = next((note for note in reversed(metadata_of(annotation)) if isinstance(note, Int)), None)
    if mark is None or bare_type(annotation) is not int:
        raise ConfigurationError(f"{what} must be a whole number with its width, such as U16")
    return mark


def _largest(mark: Int | None) -> int:
    return 0 if mark is None else (1 << 8 * mark.width - mark.signed) - 1


class Head:
    """
    A header, compiled.

    Args:
        items: slots, :class:`Length`, :class:`Skip`, and constant bytes, in their order.
        types: what stands in each slot.
        order: the byte order.

    Raises:
        ConfigurationError: a slot is there twice, or has no type.
    """

    def __init__(self, items: Sequence[Any], types: Mapping[Slot, Int | None], order: Order) -> None:
        slots = [item for item in items if isinstance(item, Slot)]
        for slot in slots:
            if slots.count(slot) > 1:
                raise ConfigurationError(f"{slot.name} is in a header twice")
        self.slots = frozenset(slots)
        self._items = tuple(items)
        self._opcode_digits = 2 * (types[OPCODE] or Int(1)).width
        self.largest_id = None if ID not in slots else _largest(types[ID])
        self._packed = [_packed(item, types, order) for item in items]
        self._struct = Struct(PREFIXES[order] + "".join(packed.code for packed in self._packed))
        self._places = [0, *accumulate(packed.items for packed in self._packed)]
        self._left = [self._struct.size - end for end in accumulate(packed.size for packed in self._packed)]
        """Bytes of the header behind each item."""
        self._slots = tuple(items.index(slot) if slot in slots else None for slot in Slot)
        self._others = [index for index, item in enumerate(items) if isinstance(item, bytes | Length)]
        usual = [*map(_head_item, items, self._packed, self._left)]
        self.read: Callable[[bytes], Read] = read_head(self._struct, usual, Read, self._read)
        """The header of a frame. Raises CodecError."""
        self.write: Callable[[int, int, int, bytes], bytes] = write_head(self._struct, usual, self._write)
        """A frame of an opcode, an id, a status and a body. Raises CodecError if a number does not fit."""

    def _read(self, frame: bytes) -> Read:
        size = self._struct.size
        if len(frame) < size:
            raise CodecError(f"the header needs {size} bytes, but the frame has {len(frame)}")
        items = self._struct.unpack_from(frame)
        for index in self._others:
            self._check(index, items, len(frame) - size)
        opcode, id, status = (
            None if index is None else self._packed[index].gather(items, self._places[index])
            for index in self._slots
        )
        return Read(opcode, id, status, size)

    def _check(self, index: int, items: Sequence[Any], body: int) -> None:
        """Check a constant, or a length."""
        item = self._items[index]
        try:
            found = self._packed[index].gather(items, self._places[index])
        except CodecError as error:
            raise inside("header", error) from None
        if isinstance(item, Length):
            expected = self._left[index] + body + item.adjust
            if found != expected:
                raise inside("length", wrong(str(expected), found))

    def label(self, opcode: int | str) -> str:
        """The header, for people, with an opcode in hexadecimal digits or words."""
        parts = []
        for item, packed in zip(self._items, self._packed, strict=True):
            if item is OPCODE:
                parts.append(opcode if isinstance(opcode, str) else f"{opcode:0{self._opcode_digits}X}")
            elif isinstance(item, Slot | Length):
                name = item.value if isinstance(item, Slot) else "length"
                parts.append(f"{name}:{packed.label}")
            else:
                parts.append(packed.label)
        return " ".join(parts)

    def _write(self, opcode: int, id: int, status: int, body: bytes) -> bytes:
        values = {OPCODE: opcode, ID: id, STATUS: status}
        items: list[Any] = []
        for item, packed, left in zip(self._items, self._packed, self._left, strict=True):
            try:
                if isinstance(item, Length):
                    packed.spread(left + len(body) + item.adjust, items)
                else:
                    packed.spread(values.get(item), items)
            except CodecError as error:
                raise inside(item.value if isinstance(item, Slot) else "length", error) from None
        return self._struct.pack(*items) + body
