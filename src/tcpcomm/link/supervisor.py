"""
The rules of a link, without any I/O: the next attempt, and the death of a peer.

:mod:`tcpcomm.link.states` has the states, and :mod:`tcpcomm.link.policy` the times. Time is a parameter.
"""

from __future__ import annotations

from math import inf
from random import Random
from typing import Final

from attrs import frozen

from tcpcomm.link.policy import Policy
from tcpcomm.link.states import TABLE, IllegalInput, Input, LinkState
from tcpcomm.session.heartbeat import Pulse

NOT_READY: Final = "the link was not ready"

LOGIN_PAUSE: Final = 5.0
"""
Seconds before the next attempt, at least, after the equipment refused the credentials. They double each
time.
"""

LONGEST_LOGIN_PAUSE: Final = 60.0
"""Seconds of the longest pause after refused credentials. The pauses double up to this."""


class Action:
    """An order of the supervisor to the engine."""


@frozen
class Dial(Action):
    """Begin to connect."""


@frozen
class SendHeartbeat(Action):
    """Send a heartbeat."""


@frozen
class Drain(Action):
    """Close the session politely: sent data still leaves."""


@frozen
class Abort(Action):
    """End the attempt or the session at once, for this reason."""

    reason: str


@frozen
class ReportState(Action):
    """Report a new state, and its reason, to observers."""

    state: LinkState
    reason: str


def no_answer_text(seconds: float) -> str:
    """Return the reason of an attempt that nobody answered within so many seconds."""
    return (
        f"no answer within {seconds:g} s: wrong address, cable or firewall? "
        'On a slow network use policy="wan", or a longer connect_timeout'
    )


