"""
A link to one peer that outlives its connections: :class:`Link`, and its sessions, :class:`LinkSession`.

Frames are sent and requests are made while the link is ready, and refused while it is not: nothing is
queued silently, and nothing is ever sent twice. The rules are in :mod:`tcpcomm.link.supervisor`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from math import inf
from typing import Any, Self, Unpack

from attrs import frozen
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.interfaces import IAddress, IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from tcpcomm.conversation.raw_reply import ANY_FRAME
from tcpcomm.conversation.requester import Requester, requester_for
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.errors import ConfigurationError, FramingError, NotReady, SessionClosed
from tcpcomm.framing import Framing, Lines
from tcpcomm.link.engine import Engine, StateObserver
from tcpcomm.link.option_texts import explains
from tcpcomm.link.options import LinkKeywords, LinkOptions
from tcpcomm.link.outages import Outages
from tcpcomm.link.states import LinkState
from tcpcomm.runtime.awaitables import as_deferred
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.safe_text import one_line
from tcpcomm.session.admission import Abuse, Admission, Refused
from tcpcomm.session.heartbeat import Heartbeat
from tcpcomm.session.limits import Limits
from tcpcomm.session.observer import Observers
from tcpcomm.session.protocol import FrameProtocol
from tcpcomm.session.receive_queue import deliver_each


class LinkSession(FrameProtocol):
    """
    One session of a link.

    It answers heartbeats, gives replies to their requests, and other frames to the user's function.
    """

    ends_with_input = True  # the link must connect again at once

    factory: LinkFactory
    requester: Requester
    """Asks requests on this session. It exists from when the session is ready."""

    def sessionReady(self) -> None:
        factory, link = self.factory, self.factory.link
        replaced, factory.newest = factory.newest, self
        if replaced is not None:
            replaced.end(replaced.reason or "the peer connected again")
        self.requester = requester_for(
            self,
            factory.clock,
            link.engine.drop,
            link.declaration,
            quiet=link._quiet,
            has_events=link._received is not None,
            header=link.header,
        )

    def framesReceived(self, frames: list[bytes]) -> None:
        requester = self.requester
        try:
            if len(frames) == 1:
                self.frameReceived(frames[0])
            else:
                requester.hold(len(frames))
                deliver_each(self, frames, self._seconds)
        finally:
            requester.release()

    def frameReceived(self, frame: bytes) -> None:
        link = self.factory.link
        pair = link._heartbeat
        if isinstance(pair, Heartbeat) and frame in pair:
            answer = pair.answer(frame)
            if answer is not None:
                self.sendFrame(answer)
        elif self.requester.awaits_answer and not link._is_event(frame):
            self.requester.answer(frame, frame=frame)
        elif link._received is not None:
            self.requester.in_order(partial(self._give, link._received, frame))
        elif not link._is_event(frame):
            self.requester.surplus(frame)

    def _give(self, received: Callable[[bytes], object], frame: bytes) -> None:
        """Give a frame to the user's function, and send its reply."""
        if self.reason is None:
            self._reply(received(frame))

    def framingFailed(self, fault: FramingError) -> None:
        super().framingFailed(fault)
        self.requester.dropped(one_line(fault.reason))
        if fault.details and not (fault.recoverable or self.keeps_secret):
            self.requester.dropped(one_line(fault.details))  # the reason of the session's end has the rest

    def backlogHandled(self) -> None:
        self.requester.release()

    def handler_failed(self, failure: Failure) -> None:
        """Log the failure of the user's function, and close the session."""
        if self.reason is not None and failure.check(CancelledError):
            return  # the function worked for a session that is over
        self.log.failure("{link}: a handler failed", failure, link=self.factory.link.engine.name)
        self.close(f"a handler failed: {one_line(failure.getErrorMessage())}")

    def end(self, reason: str) -> None:
        """Settle all requests, because the session is over. It is called once."""
        self.requester.end(reason)

    def log_connected(self) -> None:
        """Log nothing: the link logs its states, and each reason of an outage once."""

    def sessionLost(self, reason: str) -> None:
        if self.factory.newest is self:
            self.factory.newest = None
            self.end(reason)

    def inputEnded(self) -> None:
        self.close("the peer closed the connection")

    def _reply(self, reply: object) -> None:
        """Send a reply that the user's function returned, or that its Deferred fires with."""
        if isinstance(reply, bytes):
            if self.reason is None:
                self.sendFrame(reply)
        elif isinstance(reply, Awaitable):
            self.await_handler(as_deferred(reply).addCallback(self._reply).addErrback(self.handler_failed))


