"""The one timer of a session: when it rings, and when it looks again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from tcpcomm.runtime.timer import DeadlineTimer
from tests.session.stage import ReactorClock

steps = st.tuples(st.sampled_from(["set", "move", "clear", "wait"]), st.floats(0.01, 10.0))


@given(st.lists(steps, max_size=30))
def test_an_alarm_rings_when_the_earliest_deadline_is_due_and_never_before(
    script: list[tuple[str, float]],
) -> None:
    clock = ReactorClock()
    deadline: list[float] = []
    rung: list[tuple[float, float]] = []

    def ring(_: object) -> None:
        rung.append((deadline.pop(), clock.seconds()))

    alarm = DeadlineTimer(clock, lambda _: [(each, ring) for each in deadline], None)
    expected: list[float] = []
    for action, seconds in script:
        match action:
            case "set":
                deadline[:] = [min([*deadline, clock.seconds() + seconds])]
                alarm.update()
            case "move":
                deadline[:] = [each + seconds for each in deadline]
            case "clear":
                deadline.clear()
            case "wait":
                end = clock.seconds() + seconds
                expected += [each for each in deadline if each <= end]
                while (due := clock.next_time()) is not None and due <= end:
                    clock.rightNow = max(clock.rightNow, due)
                    clock.turn()
                clock.rightNow = end
    assert [(each, each) for each in expected] == rung
    alarm.cancel()
    alarm.update()
    assert [] == clock.getDelayedCalls()


def test_an_alarm_that_looks_again_stops_when_the_deadline_moves_on_for_longer_than_it_was_late() -> None:
    clock = ReactorClock()
    deadline = [1.0]
    rung: list[float] = []

    def ring(_: object) -> None:
        rung.append(clock.seconds())
        deadline.clear()

    alarm = DeadlineTimer(clock, lambda _: [(each, ring) for each in deadline], None)
    alarm.update()
    clock.rightNow = 5.0
    while deadline:
        clock.turn()
        clock.rightNow += 0.25
        deadline[:] = [each + 0.001 for each in deadline]
    assert [9.25] == rung


def test_an_alarm_may_be_cancelled_while_it_rings() -> None:
    clock = Clock()
    alarm = DeadlineTimer(clock, lambda _: [(1.0, lambda _: alarm.cancel())], None)
    alarm.update()
    clock.advance(1.0)
    assert [] == clock.getDelayedCalls()
    assert not alarm.is_set
