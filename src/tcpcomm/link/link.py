"""
A link to one peer that outlives its connections: :class:`Link`.

Frames are sent and requests are made while the link is ready, and refused while it is not: nothing is
queued in silence, and nothing is ever sent twice. The rules are in :mod:`tcpcomm.link.supervisor`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from random import Random
from typing import Any, Final

from attrs import evolve
from twisted.application.service import Service
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import (
    IAddress,
    IReactorTime,
    IStreamClientEndpoint,
    IStreamServerEndpoint,
)
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure

from tcpcomm.codec.base import ReplyReader
from tcpcomm.conversation.requester import Requester
from tcpcomm.errors import ConfigurationError, NotReady, SessionClosed
from tcpcomm.framing import Framing, Lines
from tcpcomm.link.connect import Acceptor, Connector, SessionSource
from tcpcomm.link.engine import Engine, Observer, Step
from tcpcomm.link.supervisor import LinkState, Policy, profile
from tcpcomm.net.endpoints import client, listener, open_to_others
from tcpcomm.net.psk import PreSharedKeys
from tcpcomm.net.reasons import peer_name
from tcpcomm.runtime.log_throttle import LogThrottle
from tcpcomm.session.factory import REFUSAL_LOG_INTERVAL, Network, Refused, admitted
from tcpcomm.session.heartbeat import Heartbeat
from tcpcomm.session.limits import Limits
from tcpcomm.session.protocol import FrameProtocol

__all__ = ["ANY_FRAME", "Handshake", "Heartbeat", "Link"]


class _AnyFrame(ReplyReader):
    """Takes the next frame for the reply, whatever it is."""

    wants_frames = True

    def take(self, body: Any) -> Any:
        return body


ANY_FRAME: Final = _AnyFrame()


class Link(Service):
    """
    A supervised link, as a service: start it, and it connects, and connects again, until it is stopped.

    Args:
        connect: where the peer listens, as a client endpoint or its string, such as
            ``tcp:10.0.0.5:9999`` or ``tls:camera-1:9999:caCerts=ca.pem`` (active TCP role); see
            :func:`tcpcomm.net.endpoints.client`.
        listen: instead of it, where the peer connects to, as a server endpoint or its string, such as
            ``tcp:9999:interface=127.0.0.1`` (passive TCP role). The same machine connecting again
            replaces its session.
        framing: how frames are told apart.
        reply_framing: how they are sent, if that differs.
        gap: seconds of silence that end a frame; None: silence means nothing.
        heartbeat: a pair of frames, or a callable that gets the protocol and sends something; None: the
            link notices a dead peer only when TCP does, after minutes or hours.
        policy: a profile's name, ``lan``, ``fleet`` or ``wan``, or a policy of your own.
        on_ready: steps, such as a login, to be done on every new connection before anything else. Each
            gets a :class:`Handshake`, and may be a coroutine function.
        received: is called with each frame that answers no request. If it returns bytes, or an awaitable
            of bytes, that is the reply: it is sent on the session from which the frame came, or not at
            all if that is over by then.
        is_event: tells the frames that answer no request even while one is under way.
        limits: what a session may cost.
        allow: for ``listen``, the networks from which the peer may come; None: all. A string that opens a
            port to other machines needs it, or ``keys``, or client certificates.
        keys: pre-shared keys: the peer has to prove that it holds one before anything else is said. Where
            we connect there must be one key only, that of the peer.
        clock: the reactor, or a test's clock.
        random: where the backoff's jitter comes from.

    Raises:
        ConfigurationError: not exactly one of ``connect`` and ``listen`` is given, the port would be open
            to everybody, or heartbeats are due by the policy but there is none to send.
    """

    log = Logger()

    def __init__(
        self,
        *,
        connect: IStreamClientEndpoint | str | None = None,
        listen: IStreamServerEndpoint | str | None = None,
        framing: Framing | None = None,
        reply_framing: Framing | None = None,
        gap: float | None = None,
        heartbeat: Heartbeat | Callable[[Any], None] | None = None,
        policy: Policy | str = "lan",
        on_ready: Iterable[Callable[[Handshake], Any]] = (),
        received: Callable[[bytes], object] | None = None,
        is_event: Callable[[bytes], bool] = lambda frame: False,
        limits: Limits | None = None,
        allow: Iterable[Network] | None = (),
        keys: PreSharedKeys | None = None,
        clock: IReactorTime | None = None,
        random: Random | None = None,
    ) -> None:
        if (connect is None) == (listen is None):
            raise ConfigurationError("a link needs either connect or listen")
        if clock is None:
            from twisted.internet import reactor as clock  # noqa: PLC0415 - never at import time
        assert clock is not None
        self._clock = clock
        self._heartbeat = heartbeat
        self._received = received
        self._is_event = is_event
        self._protocol: _LinkProtocol | None = None
        networks = None if allow is None else tuple(allow)
        guarded = keys is not None or networks != ()
        place, name = _place(clock, connect, listen, guarded=guarded)
        rules = profile(policy) if isinstance(policy, str) else policy
        if heartbeat is None:
            rules = evolve(rules, heartbeats=None)
        elif rules.heartbeats is None:
            raise ConfigurationError("there is a heartbeat, but the policy does not say how often")
        factory = _LinkFactory(
            self,
            networks or None,
            framing=framing or Lines(),
            reply_framing=reply_framing,
            gap=gap,
            limits=limits or Limits(idle=None),
        )
        self._engine = Engine(
            factory,
            place,
            rules,
            clock=clock,
            random=random,
            steps=[self._step(each) for each in on_ready],
            beat=self._beat if heartbeat is not None else None,
            name=name,
            keys=keys,
        )

    # -- what a program uses --------------------------------------------------------------------------

    @property
    def state(self) -> LinkState:
        """What is true of the link now."""
        return self._engine.state

    @property
    def reason(self) -> str:
        """Why, in plain words."""
        return self._engine.reason

    def observe(self, observer: Observer) -> Callable[[], None]:
        """Have ``observer(state, reason)`` called at each change; returns what ends that."""
        return self._engine.observe(observer)

    def whenReady(self) -> Deferred[Link]:
        """
        Return a Deferred that fires with this link when it is ready, at once if it is.

        It fails with NotReady if the link is stopped before. It may be cancelled.
        """
        return self._engine.when_ready().addCallback(lambda _: self)

    def kick(self) -> None:
        """Try to connect now, whatever the backoff says."""
        self._engine.kick()

    def send(self, frame: bytes) -> None:
        """
        Send a frame that needs no reply.

        Raises:
            NotReady: the link is not ready; nothing was sent and nothing is kept.
            EncodeError: the framing cannot carry the frame.
        """
        self.send_on(self._ready_protocol(), frame)

    def request(self, frame: bytes, *, timeout: float) -> Deferred[bytes]:
        """
        Send a frame, and wait for the frame that answers it.

        One request is under way at a time; others wait for their turn.

        Args:
            frame: what is asked.
            timeout: seconds that the peer has for its reply, from when the frame is written. It may wait
                for its turn as long before.

        Returns:
            A Deferred of the reply. It fails with :class:`~tcpcomm.errors.NotSent` if the request was
            never written (NotReady if the link is not ready now), with
            :class:`~tcpcomm.errors.ReplyTimeout` or :class:`~tcpcomm.errors.OutcomeUnknown` if it was,
            and with :class:`~tcpcomm.errors.EncodeError` if the framing cannot carry it. Cancelling it
            drops the session if the request was written, for its reply would answer the next one.
        """
        try:
            protocol = self._ready_protocol()
        except NotReady:
            return fail()
        return self.request_on(protocol, frame, timeout)

    def startService(self) -> None:
        """Begin to connect, or to wait for the peer."""
        super().startService()  # type: ignore[no-untyped-call]
        self._engine.start()

    def stopService(self) -> Deferred[None]:
        """Stop; the Deferred fires within the policy's grace, also behind a dead peer."""
        super().stopService()  # type: ignore[no-untyped-call]
        return self._engine.stop()

    # -- what a handshake uses ------------------------------------------------------------------------

    def send_on(self, protocol: _LinkProtocol, frame: bytes) -> None:
        """Send a frame on this session, or on none."""
        try:
            protocol.sendFrame(frame)
        except SessionClosed as closed:
            raise NotReady(str(closed)) from None

    def request_on(self, protocol: _LinkProtocol, frame: bytes, timeout: float) -> Deferred[bytes]:
        """Make a request on this session, or on none."""
        return self.ask_on(protocol, lambda _: frame, ANY_FRAME, timeout)

    def ask_on(
        self,
        protocol: _LinkProtocol,
        make: Callable[[int], bytes],
        answers: ReplyReader | None,
        timeout: float,
    ) -> Deferred[Any]:
        """Ask on this session, or on none: see :meth:`tcpcomm.conversation.requester.Requester.ask`."""
        if protocol is not self._protocol:
            return fail(NotReady("the session for which this was meant is over"))
        return protocol.asking.ask(make, answers, timeout)

    # -- what the session tells -----------------------------------------------------------------------

    def session_made(self, protocol: _LinkProtocol) -> None:
        """There is a new session. Called by the protocol."""
        if self._protocol is not None:
            self.session_over(self._protocol, self._protocol.over or "the peer connected again")
        protocol.asking = self._new_asking(protocol)
        self._protocol = protocol

    def _new_asking(self, protocol: _LinkProtocol) -> Requester:
        return Requester(protocol, self._clock, self._engine.drop)

    def session_over(self, protocol: _LinkProtocol, reason: str) -> None:
        """A session is over: what was under way on it is settled. Called by the protocol."""
        if protocol is self._protocol:
            self._protocol = None
            protocol.asking.end(reason)

    def frames_received(self, protocol: _LinkProtocol, frames: list[bytes]) -> None:
        """Frames came: answers, events, or heartbeats. Called by the protocol."""
        if protocol is not self._protocol:
            return
        asking = protocol.asking
        asking.hold()
        try:
            for frame in frames:
                if protocol is not self._protocol or protocol.over is not None:
                    return
                self._frame_received(protocol, frame)
        finally:
            asking.release()

    def _frame_received(self, protocol: _LinkProtocol, frame: bytes) -> None:
        beat = self._heartbeat
        if isinstance(beat, Heartbeat) and frame in beat:
            answer = beat.answer(frame)
            if answer is not None:
                protocol.sendFrame(answer)
            return
        if protocol.asking.awaits_answer and not self._is_event(frame):
            protocol.asking.answer(frame, frame=frame)
        elif self._received is not None:
            self._reply(protocol, self._received(frame))
        else:
            self.log.warn(
                "{link}: a frame that nobody asked for: {frame!r}", link=self._engine.name, frame=frame
            )

    def _reply(self, protocol: _LinkProtocol, reply: object) -> None:
        """Send what a handler returned, now or later, on the session that it belongs to."""
        if isinstance(reply, bytes):
            if protocol.over is None:
                protocol.sendFrame(reply)
        elif isinstance(reply, Awaitable):
            later = reply if isinstance(reply, Deferred) else Deferred.fromCoroutine(_result_of(reply))
            later.addCallback(partial(self._reply, protocol)).addErrback(partial(self._failed, protocol))

    def _failed(self, protocol: _LinkProtocol, failure: Failure) -> None:
        self.log.failure("{link}: a handler failed", failure, link=self._engine.name)
        protocol.close(f"a handler failed: {failure.getErrorMessage()}")

    def _ready_protocol(self) -> _LinkProtocol:
        protocol = self._protocol
        if protocol is None or protocol.over is not None or self._engine.protocol is not protocol:
            raise NotReady(f"{self._engine.name} is {self._engine.status_text}")
        return protocol

    def _step(self, step: Callable[[Handshake], Any]) -> Step:
        return lambda protocol: step(Handshake(self, protocol))

    def _beat(self, protocol: Any) -> None:
        beat = self._heartbeat
        if isinstance(beat, Heartbeat):
            protocol.sendFrame(beat.request)
        elif beat is not None:
            beat(protocol)


