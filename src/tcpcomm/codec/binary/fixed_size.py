"""
Values that take a fixed number of bytes: :class:`Packed`, the run of items of one ``struct`` format.

A packed layout is a piece of a format and two functions between its items and its value. So whatever stands
side by side and has a fixed size, nested classes with it, is joined into one format, and one call of
``struct`` reads or writes it. Items in the other byte order than the codec's are taken as bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum, Flag
from functools import cached_property
from itertools import accumulate
from numbers import Integral, Real
from operator import getitem
from random import Random
from typing import Any, Final, Literal, get_args, get_origin

import attrs
from attrs import evolve, frozen

from tcpcomm.codec.annotations import bare_type, fields_of, metadata_of, type_text
from tcpcomm.codec.binary.types import Bits, Float, Int, Order
from tcpcomm.codec.json.value_types import Step, choice, flag
from tcpcomm.codec.problems import inside, wrong
from tcpcomm.codec.random_values import TRIES, draw
from tcpcomm.errors import CodecError, ConfigurationError

__all__ = [
    "PREFIXES",
    "Gather",
    "Packed",
    "Spread",
    "accepted",
    "constant",
    "group",
    "maker",
    "number",
    "real",
    "reserved",
]

Gather = Callable[[Sequence[Any], int], Any]
Spread = Callable[[Any, list[Any]], None]

PREFIXES: Final = {"big": ">", "little": "<"}
_CODES: Final = {1: "b", 2: "h", 4: "i", 8: "q"}


@frozen
class Packed:
    """
    A layout of a fixed size.

    Attributes:
        code: its piece of a struct format, without the byte order.
        items: how many items struct makes of it.
        gather: the value, from items and the place of its first one. Raises CodecError.
        spread: appends the items of a value to a list. Raises CodecError.
        draw: draws a value.
        label: for people: ``u16be``.
        plain: int or float, where a value of just this type is its one item, and struct refuses what does
            not fit; None where it takes ``gather`` and ``spread``.
    """

    order: Order
    code: str
    items: int
    gather: Gather
    spread: Spread
    draw: Callable[[Random], Any]
    label: str
    plain: type[int] | type[float] | None = None

    @cached_property
    def struct(self) -> struct.Struct:
        return struct.Struct(PREFIXES[self.order] + self.code)

    @cached_property
    def size(self) -> int:
        """Bytes."""
        return self.struct.size


def number(annotation: Any, mark: Int, order: Order) -> Packed:
    """
    A whole number, or what stands for one.

    Raises:
        ConfigurationError: no such value can stand in a whole number.
    """
    kind = bare_type(annotation)
    if mark.signed and isinstance(kind, type) and (attrs.has(kind) or issubclass(kind, Flag)):
        raise ConfigurationError(
            f"{type_text(kind)} is made of bits, which stand in a number without a sign, such as U8"
        )
    return _standing_in(_whole(mark, order), annotation, 8 * mark.width)


def _standing_in(whole: Packed, annotation: Any, bits: int) -> Packed:
    kind = bare_type(annotation)
    if kind is int:
        return whole
    if kind is bool:
        label = "bool" if bits <= 8 else whole.label
        return evolve(_one_of(whole, {0: False, 1: True}, "bool"), label=label)
    if get_origin(kind) is Literal:
        return _one_of(whole, {each: each for each in get_args(kind)}, type_text(kind))
    if isinstance(kind, type):
        if issubclass(kind, Flag):
            shape = flag(kind)
            members = _numbered((each.value, each.name) for each in kind)
            return _converted(whole, shape.read, shape.write, lambda random: draw(kind, random), members)
        if issubclass(kind, Enum):
            return _one_of(whole, {each.value: each for each in kind}, kind.__name__)
        if attrs.has(kind):
            return _bits(whole, kind, bits)
    raise ConfigurationError(f"{type_text(kind)} cannot stand in a whole number")


def _whole(mark: Int, order: Order) -> Packed:
    """A whole number as such."""
    own, width, signed = mark.order or order, mark.width, mark.signed
    top = 1 << (8 * width - signed)
    check, draw_number = _between(-top if signed else 0, top - 1)
    label = f"{'i' if signed else 'u'}{8 * width}" + ("" if width == 1 else f"{own[0]}e")
    if width in _CODES and (own == order or width == 1):
        code = _CODES[width] if signed else _CODES[width].upper()
        return Packed(
            order, code, 1, getitem, lambda value, into: into.append(check(value)), draw_number, label, int
        )

    def gather(items: Sequence[Any], at: int) -> int:
        return int.from_bytes(items[at], own, signed=signed)

    def spread(value: Any, into: list[Any]) -> None:
        into.append(check(value).to_bytes(width, own, signed=signed))

    return Packed(order, f"{width}s", 1, gather, spread, draw_number, label)


def _between(low: int, high: int) -> tuple[Step, Callable[[Random], int]]:
    """A check for whole numbers in a range, and a way to draw one."""

    def check(value: Any) -> Any:
        if type(value) is not int:
            if isinstance(value, bool) or not isinstance(value, Integral):
                raise wrong("a whole number", value)
            value = int(value)  # numpy's are no int
        if not low <= value <= high:
            raise wrong(f"a whole number from {low} to {high}", value)
        return value

    def draw_number(random: Random) -> int:
        likely = random.randint(max(low, -99), min(high, 99))
        return random.choice((likely, random.randint(low, high), low, high))

    return check, draw_number


def _converted(
    whole: Packed, read: Step, write: Step, draw_value: Callable[[Random], Any], label: str
) -> Packed:
    """A value that stands in a whole number."""

    def gather(items: Sequence[Any], at: int) -> Any:
        return read(whole.gather(items, at))

    def spread(value: Any, into: list[Any]) -> None:
        whole.spread(write(value), into)

    label = whole.label + label
    return evolve(whole, gather=gather, spread=spread, draw=draw_value, label=label, plain=None)


def _one_of(whole: Packed, members: Mapping[Any, Any], name: str) -> Packed:
    """One of several values, each with its number."""
    for value in members:
        try:
            whole.spread(value, [])
        except CodecError as error:
            raise ConfigurationError(f"{name}: each value {error.reason}") from None
    shape = choice(members, name)
    values = tuple(members.values())
    label = _numbered((value, getattr(member, "name", "")) for value, member in members.items())
    return _converted(whole, shape.read, shape.write, lambda random: random.choice(values), label)


def _numbered(pairs: Iterable[tuple[Any, Any]]) -> str:
    return f"({' '.join(f'{value}={name}' if name else f'{value}' for value, name in pairs)})"


def _bits(whole: Packed, cls: type, available: int) -> Packed:
    """An attrs class whose fields are bits of one number, the lowest first. Bits left over are skipped."""
    names, widths, parts = [], [], []
    for each in fields_of(cls):
        width = next((note.width for note in metadata_of(each.type) if isinstance(note, Bits)), None)
        if width is None and bare_type(each.type) is not bool:
            raise ConfigurationError(
                f"{cls.__name__}.{each.name}: say how many bits it has: Annotated[..., Bits(3)]"
            )
        width = width or 1
        check, draw_number = _between(0, (1 << width) - 1)
        bits = Packed("big", "Q", 1, getitem, _appended(check), draw_number, "")
        names.append(each.name)
        widths.append(width)
        parts.append(_standing_in(bits, each.type, width))
    if sum(widths) > available:
        raise ConfigurationError(f"{cls.__name__} has {sum(widths)} bits: they do not fit into {available}")
    shifts = [0, *accumulate(widths)]
    masks = [(1 << width) - 1 for width in widths]
    plan = [*zip(names, shifts, masks, parts, strict=False)]
    make = maker(cls)

    def read(value: int) -> Any:
        found: list[Any] = []
        try:
            for _, shift, mask, part in plan:
                found.append(part.gather((value >> shift & mask,), 0))
        except CodecError as error:
            raise inside(names[len(found)], error) from None
        return make(found)

    def write(value: Any) -> int:
        if type(value) is not cls:
            raise wrong(f"a {cls.__name__}", value)
        name = ""
        items: list[int] = []
        try:
            for name, _, _, part in plan:
                part.spread(getattr(value, name), items)
        except CodecError as error:
            raise inside(name, error) from None
        return sum(item << shift for item, shift in zip(items, shifts, strict=False))

    def draw_bits(random: Random) -> Any:
        return accepted(make, lambda: [part.draw(random) for part in parts])

    label = " ".join(f"{name}:{width}" for name, width in zip(names, widths, strict=True))
    return _converted(whole, read, write, draw_bits, f"({label})")


def _appended(check: Step) -> Spread:
    return lambda value, into: into.append(check(value))


def real(mark: Float, order: Order) -> Packed:
    """A number of IEEE 754."""
    own = mark.order or order
    code = {4: "f", 8: "d"}[mark.width]
    single = struct.Struct(PREFIXES[own] + code)

    def check(value: Any) -> Any:
        if type(value) is not float:
            if isinstance(value, bool) or not isinstance(value, Real):
                raise wrong("a number", value)
            try:
                value = float(value)
            except OverflowError:
                raise wrong(f"a number that {8 * mark.width} bits can hold", value) from None
        return value

    def packed(value: Any) -> bytes:
        try:
            return single.pack(check(value))
        except OverflowError:
            raise wrong(f"a number that {8 * mark.width} bits can hold", value) from None

    def draw_real(random: Random) -> float:
        likely = round(random.uniform(-999, 999), 3)
        value = random.choice((likely, float(random.randint(-99, 99)), 1e-9, 1e30))
        return float(single.unpack(single.pack(value))[0])

    label = f"f{8 * mark.width}{own[0]}e"
    if own != order:
        return Packed(
            order,
            f"{mark.width}s",
            1,
            lambda items, at: single.unpack(items[at])[0],
            lambda value, into: into.append(packed(value)),
            draw_real,
            label,
        )

    def spread(value: Any, into: list[Any]) -> None:
        checked = check(value)
        if mark.width == 4:
            packed(checked)
        into.append(checked)

    return Packed(order, code, 1, getitem, spread, draw_real, label, float)


def constant(content: bytes, order: Order) -> Packed:
    """Bytes that must be there."""

    def gather(items: Sequence[Any], at: int) -> None:
        if items[at] != content:
            raise CodecError(f"must have the bytes {_hex(content)} beside it, not {_hex(items[at])}")

    return Packed(
        order,
        f"{len(content)}s",
        1,
        gather,
        lambda value, into: into.append(content),
        lambda random: None,
        _hex(content),
    )


def reserved(size: int, order: Order) -> Packed:
    """Bytes that nobody looks at."""
    return Packed(
        order,
        f"{size}x",
        0,
        lambda items, at: None,
        lambda value, into: None,
        lambda random: None,
        " ".join(["xx"] * size),
    )


def _hex(content: bytes) -> str:
    return content.hex(" ").upper()


def group(
    order: Order,
    parts: Sequence[tuple[str, Packed]],
    make: Callable[[list[Any]], Any],
    split: Callable[[Any], Sequence[Any]],
    label: str,
) -> Packed:
    """
    Several layouts side by side as one.

    Args:
        order: the codec's.
        parts: each with its step in a path.
        make: the value, from those of the parts.
        split: the values of the parts, from the value. Raises CodecError if it is of another type.
        label: for people.
    """
    places = [0, *accumulate(part.items for _, part in parts)]
    gathers = [(place, part.gather) for (_, part), place in zip(parts, places, strict=False)]
    spreads = [part.spread for _, part in parts]

    def gather(items: Sequence[Any], at: int) -> Any:
        found: list[Any] = []
        try:
            for place, take in gathers:
                found.append(take(items, at + place))
        except CodecError as error:
            raise inside(parts[len(found)][0], error) from None
        return make(found)

    def spread(value: Any, into: list[Any]) -> None:
        values = split(value)
        index = 0
        try:
            for index, put in enumerate(spreads):
                put(values[index], into)
        except CodecError as error:
            raise inside(parts[index][0], error) from None

    return Packed(
        order,
        "".join(part.code for _, part in parts),
        places[-1],
        gather,
        spread,
        lambda random: accepted(make, lambda: [part.draw(random) for _, part in parts]),
        label,
    )


def accepted(make: Callable[[list[Any]], Any], draw_values: Callable[[], list[Any]]) -> Any:
    """What is made of drawn values that validators accept: they are asked, for they cannot be read."""
    problem: CodecError | None = None
    for _ in range(TRIES):
        try:
            return make(draw_values())
        except CodecError as error:
            problem = error
    raise ConfigurationError(f"{TRIES} drawn values were refused, the last of them so: {problem}")


def maker(cls: type) -> Callable[[list[Any]], Any]:
    """Makes an instance of an attrs class from the values of its fields, in order."""
    aliases = [str(attrs.fields_dict(cls)[each.name].alias) for each in fields_of(cls)]
    by_name = any(each.kw_only for each in attrs.fields(cls) if each.init)

    def make(values: list[Any]) -> Any:
        try:
            return cls(**dict(zip(aliases, values, strict=True))) if by_name else cls(*values)
        except CodecError:
            raise
        except Exception as error:  # whatever a validator raises
            raise CodecError(str(error.args[0]) if error.args else type(error).__name__) from None

    return make
