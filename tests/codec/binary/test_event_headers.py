"""Headers of events carry the values of their session: numbers of frames, a session handle."""

from __future__ import annotations

from typing import Any

import pytest

from tcpcomm import ConfigurationError, Equipment, command, current_session, event
from tcpcomm.codec import OPCODE, U8, U16, Binary, Echo, Length, Var
from tcpcomm.framing import LengthPrefixed
from tcpcomm.testing import RecordingObserver
from tests.equipment.declared import Bench
from tests.interop.test_unseen_manuals import Wire, device, program

HEAD = (b"\x68", Length(U8))


class Meter(Equipment):
    """A meter whose headers have a handle, the number of a frame, and a unit."""

    framing = LengthPrefixed(1, offset=1, sync=b"\x68", strip=0)
    handle = Var(U8, 0)
    number = Var(U8, 0)
    unit = Echo(U8, 1)
    codec = Binary(head=(*HEAD, handle, unit, OPCODE), event_head=(*HEAD, number, handle, unit, OPCODE))

    @command(0x10)
    async def register(self, handle: U8) -> None:
        """Open a session."""
        raise NotImplementedError

    @event(0x20)
    def measured(self, value: U16) -> None:
        """A value was measured."""


class MyMeter(Meter):
    """A meter that measures at once when a host has registered, and counts its frames."""

    def __init__(self) -> None:
        self.sessions: list[Any] = []

    async def register(self, handle: int) -> None:
        self.handle.set(handle)
        self.sessions.append(current_session())
        self.measured.to(current_session(), 1)
        self.count(current_session())

    def count(self, session: Any) -> None:
        self.number.of(session).set(self.number.of(session).value + 2)


def said(bench: Bench, wire: Wire) -> str:
    """Return what the equipment has said since."""
    bench.network.advance(1.0)
    found, wire.received = wire.received, b""
    return found.hex(" ")


@pytest.mark.parametrize("observed", [False, True])
def test_an_event_has_the_values_of_its_session(observed: bool) -> None:
    """It had the defaults, also after ``set``."""
    bench, meter = Bench(), MyMeter()
    bench.serve(meter, observers=[RecordingObserver()] if observed else [])
    wires = [program(bench) for _ in range(3)]
    for wire, handle in zip(wires, (7, 9), strict=False):
        wire.say(bytes([0x68, 4, 0, 5, 0x10, handle]))
        assert f"68 06 00 {handle:02x} 01 20 00 01 68 03 {handle:02x} 05 10" == said(bench, wire)
    meter.count(meter.sessions[1])
    meter.measured.to(meter.sessions[0], 2)
    assert "68 06 02 07 01 20 00 02" == said(bench, wires[0])
    meter.measured(3)
    assert ["02 07", "04 09", "00 00"] == [said(bench, wire)[6:11] for wire in wires]


def test_an_event_has_the_values_of_the_last_request_if_none_were_set() -> None:
    class Repeating(Meter):
        async def register(self, handle: int) -> None:
            pass

    bench, meter = Bench(), Repeating()
    bench.serve(meter)
    wire = program(bench)
    wire.say(b"\x68\x04\x0c\x05\x10\x01")
    bench.network.advance(1.0)
    wire.received = b""
    meter.measured(3)
    assert "68 06 00 0c 01 20 00 03" == said(bench, wire)


def test_a_new_session_begins_with_the_defaults() -> None:
    bench, meter = Bench(), MyMeter()
    bench.serve(meter)
    first = program(bench)
    first.say(b"\x68\x04\x00\x05\x10\x07")
    bench.network.advance(1.0)
    second = program(bench)
    bench.network.advance(1.0)
    meter.measured(3)
    assert "68 06 00 00 01 20 00 03" == said(bench, second)


def test_a_host_that_is_asked_tells_events_with_the_values_of_its_session() -> None:
    """Both ends may be equipment: the host serves the meter here."""

    class Control(Equipment):
        framing = Meter.framing
        codec = Binary(head=(*HEAD, OPCODE))

        @command(0x70)
        async def ask(self) -> None:
            raise NotImplementedError

    bench, meter = Bench(), MyMeter()
    host: Any = bench.remote(Control, serves=meter)
    wires = device(bench, {})
    bench.until(lambda: bool(wires))
    bench.network.advance(1.0)
    wires[0].say(b"\x68\x04\x00\x05\x10\x07")
    assert "68 06 00 07 01 20 00 01 68 03 07 05 10" == said(bench, wires[0])
    meter.measured(3)
    assert "68 06 02 07 01 20 00 03" == said(bench, wires[0])
    assert host is not None


def test_a_proxy_has_no_values_of_a_session_of_the_equipment() -> None:
    with pytest.raises(ConfigurationError, match=r"handle.of\(session\) is for the equipment"):
        Bench().remote(Meter).handle.of(None)
