"""The limit on the log: for each kind of event, and for all together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.runtime.log_budget import FRESH_AFTER, MAX_KINDS, OTHERS, REPORT_INTERVAL, LogBudget


def logged(budget: LogBudget, kind: object, times: int, now: float, cost: float = 1.0) -> int:
    """Return how many of these events are logged."""
    count = 0
    for _ in range(times):
        if budget.take(kind, now) is not None:
            budget.charge(kind, cost)
            count += 1
    return count


def test_a_kind_has_a_burst_and_then_a_rate() -> None:
    budget = LogBudget(10, 2.0)

    assert 10 == logged(budget, "a", 100, 0.0)
    assert 2 == logged(budget, "a", 100, 1.0)
    assert 10 == logged(budget, "a", 100, 1000.0)


def test_the_next_line_of_a_kind_gets_the_count_of_those_left_out() -> None:
    budget = LogBudget(10, 2.0)
    logged(budget, "a", 100, 0.0)

    assert 90 == budget.take("a", 1.0)
    assert 0 == budget.take("a", 2.0)


def test_a_report_gets_the_count_after_a_while_or_at_the_end() -> None:
    budget = LogBudget(10, 0.0)
    logged(budget, "a", 12, 0.0)

    assert [] == budget.reports(REPORT_INTERVAL / 2)
    assert [("a", 2)] == budget.reports(REPORT_INTERVAL)
    assert [] == budget.reports(2 * REPORT_INTERVAL)
    logged(budget, "a", 3, 2 * REPORT_INTERVAL)
    assert [("a", 3)] == budget.reports(2 * REPORT_INTERVAL, at_the_end=True)


def test_a_flood_of_one_kind_leaves_room_for_another() -> None:
    budget = LogBudget(10, 1.0, total_burst=20, total_rate=2.0)
    logged(budget, "flood", 1000, 0.0)

    assert 5 == logged(budget, "other", 5, 0.0)


def test_a_kind_that_was_quiet_is_logged_though_the_total_is_used_up() -> None:
    budget = LogBudget(10, 1.0, total_burst=20, total_rate=2.0)
    for kind in ("a", "b", "c"):
        logged(budget, kind, 1000, 0.0)

    assert 1 == logged(budget, "rare", 5, 0.0)
    assert 0 == logged(budget, "rare", 5, FRESH_AFTER / 100)


def test_a_kind_is_quiet_after_ten_seconds_without_a_line() -> None:
    budget = LogBudget(10, 1.0, total_burst=20, total_rate=0.0)
    for kind in ("a", "b", "rare"):
        logged(budget, kind, 1000, 0.0)

    assert 0 == logged(budget, "rare", 5, FRESH_AFTER - 0.1)
    assert 1 == logged(budget, "rare", 5, FRESH_AFTER)


def test_formats_without_number_count_as_one_kind() -> None:
    budget = LogBudget(10, 0.0)
    count = sum(logged(budget, f"format {number}", 1, 0.0) for number in range(10_000))

    assert MAX_KINDS + 10 >= count
    assert OTHERS in dict(budget.reports(0.0, at_the_end=True))


def test_old_kinds_are_forgotten() -> None:
    budget = LogBudget(10, 1.0)
    for number in range(MAX_KINDS):
        logged(budget, number, 1, 0.0)
    logged(budget, "new", 1, 1000.0)
    logged(budget, "new", 12, 1000.0)

    assert [("new", 3)] == budget.reports(1000.0, at_the_end=True)


EVENTS = st.lists(
    st.tuples(st.integers(0, 300), st.floats(0.0, 0.5), st.floats(1.0, 40.0)), min_size=1, max_size=300
)


@given(EVENTS)
def test_no_course_of_events_costs_more_than_the_total(events: list[tuple[int, float, float]]) -> None:
    budget = LogBudget(50, 5.0, total_burst=100, total_rate=20.0)
    now = spent = 0.0
    for kind, wait, cost in events:
        now += wait
        if budget.take(kind, now) is not None:
            budget.charge(kind, cost)
            spent += cost

        assert spent <= 100 * 1.5 + 20.0 * now + 40.0


def test_while_it_is_lifted_every_event_is_logged() -> None:
    budget = LogBudget(10, 1.0)
    with budget.lifted():
        assert 1000 == logged(budget, "a", 1000, 0.0)

    assert 10 == logged(budget, "a", 1000, 0.0)
