"""Timers that alarms share ring as timers of their own would, to the second, and none is left over."""

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
    """Has one deadline, if any."""

    def __init__(self, clock: Clock, rounds: SharedTimers) -> None:
        self.clock = clock
        self.due: float | None = None
        self.rang: list[float] = []
        self.then: Callable[[], object] = lambda: None
        self.alarm = DeadlineTimer(clock, deadlines, self, rounds)

    def wait(self, seconds: float) -> None:
        self.due = self.clock.seconds() + seconds
        self.alarm.update()


def deadlines(waiting: Waiting) -> list[tuple[float, Callable[[Waiting], None]]]:
    return [] if waiting.due is None else [(waiting.due, ring)]


def ring(waiting: Waiting) -> None:
    waiting.rang.append(waiting.clock.seconds())
    waiting.due = None
    waiting.then()


def advance(clock: Clock, seconds: float) -> None:
    """Let time pass, and stop at each timer."""
    end = clock.seconds() + seconds
    while (calls := clock.getDelayedCalls()) and (due := min(call.getTime() for call in calls)) <= end:
        clock.advance(max(0.0, due - clock.seconds()))
    clock.advance(end - clock.seconds())


@given(st.lists(st.tuples(st.floats(0.01, 3 * FAR), st.floats(0.0, 10.0)), min_size=1, max_size=20))
def test_each_rings_once_and_never_before_its_time_nor_a_second_after_it(
    waits: list[tuple[float, float]],
) -> None:
    clock = Clock()
    rounds = SharedTimers(clock)
    all_waiting = []
    for seconds, before in waits:
        advance(clock, before)
        waiting = Waiting(clock, rounds)
        waiting.wait(seconds)
        all_waiting.append((waiting, clock.seconds() + seconds))
    advance(clock, 3 * FAR + 1)
    for waiting, due in all_waiting:
        (rang,) = waiting.rang
        assert due - 1e-6 <= rang <= due + 1
    assert [] == clock.getDelayedCalls()


def test_what_is_near_is_kept_exactly() -> None:
    clock = Clock()
    waiting = Waiting(clock, SharedTimers(clock))
    waiting.wait(1.5)
    advance(clock, FAR)
    assert [1.5] == waiting.rang


def test_a_thousand_sessions_that_are_idle_share_one_timer() -> None:
    clock = Clock()
    factory = FrameFactory(FrameProtocol, max_sessions_per_address=None, clock=clock)
    sessions = []
    for port in range(1000):
        session = factory.buildProtocol(IPv4Address("TCP", "192.168.0.1", port + 1))
        assert session is not None
        session.makeConnection(StringTransport())
        sessions.append(session)
    assert 1 == len(clock.getDelayedCalls())


def test_the_last_that_leaves_takes_the_timer_with_it() -> None:
    clock = Clock()
    rounds = SharedTimers(clock)
    first, second = Waiting(clock, rounds), Waiting(clock, rounds)
    first.wait(100.0)
    second.wait(100.0)
    first.alarm.cancel()
    assert 1 == len(clock.getDelayedCalls())
    second.alarm.cancel()
    assert [] == clock.getDelayedCalls()


def test_an_alarm_whose_deadline_comes_nearer_leaves_its_round() -> None:
    clock = Clock()
    waiting = Waiting(clock, SharedTimers(clock))
    waiting.wait(100.0)
    waiting.wait(2.0)
    advance(clock, 200.0)
    assert [2.0] == waiting.rang


def test_what_one_does_may_cancel_another_of_the_same_round() -> None:
    clock = Clock()
    rounds = SharedTimers(clock)
    first, second = Waiting(clock, rounds), Waiting(clock, rounds)
    first.then, second.then = second.alarm.cancel, first.alarm.cancel
    first.wait(100.0)
    second.wait(100.0)
    advance(clock, 101.0)
    assert 1 == len(first.rang + second.rang)
    assert [] == clock.getDelayedCalls()


def test_one_that_fails_does_not_keep_the_others_from_ringing(logged: Logged) -> None:
    clock = Clock()
    rounds = SharedTimers(clock)
    all_waiting = [Waiting(clock, rounds) for _ in range(3)]
    for waiting in all_waiting:
        waiting.then = lambda: 1 // 0
        waiting.wait(100.0)
    advance(clock, 101.0)
    assert [[100.0]] * 3 == [waiting.rang for waiting in all_waiting]
    assert 3 == len(logged.failures())
