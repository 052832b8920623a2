"""Binary messages that only some bytes of their headers tell apart, and the reasons where nothing does."""

from __future__ import annotations

from typing import Annotated, Any

import pytest

from tcpcomm import Equipment, command, declaration_of, event
from tcpcomm.codec import OPCODE, STATUS, U8, U16, Binary, Fixed, Length, Skip
from tcpcomm.codec.base import Asked, Event, MessageSpec, Refusal
from tcpcomm.codec.mixed import bind_messages
from tcpcomm.errors import ConfigurationError
from tcpcomm.framing import LengthPrefixed
from tests.equipment.declared import Bench
from tests.interop.manuals.headers import Apt

MOVE_BY = "48 04 06 00 {address} 01 01 00 40 0D 03 00"
SHORT = Binary(U16, head=(OPCODE, b"\0\x50\x01"), byte_order="little")


def refused(asked: Asked) -> Refusal:
    assert isinstance(asked, Refusal)
    return asked


@pytest.mark.parametrize(
    ("frame", "problem"),
    [
        (
            MOVE_BY.format(address="D0"),
            None,
        ),
        (
            MOVE_BY.format(address="D1"),
            "header: 0x448 is the opcode of move_by, but bytes 4 to 5 must be D0 01, not D1 01",
        ),
        (
            "43 04 01 00 51 01",
            "header: 0x443 is the opcode of home, but bytes 3 to 5 must be 00 50 01, not 00 51 01",
        ),
        ("99 04 01 00 50 01", "opcode: no command has the opcode 0x499"),
    ],
)
def test_a_wrong_constant_is_named_with_its_place_and_the_command(frame: str, problem: str | None) -> None:
    """Another codec of the class, whose header fits, said that no command has the opcode."""
    asked = declaration_of(Apt).dialect.read_at_equipment(bytes.fromhex(frame))
    assert problem == (None if problem is None else str(refused(asked).problem))


def test_a_wrong_constant_of_one_byte_is_named_where_there_is_one_codec() -> None:
    dialect = Binary(head=(b"\x02", OPCODE), wants_reply_bit=0x80).bind([MessageSpec("go", "A.go", 0x10)])
    refusal = refused(dialect.read_at_equipment(b"\x03\x90"))
    assert "header: 0x10 is the opcode of go, but byte 0 must be 02, not 03" == str(refusal.problem)
    assert not refused(dialect.read_at_equipment(b"\x03\x91")).resembles


def test_a_wrong_constant_behind_a_text_is_named() -> None:
    codec = Binary(Annotated[str, Fixed(2)], head=(OPCODE, b"\x02"), fault_opcode="NG")
    refusal = refused(codec.bind([MessageSpec("go", "A.go", "GO")]).read_at_equipment(b"GO\x03"))
    assert "header: 'GO' is the opcode of go, but byte 2 must be 02, not 03" == str(refusal.problem)


def test_a_wrong_length_is_no_wrong_constant() -> None:
    dialect = Binary(head=(b"\x02", Length(U8), OPCODE)).bind([MessageSpec("go", "A.go", 0x10)])
    assert "length" in str(refused(dialect.read_at_equipment(b"\x02\x05\x10")).problem)


REPLY = MessageSpec("move", "A.move", 0x53, 0x64)
EVENT = MessageSpec("done", "A.done", 0x64, is_event=True)
AS_EVENT = (
    "it would take it for the event A.done. Give one of them another opcode, or the event a header with "
    "other constant bytes, by event_head or by a codec of its own"
)


