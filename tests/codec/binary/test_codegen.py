"""The generated readers and writers of records and headers do the same as the general code."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Annotated, Any

import attrs
import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.codec.base import Field
from tcpcomm.codec.binary.header import ID, OPCODE, STATUS, Header, Length
from tcpcomm.codec.binary.layouts.compiler import LayoutCompiler
from tcpcomm.codec.binary.layouts.fixed_size import FixedLayout, number
from tcpcomm.codec.binary.layouts.layout import Layout, from_fixed
from tcpcomm.codec.binary.types import F32, F64, I16, U8, U16, U32, After, Before, Int, Rest, Skip
from tcpcomm.codec.binary.variables import WANTS_REPLY, Echo, Var, WantsReply
from tcpcomm.codec.ranges import Range
from tcpcomm.errors import CodecError


class Colour(IntEnum):
    RED = 1
    BLUE = 2


def _not_thirteen(_: object, __: Any, value: int) -> None:
    if value == 13:
        raise ValueError("thirteen is refused")


@frozen
class Point:
    x: I16 = attrs.field(validator=_not_thirteen)
    _y: F32
    weight: F64 = attrs.field(kw_only=True)


FIELDS = (
    Field("small", U8),
    Field("colour", Annotated[Colour, U8]),
    Field("marked", Annotated[int, U16, Before(b"<"), After(2)]),
    Field("point", Point),
    Field("real", F32),
    Field("slot", Annotated[U16, Range(1, 12)]),
    Field("least", Annotated[I16, Range(low=-2.5)]),
    Field("most", Annotated[U8, Range(high=9)]),
)
COMPILER = LayoutCompiler("big", "ascii")
BY_NAME = COMPILER.values(FIELDS)
AN_INSTANCE = COMPILER.value(Point)

numbers = st.one_of(
    st.integers(-3, 14), st.integers(-(2**40), 2**40), st.booleans(), st.floats(), st.floats(width=32)
)
points = st.builds(Point, numbers.filter(lambda each: each != 13), numbers, weight=numbers)
values = st.one_of(numbers, points, st.sampled_from(Colour), st.none(), st.text(max_size=2))
fitting = st.fixed_dictionaries(
    {
        "small": st.integers(0, 255),
        "colour": st.sampled_from(Colour),
        "marked": st.integers(0, 65535),
        "point": points,
        "real": st.floats(width=32),
        "slot": st.integers(0, 13),
        "least": st.integers(-4, 10),
        "most": st.integers(0, 11),
    }
)
names = st.sampled_from([*(each.name for each in FIELDS), "other"])
records = st.one_of(
    fitting,
    st.builds(lambda record, name, value: record | {name: value}, fitting, names, values),
    st.dictionaries(names, values),
)


def outcome(function: Callable[..., Any], *args: Any) -> str:
    """Return the result or error of a function as text: NaN equals itself, and True differs from 1."""
    try:
        return repr(function(*args))
    except CodecError as error:
        return f"CodecError: {error}"


def general(layout: Layout) -> Layout:
    """Return a layout without its generated functions."""
    assert layout.fixed is not None
    return from_fixed(layout.fixed, layout.fields)


@given(records)
def test_values_by_name_are_written_as_by_general_code(record: dict[str, Any]) -> None:
    assert outcome(BY_NAME.write, record) == outcome(general(BY_NAME).write, record)


@given(values)
def test_an_instance_is_written_as_by_general_code(value: Any) -> None:
    assert outcome(AN_INSTANCE.write, value) == outcome(general(AN_INSTANCE).write, value)


@given(st.binary(max_size=3), fitting, st.binary(max_size=2), st.integers(0, 45), st.binary(max_size=2))
def test_values_by_name_are_read_as_by_general_code(
    before: bytes, record: dict[str, Any], behind: bytes, place: int, noise: bytes
) -> None:
    try:
        written = BY_NAME.write(record)
    except CodecError:
        written = b""
    written = written[:place] + noise + written[place + len(noise) :]
    data = before + written + behind
    assert outcome(BY_NAME.read, data, len(before)) == outcome(general(BY_NAME).read, data, len(before))


@given(st.binary(min_size=10, max_size=16))
def test_an_instance_is_read_as_by_general_code(data: bytes) -> None:
    assert outcome(AN_INSTANCE.read, data, 0) == outcome(general(AN_INSTANCE).read, data, 0)


def first_part(body: bytes) -> int:
    return min(len(body), body[0]) if body else 0


def second_part(body: bytes) -> int:
    return len(body) - first_part(body)


HEADERS = {
    "Modbus": (ID, b"\0\0", Length(U16), b"\x01", OPCODE),
    "all slots": (b"#", STATUS, Skip(2), OPCODE, ID, Length(U32, adjust=4)),
    "skipped bytes": (OPCODE, Skip(b"\0\x02"), ID),
    "opcode only": (OPCODE,),
    "lengths of parts": (ID, Length(U16, of=first_part, adjust=1), Length(U8, of=second_part), OPCODE),
    "values": (
        Echo(U16, 1, name="unit"),
        WantsReply(U8, yes=3),
        OPCODE,
        Var(Annotated[Colour, U16], Colour.RED, name="axis"),
        ID,
    ),
}


def fixed_of(annotation: Any) -> FixedLayout | None:
    return COMPILER.value(annotation).fixed


def header_of(items: tuple[Any, ...], width: int) -> Header:
    sizes = {OPCODE: Int(1), ID: Int(width), STATUS: Int(1)}
    header = Header(
        items, {field: number(int, size, "big") for field, size in sizes.items()}, "big", fixed_of
    )
    header.generate(with_values=True)
    return header


@pytest.mark.parametrize("items", HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize("width", [2, 3])
@given(
    numbers=st.tuples(st.integers(-1, 2**17), st.integers(-1, 2**17), st.integers(-1, 300)),
    body=st.binary(max_size=4),
    place=st.integers(0, 12),
    noise=st.binary(max_size=1),
)
def test_a_header_is_written_and_read_as_by_general_code(
    *,
    items: tuple[Any, ...],
    width: int,
    numbers: tuple[int, int, int],
    body: bytes,
    place: int,
    noise: bytes,
) -> None:
    header = header_of(items, width)
    assert outcome(header.write, *numbers, body) == outcome(header._write, *numbers, body)
    written = header.write(0x10, 7, 2, body)
    changed = written[:place] + noise + written[place + len(noise) :]
    for frame in (written, changed, written[:place]):
        assert outcome(header.read, frame) == outcome(header._read, frame)
        assert outcome(header.read_values, frame) == outcome(header._read_values, frame)


@given(
    unit=st.integers(-1, 2**17) | st.booleans() | st.none(),
    axis=st.sampled_from([*Colour, 1, None]),
    wish=st.booleans(),
)
def test_the_values_of_a_header_are_written_as_by_general_code(unit: Any, axis: Any, wish: bool) -> None:
    header = header_of(HEADERS["values"], 2)
    values = {"unit": unit, "axis": axis, WANTS_REPLY: wish}
    asked = (0x10, 7, 0, b"!", values)
    assert outcome(header.write_values, *asked) == outcome(header._write_values, *asked)


@pytest.mark.parametrize("element", [U8, U16, F32, F64])
@given(content=st.lists(values, max_size=4), more=st.binary(max_size=3))
def test_a_list_of_numbers_is_written_and_read_as_its_elements_are(
    element: Any, content: list[Any], more: bytes
) -> None:
    whole, single = COMPILER.value(Annotated[list[element], Rest()]), COMPILER.value(element)

    def each() -> bytes:
        written = []
        for index, value in enumerate(content):
            try:
                written.append(single.write(value))
            except CodecError as error:
                raise CodecError(error.reason, f"[{index}]") from None
        return b"".join(written)

    assert outcome(whole.write, content) == outcome(each)
    size = single.min_size
    data = bytes(more) * size
    expected = [single.read(data, at)[0] for at in range(0, len(data), size)]
    assert outcome(whole.read, data, 0) == repr((expected, len(data)))
