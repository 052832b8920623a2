"""
Several header shapes in one declaration: handshakes, and messages inside other messages.

The bytes are those of FINS/TCP, S7, EtherNet/IP with CIP, and HSMS.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

import pytest
from attrs import frozen
from twisted.internet.defer import Deferred

from tcpcomm import (
    ConfigurationError,
    Equipment,
    Fault,
    ReplyTimeout,
    command,
    declaration_of,
    link_of,
)
from tcpcomm.codec import (
    ID,
    OPCODE,
    STATUS,
    U8,
    U16,
    U32,
    U64,
    Before,
    Binary,
    CountedBy,
    Echo,
    Fixed,
    Length,
    Rest,
    Skip,
    Template,
    Var,
)
from tcpcomm.codec.base import Dialect, Request
from tcpcomm.framing import LengthPrefixed, Lines
from tcpcomm.testing import check_equipment
from tcpcomm.tools.manual.facts import facts_of
from tcpcomm.tools.manual.pages import markdown
from tests.conversation.test_hsms import Hsms
from tests.equipment.declared import Bench

Bytes = Annotated[bytes, Rest()]


def unhex(text: str) -> bytes:
    return bytes.fromhex(text)


def asked(dialect: Dialect, frame: bytes) -> Request:
    (request,) = dialect.read_at_equipment(frame).requests
    assert isinstance(request, Request), request
    return request


class Fins(Equipment):
    """Omron: a handshake gives both nodes their addresses, which all later frames carry."""

    framing = LengthPrefixed(4, offset=4, strip=0)
    server_node = Var(U8, 0)
    client_node = Var(U8, 0)
    handshake = Binary(
        U32,
        status=U32,
        head=(b"FINS", Length(U32), OPCODE, STATUS, Skip(3), client_node),
        reply_head=(b"FINS", Length(U32), OPCODE, STATUS, Skip(3), client_node, Skip(3), server_node),
    )
    codec = Binary(
        U16,
        id=U8,
        status=U16,
        head=(
            b"FINS",
            Length(U32),
            b"\0\0\0\2\0\0\0\0\x80\0\2\0",
            server_node,
            b"\0\0",
            client_node,
            b"\0",
            ID,
            OPCODE,
        ),
        reply_head=(
            b"FINS",
            Length(U32),
            b"\0\0\0\2\0\0\0\0\xc0\0\2\0",
            client_node,
            b"\0\0",
            server_node,
            b"\0",
            ID,
            OPCODE,
            STATUS,
        ),
    )

    @command(0, reply=1, codec=handshake)
    def connect(self) -> None:
        """Ask for the addresses of both nodes."""
        raise NotImplementedError

    @command(0x0101)
    def read(self, area: U8, word: U16, bit: U8, size: U16) -> Bytes:
        """Read memory."""
        raise NotImplementedError


class MyFins(Fins):
    def connect(self) -> None:
        self.client_node.set(0xEF)
        self.server_node.set(0x10)

    def read(self, area: int, word: int, bit: int, size: int) -> bytes:
        if self.server_node.value != 0x10:
            raise Fault(0x0101, "no such node")
        return bytes([self.client_node.value]) * size


def test_fins_learns_its_node_addresses_by_the_handshake() -> None:
    dialect = declaration_of(Fins).dialect
    learned: dict[str, Any] = {}
    frame, reader = dialect.ask("connect", {}, 1, {}, learned)
    assert unhex("46494E53 0000000C 00000000 00000000 00000000") == frame
    reply = unhex("46494E53 00000010 00000001 00000000 000000EF 00000010")
    (answer,) = dialect.read_at_host(reply)
    assert reader is not None
    assert reader.take(answer.body) is None  # type: ignore[union-attr]
    assert {"client_node": 0xEF, "server_node": 0x10} == learned
    values = {"area": 0x82, "word": 100, "bit": 0, "size": 1}
    frame, _ = dialect.ask("read", values, 9, {}, learned)
    header = "46494E53 0000001A 00000002 00000000 80 00 02 00 10 00 00 EF 00 09"
    assert unhex(f"{header} 0101 82 0064 00 0001") == frame
    request = asked(dialect, frame)
    header = "46494E53 00000018 00000002 00000000 C0 00 02 00 EF 00 00 10 00 09"
    assert [unhex(f"{header} 0101 0000 1234")] == dialect.reply(request, b"\x12\x34")


def test_fins_reads_after_a_handshake_on_each_connection(bench: Bench) -> None:
    bench.serve(MyFins())
    plc = bench.remote(Fins, on_ready=[lambda fins: fins.connect()])
    for _ in range(2):
        assert b"\xef\xef" == bench.result(plc.read(0x82, 100, 0, 2))
        link_of(plc).engine.drop("a test")
        bench.until(lambda: link_of(plc).state.value == "ready")
    lost = bench.remote(Fins)
    assert Fault is type(bench.result(lost.read(0x82, 100, 0, 2)))
    assert bench.result(lost.connect()) is None
    assert b"\xef" == bench.result(lost.read(0x82, 100, 0, 1))


def test_a_reply_without_an_id_that_comes_too_late_answers_nobody(bench: Bench) -> None:
    later: list[Deferred[None]] = []

    class Slow(MyFins):
        def connect(self) -> Any:
            later.append(Deferred())
            return later[-1]

    bench.serve(Slow())
    plc = bench.remote(Fins)
    assert ReplyTimeout is type(bench.result(plc.connect()))
    bench.until(lambda: link_of(plc).state.value == "ready")
    both = plc.connect(), plc.connect()
    bench.until(lambda: len(later) == 2)  # the second waits until the first is answered
    later[1].callback(None)
    assert bench.result(both[0]) is None
    later[2].callback(None)
    assert bench.result(both[1]) is None


S7_HEAD = (
    b"\3\0",
    Length(U16, adjust=4),
    b"\2\xf0\x80\x32\1\0\0",
    ID,
    Length(U16, adjust=-2),
    b"\0\0",
    OPCODE,
)


S7_REPLY = (b"\3\0", Length(U16, adjust=4), b"\2\xf0\x80\x32\3\0\0", ID)


S7_FAULT = (*S7_REPLY, b"\0\0\0\0", STATUS)


@frozen
class Items:
    count: U8
    data: Bytes


class S7(Equipment):
    """COTP's connection, then jobs. The reply to a read has its values in a part of its own."""

    framing = LengthPrefixed(2, offset=2, adjust=-4, strip=0)
    cotp = Binary(
        U8,
        head=(b"\3\0", Length(U16, adjust=4), Length(U8), OPCODE),
        fault_opcode=0x80,
        code=Annotated[U8, Before(4)],
    )
    reading = Binary(
        U8,
        id=U16,
        status=U16,
        head=S7_HEAD,
        reply_head=(*S7_REPLY, b"\0\2", Length(U16, adjust=-4), STATUS, OPCODE),
        fault_head=S7_FAULT,
    )
    codec = Binary(
        U8,
        id=U16,
        status=U16,
        head=S7_HEAD,
        reply_head=(*S7_REPLY, Length(U16, adjust=-4), b"\0\0", STATUS, OPCODE),
        fault_head=S7_FAULT,
    )

    @command(0xE0, reply=0xD0, codec=cotp)
    def connect(self, target: U16, source: U16, options: Bytes) -> Bytes:
        """Connect: COTP CR and CC."""
        raise NotImplementedError

    @command(0xF0)
    def set_up(self, calling: Annotated[U16, Before(1)], called: U16, size: U16) -> Bytes:
        """Agree on the size of a message."""
        raise NotImplementedError

    @command(0x04, codec=reading)
    def read(self, items: Bytes) -> Items:
        """Read variables."""
        raise NotImplementedError


