"""The header of binary messages: the bytes before the parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from itertools import accumulate
from struct import Struct
from typing import Any, Final

from attrs import field, frozen

from tcpcomm.codec.annotations import bare_type, metadata_of
from tcpcomm.codec.binary.codegen import HeaderItem, read_header, write_header
from tcpcomm.codec.binary.fixed_size import PREFIXES, FixedLayout, constant, number, reserved
from tcpcomm.codec.binary.types import Int, Order
from tcpcomm.codec.problems import inside, wrong
from tcpcomm.errors import CodecError, ConfigurationError


class HeaderField(Enum):
    """A number in a header that has a meaning."""

    OPCODE = "opcode"
    ID = "id"
    STATUS = "status"


OPCODE: Final = HeaderField.OPCODE
ID: Final = HeaderField.ID
STATUS: Final = HeaderField.STATUS


@frozen
class Length:
    """
    A header field that counts the bytes behind it, to the end of the frame.

    Use it if the framing leaves the length in the frame. It is written, and checked when it is read.

    Args:
        type: the type of the number: ``U16``, ``U32``, ...
        adjust: a number that is added to the count: 2 if the field also counts its own two bytes.
    """

    type: Any
    adjust: int = field(default=0, kw_only=True)


@frozen
class Skip:
    """So many bytes of a header that are sent as zero, and skipped when they are read."""

    size: int


def _layout(item: Any, types: Mapping[HeaderField, Int | None], order: Order) -> FixedLayout:
    if isinstance(item, HeaderField):
        found = types[item]
        if found is None:
            raise ConfigurationError(
                f"{item.name} is in a header, but {item.value}= does not give its type, such as U16"
            )
        return number(int, found, order)
    if isinstance(item, Length):
        return number(int, int_type(item.type, "the type of Length"), order)
    if isinstance(item, Skip):
        return reserved(item.size, order)
    if isinstance(item, bytes) and item:
        return constant(item, order)
    raise ConfigurationError(
        f"a header is made of OPCODE, ID, STATUS, Length, Skip, and bytes, not {item!r}"
    )


def int_type(annotation: Any, subject: str) -> Int:
    """Return the Int of an annotation such as U16. Raises ConfigurationError if it has none."""
    found = next((note for note in reversed(metadata_of(annotation)) if isinstance(note, Int)), None)
    if found is None or bare_type(annotation) is not int:
        raise ConfigurationError(f"{subject} must be a whole number with its width, such as U16")
    return found


class Header:
    """
    A compiled header.

    Args:
        items: header fields, :class:`Length`, :class:`Skip`, and constant bytes, in their order.
        types: the type of each header field; None if it has none.
        order: the byte order.

    Raises:
        ConfigurationError: a field is there twice, or has no type.
    """

    def __init__(self, items: Sequence[Any], types: Mapping[HeaderField, Int | None], order: Order) -> None:
        fields = [item for item in items if isinstance(item, HeaderField)]
        for each in fields:
            if fields.count(each) > 1:
                raise ConfigurationError(f"{each.name} is in a header twice")
        self.fields = frozenset(fields)
        self._items = tuple(items)
        self._opcode_digits = 2 * (types[OPCODE] or Int(1)).width
        id_type = types[ID] if ID in fields else None
        self.largest_id = None if id_type is None else (1 << 8 * id_type.width - id_type.signed) - 1
        """The greatest id; None if the header has no id."""
        self._layouts = [_layout(item, types, order) for item in items]
        self._struct = Struct(PREFIXES[order] + "".join(layout.code for layout in self._layouts))
        self._places = [*accumulate((layout.items for layout in self._layouts), initial=0)]
        ends = accumulate(layout.size for layout in self._layouts)
        self._behind = [self._struct.size - end for end in ends]
        """The bytes of the header behind each item."""
        self._field_indexes = tuple(items.index(each) if each in fields else None for each in HeaderField)
        self._checked = [index for index, item in enumerate(items) if isinstance(item, bytes | Length)]
        compiled = [
            HeaderItem(
                layout,
                field=item.value if isinstance(item, HeaderField) else "",
                constant=item if isinstance(item, bytes) else None,
                more=behind + item.adjust if isinstance(item, Length) else None,
            )
            for item, layout, behind in zip(items, self._layouts, self._behind, strict=True)
        ]
        self.read: Callable[[bytes], tuple[int | None, int | None, int | None, int]] = read_header(
            self._struct, compiled, self._read
        )
        """Returns opcode, id and status, or None for each that the header has not, and the header's size.
        Raises CodecError."""
        self.write: Callable[[int, int, int, bytes], bytes] = write_header(
            self._struct, compiled, self._write
        )
        """
        Returns the frame of an opcode, an id, a status and a body. Raises CodecError if a number does not
        fit.
        """

    def _read(self, frame: bytes) -> tuple[int | None, int | None, int | None, int]:
        size = self._struct.size
        if len(frame) < size:
            raise CodecError(f"the header needs {size} bytes, but the frame has {len(frame)}")
        items = self._struct.unpack_from(frame)
        for index in self._checked:
            self._check(index, items, len(frame) - size)
        opcode, id, status = (
            None if index is None else self._layouts[index].from_items(items, self._places[index])
            for index in self._field_indexes
        )
        return opcode, id, status, size

    def _check(self, index: int, items: Sequence[Any], body: int) -> None:
        """Raise CodecError if a constant or a length is wrong, in a frame with a body of so many bytes."""
        item = self._items[index]
        try:
            found = self._layouts[index].from_items(items, self._places[index])
        except CodecError as error:
            raise inside("header", error) from None
        if isinstance(item, Length):
            expected = self._behind[index] + body + item.adjust
            if found != expected:
                raise inside("length", wrong(str(expected), found))

    def label(self, opcode: int | str) -> str:
        """Return the header for people, with the opcode as hexadecimal digits, or as given."""
        labels = []
        for item, layout in zip(self._items, self._layouts, strict=True):
            if item is OPCODE:
                labels.append(opcode if isinstance(opcode, str) else f"{opcode:0{self._opcode_digits}X}")
            elif isinstance(item, HeaderField | Length):
                name = item.value if isinstance(item, HeaderField) else "length"
                labels.append(f"{name}:{layout.label}")
            else:
                labels.append(layout.label)
        return " ".join(labels)

    def _write(self, opcode: int, id: int, status: int, body: bytes) -> bytes:
        values = {OPCODE: opcode, ID: id, STATUS: status}
        items: list[Any] = []
        for item, layout, behind in zip(self._items, self._layouts, self._behind, strict=True):
            try:
                if isinstance(item, Length):
                    layout.to_items(behind + len(body) + item.adjust, items)
                else:
                    layout.to_items(values.get(item), items)
            except CodecError as error:
                raise inside(item.value if isinstance(item, HeaderField) else "length", error) from None
        return self._struct.pack(*items) + body
