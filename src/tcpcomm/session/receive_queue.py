"""Received data that a session cannot deliver yet, and the end of its input: :class:`ReceiveQueue`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from attrs import define, field

from tcpcomm.errors import FramingError
from tcpcomm.framing.base import Decoder
from tcpcomm.session.observer import ObservedSession, report_bytes, report_fault, report_frames_dropped


class ReceivingSession(ObservedSession, Protocol):
    """A session that delivers what it receives."""

    gap: float | None
    is_held: bool
    input_ended: bool

    @property
    def unfinished_handlers(self) -> int: ...
    def frameReceived(self, frame: bytes) -> Awaitable[None] | None: ...
    def framingFailed(self, fault: FramingError) -> Awaitable[None] | None: ...
    def inputEnded(self) -> Awaitable[None] | None: ...
    def await_handler(self, later: Awaitable[None] | None) -> None: ...
    def put_back(self, frames: list[bytes]) -> None: ...
    def close(self, reason: str = ...) -> None: ...


def deliver_each(session: ReceivingSession, frames: Iterable[bytes]) -> Awaitable[None] | None:
    """Deliver frames one by one. When the session is held, it gets back the rest."""
    received = session.frameReceived
    rest = iter(frames)
    try:
        for frame in rest:
            later = received(frame)
            if later is not None:
                session.await_handler(later)
            if session.is_held:
                break
    finally:
        session.put_back([*rest])
    return None


@define(eq=False)
class ReceiveQueue:
    """
    Holds received data while a session is held, and takes the steps at the end of the input.

    The order of delivery is: decoded frames, the fault behind them, chunks, the end of the input.
    A session has a queue only while something waits.

    Args:
        session: gets faults and the end of the input.
        decoder: the session's decoder.
    """

    _session: ReceivingSession
    _decoder: Decoder
    _frames: list[bytes] = field(factory=list, init=False)
    _fault: FramingError | None = field(default=None, init=False)
    _chunks: list[bytes] = field(factory=list, init=False)
    _flushed: bool = field(default=False, init=False)
    _stream_closed: bool = field(default=False, init=False)
    end_reported: bool = field(default=False, init=False)
    """True once ``inputEnded`` was called, or if it must not be called."""

    @property
    def is_empty(self) -> bool:
        """True if no data waits. The end of the input may still wait."""
        return not (self._frames or self._fault or self._chunks)

    def add_chunk(self, data: bytes) -> None:
        """Keep a chunk that cannot be decoded now."""
        self._chunks.append(data)

    def put_back(self, frames: list[bytes]) -> None:
        """Put frames before all that waits, or only report them if the session is over."""
        if self._session.reason is None:
            self._frames = [*frames, *self._frames]
        else:
            report_frames_dropped(self._session, frames)

    def drop(self) -> None:
        """Report the frames that wait to observers, because the session is over."""
        report_frames_dropped(self._session, self._frames)

    def add_fault(self, fault: FramingError) -> None:
        """Keep a fault that the decoder raised, and the good frames before it. Report them to observers."""
        self._frames, self._fault = [*fault.frames], fault  # an observer may keep the list
        report_bytes(self._session, "frame_received", fault.frames)
        report_fault(self._session, fault)
        if fault.recoverable:
            self._chunks.insert(0, b"")  # this makes the decoder go on behind the fault

    def take_next(self) -> tuple[bytes | None, list[bytes]]:
        """
        Handle waiting faults and the end of the input, up to data that the session must decode or deliver.

        Returns:
            A chunk to decode, or None and the frames to deliver. There are no frames either if nothing can
            be done now.
        """
        session = self._session
        while not session.is_held:
            if self._frames:
                frames, self._frames = self._frames, []
                return None, frames
            if self._fault is not None:
                fault, self._fault = self._fault, None
                session.await_handler(session.framingFailed(fault))
                if not (fault.recoverable or self._stream_closed):
                    session.close(f"the framing was broken: {fault}")
            elif self._chunks:
                return self._chunks.pop(0), []
            elif not (session.input_ended and self._end_input()):
                break
        return None, []

    def _end_input(self) -> bool:
        """Take the next step at the end of the input. Return False if there is none, or not yet."""
        session, decoder = self._session, self._decoder
        if not self._flushed:
            self._flushed = True
            if session.gap is not None and decoder.ends_by_silence:
                self.finish_frame(decoder.flush)  # the end is a silence, too
        elif not self._stream_closed:
            self._stream_closed = True
            self.finish_frame(decoder.close)
        elif not (session.unfinished_handlers or self.end_reported):
            self.end_reported = True
            session.await_handler(session.inputEnded())
        else:
            return False
        return True

    def finish_frame(self, finish: Callable[[], list[bytes]]) -> None:
        """Finish the frame that has begun, by ``flush`` or ``close`` of the decoder. Keep the result."""
        try:
            frames = finish()
        except FramingError as fault:
            self.add_fault(fault)
        else:
            self._frames = frames
            report_bytes(self._session, "frame_received", frames)