def test_s7_connects_sets_up_and_reads_with_three_shapes_of_headers(bench: Bench) -> None:
    dialect = declaration_of(S7).dialect
    options = unhex("00 C0010A C1020100 C2020102")
    values = {"target": 0, "source": 1, "options": options}
    connect = unhex("0300 0016 11 E0 0000 0001") + options
    assert connect == dialect.request("connect", values, 1)
    confirm = unhex("0300 0016 11 D0 0001 0002") + options
    assert [confirm] == dialect.reply(asked(dialect, connect), unhex("0001 0002") + options)
    set_up = dialect.request("set_up", {"calling": 1, "called": 1, "size": 480}, 0x0200)
    assert unhex("0300 0019 02F080 32010000 0200 0008 0000 F0 00 0001 0001 01E0") == set_up
    answer = unhex("0300 001B 02F080 32030000 0200 0008 0000 0000 F0 00 0001 0001 00F0")
    assert [answer] == dialect.reply(asked(dialect, set_up), answer[20:])
    item = unhex("01 12 0A 10 02 0004 0001 84 000000")
    read = dialect.request("read", {"items": item}, 0x0300)
    assert unhex("0300 001F 02F080 32010000 0300 000E 0000 04") + item == read
    data = Items(1, unhex("FF 04 0020 DEADBEEF"))
    reply = unhex("0300 001D 02F080 32030000 0300 0002 0008 0000 04 01") + data.data
    assert [reply] == dialect.reply(asked(dialect, read), data)
    fault = unhex("0300 0013 02F080 32030000 0300 0000 0000 8104")
    assert fault == dialect.fault(asked(dialect, read), Fault(0x8104))

    class MyS7(S7):
        def connect(self, target: int, source: int, options: bytes) -> bytes:
            if source == 9:
                raise Fault(0x88, "no such address")
            return options

        def set_up(self, calling: int, called: int, size: int) -> bytes:
            return bytes(7)

        def read(self, items: bytes) -> Items:
            if not items:
                raise Fault(0x8104)
            return data

    bench.serve(MyS7())
    plc = bench.remote(S7)
    assert options == bench.result(plc.connect(0, 1, options))
    failed = bench.result(plc.connect(0, 9, options))
    assert (Fault, 0x88) == (type(failed), failed.code)
    assert bytes(7) == bench.result(plc.set_up(1, 1, 480))
    assert data == bench.result(plc.read(item))
    failed = bench.result(plc.read(b""))
    assert (Fault, 0x8104) == (type(failed), failed.code)


