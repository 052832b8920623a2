"""No framing at all: :class:`Unframed`, what naive socket programs do."""

from __future__ import annotations

from attrs import field, frozen

from tcpcomm.errors import EncodeError, FrameTooLong
from tcpcomm.framing.base import Buffer, Decoder, Framing

__all__ = ["Unframed"]


@frozen
class Unframed(Framing):
    """
    Each chunk that the socket hands over is a frame, however TCP happened to cut it.

    It is right only for a peer that sends one message and waits for the answer, and even then a message
    may come in two pieces. With ``join`` the chunks are collected until the line falls silent, which
    heals that; the protocol needs a ``gap`` then.

    This is the one framing that does not, and cannot, deliver the same frames for every segmentation.
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
            raise EncodeError("an empty frame cannot be sent: it is no bytes at all")
        return frame


class _UnframedDecoder(Decoder):
    __slots__ = ("_discarding", "_framing")

    def __init__(self, framing: Unframed) -> None:
        super().__init__()
        self._framing = framing
        self._discarding = False

    def cut(self, buffer: Buffer, position: int) -> int:
        max_frame, size = self._framing.max_frame, len(buffer)
        if self._discarding:
            return size
        if size - position > max_frame:
            self._discarding = self._framing.join
            reason = f"a frame exceeds max_frame={max_frame} and is discarded"
            self.fail(FrameTooLong, reason, at=position, recoverable=True)
            return size
        if self._framing.join:
            return position
        if size > position:
            self.deliver(buffer[position:], position)
        return size

    def flush(self) -> list[bytes]:
        """Silence ends what was collected."""
        self._check_alive()
        frames = self._frames = []
        pending, at = self.trailing, self._position
        if pending:
            self.deliver(pending, at)
        self._forget()
        if self._fault is not None:
            self._raise_fault(frames)
        return frames

    def close(self) -> list[bytes]:
        """So does the end of the stream."""
        return self.flush()

    def _forget(self) -> None:
        super()._forget()
        self._discarding = False
