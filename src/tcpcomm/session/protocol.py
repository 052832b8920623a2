"""
The glue between a Twisted transport and a framing: :class:`FrameProtocol`.

Subclass one for your equipment, set ``framing``, and override :meth:`FrameProtocol.frameReceived`. What
every session needs, whatever it speaks, is done for it. In this module that is its life: how it begins,
what holds it up, backpressure in both directions, time limits, half-close, and an end that is told in
plain words. What it does with what it receives is in :mod:`tcpcomm.session.receiving`, how it sends in
:mod:`tcpcomm.session.sending`. Which bytes are a frame is not decided in any of them.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, cast

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import (
    IHalfCloseableProtocol,
    IHandshakeListener,
    IPushProducer,
    IReactorTime,
    ISSLTransport,
)
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from tcpcomm.framing.base import Framing
from tcpcomm.framing.delimited import Lines
from tcpcomm.net.certificates import certificate_name
from tcpcomm.net.reasons import loss_text, one_line, peer_name
from tcpcomm.runtime.socket_options import set_socket_options
from tcpcomm.runtime.timer import DeadlineTimer, clock_of
from tcpcomm.session.deadlines import deadlines
from tcpcomm.session.heartbeat import Heartbeats
from tcpcomm.session.heartbeat_monitor import HeartbeatMonitor
from tcpcomm.session.limits import Limits
from tcpcomm.session.lingering_close import LingeringClose
from tcpcomm.session.receiving import ReceivesFrames
from tcpcomm.session.send_buffer import SEND_CHUNK, SendBuffer

__all__ = ["FrameProtocol"]


@implementer(IHalfCloseableProtocol, IHandshakeListener, IPushProducer)
class FrameProtocol(ReceivesFrames):
    """
    One session: frames in, frames out.

    Override :meth:`frameReceived` (or :meth:`framesReceived`, for whole batches), and where needed
    :meth:`sessionReady`, :meth:`sessionLost`, :meth:`framingFailed` and :meth:`inputEnded`. An exception
    in any of them is logged once with the peer's name and ends this session, and no other.

    Nothing is delivered after the session was closed, or while :meth:`pauseProducing` is in force, also
    when either happens in the midst of a batch.

    A handler may be ``async def``, or return a Deferred, where its work takes longer: a peer that has shut
    its sending side is then kept until that is done. Later frames do not wait for it. When the session is
    lost, what is still awaited is cancelled.

    It has ``__slots__``. A subclass needs none, but cannot also inherit from another class that has some
    of its own, as a mixin made with ``attrs.define`` does.
    """

    framing: Framing = Lines()
    """The rule for received bytes and, unless ``reply_framing`` says otherwise, for sent ones."""

    reply_framing: Framing | None = None
    """The rule for sent bytes, where equipment sends with other rules than it receives."""

    limits: Limits = Limits()

    heartbeats: Heartbeats | None = None
    """How often the peer must be heard, and is asked if ``asks``; None: silence is allowed."""

    asks = False
    """Whether heartbeats are asked for, too, instead of only answered."""

    __slots__ = ("_clock",)

    _clock: IReactorTime

    host: str | None = None
    """The peer's IP address, where it has one."""
    identity: str | None = None
    """The peer's name, where it has proven it: by its key, or as its certificate's common name."""
    awaits_proof = False
    """Whether somebody will call :meth:`handshakeCompleted` who lets the peer prove itself first."""

    # What holds delivery, besides that the session is not ready or closing; _held sums it up:
    _paused = False  # the user said so
    _throttled = False  # the peer does not read what it is sent, or asks faster than handlers finish

    _aborted = False
    _transport_closed = False  # or its sending side, or they will be without our doing
    _vigil: HeartbeatMonitor | None = None  # where the peer must be heard
    _leaving: LingeringClose | None = None  # how it closes politely, once it does

    # -- for users to override ------------------------------------------------------------------------

    def sessionReady(self) -> Awaitable[None] | None:
        """Frames may be sent and will be received: TLS is established, and the peer is proven."""

    def sessionLost(self, reason: str) -> None:
        """
        The session is over; the reason is told in plain words. Called once, if it ever was ready.

        The default logs it.
        """
        self.log.info("{peer}: the session ended: {reason}", peer=self.peer, reason=one_line(reason))

    # -- for users to call ----------------------------------------------------------------------------

    def close(self, reason: str = "closed here") -> None:
        """
        End the session politely: deliver nothing more, send what waits, then close.

        A peer that takes nothing of it for ``limits.stall`` is aborted.
        """
        if self._closing:
            return
        self._reason = reason
        self._closing = True
        self._update_hold()
        self._frames = self._inbox = ()
        self._leaving = LingeringClose(self._outgoing, self._clock.seconds, self.limits.stall)
        if not self._working:
            self._outgoing.flush()
            self._finish_closing()
        self._alarm.update()

    def abort(self, reason: str = "aborted here") -> None:
        """End the session at once; what waits is dropped. The reason stands, whatever the system says."""
        if self._lost or self._aborted:
            return
        self._reason = reason
        self._closing = self._aborted = True
        self._update_hold()
        self._transport_closed = True
        self._outgoing.abort()

    def pauseProducing(self) -> None:
        """Stop delivery, from the next frame on, and reading."""
        self._paused = True
        self._update_hold()
        if not self._working:
            self._watch_reading()

    def resumeProducing(self) -> None:
        """Deliver what waited, in order, then read on. Called in a handler, it takes effect after it."""
        self._paused = False
        self._update_hold()
        self._go_on()

    def stopProducing(self) -> None:
        """Close the session."""
        self.close()

    # -- the session's life ---------------------------------------------------------------------------

    def connectionMade(self) -> None:
        transport = cast("Any", self.transport)
        self._clock = clock_of(self.factory)
        self._seconds = self._clock.seconds
        self._alarm = DeadlineTimer(self._clock, deadlines, self, getattr(self.factory, "shared_timers", None))
        self._heard = self._seconds()
        self._outgoing = SendBuffer(transport, self)
        address = transport.getPeer()
        self.peer = peer_name(address)
        self.host = str(address.host) if hasattr(address, "host") else None
        self._guarded(self._open)
        if self.awaits_proof or ISSLTransport.providedBy(transport):
            self._alarm.update()
        else:
            self.handshakeCompleted()  # there is none to wait for

    def _open(self) -> None:
        """The part of a session's begin that others can make fail."""
        self._decoder = self.framing.decoder()
        self._sender = self.reply_framing or self.framing
        if self.host is not None:
            set_socket_options(self.transport, self.limits.stall)
        self._tell_factory("sessionOpened")

    def handshakeCompleted(self) -> None:
        """TLS is established, or a proof is given: only now is the peer who it claims to be."""
        if self._ready or self._closing:
            return
        self.identity = self.identity or certificate_name(self.transport)
        self._ready = True
        self._update_hold()
        if self.heartbeats is not None:
            self._vigil = HeartbeatMonitor(self, self.heartbeats)
        self._tell_connected()
        self._tell_factory("sessionEstablished")
        self._guarded(self.sessionReady)
        self._go_on()

    def _tell_connected(self) -> None:
        proven = f" as {self.identity}" if self.identity else ""
        self.log.info("{peer}: connected{proven}", peer=self.peer, proven=proven)

    def readConnectionLost(self) -> None:
        """The peer shut its sending side: deliver what that completes, then :meth:`inputEnded`."""
        self._input_ended = True
        if self._transport_closed:
            self._outgoing.close()
        self._go_on()

    def writeConnectionLost(self) -> None:
        """Our sending side is shut: by closing, or else nothing can be answered any more."""
        if self._leaving is None:
            self.abort("the sending side of the connection is shut")
            return
        self._heard = self._seconds()  # from now on its silence counts
        self._leaving.sending_ended()
        self._alarm.update()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self._closing and reason.check(ConnectionDone):
            self._end_told = True  # without half-close, as in TLS, only now; nobody can be answered
            self.readConnectionLost()
        refused = self._aborted or not self._closing
        self._reason = words = self._reason or loss_text(reason) + self._half_frame()
        self._lost = self._closing = True
        self._update_hold()
        self._frames = self._inbox = ()
        self._outgoing.clear()
        self._alarm.cancel()
        if self._awaited is not None:
            self._guarded(self._awaited.cancel)
        if self._faults is not None and self._faults.unreported:
            self.log.warn("{peer}: {count} more faults", peer=self.peer, count=self._faults.unreported)
        self._tell_factory("sessionClosed")
        if self._ready:
            self._guarded(self.sessionLost, words)
        elif refused:
            self._tell_factory("sessionRefused", words)
        self._ready = False

    def _tell_factory(self, event: str, *details: str) -> None:
        told = getattr(self.factory, event, None)
        if told is not None:
            self._guarded(told, self, *details)

    # -- holding and backpressure ---------------------------------------------------------------------

    def _update_hold(self) -> None:
        self._held = self._paused or self._throttled or self._closing or not self._ready

    def _sending_changed(self) -> None:
        """The transport took bytes, or refuses them: throttle the peer, or let it go on."""
        outgoing, now = self._outgoing, self._seconds()
        if outgoing.blocked_since is None:
            self._served = now
        elif outgoing.waiting > max(self.limits.unread_abort, 2 * self._sender.max_frame):
            self.abort(f"the peer does not read: {outgoing.waiting} bytes wait for it")
            return
        if self._leaving is not None:
            self._leaving.progressed()
        self._throttle()
        if self._closing and not self._working:
            self._finish_closing()
        self._alarm.update()

    def _throttle(self) -> None:
        """Take nothing more from the peer until it reads, or until handlers have finished."""
        outgoing, limits = self._outgoing, self.limits
        throttled = len(self._awaited or ()) >= limits.awaited or (
            outgoing.blocked_since is not None and outgoing.waiting >= limits.unread_pause - SEND_CHUNK
        )
        if throttled != self._throttled:
            self._throttled = throttled
            self._update_hold()
            self._go_on()

    def _watch_reading(self) -> None:
        """
        Stop reading while delivery is held, so that TCP slows the peer down; read again after.

        While the session closes it is read, and dropped: a peer that waits until it can send would not
        read what it is sent.
        """
        stop = (self._paused or self._throttled) and not self._closing
        if stop == self._reading_stopped or not self._ready or self._input_ended or self._transport_closed:
            return
        self._reading_stopped = stop
        transport = cast("Any", self.transport)
        if stop:
            transport.pauseProducing()
        else:
            self._heard = self._seconds()  # silence was ours, not the peer's
            if self._begun is not None:
                self._begun = self._heard
            transport.resumeProducing()

    def _finish_closing(self) -> None:
        """Close once the transport has taken all that was sent: see :class:`LingeringClose`."""
        if self._lost or self._transport_closed:
            return
        self._watch_reading()
        if not self._outgoing.waiting and self._outgoing.blocked_since is None:
            self._transport_closed = True
            if self._input_ended or not self._outgoing.shut():
                self._outgoing.close()