class Logix(Equipment):
    """CIP inside EtherNet/IP: its service, status and data are in the body of SendRRData."""

    framing = LengthPrefixed(2, form="little", offset=2, adjust=20, strip=0)
    session = Var(U32, 0)
    encapsulation = Binary(
        U16,
        id=U64,
        status=U32,
        byte_order="little",
        head=(OPCODE, Length(U16, adjust=-20), session, STATUS, ID, Skip(4)),
    )
    codec = Binary(
        U8,
        id=U64,
        status=U8,
        reply_bit=0x80,
        byte_order="little",
        head=(
            b"\x6f\0",
            Length(U16, adjust=-20),
            session,
            Skip(4),
            ID,
            Skip(4),
            b"\0\0\0\0\0\0\2\0\0\0\0\0\xb2\0",
            Length(U16),
            OPCODE,
        ),
        reply_head=(
            b"\x6f\0",
            Length(U16, adjust=-20),
            session,
            b"\0\0\0\0",
            ID,
            Skip(4),
            b"\0\0\0\0\0\0\2\0\0\0\0\0\xb2\0",
            Length(U16),
            OPCODE,
            Skip(1),
            STATUS,
            Skip(1),
        ),
    )

    @command(0x65, codec=encapsulation)
    def register(self, version: U16, flags: U16) -> Bytes:
        """Open a session."""
        raise NotImplementedError

    @command(0x0E)
    def get_attribute(self, path: Bytes) -> Bytes:
        """Read one attribute."""
        raise NotImplementedError


