"""
One session, the glue between a Twisted transport and a framing: :class:`FrameProtocol`.

It does all that every session needs: time limits, backpressure in both directions, heartbeats, half-close,
observers, and an end with a reason in plain words. Only the framing decides which bytes are a frame.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, ClassVar, Final, Self, cast

from twisted.internet import interfaces
from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from tcpcomm.errors import FramingError, SessionClosed
from tcpcomm.net.error_texts import loss_text, peer_name
from tcpcomm.net.tls import certificate_name
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.log_throttle import LogThrottle
from tcpcomm.runtime.safe_text import one_line
from tcpcomm.runtime.socket_options import set_socket_options
from tcpcomm.runtime.timer import DeadlineTimer, clock_of
from tcpcomm.session import observer
from tcpcomm.session.frame_sender import FrameSender
from tcpcomm.session.heartbeat_monitor import HeartbeatMonitor
from tcpcomm.session.lingering_close import LingeringClose
from tcpcomm.session.pending_handlers import PendingHandlers
from tcpcomm.session.receive_queue import ReceiveQueue, deliver_each
from tcpcomm.session.send_buffer import SendBuffer

FAULT_LOG_INTERVAL: Final = 10.0
"""Seconds between two log lines about faulty data from one peer."""


@implementer(interfaces.IHalfCloseableProtocol, interfaces.IHandshakeListener, interfaces.IPushProducer)
class FrameProtocol(FrameSender):
    """
    One session: frames in, frames out. :class:`SessionAttributes` has its settings and public state, and
    :class:`FrameSender` the methods that send.

    Set ``framing`` and override :meth:`frameReceived` (or :meth:`framesReceived`, for whole batches), and
    where needed :meth:`sessionReady`, :meth:`sessionLost`, :meth:`framingFailed` and :meth:`inputEnded`. An
    exception in any of them is logged with the peer's name, and ends this session only.

    Nothing is delivered after the session was closed or while it is paused, even in the middle of a batch.

    A handler may be ``async def``, or return a Deferred. Later frames do not wait for it. A peer that has
    shut its sending side is kept until the handler has finished. When the session is lost, unfinished
    handlers are cancelled.

    The class has ``__slots__``: a subclass cannot also inherit from another class that has some, such as a
    mixin made with ``attrs.define``.
    """

    __slots__ = (
        "_closing", "_deadline_timer", "_decoder", "_last_received_at",
        "_reading_paused", "_ready", "_receive_queue", "_seconds",
    )  # fmt: skip

    log: ClassVar[BoundedLogger] = BoundedLogger()

    _ready: bool  # connected, and TLS and the peer's proof, if there are any, are complete
    _closing: bool  # nothing is delivered any more, but sent bytes still leave
    _reading_paused: bool
    _receive_queue: ReceiveQueue | None  # exists while received data waits

    _paused = False  # by the user
    _throttled = False  # the peer does not read, or asks faster than handlers finish
    _aborted = _lost = False
    _last_finished_at = 0.0  # the time when a handler finished, or when all sent bytes were taken
    _pending_handlers: PendingHandlers | None = None
    _heartbeat_monitor: HeartbeatMonitor | None = None
    _lingering_close: LingeringClose | None = None
    _fault_throttle: LogThrottle | None = None

    def __new__(cls, *_args: object, **_options: object) -> Self:
        self = super().__new__(cls)  # not in __init__, which a subclass may replace
        self._ready = self._closing = self._reading_paused = self.input_ended = self.is_open = False
        self.is_held = True
        self._receive_queue = self.frame_began_at = None
        self.frames_received = self.frames_sent = 0
        return self

    @property
    def unfinished(self) -> str:
        """A description of the frame that has begun and not ended, for a log; empty if there is none."""
        shown = self._decoder.mid_frame and not self.keeps_secret
        return f"the peer {self._decoder.unfinished}" if shown else ""

    @property
    def unfinished_handlers(self) -> int:
        """The number of handlers that have started and not finished."""
        return len(self._pending_handlers or ())

    def sessionReady(self) -> Awaitable[None] | None:
        """Begin: TLS is established, the peer is proven, and frames may be sent."""

    def frameReceived(self, frame: bytes) -> Awaitable[None] | None:
        """Handle a received frame."""
        raise NotImplementedError(f"{type(self).__name__} must override frameReceived")

    def framesReceived(self, frames: list[bytes]) -> Awaitable[None] | None:
        """
        Handle frames that were received together. Override it to handle them as a batch.

        The default calls :meth:`frameReceived` with each, and stops when the session is paused or closed.
        """
        if len(frames) == 1:
            return self.frameReceived(frames[0])
        return deliver_each(self, frames)

    def framingFailed(self, fault: FramingError) -> None:
        """
        Handle a fault: the peer broke the rule of the framing. The default logs it by :meth:`log_fault`.

        After an unrecoverable fault the session is closed when this returns. If only the end of the input
        cut the last frame short, the replies to the frames before it are sent first.
        """
        details = f": {fault.details}" if fault.details and not self.keeps_secret else ""
        self.log_fault(f"{fault}{details}")

    def inputEnded(self) -> None:
        """
        Handle the end of the input: the peer will send nothing more, but may still read (half-close).

        It is called when all received frames are handled, and all handlers have finished. The default
        closes the session. Override it if replies will still come from elsewhere.
        """
        self.close("the peer finished sending" + self._mid_frame_note())

    def sessionLost(self, reason: str) -> None:
        """Handle the end of a session that was ready. It is called once. The default logs the reason."""
        self.log.info("{peer}: the session ended: {reason}", peer=self.peer, reason=one_line(reason))

    def log_fault(self, problem: str) -> None:
        """Log a problem with received data, at most one in 10 s."""
        self._fault_throttle = self._fault_throttle or LogThrottle(FAULT_LOG_INTERVAL)
        count = self._fault_throttle.count_due(self._seconds())
        if count:
            others = f", and {count - 1} more" if count > 1 else ""
            self.log.warn("{peer}: {fault}{others}", peer=self.peer, fault=one_line(problem), others=others)

    def log_connected(self) -> None:
        """Log that the session is ready. Override it if something else logs that."""
        proven = f" as {self.identity}" if self.identity else ""
        self.log.info("{peer}: connected{proven}", peer=self.peer, proven=proven)

    def pauseProducing(self) -> None:
        """Stop delivery, from the next frame on, and reading."""
        self._paused = True
        self._update_hold()
        self._resume_delivery()

    def resumeProducing(self) -> None:
        """Deliver waiting data, in order, and read on. If a handler calls this, it takes effect later."""
        self._paused = False
        self._update_hold()
        self._resume_delivery()

    def stopProducing(self) -> None:
        self.close()

    def close(self, reason: str = "closed here") -> None:
        """
        End the session politely: deliver nothing more, send the bytes that wait, then close.

        A peer that takes none of these bytes for ``limits.stall`` seconds is aborted.
        """
        if self._closing:
            return
        self.reason = reason
        self._closing = True
        self._update_hold()
        self._drop_received()
        self._lingering_close = LingeringClose(self._send_buffer, self._seconds, self.limits.stall)
        if not self._send_buffer.corked:
            self._send_buffer.flush()
            self._close_when_sent()
        self._deadline_timer.update()

    def abort(self, reason: str = "aborted here") -> None:
        """End the session at once, and drop the bytes that wait. The session keeps this reason."""
        if self._lost or self._aborted:
            return
        self.reason = reason
        self._closing = self._aborted = True
        self._update_hold()
        self._send_buffer.abort()

    def connectionMade(self) -> None:
        transport, clock = cast("Any", self.transport), clock_of(self.factory)
        shared_timers = getattr(self.factory, "shared_timers", None)
        self.observers = observer.observers_of(self.factory)
        self._seconds = clock.seconds
        self._last_received_at = self._seconds()
        self._deadline_timer = DeadlineTimer(clock, FrameProtocol._deadlines, self, shared_timers)
        self._send_buffer = SendBuffer(transport, self, self._seconds, FrameProtocol._sending_changed)
        address = transport.getPeer()
        self.peer = peer_name(address)
        self.host = str(address.host) if hasattr(address, "host") else None
        observer.report(self, "opened")
        self._call_guarded(self._begin)
        if self.awaits_proof or interfaces.ISSLTransport.providedBy(transport):
            self._deadline_timer.update()
        else:
            self.handshakeCompleted()  # without TLS or a proof, it is complete now

    def _begin(self) -> None:
        """Do the first steps, which can fail in the code of others."""
        self._decoder = self.framing.decoder()
        self.send_framing = self.reply_framing or self.framing
        if self.host is not None:
            set_socket_options(self.transport, self.limits.stall)
        self._notify_factory("sessionOpened")

    def handshakeCompleted(self) -> None:
        """Make the session ready: TLS is established or a proof is given, so the peer is known."""
        if self._ready or self._closing:
            return
        self.identity = self.identity or certificate_name(self.transport)
        self._notify_factory("sessionEstablished")
        if self._closing:  # the factory refused it
            return
        self._ready = True
        self._update_hold()
        if self.heartbeats is not None or self.heartbeat is not None:
            self._heartbeat_monitor = HeartbeatMonitor(self, self._seconds())
        self.log_connected()
        observer.report(self, "ready")
        self._call_guarded(self.sessionReady)
        self._resume_delivery()

    def readConnectionLost(self) -> None:
        """Deliver what this completes, then call :meth:`inputEnded`: the peer shut its sending side."""
        self.input_ended = True
        if not self._closing:
            self._get_receive_queue()  # the end of the input waits there
        elif self._lingering_close is not None:
            self._lingering_close.input_ended()
        self._resume_delivery()

    def writeConnectionLost(self) -> None:
        """Wait for the peer to close, or abort if this side did not shut its sending side itself."""
        if self._lingering_close is None:
            self.abort("the sending side of the connection is shut")
            return
        self._last_received_at = self._seconds()  # from now on the peer's silence counts
        self._lingering_close.sending_ended()
        self._deadline_timer.update()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self._closing and reason.check(ConnectionDone):
            # Without half-close, as in TLS, the input ends only now. Nobody can be answered.
            self._get_receive_queue().end_reported = True
            self.readConnectionLost()
        refused = self._aborted or not self._closing
        self.reason = words = self.reason or loss_text(reason) + self._mid_frame_note()
        self._lost = self._closing = True
        self._update_hold()
        self._drop_received()
        self._send_buffer.clear()
        self._deadline_timer.cancel()
        if self._pending_handlers is not None:
            self._call_guarded(self._pending_handlers.cancel)
        if self._fault_throttle is not None and self._fault_throttle.unreported:
            self.log.warn(
                "{peer}: {count} more faults", peer=self.peer, count=self._fault_throttle.unreported
            )
        observer.report(self, "closed", words)
        self._notify_factory("sessionClosed")
        if self._ready:
            self._call_guarded(self.sessionLost, words)
        elif refused:
            self._notify_factory("sessionRefused", words)
        self._ready = False

    def _notify_factory(self, event: str, *details: str) -> None:
        method = getattr(self.factory, event, None)
        if method is not None:
            self._call_guarded(method, self, *details)

    def _mid_frame_note(self) -> str:
        return ", in the middle of a frame" if self._decoder.mid_frame else ""

    def _deliver(self, data: bytes | None = None) -> None:
        """Decode and deliver a received chunk, or with None what waits, until the session is held."""
        # Every chunk and every frame passes here, so this is one piece with as few calls as possible.
        observers, send_buffer = self.observers, self._send_buffer
        if data is not None:
            self._last_received_at = self._seconds()
            if observers.received is not None:
                observer.report_bytes(self, "received", (data,))
            if self.is_held or send_buffer.corked:
                if not self._closing:
                    self._get_receive_queue().add_chunk(data)
                return
        began_at, decoder = self.frame_began_at, self._decoder
        send_buffer.corked = True
        frames: list[bytes]
        try:
            while True:
                if data is None:
                    queue = self._receive_queue
                    if queue is None:
                        break
                    data, frames = queue.take_next()
                    if queue.is_empty and not self.input_ended:
                        self._receive_queue = None
                    if data is None and not frames:
                        break
                if data is not None:
                    try:
                        frames = decoder.feed(data)
                    except FramingError as fault:
                        frames = []
                        self._get_receive_queue().add_fault(fault)
                        self.frame_began_at = self._last_received_at if decoder.mid_frame else None
                    else:
                        if frames and observers.frame_received is not None:
                            observer.report_bytes(self, "frame_received", frames)
                        if decoder.idle or not decoder.mid_frame:
                            self.frame_began_at = None
                        elif frames or self.frame_began_at is None:
                            self.frame_began_at = self._last_received_at
                            if observers.half_frame is not None and self.gap is None:
                                observer.report(self, "half_frame", self.unfinished)
                    data = None
                if frames and self._heartbeat_monitor is not None:
                    frames, rest = self._heartbeat_monitor.answer(frames)
                    if rest:
                        self._get_receive_queue().put_back(rest)
                if frames and self.is_held:  # the peer has not read the answers
                    self._get_receive_queue().put_back(frames)
                elif frames:
                    self.frames_received += len(frames)
                    later = self.framesReceived(frames)
                    if later is not None:
                        self.await_handler(later)
        except Exception:
            self._handler_failed()
        finally:
            send_buffer.corked = False
        if send_buffer.waiting:
            send_buffer.flush()
        if self.is_held or self._reading_paused:
            if self._closing:
                self._close_when_sent()
            self._update_reading()
        if began_at is None and self.frame_began_at is not None:
            self._deadline_timer.update()

    dataReceived = _deliver

    def _resume_delivery(self) -> None:
        """Go on after a change of holds: deliver what waits, and stop or start reading."""
        if self._ready:
            if not self._send_buffer.corked:
                self._deliver()
            self._deadline_timer.update()

    def put_back(self, frames: list[bytes]) -> None:
        """Take back the rest of a batch. It is delivered when the session is held no longer."""
        if frames:
            self.frames_received -= len(frames)
            self._get_receive_queue().put_back(frames)

    def _drop_received(self) -> None:
        if self._receive_queue is not None:
            self._receive_queue.drop()
            self._receive_queue = None

    def _get_receive_queue(self) -> ReceiveQueue:
        if self._receive_queue is None:
            self._receive_queue = ReceiveQueue(self, self._decoder)
        return self._receive_queue

    # The methods below call user code. While it runs, the send buffer is corked.

    def await_handler(self, later: Awaitable[None] | None) -> None:
        """Keep track of a handler that finishes later, by what it returned. None: it has finished."""
        if later is not None:
            if self._pending_handlers is None:
                self._pending_handlers = PendingHandlers(self._handler_finished)
            self._pending_handlers.add(later)
            self._update_throttle()

    def _handler_finished(self, failure: Failure | None) -> None:
        if failure is not None:
            self._handler_failed(failure)
        if not self._lost:
            self._last_finished_at = self._seconds()
            self._update_throttle()
            self._resume_delivery()

    def _call_guarded(self, handler: Callable[..., Awaitable[None] | None], *args: object) -> None:
        """Call user code. If it raises, log the error and close this session."""
        send_buffer = self._send_buffer
        nested, send_buffer.corked = send_buffer.corked, True
        try:
            self.await_handler(handler(*args))
        except Exception:
            self._handler_failed()
        finally:
            send_buffer.corked = nested
        if not (nested or self._lost):
            send_buffer.flush()
            if self._closing:
                self._close_when_sent()

    def _handler_failed(self, failure: Failure | None = None) -> None:
        failure = failure or Failure()
        if self._closing and failure.check(SessionClosed, CancelledError):
            # The handler worked for a peer that is gone. That is not its fault, and the reason is logged.
            self.log.debug("{peer}: {error}", peer=self.peer, error=str(failure.value) or "cancelled")
            return
        message = "{peer}: a handler of {protocol} failed; this session is closed"
        self.log.failure(message, failure, peer=self.peer, protocol=type(self).__name__)
        error = one_line(failure.getErrorMessage())
        self.close(f"a handler failed: {type(failure.value).__name__}: {error}")

    def _update_hold(self) -> None:
        self.is_open = self._ready and not self._closing
        self.is_held = self._paused or self._throttled or not self.is_open

    def _sending_changed(self) -> None:
        send_buffer = self._send_buffer
        if send_buffer.blocked_since is None:
            self._last_finished_at = self._seconds()
        elif send_buffer.waiting > max(self.limits.unread_abort, 2 * self.send_framing.max_frame):
            self.abort(f"the peer does not read: {send_buffer.waiting} bytes wait for it")
            return
        if self._lingering_close is not None:
            self._lingering_close.progressed()
        self._update_throttle()
        if self._closing and not send_buffer.corked:
            self._close_when_sent()
        self._deadline_timer.update()

    def _update_throttle(self) -> None:
        limits = self.limits
        is_full = self._send_buffer.is_full(limits.unread_pause)
        throttled = is_full or self.unfinished_handlers >= limits.awaited
        if throttled != self._throttled:
            self._throttled = throttled
            self._update_hold()
            self._resume_delivery()

    def _update_reading(self) -> None:
        """Stop reading while the session is paused or throttled, so that TCP slows the peer down."""
        # A closing session reads, and drops the data: a peer that waits until it can send would never read.
        pause = (self._paused or self._throttled) and not self._closing
        if pause == self._reading_paused or not self._ready or self.input_ended or self._aborted:
            return
        self._reading_paused = pause
        transport = cast("Any", self.transport)
        if pause:
            transport.pauseProducing()
        else:
            self._last_received_at = self._seconds()  # the silence was ours, not the peer's
            if self.frame_began_at is not None:
                self.frame_began_at = self._last_received_at
            transport.resumeProducing()

    def _close_when_sent(self) -> None:
        if self._lingering_close is not None and not (self._lost or self._aborted):
            self._update_reading()
            self._lingering_close.advance(self)

    def _deadlines(self) -> Iterator[tuple[float, Callable[[FrameProtocol], None]]]:
        """Yield each deadline that counts now: its time, and the function that gets the session then."""
        limits, blocked_since = self.limits, self._send_buffer.blocked_since
        if self._aborted:
            return
        if self._lingering_close is not None:
            yield self._lingering_close.deadline(self._last_received_at), self._lingering_close.overdue
            return
        if not self._ready:
            yield self._last_received_at + limits.handshake, FrameProtocol._handshake_overdue
            return
        if blocked_since is not None:
            yield blocked_since + limits.stall, FrameProtocol._reading_overdue
        if self._heartbeat_monitor is not None and not (self._reading_paused or self.input_ended):
            yield self._heartbeat_monitor.deadline(self._last_received_at), FrameProtocol._check_heartbeats
        if self.is_held:
            return
        if self.frame_began_at is not None and not self.input_ended:
            if self.gap is not None and self._decoder.ends_by_silence:
                yield self._last_received_at + self.gap, FrameProtocol._gap_passed
            slack = limits.partial + self._decoder.buffered / limits.slowest
            yield self.frame_began_at + slack, FrameProtocol._frame_overdue
        if limits.idle is not None and not self._pending_handlers and blocked_since is None:
            last_active_at = max(self._last_received_at, self._last_finished_at)
            yield last_active_at + limits.idle, FrameProtocol._idle_overdue

    def _handshake_overdue(self) -> None:
        missing = "the peer was not proven" if self.awaits_proof else "TLS was not established"
        self.abort(f"{missing} within {self.limits.handshake:g} s")

    def _reading_overdue(self) -> None:
        self.abort(f"the peer does not read: it took nothing for {self.limits.stall:g} s")

    def _idle_overdue(self) -> None:
        self.close(f"the peer was silent for {self.limits.idle:g} s")

    def _check_heartbeats(self) -> None:
        check = cast("HeartbeatMonitor", self._heartbeat_monitor).check
        self._call_guarded(check, self._seconds(), self._last_received_at)

    def _gap_passed(self) -> None:
        self._call_guarded(self._get_receive_queue().finish_frame, self._decoder.flush)
        self.frame_began_at = None
        self._resume_delivery()

    def _frame_overdue(self) -> None:
        elapsed = self._seconds() - cast("float", self.frame_began_at)
        problem = f"the peer began a frame and did not finish it within {elapsed:.1f} s"
        details = f": {self.unfinished}" if self.unfinished else ""
        self.log.warn("{peer}: {problem}{details}", peer=self.peer, problem=problem, details=details)
        self.close(problem)
