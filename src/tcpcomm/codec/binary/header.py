"""The header of binary messages: the bytes before the parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from enum import Enum
from itertools import accumulate
from typing import Any, Final

from attrs import field, frozen

from tcpcomm.codec.annotations import bare_type, metadata_of
from tcpcomm.codec.binary.codegen import read_item, write_item
from tcpcomm.codec.binary.fixed_size import LIST, FixedLayout, constant, joined, number, reserved
from tcpcomm.codec.binary.types import Int, Order
from tcpcomm.codec.codegen import FastPath
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


def _name(item: Any) -> str:
    if isinstance(item, HeaderField):
        return item.value
    return "length" if isinstance(item, Length) else "header"


def int_type(annotation: Any, subject: str) -> Int:
    """Return the Int of an annotation such as U16. Raises ConfigurationError if it has none."""
    found = next((note for note in reversed(metadata_of(annotation)) if isinstance(note, Int)), None)
    if found is None or bare_type(annotation) is not int:
        raise ConfigurationError(f"{subject} must be a whole number with its width, such as U16")
    return found


class Header:
    """
    A compiled header. Its reader and writer are generated, as :mod:`tcpcomm.codec.codegen` tells.

    For the header of Modbus, their statements are::

        items = c1(frame)                   # unpack
        if items[1] == b'\\x00\\x00' and items[2] == len(frame) + -6 and items[3] == b'\\x01':
            return items[4], items[0], None, 8

        return c1(id, b'\\x00\\x00', len(body) + 2, b'\\x01', opcode) + body

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
        self._opcode_digits = 2 * (types[OPCODE] or Int(1)).width
        id_type = types[ID] if ID in fields else None
        self.largest_id = None if id_type is None else (1 << 8 * id_type.width - id_type.signed) - 1
        """The greatest id; None if the header has no id."""
        layouts = [_layout(item, types, order) for item in items]
        self._whole = joined(order, [*zip(map(_name, items), layouts, strict=True)], LIST, "")
        behind = [self._whole.size - end for end in accumulate(layout.size for layout in layouts)]
        self._parts = [
            (item, layout, size + item.adjust if isinstance(item, Length) else 0)
            for item, layout, size in zip(items, layouts, behind, strict=True)
        ]
        """Items, their layouts, and for each Length its difference from the size of the body."""
        self.read = self._generate_read()
        """Returns opcode, id and status, or None for each that the header has not, and the header's size.
        Raises CodecError."""
        self.write = self._generate_write()
        """Returns the frame of an opcode, an id, a status and a body. Raises CodecError."""

    def _read(self, frame: bytes) -> tuple[int | None, int | None, int | None, int]:
        size = self._whole.size
        if len(frame) < size:
            raise CodecError(f"the header needs {size} bytes, but the frame has {len(frame)}")
        found: dict[Any, Any] = {}
        values = self._whole.from_items(self._whole.struct.unpack_from(frame), 0)
        for (item, _, more), value in zip(self._parts, values, strict=True):
            if isinstance(item, Length) and value != len(frame) - size + more:
                raise inside("length", wrong(str(len(frame) - size + more), value))
            found[item] = value
        return found.get(OPCODE), found.get(ID), found.get(STATUS), size

    def salvage(self, frame: bytes) -> tuple[int, int]:
        """Return opcode and id of a frame that this header does not fit; 0 for each that cannot be read."""
        if len(frame) < self._whole.size:
            return 0, 0
        items = self._whole.struct.unpack_from(frame)
        numbers = {OPCODE: 0, ID: 0}
        place = 0
        for item, layout, _ in self._parts:
            if item in numbers:
                with suppress(CodecError):
                    numbers[item] = layout.from_items(items, place)
            place += layout.items
        return numbers[OPCODE], numbers[ID]

    def repeat_constants(self, asked: Header, request: bytes, reply: bytes) -> bytes:
        """
        Return a reply that has the constant bytes of its request where both headers declare the same ones.

        Args:
            asked: the header of the request.
            request: a frame, whose constant bytes may differ from the declared ones.
            reply: a frame with this header.
        """
        if len(request) < asked._whole.size:
            return reply
        theirs = asked._constants()
        repeated = bytearray(reply)
        for at, content in self._constants():
            found = next((each for each in theirs if each[1] == content), None)
            if found is not None:
                theirs.remove(found)
                repeated[at : at + len(content)] = request[found[0] : found[0] + len(content)]
        return bytes(repeated)

    def _constants(self) -> list[tuple[int, bytes]]:
        """Return the constant bytes of this header, each with its place."""
        starts = accumulate((layout.size for _, layout, _ in self._parts), initial=0)
        pairs = zip(starts, self._parts, strict=False)
        return [(at, item) for at, (item, _, _) in pairs if isinstance(item, bytes)]

    def _write(self, opcode: int, id: int, status: int, body: bytes) -> bytes:
        numbers = {OPCODE: opcode, ID: id, STATUS: status}
        values = [
            len(body) + more if isinstance(item, Length) else numbers.get(item)
            for item, _, more in self._parts
        ]
        items: list[Any] = []
        self._whole.to_items(values, items)
        return self._whole.struct.pack(*items) + body

    def _generate_read(self) -> Callable[[bytes], tuple[int | None, int | None, int | None, int]]:
        function = FastPath("read", "frame", self._read, "header")
        found: dict[Any, str] = dict.fromkeys(HeaderField, "None")
        checks = []
        sent = [part for part in self._parts if part[1].items]
        for place, (item, layout, more) in enumerate(sent):
            value = read_item(function, layout, place)
            if isinstance(item, Length):
                checks.append(f"{value} == len(frame) + {more - self._whole.size}")
            elif isinstance(item, bytes):
                checks.append(f"items[{place}] == {item!r}")
            else:
                found[item] = value
        statements = [f"items = {function.constant(self._whole.struct.unpack_from)}(frame)"]
        if checks:
            statements.append(f"if {' and '.join(checks)}:")
        return function.compile([*statements, f"return {', '.join(found.values())}, {self._whole.size}"])

    def _generate_write(self) -> Callable[[int, int, int, bytes], bytes]:
        function = FastPath("write", "opcode, id, status, body", self._write, "header")
        written = []
        for item, layout, more in self._parts:
            if isinstance(item, bytes):
                written.append(repr(item))
            elif layout.items:
                value = f"len(body) + {more}" if isinstance(item, Length) else item.value
                written.append(write_item(function, layout, value))
        pack = function.constant(self._whole.struct.pack)
        return function.compile([f"return {pack}({', '.join(written)}) + body"])

    def label(self, opcode: int | str) -> str:
        """Return the header for people, with the opcode as hexadecimal digits, or as given."""
        labels = []
        for item, layout, _ in self._parts:
            if item is OPCODE:
                labels.append(opcode if isinstance(opcode, str) else f"{opcode:0{self._opcode_digits}X}")
            elif isinstance(item, HeaderField | Length):
                labels.append(f"{_name(item)}:{layout.label}")
            else:
                labels.append(layout.label)
        return " ".join(labels)
