"""Callbacks of a plain script wait for their thread, up to a limit."""

from __future__ import annotations

from threading import Event

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
