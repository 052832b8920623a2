"""The watchdog logs handlers that block the reactor: when they end, and while they run."""

from __future__ import annotations

import threading
from threading import Event
from typing import cast

import pytest
from twisted.internet.task import Clock

from tcpcomm.runtime import watchdog as module
from tcpcomm.runtime.watchdog import DUMP_AFTER, MOST_PLACES, WARN_INTERVAL, Watchdog
from tests.session.stage import Logged


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The watchdog's clock."""
    clock = Clock()
    monkeypatch.setattr(module, "monotonic", clock.seconds)
    return clock


class Waits:
    """Lets time pass while the watchdog waits, for so many seconds in all."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.clock = clock
        self.until = clock.seconds() + seconds

    def wait(self, seconds: float) -> bool:
        self.clock.advance(seconds)
        return self.clock.seconds() > self.until + 0.001


def watch(watchdog: Watchdog, clock: Clock, seconds: float) -> None:
    """Let the watchdog look for so many seconds."""
    watchdog._watch(cast("Event", Waits(clock, seconds)), threading.get_ident())


def test_a_handler_that_blocks_is_logged_once_in_ten_seconds(clock: Clock, logged: Logged) -> None:
    watchdog = Watchdog()
    for wait in (0.0, 1.0, WARN_INTERVAL - 1.1, 0.2):
        clock.advance(wait)
        watchdog.blocked("Camera.locate", 0.06)
    watchdog.blocked("Camera.judge", 0.07)
    first, second, other = logged.lines()
    assert first.startswith("Camera.locate blocked the reactor for 0.06 s: ")
    assert second.startswith("Camera.locate blocked the reactor for 0.06 s (and 2 times before): ")
    assert other.startswith("Camera.judge blocked the reactor for 0.07 s: ")


def test_a_handler_in_a_thread_is_not_told_to_use_one(clock: Clock, logged: Logged) -> None:
    Watchdog().blocked("Camera.judge", 0.15, in_thread=True)

    (line,) = logged.lines()
    assert line.endswith("threads that compute held Python up: compute with numpy, or in a process")


def test_a_handler_that_still_runs_is_shown_once_when_half_a_second_has_passed(
    clock: Clock, logged: Logged
) -> None:
    watchdog = Watchdog()
    watchdog.handler, watchdog.since = "Camera.locate", clock.seconds()
    watch(watchdog, clock, DUMP_AFTER - 0.11)
    assert [] == logged.lines()
    watch(watchdog, clock, 2.0)
    (line,) = logged.lines()
    assert line.startswith("Camera.locate has blocked the reactor for 0.50 s and still runs: in ")


def test_the_innermost_places_of_a_long_stack_are_shown(clock: Clock, logged: Logged) -> None:
    watchdog = Watchdog()
    watchdog.handler, watchdog.since = "Camera.locate", clock.seconds()

    def deep(left: int) -> None:
        if left:
            deep(left - 1)
        else:
            watch(watchdog, clock, 1.0)

    deep(50)
    (line,) = logged.lines()
    assert MOST_PLACES == line.count(".py:")
    assert "in … > deep" in line
