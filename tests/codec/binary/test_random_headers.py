"""Headers that hypothesis draws: both ends of each agree."""

from __future__ import annotations

from random import Random
from typing import Annotated, Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcpcomm.codec import Binary, Field, MessageSpec
from tcpcomm.codec.base import Answer, Dialect, Event, ProtocolErrorKind, Request
from tcpcomm.codec.binary.header import ID, OPCODE, STATUS, Length
from tcpcomm.codec.binary.statuses import Mask
from tcpcomm.codec.binary.types import I16, U8, U16, U24, U32, Counted, Fixed, Rest, Skip
from tcpcomm.codec.binary.variables import Echo, Var, WantsReply
from tcpcomm.errors import CodecError, ConfigurationError, Fault

NUMBERS: Final = (U8, U16, U24, U32)

OPCODES: Final[list[tuple[Any, list[Any]]]] = [
    (U8, [1, 2, 3, 4]),
    (U16, [0x101, 0x102, 0x201, 0x202]),
    ((U8, U8), [(1, 1), (1, 2), (2, 1), (2, 2)]),
    ((U8, U16), [(1, 1), (1, 2), (2, 1), (2, 2)]),
    (Annotated[str, Fixed(6)], ["GET", "SET", "RUN", "TOLD"]),
    (Annotated[bytes, Fixed(2)], [b"g\0", b"s\0", b"r\0", b"t\0"]),
]
"""Types of opcodes, each with the opcodes of three commands and an event."""

constants = st.binary(min_size=1, max_size=3)
fillers = st.one_of(
    constants,
    st.integers(1, 3).map(Skip),
    constants.map(Skip),
    st.tuples(st.sampled_from(NUMBERS), st.integers(-1, 4)).map(
        lambda drawn: Length(drawn[0], adjust=max(drawn[1], 0))
    ),
)


@st.composite
def codecs(draw: st.DrawFn) -> tuple[Binary, list[Any]]:
    """Draw a codec whose parts do not contradict each other, and the opcodes of its messages."""
    opcode, values = draw(st.sampled_from(OPCODES))
    id = draw(st.none() | st.sampled_from(NUMBERS))
    status = draw(st.none() | st.sampled_from(NUMBERS))
    is_last = status is not None and draw(st.booleans())
    named = [
        draw(st.sampled_from((Echo, Var)))(
            draw(st.sampled_from((*NUMBERS, I16))), draw(st.integers(0, 99)), name=name
        )
        for name in draw(st.sets(st.sampled_from(("unit", "route", "session"))))
    ]
    kept: list[Any] = [OPCODE, *named, *([] if id is None else [ID])]
    asked = [*kept, *draw(st.lists(fillers, max_size=3))]
    if draw(st.booleans()):
        asked.append(WantsReply(draw(st.sampled_from(NUMBERS)), yes=draw(st.integers(1, 200))))
    answered = [*kept, *draw(st.lists(fillers, max_size=3))]
    if status is not None and not is_last:
        answered.append(STATUS)
    is_text = isinstance(values[0], str | bytes)
    needs_opcode = is_text and status is None
    codec = Binary(
        opcode,
        id=id,
        status=status,
        status_last=is_last,
        ok=draw(st.sampled_from((0, (0, 9), range(1), Mask(0xF0, 0x10), lambda status: status > 90))),
        codes=dict.fromkeys(ProtocolErrorKind, 0x42),
        head=tuple(draw(st.permutations(asked))),
        reply_head=tuple(draw(st.permutations(answered))),
        event_head=(b"\xee\xee\xee\xee\xee\xee\xee\xee", OPCODE),
        fault_opcode="FAULT"
        if needs_opcode and opcode == OPCODES[4][0]
        else b"f\0"
        if needs_opcode
        else None,
        reason=draw(st.sampled_from((None, Annotated[str, Counted(U8)]))),
        byte_order=draw(st.sampled_from(("big", "little"))),
    )
    return codec, values


def messages(opcodes: list[Any]) -> list[MessageSpec]:
    get, set_, run, told = opcodes
    return [
        MessageSpec(
            "get", "Device.get", get, parameters=(Field("at", U16),), result=Annotated[str, Counted(U8)]
        ),
        MessageSpec("set", "Device.set", set_, parameters=(Field("to", Annotated[bytes, Rest()]),)),
        MessageSpec("run", "Device.run", run, reply=None),
        MessageSpec("told", "Device.told", told, parameters=(Field("code", U8),), is_event=True),
    ]


def outcome(dialect: Dialect, reader: Any, frame: bytes) -> Any:
    (answer,) = dialect.read_at_host(frame)
    assert isinstance(answer, Answer)
    try:
        return reader.take(answer.body)
    except Fault as fault:
        return fault


@given(drawn=codecs(), seed=st.integers(0, 99), set_value=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_both_ends_of_any_header_agree(drawn: tuple[Binary, list[Any]], seed: int, set_value: int) -> None:
    codec, opcodes = drawn
    specs = messages(opcodes)
    dialect = codec.bind(specs)
    random = Random(seed)
    names = [*dialect.header_values]
    for spec in specs:
        values = dialect.draw_values(spec.name, random)
        if spec.is_event:
            assert [Event("told", values)] == [*dialect.read_at_host(dialect.event("told", values))]
            continue
        learned: dict[str, Any] = {}
        frame, reader = dialect.ask(spec.name, values, 7, dict.fromkeys(names, set_value), learned)
        request = dialect.read_at_equipment(frame)
        assert isinstance(request, Request)
        assert (spec.name, values) == (request.name, request.values)
        assert request.wants_reply == (spec.reply is not None)
        assert all(set_value == (request.header or {})[name] for name in names)
        if spec.reply is None:
            continue
        result = dialect.draw_result(spec.name, random)
        (reply,) = dialect.reply(request, result)
        assert result == outcome(dialect, reader, reply)
        assert all(set_value == value for value in learned.values())
        fault = outcome(dialect, reader, dialect.fault(request, Fault(0x42)))
        assert isinstance(fault, Fault)
        assert 0x42 == fault.code
        for place in range(len(reply)):
            damaged = reply[:place] + bytes([reply[place] ^ 0x21]) + reply[place + 1 :]
            try:
                outcome(dialect, reader, damaged)
            except CodecError:
                continue


def test_a_header_that_two_messages_share_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"Device\.get has the opcode 0x01 already"):
        Binary().bind([*messages([1, 1, 3, 4])])
