"""
One session, the glue between a Twisted transport and a framing: :class:`FrameProtocol`.

It does all that every session needs: time limits, backpressure in both directions, heartbeats, half-close,
observers, and an end with a reason in plain words. Only the framing decides which bytes are a frame.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, ClassVar, Self, cast

from twisted.internet import interfaces
from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from tcpcomm.errors import FramingError, SessionClosed
from tcpcomm.framing.base import Decoder
from tcpcomm.framing.web_guard import WebGuard
from tcpcomm.net.error_texts import loss_text, peer_name
from tcpcomm.net.tls import certificate_name
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.right_thread import asyncio_advice
from tcpcomm.runtime.safe_text import one_line
from tcpcomm.runtime.socket_options import set_socket_options
from tcpcomm.runtime.timer import DeadlineTimer, clock_of
from tcpcomm.session import observer
from tcpcomm.session.heartbeat_monitor import HeartbeatMonitor
from tcpcomm.session.hooks import SessionHooks
from tcpcomm.session.lingering_close import LingeringClose
from tcpcomm.session.pending_handlers import PendingHandlers
from tcpcomm.session.receive_queue import ReceiveQueue
from tcpcomm.session.send_buffer import SendBuffer
from tcpcomm.session.turns import (
    FIRST_BITE,
    FIRST_FRAMES,
    LARGEST_BITE,
    LEAST_FRAMES,
    MOST_FRAMES,
    SLICE_SECONDS,
    SMALLEST_BITE,
    WHOLE_CHUNK,
    Turns,
    next_size,
    turns_of,
)


@implementer(interfaces.IHalfCloseableProtocol, interfaces.IHandshakeListener, interfaces.IPushProducer)
class FrameProtocol(SessionHooks):
    """
    One session: frames in, frames out. Its settings and public state are in :class:`SessionAttributes`, the
    methods to override in :class:`SessionHooks`, and the methods that send in :class:`FrameSender`.

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
        "_reading_paused", "_ready", "_receive_queue", "_turns", "has_backlog", "waits_turn",
    )  # fmt: skip

    log: ClassVar[BoundedLogger] = BoundedLogger()

    _ready: bool  # connected, and TLS and the peer's proof, if there are any, are complete
    _closing: bool  # nothing is delivered any more, but sent bytes still leave
    _reading_paused: bool
    _receive_queue: ReceiveQueue | None  # exists while received data waits
    _turns: Turns

    has_backlog: bool
    """True while there is more received data than may be handled at once."""

    waits_turn: bool
    """True while received data waits until this session's turn comes."""

    _paused = False  # by the user
    _throttled = False  # the peer does not read, or asks faster than handlers finish
    _aborted = _lost = _may_stall = False  # the last: observers have not heard that the frame stalled
    _last_finished_at = 0.0  # the time when a handler finished, or when all sent bytes were taken
    _pending_handlers: PendingHandlers | None = None
    _heartbeat_monitor: HeartbeatMonitor | None = None
    _lingering_close: LingeringClose | None = None
    _most_frames, _bite = FIRST_FRAMES, FIRST_BITE  # to handle, or decode, before a look at the time
    _lost_reason: Failure | None = None  # of a lost connection with data that still waits for its turn

    def __new__(cls, *_args: object, **_options: object) -> Self:
        self = super().__new__(cls)  # not in __init__, which a subclass may replace
        self._ready = self._closing = self._reading_paused = self.input_ended = self.is_open = False
        self.has_backlog = self.waits_turn = False
        self.is_held = True
        self._receive_queue = self.frame_began_at = None
        self.frames_received = self.frames_sent = 0
        return self

    @property
    def unfinished_handlers(self) -> int:
        """The number of handlers that have started and not finished."""
        return len(self._pending_handlers or ())

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
        self.send_kept()
        self._frame_stalled()
        self.reason, self._closing = reason, True
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
        self._frame_stalled()
        self.reason = reason
        self._closing = self._aborted = True
        self._update_hold()
        self._send_buffer.abort()

    def connectionMade(self) -> None:
        transport, clock = cast("Any", self.transport), clock_of(self.factory)
        shared_timers = getattr(self.factory, "shared_timers", None)
        self.observers = observer.observers_of(self.factory)
        self._seconds = clock.seconds
        self._turns = turns_of(clock)
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
        decoder = self.framing.decoder()
        decoder.answer_by(self._answer_of_framing)
        self._decoder = decoder if self.allow_http else cast("Decoder", WebGuard(self, decoder))
        if not self.framing.self_delimiting:
            self._bite = WHOLE_CHUNK  # because the end of a chunk can end a frame
        self.send_framing = self.reply_framing or self.framing
        if self.host is not None:
            set_socket_options(self.transport, self.limits.stall)
        self._notify_factory("sessionOpened")

    def _answer_of_framing(self, data: bytes) -> None:
        """Send what the framing itself answers, such as a refused option of Telnet."""
        if self.is_open:
            self.sendBytes(data)

    def use_decoder(self, decoder: Decoder) -> None:
        """Give the stream to this decoder from now on."""
        self._decoder = decoder

    def read_by(self, decoder: Decoder) -> Decoder:
        """Cut the frames behind here by this decoder. Return the one before it, which holds no bytes."""
        self._decoder, replaced = self._decoder.read_by(decoder)
        return replaced

    def handshakeCompleted(self) -> None:
        """Make the session ready: TLS is established or a proof is given, so the peer is known."""
        if self._ready or self._closing:
            return
        self.identity = self.identity or certificate_name(self.transport)
        self._notify_factory("sessionEstablished")
        if self._closing or self.admitted is False:  # the factory refused it
            return
        self._ready = True
        self._update_hold()
        if self.heartbeats is not None or self.heartbeat is not None:
            self._heartbeat_monitor = HeartbeatMonitor(self, self._seconds())
        self.log_connected()
        if self.send_framing.opening:
            self._call_guarded(self.sendBytes, self.send_framing.opening)
        observer.report(self, "ready")
        self._call_guarded(self.sessionReady)
        self._resume_delivery()

    def readConnectionLost(self) -> None:
        """Deliver what this completes, then call :meth:`inputEnded`: the peer shut its sending side."""
        self.input_ended = True
        self._notify_factory("sessionFinished")
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
            if self.waits_turn:
                self._lost_reason = reason  # the session ends when all its data is handled
                return
        refused = self._aborted or not self._closing
        self.reason = words = self.reason or loss_text(reason) + self.mid_frame_note
        self._lost = self._closing = True
        self._update_hold()
        self._drop_received()
        self._send_buffer.clear()
        self._deadline_timer.cancel()
        if self._pending_handlers is not None:
            self._call_guarded(self._pending_handlers.cancel)
        more = 0 if self._fault_throttle is None else self._fault_throttle.unreported
        if more:
            self.log.warn("{peer}: {count} more faults", peer=self.peer, count=more)
        self._frame_stalled()
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

    def _deliver(self, data: bytes | None = None, now: float = 0.0) -> None:
        """Decode and deliver a received chunk, or with None what waits, until the session is held."""
        # Every chunk and every frame passes here, so this is one piece with as few calls as possible.
        observers, send_buffer = self.observers, self._send_buffer
        turn_ends = 0.0
        if data is not None:
            now = self._last_received_at = self._seconds()
            if observers.received is not None:
                observers.received(self, observer.masked(data) if self.keeps_secret else data)
            if self.is_held or send_buffer.corked:
                if not self._closing:
                    self._get_receive_queue().add_chunk(data)
                return
            is_long = len(data) > SMALLEST_BITE
            if is_long:
                data = self._first_bite(data)
        began_at, decoder = self.frame_began_at, self._decoder
        send_buffer.corked = True
        frames: list[bytes]
        try:
            while True:
                if data is None:
                    queue = self._receive_queue
                    if queue is None:
                        if self.has_backlog:
                            self.has_backlog = False
                            self.backlogHandled()
                        break
                    began, now = now, self._seconds()
                    if not turn_ends:
                        turn_ends = (began or now) + self._turns.allowed_seconds
                    if began and now >= turn_ends and not queue.is_empty:
                        self._await_turn()
                        break
                    step = queue.take_step(self._most_frames, self._turns.bite(self._bite), self._decoder)
                    if queue.is_empty and not self.input_ended:
                        self._receive_queue = None
                    if step is None:
                        break
                    data, frames = step
                    is_long, decoder = True, self._decoder
                if data is not None:
                    try:
                        frames = self._feed_bite(data) if is_long else decoder.feed(data)
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
                            if observers.watches_half_frames and self.gap is None:
                                self._may_stall = True
                                if self._receive_queue is None:  # else the rest may wait there
                                    observer.report(self, "half_frame", self.progress)
                    data = None
                    if len(frames) > 1 and len(frames) > self._most_frames:
                        frames = self._get_receive_queue().slice(frames, self._most_frames)
                        self.has_backlog = True
                if frames and self._heartbeat_monitor is not None:
                    frames, rest = self._heartbeat_monitor.answer(frames)
                    if rest:
                        self._get_receive_queue().put_back(rest)
                if frames and self.is_held:  # the peer has not read the answers
                    self._get_receive_queue().put_back(frames)
                elif frames:
                    count = len(frames)
                    self.frames_received += count
                    later = self.framesReceived(frames)
                    if later is not None:
                        self.await_handler(later)
                    if count > 1 and (count >= FIRST_FRAMES or count >= self._most_frames):
                        self._learn(count, now)
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
        if self.frame_began_at is not None and (began_at is None or self._may_stall):
            self._deadline_timer.update()

    dataReceived = _deliver

    def _learn(self, count: int, began: float) -> None:
        """Handle more or fewer frames at once next time, as so many took since a time."""
        took = self._seconds() - began
        if took > SLICE_SECONDS or count == self._most_frames < MOST_FRAMES:
            self._most_frames = next_size(self._most_frames, count, took, LEAST_FRAMES, MOST_FRAMES)

    def _first_bite(self, data: bytes) -> bytes | None:
        """Return the part of a chunk to decode now. The rest waits. None: all of it waits for its turn."""
        if self._turns.is_busy:
            self._get_receive_queue().add_chunk(data)
            self._await_turn()
            return None
        if len(data) > self._bite:
            self._get_receive_queue().add_chunk(data[self._bite :])
            self.has_backlog = True
            return data[: self._bite]
        return data

    def _feed_bite(self, data: bytes) -> list[bytes]:
        """Decode a part of a chunk. Decode less at once next time if it takes long."""
        began = self._seconds()
        try:
            return self._decoder.feed(data)
        finally:
            took = self._seconds() - began
            if self._bite != WHOLE_CHUNK and (took > SLICE_SECONDS or self._bite < LARGEST_BITE):
                self._bite = next_size(self._bite, len(data), took, SMALLEST_BITE, LARGEST_BITE)

    def _await_turn(self) -> None:
        """Let other sessions work before this one goes on with the data that waits."""
        self.has_backlog = self.waits_turn = True
        self._update_hold()
        self._turns.join(self)

    def take_turn(self) -> None:
        """Go on with the data that waits. :class:`~tcpcomm.session.turns.Turns` calls this."""
        self.waits_turn = False
        self._update_hold()
        data_waits = getattr(self.transport, "data_waits", None)
        if data_waits is not None:
            data_waits()  # a link must not take this for the peer's silence
        self._resume_delivery()
        if self._lost_reason is not None and not self.waits_turn:
            self.connectionLost(self._lost_reason)

    def go_on_in_turn(self, work: Callable[[], bool]) -> None:
        """
        Let the rest of a frame's work wait for this session's turn. Nothing more is delivered before it.

        Args:
            work: does a slice of the work. It returns True if there is more.
        """
        if self.is_open:
            self._get_receive_queue().add_work(work)
            self._await_turn()

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
            self.has_backlog = False
        if self._lost_reason is None:
            self._turns.leave(self)

    def _get_receive_queue(self) -> ReceiveQueue:
        self._receive_queue = self._receive_queue or ReceiveQueue(self)
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
        message = "{peer}: a handler of {protocol} failed; this session is closed{advice}"
        advice, kind = asyncio_advice(failure.value), type(self).__name__
        self.log.failure(message, failure, peer=self.peer, protocol=kind, advice=advice)
        error = one_line(failure.getErrorMessage())
        self.close(f"a handler failed: {type(failure.value).__name__}: {error}")

    def _update_hold(self) -> None:
        self.is_open = self._ready and not self._closing
        self.is_held = self._paused or self._throttled or self.waits_turn or not self.is_open

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
        """Stop reading while received data must wait, so that TCP slows the peer down."""
        # A closing session reads, and drops the data: a peer that waits until it can send would never read.
        pause = (self._paused or self._throttled or self.waits_turn) and not self._closing
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
            due = limits.frame_due(self.frame_began_at, self._last_received_at, self._decoder.buffered)
            yield due, FrameProtocol._frame_overdue
            if self._may_stall:
                yield self._last_received_at + observer.STALL_SILENCE, FrameProtocol._frame_stalled
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

    def _frame_stalled(self) -> None:
        stalled, self._may_stall = self._may_stall and self.frame_began_at is not None, False
        if stalled and not self.input_ended:
            observer.report(self, "frame_stalled", self.unfinished)

    def _frame_overdue(self) -> None:
        began_at, now = cast("float", self.frame_began_at), self._seconds()
        problem = self.limits.overdue_text(began_at, self._last_received_at, now)
        details = f": {self.unfinished}" if self.unfinished else ""
        self.log.warn("{peer}: {problem}{details}", peer=self.peer, problem=problem, details=details)
        self._get_receive_queue().frame_overdue(self._decoder)
        self.close(problem)
