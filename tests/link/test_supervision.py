"""The rules of a link: its table, its backoff, and when its peer counts as dead."""

from __future__ import annotations

from math import inf
from random import Random
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tcpcomm.errors import ConfigurationError
from tcpcomm.supervision import (
    PROFILES,
    TABLE,
    Abort,
    Action,
    Backoff,
    Beat,
    Dial,
    Drain,
    Heartbeats,
    IllegalInput,
    Input,
    Policy,
    State,
    Supervisor,
    Tell,
    profile,
)

POLICY = Policy(
    connect_timeout=0.1,
    handshake_timeout=1.0,
    backoff=Backoff(quick=0.05, quick_for=1.0, cap=2.0, floor=0.02),
    heartbeats=Heartbeats(0.1, 0.3),
    grace=5.0,
)
SILENT = Policy(connect_timeout=0.1, backoff=Backoff(quick=0.05, cap=2.0))

USABLE = (State.READY, State.SUSPECT)


def supervisor(policy: Policy = POLICY, *, dials: bool = True, seed: int = 0) -> Supervisor:
    return Supervisor(policy, dials=dials, random=Random(seed))


def brought_to(state: State, policy: Policy = POLICY) -> Supervisor:
    """A supervisor in that state, at time 0; suspect and what comes after, at 0.2."""
    link = supervisor(policy)
    if state is State.DOWN:
        return link
    link.start(0.0)
    if state is State.CONNECTING:
        return link
    link.connected(0.0)
    if state is State.HANDSHAKING:
        return link
    if state is State.DRAINING:
        link.stop(0.0)
        return link
    link.heard(0.0)
    link.steps_done(0.0)
    if state is State.SUSPECT:
        link.tick(0.1)
        link.tick(0.2)
    return link


def feed(link: Supervisor, what: Input, now: float) -> list[Action]:
    """Tell a supervisor, by its public methods, that something happened."""
    if what is Input.DIAL:
        link._running = True  # it may not dial by itself unless it runs
        return link.kick(now) if link.state is State.DOWN else link._dial(now)
    if what is Input.FAILED:
        return link.failed(now, "it failed")
    if what is Input.CONNECTED:
        return link.connected(now)
    if what is Input.PROVEN:
        if link.state is State.HANDSHAKING:
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


# -- the table ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("what", Input)
def test_every_input_in_every_state_is_in_the_table_or_illegal(state: State, what: Input) -> None:
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
    assert set(State) == reached
    assert set(State) == set(TABLE)
    for state, row in TABLE.items():
        assert set(row.values()) - {state}


# -- single rules ---------------------------------------------------------------------------------------


def test_a_link_that_dials_is_ready_when_the_steps_are_done_and_the_peer_was_heard() -> None:
    link = supervisor()
    assert [Tell(State.CONNECTING, "dialling"), Dial()] == link.start(0.0)
    assert [Tell(State.HANDSHAKING, "TCP is connected")] == link.connected(0.01)
    assert [Beat()] == link.steps_done(0.02)
    assert State.HANDSHAKING is link.state
    assert [Tell(State.READY, "the peer is proven")] == link.heard(0.03)


def test_a_peer_that_was_heard_during_the_steps_is_proven_when_they_are_done() -> None:
    link = brought_to(State.HANDSHAKING)
    assert [] == link.heard(0.01)
    assert [Tell(State.READY, "the peer is proven"), Beat()] == link.steps_done(0.02)


def test_a_peer_that_was_heard_some_time_ago_is_not_proven_when_the_steps_are_done() -> None:
    link = brought_to(State.HANDSHAKING)
    link.heard(0.01)
    assert [Beat()] == link.steps_done(0.2)
    assert State.HANDSHAKING is link.state
    assert [Tell(State.READY, "the peer is proven")] == link.heard(0.21)


def test_without_heartbeats_the_steps_alone_prove_the_peer() -> None:
    link = brought_to(State.HANDSHAKING, SILENT)
    assert [Tell(State.READY, "the peer is proven")] == link.steps_done(0.02)
    assert inf == link.deadline