@pytest.mark.parametrize(
    ("codec", "specs", "problem"),
    [
        (
            Binary(),
            (REPLY, EVENT),
            f"A.move: a host would not recognise b'd' as its reply: {AS_EVENT}",
        ),
        (
            Binary(code=None, fault_opcode=0x64),
            (MessageSpec("move", "A.move", 0x53), EVENT),
            f"A.move: a host would not recognise b'd' as a fault: {AS_EVENT}",
        ),
        (
            Binary(),
            (REPLY, MessageSpec("done", "A.done", 0x64, is_event=True, codec=Binary(code=None))),
            f"A.move: a host would not recognise b'd' as its reply: {AS_EVENT}",
        ),
        (
            Binary(),
            (MessageSpec("f", "A.f", 0x90),),
            "A.f: a host would not recognise b'\\x90\\x04' as a fault: it would take it for the reply to "
            "A.f. Choose another fault_bit, or a fault_opcode",
        ),
        (
            Binary(fault_opcode=0x11, code=None),
            (MessageSpec("f", "A.f", 0x10), MessageSpec("g", "A.g", 0x11)),
            "A.f: a host would not recognise b'\\x11' as a fault: it would take it for the reply to A.g. "
            "Choose another fault_bit, or a fault_opcode",
        ),
    ],
)
def test_a_collision_names_the_other_message_and_what_to_do(
    codec: Binary, specs: tuple[MessageSpec, ...], problem: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        bind_messages(codec, specs)
    assert problem == str(caught.value)


@pytest.mark.parametrize("own", [True, False])
def test_an_event_may_share_its_opcode_if_a_constant_of_its_header_differs(own: bool) -> None:
    """Thorlabs APT tells who sent a message in its fifth and sixth byte."""
    done = Binary(event_head=(OPCODE, b"\x02"), head=(OPCODE, b"\x01"))
    codec = Binary(head=(OPCODE, b"\x01")) if own else done
    event = MessageSpec("done", "A.done", 0x64, is_event=True, codec=done if own else None)
    dialect = bind_messages(codec, [REPLY, event])
    assert (Event("done", {}),) == tuple(dialect.read_at_host(b"\x64\x02"))
    (reply,) = dialect.read_at_host(b"\x64\x01")
    assert not isinstance(reply, Event)


HEAD = (b"\x68", Length(U8))


class Controlled(Equipment):
    """Equipment whose header tells requests, replies, and the requests that it asks itself."""

    framing = LengthPrefixed(1, offset=1, sync=b"\x68", strip=0)
    codec = Binary(head=(*HEAD, b"\x01", OPCODE), reply_head=(*HEAD, b"\x02", OPCODE))

    @command(0x43, reply=0x44)
    async def value(self) -> U8:
        """Return a value."""
        raise NotImplementedError

    @event(0x45)
    def changed(self, value: U8) -> None:
        """The value has changed."""


class Controlling(Equipment):
    """Its host, which is asked, too."""

    framing = Controlled.framing
    codec = Binary(head=(*HEAD, b"\x03", OPCODE), reply_head=(*HEAD, b"\x04", OPCODE))

    @command(0x43, reply=0x44)
    async def test(self) -> U8:
        """Return 9, because the host is alive."""
        raise NotImplementedError


class MyControlled(Controlled):
    """Equipment with the value 7."""

    async def value(self) -> int:
        return 7


class MyControlling(Controlling):
    """A host that lives."""

    async def test(self) -> int:
        return 9


@pytest.mark.parametrize("cuts", [0.0, 1.0])
def test_both_ends_ask_without_ids_where_headers_tell_who_says_what(cuts: float) -> None:
    """The reply was refused as a command with a wrong header, and a fault went to the equipment."""
    bench = Bench(cuts=cuts)
    equipment = MyControlled()
    bench.serve(equipment)
    host: Any = bench.remote(Controlled, serves=MyControlling())
    heard: list[int] = []
    host.changed.subscribe(heard.append)
    assert [7, 7] == [bench.result(host.value()) for _ in range(2)]
    equipment.changed(3)
    bench.until(lambda: heard == [3])
    assert 7 == bench.result(host.value())


def test_no_fault_that_looks_like_an_event_answers_the_opcode_of_that_event() -> None:
    """The fault repeats the opcode, so a host would take it for the event."""
    head = (OPCODE, Length(U16))
    status = (*head, STATUS)
    codec = Binary(U16, status=U16, head=status, event_head=(*head, Skip(2)))
    dialect = codec.bind(
        [MessageSpec("go", "A.go", 0x10), MessageSpec("alarm", "A.alarm", 0x40, is_event=True)]
    )
    asked = refused(dialect.read_at_equipment(dialect.request("go", {}, 0).replace(b"\x10", b"\x40")))
    other = refused(dialect.read_at_equipment(dialect.request("go", {}, 0).replace(b"\x10", b"\x41")))
    assert "opcode: no command has the opcode 0x40" == str(asked.problem)
    assert not asked.wants_reply
    assert other.wants_reply
