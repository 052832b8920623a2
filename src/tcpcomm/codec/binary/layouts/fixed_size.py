"""
Values that take a fixed number of bytes: :class:`FixedLayout`, a run of items of one ``struct`` format.

Fields that stand side by side and have a fixed size, also in nested classes, are joined into one format, so
that one call of ``struct`` reads or writes them. An item in another byte order is read as bytes.
"""

from __future__ import annotations

import struct
from binascii import unhexlify
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum, Flag
from functools import cached_property
from itertools import accumulate
from numbers import Integral, Real
from operator import getitem
from random import Random
from typing import Any, Final, Literal, get_args, get_origin

from attrs import evolve, frozen

from tcpcomm.codec.annotations import (
    arguments_of,
    bare_type,
    fields_of,
    has_fields,
    takes_names_only,
    type_text,
)
from tcpcomm.codec.binary.layouts.forms import Form, hex_text, text_of, whole_number
from tcpcomm.codec.binary.layouts.marks import Marks
from tcpcomm.codec.binary.types import Bits, Float, Int, Order
from tcpcomm.codec.enum_values import Conversion, choice, flag
from tcpcomm.codec.problems import errors_at, inside, wrong
from tcpcomm.codec.random_values import draw, draw_accepted
from tcpcomm.codec.ranges import bounds_of, number_of
from tcpcomm.errors import CodecError, ConfigurationError

FromItems = Callable[[Sequence[Any], int], Any]
ToItems = Callable[[Any, list[Any]], None]

PREFIXES: Final = {"big": ">", "little": "<", "hex": ">"}
_CODES: Final = {1: "b", 2: "h", 4: "i", 8: "q"}


@frozen
class FixedLayout:
    """
    A layout of a fixed size.

    Attributes:
        order: the byte order.
        code: its struct format, without the byte order.
        items: the number of items that struct reads.
        from_items: returns the value, from the items and the index of its first one. Raises CodecError.
        to_items: appends the items of a value to a list. Raises CodecError.
        draw: draws a value.
        form: the layout as data.
        plain: int or float, if a value of exactly this type is its one item, and struct refuses a value
            that does not fit; None if values go through ``from_items`` and ``to_items``.
        bounds: the smallest and the largest value of a whole number that would be plain without its range;
            None in it is no limit. None for all others.
    """

    order: Order
    code: str
    items: int
    from_items: FromItems
    to_items: ToItems
    draw: Callable[[Random], Any]
    form: Form
    plain: type[int] | type[float] | None = None
    bounds: tuple[Any, Any] | None = None

    @cached_property
    def struct(self) -> struct.Struct:
        return struct.Struct(PREFIXES[self.order] + self.code)

    @cached_property
    def size(self) -> int:
        """Bytes."""
        return self.struct.size

    def pack(self, value: Any) -> bytes:
        """Return the bytes of a value. Raises CodecError."""
        items: list[Any] = []
        self.to_items(value, items)
        return self.struct.pack(*items)

    @property
    def label(self) -> str:
        """The layout for people: ``u16be``."""
        return text_of(self.form)


def number(annotation: Any, number_type: Int, order: Order, *, highest_first: bool = False) -> FixedLayout:
    """
    Return the layout of a whole number, or of a value that one encodes.

    Args:
        annotation: int, or the type of the value.
        number_type: the type of the number.
        order: the byte order, if ``number_type`` has none.
        highest_first: True if the first field of an attrs class has the highest bits.

    Raises:
        ConfigurationError: no number encodes such a value.
    """
    kind = bare_type(annotation)
    if number_type.signed and isinstance(kind, type) and (has_fields(kind) or issubclass(kind, Flag)):
        raise ConfigurationError(
            f"{type_text(kind)} consists of bits: use a number without a sign, such as U8"
        )
    plain, bits = _plain_number(number_type, order), 8 * number_type.width
    if has_fields(kind):
        return _bits(plain, kind, bits, highest_first=highest_first)
    if highest_first:
        raise ConfigurationError(f"HighestFirst() has no meaning for {type_text(kind)}")
    return _encoded_in(plain, annotation)


