"""The silence after which a peer is suspect or dead, and the grace that it may get."""

from __future__ import annotations

import pytest

from tcpcomm.link.states import LinkState
from tcpcomm.link.supervisor import Abort, ReportState, SendHeartbeat
from tests.link.supervisors import USABLE, brought_to


def test_silence_makes_a_peer_suspect_then_dead() -> None:
    link = brought_to(LinkState.READY)
    told = []
    now = 0.0
    while link.state in USABLE:
        now = link.deadline
        told += [(now, each) for each in link.tick(now) if not isinstance(each, SendHeartbeat)]
    assert [
        (0.2, ReportState(LinkState.SUSPECT, "nothing heard for 0.20 s")),
        (0.3, Abort("no heartbeat for 0.30 s")),
        (0.3, ReportState(LinkState.DOWN, "no heartbeat for 0.30 s")),
    ] == told


def test_a_suspect_peer_that_is_heard_is_ready_again() -> None:
    link = brought_to(LinkState.SUSPECT)
    assert [ReportState(LinkState.READY, "the peer is heard again")] == link.heard(0.25)
    assert [] == link.heard(0.26)


def test_heartbeats_keep_in_step_though_each_is_a_little_late() -> None:
    link = brought_to(LinkState.READY)
    sent = []
    for number in range(1, 6):
        link.heard(number * 0.1)
        now = number * 0.1 + 0.01
        sent += [now] * link.tick(now).count(SendHeartbeat())
    assert pytest.approx([0.11, 0.21, 0.31, 0.41, 0.51]) == sent


@pytest.mark.parametrize("answers_after", [0.0, 0.05])
def test_ten_stalls_of_half_a_second_kill_no_healthy_link(answers_after: float) -> None:
    # The peer answers each heartbeat, so it says nothing while this process sends none.
    link = brought_to(LinkState.READY)
    now, answers = 0.0, [0.0]
    for _ in range(10):
        calm_until = now + 1.0
        while now < calm_until:
            if answers and answers[0] <= link.deadline:
                now = max(now, answers.pop(0))
                actions = link.heard(now)
            else:
                now = max(now, link.deadline)
                actions = link.tick(now)
            assert link.state in USABLE, link.reason
            answers += [now + answers_after for each in actions if isinstance(each, SendHeartbeat)]
        now += 0.5  # here the process stalls; then its timers come first
        actions = link.tick(now) if now >= link.deadline else []
        assert link.state in USABLE, link.reason
        answers += [now + answers_after for each in actions if isinstance(each, SendHeartbeat)]


def test_a_stall_does_not_hide_a_death_after_it() -> None:
    link = brought_to(LinkState.READY)
    link.tick(0.1)
    link.heard(0.6)  # read after a stall from 0.1 on, before the late timer
    link.tick(0.6)
    while link.state in USABLE:
        now = link.deadline
        link.tick(now)
    assert 0.9 == pytest.approx(now)


def test_a_process_that_is_always_late_still_notices_a_death() -> None:
    link = brought_to(LinkState.READY)
    now = 0.0
    while link.state in USABLE:
        now = link.deadline + 0.08
        link.tick(now)
        assert now < 3.0
    assert LinkState.DOWN is link.state


@pytest.mark.parametrize("state", USABLE)
def test_an_excused_peer_is_neither_asked_nor_given_up_while_it_works(state: LinkState) -> None:
    link = brought_to(state)
    link.grace_until(0.2, 5.0)
    assert state is link.state
    assert [] == link.tick(5.29)
    assert 5.3 == pytest.approx(link.deadline)
    assert [SendHeartbeat()] == link.tick(5.3)


def test_after_its_excuse_a_dead_peer_is_noticed_as_fast_as_ever() -> None:
    link = brought_to(LinkState.READY)
    link.grace_until(0.05, 2.0)
    now = 0.0
    while link.state in USABLE:
        now = link.deadline
        link.tick(now)
    assert 2.35 == pytest.approx(now)
    assert "no heartbeat for 0.30 s" == link.reason


def test_an_excuse_for_the_past_alone_lasts_as_long_as_any_sign_of_life() -> None:
    link = brought_to(LinkState.SUSPECT)
    link.grace_until(0.25)
    assert LinkState.SUSPECT is link.state
    assert [] == link.tick(0.34)
    assert [SendHeartbeat()] == link.tick(0.35)
    assert [] == link.tick(0.44)
    link.tick(0.45)
    assert LinkState.SUSPECT is link.state
    link.tick(0.55)
    assert "no heartbeat for 0.30 s" == link.reason


def test_an_excuse_is_not_ended_by_an_event_in_the_midst_of_the_work() -> None:
    link = brought_to(LinkState.READY)
    link.grace_until(0.0, 60.0)
    link.heard(1.0)
    assert 60.1 == pytest.approx(link.deadline)


def test_another_excuse_replaces_the_last_one() -> None:
    link = brought_to(LinkState.READY)
    link.grace_until(0.0, 60.0)
    link.grace_until(1.0)
    assert [SendHeartbeat()] == link.tick(1.1)
    link.tick(1.2)
    assert LinkState.SUSPECT is link.state


def test_a_stall_of_this_process_does_not_end_an_excuse() -> None:
    link = brought_to(LinkState.READY)
    link.grace_until(0.0, 2.0)
    assert [SendHeartbeat()] == link.tick(2.28)
    assert LinkState.READY is link.state


def test_a_peer_that_is_not_proven_is_not_excused() -> None:
    link = brought_to(LinkState.HANDSHAKING)
    link.steps_done(0.0)
    link.grace_until(0.0, 60.0)
    while link.state is LinkState.HANDSHAKING:
        now = link.deadline
        link.tick(now)
    assert 1.0 == now
