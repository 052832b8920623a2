"""Binary: layouts of all kinds, and the headers of several protocols."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, IntEnum, IntFlag
from typing import Annotated, Final, Literal

from attrs import evolve, field, frozen, validators

from tcpcomm.codec import Binary, Codec, Dialect, Field, MessageSpec
from tcpcomm.codec.base import ProtocolErrorKind
from tcpcomm.codec.binary.header import ID, OPCODE, STATUS, Length
from tcpcomm.codec.binary.types import (
    F32,
    F64,
    I8,
    I16,
    I24,
    I32,
    I64,
    U8,
    U16,
    U24,
    U32,
    U40,
    U48,
    U56,
    U64,
    After,
    Before,
    Bits,
    Counted,
    CountedBy,
    Derived,
    Encoded,
    EndedBy,
    Fixed,
    Float,
    HighestFirst,
    Int,
    Rest,
    Skip,
    Tagged,
    TaggedBy,
)
from tcpcomm.codec.binary.variables import Echo, Var, WantsReply
from tcpcomm.codec.mixed import bind_messages
from tcpcomm.errors import Fault
from tests.codec.binary.secs import Item
from tests.codec.cases import Case

__all__ = ["CASES", "FORMS", "Axis", "Door", "LinkState", "Point"]


class Axis(Enum):
    X = 1
    Y = 2


class Speed(IntEnum):
    SLOW = -1
    FAST = 1


class Door(IntFlag):
    LEFT = 1
    RIGHT = 0x8000


@frozen
class Point:
    x: I16
    y: F32


@frozen
class LinkState:
    """Bits of one number, the lowest first."""

    ready: bool
    mode: Annotated[int, Bits(3)]
    axis: Annotated[Axis, Bits(2)]
    error: bool


@frozen
class Widths:
    a: I8
    b: U16
    c: I24
    d: U32
    e: U40
    f: U48
    g: U56
    h: I64
    i: Annotated[int, Int(2, order="little")]
    j: Annotated[int, Int(3, signed=True, order="little")]
    k: Annotated[float, Float(4, order="little")]
    l: F64  # noqa: E741
    m: bool
    n: Annotated[bool, U16]
    o: Annotated[Literal[3, 7], U8]


@frozen
class Track:
    axis: Annotated[Axis, U8, Before(b"\xaa"), After(2)]
    speed: Annotated[Speed, I8]
    doors: Annotated[Door, U16]
    state: Annotated[LinkState, U16]
    name: Annotated[str, Fixed(16)]
    label: Annotated[str, Fixed(8, pad=" "), Encoded("cp949")]
    count: U8
    kind: U8
    points: Annotated[list[Point], CountedBy("count")]
    heights: Annotated[list[U24], CountedBy("count")]
    corners: Annotated[list[Point], Fixed(2)]
    remark: Annotated[str, Counted(U16), Encoded("utf-8"), Before(b"\x01\x02")]
    key: Annotated[bytes, Fixed(4)]
    names: Annotated[list[Annotated[str, Counted(U8)]], Fixed(2)]


@frozen
class Registers:
    values: Annotated[list[U16], Counted(U8, in_bytes=True)]


@frozen
class Limited:
    level: Annotated[int, Int(1)] = field(validator=validators.le(250))
    text: Annotated[str, Rest()] = field(default="", kw_only=True)


@frozen
class Shapes:
    """Counts that are computed, bits in lists, and values of several types."""

    coils: Annotated[list[Annotated[bool, Bits(1)]], Counted(U16), Counted(U8, in_bytes=True)]
    nibbles: Annotated[list[Annotated[int, Bits(4)]], Counted(U8), HighestFirst()]
    words: Annotated[
        list[U16], Before(Derived("n_words", U8)), Before(Derived("n_bytes", U8)), CountedBy("n_words")
    ]
    raw: Annotated[bytes, CountedBy("n_bytes")]
    name: Annotated[str, Before(b"\x1e"), Fixed(30, count=U8)]
    middle: Annotated[int | None, Tagged(U8, {0: None, 1: I32})]
    ended: Annotated[bytes, EndedBy(b"\r\n")]
    kind: U8
    value: Annotated[int | str, TaggedBy("kind", {1: U8, 2: U16}, other=Annotated[str, Counted(U8)])]


FORMS: Final = (
    MessageSpec(
        "move",
        "Drive.move",
        0x10,
        parameters=(Field("axis", Annotated[Axis, U8]), Field("position", I32)),
        result=U16,
    ),
    MessageSpec("widths", "Drive.widths", 0x11, parameters=(Field("widths", Widths),), result=Widths),
    MessageSpec(
        "track", "Drive.track", 0x12, parameters=(Field("track", Track), Field("more", U8)), result=Track
    ),
    MessageSpec(
        "read",
        "Drive.read",
        0x13,
        parameters=(
            Field("start", U16),
            Field("size", U16),
            Field("last", U8 | None),
            Field("very_last", U16 | None),
        ),
        result=Registers,
    ),
    MessageSpec(
        "write",
        "Drive.write",
        0x14,
        parameters=(Field("content", Annotated[bytes, Rest()]),),
        result=Limited,
    ),
    MessageSpec("tracks", "Drive.tracks", 0x15, result=Annotated[list[Track], Counted(U8)]),
    MessageSpec(
        "points", "Drive.points", 0x16, parameters=(Field("points", Annotated[list[Point], Rest()]),)
    ),
    MessageSpec("stop", "Drive.stop", 0x17),
    MessageSpec("blink", "Drive.blink", 0x18, reply=None, parameters=(Field("times", U8),)),
    MessageSpec(
        "bytes",
        "Drive.bytes",
        0x19,
        parameters=(Field("n", U16), Field("raw", Annotated[bytes, CountedBy("n")])),
    ),
    MessageSpec("shapes", "Drive.shapes", 0x1C, parameters=(Field("shapes", Shapes),), result=Item),
    MessageSpec(
        "alarm", "Drive.alarm", 0x40, parameters=(Field("code", U16), Field("at", Point)), is_event=True
    ),
    MessageSpec("idle", "Drive.idle", 0x41, is_event=True),
)

FAULTS: Final = (Fault(3), Fault(255))
TOLD: Final = (Fault(3, "no part"), Fault(7))

HOSTILE: Final = (
    b"",
    b"\x10",
    b"\x10\x01",
    b"\x10\x01\x00\x00\x00",
    b"\x10\x01\x00\x00\x00\x00\x00",
    b"\x10\x03\x00\x00\x00\x00",
    b"\x12" + b"\xff" * 200,
    b"\x16\x00\x01\x02",
    b"\x19\xff\xff",
    b"\x90\x03",
    b"\x77",
)


def with_wide_opcodes(*, base: int = 0) -> tuple[MessageSpec, ...]:
    return tuple(evolve(form, wire=base + form.wire) for form in FORMS)


@frozen
class Mixed(Codec):
    """A codec, and the codecs that some messages have of their own."""

    codec: Codec

    def bind(self, specs: Sequence[MessageSpec]) -> Dialect:
        return bind_messages(self.codec, specs)


HANDSHAKE: Final = Binary(U8, status=U16, head=(b"\xfe", OPCODE))

CASES: Final = [
    Case(
        "binary-mixed",
        Mixed(Binary()),
        tuple(
            evolve(form, codec=HANDSHAKE if form.name in ("read", "stop", "blink", "idle") else None)
            for form in FORMS
        ),
        FAULTS,
    ),
    Case("binary", Binary(), FORMS, FAULTS, HOSTILE),
    Case("binary-little", Binary(byte_order="little", reply_bit=0x20), FORMS, FAULTS),
    Case(
        "binary-ids-and-own-opcodes",
        Binary(
            U16,
            id=U32,
            fault_opcode=0xEEEE,
            code=I16,
            reason=Annotated[str, Counted(U8)],
            data=Annotated[bytes, Rest()],
            encoding="utf-8",
        ),
        tuple(
            form if form.is_event or form.reply is None else evolve(form, reply=0x8000 + form.wire)
            for form in with_wide_opcodes(base=0x100)
        ),
        (Fault(-3, "부품 없음"), Fault(7, "", b"\x00\x01")),
    ),
    Case(
        "binary-modbus-tcp",
        Binary(id=U16, head=(ID, b"\0\0", Length(U16), b"\x01", OPCODE)),
        FORMS,
        FAULTS,
    ),
    Case(
        "binary-simple-message",
        Binary(
            U32,
            status=U32,
            ok=1,
            head=(OPCODE, b"\0\0\0\x02", STATUS),
            reply_head=(OPCODE, b"\0\0\0\x03", STATUS),
            event_head=(OPCODE, b"\0\0\0\x01", STATUS),
            codes=dict.fromkeys(ProtocolErrorKind, 2),
        ),
        FORMS,
        (Fault(2), Fault(0)),
    ),
    Case(
        "binary-ads",
        Binary(
            U16,
            id=U32,
            status=U32,
            byte_order="little",
            head=(
                b"TARGET\x01\x02",
                b"SOURCE\x03\x04",
                OPCODE,
                b"\x04\0",
                Length(U32, adjust=-8),
                STATUS,
                ID,
            ),
            reply_head=(
                b"SOURCE\x03\x04",
                b"TARGET\x01\x02",
                OPCODE,
                b"\x05\0",
                Length(U32, adjust=-8),
                STATUS,
                ID,
            ),
            event_head=(b"\0" * 16, OPCODE, b"\x04\0"),
            reason=Annotated[str, Rest()],
        ),
        FORMS,
        TOLD,
    ),
    Case(
        "binary-slmp-4e",
        Binary(
            U16,
            id=U16,
            status=U16,
            byte_order="little",
            head=(b"\x54\0", ID, b"\0\0\0\xff\xff\x03\0", Length(U16), b"\x10\0", OPCODE, Skip(2)),
            reply_head=(b"\xd4\0", ID, b"\0\0\0\xff\xff\x03\0", Length(U16), STATUS),
            event_head=(b"\x55\0", OPCODE),
        ),
        FORMS,
        FAULTS,
    ),
    Case(
        "binary-modbus-unit",
        Binary(id=U16, head=(ID, b"\0\0", Length(U16), Echo(U8, 1, name="unit"), OPCODE)),
        FORMS,
        FAULTS,
    ),
    Case(
        "binary-cip",
        Binary(
            U16,
            id=U64,
            status=U32,
            ok=(0, 0x100),
            byte_order="little",
            head=(OPCODE, Length(U16, adjust=-20), Var(U32, 0, name="session"), STATUS, ID, Skip(4)),
            event_head=(OPCODE, Length(U16, adjust=-20), Skip(20)),
        ),
        FORMS,
        FAULTS,
    ),
    Case(
        "binary-nanonis",
        Binary(
            Annotated[str, Fixed(32)],
            status=U32,
            status_last=True,
            reason=Annotated[str, Counted(U32)],
            head=(OPCODE, Length(U32, adjust=-4), WantsReply(U16), Skip(2)),
            reply_head=(OPCODE, Length(U32, adjust=-4), Skip(4)),
        ),
        tuple(
            evolve(form, wire=f"Drive.{form.name}")
            for form in FORMS
            if form.name not in ("read", "write")  # their replies have no end before the status
        ),
        TOLD,
    ),
    Case(
        "binary-hsms",
        Binary(
            (U8, U8),
            id=U32,
            head=(Echo(U16, 0, name="session"), OPCODE, b"\0\0", ID),
            event_head=(Echo(U16, 0, name="session"), OPCODE, b"\0\0", Skip(4)),
            wants_reply_bit=0x8000,
            fault_opcode=lambda opcode: opcode & 0xFF00,
            code=None,
        ),
        tuple(
            evolve(
                form,
                wire=(form.wire, 2 if form.is_event else 1),
                reply=form.reply if form.is_event or form.reply is None else (form.wire, 2),
            )
            for form in FORMS
        ),
        (Fault(0),),
    ),
]
