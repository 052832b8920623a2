"""A deadline timer: when it fires, and when it reads its deadlines again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from tcpcomm.runtime.timer import DeadlineTimer
from tests.session.stage import ReactorClock

seconds = st.integers(1, 1000).map(lambda eighths: eighths / 8)  # sums of these have no rounding errors
steps = st.tuples(st.sampled_from(["set", "move", "clear", "wait"]), seconds)


@given(st.lists(steps, max_size=30))
def test_a_timer_fires_at_its_earliest_deadline_and_never_before(
    script: list[tuple[str, float]],
) -> None:
    clock = ReactorClock()
    deadline: list[float] = []
    fired: list[tuple[float, float]] = []

    def fire(_: object) -> None:
        fired.append((deadline.pop(), clock.seconds()))

    timer = DeadlineTimer(clock, lambda _: [(each, fire) for each in deadline], None)
    expected: list[float] = []
    for action, seconds in script:
        match action:
            case "set":
                deadline[:] = [min([*deadline, clock.seconds() + seconds])]
                timer.update()
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
    assert [(each, each) for each in expected] == fired
    timer.cancel()
    timer.update()
    assert [] == clock.getDelayedCalls()


def test_a_late_timer_fires_again_for_at_most_the_time_that_it_was_late() -> None:
    clock = ReactorClock()
    deadline = [1.0]
    fired: list[float] = []

    def fire(_: object) -> None:
        fired.append(clock.seconds())
        deadline.clear()

    timer = DeadlineTimer(clock, lambda _: [(each, fire) for each in deadline], None)
    timer.update()
    clock.rightNow = 5.0
    while deadline:
        clock.turn()
        clock.rightNow += 0.25
        deadline[:] = [each + 0.001 for each in deadline]
    assert [9.25] == fired


def test_a_timer_may_be_cancelled_while_it_fires() -> None:
    clock = Clock()
    timer = DeadlineTimer(clock, lambda _: [(1.0, lambda _: timer.cancel())], None)
    timer.update()
    clock.advance(1.0)
    assert [] == clock.getDelayedCalls()
    assert not timer.is_set
