r"""
One port for peers of unknown framing: :class:`AutoDetect` recognises it by a session's first bytes.

Use it for commissioning and demonstration, while nobody knows what the other program sends. In production,
name the framing of the equipment.

The first four bytes decide, or the silence after fewer bytes:

- A NUL byte among them, which text does not hold, means a 4-byte length prefix. The byte order is the one
  that makes the length smaller. An empty first frame shows no order and counts as big-endian.
- Anything else is text: lines with any ending or, after silence, without one.

Silence ends a text, but not a frame of known length, which TCP may deliver in two chunks.
"""

from __future__ import annotations

from attrs import frozen

from tcpcomm.errors import EncodeError, FramingError
from tcpcomm.framing.base import Buffer, Decoder, Framing, followed_by
from tcpcomm.framing.delimited import Lines, split_ending
from tcpcomm.framing.length import LengthPrefixed

_PREFIX = 4  # bytes of the length prefix


@frozen
class AutoDetect(Framing):
    """
    Lines with any ending or none, or a 4-byte length prefix of either byte order.

    Frames are delivered as they arrived, lines with their ending. The session's decoder knows how to answer
    a frame: see :meth:`AutoDetectDecoder.answer`.
    """

    def decoder(self) -> AutoDetectDecoder:
        return AutoDetectDecoder(self.max_frame)

    def encode(self, frame: bytes) -> bytes:
        raise EncodeError("how to write a frame depends on the peer: ask the session's decoder")


class AutoDetectDecoder(Decoder):
    """Waits until it recognises the peer's framing, then passes all bytes to a decoder of that framing."""

    __slots__ = ("_inner", "_max_frame", "recognised")

    def __init__(self, max_frame: int) -> None:
        super().__init__()
        self._max_frame = max_frame
        self._inner: Decoder | None = None
        self.recognised: Framing | None = None
        """The framing of the peer, or None until it is known."""

    def text(self, frame: bytes) -> bytes:
        """Return the message in a frame: a line without its ending, or the frame itself."""
        return split_ending(frame)[0] if isinstance(self.recognised, Lines) else frame

    def answer(self, frame: bytes, reply: bytes) -> bytes:
        """
        Return the bytes that answer ``frame`` with ``reply`` in the framing of the peer.

        The answer to a line has the ending of that line, or none. A reply that holds line endings is sent
        as several lines.
        """
        if self.recognised is None or isinstance(self.recognised, Lines):
            return reply + split_ending(frame)[1]
        return self.recognised.encode(reply)

    def cut(self, buffer: Buffer, position: int) -> int:
        if self._inner is None:
            self.recognised = recognise(bytes(buffer[position : position + _PREFIX]), self._max_frame)
            if self.recognised is None:
                return position
            self._inner = self.recognised.decoder()
        try:
            self._frames += self._inner.feed(bytes(memoryview(buffer)[position:]))
        except FramingError as fault:
            self._frames += fault.frames
            self._fault = fault
        return len(buffer)

    def flush(self) -> list[bytes]:
        frames = self._decide()
        return frames if self._inner is None else followed_by(frames, self._inner.flush)

    def close(self) -> list[bytes]:
        frames = self._decide()
        return frames if self._inner is None else followed_by(frames, self._inner.close)

    def _decide(self) -> list[bytes]:
        """Take bytes that are not recognised for text. Return the frames in them."""
        self._check_alive()
        if self._inner is not None or not super().buffered:
            return []
        self.recognised = Lines(keep_ends=True, max_frame=self._max_frame)
        self._inner = self.recognised.decoder()
        received = self.trailing
        self.reset()
        return self._inner.feed(received)

    @property
    def buffered(self) -> int:
        return super().buffered + (self._inner.buffered if self._inner else 0)

    @property
    def ends_by_silence(self) -> bool:
        return self.recognised is None or isinstance(self.recognised, Lines)

    @property
    def unfinished(self) -> str:
        return super().unfinished if self._inner is None else self._inner.unfinished

    @property
    def progress(self) -> str:
        return super().progress if self._inner is None else self._inner.progress

    @property
    def mid_frame(self) -> bool:
        return super().mid_frame or (self._inner is not None and self._inner.mid_frame)

    @property
    def trailing(self) -> bytes:
        return super().trailing + (self._inner.trailing if self._inner else b"")


def recognise(start: bytes, max_frame: int) -> Framing | None:
    """Return the framing of a peer that begins with ``start``, or None if more bytes are needed."""
    if len(start) < _PREFIX:
        return None  # a short line may be part of a length: 41 0A 00 00 is 2625
    if b"\0" in start:
        big, little = int.from_bytes(start, "big"), int.from_bytes(start, "little")
        if min(big, little) <= max_frame:
            return LengthPrefixed(_PREFIX, form="big" if big <= little else "little", max_frame=max_frame)
    return Lines(keep_ends=True, max_frame=max_frame)
