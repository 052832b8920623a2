"""The factory of the sessions of one server or client: :class:`FrameFactory`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import Enum
from functools import cached_property, partial
from typing import Any, Final, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IDelayedCall, IReactorTime, ISSLTransport
from twisted.internet.protocol import Factory, Protocol

from tcpcomm.errors import ConfigurationError
from tcpcomm.framing.base import Framing
from tcpcomm.net.error_texts import peer_name
from tcpcomm.net.psk import PreSharedKeys
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.timer import SharedTimers, clock_of
from tcpcomm.session.admission import Abuse, Admission, Network, Refused, allowed_networks
from tcpcomm.session.authentication import PeerAuthentication
from tcpcomm.session.heartbeat import Heartbeat, Heartbeats
from tcpcomm.session.limits import Limits, default_max_sessions, default_max_unproven
from tcpcomm.session.observer import Observers, SessionObserver
from tcpcomm.session.protocol import FrameProtocol
from tcpcomm.session.rivals import REFUSAL_DELAY, Rivals, same_name

AUTO: Final = "auto"
EVICT: Final = ("identity", "address", "none")

DEFAULT_MAX_SESSIONS_PER_ADDRESS: Final = 16
"""
Sessions at once from one IP address, or from one /64 network of IPv6 that is not link-local or unique
local. A new connection is aborted. Change it with ``max_sessions_per_address`` or
``--max-sessions-per-address``.
"""


class Unset(Enum):
    """Mark an option that nobody set: the protocol's own value counts."""

    UNSET = "the protocol's own"


UNSET: Final = Unset.UNSET


