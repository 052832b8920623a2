"""
Deadline timers that share a timer fire as with timers of their own, to the second, and leave none behind.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from tcpcomm import FrameFactory, FrameProtocol
from tcpcomm.runtime.timer import FAR, DeadlineTimer, SharedTimers
from tests.session.stage import Logged


class Waiting:
    """An object with one deadline, or none."""

    def __init__(self, clock: Clock, shared: SharedTimers) -> None:
        self.clock = clock
        self.due: float | None = None
        self.fired: list[float] = []
        self.then: Callable[[], object] = lambda: None
        self.timer = DeadlineTimer(clock, deadlines, self, shared)

    def wait(self, seconds: float) -> None:
        self.due = self.clock.seconds() + seconds
        self.timer.update()


def deadlines(waiting: Waiting) -> list[tuple[float, Callable[[Waiting], None]]]:
    return [] if waiting.due is None else [(waiting.due, fire)]


def fire(waiting: Waiting) -> None:
    waiting.fired.append(waiting.clock.seconds())
    waiting.due = None
    waiting.then()


def advance(clock: Clock, seconds: float) -> None:
    """Let time pass, and stop at each timer."""
    end = clock.seconds() + seconds
    while (calls := clock.getDelayedCalls()) and (due := min(call.getTime() for call in calls)) <= end:
        clock.advance(max(0.0, due - clock.seconds()))
    clock.advance(end - clock.seconds())


@given(st.lists(st.tuples(st.floats(0.01, 3 * FAR), st.floats(0.0, 10.0)), min_size=1, max_size=20))
def test_each_timer_fires_once_within_the_second_after_its_deadline(
    waits: list[tuple[float, float]],
) -> None:
    clock = Clock()
    shared = SharedTimers(clock)
    all_waiting = []
    for seconds, before in waits:
        advance(clock, before)
        waiting = Waiting(clock, shared)
        waiting.wait(seconds)
        all_waiting.append((waiting, clock.seconds() + seconds))
    advance(clock, 3 * FAR + 1)
    for waiting, due in all_waiting:
        (fired,) = waiting.fired
        assert due - 1e-6 <= fired <= due + 1
    assert [] == clock.getDelayedCalls()


def test_a_near_deadline_is_kept_exactly() -> None:
    clock = Clock()
    waiting = Waiting(clock, SharedTimers(clock))
    waiting.wait(1.5)
    advance(clock, FAR)
    assert [1.5] == waiting.fired


def test_a_thousand_idle_sessions_share_one_timer() -> None:
    clock = Clock()
    factory = FrameFactory(
        FrameProtocol, max_sessions=1000, max_sessions_per_address=None, clock=clock
    )
    sessions = []
    for port in range(1000):
        session = factory.buildProtocol(IPv4Address("TCP", "192.168.0.1", port + 1))
        assert session is not None
        session.makeConnection(StringTransport())
        sessions.append(session)
    assert 1 == len(clock.getDelayedCalls())


def test_the_last_timer_that_leaves_cancels_the_shared_one() -> None:
    clock = Clock()
    shared = SharedTimers(clock)
    first, second = Waiting(clock, shared), Waiting(clock, shared)
    first.wait(100.0)
    second.wait(100.0)
    first.timer.cancel()
    assert 1 == len(clock.getDelayedCalls())
    second.timer.cancel()
    assert [] == clock.getDelayedCalls()


def test_a_timer_with_a_nearer_deadline_leaves_the_shared_one() -> None:
    clock = Clock()
    waiting = Waiting(clock, SharedTimers(clock))
    waiting.wait(100.0)
    waiting.wait(2.0)
    advance(clock, 200.0)
    assert [2.0] == waiting.fired


def test_one_timer_may_cancel_another_of_the_same_second() -> None:
    clock = Clock()
    shared = SharedTimers(clock)
    first, second = Waiting(clock, shared), Waiting(clock, shared)
    first.then, second.then = second.timer.cancel, first.timer.cancel
    first.wait(100.0)
    second.wait(100.0)
    advance(clock, 101.0)
    assert 1 == len(first.fired + second.fired)
    assert [] == clock.getDelayedCalls()


def test_a_timer_that_fails_does_not_stop_the_others(logged: Logged) -> None:
    clock = Clock()
    shared = SharedTimers(clock)
    all_waiting = [Waiting(clock, shared) for _ in range(3)]
    for waiting in all_waiting:
        waiting.then = lambda: 1 // 0
        waiting.wait(100.0)
    advance(clock, 101.0)
    assert [[100.0]] * 3 == [waiting.fired for waiting in all_waiting]
    assert 3 == len(logged.failures())
