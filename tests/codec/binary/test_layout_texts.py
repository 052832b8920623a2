"""The manual tells different wires by different texts, and its data are plain values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import Enum, Flag
from itertools import combinations
from typing import Annotated, Any, Literal

import pytest
from attrs import frozen

from tcpcomm.codec import Binary, Field, MessageSpec
from tcpcomm.codec.binary.header import ID, OPCODE, STATUS, Length
from tcpcomm.codec.binary.types import (
    F32,
    F64,
    I16,
    U8,
    U16,
    After,
    Aligned,
    Before,
    Bits,
    Counted,
    CountedBy,
    Derived,
    Encoded,
    EndedBy,
    Fixed,
    HighestFirst,
    Int,
    Rest,
    Tagged,
    TaggedBy,
)
from tests.codec.binary.secs import Item
from tests.codec.binary.test_trees import Node
from tests.codec.binary.wires import bound


class Gear(Enum):
    LOW = 1
    HIGH = 2


class Lamp(Flag):
    LOW = 1
    HIGH = 2


@frozen
class Bools:
    a: bool
    b: bool


@frozen
class Wide:
    a: Annotated[bool, Bits(2)]
    b: bool


@frozen
class Pair:
    a: U8
    b: U8


NUMBERS: list[Any] = [
    U8,
    U16,
    I16,
    Annotated[int, Int(2, order="little")],
    F32,
    F64,
    bool,
    Annotated[bool, U16],
    Annotated[Gear, U8],
    Annotated[Lamp, U8],
    Annotated[Literal[1, 2], U8],
    Annotated[Bools, U8],
    Annotated[Bools, U8, HighestFirst()],
    Annotated[Wide, U8],
    Pair,
    Annotated[U8, Before(b"\1")],
    Annotated[U8, Before(1)],
    Annotated[U8, After(1)],
    U8 | None,
    Annotated[int | None, Tagged(U8, {0: None, 1: U8})],
    Annotated[int | None, Tagged(U8, {1: None, 0: U8})],
    Annotated[int | None, TaggedBy("n", {0: None, 1: U8})],
    Annotated[int | None, TaggedBy("n", {0: None, 1: U8}, mask=1)],
    Annotated[int | None, TaggedBy("n", {0: None, 1: U8}, mask=3)],
    Annotated[int | None, TaggedBy("n", {0: None, 1: U8}, other=U8)],
    Node,
    Item,
]


def sized() -> Iterator[Any]:
    for size in (
        Fixed(8),
        Fixed(8, count=U8),
        Fixed(8, count=U16),
        Counted(U8),
        Counted(U16),
        Counted(U8, step=2),
        Counted(U8, adjust=1),
        Counted(U8, adjust=-1),
        CountedBy("n"),
        CountedBy("n", step=2),
        CountedBy("n", adjust=1),
        EndedBy(b"\0"),
        EndedBy(b"\1"),
        Rest(),
    ):
        yield Annotated[str, size]
        yield Annotated[bytes, size]
        yield Annotated[list[U16], size]
    for size in (Counted(U8, in_bytes=True), CountedBy("n", in_bytes=True)):
        yield Annotated[list[U16], size]
        yield Annotated[list[Annotated[bool, Bits(1)]], size]
        yield Annotated[list[U16], size, Aligned(4)]
        yield Annotated[Pair, size]
    yield from (
        Annotated[str, Fixed(8, pad=" ")],
        Annotated[str, Fixed(8, count=U8, pad=" ")],
        Annotated[str, Fixed(8), Encoded("cp949")],
        Annotated[str, Counted(U8), Encoded("cp949")],
        Annotated[str, Counted(U8), Aligned(4)],
        Annotated[list[U16], Counted(U8), Counted(U8, in_bytes=True)],
        Annotated[list[U16], Counted(U8, in_bytes=True), Counted(U8)],
        Annotated[list[U16], CountedBy("n"), Counted(U8, in_bytes=True)],
        Annotated[list[U16], Fixed(8), Counted(U8, in_bytes=True)],
        Annotated[list[U16], Before(Derived("m", U8)), CountedBy("m")],
        Annotated[list[Annotated[bool, Bits(1)]], Counted(U8)],
        Annotated[list[Annotated[bool, Bits(1)]], Counted(U8), HighestFirst()],
        Annotated[list[Annotated[bool, Bits(4)]], Counted(U8)],
        Annotated[list[Annotated[int, Bits(4)]], Counted(U8)],
        Annotated[list[Pair], Counted(U8)],
        Annotated[Pair, Fixed(8)],
    )


def text_of(annotation: Any) -> str:
    """Return the text of a command with a count ``n`` and a value."""
    return bound([Field("n", U8), Field("value", annotation)]).notation("f").request


def test_different_wires_have_different_texts() -> None:
    """
    These all have different bytes. Before, a count in bytes, padding, an encoding and flags had no text.
    """
    texts = [(text_of(each), each) for each in (*NUMBERS, *sized())]
    for (text, first), (other, second) in combinations(texts, 2):
        assert text != other, (text, first, second)


@pytest.mark.parametrize("annotation", [*NUMBERS, *sized()], ids=text_of)
def test_a_layout_is_plain_data(annotation: Any) -> None:
    layout = bound([Field("n", U8), Field("value", annotation)], result=U8).layout("f")
    assert layout == json.loads(json.dumps(layout))


FAULT = "length:u16be opcode|8000 code:u8"
STOP = MessageSpec("stop", "Drive.stop", 0x102)


@pytest.mark.parametrize(
    ("codec", "expected", "fault"),
    [
        (Binary(U16), "0102", "opcode|8000 code:u8"),
        (Binary(U16, byte_order="little"), "0201", "opcode|0080 code:u8"),
        (Binary(U16, fault_opcode=0xEE), "0102", "00EE code:u8"),
        (
            Binary(U16, head=(Length(U16), OPCODE)),
            "length:u16be 0102",
            "length:u16be opcode|8000 code:u8",
        ),
        (
            Binary(U16, id=U8, head=(Length(U16, adjust=2), ID, OPCODE)),
            "length:u16be+2 id:u8 0102",
            "length:u16be+2 id:u8 opcode|8000 code:u8",
        ),
        (
            Binary(U16, status=U8, head=(OPCODE, Length(U16, adjust=-1), STATUS)),
            "0102 length:u16be-1 status:u8",
            "opcode length:u16be-1 status:u8",
        ),
    ],
    ids=["big", "little", "fault opcode", "length", "length of more", "length of less"],
)
def test_a_header_is_told_with_the_bytes_of_its_opcode(codec: Binary, expected: str, fault: str) -> None:
    dialect = codec.bind([STOP])
    assert expected == dialect.notation("stop").request
    assert fault == dialect.fault_notation()
    assert dialect.fault_layout() == json.loads(json.dumps(dialect.fault_layout()))