def test_a_backlog_that_accepts_for_a_hung_program_makes_no_link_ready() -> None:
    link = brought_to(State.HANDSHAKING, evolve(POLICY, heartbeats=Heartbeats(0.25, 0.5)))
    link.steps_done(0.0)
    now, beats = 0.0, 0
    while link.state is State.HANDSHAKING:
        now = link.deadline
        beats += link.tick(now).count(Beat())
    assert (1.0, 3) == (now, beats)
    assert "host answers but the program does not: the link was not ready within 1 s" == link.reason


def test_silence_makes_a_peer_suspect_then_dead() -> None:
    link = brought_to(State.READY)
    told = []
    now = 0.0
    while link.state in USABLE:
        now = link.deadline
        told += [(now, each) for each in link.tick(now) if not isinstance(each, Beat)]
    assert [
        (0.2, Tell(State.SUSPECT, "nothing heard for 0.20 s")),
        (0.3, Abort("no heartbeat for 0.30 s")),
        (0.3, Tell(State.DOWN, "no heartbeat for 0.30 s")),
    ] == told


def test_a_suspect_peer_that_is_heard_is_ready_again() -> None:
    link = brought_to(State.SUSPECT)
    assert [Tell(State.READY, "the peer is heard again")] == link.heard(0.25)
    assert [] == link.heard(0.26)


def test_heartbeats_keep_in_step_though_each_is_a_little_late() -> None:
    link = brought_to(State.READY)
    sent = []
    for number in range(1, 6):
        link.heard(number * 0.1)
        now = number * 0.1 + 0.01
        sent += [now] * link.tick(now).count(Beat())
    assert pytest.approx([0.11, 0.21, 0.31, 0.41, 0.51]) == sent


@pytest.mark.parametrize("answers_after", [0.0, 0.05])
def test_ten_stalls_of_half_a_second_kill_no_healthy_link(answers_after: float) -> None:
    # The peer answers each heartbeat, so it says nothing while this process sends none.
    link = brought_to(State.READY)
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
            answers += [now + answers_after for each in actions if isinstance(each, Beat)]
        now += 0.5  # here the process stalls; then its timers come first
        actions = link.tick(now) if now >= link.deadline else []
        assert link.state in USABLE, link.reason
        answers += [now + answers_after for each in actions if isinstance(each, Beat)]


def test_a_stall_does_not_hide_a_death_after_it() -> None:
    link = brought_to(State.READY)
    link.tick(0.1)
    link.heard(0.6)  # read after a stall from 0.1 on, before the late timer
    link.tick(0.6)
    while link.state in USABLE:
        now = link.deadline
        link.tick(now)
    assert 0.9 == pytest.approx(now)


def test_a_process_that_is_always_late_still_notices_a_death() -> None:
    link = brought_to(State.READY)
    now = 0.0
    while link.state in USABLE:
        now = link.deadline + 0.08
        link.tick(now)
        assert now < 3.0
    assert State.DOWN is link.state


@pytest.mark.parametrize("state", USABLE)
def test_an_excused_peer_is_neither_asked_nor_given_up_while_it_works(state: State) -> None:
    link = brought_to(state)
    link.excused(0.2, 5.0)
    assert state is link.state
    assert [] == link.tick(5.29)
    assert 5.3 == pytest.approx(link.deadline)
    assert [Beat()] == link.tick(5.3)


def test_after_its_excuse_a_dead_peer_is_noticed_as_fast_as_ever() -> None:
    link = brought_to(State.READY)
    link.excused(0.05, 2.0)
    now = 0.0
    while link.state in USABLE:
        now = link.deadline
        link.tick(now)
    assert 2.35 == pytest.approx(now)
    assert "no heartbeat for 0.30 s" == link.reason


