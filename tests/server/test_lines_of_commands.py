"""Several commands in one line: they are carried out in order, and answered in one line."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from tcpcomm import Equipment, command
from tcpcomm.codec import Scpi
from tcpcomm.framing import Definite
from tests.server.test_observed import Messages, Wire, wire


class Meter(Equipment):
    """A meter that takes its time."""

    framing = Definite()
    codec = Scpi()

    @command("*RST")
    async def reset(self) -> None:
        """Forget all."""
        raise NotImplementedError

    @command("MEASure:VOLTage?", reply="{volts}")
    async def volts(self) -> int:
        """Measure."""
        raise NotImplementedError

    @command("MEASure:CURRent?", reply="{amps}")
    async def amps(self) -> int:
        """Measure."""
        return 3


class MyMeter(Meter):
    def __init__(self) -> None:
        self.log: list[str] = []
        self.was_reset: Deferred[None] = Deferred()
        self.measured: Deferred[int] = Deferred()

    async def reset(self) -> None:
        self.log.append("reset begins")
        await self.was_reset
        self.log.append("reset ends")

    async def volts(self) -> int:
        self.log.append("volts")
        return await self.measured


def sent(meter: Wire) -> bytes:
    return meter.session.transport.value()  # type: ignore[no-any-return,union-attr]


def test_commands_of_a_line_wait_for_each_other_and_are_answered_together() -> None:
    meter = MyMeter()
    line = wire(meter)
    line.receive("*RST;:MEAS:VOLT?;CURR?", "MEAS:CURR?")
    assert ["reset begins"] == meter.log
    meter.was_reset.callback(None)
    assert ["reset begins", "reset ends", "volts"] == meter.log
    assert b"" == sent(line)
    meter.measured.callback(5)
    assert b"5;3\n3\n" == sent(line)


def test_a_line_waits_for_the_line_before_it() -> None:
    meter = MyMeter()
    line = wire(meter)
    line.receive("MEAS:VOLT?", "MEAS:CURR?;CURR?;NONSENSE?")
    assert b"" == sent(line)
    meter.measured.callback(5)
    assert b"5\n3;3\n" == sent(line)


def test_a_line_without_a_query_is_not_answered() -> None:
    meter = MyMeter()
    line = wire(meter)
    line.receive("*RST;NONSENSE", "MEAS:CURR?")
    meter.was_reset.callback(None)
    assert b"3\n" == sent(line)


def test_a_command_that_fails_leaves_the_others_of_its_line() -> None:
    meter = MyMeter()
    line = wire(meter)
    line.receive("MEAS:VOLT?;CURR?")
    meter.measured.errback(ValueError("a defect"))
    assert b"3\n" == sent(line)


def test_each_command_of_a_line_is_reported() -> None:
    log = Messages()
    wire(MyMeter(), log).receive("MEAS:CURR?;CURR?")
    assert [
        "got 'MEAS:CURR?;CURR?' command amps()",
        "sent '3' reply amps(result=3) to 'MEAS:CURR?;CURR?' after 0 s",
    ] * 2 == log.lines


def test_a_session_that_ends_carries_out_no_more_of_its_line() -> None:
    meter = MyMeter()
    line = wire(meter)
    line.receive("*RST;:MEAS:VOLT?")
    line.lose()
    assert ["reset begins"] == meter.log
