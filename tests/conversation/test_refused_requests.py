"""A request that is refused is answered, whatever it holds, and its session goes on."""

from __future__ import annotations

from enum import IntEnum

import pytest
from twisted.internet.protocol import Factory, Protocol

from tcpcomm import Equipment, Fault, ReplyTimeout, command, raw
from tcpcomm.codec import OneOf, ProtocolErrorKind, Template
from tcpcomm.framing import CountedBody, Delimited, Enclosed
from tests.equipment.declared import PORT, Bench


class Code(IntEnum):
    UNKNOWN = 0
    WRONG = 1
    NOT_NOW = 2


CODES = dict.fromkeys(ProtocolErrorKind, Code.UNKNOWN) | {
    ProtocolErrorKind.BAD_PARAMETERS: Code.WRONG,
    ProtocolErrorKind.WRONG_STATE: Code.NOT_NOW,
}


class Laser(Equipment):
    """A sensor whose faults repeat the first two characters of the command."""

    framing = Delimited(b"\r")
    codec = Template(fault="ER,{command:<2},{code:02d}", meanings=Code, codes=CODES)

    @command("SW,PR,{program:d}", reply="SW,PR")
    def choose(self, program: int) -> None:
        """Choose a program."""
        raise Fault(Code.NOT_NOW)

    @command("MEASURE", reply="MEASURE,{mm:.3f}")
    def measure(self) -> float:
        """Measure."""
        raise Fault(Code.NOT_NOW)


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"HELLO", b"ER,HE,00"),
        (b"H", b"ER,H ,00"),
        (b"", b"ER,? ,00"),
        (b"\xff\xfe", b"ER,? ,00"),
        (b"SW,PR,x", b"ER,SW,01"),
        (b"SW,PR,1", b"ER,SW,02"),
        (b"MEASURE", b"ER,ME,02"),
    ],
)
def test_a_fault_repeats_as_much_of_the_command_as_its_width(
    bench: Bench, sent: bytes, answer: bytes
) -> None:
    bench.serve(Laser())
    proxy = bench.remote(Laser)
    assert answer == bench.result(raw(proxy, sent))
    assert b"ER,ME,02" == bench.result(raw(proxy, b"MEASURE")), "the session goes on"


def test_a_host_knows_its_command_by_as_much_of_it_as_the_fault_repeats(bench: Bench) -> None:
    bench.serve(Laser())
    proxy = bench.remote(Laser)
    for asked in (proxy.measure(), proxy.choose(program=1)):
        fault = bench.result(asked)
        assert (Fault, Code.NOT_NOW, "not now") == (type(fault), fault.code, fault.reason)


class Gauge(Equipment):
    """A gauge with special values: one is None, and one is a fault."""

    framing = Delimited(b"\r")
    codec = Template(fault="ER,{code}")

    @command("MS,{n:d}", reply=OneOf("MS,{mm:+09.4f}", "MS,-999.9999"))
    def measure(self, n: int) -> float | None:
        """Measure."""
        return [12.5, None, -999.9999][n]

    @command("TP,{n:d}", reply="TP,{degrees:+06.1f}", faults={"TP,-999.9": "open", "TP,+999.9": "short"})
    def temperature(self, n: int) -> float:
        """Measure the temperature."""
        if n == 1:
            raise Fault("short")
        return [20.5, 0.0, 999.9][n]


def test_special_values_go_through_both_ends_and_no_value_is_read_as_one(bench: Bench) -> None:
    bench.serve(Gauge())
    proxy = bench.remote(Gauge)
    assert [12.5, None] == [bench.result(proxy.measure(n=n)) for n in (0, 1)]
    assert 20.5 == bench.result(proxy.temperature(n=0))
    told = [bench.result(proxy.measure(n=2)), *(bench.result(proxy.temperature(n=n)) for n in (1, 2))]
    assert ["INTERNAL", "short", "INTERNAL"] == [fault.code for fault in told]