class Supervisor:
    """
    Decides the course of one link, from the events that it gets.

    Args:
        policy: the rules.
        dials: True if the link connects (active TCP role), False if it waits for the peer (passive).
        random: the source of the backoff's jitter.

    The caller reports each event by a method, and carries out the actions that it returns, in order. It
    calls :meth:`tick` when :attr:`deadline` is reached; a later call is allowed, and does not count as the
    peer's silence. It calls :meth:`lost` and :meth:`heard` only for the newest session, until an action
    aborts that session.
    """

    def __init__(self, policy: Policy, *, dials: bool, random: Random) -> None:
        self.policy = policy
        self.state = LinkState.DOWN
        self.reason = "not started"
        """The reason of the state, in plain words."""
        self._dials = dials
        self._random = random
        self.running = False
        """True if the link was started and not stopped."""
        self._refused_logins = 0
        self._attempts = 0  # failed, and followed by no quick one
        self._last_end: str | None = None  # of the session or attempt before the one under way
        self._dialled = 0.0  # the time when the last attempt began
        self._down_since = 0.0  # the time when the outage began; it ends when ready for long enough
        self._ready_since = 0.0
        self._due = inf  # the time of the next attempt, of a timeout of it, or of the end of the grace
        self._lookup: str | None = None  # the name that the attempt waits for, as a text for reasons
        self._steps_are_done = False
        self._was_heard = False  # the peer, in this session
        self._missing = NOT_READY
        self._handshake_time = policy.handshake_timeout
        self._pulse: Pulse | None = None  # of this session, where there are heartbeats

    @property
    def status_text(self) -> str:
        """The state and its reason, as an error text for somebody who cannot use the link."""
        if self._last_end is None or self.state not in (LinkState.CONNECTING, LinkState.HANDSHAKING):
            return f"{self.state.value}: {self.reason}"
        tcp = f": {self.reason}" if self.state is LinkState.HANDSHAKING else ""
        return f"{self.state.value}{tcp}; {self._last_end}"

    @property
    def deadline(self) -> float:
        """The time at which to call :meth:`tick`, or infinity if nothing is due."""
        pulse = self._pulse
        if pulse is None:
            return self._due
        if self.state is LinkState.HANDSHAKING:
            return min(self._due, pulse.next_beat)
        if self.state not in (LinkState.READY, LinkState.SUSPECT):
            return self._due
        return pulse.deadline(
            pulse.beats.suspect_after if self.state is LinkState.READY else pulse.beats.timeout
        )

    def start(self, now: float) -> list[Action]:
        """Begin to dial, or to wait for the peer."""
        self.running = True
        self._down_since = now
        self._attempts = 0
        self._last_end = None
        if self.state is not LinkState.DOWN:
            return []
        if self._dials:
            return self._dial(now)
        self.reason = "waiting for the peer to connect"
        return [ReportState(self.state, self.reason)]

    def kick(self, now: float) -> list[Action]:
        """Try now, whatever the backoff says."""
        if self.running and self._dials and self.state is LinkState.DOWN:
            return self._dial(now)
        return []

    def looking_up(self, now: float, name: str, others: int = 0) -> None:
        """
        Note that the attempt begins with a lookup, which has a time of its own.

        Args:
            now: the time.
            name: the name that is looked up.
            others: the number of other lookups that must end before.
        """
        self._next(Input.LOOKUP)
        self._due = now + self.policy.resolve_timeout
        self._lookup = f"the name {name} did not resolve within {self.policy.resolve_timeout:g} s"
        self.reason = f"looking up the name {name}"
        if others:
            self._lookup += f": it waited for {others} other lookups"
            self.reason += f", after {others} others"

    def asking_port(self, now: float) -> None:
        """Note that the attempt begins with a question for the port, which has the time of a lookup."""
        self._next(Input.LOOKUP)
        self._due = now + self.policy.resolve_timeout
        self._lookup = f"the equipment did not name its port within {self.policy.resolve_timeout:g} s"
        self.reason = "asking for the port"

    def resolved(self, now: float) -> None:
        """Note that the address is known: the time to connect begins."""
        self._next(Input.RESOLVED)
        self._lookup, self.reason = None, "dialling"
        self._due = now + self.policy.connect_timeout

    def failed(self, now: float, reason: str) -> list[Action]:
        """Note that the attempt failed."""
        return self._down(Input.FAILED, now, reason)

    def connected(self, now: float, missing: str | None = None) -> list[Action]:
        """
        Note that there is a new session. A session before it is a dead zombie of the same peer.

        Args:
            now: the time.
            missing: the proof that the peer owes until :meth:`proof_given`, as a text for the timeout's
                reason.
        """
        again = self.state in (LinkState.HANDSHAKING, LinkState.READY, LinkState.SUSPECT)
        state = self._next(Input.CONNECTED)
        self._end_ready_time(now)
        self._due = now + self.policy.handshake_timeout
        self._handshake_time = self.policy.handshake_timeout
        beats = self.policy.heartbeats
        self._pulse = None if beats is None else Pulse(beats, now)
        self._was_heard = self._steps_are_done = False
        self._missing = missing or NOT_READY
        self.state, self.reason = state, "the peer connected again" if again else "TCP is connected"
        return [ReportState(self.state, self.reason)]

    def proof_given(self) -> None:
        """Note that the peer is proven."""
        self._missing = NOT_READY

    def waits_for_state(self, state: str) -> None:
        """Note that the on_ready steps wait for the session to be in a state."""
        self._missing = f"the session was not {state}"
        if self.state is LinkState.HANDSHAKING:
            self.reason = f"TCP is connected, and the session is not {state} yet"

    def state_reached(self, now: float, slowest: float) -> None:
        """
        Note that the session is in that state now. The steps that are left have the handshake timeout, and
        ``slowest`` seconds more, which a command of theirs may take.
        """
        if self.state is LinkState.HANDSHAKING:
            self._missing = NOT_READY
            self._handshake_time = self.policy.handshake_timeout + slowest
            self._due = now + self._handshake_time

    def steps_done(self, now: float) -> list[Action]:
        """
        Note that TLS is established and the on_ready steps are done.

        Where there are heartbeats, the link becomes ready only if the peer's program was just heard, or as
        soon as it is heard again.
        """
        pulse = self._pulse
        if pulse is None or (self._was_heard and now < pulse.heard + pulse.beats.interval):
            return self._proven(now)
        self._next(Input.PROVEN)
        self._steps_are_done = True
        return self._beat(pulse, now)

    def heard(self, now: float) -> list[Action]:
        """Note that bytes came from the peer's program."""
        state = self.state
        if state is not LinkState.READY:  # then nothing changes; each chunk comes here
            state = self._next(Input.HEARD)
        self._was_heard = True
        if self._pulse is not None:
            self._pulse.hear(now)
        if state is LinkState.HANDSHAKING:
            return self._proven(now) if self._steps_are_done else []
        return self._to(state, "the peer is heard again")

    def unread(self, now: float) -> None:
        """Do not count the peer's silence up to now, because nothing was read from it meanwhile."""
        if self._pulse is not None and self.state in (LinkState.READY, LinkState.SUSPECT):
            self._pulse.hear(now)

    def grace_until(self, now: float, seconds: float = 0.0) -> None:
        """
        Accept the peer's silence until so many seconds from now, and send it no heartbeat meanwhile.

        Each call replaces the one before; with 0 seconds it ends the grace. The state does not change, and
        a peer that is not proven gets no grace.
        """
        if self._pulse is not None and self.state in (LinkState.READY, LinkState.SUSPECT):
            self._pulse.excuse(now + seconds)

    def lost(self, now: float, reason: str, refused: bool = False) -> list[Action]:
        """
        Note that the session ended.

        Args:
            now: the time.
            reason: the reason, in plain words.
            refused: True if a program ended it, here or there, and not the network: TLS, the proof, a step
                or a handler failed. The next session is likely to end so too.
        """
        if self.state is LinkState.DRAINING:
            reason = f"{self.reason}; {reason}"  # the end was wanted here, whoever closes first
        self._end_ready_time(now)
        return self._down(Input.LOST, now, reason, refused)

    def rest(self, now: float) -> None:
        """Wait longer before the next attempt, because wrong credentials can lock an account."""
        if self.running and self._dials and self.state is LinkState.DOWN:
            seconds = min(LONGEST_LOGIN_PAUSE, LOGIN_PAUSE * 2.0 ** min(self._refused_logins, 60))
            self._due = max(self._due, now + seconds)
            self._refused_logins += 1

    def stop(self, now: float, reason: str = "stopped here") -> list[Action]:
        """End the link within its grace."""
        self.running = False
        before, state = self.state, self._next(Input.STOP)
        if before is LinkState.DRAINING:
            return []
        actions: list[Action] = []
        if before is LinkState.CONNECTING:
            actions.append(Abort(reason))
        self._due = now + self.policy.grace if state is LinkState.DRAINING else inf
        actions += self._to(state, reason)
        return [*actions, Drain()] if state is LinkState.DRAINING else actions

    def tick(self, now: float) -> list[Action]:
        """Return the actions that are due."""
        if now < self.deadline:
            return []
        pulse = self._pulse
        if pulse is not None and self.state in (LinkState.READY, LinkState.SUSPECT):
            return self._check_silence(pulse, now)
        if self.state is LinkState.DOWN:
            return self._dial(now)
        if self.state is LinkState.CONNECTING:
            late = self._lookup or no_answer_text(self.policy.connect_timeout)
            return self._give_up(now, late)
        if pulse is not None and self.state is LinkState.HANDSHAKING and now < self._due:
            return self._beat(pulse, now)
        if self.state is LinkState.HANDSHAKING:
            return self._give_up(
                now,
                f"host answers but the program does not: {self._missing} within {self._handshake_time:g} s",
            )
        late = "what was sent did not leave in time"
        return [Abort(f"{self.reason}; {late}"), *self.lost(now, late)]

    def _proven(self, now: float) -> list[Action]:
        state = self._next(Input.PROVEN)
        self._refused_logins = 0
        self._due = inf
        self._ready_since = now
        pulse = self._pulse
        beats = [] if pulse is None or pulse.next_beat != inf else self._beat(pulse, now)
        return [*self._to(state, "the peer is proven"), *beats]

    def _end_ready_time(self, now: float) -> None:
        ready = self.state in (LinkState.READY, LinkState.SUSPECT)
        if ready and now - self._ready_since >= self.policy.backoff.settled:
            self._down_since, self._attempts = now, 0

    def _check_silence(self, pulse: Pulse, now: float) -> list[Action]:
        actions: list[Action] = []
        pulse.forgive(now, self.deadline)
        silence = f"{now - pulse.heard:.2f} s"
        if now >= pulse.heard + pulse.beats.timeout:
            return self._give_up(now, f"no heartbeat for {silence}")
        if now >= pulse.heard + pulse.beats.suspect_after and self.state is LinkState.READY:
            actions += self._to(self._next(Input.QUIET), f"nothing heard for {silence}")
        if now >= pulse.next_beat:
            actions += self._beat(pulse, now)
        return actions

    def _beat(self, pulse: Pulse, now: float) -> list[Action]:
        pulse.plan(now)
        return [SendHeartbeat()]

    def _dial(self, now: float) -> list[Action]:
        state = self._next(Input.DIAL)
        self._dialled, self._lookup = now, None
        self._due = now + self.policy.connect_timeout
        return [*self._to(state, "dialling"), Dial()]

    def _give_up(self, now: float, reason: str) -> list[Action]:
        """Abort the session or the attempt, as if it had ended by itself."""
        ended = self.failed if self.state is LinkState.CONNECTING else self.lost
        return [Abort(reason), *ended(now, reason)]

    def _down(self, what: Input, now: float, reason: str, refused: bool = False) -> list[Action]:
        kind = "session" if self.state in (LinkState.READY, LinkState.SUSPECT) else "attempt"
        state = self._next(what)
        self._last_end = f"the last {kind}: {reason}"
        self._pulse, self._due = None, inf
        if self.running and self._dials:
            down_for = inf if refused else now - self._down_since
            self._due = now + self.policy.backoff.wait(self._attempts, down_for, self._random)
            if down_for >= self.policy.backoff.quick_for:
                self._attempts += 1
            elif what is Input.FAILED:
                # The attempt was a pause too: a cable that came back during it has waited long enough.
                self._due = max(now, self._due - (now - self._dialled))
        return self._to(state, reason)

    def _next(self, what: Input) -> LinkState:
        try:
            return TABLE[self.state][what]
        except KeyError:
            text = f"{what.value} cannot happen to a link that is {self.state.value}"
            raise IllegalInput(text) from None

    def _to(self, state: LinkState, reason: str) -> list[Action]:
        if state is self.state:
            return []
        self.state, self.reason = state, reason
        return [ReportState(state, reason)]
