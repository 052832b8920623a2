"""Byte streams without a framing, as simple socket programs send them: :class:`Unframed`."""

from __future__ import annotations

from attrs import field, frozen

from tcpcomm.errors import EncodeError, FrameTooLong
from tcpcomm.framing.base import Buffer, Decoder, Framing


@frozen
class Unframed(Framing):
    """
    Each chunk that the socket delivers is a frame, in whatever way TCP cut it.

    It fits only a peer that sends one message and waits for the answer, and even then a message may arrive
    in two chunks. With ``join`` the chunks are collected until the line is silent, which joins such
    messages again. The protocol needs a ``gap`` for that.

    No other framing delivers different frames for different chunks of the same stream.
    """

    join: bool = field(default=False, kw_only=True)

    @property
    def self_delimiting(self) -> bool:
        return False

    def decoder(self) -> Decoder:
        return _UnframedDecoder(self)

    def encode(self, frame: bytes) -> bytes:
        self.check_size(frame)
        if not frame:
            raise EncodeError("an empty frame cannot be sent: it has no bytes at all")
        return frame


class _UnframedDecoder(Decoder):
    __slots__ = ("_framing",)

    def __init__(self, framing: Unframed) -> None:
        super().__init__()
        self._framing = framing

    def cut(self, buffer: Buffer, position: int) -> int:
        max_frame, size = self._framing.max_frame, len(buffer)
        if self.discarding:
            return size
        if size - position > max_frame:
            self.discarding = self._framing.join
            reason = f"a frame exceeds max_frame={max_frame} and is discarded"
            self.fail(FrameTooLong, reason, at=position, recoverable=True)
            return size
        if self._framing.join:
            return position
        if size > position:
            self.deliver(buffer[position:], position)
        return size

    def flush(self) -> list[bytes]:
        """Return the collected chunks as a frame, because silence or the end of the stream ends it."""
        self._check_alive()
        frames = self._frames = []
        pending, at = self.trailing, self._position
        if pending:
            self.deliver(pending, at)
        self.reset()
        if self._fault is not None:
            self._raise_fault(frames)
        return frames

    close = flush
