"""The promises that a link keeps in every course of events."""

from __future__ import annotations

from math import inf
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tcpcomm.link.states import LinkState
from tcpcomm.link.supervisor import Action, Dial, ReportState, SendHeartbeat, Supervisor
from tests.link.supervisors import POLICY, SILENT, USABLE


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
        self.state = LinkState.DOWN

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
            reports_down = isinstance(action, ReportState) and action.state is LinkState.DOWN
            if reports_down and link.running and self.dials:
                wait = link.deadline - self.now
                if self.now - self.outage_since >= policy.backoff.quick_for:
                    assert policy.backoff.floor - 1e-9 <= wait <= policy.backoff.cap
                else:
                    waited = self.now - self.dialled if self.state is LinkState.CONNECTING else 0.0
                    assert pytest.approx(max(0.0, policy.backoff.quick - waited)) == wait
            if isinstance(action, SendHeartbeat):
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
        if not self.link.running and self.link.state is LinkState.DOWN:
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
        """Stall the process: the timers ring late."""
        self.now += seconds
        self.slept += seconds
        if self.link.deadline <= self.now:
            self.do(self.link.tick(self.now))

    @precondition(lambda self: self.link.state is LinkState.CONNECTING)
    @rule()
    def fail(self) -> None:
        self.do(self.link.failed(self.now, "refused"))

    @precondition(lambda self: self.link.state is LinkState.CONNECTING)
    @rule(others=st.integers(0, 3))
    def look_up(self, others: int) -> None:
        self.link.looking_up(self.now, "camera-1", others)
        assert self.now + self.policy.resolve_timeout == self.link.deadline

    @precondition(lambda self: self.link.state is LinkState.CONNECTING)
    @rule()
    def resolve(self) -> None:
        self.link.resolved(self.now)
        assert self.now + self.policy.connect_timeout == self.link.deadline

    @precondition(lambda self: self.link.state is not LinkState.DRAINING)
    @rule()
    def connect(self) -> None:
        if self.link.state is LinkState.CONNECTING if self.dials else self.link.running:
            self.do(self.link.connected(self.now))
            self.heard_at, self.slept = self.now, 0.0

    @precondition(lambda self: self.link.state is LinkState.HANDSHAKING)
    @rule()
    def finish_steps(self) -> None:
        self.do(self.link.steps_done(self.now))

    @precondition(lambda self: self.link.state not in (LinkState.DOWN, LinkState.CONNECTING))
    @rule()
    def hear(self) -> None:
        self.do(self.link.heard(self.now))
        self.heard_at, self.slept = max(self.heard_at, self.now), 0.0

    @precondition(lambda self: self.link.state not in (LinkState.DOWN, LinkState.CONNECTING))
    @rule()
    def lose(self) -> None:
        self.do(self.link.lost(self.now, "the peer closed the connection"))

    @rule(seconds=st.floats(0.0, 2.0))
    def excuse(self, seconds: float) -> None:
        """In any state; where the peer is not proven, or without heartbeats, it changes nothing."""
        before = self.link.state, self.link.reason, self.link.deadline
        self.link.grace_until(self.now, seconds)
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
        if link.state in (LinkState.CONNECTING, LinkState.HANDSHAKING, LinkState.DRAINING):
            assert link.deadline < inf
        if link.state is LinkState.DOWN:
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
            assert self.link.state is LinkState.DOWN or self.link.running


TestAnyCourse = AnyCourse.TestCase
TestAnyCourse.settings = settings(max_examples=100, stateful_step_count=60)
