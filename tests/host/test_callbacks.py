"""Callbacks of a plain script wait for their thread, up to a limit."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event, Thread

import pytest
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from tcpcomm.host import reactor_thread
from tcpcomm.host.reactor_thread import DROPPED_LOG_INTERVAL, MAX_CALLBACKS
from tests.system.running import DEADLINE, wait_until


def test_a_thousand_callbacks_wait_and_more_are_dropped_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    monkeypatch.setattr(reactor_thread, "monotonic", clock.seconds)
    callbacks = reactor_thread._Callbacks()
    began, gate = Event(), Event()
    called: list[int] = []

    def block() -> None:
        began.set()
        gate.wait(DEADLINE)

    callbacks.add(block)
    assert began.wait(DEADLINE)
    for number in range(MAX_CALLBACKS):
        callbacks.add(lambda number=number: called.append(number))  # type: ignore[misc]
    with capturedLogs() as events:
        for wait in (0.0, 5.0, DROPPED_LOG_INTERVAL - 5.1, 0.2):
            clock.advance(wait)
            callbacks.add(lambda: called.append(-1))
    gate.set()
    wait_until(lambda: len(called) == MAX_CALLBACKS)
    assert [*range(MAX_CALLBACKS)] == called
    assert [
        f"{count} callbacks were dropped: 1000 wait already for slow functions" for count in (1, 3)
    ] == [formatEvent(each) for each in events]


@pytest.fixture
def blocked() -> Iterator[tuple[reactor_thread._Callbacks, Event]]:
    """Callbacks whose thread stands in a function until the event is set."""
    callbacks = reactor_thread._Callbacks()
    began, gate = Event(), Event()

    def block() -> None:
        began.set()
        gate.wait(DEADLINE)

    callbacks.add(block)
    assert began.wait(DEADLINE)
    yield callbacks, gate
    gate.set()


def test_the_end_waits_for_the_functions_that_were_added(
    blocked: tuple[reactor_thread._Callbacks, Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reactor_thread, "CALLBACKS_PATIENCE", DEADLINE)
    callbacks, gate = blocked
    called: list[int] = []
    for number in range(100):
        callbacks.add(lambda number=number: called.append(number))  # type: ignore[misc]
    Thread(target=gate.set).start()
    callbacks.finish()
    assert [*range(100)] == called


def test_the_end_waits_for_a_slow_function_for_a_limited_time(
    blocked: tuple[reactor_thread._Callbacks, Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reactor_thread, "CALLBACKS_PATIENCE", 0.05)
    callbacks, _ = blocked
    called: list[int] = []
    callbacks.add(lambda: called.append(1))
    callbacks.finish()
    assert [] == called


def test_a_function_that_ends_its_own_link_waits_for_nothing() -> None:
    callbacks = reactor_thread._Callbacks()
    ended = Event()
    callbacks.add(callbacks.finish)
    callbacks.add(ended.set)
    assert ended.wait(DEADLINE)
