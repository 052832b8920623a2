"""Reactors are put on monotonic time wherever tcpcomm takes one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from twisted.internet.base import ReactorBase
from twisted.internet.selectreactor import SelectReactor
from twisted.internet.task import Clock

from tcpcomm import FrameFactory, FrameProtocol, Link, ReconnectingFactory, serve
from tcpcomm.framing import Lines
from tcpcomm.runtime.monotonic_time import the_reactor, use_monotonic_time
from tcpcomm.runtime.timer import clock_of
from tcpcomm.server.simulator import EventsEvery, simulated
from tcpcomm.tools.tap.fault_proxy import FaultProxy
from tcpcomm.transports import AtOnce
from tests.equipment.declared import VisionCamera

AT = "tcp:127.0.0.1:9"


class Wall:
    """A wall clock that can be set, and the reactor that counts by it."""

    def __init__(self) -> None:
        self.now = 1000.0
        reactor: Any = SelectReactor()
        self.reactor = reactor

    def time(self) -> float:
        return self.now


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wall]:
    wall = Wall()
    monkeypatch.setattr(ReactorBase, "seconds", staticmethod(wall.time))
    yield wall
    for each in wall.reactor.removeAll():  # the pipe that wakes it up
        each.connectionLost(None)


def on_monotonic_time(wall: Wall) -> bool:
    """Return True if the reactor's seconds do not follow its wall clock."""
    before = wall.reactor.seconds()
    wall.now += 5000.0
    return bool(wall.reactor.seconds() < before + 4000.0)


TAKERS: dict[str, Callable[[Any], object]] = {
    "link": lambda reactor: Link(connect=AT, framing=Lines(), reactor=reactor),
    "reconnecting": lambda reactor: ReconnectingFactory(FrameProtocol, reactor=reactor),
    "factory": lambda reactor: clock_of(FrameFactory(FrameProtocol, clock=reactor)),
    "serve": lambda reactor: serve(simulated(VisionCamera), at="tcp:0", reactor=reactor, allow=None),
    "equipment that connects": lambda reactor: serve(simulated(VisionCamera), connect=AT, reactor=reactor),
    "simulated latency": lambda reactor: simulated(VisionCamera, latency=0.1, reactor=reactor),
    "simulated events": lambda reactor: EventsEvery(simulated(VisionCamera), {"alarm": 1.0}, clock=reactor),
    "proxy": lambda reactor: FaultProxy(AT, reactor=reactor),
    "view": lambda reactor: use_monotonic_time(AtOnce(reactor)),
}


@pytest.mark.parametrize("taker", TAKERS)
def test_a_reactor_that_is_taken_is_put_on_monotonic_time(taker: str, wall: Wall) -> None:
    assert not on_monotonic_time(wall)
    TAKERS[taker](wall.reactor)
    assert on_monotonic_time(wall)


def test_the_time_goes_on_from_the_wall_clock_s(wall: Wall) -> None:
    use_monotonic_time(wall.reactor)
    assert 1000.0 <= wall.reactor.seconds() < 2000.0


def test_a_second_switch_changes_nothing(wall: Wall) -> None:
    use_monotonic_time(wall.reactor)
    seconds = wall.reactor.seconds
    use_monotonic_time(wall.reactor)
    assert seconds is wall.reactor.seconds


@pytest.mark.parametrize("step", [-5000.0, 5000.0])
def test_a_call_that_waits_already_is_put_off_by_monotonic_time(step: float, wall: Wall) -> None:
    call = wall.reactor.callLater(60.0, int)
    use_monotonic_time(wall.reactor)
    wall.now += step
    call.reset(30.0)
    assert 29.0 < call.getTime() - wall.reactor.seconds() <= 30.0


def test_a_clock_of_a_test_stays_as_it_is() -> None:
    clock = Clock()
    assert clock is the_reactor(clock)
    clock.advance(3.0)
    assert 3.0 == clock.seconds()


def test_a_clock_that_the_program_has_chosen_stays(wall: Wall) -> None:
    wall.reactor.seconds = time.perf_counter
    use_monotonic_time(wall.reactor)
    assert time.perf_counter is wall.reactor.seconds


def test_the_global_reactor_is_taken_by_default() -> None:
    from twisted.internet import reactor

    assert reactor is the_reactor()