def test_cip_travels_inside_ethernet_ip_with_the_handle_of_the_session() -> None:
    dialect = declaration_of(Logix).dialect
    learned: dict[str, Any] = {}
    frame, reader = dialect.ask("register", {"version": 1, "flags": 0}, 1, {}, learned)
    assert unhex("6500 0400 00000000 00000000 0100000000000000 00000000 0100 0000") == frame
    (answer,) = dialect.read_at_host(
        unhex("6500 0400 44332211 00000000 0100000000000000 00000000 0100 0000")
    )
    assert reader is not None
    assert unhex("0100 0000") == reader.take(answer.body)  # type: ignore[union-attr]
    frame, reader = dialect.ask("get_attribute", {"path": unhex("03 20 01 24 01 30 07")}, 2, {}, learned)
    inner = unhex("00000000 0000 0200 0000 0000 B200 0800 0E 03 20 01 24 01 30 07")
    assert unhex("6F00 1800 44332211 00000000 0200000000000000 00000000") + inner == frame
    reply = unhex(
        "6F00 1600 44332211 00000000 0200000000000000 00000000 00000000 0000 0200 0000 0000 B200 0600"
    )
    (answer,) = dialect.read_at_host(reply + unhex("8E 00 00 00 1234"))
    assert reader is not None
    assert (2, b"\x12\x34") == (answer.id, reader.take(answer.body))  # type: ignore[union-attr]


def test_a_fault_of_the_outer_message_answers_the_inner_command() -> None:
    """The status 0x64: the handle of the session is not valid."""
    dialect = declaration_of(Logix).dialect
    reader = dialect.reply_reader("get_attribute")
    (answer,) = dialect.read_at_host(unhex("6F00 0000 44332211 64000000 0200000000000000 00000000"))
    assert reader is not None
    with pytest.raises(Fault) as caught:
        reader.take(answer.body)  # type: ignore[union-attr]
    assert (2, 0x64) == (answer.id, caught.value.code)  # type: ignore[union-attr]


class TextFirst(Equipment):
    """A line of text opens the session, and binary messages follow."""

    framing = Lines()
    codec = Binary(U8, id=U8)

    @command("LOGIN {user}", reply="WELCOME {level:d}", codec=Template(fault="DENIED {code:d} {reason}"))
    def log_in(self, user: str) -> int:
        """Open the session."""
        raise NotImplementedError

    @command(0x41)
    def read(self, at: U8) -> U8:
        """Read a byte."""
        raise NotImplementedError


def test_a_text_may_open_a_session_of_binary_messages(bench: Bench) -> None:
    class MyTextFirst(TextFirst):
        def log_in(self, user: str) -> int:
            if user != "kim":
                raise Fault(3, "who")
            return 2

        def read(self, at: int) -> int:
            return at + 1

    bench.serve(MyTextFirst())
    host = bench.remote(TextFirst)
    assert 2 == bench.result(host.log_in("kim"))
    assert 0x31 == bench.result(host.read(0x30))
    failed = bench.result(host.log_in("lee"))
    assert (Fault, 3, "who") == (type(failed), failed.code, failed.reason)
    notation = declaration_of(TextFirst).dialect.notation("log_in")
    assert ("LOGIN {user}", ("WELCOME {level:d}",)) == (notation.request, notation.replies)
    assert ("DENIED {code:d} {reason}",) == notation.faults


def test_two_codecs_that_know_the_same_request_are_refused() -> None:
    with pytest.raises(
        ConfigurationError, match=r"another codec of this class reads b'.*' as its own command"
    ):

        class Twice(Equipment):
            codec = Binary(U8)

            @command(1)
            def one(self) -> U8:
                raise NotImplementedError

            @command(1, codec=Binary(U8, fault_bit=0x40))
            def two(self) -> U8:
                raise NotImplementedError