class Handshake:
    """
    What an ``on_ready`` step works with: a connection that is not yet ready for others.

    It serves this one connection: when that is over, so is the step.
    """

    def __init__(self, link: Link, protocol: _LinkProtocol) -> None:
        self.link = link
        self.protocol = protocol

    def send(self, frame: bytes) -> None:
        """As :meth:`Link.send`."""
        self.link.send_on(self.protocol, frame)

    def request(self, frame: bytes, *, timeout: float) -> Deferred[bytes]:
        """As :meth:`Link.request`."""
        return self.link.request_on(self.protocol, frame, timeout)


class _LinkProtocol(FrameProtocol):
    """One session of a link."""

    link: Link

    asking: Requester

    over: str | None = None
    """Why nothing may be sent any more; None as long as it may."""

    def sessionReady(self) -> None:
        self.link.session_made(self)

    def framesReceived(self, frames: list[bytes]) -> None:
        self.link.frames_received(self, frames)

    def _tell_connected(self) -> None:
        """The link tells its states, and each reason of an outage once."""

    def sessionLost(self, reason: str) -> None:
        self.over = self.over or reason
        self.link.session_over(self, reason)

    def inputEnded(self) -> None:
        self.close("the peer closed the connection")

    def close(self, reason: str = "closed here") -> None:
        self.over = self.over or reason
        super().close(reason)

    def abort(self, reason: str = "aborted here") -> None:
        self.over = self.over or reason
        super().abort(reason)


