"""Commands that succeed by silence, and fail by a fault within a short time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tcpcomm import BadReply, ConfigurationError, Equipment, Fault, command
from tcpcomm.codec import U8, Binary, Json, JsonRpc, Silence, Template
from tcpcomm.equipment.equipment import declaration_of
from tcpcomm.framing import Delimited, LengthPrefixed
from tcpcomm.testing import check_equipment
from tcpcomm.tools.manual.facts import facts_of
from tests.conversation.foreign import stand
from tests.equipment.declared import Bench


class Laser(Equipment):
    """A laser sensor that says something only if a command fails."""

    framing = Delimited(b"\r\n")
    codec = Template(encoding="ascii", fault="ER,{code:d}")

    @command("AW,{on:d}", reply=Silence(0.3))
    async def switch(self, on: int) -> None:
        """Switch the beam."""
        raise NotImplementedError

    @command("MS", reply="MS,{value:.3f}", timeout=1.0)
    async def measure(self) -> float:
        """Measure."""
        raise NotImplementedError


class MyLaser(Laser):
    """A laser that refuses all but 0 and 1."""

    async def switch(self, on: int) -> None:
        if on > 1:
            raise Fault(22)

    async def measure(self) -> float:
        return 1.5


@pytest.mark.parametrize("cuts", [0.0, 1.0])
def test_silence_is_success_and_a_fault_is_failure(cuts: float) -> None:
    bench = Bench(cuts=cuts)
    bench.serve(MyLaser())
    proxy = bench.remote(Laser)
    began = bench.network.clock.now
    assert None is bench.result(proxy.switch(1))
    assert 0.3 <= bench.network.clock.now - began < 0.7
    outcome = bench.result(proxy.switch(7))
    assert (Fault, 22) == (type(outcome), outcome.code)
    assert 1.5 == bench.result(proxy.measure())


def test_the_next_command_is_written_when_no_fault_can_belong_to_the_first_any_more(bench: Bench) -> None:
    at = stand(bench, Laser, lambda frame: None if frame.startswith(b"AW") else b"MS,1.500\r\n")
    first, second = at.proxy.switch(1), at.proxy.measure()
    bench.network.advance(0.25)
    assert [b"AW,1"] == at.program.received
    at.program.write(b"ER,22\r\n")
    outcome = bench.result(first)
    assert (Fault, 22) == (type(outcome), outcome.code)
    assert (1.5, []) == (bench.result(second), at.lost)


def test_a_fault_after_the_time_ends_the_session_and_answers_no_command(bench: Bench) -> None:
    at = stand(bench, Laser, lambda frame: None)
    assert None is bench.result(at.proxy.switch(1))
    at.program.write(b"ER,22\r\n")
    bench.until(lambda: bool(at.lost))
    assert at.lost[0].startswith("b'ER,22' came, but no command waits for a reply")


def test_what_is_no_fault_is_no_success(bench: Bench) -> None:
    at = stand(bench, Laser, lambda frame: b"what?\r\n" if frame == b"AW,1" else b"MS,1.000\r\n")
    outcome = bench.result(at.proxy.switch(1))
    assert (BadReply, b"what?", []) == (type(outcome), outcome.frame, at.lost)
    assert BadReply is type(bench.result(at.proxy.switch(2)))  # the reply to another command
    assert 1 == len(at.lost)


def test_a_fault_that_waits_to_be_read_is_read_before_silence_is_success(bench: Bench) -> None:
    """The program sleeps while the fault arrives, so that the timer comes before the fault is read."""
    at = stand(bench, Laser, lambda frame: b"ER,22\r\n")
    asked = at.proxy.switch(1)
    outcomes: list[Any] = []
    asked.addErrback(lambda failure: failure.value).addCallback(outcomes.append)
    bench.robot.stall(1.0)
    bench.until(lambda: bool(outcomes))
    assert [Fault] == [type(each) for each in outcomes]


def test_a_command_behind_silence_waits_for_no_longer(bench: Bench) -> None:
    bench.serve(MyLaser())
    proxy = bench.remote(Laser)
    bench.result(proxy.measure())
    began = bench.network.clock.now
    asked = [proxy.switch(0), proxy.switch(1), proxy.measure()]
    assert [None, None, 1.5] == [bench.result(each) for each in asked]
    assert 0.6 <= bench.network.clock.now - began < 0.8


class BinarySensor(Equipment):
    framing = LengthPrefixed(1)
    codec = Binary()

    @command(0x10, reply=Silence(0.3))
    async def switch(self, on: U8) -> None:
        raise NotImplementedError


class JsonSensor(Equipment):
    framing = Delimited(b"\n")
    codec = Json()

    @command("AW", reply=Silence(0.3))
    async def switch(self, on: int) -> None:
        raise NotImplementedError


class NumberedSensor(Equipment):
    codec = Template(fault="ER{id},{code:d}", id="id")

    @command("AW{id},{on:d}", reply=Silence(0.3))
    async def switch(self, on: int) -> None:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("kind", "fault", "good", "instead"),
    [
        (BinarySensor, b"\x02\x90\x16", b"\x01\x10", BadReply),
        (JsonSensor, b'{"error":{"code":22,"reason":""}}\n', b'{"result":null}\n', BadReply),
        (NumberedSensor, b"ER1,22\r\n", b"OK\r\n", type(None)),  # its reply has no id
    ],
)
def test_silence_is_success_with_other_codecs_too(
    bench: Bench, kind: Any, fault: bytes, good: bytes, instead: Any
) -> None:
    class Mine(kind):  # type: ignore[misc]
        async def switch(self, on: int) -> None:
            if on > 1:
                raise Fault(22)

    answers = iter([fault, b"", good])
    at = stand(bench, kind, lambda frame: next(answers))
    outcomes = [bench.result(at.proxy.switch(1)) for _ in range(3)]
    assert [Fault, type(None), instead] == [type(each) for each in outcomes]
    assert 22 == outcomes[0].code
    other = Bench()
    other.serve(Mine())
    proxy = other.remote(kind)
    assert [type(None), Fault] == [type(other.result(proxy.switch(on))) for on in (0, 7)]
    check_equipment(kind, max_examples=5)
    facts = facts_of(declaration_of(kind))["commands"][0]
    assert ["(nothing within 0.3 s, or a fault)"] == facts["replies"]


def test_it_passes_the_checks_of_all_equipment() -> None:
    check_equipment(Laser, max_examples=10)


def test_the_manual_shows_the_silence() -> None:
    switch, _ = facts_of(declaration_of(Laser))["commands"]
    assert ["(nothing within 0.3 s, or a fault)"] == switch["replies"]
    assert (0.3, 1) == (switch["timeout"], len(switch["example"]["messages"]))
    assert {"silence": 0.3} == switch["layout"]["reply"]
    json.dumps(switch)


@pytest.mark.parametrize("seconds", [0, -1.0, float("inf"), float("nan"), "1", True])
def test_a_silence_has_seconds(seconds: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^Silence needs a number of seconds above 0, not "):
        Silence(seconds)


def test_silence_that_tells_nothing_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^A\.go: the equipment has no faults, so its silence"):

        class A(Equipment):
            codec = Template(fault=None)

            @command("GO", reply=Silence(0.3))
            async def go(self) -> None: ...

    with pytest.raises(ConfigurationError, match=r"^B\.go: it returns int, but with reply=Silence"):

        class B(Equipment):
            @command("GO", reply=Silence(0.3))
            async def go(self) -> int:
                raise NotImplementedError

    with pytest.raises(ConfigurationError, match=r"^C\.go: with pipeline = 2 a fault in place of silence"):

        class C(Equipment):
            pipeline = 2
            codec = Template(fault="NG")

            @command("GO", reply=Silence(0.3))
            async def go(self) -> None: ...

    with pytest.raises(ConfigurationError, match=r"^D\.heartbeat is 'go', whose reply is silence"):

        class D(Equipment):
            heartbeat = "go"
            codec = Template(fault="NG")

            @command("GO", reply=Silence(0.3))
            async def go(self) -> None: ...

    with pytest.raises(ConfigurationError, match=r"^E\.go: reply=Silence\(...\) cannot be: JsonRpc"):

        class E(Equipment):
            codec = JsonRpc()

            @command("go", reply=Silence(0.3))
            async def go(self) -> None: ...
