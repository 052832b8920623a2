"""
The engine of a link: it carries out what :mod:`tcpcomm.link.supervisor` says, on real endpoints.

It is used through its faces, :class:`~tcpcomm.link.link.Link` and
:class:`~tcpcomm.link.reconnecting.ReconnectingFactory`. Any Twisted protocol can be supervised, over any
endpoint, client or server: the engine stands between the transport and the protocol, sees bytes come and
the connection go, and passes everything on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from random import Random
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from tcpcomm.errors import NotReady, SessionClosed
from tcpcomm.link.connect import SessionSource
from tcpcomm.link.supervised_protocol import SupervisedFactory, SupervisedProtocol
from tcpcomm.link.supervisor import (
    Abort,
    Action,
    Beat,
    Dial,
    Drain,
    LinkState,
    Policy,
    Supervisor,
    Tell,
)
from tcpcomm.net.psk import PreSharedKeys
from tcpcomm.net.reasons import one_line
from tcpcomm.runtime.log_throttle import LogThrottle
from tcpcomm.runtime.timer import DeadlineTimer

__all__ = ["Engine", "Observer", "Step"]

LISTEN_AGAIN: Final = 1.0
"""Seconds until a port that is not to be had is asked for again."""

MAX_NEWCOMERS: Final = 16
"""Connections that may have to prove themselves, beside the session that there is."""

REFUSAL_LOG_INTERVAL: Final = 1.0
"""Seconds between two log lines about connections that were refused."""

REASONS_TOLD: Final = 20
"""How many reasons of one outage are logged: some hold what the peer said, which may change each time."""

Observer = Callable[[LinkState, str], object]
"""Is told each new state of a link, and why, in plain words."""

Step = Callable[[Any], "Awaitable[object] | object"]
"""Something to be done on each new connection before the link is ready; it gets the protocol."""


class Engine:
    """
    One link at work.

    Args:
        factory: builds the protocol of each session.
        place: where sessions come from.
        policy: what is decided by.
        clock: the reactor, or a test's clock.
        random: where the backoff's jitter comes from.
        steps: what has to be done, one after the other, before the link is ready, on each session anew.
        beat: sends a heartbeat through the protocol it gets.
        name: what logs call the link.
        keys: with them the peer has to prove itself before anything is said; where we dial, the key of
            that one peer.

    Raises:
        ConfigurationError: we dial, and there are keys of several peers.
    """

    log = Logger()

    def __init__(
        self,
        factory: Any,
        place: SessionSource,
        policy: Policy,
        *,
        clock: IReactorTime,
        random: Random | None = None,
        steps: Iterable[Step] = (),
        beat: Callable[[Any], None] | None = None,
        name: str,
        keys: PreSharedKeys | None = None,
    ) -> None:
        self.sessions: Any = SupervisedFactory(factory, self, keys, dials=place.dials)
        """The factory for endpoints: it builds supervised protocols."""
        self.name = name
        self._place = place
        self._clock = clock
        self._steps = tuple(steps)
        self._beat = beat
        self._supervisor = Supervisor(policy, dials=place.dials, random=random or Random())
        self._alarm: DeadlineTimer[Engine] | None = None
        self._session: SupervisedProtocol | None = None
        self._newcomers: dict[SupervisedProtocol, IDelayedCall] = {}  # have to prove themselves, and by when
        self._refusals = LogThrottle(REFUSAL_LOG_INTERVAL)
        self._steps_under_way: Deferred[Any] | None = None
        self._to_do: deque[Action] = deque()
        self._doing = False
        self._running = False
        self._stopping = False
        self._place_closed = False
        self._grace_ends: IDelayedCall | None = None
        self._told_reasons: set[str] = set()  # of this outage
        self._why_no_port: str | None = None
        self._observers: list[Observer] = []
        self._awaiting_ready: list[Deferred[Any]] = []
        self._awaiting_down: list[Deferred[None]] = []

    @property
    def state(self) -> LinkState:
        """What is true of the link now."""
        return self._supervisor.state

    @property
    def reason(self) -> str:
        """Why, in plain words."""
        return self._supervisor.reason

    @property
    def status_text(self) -> str:
        """The state and why, for somebody who cannot use the link: what keeps it from being ready."""
        return self._supervisor.status_text

    @property
    def protocol(self) -> Any:
        """The user's protocol of the session that is ready; None if there is none."""
        ready = self.state in (LinkState.READY, LinkState.SUSPECT)
        return self._session.protocol if ready and self._session is not None else None

    def observe(self, observer: Observer) -> Callable[[], None]:
        """Have an observer told each new state, from now on; returns what ends that."""
        self._observers.append(observer)
        return lambda: self._observers.remove(observer) if observer in self._observers else None

    def when_ready(self) -> Deferred[Any]:
        """
        Return a Deferred that fires with the protocol as soon as the link is ready, now if it is.

        It fails with NotReady if the link is stopped before. It may be cancelled.
        """
        waiting: Deferred[Any] = Deferred(self._forget_waiting)
        protocol = self.protocol
        if protocol is not None:
            waiting.callback(protocol)
        else:
            self._awaiting_ready.append(waiting)
        return waiting

    def start(self) -> None:
        """Begin to connect, or to wait for the peer; after a stop under way, if there is one."""
        if not self._running:
            self._running = True
            if not self._stopping:
                self._begin()

    def kick(self) -> None:
        """Try to connect now, whatever the backoff says."""
        self._do(self._supervisor.kick(self._now()))

    def stop(self, reason: str = "stopped here") -> Deferred[None]:
        """
        End the link: what was sent still leaves, within the policy's grace.

        Returns:
            A Deferred that fires when there is no session, attempt or port any more.
        """
        self._running = False
        stopped: Deferred[None] = Deferred()
        self._awaiting_down.append(stopped)
        if not self._stopping:
            self._stopping, self._place_closed = True, False
            if any(each is not self._session for each in self.sessions.protocols):
                grace = self._supervisor.policy.grace
                self._grace_ends = self._clock.callLater(grace, self._end_what_lingers, reason)
            for newcomer in list(self._newcomers):
                self._refuse(newcomer, reason)
            self._do(self._supervisor.stop(self._now(), reason))
            self._place.close().addErrback(self._cannot_close).addCallback(self._closed)
        for waiting in list(self._awaiting_ready):
            if waiting in self._awaiting_ready:
                self._awaiting_ready.remove(waiting)
                waiting.errback(NotReady(f"{self.name}: {reason}"))
        self._settle()
        return stopped

    def drop(self, reason: str, refused: bool = False) -> None:
        """Abort the session, as if it had been lost, or else refused; the link goes on."""
        session = self._session
        if session is not None and self.state is not LinkState.DRAINING:
            self._over(session, reason, refused)
            session.abort(reason)

    def excuse(self, seconds: float = 0.0) -> None:
        """
        Do not hold its silence against the peer for so long: it works, and cannot answer heartbeats.

        Each call takes the place of the one before; with 0 seconds the peer has to be heard again as
        usual, from now on.
        """
        self._supervisor.grace_until(self._now(), seconds)
        if self._alarm is not None:
            self._alarm.update()

    # -- what sessions and places tell ----------------------------------------------------------------

    def attempt_failed(self, reason: str) -> None:
        """The attempt under way came to nothing."""
        if self.state is LinkState.CONNECTING:
            self._do(self._supervisor.failed(self._now(), reason))

    def cannot_listen(self, reason: str, again: Callable[[], None]) -> IDelayedCall:
        """The place to wait for the peer at is not to be had now; it will be tried again."""
        if reason != self._why_no_port:
            self.log.error(
                "{link}: cannot listen, and tries again: {reason}", link=self.name, reason=reason
            )
        self._why_no_port = self._supervisor.reason = reason
        return self._clock.callLater(LISTEN_AGAIN, again)

    def listening(self) -> None:
        """The peer can connect now."""
        if self._why_no_port is not None and self.state is LinkState.DOWN:
            self._supervisor.reason = "waiting for the peer to connect"
        self._why_no_port = None

    def session_made(self, session: SupervisedProtocol) -> bool:
        """
        TCP is connected; returns whether that session is wanted.

        Only a peer that is proven, where it has to be, takes the place of another session.
        """
        wanted = self.state is LinkState.CONNECTING if self._place.dials else self._running
        if not wanted or self._stopping:
            return False
        if self._session is None or session.missing is None:
            return self._admit(session)
        if len(self._newcomers) >= MAX_NEWCOMERS:
            self._log_refusal(session, f"{MAX_NEWCOMERS} others have to prove themselves already")
            return False
        seconds = self._supervisor.policy.handshake_timeout
        overdue = f"{session.missing} within {seconds:g} s"
        self._newcomers[session] = self._clock.callLater(seconds, self._refuse, session, overdue)
        return True

    def _admit(self, session: SupervisedProtocol) -> bool:
        """Let a session be the link's; one that there is already is a zombie of the same peer."""
        old = self._session
        if old is not None and old.is_another_peer_s(session):
            self._log_refusal(session, f"{old.peer} is connected")
            return False
        self._place.arrived()
        self._to_do.extend(self._supervisor.connected(self._now(), session.missing))
        self._leave()
        self._session = session
        if old is not None:
            old.abort("the peer connected again: this session is its zombie")
        self._do()
        return True

    def _refuse(self, session: SupervisedProtocol, reason: str) -> None:
        """End a session that is not the link's."""
        self._forget_newcomer(session)
        self._log_refusal(session, reason)
        session.abort(reason)

    def _log_refusal(self, session: SupervisedProtocol, reason: str) -> None:
        count = self._refusals.count_due(self._now())
        if count:
            others = f" ({count - 1} others were refused before)" if count > 1 else ""
            self.log.warn(
                "{link}: {peer} is refused: {reason}{others}",
                link=self.name,
                peer=session.peer,
                reason=reason,
                others=others,
            )

    def _forget_newcomer(self, session: SupervisedProtocol) -> bool:
        """Whether it was one."""
        overdue = self._newcomers.pop(session, None)
        if overdue is not None and overdue.active():
            overdue.cancel()
        return overdue is not None

    def session_established(self, session: SupervisedProtocol) -> None:
        """The transport is ready for the protocol, and the peer proven: the steps are due."""
        if self._forget_newcomer(session) and not self._admit(session):
            session.abort("another peer is connected")
        self._supervisor.proof_given()
        if session is not self._session or self.state is not LinkState.HANDSHAKING:
            return

        async def take_steps() -> None:
            for step in self._steps:
                result = step(session.protocol)
                if isinstance(result, Awaitable):
                    await result
                if session is not self._session:
                    return

        steps = self._steps_under_way = Deferred.fromCoroutine(take_steps())

        def taken(result: object) -> None:
            if self._steps_under_way is steps:
                self._steps_under_way = None
            if session is not self._session or self.state is not LinkState.HANDSHAKING:
                return
            if isinstance(result, Failure):
                self.drop(f"an on_ready step failed: {result.getErrorMessage()}", refused=True)
            else:
                self._do(self._supervisor.steps_done(self._now()))

        steps.addBoth(taken)
        if session is not self._session:
            steps.cancel()  # a step has ended the session itself, and waits for something

    def session_heard(self, session: SupervisedProtocol) -> None:
        """Bytes came."""
        if session is self._session:
            actions = self._supervisor.heard(self._now())
            if actions:
                self._do(actions)

    def session_over(self, session: SupervisedProtocol, reason: str, refused: bool = False) -> None:
        """
        The connection is gone, or the protocol has asked to close it, or the peer is not proven.

        Where it is known that it was not the network, it was ``refused``: see :meth:`Supervisor.lost`.
        """
        if self._forget_newcomer(session):
            self._log_refusal(session, reason)
        if session is self._session:
            self._over(session, reason, refused)

    def session_gone(self) -> None:
        """All that there was to tell about the end of a session is told."""
        self._settle()

    # -- carrying out ---------------------------------------------------------------------------------

    def _now(self) -> float:
        return self._clock.seconds()

    def _begin(self) -> None:
        self._alarm = DeadlineTimer(self._clock, _deadlines, self)
        self._to_do.extend(self._supervisor.start(self._now()))
        self._place.open(self)
        self._do()

    def _tick(self) -> None:
        self._do(self._supervisor.tick(self._now()))

    def _over(self, session: SupervisedProtocol, reason: str, refused: bool) -> None:
        self._to_do.extend(self._supervisor.lost(self._now(), reason, refused))
        session.given_up = True
        self._leave()
        self._do()

    def _leave(self) -> None:
        """Let the session go, and what was to be done on it."""
        self._session = None
        steps, self._steps_under_way = self._steps_under_way, None
        if steps is not None:
            steps.cancel()

    def _do(self, actions: Iterable[Action] = ()) -> None:
        """
        Carry actions out in the order in which they arose.

        Those told of them may call back; what comes of that has to wait for its turn.
        """
        self._to_do.extend(actions)
        if self._doing:
            return
        self._doing = True
        try:
            while self._to_do:
                self._carry_out(self._to_do.popleft())
        finally:
            self._doing = False
        if self._alarm is not None:
            self._alarm.update()
        self._settle()

    def _carry_out(self, action: Action) -> None:
        session = self._session
        if isinstance(action, Tell):
            self._tell(action)
        elif isinstance(action, Dial):
            self._place.dial(self)
        elif isinstance(action, Abort):
            self._place.hang_up()
            if session is not None:
                self._leave()
                session.abort(action.reason)
        elif isinstance(action, Beat):
            self._send_beat()
        elif isinstance(action, Drain) and session is not None:
            steps, self._steps_under_way = self._steps_under_way, None
            if steps is not None:
                steps.cancel()
            session.drain(self.reason)

    def _send_beat(self) -> None:
        if self._beat is None or self._session is None or self.state is LinkState.DRAINING:
            return
        try:
            self._beat(self._session.protocol)
        except SessionClosed as closed:
            self.drop(str(closed))
        except Exception:
            self.log.failure("{link}: the heartbeat cannot be sent", link=self.name)
            self.drop("the heartbeat cannot be sent", refused=True)

    def _tell(self, news: Tell) -> None:
        self._log(news)
        for observer in list(self._observers):
            try:
                observer(news.state, news.reason)
            except Exception:
                self.log.failure("{link}: an observer failed", link=self.name)
        if news.state is LinkState.READY:
            for waiting in list(self._awaiting_ready):
                if self.protocol is None:
                    break  # one of them has ended the session
                if waiting in self._awaiting_ready:
                    self._awaiting_ready.remove(waiting)
                    waiting.callback(self.protocol)

    def _log(self, news: Tell) -> None:
        """
        Log what is news: each reason of an outage once, and not that another attempt begins.

        An outage has fifty attempts in a second, and a log must not be full when the cable is found. Not
        even as debug messages, which a log that twistd writes has too.
        """
        told = self._told_reasons
        if news.state in (LinkState.CONNECTING, LinkState.HANDSHAKING):
            return
        if news.state is LinkState.DOWN:
            if news.reason in told or len(told) >= REASONS_TOLD:
                return
            told.add(news.reason)
        elif news.state is LinkState.READY:
            told.clear()
        self.log.info(
            "{link}: {state}: {reason}",
            link=self.name,
            state=news.state.value,
            reason=one_line(news.reason),
        )

    def _closed(self, _: object) -> None:
        self._place_closed = True
        self._settle()

    def _cannot_close(self, failure: Failure) -> None:
        self.log.failure("{link}: cannot stop listening", failure, link=self.name)

    def _end_what_lingers(self, reason: str) -> None:
        """Abort what was closed before the stop, and still has bytes that its peer does not take."""
        for session in list(self.sessions.protocols):
            session.abort(f"{reason}; what was sent did not leave in time")

    def _settle(self) -> None:
        """If a stop was asked for and nothing is left, say so; start again if that was asked for since."""
        if not self._stopping or self._doing or not self._place_closed:
            return
        if self.state is not LinkState.DOWN or self.sessions.protocols:
            return
        self._stopping = False
        if self._grace_ends is not None and self._grace_ends.active():
            self._grace_ends.cancel()
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        waiting, self._awaiting_down = self._awaiting_down, []
        for deferred in waiting:
            deferred.callback(None)
        if self._running and not self._stopping and self._alarm is None:
            self._begin()

    def _forget_waiting(self, deferred: Deferred[Any]) -> None:
        if deferred in self._awaiting_ready:
            self._awaiting_ready.remove(deferred)


def _deadlines(engine: Engine) -> list[tuple[float, Callable[[Engine], None]]]:
    return [(engine._supervisor.deadline, Engine._tick)]
