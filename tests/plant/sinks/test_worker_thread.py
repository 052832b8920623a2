from __future__ import annotations

import threading
from queue import Empty
from typing import Any

import pytest
from twisted.internet.defer import CancelledError
from twisted.python.failure import Failure

from tcpcomm.plant import SinkUnavailable
from tcpcomm.plant.sinks.worker_thread import LAST_CALL, WorkerThread
from tests.plant.sinks.threaded import LONG, ThreadedClock


class Hanging:
    """A function that hangs until it is released."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.began = threading.Event()
        self.interrupts = 0

    def __call__(self) -> str:
        self.began.set()
        assert self.released.wait(LONG)
        return "late"

    def interrupt(self) -> None:
        self.interrupts += 1


def outcomes(deferred: Any) -> list[Any]:
    found: list[Any] = []
    deferred.addBoth(lambda each: found.append(each.value if isinstance(each, Failure) else each))
    return found


@pytest.fixture
def clock() -> ThreadedClock:
    return ThreadedClock()


@pytest.fixture
def worker(clock: ThreadedClock) -> Any:
    worker = WorkerThread("history", clock)
    yield worker
    worker.stop(lambda: None)


def test_a_call_runs_in_a_thread_of_its_own(worker: WorkerThread, clock: ThreadedClock) -> None:
    found = outcomes(worker.run(lambda: threading.current_thread().name))
    clock.turn()

    assert ["tcpcomm history"] == found


def test_an_error_of_a_call_reaches_its_caller(worker: WorkerThread, clock: ThreadedClock) -> None:
    found = outcomes(worker.run(lambda: 1 // 0))
    clock.turn()

    assert [ZeroDivisionError] == [type(each) for each in found]


def test_a_call_that_hangs_is_told_to_the_next(worker: WorkerThread, clock: ThreadedClock) -> None:
    hanging = Hanging()
    first = worker.run(hanging, hanging.interrupt)
    found = outcomes(first)
    assert hanging.began.wait(LONG)
    clock.advance(30)

    first.cancel()

    assert 1 == hanging.interrupts
    assert [CancelledError] == [type(each) for each in found]
    (refused,) = outcomes(worker.run(lambda: "next"))
    assert isinstance(refused, SinkUnavailable)
    assert "it is still writing since 30 s" in str(refused)

    hanging.released.set()
    clock.turn()
    after = outcomes(worker.run(lambda: "after"))
    clock.turn()
    assert (["after"], 1) == (after, len(found))


def test_the_last_call_ends_the_thread(clock: ThreadedClock) -> None:
    worker = WorkerThread("history", clock)
    outcomes(worker.run(lambda: None))
    clock.turn()
    order: list[str] = []

    stopped = outcomes(worker.stop(lambda: order.append("closed")))
    clock.turn()

    assert (["closed"], [None], []) == (order, stopped, clock.getDelayedCalls())
    (refused,) = outcomes(worker.run(lambda: None))
    assert "the sink is closed" == str(refused)
    assert [None] == outcomes(worker.stop(lambda: None))


def test_a_thread_that_never_began_is_not_started_to_close(clock: ThreadedClock) -> None:
    worker = WorkerThread("history", clock)

    assert [None] == outcomes(worker.stop(lambda: pytest.fail("there is nothing to close")))
    with pytest.raises(Empty):
        clock.from_threads.get_nowait()


def test_a_last_call_that_hangs_is_not_waited_for(clock: ThreadedClock) -> None:
    worker = WorkerThread("history", clock)
    outcomes(worker.run(lambda: None))
    clock.turn()
    hanging = Hanging()
    stopped = outcomes(worker.stop(hanging))
    assert [] == stopped

    clock.advance(LAST_CALL)

    assert [None] == stopped
    hanging.released.set()
    clock.turn()


def test_a_sink_whose_thread_hangs_is_closed_at_once(clock: ThreadedClock) -> None:
    worker = WorkerThread("history", clock)
    hanging = Hanging()
    outcomes(worker.run(hanging))
    assert hanging.began.wait(LONG)
    closed = threading.Event()

    assert [None] == outcomes(worker.stop(closed.set))

    hanging.released.set()
    assert closed.wait(LONG)
