"""Sessions that handle a chunk of whole frames in a shorter way: :class:`WholeChunkProtocol`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tcpcomm.session.protocol import FrameProtocol
from tcpcomm.session.turns import FIRST_FRAMES, SMALLEST_BITE


class WholeChunkProtocol(FrameProtocol):
    """
    A session with two ways for received bytes: the general one of FrameProtocol, and a short one.

    A chunk goes the short way if it is made of whole frames, and nothing of the session is unusual: it is
    not held, no bytes wait in either direction, and no observer watches. A subclass overrides
    :meth:`chunkReceived`. Whatever it cannot do itself, it leaves to the general way, which decides what
    is right. So the results of both ways are the same.
    """

    __slots__ = ()

    takes_chunks = False
    """True if :meth:`chunkReceived` may be called. It is looked at for each chunk."""

    charset: str | None = None
    """The encoding of frames that :meth:`chunkReceived` wants as text, as Python calls it."""

    def chunkReceived(self, data: bytes, frames: Sequence[Any]) -> None:
        """
        Handle a chunk of whole frames. The session is corked: what is sent leaves when this returns.

        Args:
            data: the chunk, which the decoder has not seen. Call its ``passed_by`` or ``feed``.
            frames: its frames, as bytes or as text. They are not counted yet.
        """
        raise NotImplementedError(f"{type(self).__name__} must override chunkReceived")

    def dataReceived(self, data: bytes) -> None:  # type: ignore[override] # the other parameters are private
        send_buffer, decoder = self._send_buffer, self._decoder
        if (
            self.is_held
            or not self.takes_chunks
            or not decoder.idle
            or send_buffer.corked
            or send_buffer.waiting
            or send_buffer.blocked_since is not None
            or self._receive_queue is not None
            or len(data) > SMALLEST_BITE
            or self.observers.watches_traffic
        ):
            self._deliver(data)
            return
        charset = self.charset
        frames: Sequence[Any] | None
        try:
            frames = decoder.cut_chunk(data) if charset is None else decoder.cut_text(data, charset)
        except UnicodeDecodeError:
            frames = None
        if not frames or len(frames) > self._most_frames:
            self._deliver(data)
            return
        now = self._last_received_at = self._seconds()
        send_buffer.corked = True
        try:
            self.chunkReceived(data, frames)
            count = len(frames)
            if count > 1 and (count >= FIRST_FRAMES or count >= self._most_frames):
                self._learn(count, now)
        except Exception:
            self._handler_failed()
        finally:
            send_buffer.corked = False
        if self.is_held or self._receive_queue is not None:
            self._deliver(None, now)
        elif send_buffer.waiting:
            send_buffer.flush()