class _LinkFactory(Factory):
    noisy = False

    def __init__(self, link: Link, allow: tuple[Network, ...] | None, **settings: Any) -> None:
        self._link = link
        self._allow = allow
        self._settings = settings
        self._refusals = LogThrottle(REFUSAL_LOG_INTERVAL)
        self.clock = link._clock

    def buildProtocol(self, addr: IAddress | None) -> _LinkProtocol | Refused:
        host = getattr(addr, "host", None)
        if self._allow is not None and host is not None and not admitted(str(host), self._allow):
            if self._refusals.count_due(self.clock.seconds()):
                self._link.log.warn(
                    "{link}: {peer} is refused: its address is in no allowed network",
                    link=self._link._engine.name,
                    peer=peer_name(addr),
                )
            return Refused()
        protocol = _LinkProtocol()
        protocol.factory = self
        protocol.link = self._link
        for name, value in self._settings.items():
            setattr(protocol, name, value)
        return protocol


async def _result_of(awaitable: Awaitable[object]) -> object:
    return await awaitable


def _place(
    reactor: Any,
    connect: IStreamClientEndpoint | str | None,
    listen: IStreamServerEndpoint | str | None,
    *,
    guarded: bool,
) -> tuple[SessionSource, str]:
    if connect is not None:
        endpoint = client(reactor, connect) if isinstance(connect, str) else connect
        return Connector(endpoint), f"link to {connect if isinstance(connect, str) else 'the peer'}"
    assert listen is not None
    if not isinstance(listen, str):
        return Acceptor(listen), "link at a port"
    place = listener(reactor, listen)
    if not (place.local or place.proves_peers or guarded):
        raise ConfigurationError(open_to_others(listen))
    return Acceptor(place.endpoint), f"link at {listen}"
