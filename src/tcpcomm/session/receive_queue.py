"""Received data that a session cannot deliver yet, and the end of its input: :class:`ReceiveQueue`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from typing import Final, Protocol

from attrs import define, field

from tcpcomm.errors import FramingError
from tcpcomm.framing.base import Decoder
from tcpcomm.runtime.framing_hints import hint_at_fault, hint_at_half_frame
from tcpcomm.session.observer import ObservedSession, report_bytes, report_fault, report_frames_dropped
from tcpcomm.session.turns import SLICE_SECONDS

LOOK_EVERY: Final = 8
"""
Frames that are given to ``frameReceived`` one by one before a session looks at the time. Then it may have
to wait for its turn.
"""


class ReceivingSession(ObservedSession, Protocol):
    """A session that delivers what it receives."""

    gap: float | None
    ends_with_input: bool
    is_held: bool
    input_ended: bool
    faults: int

    @property
    def unfinished_handlers(self) -> int: ...
    @property
    def mid_frame_note(self) -> str: ...
    def frameReceived(self, frame: bytes) -> Awaitable[None] | None: ...
    def framingFailed(self, fault: FramingError) -> Awaitable[None] | None: ...
    def inputEnded(self) -> Awaitable[None] | None: ...
    def await_handler(self, later: Awaitable[None] | None) -> None: ...
    def put_back(self, frames: list[bytes]) -> None: ...
    def close(self, reason: str = ...) -> None: ...


def deliver_each(session: ReceivingSession, frames: Sequence[bytes], seconds: Callable[[], float]) -> None:
    """
    Deliver frames one by one. When the session is held, or the frames take long, it gets back the rest.

    Args:
        session: its ``frameReceived`` gets the frames.
        frames: the frames.
        seconds: returns the time.
    """
    received = session.frameReceived
    rest = iter(frames)
    left = len(frames)
    ends = seconds() + SLICE_SECONDS if left > LOOK_EVERY else 0.0
    try:
        while left > 0:
            for frame in islice(rest, LOOK_EVERY):
                later = received(frame)
                if later is not None:
                    session.await_handler(later)
                if session.is_held:
                    return
            left -= LOOK_EVERY
            if left > 0 and seconds() >= ends:
                return
    finally:
        session.put_back([*rest])


@define(eq=False)
class ReceiveQueue:
    """
    Holds received data while a session is held, and takes the steps at the end of the input.

    The order is: the rest of a frame's work, decoded frames, the fault behind them, chunks, the end of the
    input. A session has a queue only while something waits.

    Args:
        session: gets faults and the end of the input.
    """

    _session: ReceivingSession
    _work: list[Callable[[], bool]] = field(factory=list, init=False)
    _frames: list[bytes] = field(factory=list, init=False)
    _at: int = field(default=0, init=False)  # of the first frame that waits
    _fault: FramingError | None = field(default=None, init=False)
    _chunks: list[bytes] = field(factory=list, init=False)
    _flushed: bool = field(default=False, init=False)
    _stream_closed: bool = field(default=False, init=False)
    end_reported: bool = field(default=False, init=False)
    """True once ``inputEnded`` was called, or if it must not be called."""

    @property
    def is_empty(self) -> bool:
        """True if no data waits. The end of the input may still wait."""
        return not (self._frames or self._chunks or self._fault or self._work)

    def add_work(self, work: Callable[[], bool]) -> None:
        """Queue the rest of a frame's work. It does a slice, and returns True if more is left."""
        self._work.append(work)

    def add_chunk(self, data: bytes) -> None:
        """Keep a chunk that cannot be decoded now."""
        self._chunks.append(data)

    def put_back(self, frames: list[bytes]) -> None:
        """Put frames before all that waits, or only report them if the session is over."""
        if self._session.reason is not None:
            report_frames_dropped(self._session, frames)
        elif len(frames) <= self._at:  # they are a part of the same list
            self._at -= len(frames)
            self._frames[self._at : self._at + len(frames)] = frames
        else:
            self._frames, self._at = [*frames, *self._frames[self._at :]], 0

    def slice(self, frames: list[bytes], most: int) -> list[bytes]:
        """Return the first of some frames that were just decoded. The others wait before all else."""
        self._frames, self._at = [*frames, *self._frames[self._at :]], most
        return frames[:most]

    def drop(self) -> None:
        """Report the frames that wait to observers, because the session is over."""
        report_frames_dropped(self._session, self._frames[self._at :])

    def add_fault(self, fault: FramingError) -> None:
        """Keep a fault that the decoder raised, and the good frames before it. Report them to observers."""
        self._frames, self._at, self._fault = [*fault.frames], 0, fault  # an observer may keep the list
        report_bytes(self._session, "frame_received", fault.frames)
        report_fault(self._session, fault)
        hint_at_fault(self._session, fault)
        if fault.recoverable:
            self._chunks.insert(0, b"")  # this makes the decoder go on behind the fault

    def frame_overdue(self, decoder: Decoder) -> None:
        """Note that the frame in a decoder did not end in time: the peer may end its frames otherwise."""
        hint_at_half_frame(self._session, decoder)

    def take_step(self, most: int, bite: int, decoder: Decoder) -> tuple[bytes | None, list[bytes]] | None:
        """
        Take one step: do a slice of a frame's work, or handle a fault, or begin the end of the input.

        Args:
            most: the frames to deliver at once.
            bite: the bytes to decode at once.
            decoder: the session's decoder.

        Returns:
            The bytes that the session must decode, or None and the frames that it must deliver. There are
            no frames after another step. The result is None if nothing can be done now.
        """
        session = self._session
        if session.is_held:
            return None
        if self._work:
            work = self._work[0]
            if not work():
                self._work.remove(work)
        elif self._frames:
            frames, at = self._frames, self._at
            if at + most < len(frames):
                self._at = at + most
                return None, frames[at : self._at]
            self._frames, self._at = [], 0
            return None, frames[at:] if at else frames
        elif self._fault is not None:
            fault, self._fault = self._fault, None
            session.faults += 1
            session.await_handler(session.framingFailed(fault))
            if not (fault.recoverable or self._stream_closed):
                session.close(f"the framing was broken: {fault}")
        elif self._chunks:
            chunk = self._chunks.pop(0)
            if len(chunk) > bite:
                self._chunks.insert(0, chunk[bite:])
            return chunk[:bite], []
        elif not (session.input_ended and self._end_input(decoder)):
            return None
        return None, []

    def _end_input(self, decoder: Decoder) -> bool:
        """Take the next step at the end of the input. Return False if there is none, or not yet."""
        session = self._session
        if not self._flushed:
            self._flushed = True
            if session.gap is not None and decoder.ends_by_silence:
                self.finish_frame(decoder.flush)  # the end is a silence, too
        elif not self._stream_closed:
            self._stream_closed = True
            self.finish_frame(decoder.close)
        elif not self.end_reported and (session.ends_with_input or not session.unfinished_handlers):
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
            self._frames, self._at = frames, 0
            report_bytes(self._session, "frame_received", frames)