class Stage(Equipment):
    """A stage whose faults have less room than its commands."""

    framing = Delimited(b"\r")
    reply_framing = Enclosed()
    codec = Template(encoding="utf-8", fault="{axis:02d} {name:<4}:{command}:{code}")

    @command("HOME {axis} {name}", reply="OK {axis}")
    def home(self, axis: int, name: str) -> None:
        """Move an axis home."""
        raise Fault("E1")


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"HOME 7 left", b"07 left:HOME:E1"),
        (b"HOME 123 longer", b"00 long:HOME:E1"),
        (b"HOME 123", b"00 0   :HOME:BAD_PARAMETERS"),
        (b"A:B:C", b"00 0   :ABC:UNKNOWN_COMMAND"),
        (b"\x02A\x03B 1", b"00 0   :AB:UNKNOWN_COMMAND"),
        (b":::", b"00 0   :?:UNKNOWN_COMMAND"),
        ("문 1".encode(), "00 0   :문:UNKNOWN_COMMAND".encode()),
    ],
)
def test_a_fault_repeats_no_more_of_a_request_than_it_can_carry(
    bench: Bench, sent: bytes, answer: bytes
) -> None:
    bench.serve(Stage())
    proxy = bench.remote(Stage)
    assert answer == bench.result(raw(proxy, sent))


@pytest.mark.parametrize(("axis", "name"), [(7, "left"), (123, "longer"), (99, "four")])
def test_a_host_compares_with_what_the_fault_has_room_for(bench: Bench, axis: int, name: str) -> None:
    bench.serve(Stage())
    proxy = bench.remote(Stage)
    fault = bench.result(proxy.home(axis=axis, name=name))
    assert (Fault, "E1") == (type(fault), fault.code)


class Ends(Equipment):
    """Its replies end with a character that a command may contain."""

    framing = Delimited(b"\r")
    reply_framing = Delimited(b"#")
    codec = Template(fault="NG,{command},{code}")

    @command("PING", reply="PONG")
    def ping(self) -> None:
        """Show that it is alive."""


class Typist(Protocol):
    """A person at a terminal."""

    received = b""

    def connectionMade(self) -> None:
        self.transport.write(b"A#B\rAB\r")  # type: ignore[union-attr]

    def dataReceived(self, data: bytes) -> None:
        self.received += data


def test_after_a_fault_that_the_framing_refuses_the_session_goes_on(bench: Bench) -> None:
    bench.serve(Ends())
    typist = Typist()
    bench.robot.connecting(bench.camera, PORT).connect(Factory.forProtocol(lambda: typist))
    bench.until(lambda: typist.received == b"NG,AB,UNKNOWN_COMMAND#")


class InspectionPC(Equipment):
    """A PC that inspects pictures. Only that command has faults."""

    framing = CountedBody(b"IMG,{number},{count}")
    reply_framing = Delimited(b"\r\n")
    codec = Template(
        fault=None,
        codes={ProtocolErrorKind.WRONG_STATE: "STATE", ProtocolErrorKind.BAD_PARAMETERS: "E1"},
    )

    @command("HELLO", reply="OK", enters="welcomed")
    def hello(self) -> None:
        """Say hello."""

    @command(
        "IMG,{number},{#picture}\r\n{picture:raw}",
        reply="RES,{number},{x:.1f}",
        faults={"NG,{number},{code}": None},
        needs="welcomed",
    )
    def inspect(self, number: int, picture: bytes) -> float:
        """Find the part in a picture."""
        if number == 3:
            raise ValueError(number)
        return float(len(picture))


def test_a_command_with_faults_of_its_own_refuses_wrong_values_by_them(bench: Bench) -> None:
    bench.serve(InspectionPC())
    proxy = bench.remote(InspectionPC)
    assert b"NG,5,STATE" == bench.result(raw(proxy, b"IMG,5,4\r\n\0\0\0\xff"))
    bench.result(proxy.hello())
    assert b"RES,5,4.0" == bench.result(raw(proxy, b"IMG,5,4\r\n\0\0\0\xff"))
    assert b"NG,0,E1" == bench.result(raw(proxy, b"IMG,x,4\r\n\0\0\0\xff"))
    assert b"NG,3,INTERNAL" == bench.result(raw(proxy, b"IMG,3,4\r\n\0\0\0\xff"))
    assert ReplyTimeout is type(bench.result(raw(proxy, b"JUMP", timeout=1.0))), "no fault can answer it"
