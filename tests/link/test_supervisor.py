"""The rules of a link: its table, what makes it ready, and what begins and ends it."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.errors import ConfigurationError
from tcpcomm.link.policy import PROFILES, Backoff, profile
from tcpcomm.link.states import TABLE, IllegalInput, Input, LinkState
from tcpcomm.link.supervisor import (
    Abort,
    Action,
    Dial,
    Drain,
    ReportState,
    SendHeartbeat,
    Supervisor,
    no_answer_text,
)
from tcpcomm.session.heartbeat import Heartbeats
from tests.link.supervisors import POLICY, SILENT, brought_to, supervisor


def feed(link: Supervisor, what: Input, now: float) -> list[Action]:
    """ReportState a supervisor, by its public methods, that something happened."""
    if what is Input.DIAL:
        link.running = True  # it may not dial by itself unless it runs
        return link.kick(now) if link.state is LinkState.DOWN else link._dial(now)
    if what is Input.LOOKUP:
        link.looking_up(now, "camera-1")
        return []
    if what is Input.RESOLVED:
        link.resolved(now)
        return []
    if what is Input.FAILED:
        return link.failed(now, "it failed")
    if what is Input.CONNECTED:
        return link.connected(now)
    if what is Input.PROVEN:
        if link.state is LinkState.HANDSHAKING:
            link.heard(now)
        return link.steps_done(now)
    if what is Input.QUIET:
        state = link._next(Input.QUIET)
        actions = [*link.tick(0.1), *link.tick(0.2)]
        assert state is link.state
        return actions
    if what is Input.HEARD:
        return link.heard(now)
    if what is Input.LOST:
        return link.lost(now, "it was lost")
    return link.stop(now)


@pytest.mark.parametrize("state", LinkState)
@pytest.mark.parametrize("what", Input)
def test_every_input_in_every_state_is_in_the_table_or_illegal(state: LinkState, what: Input) -> None:
    link = brought_to(state)
    assert state is link.state
    if what in TABLE[state]:
        feed(link, what, 0.2)
        assert TABLE[state][what] is link.state
    else:
        with pytest.raises(IllegalInput, match=f"^{what.value} cannot happen to .* {state.value}$"):
            feed(link, what, 0.2)
        assert state is link.state


@given(st.lists(st.sampled_from(Input), max_size=30))
def test_any_course_of_inputs_follows_the_table(course: list[Input]) -> None:
    link = supervisor(SILENT)
    for what in course:
        if what is Input.QUIET:
            continue  # it comes from silence alone
        before = link.state
        expected = TABLE[before].get(what)
        if expected is None:
            with pytest.raises(IllegalInput):
                feed(link, what, 0.0)
            assert before is link.state
        else:
            feed(link, what, 0.0)
            assert expected is link.state


def test_every_state_can_be_reached_and_left() -> None:
    reached = {after for row in TABLE.values() for after in row.values()}
    assert set(LinkState) == reached
    assert set(LinkState) == set(TABLE)
    for state, row in TABLE.items():
        assert set(row.values()) - {state}


def test_a_link_that_dials_is_ready_when_the_steps_are_done_and_the_peer_was_heard() -> None:
    link = supervisor()
    assert [ReportState(LinkState.CONNECTING, "dialling"), Dial()] == link.start(0.0)
    assert [ReportState(LinkState.HANDSHAKING, "TCP is connected")] == link.connected(0.01)
    assert [SendHeartbeat()] == link.steps_done(0.02)
    assert LinkState.HANDSHAKING is link.state
    assert [ReportState(LinkState.READY, "the peer is proven")] == link.heard(0.03)


def test_a_peer_that_was_heard_during_the_steps_is_proven_when_they_are_done() -> None:
    link = brought_to(LinkState.HANDSHAKING)
    assert [] == link.heard(0.01)
    assert [ReportState(LinkState.READY, "the peer is proven"), SendHeartbeat()] == link.steps_done(0.02)


def test_a_peer_that_was_heard_some_time_ago_is_not_proven_when_the_steps_are_done() -> None:
    link = brought_to(LinkState.HANDSHAKING)
    link.heard(0.01)
    assert [SendHeartbeat()] == link.steps_done(0.2)
    assert LinkState.HANDSHAKING is link.state
    assert [ReportState(LinkState.READY, "the peer is proven")] == link.heard(0.21)


def test_without_heartbeats_the_steps_alone_prove_the_peer() -> None:
    link = brought_to(LinkState.HANDSHAKING, SILENT)
    assert [ReportState(LinkState.READY, "the peer is proven")] == link.steps_done(0.02)
    assert inf == link.deadline


def test_a_backlog_that_accepts_for_a_hung_program_makes_no_link_ready() -> None:
    link = brought_to(LinkState.HANDSHAKING, evolve(POLICY, heartbeats=Heartbeats(0.25, 0.5)))
    link.steps_done(0.0)
    now, beats = 0.0, 0
    while link.state is LinkState.HANDSHAKING:
        now = link.deadline
        beats += link.tick(now).count(SendHeartbeat())
    assert (1.0, 3) == (now, beats)
    assert "host answers but the program does not: the link was not ready within 1 s" == link.reason


def test_a_second_session_takes_the_place_of_the_first() -> None:
    link = brought_to(LinkState.READY)
    assert [ReportState(LinkState.HANDSHAKING, "the peer connected again")] == link.connected(1.0)
    assert [ReportState(LinkState.HANDSHAKING, "the peer connected again")] == link.connected(1.5)
    assert 2.5 == link.deadline
    assert [SendHeartbeat()] == link.steps_done(1.6)


def test_what_was_heard_in_one_session_proves_nothing_in_the_next() -> None:
    link = brought_to(LinkState.HANDSHAKING)
    link.heard(0.0)
    link.connected(0.01)
    link.steps_done(0.02)
    assert LinkState.HANDSHAKING is link.state


def test_stopping_drains_a_session_within_its_grace() -> None:
    link = brought_to(LinkState.READY)
    assert [ReportState(LinkState.DRAINING, "enough"), Drain()] == link.stop(1.0, "enough")
    assert 6.0 == link.deadline
    assert [] == link.stop(2.0, "really")
    assert [] == link.tick(5.9)
    over = "enough; what was sent did not leave in time"
    assert [Abort(over), ReportState(LinkState.DOWN, over)] == link.tick(6.0)
    assert inf == link.deadline


def test_stopping_ends_an_attempt_at_once() -> None:
    link = brought_to(LinkState.CONNECTING)
    assert [Abort("stopped here"), ReportState(LinkState.DOWN, "stopped here")] == link.stop(0.05)
    assert inf == link.deadline


def test_an_attempt_that_takes_too_long_is_given_up() -> None:
    link = brought_to(LinkState.CONNECTING)
    late = no_answer_text(0.1)
    assert [Abort(late), ReportState(LinkState.DOWN, late)] == link.tick(0.1)
    assert 0.1 == pytest.approx(link.deadline)  # and it tries again at once


def test_a_kick_dials_at_once_and_only_where_that_means_something() -> None:
    link = brought_to(LinkState.CONNECTING)
    assert [] == link.kick(0.0)
    link.failed(0.0, "refused")
    assert [ReportState(LinkState.CONNECTING, "dialling"), Dial()] == link.kick(0.001)
    assert [] == supervisor().kick(0.0)
    passive = supervisor(dials=False)
    assert [ReportState(LinkState.DOWN, "waiting for the peer to connect")] == passive.start(0.0)
    assert [] == passive.kick(0.0)
    assert inf == passive.deadline


@pytest.mark.parametrize(
    ("course", "expected"),
    [
        (lambda link: link.start(0.0), "connecting: dialling"),
        (
            lambda link: [link.start(0.0), link.failed(0.0, "refused"), link.kick(0.0)],
            "connecting; the last attempt: refused",
        ),
        (
            lambda link: [
                *(link.start(0.0), link.failed(0.0, "refused")),
                *(link.kick(0.0), link.connected(0.0)),
            ],
            "handshaking: TCP is connected; the last attempt: refused",
        ),
        (lambda link: [link.start(0.0), link.failed(0.0, "refused")], "down: refused"),
        (
            lambda link: [
                *(link.start(0.0), link.connected(0.0), link.steps_done(0.0)),
                *(link.lost(1.0, "the peer closed the connection"), link.kick(1.0)),
            ],
            "connecting; the last session: the peer closed the connection",
        ),
        (
            lambda link: [link.start(0.0), link.failed(0.0, "refused"), link.stop(1.0), link.start(2.0)],
            "connecting: dialling",
        ),
    ],
)
def test_the_status_text_tells_what_keeps_a_link_from_being_ready(course: Any, expected: str) -> None:
    link = supervisor(SILENT)
    course(link)
    assert expected == link.status_text


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Backoff(quick=0.0, cap=1.0), "quick must be positive, not 0.0"),
        (lambda: Backoff(quick=0.1, cap=0.01), "floor=0.02 must not exceed cap=0.01"),
        (lambda: Heartbeats(0.0, 1.0), "interval must be positive, not 0.0"),
        (lambda: Heartbeats(1.0, 1.9), "timeout of 1.9 s must be at least two intervals of 1.0 s"),
        (lambda: profile("wlan"), "no profile is called 'wlan'; there are lan, fleet, wan"),
        (lambda: profile("lan", connect_timeout=-1.0), "connect_timeout must be positive, not -1.0"),
    ],
)
def test_values_that_cannot_work_are_refused(make: Any, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        make()


def test_a_profile_can_be_taken_with_own_values() -> None:
    assert 0.5 == profile("lan", connect_timeout=0.5).connect_timeout
    assert PROFILES["lan"].heartbeats == profile("lan", connect_timeout=0.5).heartbeats


def test_an_address_that_nobody_answers_at_is_told_with_what_to_look_for() -> None:
    assert (
        "no answer within 0.08 s: wrong address, cable or firewall? "
        'On a slow network use policy="wan", or a longer connect_timeout'
    ) == no_answer_text(PROFILES["lan"].connect_timeout)
