"""Simulated equipment: plausible answers, the same for the same seed; latency, faults, events."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from attrs import frozen
from twisted.internet.task import Clock

from tcpcomm import ConfigurationError, Equipment, Fault, Login, command, declaration_of, event
from tcpcomm.codec import Template
from tcpcomm.equipment.samples import Samples
from tcpcomm.framing import Delimited, FixedSize
from tcpcomm.server.simulator import EventsEvery, simulated
from tests.equipment.declared import Bench, Position, RpcCamera, Scale, VisionCamera, Weight


def answers(camera: Any, count: int = 20) -> list[Any]:
    """Return the answers of a camera to so many commands, with faults as their codes."""
    found = []
    for job in range(count):
        try:
            found.append(camera.locate(job=job))
        except Fault as fault:
            found.append(fault.code)
    return found


class Pretend(VisionCamera):
    """A camera with bodies that need its own __init__."""

    def __init__(self, lens: str) -> None:
        self.lens = lens

    async def locate(self, job: int) -> Position:
        raise AssertionError(self.lens)


@frozen
class Pair:
    x: float
    y: float


class Guarded(Equipment):
    """Equipment with messages that its framing may refuse."""

    framing = Delimited(b",")
    codec = Template(fault="NG {reason}")
    login = (Login(expect="Password:", send="{password}"),)

    @command("SAY {text}", reply="SAID {text}")
    def say(self, text: str) -> str:
        raise NotImplementedError

    @event("TOLD {text}")
    def told(self, text: str) -> None: ...

    def authenticate(self, **credentials: str) -> bool:
        raise AssertionError("a simulation admits all")


def test_the_same_seed_gives_the_same_answers_and_another_gives_others() -> None:
    first, again, other = (answers(simulated(VisionCamera, seed=seed)) for seed in (1, 1, 2))

    assert first == again
    assert first != other
    assert {Position} == {*map(type, first)}


def test_the_answers_to_a_command_do_not_depend_on_other_commands() -> None:
    asked = simulated(VisionCamera, seed=1)
    asked.reset()

    assert answers(simulated(VisionCamera, seed=1)) == answers(asked)


def test_bodies_that_the_class_has_are_not_used() -> None:
    assert answers(simulated(VisionCamera)) == answers(simulated(Pretend))


def test_the_fault_rate_turns_some_answers_into_faults_and_keeps_the_others() -> None:
    found = answers(simulated(VisionCamera, seed=1, fault_rate=0.25), 400)

    faults = [each for each in found if isinstance(each, int)]
    assert 60 < len(faults) < 140
    expected = answers(simulated(VisionCamera, seed=1), 400)
    assert [] == [each for each in found if each not in expected and each not in faults]


def test_simulated_equipment_answers_in_every_declared_way() -> None:
    scale: Any = simulated(Scale, seed=1, fault_rate=0.5)
    found: list[Any] = []
    for _ in range(100):
        try:
            found.append(scale.weigh())
        except Fault as fault:
            found.append(fault.code)
    assert {"I", "+", "ES"} <= {each for each in found if isinstance(each, str)}
    assert {Weight, type(None)} <= set(map(type, found))


def test_a_command_takes_its_latency() -> None:
    clock = Clock()
    camera: Any = simulated(VisionCamera, seed=1, latency=(0.1, 0.2), reactor=clock)

    located: list[Any] = []
    camera.locate(job=1).addCallback(located.append)
    clock.advance(0.1)
    assert [] == located
    clock.advance(0.1)
    assert answers(simulated(VisionCamera, seed=1), 1) == located


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"latency": (0.2, 0.1)}, "latency must be seconds, or a pair of the least and the most"),
        ({"latency": -1.0}, "latency must be seconds"),
        ({"fault_rate": 1.5}, "fault_rate must be between 0 and 1, not 1.5"),
    ],
)
def test_numbers_out_of_range_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        simulated(VisionCamera, **options)


def test_values_that_the_framing_refuses_are_not_drawn() -> None:
    device: Any = simulated(Guarded)

    said = [device.say("x") for _ in range(50)]
    assert len({*said}) > 3
    assert [] == [text for text in said if "," in text]


def test_it_is_an_error_if_no_drawn_value_can_be_sent() -> None:
    class Short(Equipment):
        framing = FixedSize(2)
        codec = Template(fault="NG")

        @command("A", reply="{x},{y}")
        def place(self) -> Pair:
            raise NotImplementedError

    with pytest.raises(ConfigurationError, match=r"^Short\.place: FixedSize.* refuses 100 drawn messages"):
        Samples(declaration_of(Short)).result("place", Random(1), {})


@pytest.mark.parametrize("kind", [VisionCamera, RpcCamera, Guarded])
def test_a_host_gets_answers_and_events_over_the_wire(bench: Bench, kind: type[Equipment]) -> None:
    clock = bench.camera.clock
    equipment = simulated(kind, seed=1, latency=0.05, reactor=clock)
    bench.serve(equipment)
    (event_name,) = declaration_of(kind).events
    EventsEvery(equipment, {event_name: 0.5}, clock=clock).startService()
    proxy = bench.remote(kind, credentials={"password": "any"})
    told: list[Any] = []
    getattr(proxy, event_name).subscribe(told.append)

    name = next(iter(declaration_of(kind).commands))
    argument = "hello" if kind is Guarded else 3
    result = bench.result(getattr(proxy, name)(argument))
    bench.until(lambda: len(told) == 3)

    assert getattr(simulated(kind, seed=1), name)(argument) == result
    assert 1.4 < bench.network.clock.now < 1.6


def test_events_that_are_not_declared_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="VisionCamera has no event 'smoke'; its events: alarm"):
        EventsEvery(simulated(VisionCamera), {"smoke": 1.0})
    with pytest.raises(ConfigurationError, match="alarm: the seconds must be above 0, not 0"):
        EventsEvery(simulated(VisionCamera), {"alarm": 0.0})
