"""Foreign programs whose streams hold pictures, a preamble, options of Telnet, XML or JSON documents."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tcpcomm import Equipment, Fault, command
from tcpcomm.codec import U16, Binary, Json, Template, Xml
from tcpcomm.framing import (
    CountedBody,
    Delimited,
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
