"""The figures of the last minute agree with those of a plain list of all events."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.tools.monitor.figures import Figures, Tally, percentile

pauses = st.lists(st.floats(0, 100), max_size=40)


@given(pauses)
def test_the_rate_is_the_mean_of_the_last_whole_seconds(waits: list[float]) -> None:
    figures, now, times = Figures(0.0), 0.0, []
    tally = Tally(0.0, figures)
    for wait in waits:
        now += wait
        tally.count(now, 10, sent=False)
        times.append(now)
    tally.flush()
    recent = [each for each in times if 1 <= int(now) - int(each) <= 3]
    assert len(recent) / 3 == figures.rate(now)
    assert (len(times), 10 * len(times)) == (figures.frames_in, figures.bytes_in)


@given(pauses)
def test_the_history_has_each_whole_second_of_the_last_minute(waits: list[float]) -> None:
    figures, now, seconds = Figures(0.0), 0.0, Counter[int]()
    tally = Tally(0.0, figures)
    for wait in waits:
        now += wait
        tally.count(now, 1, sent=True)
        seconds[int(now)] += 1
    tally.flush()
    history = figures.facts(now, history=True)["history"]
    assert [seconds[int(now) - back] for back in range(59, 0, -1)] == history["rate"]


@given(st.lists(st.floats(1e-6, 100), min_size=1, max_size=200))
def test_a_percentile_is_within_five_percent(trips: list[float]) -> None:
    figures = Figures(0.0)
    tally = Tally(0.0, figures)
    for each in trips:
        tally.count(0.5, 1, sent=False, took=each)
    tally.flush()
    facts = figures.facts(1.0, history=False)
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        exact = sorted(trips)[max(0, -int(-share * len(trips) // 1) - 1)]
        assert pytest.approx(exact, rel=0.05) == facts[name]


def test_figures_without_a_round_trip_have_no_percentile() -> None:
    facts = Figures(0.0).facts(5.0, history=False)
    assert (None, None, 0.0) == (facts["p50"], facts["p99"], facts["rate"])
    assert percentile(Counter(), 0.5) is None


def test_a_round_trip_is_forgotten_after_a_minute() -> None:
    figures = Figures(0.0)
    tally = Tally(0.0, figures)
    tally.count(0.0, 1, sent=False, took=0.001)
    tally.flush()
    assert figures.facts(59.9, history=False)["p50"] is not None
    assert figures.facts(60.0, history=False)["p50"] is None


def test_a_clock_that_goes_back_counts_for_the_newest_second() -> None:
    figures = Figures(10.0)
    tally = Tally(10.0, figures)
    tally.count(20.0, 1, sent=False)
    tally.count(12.0, 1, sent=False)
    tally.flush()
    assert 2 / 3 == figures.rate(21.0)


sessions = st.lists(st.tuples(st.floats(0, 30), st.integers(0, 2), st.floats(1e-6, 1)), max_size=40)


@given(sessions)
def test_a_source_has_the_sum_of_its_sessions_whenever_each_of_them_adds_its_own(
    events: list[tuple[float, int, float]],
) -> None:
    late, at_once, now = Figures(0.0), Figures(0.0), 0.0
    tallies = [Tally(0.0, Figures(0.0), late) for _ in range(3)]
    one = Tally(0.0, at_once)
    for wait, session, took in events:
        now += wait
        tallies[session].count(now, 10, sent=False, took=took)
        one.count(now, 10, sent=False, took=took)
        one.flush()
    for each in tallies:
        each.flush()
    assert at_once.facts(now, history=True) == late.facts(now, history=True)
