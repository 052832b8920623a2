"""Replies to commands that arrive together leave together, in order with all other messages."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from tcpcomm import Equipment, command, current_session, event
from tcpcomm.codec import Template
from tcpcomm.codec.codegen import LONGEST
from tcpcomm.framing import Delimited
from tcpcomm.server.serving import EquipmentFactory, EquipmentProtocol


class Reader(Equipment):
    """A reader of the text on parts."""

    framing = Delimited(b"\r\n")
    codec = Template()

    @command("READ,{part}", reply="OK,{text}")
    async def read(self, part: int) -> str:
        """The text on a part."""
        raise NotImplementedError

    @event("SEEN,{part}")
    def seen(self, part: int) -> None:
        """There is a part."""


class MyReader(Reader):
    async def read(self, part: int) -> str:
        match part:
            case 2:
                self.seen(part)
            case 4:
                return "a\r\nb"
            case 5:
                current_session().close("no more parts")
            case 6:
                return "x" * (LONGEST + 1)
            case 7:
                current_session().abort("broken")
        return f"part {part}"


class Wire(StringTransport):
    """A transport that counts the calls of write."""

    writes = 0

    def write(self, data: bytes) -> None:
        self.writes += 1
        super().write(data)  # type: ignore[no-untyped-call]

    def abortConnection(self) -> None:
        self.aborted = True


@pytest.fixture
def session() -> EquipmentProtocol:
    protocol = EquipmentFactory(MyReader(), clock=Clock()).buildProtocol(None)
    assert isinstance(protocol, EquipmentProtocol)
    protocol.makeConnection(Wire())  # type: ignore[no-untyped-call]
    return protocol


def said(session: EquipmentProtocol, *parts: int) -> list[str]:
    """Ask for these parts in one chunk, and return the answers."""
    session.dataReceived(b"".join(b"READ,%d\r\n" % part for part in parts))
    assert isinstance(session.transport, Wire)
    return session.transport.value().decode().split("\r\n")[:-1]


def test_an_event_of_a_handler_is_sent_between_the_replies(session: EquipmentProtocol) -> None:
    assert ["OK,part 1", "SEEN,2", "OK,part 2", "OK,part 3"] == said(session, 1, 2, 3)


def test_the_replies_to_a_chunk_leave_in_one_write(session: EquipmentProtocol) -> None:
    many = 129
    assert ["OK,part 1"] * many == said(session, *[1] * many)
    assert isinstance(session.transport, Wire)
    assert 1 == session.transport.writes
    assert many == session.frames_sent


def test_a_reply_that_the_framing_cannot_carry_is_a_fault_in_its_place(session: EquipmentProtocol) -> None:
    assert ["OK,part 1", "NG,INTERNAL,the command failed", "OK,part 3"] == said(session, 1, 4, 3)


def test_a_long_reply_keeps_its_place(session: EquipmentProtocol) -> None:
    assert ["OK,part 1", f"OK,{'x' * (LONGEST + 1)}", "OK,part 3"] == said(session, 1, 6, 3)


def test_the_replies_before_a_close_are_sent_and_none_after_it(session: EquipmentProtocol) -> None:
    assert ["OK,part 1"] == said(session, 1, 5, 3)


def test_nothing_is_sent_after_an_abort(session: EquipmentProtocol) -> None:
    assert [] == said(session, 1, 7, 3)


def test_there_is_no_current_session_between_chunks(session: EquipmentProtocol) -> None:
    said(session, 1, 3)
    with pytest.raises(Exception, match="only while a command is carried out"):
        current_session()
