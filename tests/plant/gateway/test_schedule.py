"""The times of polls: never two at once, no drift, bounded lateness, and nothing made up for in a burst."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.plant.gateway.schedule import MAX_SPREAD, PollSchedule

INTERVALS = st.floats(0.01, 3600.0)
SHARES = st.floats(0.0, 0.5)
STARTS = st.floats(0.0, 1e9)


def schedule(every: float, jitter: float = 0.0, now: float = 0.0, seed: int = 0) -> PollSchedule:
    return PollSchedule(every, jitter, now, Random(seed))


@given(INTERVALS, SHARES, STARTS, st.integers())
def test_the_first_poll_comes_within_the_interval_and_soon(
    every: float, jitter: float, now: float, seed: int
) -> None:
    made = schedule(every, jitter, now, seed)
    assert 0 <= made.next_due - now <= min(every, MAX_SPREAD) + jitter * every


@given(INTERVALS, SHARES, STARTS, st.integers())
def test_undisturbed_polls_keep_their_rate_and_do_not_drift(
    every: float, jitter: float, now: float, seed: int
) -> None:
    made = schedule(every, jitter, now, seed)
    first = made.next_due
    for _ in range(50):
        assert made.due(made.next_due, is_ready=True)
        made.finished()
    assert (50, 0, 0) == (made.begun, made.late, made.not_ready)
    assert abs(made.next_due - first - 50 * every) <= jitter * every + 1e-6 * every + 1e-5


@given(
    INTERVALS,
    SHARES,
    st.integers(),
    st.lists(st.tuples(st.floats(0.0, 5.0), st.booleans(), st.booleans()), max_size=40),
)
def test_on_any_course_never_two_at_once_and_each_place_is_counted_once(
    every: float, jitter: float, seed: int, course: list[tuple[float, bool, bool]]
) -> None:
    made = schedule(every, jitter, 0.0, seed)
    begin, now, running = made.next_due, 0.0, False
    places = 0
    for delay, is_ready, ends in course:
        now = max(now, made.next_due) + delay * every
        before = made.begun + made.late + made.not_ready
        begins = made.due(now, is_ready=is_ready)
        assert not (begins and running), "two polls at once"
        assert made.is_running == (running or begins)
        running = made.is_running
        places += made.begun + made.late + made.not_ready - before
        assert now <= made.next_due <= now + every * (1 + jitter) + 1e-6
        if ends and running:
            made.finished()
            running = False
    most = (now - begin) / every + 2
    assert places <= most, "no burst makes up for what was left out"


def test_a_poll_that_is_not_done_makes_the_next_ones_late() -> None:
    made = schedule(1.0)
    assert made.due(made.next_due, is_ready=True)
    assert not made.due(made.next_due, is_ready=True)
    made.finished()
    assert made.due(made.next_due, is_ready=True)
    assert (2, 1) == (made.begun, made.late)


def test_a_process_that_was_stopped_leaves_polls_out() -> None:
    made = schedule(1.0)
    assert made.due(made.next_due + 10.5, is_ready=True)
    assert (1, 10) == (made.begun, made.late)


def test_one_poll_that_the_link_missed_is_made_up_for_when_it_is_ready() -> None:
    made = schedule(60.0)
    for _ in range(3):
        assert not made.due(made.next_due, is_ready=False)
    assert made.became_ready()
    made.finished()
    assert not made.became_ready(), "nothing was missed since"
    assert (1, 3) == (made.begun, made.not_ready)