def test_an_excuse_for_the_past_alone_lasts_as_long_as_any_sign_of_life() -> None:
    link = brought_to(State.SUSPECT)
    link.excused(0.25)
    assert State.SUSPECT is link.state
    assert [] == link.tick(0.34)
    assert [Beat()] == link.tick(0.35)
    assert [] == link.tick(0.44)
    link.tick(0.45)
    assert State.SUSPECT is link.state
    link.tick(0.55)
    assert "no heartbeat for 0.30 s" == link.reason


def test_an_excuse_is_not_ended_by_an_event_in_the_midst_of_the_work() -> None:
    link = brought_to(State.READY)
    link.excused(0.0, 60.0)
    link.heard(1.0)
    assert 60.1 == pytest.approx(link.deadline)


def test_another_excuse_takes_the_place_of_the_last_and_so_ends_it() -> None:
    link = brought_to(State.READY)
    link.excused(0.0, 60.0)
    link.excused(1.0)
    assert [Beat()] == link.tick(1.1)
    link.tick(1.2)
    assert State.SUSPECT is link.state


def test_a_stall_of_this_process_does_not_end_an_excuse() -> None:
    link = brought_to(State.READY)
    link.excused(0.0, 2.0)
    assert [Beat()] == link.tick(2.28)
    assert State.READY is link.state


def test_a_peer_that_is_not_proven_is_not_excused() -> None:
    link = brought_to(State.HANDSHAKING)
    link.steps_done(0.0)
    link.excused(0.0, 60.0)
    while link.state is State.HANDSHAKING:
        now = link.deadline
        link.tick(now)
    assert 1.0 == now


def test_a_second_session_takes_the_place_of_the_first() -> None:
    link = brought_to(State.READY)
    assert [Tell(State.HANDSHAKING, "the peer connected again")] == link.connected(1.0)
    assert [Tell(State.HANDSHAKING, "the peer connected again")] == link.connected(1.5)
    assert 2.5 == link.deadline
    assert [Beat()] == link.steps_done(1.6)


def test_what_was_heard_in_one_session_proves_nothing_in_the_next() -> None:
    link = brought_to(State.HANDSHAKING)
    link.heard(0.0)
    link.connected(0.01)
    link.steps_done(0.02)
    assert State.HANDSHAKING is link.state


def test_stopping_drains_a_session_within_its_grace() -> None:
    link = brought_to(State.READY)
    assert [Tell(State.DRAINING, "enough"), Drain()] == link.stop(1.0, "enough")
    assert 6.0 == link.deadline
    assert [] == link.stop(2.0, "really")
    assert [] == link.tick(5.9)
    over = "enough; what was sent did not leave in time"
    assert [Abort(over), Tell(State.DOWN, over)] == link.tick(6.0)
    assert inf == link.deadline


def test_stopping_ends_an_attempt_at_once() -> None:
    link = brought_to(State.CONNECTING)
    assert [Abort("stopped here"), Tell(State.DOWN, "stopped here")] == link.stop(0.05)
    assert inf == link.deadline


def test_an_attempt_that_takes_too_long_is_given_up() -> None:
    link = brought_to(State.CONNECTING)
    late = "no answer within 0.1 s"
    assert [Abort(late), Tell(State.DOWN, late)] == link.tick(0.1)
    assert 0.1 == pytest.approx(link.deadline)  # and it tries again at once


def test_a_kick_dials_at_once_and_only_where_that_means_something() -> None:
    link = brought_to(State.CONNECTING)
    assert [] == link.kick(0.0)
    link.failed(0.0, "refused")
    assert [Tell(State.CONNECTING, "dialling"), Dial()] == link.kick(0.001)
    assert [] == supervisor().kick(0.0)
    passive = supervisor(dials=False)
    assert [Tell(State.DOWN, "waiting for the peer to connect")] == passive.start(0.0)
    assert [] == passive.kick(0.0)
    assert inf == passive.deadline


# -- backoff --------------------------------------------------------------------------------------------


def waits(link: Supervisor, now: float, count: int) -> list[float]:
    """How long it waits after each of so many attempts that are refused at once, from CONNECTING on."""
    found = []
    for _ in range(count):
        link.failed(now, "refused")
        found.append(link.deadline - now)
        now = link.deadline
        link.tick(now)
    return found


