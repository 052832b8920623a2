"""Binary declarations for the generators, with every type of value in some message."""

from __future__ import annotations

from enum import Enum, IntFlag
from typing import Annotated

from attrs import frozen

from tcpcomm import Equipment, command, event
from tcpcomm.codec import (
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    ID,
    OPCODE,
    STATUS,
    U8,
    U16,
    U32,
    U64,
    Aligned,
    Binary,
    Bits,
    Counted,
    CountedBy,
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
)
from tcpcomm.codec.base import ProtocolErrorKind
from tcpcomm.framing import LengthPrefixed

__all__ = ["Axis", "Cell", "Corner", "Door", "Drive", "Point", "Word"]


class Axis(Enum):
    X = 1
    Y = 2
    Z = 200


class Door(IntFlag):
    LEFT = 1
    RIGHT = 4


@frozen
class State:
    moving: bool
    homed: bool
    mode: Annotated[int, Bits(3)]
    axis: Annotated[Axis, Bits(8)]


@frozen
class Word:
    high: Annotated[int, Bits(4)]
    door: Annotated[Door, Bits(3)]
    low: Annotated[int, Bits(9)]


@frozen
class Point:
    x: F32
    y: F32


@frozen
class Corner:
    name: Annotated[str, Counted(U8)]
    at: Point
    marks: Annotated[list[U16], Counted(U8)]


class Drive(Equipment):
    """A drive with three axes."""

    framing = LengthPrefixed(2)
    codec = Binary(reason=Annotated[str, Rest()])

    @command(0x10)
    def move(self, axis: Annotated[Axis, U8], position: I32) -> Annotated[State, U16]:
        """Move an axis."""
        raise NotImplementedError

    @command(0x11)
    def name(self, text: Annotated[str, Fixed(8)], limits: Annotated[list[F32], Counted(U8)]) -> None:
        """Give it a name, and limits."""
        raise NotImplementedError

    @command(0x12)
    def numbers(  # noqa: PLR0917 - a message has as many fields as it has
        self,
        a: U8,
        b: I8,
        c: I16,
        d: U32,
        e: I64,
        f: U64,
        g: Annotated[int, Int(3)],
        h: Annotated[int, Int(3, signed=True)],
        i: Annotated[int, Int(2, order="little")],
        j: Annotated[int, Int(5, order="little")],
        k: Annotated[int, Int(2, order="hex")],
        m: F64,
    ) -> Annotated[Word, U16, HighestFirst()]:
        """Take numbers of all sizes."""
        raise NotImplementedError

    @command(0x13)
    def corners(self, corners: Annotated[list[Corner], Counted(U16)]) -> Annotated[list[Point], Rest()]:
        """Take corners, and return where they are."""
        raise NotImplementedError

    @command(0x14)
    def texts(  # noqa: PLR0917
        self,
        padded: Annotated[str, Fixed(6, " ")],
        ended: Annotated[str, EndedBy(b"\0")],
        korean: Annotated[str, Encoded("cp949"), Counted(U8)],
        picture: Annotated[bytes, Counted(U16), Aligned(4)],
        used: Annotated[str, Fixed(5, count=U8)],
        rest: Annotated[str, Encoded("utf-8"), Rest()],
    ) -> bool:
        """Take texts of all sizes."""
        raise NotImplementedError

    @command(0x15)
    def sized(
        self,
        size: U8,
        items: Annotated[list[I16], CountedBy("size")],
        flags: Annotated[list[Annotated[bool, Bits(1)]], Counted(U8)],
        doors: Annotated[Door, U8],
    ) -> Annotated[int | str, Tagged(U8, {1: U16, 2: Annotated[str, Counted(U8)]})]:
        """Take sizes from elsewhere, and return one of two types."""
        raise NotImplementedError

    @event(0x70)
    def alarm(self, code: U16, doors: Annotated[Door, U8]) -> None:
        """A door is open."""


class Cell(Equipment):
    """A cell whose headers have ids, statuses, lengths and values, in little endian."""

    framing = LengthPrefixed(2, form="little", offset=4, strip=0)
    unit = Echo(U8, 1)
    codec = Binary(
        opcode=U16,
        id=U16,
        status=U16,
        ok=Mask(0x8000),
        codes={each: 0x8000 + number for number, each in enumerate(ProtocolErrorKind, 1)},
        byte_order="little",
        head=(b"CE", ID, Length(U16), unit, Skip(1), OPCODE),
        reply_head=(b"CR", ID, Length(U16), unit, OPCODE, STATUS),
        event_head=(b"CE\xff\xff", Length(U16), OPCODE),
        data=Annotated[bytes, Rest()],
    )

    @command(1)
    def start(self, job: U16, count: U8) -> U32:
        """Start a job."""
        raise NotImplementedError

    @command(2)
    def results(self) -> Annotated[list[Point], Counted(U8)]:
        """Return the last results."""
        raise NotImplementedError

    @command(3, reply=None)
    def beat(self) -> None:
        """Show that the host lives."""
        raise NotImplementedError

    @event(0x8001)
    def finished(self, job: U16, at: Point) -> None:
        """A job is finished."""
