"""Foreign programs whose streams hold pictures, a preamble, options of Telnet, XML or JSON documents."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tcpcomm import Equipment, Fault, command
from tcpcomm.codec import U16, Binary, Json, Template, Xml
from tcpcomm.framing import (
    CountedBody,
    Delimited,
    FixedSize,
    JsonValues,
    LengthPrefixed,
    Lines,
    Preamble,
    Telnet,
    XmlDocuments,
)
from tests.conversation.foreign import stand
from tests.equipment.declared import Bench

IMAGE = bytes(range(8)) + b"\r\nOK\r\n"

each_cut = pytest.mark.parametrize("cuts", [0.0, 1.0])


class Camera(Equipment):
    """A camera that sends a picture behind a line with its size."""

    framing = Delimited(b"\r\n")
    reply_framing = CountedBody(b"IMG {count}")
    codec = Template()

    @command("GRAB", reply="IMG {#image}\r\n{image:raw}")
    async def grab(self) -> bytes:
        """Take a picture."""
        raise NotImplementedError

    @command("STOP", reply="OK")
    async def stop(self) -> None:
        """Stop."""
        raise NotImplementedError


def answers(table: dict[bytes, bytes]) -> Callable[[bytes], bytes]:
    return table.__getitem__


@each_cut
def test_the_ok_inside_a_picture_answers_no_command(cuts: float) -> None:
    bench = Bench(cuts=cuts)
    at = stand(bench, Camera, answers({b"GRAB": b"IMG 14\r\n" + IMAGE, b"STOP": b"OK\r\n"}))
    picture, stopped = at.proxy.grab(), at.proxy.stop()
    assert [IMAGE, None, []] == [bench.result(picture), bench.result(stopped), at.lost]


class Meter(Equipment):
    """A meter behind a serial server, which begins each connection with its MAC address."""

    framing = LengthPrefixed(2)
    reply_framing = Preamble(LengthPrefixed(2), 6)
    codec = Binary()

    @command(3)
    async def level(self) -> U16:
        """Return the level."""
        raise NotImplementedError


@each_cut
def test_the_mac_address_of_a_serial_server_is_skipped(cuts: float) -> None:
    bench = Bench(cuts=cuts)
    first = [bytes.fromhex("0090E80A0D0A")]

    def answer(frame: bytes) -> bytes:
        return (first.pop() if first else b"") + b"\0\x03" + frame[:1] + b"\x03\x28"

    at = stand(bench, Meter, answer)
    assert [808, 808] == [bench.result(at.proxy.level()), bench.result(at.proxy.level())]


class Console(Equipment):
    """A device with a console that speaks Telnet."""

    framing = Telnet(Lines())
    codec = Template()

    @command("WHO", reply="I AM {name}")
    async def who(self) -> str:
        """Return the name of the device."""
        raise NotImplementedError


@each_cut
def test_the_options_of_a_telnet_console_are_refused(cuts: float) -> None:
    bench = Bench(cuts=cuts)
    at = stand(bench, Console, lambda _: b"\xff\xfb\x01\xff\xfd\x18I AM \xff\xf1PLC 7\r\0")
    assert "PLC 7" == bench.result(at.proxy.who())
    bench.network.advance(0.05)
    assert b"WHO\r\n\xff\xfe\x01\xff\xfc\x18" == b"".join(at.program.chunks)


class Adapter(Equipment):
    """An adapter that begins each connection with its MAC address, and answers MODE with a byte."""

    framing = Lines()
    reply_framing = Preamble(Delimited(b"\r\n"), 6)
    codec = Template(fault=None)

    @command("MODE", reply="{mode:1}", reply_framing=FixedSize(1))
    async def mode(self) -> str:
        """Return the mode: P or A."""
        raise NotImplementedError

    @command("NAME", reply="{name}")
    async def name(self) -> str:
        """Return the name."""
        raise NotImplementedError


MAC = bytes.fromhex("0090E80A0D0A")


@each_cut
@pytest.mark.parametrize("early", [0, 2, 6])
def test_a_first_reply_with_a_framing_of_its_own_follows_the_preamble(cuts: float, early: int) -> None:
    bench = Bench(cuts=cuts)
    first = [MAC[early:]]
    table = {b"MODE": b"P", b"NAME": b"gate 7\r\n"}
    at = stand(bench, Adapter, lambda frame: (first.pop() if first else b"") + table[frame])
    at.program.write(MAC[:early])
    bench.network.advance(0.1)
    asked = [at.proxy.mode(), at.proxy.name(), at.proxy.mode()]
    assert ["P", "gate 7", "P"] == [bench.result(each) for each in asked]
    assert [] == at.lost


class Terminal(Equipment):
    """A device that speaks Telnet, and answers some commands with one character."""

    framing = Telnet(Delimited(b"\r\n"))
    codec = Template(encoding="latin-1", fault=None)

    @command("MODE", reply="{mode:1}", reply_framing=FixedSize(1))
    async def mode(self) -> str:
        """Return the mode as one character."""
        raise NotImplementedError

    @command("NAME", reply="{name}")
    async def name(self) -> str:
        """Return the name."""
        raise NotImplementedError


class MyTerminal(Terminal):
    async def mode(self) -> str:
        return "\xff"

    async def name(self) -> str:
        return "gate \xff"


@each_cut
def test_the_options_before_a_reply_with_a_framing_of_its_own_are_refused(cuts: float) -> None:
    bench = Bench(cuts=cuts)
    at = stand(bench, Terminal, {b"MODE": b"\xff\xfb\x01P", b"NAME": b"\xff\xfd\x18gate\r\n"}.get)
    assert ["P", "gate"] == [bench.result(at.proxy.mode()), bench.result(at.proxy.name())]
    bench.network.advance(0.05)
    assert [] == at.lost
    assert b"\xff\xfe\x01" in b"".join(at.program.chunks)


@each_cut
def test_both_ends_keep_telnet_around_a_reply_with_a_framing_of_its_own(cuts: float) -> None:
    bench = Bench(cuts=cuts)
    bench.serve(MyTerminal())
    proxy = bench.remote(Terminal)
    asked = [proxy.mode(), proxy.name(), proxy.mode()]
    assert ["\xff", "gate \xff", "\xff"] == [bench.result(each) for each in asked]


class Sensor(Equipment):
    """A sensor that speaks XML as a robot with EthernetKRL expects it."""

    framing = XmlDocuments()
    codec = Xml()

    @command('<Robot><Locate Job="{job}"/></Robot>', reply='<Sensor><Pos X="{x:.3f}"/></Sensor>')
    async def locate(self, job: int) -> float:
        """Locate the part."""
        raise NotImplementedError


@each_cut
def test_xml_of_another_program_is_read_and_its_fault_told(cuts: float) -> None:
    bench = Bench(cuts=cuts)
    table = {
        b'<Robot><Locate Job="3"/></Robot>': (
            b"<?xml version='1.0'?>\r\n<Sensor>\r\n<Pos X='1.5' />\r\n</Sensor >\r\n"
        ),
        b'<Robot><Locate Job="9"/></Robot>': b'\r\n<Fault Code="4">no part</Fault>',
    }
    at = stand(bench, Sensor, answers(table))
    assert 1.5 == bench.result(at.proxy.locate(3))
    fault = bench.result(at.proxy.locate(9))
    assert (Fault, 4, "no part", []) == (type(fault), fault.code, fault.reason, at.lost)


class Gauge(Equipment):
    """A gauge whose JSON objects nothing ends."""

    framing = JsonValues()
    codec = Json()

    @command()
    async def read(self) -> str:
        """Return the text on its display."""
        raise NotImplementedError


@each_cut
def test_json_objects_without_ends_are_replies(cuts: float) -> None:
    bench = Bench(cuts=cuts)
    at = stand(bench, Gauge, lambda _: b' {"result": "}\\"{"}\n')
    assert ['}"{', '}"{'] == [bench.result(at.proxy.read()), bench.result(at.proxy.read())]