def _encoded_in(number: FixedLayout, annotation: Any) -> FixedLayout:
    """Return the layout of values that a number encodes."""
    kind = bare_type(annotation)
    if kind is int:
        return number
    if kind is bool:
        form = {"type": "bool", "in": number.form}
        return evolve(_one_of(number, {0: False, 1: True}, "bool"), form=form)
    if get_origin(kind) is Literal:
        return _one_of(number, {each: each for each in get_args(kind)}, type_text(kind))
    if isinstance(kind, type):
        if issubclass(kind, Flag):
            form = _members("flags", number, ((each.value, each.name) for each in kind))
            return _converted(number, *flag(kind), lambda random: draw(kind, random), form)
        if issubclass(kind, Enum):
            return _one_of(number, {each.value: each for each in kind}, kind.__name__)
    raise ConfigurationError(f"{type_text(kind)} cannot be encoded in a whole number")


def _plain_number(number_type: Int, default: Order) -> FixedLayout:
    order, width, signed = number_type.order or default, number_type.width, number_type.signed
    top = 1 << (8 * width - signed)
    form = whole_number(width, signed=signed, order=order)
    code = _CODES.get(width, "")
    number = _in_range(default, code if signed else code.upper(), -top if signed else 0, top - 1, form)
    if order == "hex":
        mask = 2 * top - 1 if signed else top - 1
        return _in_bytes(
            number,
            2 * width,
            lambda digits: int.from_bytes(_from_digits(digits), "big", signed=signed),
            lambda value: b"%0*X" % (2 * width, value & mask),
        )
    if code and default != "hex" and (order == default or width == 1):
        return number
    return _in_bytes(
        number,
        width,
        lambda content: int.from_bytes(content, order, signed=signed),
        lambda value: value.to_bytes(width, order, signed=signed),
    )


def _in_bytes(number: FixedLayout, width: int, read: Conversion, write: Conversion) -> FixedLayout:
    """Return the layout of numbers that struct does not read in this byte order, or in this width."""

    def from_items(items: Sequence[Any], at: int) -> Any:
        return read(items[at])

    def to_items(value: Any, items: list[Any]) -> None:
        number.to_items(value, items)
        items[-1] = write(items[-1])

    return evolve(number, code=f"{width}s", from_items=from_items, to_items=to_items, plain=None)


def _from_digits(digits: bytes) -> bytes:
    """Return the bytes that hexadecimal digits stand for. Raises CodecError."""
    try:
        return unhexlify(digits)
    except ValueError:
        raise wrong(f"{len(digits)} hexadecimal digits", digits) from None


def _in_range(order: Order, code: str, low: int, high: int, form: Form) -> FixedLayout:
    def to_items(value: Any, items: list[Any]) -> None:
        if type(value) is not int:
            if isinstance(value, bool) or not isinstance(value, Integral):
                raise wrong("a whole number", value)
            value = int(value)  # a number of numpy is not an int
        if not low <= value <= high:
            raise wrong(f"a whole number from {low} to {high}", value)
        items.append(value)

    def draw_number(random: Random) -> int:
        likely = random.randint(max(low, -99), min(high, 99))
        return random.choice((likely, random.randint(low, high), low, high))

    return FixedLayout(order, code, 1, getitem, to_items, draw_number, form, int)


def _converted(
    number: FixedLayout,
    read: Conversion,
    write: Conversion,
    draw_value: Callable[[Random], Any],
    form: Form,
) -> FixedLayout:
    def from_items(items: Sequence[Any], at: int) -> Any:
        return read(number.from_items(items, at))

    def to_items(value: Any, items: list[Any]) -> None:
        number.to_items(write(value), items)

    return evolve(number, from_items=from_items, to_items=to_items, draw=draw_value, form=form, plain=None)


def _one_of(number: FixedLayout, members: Mapping[Any, Any], name: str) -> FixedLayout:
    """Return the layout of one of several members, which are given by their numbers."""
    for value in members:
        try:
            number.to_items(value, [])
        except CodecError as error:
            raise ConfigurationError(f"{name}: each value {error.reason}") from None
    values = tuple(members.values())
    names = ((value, getattr(member, "name", "")) for value, member in members.items())
    form = _members("choice", number, names)
    read, write = choice(members, " | ".join(map(str, members)))
    return _converted(number, read, write, lambda random: random.choice(values), form)