class FrameFactory(Factory):
    """
    Builds the protocol of each session, within limits, and ends all sessions in an orderly way.

    Args:
        protocol: the protocol class (or any callable that makes one); by default the class attribute.
        framing: the rule for received bytes. This and the next eight replace the settings of the protocol:
            see :class:`~tcpcomm.session.attributes.SessionAttributes`.
        reply_framing: the rule for sent bytes, if that is another one.
        gap: seconds of silence that end a frame which has begun; None: silence means nothing.
        limits: the costs that a session may cause, in time and memory.
        heartbeat: a pair of frames that show life.
        heartbeats: the longest silence of a peer, and the interval of our requests.
        asks: True if the session sends heartbeat requests instead of only answering them.
        allow_http: True if a peer may begin with an HTTP request or with TLS. Otherwise its session ends at
            once.
        framing_hints: False if no framing is to be guessed after a fault, for a hint in the log.
        max_sessions: the most sessions at once; by default 1000, or fewer if open files are limited.
        max_sessions_per_address: the most sessions from one IP address; None: ``max_sessions``. In IPv6 a
            /64 network counts as one address, unless it is link-local or unique local. A session whose peer
            has finished sending, and waits for its last reply, does not count as one.
        max_unproven: the most connections that owe TLS or the proof of a key; by default 128. They are no
            sessions yet. If there are more, one of them is dropped at random.
        allow: the networks from which a peer may come, as texts such as ``192.168.0.0/24``, ``10.0.0.5`` or
            ``any``, or as ``ipaddress`` has them; None: all. A peer on a UNIX socket is always admitted,
            because the file system guards the socket.
        keys: our name, and pre-shared keys. Each peer must prove that it holds one of them, before its
            session is ready.
        dials: True if the factory connects, with the key of one peer, instead of listening.
        evict: the older session that a new one ends, because it is left over from the same peer.
            ``identity``: the session with the same name in its key or certificate. ``address``: the same,
            or if there is no name, the session from the same address. ``none``: no session. ``auto``:
            ``identity`` if there are keys, else ``none``. If two peers that are alive have one name, the
            later one is refused.
        observers: watch all sessions. More can be added later, with ``observers.add``.
        clock: the source of time; by default the reactor, which then counts by the monotonic clock.

    A connection that is not admitted is aborted at once, and logged.

    Raises:
        ConfigurationError: a limit would admit nobody.
    """

    noisy = False
    log = BoundedLogger()

    protocol: Any = FrameProtocol

    def __init__(
        self,
        protocol: Any = None,
        *,
        framing: Framing | Unset = UNSET,
        reply_framing: Framing | Unset | None = UNSET,
        gap: float | Unset | None = UNSET,
        limits: Limits | Unset = UNSET,
        heartbeat: Heartbeat | Unset | None = UNSET,
        heartbeats: Heartbeats | Unset | None = UNSET,
        asks: bool | Unset = UNSET,
        allow_http: bool | Unset = UNSET,
        framing_hints: bool | Unset = UNSET,
        max_sessions: int | None = None,
        max_sessions_per_address: int | None = DEFAULT_MAX_SESSIONS_PER_ADDRESS,
        max_unproven: int | None = None,
        allow: Iterable[Network | str] | str | None = None,
        keys: PreSharedKeys | None = None,
        dials: bool = False,
        evict: str = AUTO,
        observers: Iterable[SessionObserver] = (),
        clock: IReactorTime | None = None,
    ) -> None:
        if protocol is not None:
            self.protocol = protocol
        overrides: dict[str, Any] = {
            "framing": framing,
            "reply_framing": reply_framing,
            "gap": gap,
            "limits": limits,
            "heartbeat": heartbeat,
            "heartbeats": heartbeats,
            "asks": asks,
            "allow_http": allow_http,
            "framing_hints": framing_hints,
        }
        self._overrides = {name: value for name, value in overrides.items() if value is not UNSET}
        self.admission = Admission(
            self.log,
            lambda: clock_of(self).seconds(),
            networks=allowed_networks(allow),
            max_sessions=default_max_sessions() if max_sessions is None else max_sessions,
            max_sessions_per_address=max_sessions_per_address,
            max_unproven=default_max_unproven() if max_unproven is None else max_unproven,
        )
        if keys is not None:
            keys.proof(dials=dials)  # raises now if something is wrong with them
        self.keys = keys
        self.dials = dials
        if evict not in (AUTO, *EVICT):
            raise ConfigurationError(f"evict must be {', '.join(EVICT)} or {AUTO}, not {evict!r}")
        self.evict = evict if evict != AUTO else "none" if keys is None else "identity"
        self.observers = Observers(observers)
        """The observers of all its sessions."""
        self.clock = clock
        self.sessions: set[FrameProtocol] = set()
        """The sessions that are open now, and the connections that owe TLS or a proof."""
        self.sessions_total = 0
        """The number of sessions that there have been."""
        self._finished: set[FrameProtocol] = set()  # their peer has finished sending
        self._by_peer: dict[str, FrameProtocol] = {}  # the one session of each peer, by its key
        self._rivals = Rivals()
        self._ending: dict[FrameProtocol, IDelayedCall] = {}  # refused sessions, which end after a pause
        self._ended_received = self._ended_sent = 0
        self._draining: list[Deferred[None]] = []

    @cached_property
    def shared_timers(self) -> SharedTimers:
        """The timers that its sessions share."""
        return SharedTimers(clock_of(self))

    @property
    def frames_received(self) -> int:
        """The frames that were received in all sessions so far."""
        return self._ended_received + sum(each.frames_received for each in self.sessions)

    @property
    def frames_sent(self) -> int:
        """The frames that were sent in all sessions so far."""
        return self._ended_sent + sum(each.frames_sent for each in self.sessions)

    @property
    def abuse(self) -> Counter[Abuse]:
        """The number of refused, dropped and evicted peers, and of faults, so far, by kind."""
        counts = Counter(self.admission.abuse)
        counts[Abuse.FAULT] += sum(each.faults for each in self.sessions)
        return +counts

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        # Where a session may replace an older one, there is room for it even if all places are taken.
        if not self.admission.admits(addr, session=self.evict == "none"):
            return Refused()
        try:
            protocol = cast("FrameProtocol", self.protocol())
        except Exception:  # Twisted would keep the connection open, and the peer would wait
            peer = peer_name(addr)
            self.log.failure("{peer}: connection refused: the protocol cannot be made", peer=peer)
            return Refused()
        protocol.factory = self
        for name, value in self._overrides.items():
            setattr(protocol, name, value)
        if self.keys is None:
            return protocol
        made = PeerAuthentication(protocol, self.keys.proof(dials=self.dials))
        made.refusal = partial(self._refusal, protocol)
        return made

    def sessionOpened(self, session: FrameProtocol) -> None:
        """Note a session that got its connection. The session calls this."""
        self.sessions.add(session)
        self.sessions_total += 1
        if session.awaits_proof or ISSLTransport.providedBy(session.transport):
            drop = partial(self._drop, session)
            if not self.admission.unproven_opened(session, session.peer, session.host, drop):
                drop("there are too many connections that are not proven")

    def sessionEstablished(self, session: FrameProtocol) -> None:
        """
        Count a session when its peer is known, or refuse it. The session calls this before it is ready.

        An older session of the same peer ends.
        """
        reason = self._refusal(session, session.identity)
        if reason is not None:
            self._abort_later(session, reason)
            return
        self.admission.unproven_closed(session)
        self.admission.session_opened(session.host)
        peer = self._peer_of(session, session.identity)
        if peer is None:
            return
        old = self._by_peer.get(peer)
        self._by_peer[peer] = session
        if old is None:
            return
        reason = f"the peer connected again, as {session.peer}: this session is its zombie"
        if old.is_open:
            self.log.info("{peer}: evicted: {reason}", peer=old.peer, reason=reason)
            self.admission.abuse[Abuse.EVICTED] += 1
        old.abort(old.reason or reason)  # also if it is closing: its place is taken

    def sessionFinished(self, session: FrameProtocol) -> None:
        """Let another session from the same address in: the peer of this one has finished sending."""
        is_counted = session.admitted and session in self.sessions and session not in self._finished
        if is_counted and self.admission.session_finished(session.host):
            self._finished.add(session)

    def _refusal(self, session: FrameProtocol, identity: str | None) -> str | None:
        """Return the reason why a peer may have no session, or None if it may. Log it if not."""
        if session.admitted:
            return None  # asked again
        peer = self._peer_of(session, identity)
        old = None if peer is None else self._by_peer.get(peer)
        now = clock_of(self).seconds()
        refusal = None
        if peer is None or old is None:
            refusal = self.admission.session_refusal(session.host)
        elif old.is_open and not self._rivals.may_evict(peer, now, old.last_received_at, old.heartbeats):
            refusal = same_name(old.peer)
        session.admitted = refusal is None
        if refusal is not None:
            self.admission.refuse(session.peer, refusal)
        return None if refusal is None else refusal.reason

    def _abort_later(self, session: FrameProtocol, reason: str) -> None:
        """End a refused session, after a pause if that keeps its peer from coming again at once."""
        admission = self.admission
        drop = partial(self._drop, session)
        admission.unproven_closed(session)
        is_rival = self._peer_of(session, session.identity) in self._by_peer
        if is_rival and admission.unproven_opened(session, session.peer, session.host, drop):
            cast("Any", session.transport).pauseProducing()
            self._ending[session] = clock_of(self).callLater(REFUSAL_DELAY, session.abort, reason)
        else:
            session.abort(reason)

    def _drop(self, session: FrameProtocol, reason: str) -> None:
        """End a session that is logged already."""
        session.admitted = False
        session.abort(reason)

    def _peer_of(self, session: FrameProtocol, identity: str | None) -> str | None:
        """Return the key that limits a peer to one session, or None if it may have several."""
        if self.evict == "none":
            return None
        if identity is not None:
            return f"identity {identity}"
        return f"address {session.host}" if self.evict == "address" and session.host else None

    def sessionClosed(self, session: FrameProtocol) -> None:
        """Stop counting a session that lost its connection. The session calls this."""
        if session not in self.sessions:
            return
        self.sessions.remove(session)
        self.admission.abuse[Abuse.FAULT] += session.faults
        self._ended_received += session.frames_received
        self._ended_sent += session.frames_sent
        ending = self._ending.pop(session, None)
        if ending is not None and ending.active():
            ending.cancel()
        peer = self._peer_of(session, session.identity)
        if peer is not None and self._by_peer.get(peer) is session:
            del self._by_peer[peer]
        if not self.admission.unproven_closed(session) and session.admitted:
            self.admission.session_closed(session.host, finished=session in self._finished)
        self._finished.discard(session)
        if self._draining and not self.sessions:
            clock_of(self).callLater(0, self._drained)  # sessionLost comes first

    def sessionRefused(self, session: FrameProtocol, reason: str) -> None:
        """Log a session that ended before it was ready, because TLS failed, say. The session calls this."""
        if session.admitted is not False:
            kind = Abuse.PROOF if session.awaits_proof else Abuse.TLS
            self.admission.log_refusal(session.peer, reason, kind)

    def drain(self, grace: float = 5.0, reason: str = "the server is stopping") -> Deferred[None]:
        """
        End all sessions politely, so that sent bytes still arrive. Abort the rest after ``grace`` seconds.

        No new session is admitted meanwhile.

        Returns:
            A Deferred that fires when no session is left. It never fails.
        """
        done: Deferred[None] = Deferred()
        if not self.sessions:
            done.callback(None)
            return done
        overdue = clock_of(self).callLater(
            grace, self.abort, f"{reason}; the peer did not take all, and close, within {grace:g} s"
        )
        self._draining.append(done)
        self.admission.stopping = True
        for session in list(self.sessions):
            session.close(reason)

        def drained(_: None) -> None:
            if overdue.active():
                overdue.cancel()

        return done.addCallback(drained)

    def _drained(self) -> None:
        waiting, self._draining = self._draining, []
        self.admission.stopping = False
        for deferred in waiting:
            deferred.callback(None)

    def abort(self, reason: str = "aborted here") -> None:
        """End all sessions at once."""
        for session in list(self.sessions):
            session.abort(reason)