def test_the_size_of_a_result_may_be_told_by_the_request_beside_another_codec() -> None:
    class Sized(Equipment):
        codec = Binary(U8)

        @command(1)
        def read(self, size: U8) -> Annotated[list[U16], CountedBy("size")]:
            raise NotImplementedError

        @command(2, codec=Binary(U8, fault_bit=0x40))
        def connect(self) -> None:
            raise NotImplementedError

    dialect = declaration_of(Sized).dialect
    (request,) = dialect.read_at_equipment(unhex("01 02")).requests
    assert isinstance(request, Request)
    assert [unhex("01 0007 0008")] == dialect.reply(request, [7, 8])


def test_a_codec_of_a_command_must_be_a_codec() -> None:
    with pytest.raises(ConfigurationError, match=r"Wrong\.one: codec must be a codec such as Binary\(\)"):

        class Wrong(Equipment):
            codec = Binary(U8)

            @command(1, codec=Binary)  # type: ignore[arg-type]
            def one(self) -> U8:
                raise NotImplementedError


DECLARATIONS = [Fins, S7, Logix, Hsms, TextFirst]


@pytest.mark.parametrize("kind", DECLARATIONS)
def test_both_ends_of_each_declaration_agree_and_it_has_a_manual(kind: type[Equipment]) -> None:
    check_equipment(kind, max_examples=3)
    facts = facts_of(declaration_of(kind))
    assert json.loads(json.dumps(facts))["commands"] == facts["commands"]
    assert "## Commands" in markdown(facts)


def test_the_manual_says_which_values_are_repeated_and_which_are_learned() -> None:
    notation = declaration_of(Hsms).dialect.notation("are_you_there")
    assert "device:u16be(default 00 00) 8101 00 00 id:u32be" == notation.request
    assert ("device:u16be(as in the request) 0102 00 00 id:u32be bytes[...]",) == notation.replies
    replies = declaration_of(Logix).dialect.notation("register").replies
    assert "session:u32le(for later requests)" in replies[0]


class Ads(Equipment):
    """ADS over AMS/TCP: the addresses change their places, and the state flags differ."""

    framing = LengthPrefixed(4, form="little", offset=2, strip=0)
    target = Echo(Annotated[bytes, Fixed(8)], unhex("05 11 22 33 01 01 5303"))
    source = Echo(Annotated[bytes, Fixed(8)], unhex("C0 A8 00 02 01 01 0080"))
    codec = Binary(
        U16,
        id=U32,
        status=U32,
        byte_order="little",
        head=(
            *(b"\0\0", Length(U32), target, source),
            *(OPCODE, b"\4\0", Length(U32, adjust=-8), STATUS, ID),
        ),
        reply_head=(
            *(b"\0\0", Length(U32), source, target),
            *(OPCODE, b"\5\0", Length(U32, adjust=-8), STATUS, ID),
        ),
    )

    @command(4)
    def read_state(self) -> Bytes:
        """Return the result and the states."""
        raise NotImplementedError


def test_ads_changes_the_places_of_its_addresses() -> None:
    dialect = declaration_of(Ads).dialect
    request = unhex("0000 20000000 0511223301015303 C0A8000201010080 0400 0400 00000000 00000000 07000000")
    assert request == dialect.request("read_state", {}, 7)
    reply = unhex(
        "0000 28000000 C0A8000201010080 0511223301015303 0400 0500 08000000 00000000 07000000"
        "00000000 0500 0000"
    )
    assert [reply] == dialect.reply(asked(dialect, request), unhex("00000000 0500 0000"))
    fault = unhex("0000 20000000 C0A8000201010080 0511223301015303 0400 0500 00000000 06000000 07000000")
    assert fault == dialect.fault(asked(dialect, request), Fault(6))