def _members(kind: str, number: FixedLayout, pairs: Iterable[tuple[Any, Any]]) -> Form:
    values = [{"number": value, "name": name} for value, name in pairs]
    return {"type": kind, "in": number.form, "values": values}


def bit_field(annotation: Any) -> tuple[FixedLayout, int]:
    """Return the layout of a value in some bits of a number, and how many. Raises ConfigurationError."""
    marks = Marks(annotation)
    marks.only("a field of bits", Bits)
    note = marks.one(Bits)
    if note is None and bare_type(annotation) is not bool:
        raise ConfigurationError("say how many bits it has: Annotated[..., Bits(3)]")
    width = 1 if note is None else note.width
    number = _in_range("big", "Q", 0, (1 << width) - 1, {"type": "int", "bits": width})
    return within_range(_encoded_in(number, annotation), annotation), width


def _bits(number: FixedLayout, cls: type, available: int, *, highest_first: bool) -> FixedLayout:
    """Return the layout of a class of bits in one number."""
    fields: list[tuple[str, FixedLayout]] = []
    widths: list[int] = []
    for each in fields_of(cls):
        with errors_at(f"{cls.__name__}.{each.name}"):
            layout, width = bit_field(each.type)
        widths.append(width)
        fields.append((each.name, layout))
    if sum(widths) > available:
        raise ConfigurationError(f"{cls.__name__} has {sum(widths)} bits, but the number has {available}")
    shifts = [*accumulate(widths, initial=0)]
    if highest_first:
        shifts = [available - shift for shift in shifts[1:]]
    parts = [{"name": name, "form": part.form} for name, part in fields]
    form = {
        "type": "bits",
        "in": number.form,
        "first": "highest" if highest_first else "lowest",
        "fields": parts,
    }
    whole = joined("big", fields, class_record(cls), form)

    def read(value: int) -> Any:
        items = [value >> shift & (1 << width) - 1 for shift, width in zip(shifts, widths, strict=False)]
        return whole.from_items(items, 0)

    def write(value: Any) -> int:
        items: list[Any] = []
        whole.to_items(value, items)
        return sum(item << shift for item, shift in zip(items, shifts, strict=False))

    return _converted(number, read, write, whole.draw, form)


def real(number_type: Float, default: Order) -> FixedLayout:
    order, bits = number_type.order or default, 8 * number_type.width
    code = {4: "f", 8: "d"}[number_type.width]
    single = struct.Struct(PREFIXES[order] + code)

    def to_items(value: Any, items: list[Any]) -> None:
        if type(value) is not float and (isinstance(value, bool) or not isinstance(value, Real)):
            raise wrong("a number", value)
        try:
            items.append(float(value))
            single.pack(items[-1])
        except OverflowError:
            raise wrong(f"a number that {bits} bits can hold", value) from None

    def draw_real(random: Random) -> float:
        likely = round(random.uniform(-999, 999), 3)
        value = random.choice((likely, float(random.randint(-99, 99)), 1e-9, 1e30))
        return float(single.unpack(single.pack(value))[0])

    form = {"type": "float", "bytes": number_type.width, "order": order}
    number = FixedLayout(default, code, 1, getitem, to_items, draw_real, form, float)
    if order == "hex":
        return _in_bytes(
            number,
            2 * number_type.width,
            lambda digits: single.unpack(_from_digits(digits))[0],
            lambda value: single.pack(value).hex().upper().encode(),
        )
    if order == default:
        return number
    return _in_bytes(number, number_type.width, lambda content: single.unpack(content)[0], single.pack)


def within_range(layout: FixedLayout, annotation: Any) -> FixedLayout:
    """Return the layout of a number that is refused beyond the range of its annotation, if it has one."""
    limits = bounds_of(annotation)
    if limits is None:
        return layout
    kind = number_of(annotation)

    def settle(value: Any) -> Any:
        return layout.from_items(layout.struct.unpack(layout.pack(value)), 0)

    check = limits.check_at(settle)

    def from_items(items: Sequence[Any], at: int) -> Any:
        value = layout.from_items(items, at)
        check(value)
        return value

    def to_items(value: Any, items: list[Any]) -> None:
        layout.to_items(value, items)
        check(value)

    def draw_within(random: Random) -> Any:
        return limits.draw(kind, random, settle)

    return evolve(
        layout,
        from_items=from_items,
        to_items=to_items,
        draw=draw_within,
        plain=None,
        bounds=(limits.low, limits.high) if layout.plain is int else None,
    )