class LinkFactory(Factory):
    """Builds the sessions of a link. ``settings`` are attributes of each session, such as ``framing``."""

    noisy = False

    def __init__(self, link: Link, admission: Admission, clock: IReactorTime, **settings: Any) -> None:
        self.link = link
        self.observers = link.observers
        self.clock = clock
        self.newest: LinkSession | None = None
        """The session that was ready last, until it ends."""
        self._admission = admission
        self._settings = settings

    def buildProtocol(self, addr: IAddress | None) -> Any:
        if not self._admission.admits(addr, session=False):
            return Refused()
        session = self.link.session_class()
        session.factory = self
        for name, value in self._settings.items():
            setattr(session, name, value)
        return session


@explains("keywords", LinkOptions, but=["connect"])
class Link(Service):
    """
    A supervised link, as a service: start it, and it connects, and connects again, until it is stopped.

    Args:
        options: the link's options as an object, in place of ``connect`` and ``keywords``.
        connect: the place where the peer listens, as a client endpoint or its string. It is not called
            ``at``, as in :func:`~tcpcomm.remote` and :func:`~tcpcomm.serve`: that is the place of the
            equipment, and a link does not know which side is the equipment.
        framing: the rule that tells frames apart.
        reply_framing: the rule for sent frames, if that differs.
        gap: seconds of silence that end a frame; None: silence means nothing.
        quiet: seconds of silence that the link keeps after each reply before it writes the next request. A
            surplus frame that is late by up to this time cannot answer that request.
        heartbeat: a pair of frames, or a callable that gets the session and sends something. Without one
            the link notices a dead peer only when TCP does, after minutes or hours.
        received: called with each frame that answers no request. If it returns bytes, or an awaitable of
            bytes, that is the reply. It is sent on the session from which the frame came, or not at all if
            that session is over. Without it, a frame that nobody asked for ends the session, because it
            could answer the next request. With it, such a frame is not noticed as surplus.
        is_event: returns True for a frame that answers no request even while one is under way.
        keywords: the other options: ``listen``, ``allow``, ``keys``, ``policy``, ``on_ready``, ``limits``,
            ``allow_http``, ``framing_hints``, ``observers``, ``log``, ``reactor`` and ``random``.
            ``help(tcpcomm.Link)`` explains each.

    Raises:
        ConfigurationError: not exactly one of ``connect`` and ``listen`` is given, the port would be open
            to everybody, the policy has no interval for the heartbeat, or an option is wrong.
    """

    log = BoundedLogger()
    session_class: type[LinkSession] = LinkSession
    declaration: Declaration | None = None
    """The commands that can be asked on the link, if they are declared."""
    header: dict[str, Any] | None = None
    """The values that headers carry on all sessions, by name, if the codec has such values."""

    def __init__(
        self,
        options: LinkOptions | None = None,
        *,
        connect: IStreamClientEndpoint | str | None = None,
        framing: Framing | None = None,
        reply_framing: Framing | None = None,
        gap: float | None = None,
        quiet: float = 0.0,
        heartbeat: Heartbeat | Callable[[Any], None] | None = None,
        received: Callable[[bytes], object] | None = None,
        is_event: Callable[[bytes], bool] = lambda frame: False,
        **keywords: Unpack[LinkKeywords[Handshake]],
    ) -> None:
        if options is None:
            options = LinkOptions(connect=connect, **keywords)
        elif connect is not None or keywords:
            raise ConfigurationError("a Link takes its options as one object or as keywords, not both")
        self.observers = Observers(options.watching())
        """The observers of the link and of its sessions; ``link.observers.add(...)`` attaches another."""
        self.requester: Requester | None = None
        """The requester of the session that is ready, or None if no session is ready."""
        if not 0 <= quiet < inf:
            raise ConfigurationError(f"quiet must be a number of seconds, 0 or more, not {quiet}")
        self._heartbeat = heartbeat
        self._quiet = quiet
        self._received = received
        self._is_event = is_event
        source, name = options.source()
        clock = options.reactor
        admission = Admission(self.log, clock.seconds, name=name, networks=options.allow or None)
        factory = LinkFactory(
            self,
            admission,
            clock,
            framing=framing or Lines(),
            reply_framing=reply_framing,
            gap=gap,
            limits=options.limits or Limits(idle=None),
            allow_http=options.allow_http,
            framing_hints=options.framing_hints,
        )
        self.engine = Engine(
            factory,
            source,
            options.policy_with(heartbeat),
            clock=clock,
            random=options.random,
            steps=[partial(self._take_step, step) for step in options.on_ready],
            send_heartbeat=self._send_pair if isinstance(heartbeat, Heartbeat) else heartbeat,
            name=name,
            keys=options.keys,
            observers=self.observers,
            link=self,
            ready_changed=self._ready_changed,
            admission=admission,
        )
        """Makes the link's sessions, and decides when they are ready, and when they end."""

    @property
    def state(self) -> LinkState:
        """The state of the link."""
        return self.engine.state

    @property
    def reason(self) -> str:
        """The reason of the state, in plain words."""
        return self.engine.supervisor.reason

    @property
    def abuse(self) -> Counter[Abuse]:
        """The number of refused, dropped and evicted peers so far, by kind, where the link listens."""
        return self.engine.admission.abuse

    def observe(self, observer: StateObserver) -> Callable[[], None]:
        """Have ``observer(state, reason)`` called at each change. Return a function that ends that."""
        return self.engine.observe(observer)

    def observe_outages(
        self, *, gone: Callable[[str], object], back: Callable[[], object]
    ) -> Callable[[], None]:
        """
        Have ``gone(reason)`` called once when the peer is lost, and ``back()`` when it is back.

        ``gone`` is called, too, if the first attempt fails. The other attempts of an outage, and the end of
        a link that is stopped, are not reported; :meth:`observe` tells each change.

        Args:
            gone: gets the reason, in plain words.
            back: called when the link is ready, if ``gone`` was called before.

        Returns:
            A function that ends that.
        """
        return self.observe(Outages(gone, back, lambda: bool(self.running), self.state))

    def whenReady(self) -> Deferred[Self]:
        """
        Return a Deferred that fires with this link when it is ready, at once if it is.

        It fails with NotReady if the link is stopped before, at once if it is stopped now. It may be
        cancelled.
        """
        return self.engine.when_ready().addCallback(lambda _: self)

    def reload(self) -> None:
        """
        Load certificates, their keys and revocation lists again, for new connections, where we listen.

        Raises:
            ConfigurationError, OSError: a file is wrong; the old ones stay in use.
        """
        if self.engine.source.reload is not None:
            self.engine.source.reload()

    def kick(self) -> None:
        """Try to connect now, whatever the backoff says."""
        self.engine.kick()

    def send(self, frame: bytes) -> None:
        """
        Send a frame that needs no reply.

        Raises:
            NotReady: the link is not ready; nothing was sent and nothing is kept.
            EncodeError: the framing cannot carry the frame.
        """
        _send(self.ready_requester().session, frame)

    def request(self, frame: bytes, *, timeout: float) -> Deferred[bytes]:
        """
        Send a frame, and wait for the frame that answers it.

        One request is under way at a time; others wait for their turn.

        Args:
            frame: the request.
            timeout: seconds that the peer has for its reply, from when the frame is written. The request
                may wait as long for its turn.

        Returns:
            A Deferred of the reply. It fails with :class:`~tcpcomm.NotSent` if the request was never
            written (NotReady if the link is not ready now), with :class:`~tcpcomm.ReplyTimeout` or
            :class:`~tcpcomm.OutcomeUnknown` if it was, and with :class:`~tcpcomm.EncodeError` if the
            framing cannot carry it. Cancelling it after the request was written drops the session, because
            its reply would answer the next request.
        """
        try:
            requester = self.ready_requester()
        except NotReady:
            return fail()
        return requester.ask_frame(frame, ANY_FRAME, timeout)

    def ready_requester(self) -> Requester:
        """
        Return the requester of the session that is ready.

        Raises:
            NotReady: no session is ready, or it closes.
        """
        requester = self.requester
        if requester is None or requester.session.reason is not None:
            raise NotReady(f"{self.engine.name} is {self.engine.status_text}")
        return requester

    def startService(self) -> None:
        """Begin to connect, or to wait for the peer."""
        super().startService()  # type: ignore[no-untyped-call]
        self.engine.start()

    def stopService(self) -> Deferred[None]:
        """Stop. The Deferred fires within the policy's grace, also behind a dead peer."""
        super().stopService()  # type: ignore[no-untyped-call]
        return self.engine.stop()

    def _ready_changed(self, session: LinkSession | None) -> None:
        self.requester = None if session is None else session.requester

    def _take_step(self, step: Callable[[Handshake], Any], session: LinkSession) -> Any:
        return step(Handshake(self, session))

    def _send_pair(self, session: LinkSession) -> None:
        assert isinstance(self._heartbeat, Heartbeat)
        session.sendFrame(self._heartbeat.request)


@frozen(eq=False)
class Handshake:
    """
    A connection that is not yet ready for others: an ``on_ready`` step works with it.

    It belongs to this one connection: when that is over, so is the step.
    """

    link: Link
    session: LinkSession

    def send(self, frame: bytes) -> None:
        """Send a frame as :meth:`Link.send` does."""
        _send(self.session, frame)

    def request(self, frame: bytes, *, timeout: float) -> Deferred[bytes]:
        """Send a frame, and wait for its reply, as :meth:`Link.request` does."""
        return self.session.requester.ask_frame(frame, ANY_FRAME, timeout)


def _send(session: FrameProtocol, frame: bytes) -> None:
    try:
        session.sendFrame(frame)
    except SessionClosed as closed:
        raise NotReady(str(closed)) from None
