"""Equipment whose events can have any form, and equipment without faults."""

from __future__ import annotations

from twisted.logger import LogLevel, capturedLogs, formatEvent

from tcpcomm import Equipment, Fault, ReplyTimeout, command, event, link_of
from tcpcomm.codec import Template
from tcpcomm.framing import Delimited
from tcpcomm.server.simulator import simulated
from tcpcomm.testing import check_equipment
from tests.equipment.declared import Bench


class Reader(Equipment):
    """A barcode reader, which sends each code."""

    framing = Delimited(b"\r")
    codec = Template(fault=None)

    @command("LON", reply="OK", timeout=0.5)
    def on(self) -> None:
        """Start reading."""

    @event("{code}")
    def code(self, code: str) -> None:
        """The code that was read."""


class Broken(Reader):
    def on(self) -> None:
        raise Fault(3, "dark")


def test_codes_and_replies_are_told_apart(bench: Bench) -> None:
    reader = Reader()
    bench.serve(reader)
    proxy = bench.remote(Reader)
    heard: list[str] = []

    @proxy.code.subscribe
    def take(code: str) -> None:
        heard.append(code)

    assert bench.result(proxy.on()) is None
    for each in ("4006381333931", "OK", "NG,3,dark"):
        reader.code(each)
    bench.until(lambda: len(heard) == 3)
    assert bench.result(proxy.on()) is None
    assert ["4006381333931", "OK", "NG,3,dark"] == heard


def test_without_declared_faults_a_fault_is_not_sent(bench: Bench) -> None:
    bench.serve(Broken())
    proxy = bench.remote(Reader)
    with capturedLogs() as events:
        assert isinstance(bench.result(proxy.on()), ReplyTimeout)
    (told,) = (formatEvent(each) for each in events if each["log_level"] is LogLevel.error)
    assert told.endswith(
        "Broken.on: the fault '3: dark' cannot be sent: the equipment has no faults: fault=None is declared"
    )
    link_of(proxy).stopService()


def test_an_unknown_command_is_answered_with_nothing(bench: Bench) -> None:
    class Other(Reader):
        @command("LOFF", reply="OFF", timeout=0.5)
        def off(self) -> None:
            """Stop reading."""

    bench.serve(Reader())
    proxy = bench.remote(Other)
    heard: list[str] = []

    @proxy.code.subscribe
    def take(code: str) -> None:
        heard.append(code)

    assert isinstance(bench.result(proxy.off()), ReplyTimeout)
    assert [] == heard
    link_of(proxy).stopService()


def test_it_passes_the_checks_of_all_equipment() -> None:
    check_equipment(Reader)


def test_a_simulation_without_declared_faults_sends_none(bench: Bench) -> None:
    bench.serve(simulated(Reader, seed=1, fault_rate=1.0, reactor=bench.camera.clock))
    assert bench.result(bench.remote(Reader).on()) is None
