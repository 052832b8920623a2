"""The header of binary messages: the bytes before the parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from enum import Enum
from itertools import accumulate
from struct import Struct
from typing import Any, Final

from attrs import evolve, field, frozen

from tcpcomm.codec.binary.layouts.codegen import read_item, write_item
from tcpcomm.codec.binary.layouts.fixed_size import (
    LIST,
    PREFIXES,
    FixedLayout,
    constant,
    joined,
    number,
    reserved,
)
from tcpcomm.codec.binary.layouts.forms import NOTHING, Form, hex_text
from tcpcomm.codec.binary.opcodes import int_type
from tcpcomm.codec.binary.types import Order, Skip
from tcpcomm.codec.binary.variables import WANTS_REPLY, Echo, HeaderValue, WantsReply
from tcpcomm.codec.codegen import FastPath, Source
from tcpcomm.codec.problems import errors_at, inside, wrong
from tcpcomm.errors import CodecError, ConfigurationError, EncodeError
from tcpcomm.framing.base import Framing

LayoutOf = Callable[[Any], FixedLayout | None]
"""Returns the layout of a type, or None if its size is not fixed."""


class HeaderField(Enum):
    """A number in a header that has a meaning."""

    OPCODE = "opcode"
    ID = "id"
    STATUS = "status"


OPCODE: Final = HeaderField.OPCODE
"""The slot of a header for the number of the command or event."""
ID: Final = HeaderField.ID
"""The slot of a header for the id that a reply has from its request."""
STATUS: Final = HeaderField.STATUS
"""The slot of a header for the code of a reply: good, or a fault."""


@frozen
class Length:
    """
    A header field that counts the bytes behind it, to the end of the frame.

    Use it if the framing leaves the length in the frame. It is written, and checked when it is read. The
    frame is the one that the codec sees: a checksum that ``Checked`` takes off its end is not counted.

    Args:
        type: the type of the number: ``U16``, ``U32``, ...
        adjust: a number that is added to the count: 2 if the field also counts its own two bytes, or the
            two bytes of such a checksum.
        of: a function for a length that counts only a part of the frame: it gets the bytes behind the
            whole header, and returns the number of those that are counted. It gets what a peer sends, and
            must not raise. Manuals show its name. None: all bytes behind the field are counted.
    """

    type: Any
    adjust: int = field(default=0, kw_only=True)
    of: Callable[[bytes], int] | None = field(default=None, kw_only=True)

    @property
    def name(self) -> str:
        """The name for people: "length", or the name of the part that the field counts."""
        return "length" if self.of is None else self.of.__name__.strip("_")


@frozen
class Check:
    """
    A header field that follows from the bytes of the header in front of it, such as their sum.

    It is written, and checked when it is read. A checksum over a whole frame is a framing: ``Checked``.

    Args:
        type: the type of the number: ``U8``, ``U16``, ...
        of: returns the number for the bytes in front of the field. Manuals have its name.
        zero_is_unchecked: True if zero means that the sender has not computed it.
    """

    type: Any
    of: Callable[[bytes], int]
    zero_is_unchecked: bool = field(default=False, kw_only=True)

    @property
    def name(self) -> str:
        """The name for people: that of the function."""
        return self.of.__name__.strip("_")


def _layout(
    item: Any, types: Mapping[HeaderField, FixedLayout | None], order: Order, layout_of: LayoutOf
) -> FixedLayout:
    if isinstance(item, HeaderField):
        found = types[item]
        if found is None:
            raise ConfigurationError(
                f"{item.name} is in a header, but {item.value}= does not give its type, such as U16"
            )
        return found
    if isinstance(item, Length):
        return number(int, int_type(item.type, "the type of Length"), order)
    if isinstance(item, Skip):
        return reserved(item.content, order)
    if isinstance(item, Check):
        return reserved(int_type(item.type, "the type of Check").width, order)  # see Header._patched
    if isinstance(item, WantsReply):
        return _yes_or_no(item, number(int, int_type(item.type, "the type of WantsReply"), order))
    if isinstance(item, HeaderValue):
        with errors_at(item.name or type(item).__name__):
            layout = layout_of(item.type)
            if layout is None:
                raise ConfigurationError("a value in a header must have a fixed size, such as U16")
            _check_default(item, layout)
        return layout
    if isinstance(item, bytes) and item:
        return constant(item, order)
    raise ConfigurationError(
        "a header is made of OPCODE, ID, STATUS, Length, Skip, Check, Echo, Var, WantsReply, and bytes, "
        f"not {item!r}"
    )


def _check_default(item: HeaderValue[Any], layout: FixedLayout) -> None:
    try:
        layout.to_items(item.default, [])
    except CodecError as error:
        raise ConfigurationError(f"its default does not fit: {error}") from None


def _yes_or_no(item: WantsReply, found: FixedLayout) -> FixedLayout:
    """Return the layout of a bool in the two numbers of a WantsReply."""
    found.to_items(item.yes, [])
    found.to_items(item.no, [])

    def from_items(items: Sequence[Any], at: int) -> bool:
        value = found.from_items(items, at)
        if value not in (item.yes, item.no):
            raise wrong(f"{item.yes} or {item.no}", value)
        return bool(value == item.yes)

    def to_items(value: Any, items: list[Any]) -> None:
        found.to_items(item.yes if value else item.no, items)

    form = {"type": "wish", "in": found.form, "yes": item.yes, "no": item.no}
    return evolve(found, from_items=from_items, to_items=to_items, form=form, plain=None, bounds=None)


def _counted(item: Length, body: bytes, more: int) -> int:
    """Return the number in a Length. ``more`` is its difference from the size of the body."""
    return len(body) + more if item.of is None else item.of(body) + item.adjust


def _name(item: Any) -> str:
    if isinstance(item, HeaderField):
        return item.value
    if isinstance(item, HeaderValue):
        return item.name
    if isinstance(item, WantsReply):
        return WANTS_REPLY
    return item.name if isinstance(item, Length) else "header"


class Header:
    """
    A compiled header. Its reader and writer are generated, as :mod:`tcpcomm.codec.codegen` tells.

    For the header of Modbus, their statements are::

        items = c1(frame)                   # unpack
        if items[1] == b'\\x00\\x00' and items[2] == len(frame) + -6 and items[3] == b'\\x01':
            return items[4], items[0], None, 8

        return c1(id, b'\\x00\\x00', len(body) + 2, b'\\x01', opcode) + body

    Args:
        items: header fields, :class:`Length`, :class:`Skip`, values that vary, and constant bytes.
        types: the layout of each header field; None if it has none.
        order: the byte order.
        layout_of: returns the layout of a type, or None if its size is not fixed.
        largest_id: the greatest id, if the header has one.

    Raises:
        ConfigurationError: a field is there twice, or has no type.
    """

    def __init__(
        self,
        items: Sequence[Any],
        types: Mapping[HeaderField, FixedLayout | None],
        order: Order,
        layout_of: LayoutOf,
        largest_id: int | None = None,
    ) -> None:
        once = [item for item in items if isinstance(item, HeaderField | HeaderValue | WantsReply)]
        for item in once:
            if _name(item) and [*map(_name, once)].count(_name(item)) > 1:
                shown = item.name if isinstance(item, HeaderField) else _name(item)
                raise ConfigurationError(f"{shown} is in a header twice")
        self.fields = frozenset(item for item in items if isinstance(item, HeaderField))
        self.largest_id = largest_id if ID in self.fields else None
        """The greatest id; None if the header has no id."""
        self.values = {item.name: item for item in items if isinstance(item, HeaderValue)}
        """The values that vary, by name."""
        self.tells_wish = any(isinstance(item, WantsReply) for item in items)
        """True if the header says whether a reply is wanted."""
        layouts = [_layout(item, types, order, layout_of) for item in items]
        self._whole = joined(order, [*zip(map(_name, items), layouts, strict=True)], LIST, NOTHING)
        behind = [self._whole.size - end for end in accumulate(layout.size for layout in layouts)]
        self._parts = [
            (item, layout, size + item.adjust if isinstance(item, Length) else 0)
            for item, layout, size in zip(items, layouts, behind, strict=True)
        ]
        """Items, their layouts, and for each Length its difference from the size of the body."""
        self._fixed = self._constants()
        starts = accumulate((layout.size for layout in layouts), initial=0)
        self._checks = [
            (item, number(int, int_type(item.type, "the type of Check"), order), at)
            for item, at in zip(items, starts, strict=False)
            if isinstance(item, Check)
        ]
        """The fields that follow from the bytes in front of them, their layouts, and their places."""
        self.read: Callable[[bytes], Any] = self._read
        """Returns opcode, id and status, or None for each that the header has not, and the header's size.
        Raises CodecError."""
        self.write: Callable[..., bytes] = self._write
        """Returns the frame of an opcode, an id, a status and a body. Raises CodecError."""
        self.read_values: Callable[[bytes], Any] = self._read_values
        """Returns what :attr:`read` returns, and the values that vary, by name. Raises CodecError."""
        self.write_values: Callable[..., bytes] = self._write_values
        """Returns the frame of an opcode, an id, a status, a body and values. Raises CodecError."""

    def generate(self, *, with_values: bool) -> None:
        """
        Generate the readers and writers, which take the place of the general code.

        Args:
            with_values: False if values that vary are not read and not written.

        Raises:
            ConfigurationError: a value has no name. A class gives the names to its attributes.
        """
        self._check_names()
        self.read = self._generate_read(with_values=False)
        self.write = self._generate_write(with_values=False)
        if with_values:
            self.read_values = self._generate_read(with_values=True)
            self.write_values = self._generate_write(with_values=True)
        if self._checks:
            self.read, self.read_values = map(self._verifying, (self.read, self.read_values))
            self.write, self.write_values = map(self._patching, (self.write, self.write_values))

    def _verifying(self, read: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
        """Return a reader that refuses a frame with a wrong check."""

        def verify(frame: bytes) -> Any:
            found = read(frame)
            for check, layout, at in self._checks:
                value = layout.from_items(layout.struct.unpack_from(frame, at), 0)
                expected = check.of(frame[:at])
                if value != expected and (value or not check.zero_is_unchecked):
                    raise inside(check.name, wrong(str(expected), value))
            return found

        return verify

    def _patching(self, write: Callable[..., bytes]) -> Callable[..., bytes]:
        """Return a writer that computes the checks."""
        return lambda *args: self._patched(write(*args))

    def _patched(self, frame: bytes) -> bytes:
        """Return a frame with its checks, which are written as zeros at first."""
        for check, layout, at in self._checks:
            written = layout.pack(check.of(frame[:at]))
            frame = b"".join((frame[:at], written, frame[at + len(written) :]))
        return frame

    def _check_names(self) -> None:
        for item in self.values.values():
            if not item.name:
                raise ConfigurationError(
                    f"{item!r} in a header has no name: make it an attribute of the class, or give it name="
                )

    def _read(self, frame: bytes) -> tuple[Any, int | None, int | None, int]:
        return self._read_values(frame)[:4]

    def _read_values(self, frame: bytes) -> tuple[Any, int | None, int | None, int, dict[str, Any]]:
        size = self._whole.size
        if len(frame) < size:
            raise CodecError(f"the header needs {size} bytes, but the frame has {len(frame)}")
        found: dict[Any, Any] = {}
        values = {}
        parts = self._whole.from_items(self._whole.struct.unpack_from(frame), 0)
        for (item, _, more), value in zip(self._parts, parts, strict=True):
            if isinstance(item, Length):
                counted = _counted(item, frame[size:], more)
                if value != counted:
                    raise inside(item.name, wrong(str(counted), value))
            if isinstance(item, HeaderValue | WantsReply):
                values[_name(item)] = value
            else:
                found[item] = value
        return found.get(OPCODE), found.get(ID), found.get(STATUS), size, values

    def salvage(self, frame: bytes) -> tuple[Any, int, dict[str, Any]]:
        """
        Return opcode, id and values of a frame that this header does not fit.

        The opcode is None and the id is 0 if they cannot be read. Values that cannot be read are left out.
        """
        values: dict[str, Any] = {}
        if len(frame) < self._whole.size:
            return None, 0, values
        items = self._whole.struct.unpack_from(frame)
        numbers: dict[Any, Any] = {OPCODE: None, ID: 0}
        place = 0
        for item, layout, _ in self._parts:
            with suppress(CodecError):
                if isinstance(item, HeaderField):
                    numbers[item] = layout.from_items(items, place)
                elif isinstance(item, HeaderValue):
                    values[item.name] = layout.from_items(items, place)
            place += layout.items
        return numbers[OPCODE], numbers[ID], values

    def has_constants(self, frame: bytes) -> bool:
        """Return True if a frame has the constant bytes of this header. It costs less than an error."""
        return all(frame.startswith(content, at) for at, content in self._fixed)

    def differing(self, frame: bytes) -> str | None:
        """Return the first constant bytes that differ in a frame, and their place, or None if none do."""
        for at, content in self._constants():
            found = frame[at : at + len(content)]
            if found != content:
                place = f"byte {at}" if len(content) == 1 else f"bytes {at} to {at + len(content) - 1}"
                return f"{place} must be {hex_text(content)}, not {hex_text(found)}"
        return None

    def repeat_constants(self, asked: Header, request: bytes, reply: bytes) -> bytes:
        """
        Return a reply that has the constant bytes of its request where both headers declare the same ones.

        Args:
            asked: the header of the request.
            request: a frame; its constant bytes may differ from the declared ones.
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
        return self._patched(bytes(repeated))

    def _constants(self) -> list[tuple[int, bytes]]:
        """Return the constant bytes of this header, each with its place."""
        starts = accumulate((layout.size for _, layout, _ in self._parts), initial=0)
        pairs = zip(starts, self._parts, strict=False)
        return [(at, item) for at, (item, _, _) in pairs if isinstance(item, bytes)]

    def _write(self, opcode: Any, id: int, status: int, body: bytes) -> bytes:
        return self._write_values(opcode, id, status, body, self._defaults())

    def _defaults(self) -> dict[str, Any]:
        return {WANTS_REPLY: False, **{name: item.default for name, item in self.values.items()}}

    def _write_values(
        self, opcode: Any, id: int, status: int, body: bytes, values: Mapping[str, Any]
    ) -> bytes:
        numbers = {OPCODE: opcode, ID: id, STATUS: status}
        parts: list[Any] = []
        for item, _, more in self._parts:
            if isinstance(item, Length):
                parts.append(_counted(item, body, more))
            elif isinstance(item, HeaderValue | WantsReply):
                parts.append(values[_name(item)])
            else:
                parts.append(numbers.get(item))
        return self._whole.pack(parts) + body

    def _generate_read(self, *, with_values: bool) -> Callable[[bytes], Any]:
        fallback = self._read_values if with_values else self._read
        function = FastPath("read", "frame", fallback, "header")
        found: dict[Any, str] = dict.fromkeys(HeaderField, "None")
        values = []
        checks = []
        place = 0
        for item, layout, more in self._parts:
            if layout.items:
                value = read_item(function, layout, place)
                if isinstance(item, Length):
                    counted = f"len(frame) + {more - self._whole.size}"
                    if item.of is not None:
                        part = function.constant(item.of)
                        counted = f"{part}(frame[{self._whole.size}:]) + {item.adjust}"
                    checks.append(f"{value} == {counted}")
                elif isinstance(item, bytes):
                    checks.append(f"items[{place}] == {item!r}")
                elif isinstance(item, HeaderField):
                    found[item] = value
                elif isinstance(item, Skip):
                    pass
                elif with_values or layout.plain is None:
                    values.append(f"{_name(item)!r}: {value}")
            place += layout.items
        statements = [f"items = {function.constant(self._whole.struct.unpack_from)}(frame)"]
        if checks:
            statements.append(f"if {' and '.join(checks)}:")
        returned = [*found.values(), f"{self._whole.size}"]
        if with_values:
            returned.append(f"{{{', '.join(values)}}}")
        elif values:  # read them to refuse wrong ones
            statements.append(f"{{{', '.join(values)}}}")
        return function.compile([*statements, f"return {', '.join(returned)}"])

    def _generate_write(self, *, with_values: bool) -> Callable[..., bytes]:
        fallback = self._write_values if with_values else self._write
        parameters = "opcode, id, status, body" + ", values" * with_values
        function = FastPath("write", parameters, fallback, "header")
        defaults = self._defaults()
        statements = []
        conditions = []
        written = []
        for index, (item, layout, more) in enumerate(self._parts):
            if isinstance(item, bytes):
                written.append(repr(item))
            elif isinstance(item, Skip):
                if layout.items:
                    written.append(repr(item.content))
            elif isinstance(item, HeaderValue | WantsReply):
                variable = f"v{index}"
                name = _name(item)
                value = f"values[{name!r}]" if with_values else function.constant(defaults[name])
                statements.append(f"{variable} = {value}")
                if layout.plain is not None:
                    conditions.append(f"type({variable}) is {layout.plain.__name__}")
                written.append(write_item(function, layout, variable))
            elif layout.items:
                value = f"len(body) + {more}" if isinstance(item, Length) else item.value
                if isinstance(item, Length) and item.of is not None:
                    value = f"{function.constant(item.of)}(body) + {item.adjust}"
                written.append(write_item(function, layout, value))
        if conditions and with_values:
            statements.append(f"if {' and '.join(conditions)}:")
        pack = function.constant(self._whole.struct.pack)
        return function.compile([*statements, f"return {pack}({', '.join(written)}) + body"])

    @property
    def has_source(self) -> bool:
        """True if a loop can read and write it: no value varies, and nothing follows from other bytes."""
        plain = all(layout.plain is not None for item, layout, _ in self._parts if item is ID)
        return plain and not (self.values or self.tells_wish or self._checks)

    @property
    def has_opcode(self) -> bool:
        """True if one of its fields is the opcode."""
        return any(item is OPCODE for item, _, _ in self._parts)

    @property
    def place_of_opcode(self) -> slice:
        """The bytes of the opcode."""
        starts = accumulate((layout.size for _, layout, _ in self._parts), initial=0)
        found = zip(starts, self._parts, strict=False)
        return next(slice(at, at + part[1].size) for at, part in found if part[0] is OPCODE)

    def read_source(self, source: Source, body: FixedLayout) -> tuple[list[str], str, int]:
        """
        Return the statements that read a frame with a known opcode, and a body of a fixed size behind it.

        They set ``items``, or raise. The others are the source of the id, and the place of the first item
        of the body.
        """
        form = Struct(f"{PREFIXES[self._whole.order]}{self._whole.code}{body.code}")
        id, checks, place = "0", [], 0
        for item, layout, more in self._parts:
            if item is ID:
                id = f"items[{place}]"
            elif isinstance(item, bytes):
                checks.append(f"items[{place}] == {item!r}")
            elif isinstance(item, Length):
                counted = f"{form.size - self._whole.size + more}"
                if item.of is not None:
                    part = source.constant(item.of)
                    counted = f"{part}(frame[{self._whole.size}:]) + {item.adjust}"
                checks.append(f"{read_item(source, layout, place)} == {counted}")
            place += layout.items
        statements = [f"items = {source.constant(form.unpack, 'unpack')}(frame)"]
        if checks:
            statements.append(f"if not ({' and '.join(checks)}): raise ValueError")
        return statements, id, place

    def frames_itself(self, opcode: Any, status: int, sent: Framing) -> bool:
        """
        Return True if the framing adds nothing to short frames with this opcode and status.

        Both lengths, in the header and in the framing, grow with the body. So it is enough to compare them
        for two sizes, with the least and the greatest id.
        """
        if any(isinstance(item, Length) and item.of is not None for item, _, _ in self._parts):
            return False
        ids, bodies = (0, self.largest_id or 0), (b"", b"x")
        frames = [self.write(opcode, id, status, body) for id in ids for body in bodies]
        try:
            return [*map(sent.encode, frames)] == frames
        except EncodeError:
            return False

    def write_source(self, source: Source, opcode: Any, status: int, id: str) -> str:
        """Return the source of a frame, given the source of its id, with the bytes of ``body`` behind."""
        numbers = {OPCODE: source.constant(opcode, "opcode"), ID: id, STATUS: str(status)}
        written = []
        for item, layout, more in self._parts:
            if isinstance(item, Length):
                part = None if item.of is None else source.constant(item.of)
                counted = f"len(body) + {more}" if part is None else f"{part}(body) + {item.adjust}"
                written.append(write_item(source, layout, counted))
            elif isinstance(item, HeaderField):
                written.append(write_item(source, layout, numbers[item]))
            elif layout.items:
                written.append(repr(item.content if isinstance(item, Skip) else item))
        return f"{source.constant(self._whole.struct.pack, 'pack')}({', '.join(written)}) + body"

    def label(self, opcode: str, status: str = "", *, answers: bool = False) -> str:
        """
        Return the header for people.

        Args:
            opcode: the opcode.
            status: the good statuses, if this is the header of a reply.
            answers: True if this is the header of a reply or a fault.
        """
        labels = []
        for item, layout, _ in self._parts:
            if item is OPCODE:
                labels.append(opcode)
            elif item is STATUS and status:
                labels.append(f"status:{layout.label}({status})")
            elif isinstance(item, WantsReply):
                labels.append(layout.label)
            elif isinstance(item, HeaderValue):
                text = f"default {hex_text(layout.pack(item.default))}"
                if answers:
                    text = "as in the request" if isinstance(item, Echo) else "for later requests"
                labels.append(f"{item.name}:{layout.label}({text})")
            elif isinstance(item, HeaderField):
                labels.append(f"{_name(item)}:{layout.label}")
            elif isinstance(item, Check):
                made = next(layout for check, layout, _ in self._checks if check is item)
                labels.append(f"{item.name}:{made.label}")
            elif isinstance(item, Length):
                labels.append(f"{item.name}:{layout.label}" + (f"{item.adjust:+}" if item.adjust else ""))
            else:
                labels.append(layout.label)
        return " ".join(labels)

    def form(self, opcode: Any = None) -> list[Form]:
        """Return the header as data, with the bytes of the opcode in hex if it is always the same."""
        found: list[Form] = []
        for item, layout, _ in self._parts:
            each: Form = {"form": layout.form}
            if isinstance(item, HeaderField | HeaderValue | WantsReply | Length):
                each = {"name": _name(item), **each}
            if isinstance(item, Check):
                made = next(layout for check, layout, _ in self._checks if check is item)
                each = {"name": item.name, "form": made.form, "of": "the bytes in front"}
            if item is OPCODE and opcode is not None:
                each["always"] = hex_text(layout.pack(opcode))
            elif isinstance(item, Length):
                each["adjust"] = item.adjust
                if item.of is not None:
                    each["of"] = "a part"
            elif isinstance(item, HeaderValue):
                each["default"] = hex_text(layout.pack(item.default))
                each["in replies"] = "repeated" if isinstance(item, Echo) else "learned by the host"
            elif isinstance(item, WantsReply):
                each |= {"yes": item.yes, "no": item.no}
            found.append(each)
        return found
