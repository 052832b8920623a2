"""HSMS: control messages and data messages with headers of two shapes, and both sides ask."""

from __future__ import annotations

from typing import Annotated

from tcpcomm import (
    Equipment,
    Fault,
    NotReady,
    caller,
    command,
    declaration_of,
    event,
)
from tcpcomm.codec import (
    ID,
    OPCODE,
    STATUS,
    U8,
    U16,
    U32,
    Binary,
    Echo,
    Rest,
    Skip,
)
from tcpcomm.codec.base import Request
from tcpcomm.framing import LengthPrefixed
from tests.equipment.declared import Bench

Bytes = Annotated[bytes, Rest()]


def unhex(text: str) -> bytes:
    return bytes.fromhex(text)


class Hsms(Equipment):
    """HSMS: control messages for the session, and data messages with a stream and a function."""

    framing = LengthPrefixed(4)
    device = Echo(U16, 0)
    control = Binary(
        U8,
        id=U32,
        status=U8,
        head=(b"\xff\xff\0\0\0", OPCODE, ID),
        reply_head=(b"\xff\xff\0", STATUS, b"\0", OPCODE, ID),
    )
    codec = Binary(
        (U8, U8),
        id=U32,
        head=(device, OPCODE, b"\0\0", ID),
        event_head=(device, OPCODE, b"\0\0", Skip(4)),
        wants_reply_bit=0x8000,
        fault_opcode=lambda opcode: opcode & 0xFF00,
        code=None,
    )

    @command(1, reply=2, codec=control)
    def select(self) -> None:
        """Begin communication."""
        raise NotImplementedError

    @command(5, reply=6, codec=control)
    def linktest(self) -> None:
        """Show that the program is alive."""
        raise NotImplementedError

    @command((1, 1), reply=(1, 2))
    def are_you_there(self) -> Bytes:
        """S1F1."""
        raise NotImplementedError

    @event((5, 1))
    def alarm(self, items: Bytes) -> None:
        """S5F1, without the W bit."""


class MyHsms(Hsms):
    def select(self) -> None:
        if self.device.value:
            raise Fault(1, "already")

    def linktest(self) -> None:
        raise ValueError("broken")

    def are_you_there(self) -> bytes:
        return bytes([self.device.value])


def test_hsms_has_control_messages_beside_data_messages(bench: Bench) -> None:
    dialect = declaration_of(Hsms).dialect
    assert unhex("FFFF 00 00 00 05 00000002") == dialect.request("linktest", {}, 2)
    assert [unhex("FFFF 00 00 00 06 00000002")] == dialect.reply(Request("linktest", {}, 2), None)
    assert unhex("0000 81 01 00 00 00000003") == dialect.request("are_you_there", {}, 3)
    served = MyHsms()
    bench.serve(served)
    tool = bench.remote(Hsms)
    heard: list[bytes] = []
    tool.alarm.subscribe(lambda items: heard.extend([items]))
    assert bench.result(tool.select()) is None
    assert b"\x07" == bench.result(tool.device(7).are_you_there())
    served.alarm(items=b"\1")
    bench.until(lambda: bool(heard))
    assert [b"\1"] == heard


def test_each_codec_has_its_own_code_for_a_defect(bench: Bench) -> None:
    bench.serve(MyHsms())
    failed = bench.result(bench.remote(Hsms).linktest())
    assert (Fault, 4) == (type(failed), failed.code)


def test_a_request_that_no_codec_knows_is_refused_by_the_codec_that_has_read_its_header() -> None:
    dialect = declaration_of(Hsms).dialect
    for frame, answer in (
        ("FFFF 00 00 00 07 00000002", "FFFF 00 01 00 07 00000002"),
        ("0003 87 01 00 00 00000009", "0003 07 00 00 00 00000009"),
    ):
        (refusal,) = dialect.read_at_equipment(unhex(frame)).requests
        fault = dialect.fault_for(refusal.error_kind, "")  # type: ignore[union-attr]
        assert unhex(answer).hex() == dialect.fault(refusal, fault).hex()


class Selected(Hsms):
    """HSMS whose data messages need a session that is selected."""

    @command(1, reply=2, codec=Hsms.control, enters="selected")
    def select(self) -> None:
        """Begin communication."""
        raise NotImplementedError

    @command((1, 1), reply=(1, 2), needs="selected")
    def are_you_there(self) -> Bytes:
        """S1F1."""
        raise NotImplementedError


def test_a_control_message_may_enter_the_state_that_data_messages_need(bench: Bench) -> None:
    class MySelected(Selected):
        def select(self) -> None:
            pass

        def linktest(self) -> None:
            pass

        def are_you_there(self) -> bytes:
            return b"here"

    bench.serve(MySelected())
    tool = bench.remote(Selected)
    assert bench.result(tool.linktest()) is None
    assert NotReady is type(bench.result(tool.are_you_there()))
    unaware = bench.result(bench.remote(Hsms).are_you_there())
    assert (Fault, 0) == (type(unaware), unaware.code)
    assert bench.result(tool.select()) is None
    assert b"here" == bench.result(tool.are_you_there())


class HsmsHost(Equipment):
    """The messages that a host answers: they have the same headers, and the same device."""

    framing = Hsms.framing
    device = Hsms.device
    codec = Hsms.codec

    @command((6, 11), reply=(6, 12))
    def report(self, items: Bytes) -> Bytes:
        """S6F11."""
        raise NotImplementedError


def test_both_sides_ask_each_other_and_each_handler_sees_its_own_header(bench: Bench) -> None:
    class MyHost(HsmsHost):
        def report(self, items: bytes) -> bytes:
            return items + bytes([self.device.value])

    class Asking(MyHsms):
        async def are_you_there(self) -> bytes:  # type: ignore[override]
            answer = await caller(HsmsHost).device(5).report(b"event")  # type: ignore[misc]
            return bytes([*answer, self.device.value])

    bench.serve(Asking(), calls=HsmsHost)
    tool = bench.remote(Hsms, serves=MyHost())
    assert bench.result(tool.select()) is None
    assert b"event\5\7" == bench.result(tool.device(7).are_you_there())