def test_attempts_follow_each_other_quickly_while_the_outage_is_young() -> None:
    found = waits(brought_to(State.CONNECTING), 0.0, 20)
    assert pytest.approx([0.05] * 20) == found


def refused_waits(link: Supervisor, count: int) -> list[float]:
    """How long it waits after each of so many sessions that a program refuses, from CONNECTING on."""
    found, now = [], 0.0
    for _ in range(count):
        link.connected(now)
        link.lost(now, "not proven", refused=True)
        found.append(link.deadline - now)
        now = link.deadline
        link.tick(now)
    return found


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
    link = brought_to(State.CONNECTING)
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
def test_what_keeps_a_link_from_being_ready_is_told(course: Any, expected: str) -> None:
    link = supervisor(SILENT)
    course(link)
    assert expected == link.standing


def test_an_attempt_that_took_its_time_is_followed_by_the_next_at_once() -> None:
    link = Supervisor(POLICY, dials=True, random=Random(1))
    link.start(0.0)
    took = []
    for _ in range(5):
        begun = now = link.deadline - POLICY.connect_timeout
        while link.state is not State.DOWN:
            now = link.deadline
            link.tick(now)
        took.append(link.deadline - begun)
        link.tick(link.deadline)
    assert pytest.approx([POLICY.connect_timeout] * 5) == took


def test_once_the_outage_is_old_the_wait_begins_with_the_end_of_the_attempt() -> None:
    link = Supervisor(SILENT, dials=True, random=Random(1))
    link.start(0.0)
    link.tick(link.deadline)
    assert State.DOWN is link.state
    assert link.deadline >= SILENT.connect_timeout + SILENT.backoff.floor


def test_then_the_waits_spread_below_a_ceiling_that_doubles_up_to_the_cap() -> None:
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
    link = brought_to(State.READY)
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


# -- values ---------------------------------------------------------------------------------------------


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


# -- any course of things, at any times -----------------------------------------------------------------


