"""Declarations of bytes whose C# classes are compiled: every type of value, and headers."""

from __future__ import annotations

from typing import Annotated

from attrs import frozen

from tcpcomm import Equipment, command, event
from tcpcomm.codec import (
    F32,
    F64,
    I8,
    I16,
    I64,
    ID,
    OPCODE,
    STATUS,
    U8,
    U16,
    U32,
    U64,
    After,
    Aligned,
    Before,
    Binary,
    Bits,
    Counted,
    CountedBy,
    Derived,
    Echo,
    Encoded,
    EndedBy,
    Fixed,
    HighestFirst,
    Int,
    Length,
    Mask,
    Rest,
    Skip,
    Tagged,
    TaggedBy,
    Var,
)
from tcpcomm.codec.base import ProtocolErrorKind
from tcpcomm.framing import LengthPrefixed
from tests.tools.generate.declared import Axis, Corner, Door, Point, Word

__all__ = ["BinaryCell", "BinaryValues", "HeadedCell", "binary_values"]


@frozen
class State:
    """Bits of one number."""

    moving: bool
    mode: Annotated[int, Bits(3)]
    axis: Annotated[Axis, Bits(8)]


@frozen
class Counts:
    """Both counts stand before both lists."""

    words: Annotated[list[U16], Before(Derived("n", U8)), Before(Derived("m", U8)), CountedBy("n")]
    octets: Annotated[list[U8], CountedBy("m", adjust=1)]


@frozen
class Sample:
    """Bits of a computed number say which values are there."""

    x: Annotated[int | None, Before(Derived("there", U8)), TaggedBy("there", {0: None, 1: U16}, mask=1)]
    y: Annotated[float | None, TaggedBy("there", {0: None, 2: F32}, mask=2)]


@frozen
class BinaryValues:
    """One value of each form."""

    a: U8
    b: I8
    c: I16
    d: U32
    e: I64
    f: U64
    g: Annotated[int, Int(3)]
    h: Annotated[int, Int(3, signed=True)]
    i: Annotated[int, Int(2, order="little")]
    j: Annotated[int, Int(2, order="hex")]
    k: F32
    m: F64
    yes: bool
    axis: Annotated[Axis, U8]
    doors: Annotated[Door, U16]
    state: Annotated[State, U16]
    word: Annotated[Word, U16, HighestFirst()]
    padded: Annotated[str, Fixed(6, " ")]
    zeros: Annotated[str, Fixed(8)]
    counted: Annotated[str, Encoded("utf-8"), Counted(U8)]
    ended: Annotated[str, EndedBy(b"\0"), Aligned(4)]
    used: Annotated[str, Fixed(5, count=U8)]
    picture: Annotated[bytes, Counted(U16, adjust=2), Aligned(4)]
    corners: Annotated[list[Corner], Counted(U16)]
    both: Annotated[list[Point], Counted(U8), Counted(U16, in_bytes=True)]
    three: Annotated[list[I16], Fixed(3)]
    coils: Annotated[list[Annotated[bool, Bits(1)]], Counted(U8)]
    nibbles: Annotated[list[Annotated[int, Bits(4)]], Counted(U8), HighestFirst()]
    counts: Counts
    sample: Sample
    number_or_text: Annotated[int | str, Tagged(U8, {1: U16, 2: Annotated[str, Counted(U8)]})]
    maybe: Annotated[Point | None, Tagged(U8, {0: None, 9: Point})]
    marked: Annotated[U8, Before(b"\xaa"), After(2)]
    area: Annotated[Point, Counted(U8)]
    size: U8
    items: Annotated[list[F32], CountedBy("size")]
    last: U16 | None


def binary_values() -> BinaryValues:
    """Return values that are easy to lose: the largest, negative ones, empty ones, Korean."""
    return BinaryValues(
        a=255,
        b=-128,
        c=-32768,
        d=2**32 - 1,
        e=-(2**63),
        f=2**64 - 1,
        g=2**24 - 1,
        h=-(2**23),
        i=0x1234,
        j=0xBEEF,
        k=-0.15625,
        m=1e300,
        yes=True,
        axis=Axis.Z,
        doors=Door.LEFT | Door.RIGHT,
        state=State(True, 5, Axis.Y),
        word=Word(9, Door.RIGHT, 300),
        padded="a b",
        zeros="",
        counted="작업",
        ended="text",
        used="abc",
        picture=b"\x00\xff\x10",
        corners=[Corner("one", Point(1.5, -2.5), [1, 2]), Corner("", Point(0.0, 0.0), [])],
        both=[Point(3.0, 4.0)],
        three=[-1, 0, 1],
        coils=[True, False, True, True, False, False, False, False, True],
        nibbles=[1, 15, 7],
        counts=Counts([1, 2], [3]),
        sample=Sample(None, 0.5),
        number_or_text="text",
        maybe=Point(7.0, 8.0),
        marked=3,
        area=Point(-1.0, -2.0),
        size=2,
        items=[0.5, -0.5],
        last=None,
    )


class BinaryCell(Equipment):
    """A cell that speaks bytes."""

    framing = LengthPrefixed(2)
    codec = Binary(reason=Annotated[str, Encoded("utf-8"), Counted(U8)], meanings={7: "too hot"})

    @command(0x10)
    def put(self, values: BinaryValues) -> None:
        """Keep values."""
        raise NotImplementedError

    @command(0x11)
    def get(self) -> BinaryValues:
        """Return the values that were kept."""
        raise NotImplementedError

    @command(0x12)
    def coils(
        self, start: U16, size: U16
    ) -> Annotated[list[Annotated[bool, Bits(1)]], CountedBy("size"), Counted(U8, in_bytes=True)]:
        """Read coils, as Modbus does."""
        raise NotImplementedError

    @command(0x13)
    def fail(self, code: U8) -> U16:
        """Say no."""
        raise NotImplementedError

    @event(0x70)
    def alarm(self, code: U16, doors: Annotated[Door, U8]) -> None:
        """A door is open."""


class HeadedCell(Equipment):
    """A cell whose headers have ids, statuses, lengths and values, in little endian."""

    framing = LengthPrefixed(2, form="little", offset=4, strip=0)
    unit = Echo(U8, 1)
    session = Var(U32, 0)
    codec = Binary(
        opcode=U16,
        id=U16,
        status=U16,
        ok=Mask(0x8000),
        codes={each: 0x8000 + number for number, each in enumerate(ProtocolErrorKind, 1)},
        byte_order="little",
        head=(b"CE", ID, Length(U16), unit, session, Skip(1), OPCODE),
        reply_head=(b"CR", ID, Length(U16), unit, session, OPCODE, STATUS),
        event_head=(b"CE\xff\xff", Length(U16), session, OPCODE),
        data=Annotated[bytes, Rest()],
    )

    @command(1)
    def open(self, name: Annotated[str, Rest()]) -> U32:
        """Open a session. The replies have its number in their header."""
        raise NotImplementedError

    @command(2)
    def units(self) -> Annotated[list[U8], Counted(U8)]:
        """Return the unit and the session that were asked, the latter as its lowest byte."""
        raise NotImplementedError

    @command(3, reply=None)
    def beat(self, job: U16) -> None:
        """Show that the host lives."""
        raise NotImplementedError

    @command(4)
    async def wait(self, milliseconds: U16) -> U16:
        """Answer later. Others may be answered before."""
        raise NotImplementedError

    @event(0x8001)
    def finished(self, job: U16, at: Point) -> None:
        """A job is finished."""
