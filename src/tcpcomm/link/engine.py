"""
The engine of a link: it carries out the decisions of :mod:`tcpcomm.link.supervisor` on real endpoints.

Any Twisted protocol can be supervised, over any endpoint, client or server: the engine stands between the
transport and the protocol, sees bytes come and the connection go, and passes everything on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from random import Random
from typing import Any, Final, cast

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from tcpcomm.errors import LoginRefused, NotReady, SessionClosed
from tcpcomm.link.policy import Policy
from tcpcomm.link.states import LinkState
from tcpcomm.link.supervised_protocol import SupervisedFactory, SupervisedProtocol
from tcpcomm.link.supervisor import Abort, Action, Dial, Drain, ReportState, SendHeartbeat, Supervisor
from tcpcomm.net.psk import PreSharedKeys
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.timer import DeadlineTimer
from tcpcomm.session.admission import Abuse, Admission, Refusal
from tcpcomm.session.observer import Observers
from tcpcomm.session.rivals import REFUSAL_DELAY, Rivals, same_name

LISTEN_RETRY: Final = 1.0
"""
Seconds until a link that listens asks again for a port that is in use. It goes on until the port is free.
"""

MOST_CLOSING: Final = 16
"""Sessions of a link that still close, beside the newest one. The oldest is aborted."""

MAX_LOGGED_REASONS: Final = 20
"""
Reasons of one outage of a link that are logged, each once. Further ones are left out, because a peer may
change its words each time.
"""

StateObserver = Callable[[LinkState, str], object]
"""A function that gets each new state of a link, and its reason in plain words."""

ReadyStep = Callable[[Any], Awaitable[object] | object]
"""A function to be called on each new connection before the link is ready; it gets the protocol."""


class SessionSource:
    """A source of sessions. It makes them with the factory of the engine: ``engine.sessions``."""

    dials = True
    """True if it connects; False if it listens."""

    def open(self, engine: Engine) -> None:
        """Begin to accept sessions. A source that connects does nothing: it waits for :meth:`dial`."""

    def dial(self, engine: Engine) -> None:
        """Begin one attempt; report its failure to the engine."""
        raise AssertionError("a passive link does not dial")

    reload: Callable[[], None] | None = None
    """Loads the files of its TLS again, for new connections; None: it has none."""

    def attempt_succeeded(self) -> None:
        """Note that the attempt has led to a session."""

    def cancel_attempt(self) -> None:
        """Give up the attempt under way; it leaves no socket."""

    def close(self) -> Deferred[None]:
        """Stop making sessions. Return a Deferred that fires when no attempt or port is left."""
        self.cancel_attempt()
        return succeed(None)


class Engine:
    """
    One link at work.

    Args:
        factory: builds the protocol of each session.
        source: makes the sessions.
        policy: the rules.
        clock: the reactor, or a test's clock.
        random: the source of the backoff's jitter.
        steps: called in order on each session, before the link is ready.
        send_heartbeat: sends a heartbeat through the protocol that it gets.
        name: the link's name in logs.
        keys: with them the peer must prove itself before anything is said. If we connect, there must be the
            key of one peer only.
        observers: see each state, and sessions of protocols that do not report by themselves.
        link: the object that observers get as the link; by default the engine.
        ready_changed: called with the protocol of the session that is ready, or None if none is, whenever
            that changes.
        admission: logs the peers that are refused.

    Attributes:
        protocol: the user's protocol of the session that is ready, or None if no session is ready.
        sessions: the factory for endpoints: it builds supervised protocols.
        supervisor: the rules at work, with the reason of the state.

    Raises:
        ConfigurationError: we connect, and there are keys of several peers.
    """

    log = BoundedLogger()

    def __init__(
        self,
        factory: Any,
        source: SessionSource,
        policy: Policy,
        *,
        clock: IReactorTime,
        random: Random | None = None,
        steps: Iterable[ReadyStep] = (),
        send_heartbeat: Callable[[Any], None] | None = None,
        name: str,
        keys: PreSharedKeys | None = None,
        observers: Observers | None = None,
        link: object = None,
        ready_changed: Callable[[Any], None] | None = None,
        admission: Admission | None = None,
    ) -> None:
        self.observers = observers or Observers()
        self.source = source
        self.sessions: Any = SupervisedFactory(factory, self, keys)
        self.supervisor = Supervisor(policy, dials=source.dials, random=random or Random())
        self.name = name
        self.protocol: Any = None
        self._link = link or self
        self._clock = clock
        self._steps = tuple(steps)
        self._send_heartbeat = send_heartbeat
        self._ready_changed = ready_changed
        self.admission = admission or Admission(self.log, clock.seconds, name=name)
        """Counts and logs the peers that are refused, dropped or evicted."""
        self._timer: DeadlineTimer[Engine] | None = None
        self._session: SupervisedProtocol | None = None
        self._unproven: dict[SupervisedProtocol, IDelayedCall] = {}  # with their timeouts
        self._rivals = Rivals()
        self._steps_under_way: Deferred[Any] | None = None
        self._actions: deque[Action] = deque()
        self._acting = False
        self._running = False
        self._stopped_because: str | None = None  # the reason of the stop, until the next start
        self._stopping = False
        self._source_closed = False
        self._grace_ends: IDelayedCall | None = None
        self._logged_reasons: set[str] = set()  # of this outage
        self._listen_problem: str | None = None
        self._state_observers: list[StateObserver] = []
        self._awaiting_ready: list[Deferred[Any]] = []
        self._awaiting_down: list[Deferred[None]] = []

    @property
    def state(self) -> LinkState:
        """The state of the link."""
        return self.supervisor.state

    @property
    def status_text(self) -> str:
        """The state and its reason, as an error text for somebody who cannot use the link."""
        if self._stopped_because is not None:
            return f"{self.state.value}: {self._stopped_because}"
        return self.supervisor.status_text

    def observe(self, observer: StateObserver) -> Callable[[], None]:
        """Call an observer with each new state from now on. Return a function that ends that."""
        self._state_observers.append(observer)
        return lambda: self._state_observers.remove(observer) if observer in self._state_observers else None

    def when_ready(self) -> Deferred[Any]:
        """Return a Deferred that fires with the protocol when the link is ready; see ``Link.whenReady``."""
        waiting: Deferred[Any] = Deferred(self._awaiting_ready.remove)
        if self.protocol is not None:
            waiting.callback(self.protocol)
        elif self._stopped_because is not None:
            return fail(NotReady(f"{self.name}: {self._stopped_because}"))
        else:
            self._awaiting_ready.append(waiting)
        return waiting

    def start(self) -> None:
        """Begin to connect, or to wait for the peer; after the stop under way, if there is one."""
        self._stopped_because = None
        if not self._running:
            self._running = True
            if not self._stopping:
                self._begin()

    def kick(self) -> None:
        """Try to connect now, whatever the backoff says."""
        self._do(self.supervisor.kick(self._now()))

    def stop(self, reason: str = "stopped here") -> Deferred[None]:
        """
        End the link. Sent data still leaves, within the policy's grace.

        Returns:
            A Deferred that fires when no session, attempt or port is left.
        """
        self._running = False
        self._stopped_because = reason
        stopped: Deferred[None] = Deferred()
        self._awaiting_down.append(stopped)
        if not self._stopping:
            self._stopping, self._source_closed = True, False
            if any(each is not self._session for each in self.sessions.protocols):
                grace = self.supervisor.policy.grace
                self._grace_ends = self._clock.callLater(grace, self._abort_lingering, reason)
            for session in list(self._unproven):
                self._refuse(session, reason)
            self._do(self.supervisor.stop(self._now(), reason))
            self._close_source()
        for waiting in list(self._awaiting_ready):
            if waiting in self._awaiting_ready:
                self._awaiting_ready.remove(waiting)
                waiting.errback(NotReady(f"{self.name}: {reason}"))
        self.settle()
        return stopped

    def drop(self, reason: str, refused: bool = False) -> None:
        """Abort the session as if it had been lost, or refused; the link goes on."""
        session = self._session
        if session is not None and self.state is not LinkState.DRAINING:
            self.session_over(session, reason, refused)
            session.abort(reason)

    def waits_for_state(self, state: str) -> None:
        """Note that the steps wait for the session to be in a state, which the peer may cause."""
        self.supervisor.waits_for_state(state)

    def state_reached(self, slowest: float) -> None:
        """Note that the session is in that state now, in which a command may take so many seconds."""
        self.supervisor.state_reached(self._now(), slowest)

    def excuse(self, seconds: float = 0.0) -> None:
        """
        Accept the peer's silence for so long: it works, and cannot answer heartbeats.

        Each call replaces the one before; with 0 seconds the peer must be heard as usual again.
        """
        self.supervisor.grace_until(self._now(), seconds)
        if self._timer is not None:
            self._timer.update()

    # -- called by sessions and sources ---------------------------------------------------------------

    def looking_up(self, name: str, others: int = 0) -> None:
        """Note that the attempt under way waits for a lookup; for ``others`` see the supervisor."""
        if self.state is LinkState.CONNECTING:
            self.supervisor.looking_up(self._now(), name, others)
            self._do()

    def asking_port(self) -> None:
        """Note that the attempt under way asks the equipment for the port first."""
        if self.state is LinkState.CONNECTING:
            self.supervisor.asking_port(self._now())
            self._do()

    def resolved(self) -> None:
        """Note that the attempt under way has an address."""
        if self.state is LinkState.CONNECTING:
            self.supervisor.resolved(self._now())
            self._do()

    def attempt_failed(self, reason: str) -> None:
        """Note that the attempt under way failed."""
        if self.state is LinkState.CONNECTING:
            self._do(self.supervisor.failed(self._now(), reason))

    def cannot_listen(self, reason: str, retry: Callable[[], None]) -> IDelayedCall:
        """Note that the port is not available, and try again later."""
        if reason != self._listen_problem:
            self.log.error(
                "{link}: cannot listen, and tries again: {reason}", link=self.name, reason=reason
            )
        self._listen_problem = self.supervisor.reason = reason
        return self._clock.callLater(LISTEN_RETRY, retry)

    def listening(self) -> None:
        """Note that the peer can connect now."""
        if self._listen_problem is not None and self.state is LinkState.DOWN:
            self.supervisor.reason = "waiting for the peer to connect"
        self._listen_problem = None

    def session_made(self, session: SupervisedProtocol) -> bool:
        """
        Take a session that is connected by TCP. Return False if it is not wanted.

        Where we listen, a session that owes a proof waits beside the link's session, or for its place.
        """
        wanted = self.state is LinkState.CONNECTING if self.source.dials else self._running
        if not wanted or self._stopping:
            return False
        if self.source.dials or session.missing is None:
            if self.session_refusal(session) is not None:
                return False
            self._take(session)
            return True
        drop = partial(self._drop, session)
        if not self.admission.unproven_opened(session, session.peer, session.host, drop):
            return False
        seconds = self.supervisor.policy.handshake_timeout
        overdue = f"{session.missing} within {seconds:g} s"
        self._unproven[session] = self._clock.callLater(seconds, self._refuse, session, overdue)
        return True

    def session_refusal(self, session: SupervisedProtocol) -> str | None:
        """Return the reason why the link refuses a peer that is known now, or None. Log it if so."""
        old = self._session
        if old is None or self.source.dials:
            return None
        if not old.same_peer(session):
            refusal = Refusal(Abuse.NAME, f"{old.peer} is connected")
        elif self._rivals.may_evict(  # a link has one peer, so the name does not matter
            "", self._now(), old.heard_at, self.supervisor.policy.heartbeats
        ):
            return None
        else:
            refusal = same_name(old.peer)
        self._forget_unproven(session)
        self.admission.refuse(session.peer, refusal)
        return refusal.reason

    def abort_later(self, session: SupervisedProtocol, reason: str) -> None:
        """End a session that was refused, after a pause, so that its peer does not come again at once."""
        drop = partial(self._drop, session)  # those that wait take places of the unproven, so they are few
        if not self.admission.unproven_opened(session, session.peer, session.host, drop):
            session.abort(reason)
            return
        cast("Any", session.transport).pauseProducing()
        self._unproven[session] = self._clock.callLater(REFUSAL_DELAY, self._drop, session, reason)

    def _take(self, session: SupervisedProtocol) -> None:
        """Make a session the link's; the one before it is a zombie of the same peer."""
        old = self._session
        others = [each for each in self.sessions.protocols if each is not old]
        for each in [each for each in others if each not in self._unproven][:-MOST_CLOSING]:
            each.abort("too many sessions of this link are still closing")
        session.heard_at = self._now()
        self.source.attempt_succeeded()
        self._plan(self.supervisor.connected(self._now(), session.missing))
        self._leave()
        self._session = session
        if old is not None:
            self.admission.abuse[Abuse.EVICTED] += 1
            old.abort("the peer connected again: this session is its zombie")
        self._do()

    def _refuse(self, session: SupervisedProtocol, reason: str) -> None:
        """End a session that is not the link's."""
        self._not_proven(session, reason)
        session.abort(reason)

    def _drop(self, session: SupervisedProtocol, reason: str) -> None:
        """End a session that owes a proof, to make room for others; that is logged."""
        self._forget_unproven(session)
        session.abort(reason)

    def _not_proven(self, session: SupervisedProtocol, reason: str) -> None:
        """Log a session that was not proven, and keep its reason where no session says more."""
        if self._forget_unproven(session) and not session.given_up:  # else it is logged already
            self.admission.log_refusal(session.peer, reason)
            if self._running and self.state is LinkState.DOWN:
                self.supervisor.reason = f"the last peer that came was refused: {reason}"

    def _forget_unproven(self, session: SupervisedProtocol) -> bool:
        """Return whether the session was one of the unproven; it is not any more."""
        self.admission.unproven_closed(session)
        timeout = self._unproven.pop(session, None)
        if timeout is not None and timeout.active():
            timeout.cancel()
        return timeout is not None

    def session_established(self, session: SupervisedProtocol) -> None:
        """Take the steps: the transport is ready for the protocol, and the peer is proven."""
        if self._forget_unproven(session):
            self._take(session)
        self.supervisor.proof_given()
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
            problem = result.value if isinstance(result, Failure) else None
            if isinstance(problem, LoginRefused):
                self.drop(f"the login was refused: {problem}", refused=True)
                if problem.after_credentials:
                    self.supervisor.rest(self._now())
                    self._do()
            elif isinstance(result, Failure):
                self.drop(f"an on_ready step failed: {result.getErrorMessage()}", refused=True)
            else:
                self._do(self.supervisor.steps_done(self._now()))

        steps.addBoth(taken)
        if session is not self._session:
            steps.cancel()  # a step has ended the session itself, and waits for something

    def session_heard(self, session: SupervisedProtocol) -> None:
        """Note that bytes came."""
        if session is self._session:
            session.heard_at = now = self._now()
            actions = self.supervisor.heard(now)
            if actions:
                self._do(actions)

    def session_unread(self, session: SupervisedProtocol) -> None:
        """Do not count the peer's silence up to now, because nothing was read from it."""
        if session is self._session:
            self.supervisor.unread(self._now())

    def session_over(self, session: SupervisedProtocol, reason: str, refused: bool = False) -> None:
        """Note that a session ended, or is not proven; for ``refused`` see :meth:`Supervisor.lost`."""
        self._not_proven(session, reason)
        if session is self._session:
            self._plan(self.supervisor.lost(self._now(), reason, refused))
            session.given_up = True
            self._leave()
            self._do()

    # -- carrying out ---------------------------------------------------------------------------------

    def _now(self) -> float:
        return self._clock.seconds()

    def _begin(self) -> None:
        self._timer = DeadlineTimer(self._clock, _deadlines, self)
        self._plan(self.supervisor.start(self._now()))
        self.source.open(self)
        self._do()

    def _tick(self) -> None:
        if self._session is not None and self._session.is_unread:
            self.session_unread(self._session)
        self._do(self.supervisor.tick(self._now()))

    def _leave(self) -> None:
        """Let the session go, and cancel the steps that are under way on it."""
        self._session = None
        self._note_ready()
        self._cancel_steps()

    def _cancel_steps(self) -> None:
        steps, self._steps_under_way = self._steps_under_way, None
        if steps is not None:
            steps.cancel()

    def _plan(self, actions: Iterable[Action]) -> None:
        """Queue the actions of a new decision."""
        self._actions.extend(actions)
        self._note_ready()

    def _note_ready(self) -> None:
        """Keep :attr:`protocol` true: it must change with the state, before anybody is called."""
        session = self._session
        ready = self.supervisor.state in (LinkState.READY, LinkState.SUSPECT)
        protocol = session.protocol if ready and session is not None else None
        if protocol is not self.protocol:
            self.protocol = protocol
            if self._ready_changed is not None:
                self._ready_changed(protocol)

    def _do(self, actions: Iterable[Action] = ()) -> None:
        """Carry actions out, in order; those that arise on the way wait for their turn."""
        self._plan(actions)
        if self._acting:
            return
        self._acting = True
        try:
            while self._actions:
                self._carry_out(self._actions.popleft())
        finally:
            self._acting = False
        if self._timer is not None:
            self._timer.update()
        self.settle()

    def _carry_out(self, action: Action) -> None:
        session = self._session
        if isinstance(action, ReportState):
            self._report(action)
        elif isinstance(action, Dial):
            self.source.dial(self)
        elif isinstance(action, Abort):
            self.source.cancel_attempt()
            if session is not None:
                self._leave()
                session.abort(action.reason)
        elif isinstance(action, SendHeartbeat):
            self._beat()
        elif isinstance(action, Drain) and session is not None:
            self._cancel_steps()
            session.drain(self.supervisor.reason)

    def _beat(self) -> None:
        if self._send_heartbeat is None or self._session is None or self.state is LinkState.DRAINING:
            return
        try:
            self._send_heartbeat(self._session.protocol)
        except SessionClosed as closed:
            self.drop(str(closed))
        except Exception:
            self.log.failure("{link}: the heartbeat cannot be sent", link=self.name)
            self.drop("the heartbeat cannot be sent", refused=True)

    def _report(self, report: ReportState) -> None:
        self._log(report)
        if self.observers.link_state is not None:
            self.observers.link_state(self._link, report.state, report.reason)
        for observer in list(self._state_observers):
            try:
                observer(report.state, report.reason)
            except Exception:
                self.log.failure("{link}: an observer failed", link=self.name)
        if report.state is LinkState.READY:
            for waiting in list(self._awaiting_ready):
                if self.protocol is None:
                    break  # one of them has ended the session
                if waiting in self._awaiting_ready:
                    self._awaiting_ready.remove(waiting)
                    waiting.callback(self.protocol)

    def _log(self, report: ReportState) -> None:
        """
        Log a state that is news: each reason of an outage once, and no attempt that begins.

        An outage has fifty attempts a second, which must not fill the disk, not even with debug messages.
        """
        logged = self._logged_reasons
        if report.state in (LinkState.CONNECTING, LinkState.HANDSHAKING):
            return
        if report.state is LinkState.DOWN:
            if report.reason in logged or len(logged) >= MAX_LOGGED_REASONS:
                return
            logged.add(report.reason)
        elif report.state is LinkState.READY:
            logged.clear()
        self.log.info(
            "{link}: {state}: {reason}",
            link=self.name,
            state=report.state.value,
            reason=report.reason,
        )

    def _close_source(self) -> None:
        def closed(result: object) -> None:
            if isinstance(result, Failure):
                self.log.failure("{link}: cannot stop listening", result, link=self.name)
            self._source_closed = True
            self.settle()

        self.source.close().addBoth(closed)

    def _abort_lingering(self, reason: str) -> None:
        """Abort sessions that were closed before the stop, and still have bytes to send."""
        for session in list(self.sessions.protocols):
            session.abort(f"{reason}; what was sent did not leave in time")

    def settle(self) -> None:
        """If nothing is left after a stop, fire its Deferreds; start again if that was asked for since."""
        if not self._stopping or self._acting or not self._source_closed:
            return
        if self.state is not LinkState.DOWN or self.sessions.protocols:
            return
        self._stopping = False
        if self._grace_ends is not None and self._grace_ends.active():
            self._grace_ends.cancel()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._awaiting_down = self._awaiting_down, []
        for deferred in waiting:
            deferred.callback(None)
        if self._running and not self._stopping and self._timer is None:
            self._begin()


def _deadlines(engine: Engine) -> list[tuple[float, Callable[[Engine], None]]]:
    return [(engine.supervisor.deadline, Engine._tick)]