class AnyCourse(RuleBasedStateMachine):
    """A legal caller, with a peer that lives or does not, and times that are on time or late."""

    @initialize(dials=st.booleans(), seed=st.integers(0, 100), beats=st.booleans())
    def begin(self, dials: bool, seed: int, beats: bool) -> None:
        self.policy = POLICY if beats else SILENT
        self.link = Supervisor(self.policy, dials=dials, random=Random(seed))
        self.dials = dials
        self.now = 0.0
        self.outage_since = self.ready_since = 0.0
        self.dialled = 0.0
        self.heard_at = 0.0
        self.slept = 0.0
        self.stop_by = inf
        self.state = State.DOWN

    def do(self, actions: list[Action]) -> None:
        link, policy = self.link, self.policy
        was_usable, usable = self.state in USABLE, link.state in USABLE
        if usable and not was_usable:
            self.ready_since = self.now
        if was_usable and not usable and self.now - self.ready_since >= policy.backoff.settled:
            self.outage_since = self.now
        for action in actions:
            if isinstance(action, Dial):
                self.dialled = self.now
                assert self.dials
                assert link.running
            if isinstance(action, Tell) and action.state is State.DOWN and link.running and self.dials:
                wait = link.deadline - self.now
                if self.now - self.outage_since >= policy.backoff.quick_for:
                    assert policy.backoff.floor - 1e-9 <= wait <= policy.backoff.cap
                else:
                    waited = self.now - self.dialled if self.state is State.CONNECTING else 0.0
                    assert pytest.approx(max(0.0, policy.backoff.quick - waited)) == wait
            if isinstance(action, Beat):
                assert policy.heartbeats is not None
        self.state = link.state

    def pass_time(self, seconds: float) -> None:
        """Time passes, and every deadline is kept."""
        until = self.now + seconds
        while self.link.deadline <= until:
            self.now = max(self.now, self.link.deadline)
            deadline, state = self.link.deadline, self.state
            self.do(self.link.tick(self.now))
            waits = self.link.deadline > self.now or self.link.deadline > deadline
            assert waits or self.state is not state, "it does not get on"
        self.now = until

    @rule()
    def start(self) -> None:
        if not self.link.running and self.link.state is State.DOWN:
            self.outage_since = self.now
            self.do(self.link.start(self.now))
            self.stop_by = inf

    @rule()
    def stop(self) -> None:
        if self.stop_by == inf:
            self.stop_by = self.now + self.policy.grace
        self.do(self.link.stop(self.now))

    @rule()
    def kick(self) -> None:
        self.do(self.link.kick(self.now))

    @rule(seconds=st.floats(0.0, 3.0))
    def wait(self, seconds: float) -> None:
        self.pass_time(seconds)

    @rule(seconds=st.floats(0.0, 1.0))
    def sleep(self, seconds: float) -> None:
        """The process stalls: then what is due is late."""
        self.now += seconds
        self.slept += seconds
        if self.link.deadline <= self.now:
            self.do(self.link.tick(self.now))

    @precondition(lambda self: self.link.state is State.CONNECTING)
    @rule()
    def fail(self) -> None:
        self.do(self.link.failed(self.now, "refused"))

    @precondition(lambda self: self.link.state is not State.DRAINING)
    @rule()
    def connect(self) -> None:
        if self.link.state is State.CONNECTING if self.dials else self.link.running:
            self.do(self.link.connected(self.now))
            self.heard_at, self.slept = self.now, 0.0

    @precondition(lambda self: self.link.state is State.HANDSHAKING)
    @rule()
    def finish_steps(self) -> None:
        self.do(self.link.steps_done(self.now))

    @precondition(lambda self: self.link.state not in (State.DOWN, State.CONNECTING))
    @rule()
    def hear(self) -> None:
        self.do(self.link.heard(self.now))
        self.heard_at, self.slept = max(self.heard_at, self.now), 0.0

    @precondition(lambda self: self.link.state not in (State.DOWN, State.CONNECTING))
    @rule()
    def lose(self) -> None:
        self.do(self.link.lost(self.now, "the peer closed the connection"))

    @rule(seconds=st.floats(0.0, 2.0))
    def excuse(self, seconds: float) -> None:
        """In any state; where the peer is not proven, or without heartbeats, it changes nothing."""
        before = self.link.state, self.link.reason, self.link.deadline
        self.link.excused(self.now, seconds)
        assert before[:2] == (self.link.state, self.link.reason)
        if self.link.state in USABLE and self.policy.heartbeats is not None:
            self.heard_at, self.slept = self.now + seconds, 0.0
        else:
            assert before[2] == self.link.deadline

    @precondition(lambda self: self.link.state in USABLE and self.policy.heartbeats is not None)
    @rule(times=st.integers(1, 10))
    def live(self, times: int) -> None:
        """A healthy peer is heard once in an interval: it is never given up."""
        for _ in range(times):
            self.hear()
            self.pass_time(0.15)
            assert self.link.state in USABLE

    @invariant()
    def there_is_a_deadline_wherever_something_is_awaited(self) -> None:
        link = self.link
        if link.state in (State.CONNECTING, State.HANDSHAKING, State.DRAINING):
            assert link.deadline < inf
        if link.state is State.DOWN:
            assert (link.deadline < inf) == (link.running and self.dials)
        if link.state in USABLE:
            assert (link.deadline < inf) == (self.policy.heartbeats is not None)

    @invariant()
    def a_dead_peer_is_noticed(self) -> None:
        beats = self.policy.heartbeats
        if self.link.state in USABLE and beats is not None:
            bound = beats.timeout + (2 * beats.interval + self.slept if self.slept else 0.0)
            assert self.now - self.heard_at <= bound + 1e-9

    @invariant()
    def what_is_stopped_ends_within_its_grace(self) -> None:
        if self.now > self.stop_by + self.slept:
            assert self.link.state is State.DOWN or self.link.running


TestAnyCourse = AnyCourse.TestCase
TestAnyCourse.settings = settings(max_examples=100, stateful_step_count=60)
