"""The waits of a link between its attempts to connect."""

from __future__ import annotations

from random import Random

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.link.policy import Backoff
from tcpcomm.link.states import LinkState
from tcpcomm.link.supervisor import Supervisor
from tests.link.supervisors import POLICY, SILENT, brought_to, supervisor


def waits(link: Supervisor, now: float, count: int) -> list[float]:
    """Return the waits after attempts that are refused at once, from CONNECTING on."""
    found = []
    for _ in range(count):
        link.failed(now, "refused")
        found.append(link.deadline - now)
        now = link.deadline
        link.tick(now)
    return found


def refused_waits(link: Supervisor, count: int) -> list[float]:
    """Return the waits after sessions that a program refuses, from CONNECTING on."""
    found, now = [], 0.0
    for _ in range(count):
        link.connected(now)
        link.lost(now, "not proven", refused=True)
        found.append(link.deadline - now)
        now = link.deadline
        link.tick(now)
    return found


def test_attempts_follow_each_other_quickly_while_the_outage_is_young() -> None:
    found = waits(brought_to(LinkState.CONNECTING), 0.0, 20)
    assert pytest.approx([0.05] * 20) == found


@pytest.mark.parametrize("ready", [False, True])
def test_a_session_that_a_program_refused_is_followed_by_waits_that_grow_from_the_start(
    ready: bool,
) -> None:
    found = []
    for seed in range(300):
        link = supervisor(evolve(POLICY, heartbeats=None), seed=seed)
        link.start(0.0)
        if ready:  # for a moment, as where a handler fails at the first frame
            link.connected(0.0)
            link.steps_done(0.0)
            link.lost(0.0, "a handler failed", refused=True)
            link.tick(link.deadline)
        found.append(refused_waits(link, 8))
    for number, column in enumerate(zip(*found, strict=True), start=ready):
        ceiling = min(2.0, 0.05 * 2.0**number)
        assert 0.02 - 1e-9 <= min(column) <= max(column) <= ceiling + 1e-9
        assert max(column) > 0.8 * ceiling


def test_attempts_that_fail_between_refusals_are_followed_quickly() -> None:
    link = brought_to(LinkState.CONNECTING)
    now = sum(refused_waits(link, 2))
    assert pytest.approx([0.05] * 3) == waits(link, now, 3)


def test_a_session_that_was_ready_for_long_ends_the_growth() -> None:
    link = supervisor(evolve(POLICY, heartbeats=None))
    link.start(0.0)
    refused_waits(link, 10)
    now = link.deadline - POLICY.connect_timeout
    link.connected(now)
    link.steps_done(now)
    link.lost(now + 1.0, "a handler failed", refused=True)
    assert link.deadline - (now + 1.0) <= 0.05


def test_an_attempt_that_took_its_time_is_followed_by_the_next_at_once() -> None:
    link = Supervisor(POLICY, dials=True, random=Random(1))
    link.start(0.0)
    took = []
    for _ in range(5):
        begun = now = link.deadline - POLICY.connect_timeout
        while link.state is not LinkState.DOWN:
            now = link.deadline
            link.tick(now)
        took.append(link.deadline - begun)
        link.tick(link.deadline)
    assert pytest.approx([POLICY.connect_timeout] * 5) == took


def test_once_the_outage_is_old_the_wait_begins_with_the_end_of_the_attempt() -> None:
    link = Supervisor(SILENT, dials=True, random=Random(1))
    link.start(0.0)
    link.tick(link.deadline)
    assert LinkState.DOWN is link.state
    assert link.deadline >= SILENT.connect_timeout + SILENT.backoff.floor


def test_later_waits_spread_below_a_ceiling_that_doubles_up_to_the_cap() -> None:
    found = []
    for seed in range(300):
        link = supervisor(seed=seed)
        link.start(-5.0)
        found.append(waits(link, 0.0, 12))
    for attempt, spread in enumerate(zip(*found, strict=True)):
        ceiling = min(2.0, 0.05 * 2**attempt)
        assert 0.9 * ceiling < max(spread) <= ceiling + 1e-9
        assert 0.02 - 1e-9 <= min(spread) < max(0.021, 0.1 * ceiling)


def test_tcp_connections_without_a_ready_link_do_not_reset_the_backoff() -> None:
    link = supervisor()
    link.start(-5.0)
    for _ in range(50):
        link.connected(0.0)
        link.lost(0.0, "the peer closed the connection")
        link.kick(0.0)
    found = waits(link, 0.0, 20)
    assert 1.0 < max(found) <= 2.0


def test_a_link_that_was_ready_for_a_moment_only_does_not_reset_the_backoff() -> None:
    link = supervisor(SILENT)
    link.start(0.0)
    found = []
    now = 0.0
    for _ in range(50):
        link.connected(now)
        link.steps_done(now)
        link.lost(now + 0.01, "the peer closed the connection")
        found.append(link.deadline - now)
        now = link.deadline
        link.tick(now)
    assert max(found) > 1.0


def test_a_link_that_was_ready_long_enough_begins_a_new_outage() -> None:
    link = brought_to(LinkState.READY)
    link.heard(100.0)
    link.lost(100.0, "the peer closed the connection")
    assert 0.05 == pytest.approx(link.deadline - 100.0)


backoffs = st.builds(
    lambda floor, above, **values: Backoff(floor=floor, cap=floor + above, **values),
    floor=st.floats(0.001, 1.0),
    above=st.floats(0.0, 100.0),
    quick=st.floats(0.001, 10.0),
    quick_for=st.floats(0.0, 100.0),
)


@given(backoffs, st.integers(0, 5000), st.floats(0.0, 1e6), st.randoms(use_true_random=False))
def test_no_wait_is_shorter_than_the_floor_or_longer_than_the_cap(
    backoff: Backoff, attempts: int, down_for: float, random: Random
) -> None:
    wait = backoff.wait(attempts, down_for, random)
    assert backoff.floor <= wait <= max(backoff.cap, backoff.quick)