def constant(content: bytes, order: Order) -> FixedLayout:
    """Return the layout of bytes that are always the same, and have no value."""

    def from_items(items: Sequence[Any], at: int) -> None:
        if items[at] != content:
            raise CodecError(
                f"must have the bytes {hex_text(content)} beside it, not {hex_text(items[at])}"
            )

    def to_items(value: Any, items: list[Any]) -> None:
        items.append(content)

    code = f"{len(content)}s"
    form = {"type": "constant", "hex": hex_text(content)}
    return FixedLayout(order, code, 1, from_items, to_items, lambda random: None, form)


def reserved(content: int | bytes, order: Order) -> FixedLayout:
    """
    Return the layout of bytes that are skipped, and have no value.

    Args:
        content: the number of the bytes, which are sent as zero, or the bytes that are sent.
        order: the byte order.
    """
    if isinstance(content, int):
        code, items, form = f"{content}x", 0, {"type": "skip", "bytes": content}
    else:
        code, items = f"{len(content)}s", 1
        form = {"type": "skip", "bytes": len(content), "hex": hex_text(content)}

    def to_items(value: Any, items: list[Any]) -> None:
        if isinstance(content, bytes):
            items.append(content)

    return FixedLayout(order, code, items, lambda items, at: None, to_items, lambda random: None, form)


@frozen
class RecordType:
    """
    A type of values that consist of the values of several fields.

    Attributes:
        make: makes a value of the values of its fields. Raises CodecError if a validator refuses them.
        split: returns the values of the fields of a value. Raises CodecError if its type is wrong.
        kind: dict or an attrs class, if functions that read and write its values can be generated.
    """

    make: Callable[[list[Any]], Any]
    split: Callable[[Any], Sequence[Any]]
    kind: type[Any] | None = None


LIST: Final = RecordType(lambda values: values, lambda values: values)
"""Records that are lists."""


def class_record(cls: type) -> RecordType:
    fields = fields_of(cls)
    names = [each.name for each in fields]
    aliases = [*arguments_of(cls).values()]
    by_name = takes_names_only(cls)

    def make(values: list[Any]) -> Any:
        try:
            return cls(**dict(zip(aliases, values, strict=True))) if by_name else cls(*values)
        except CodecError:
            raise
        except Exception as error:  # a validator may raise any exception
            raise CodecError(str(error.args[0]) if error.args else type(error).__name__) from None

    def split(value: Any) -> list[Any]:
        if type(value) is not cls:
            raise wrong(f"a {cls.__name__}", value)
        return [getattr(value, name) for name in names]

    return RecordType(make, split, cls)


def joined(
    order: Order, fields: Sequence[tuple[str, FixedLayout]], record_type: RecordType, form: Form
) -> FixedLayout:
    """Return several layouts that stand side by side as one. Each has a name or a place, as ``[2]``."""
    places = [*accumulate((layout.items for _, layout in fields), initial=0)]
    readers = [(place, layout.from_items) for (_, layout), place in zip(fields, places, strict=False)]
    writers = [layout.to_items for _, layout in fields]
    make, split = record_type.make, record_type.split

    def from_items(items: Sequence[Any], at: int) -> Any:
        found: list[Any] = []
        try:
            for place, read in readers:
                found.append(read(items, at + place))
        except CodecError as error:
            raise inside(fields[len(found)][0], error) from None
        return make(found)

    def to_items(value: Any, items: list[Any]) -> None:
        values = split(value)
        index = 0
        try:
            for index, write in enumerate(writers):
                write(values[index], items)
        except CodecError as error:
            raise inside(fields[index][0], error) from None

    def draw_record(random: Random) -> Any:
        name = type_text(record_type.kind)
        return draw_accepted(lambda: [layout.draw(random) for _, layout in fields], make, name)

    code = "".join(layout.code for _, layout in fields)
    return FixedLayout(order, code, places[-1], from_items, to_items, draw_record, form)
