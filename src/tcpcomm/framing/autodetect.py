r"""
One port for every kind of peer: :class:`AutoDetect` sees from a session's first bytes what the peer speaks.

It is for commissioning and demonstration, where nobody knows yet what the other program sends. Equipment
in production names its framing.

What is told apart, by the first four bytes or, of a peer that sends fewer, by the silence after them:

- A NUL byte among them, which text never holds: a 4-byte length prefix. Of the two byte orders it is the
  one that makes the length smaller; an empty first frame, which shows no order, is taken for big-endian.
- Anything else is text: lines with whatever ending the peer uses or, after silence, with none.

Silence ends a text, but no frame whose length is known: many programs send the length and the rest with
two calls, and TCP may keep the second back for a while.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from tcpcomm.errors import EncodeError, FramingError
from tcpcomm.framing.base import Buffer, Decoder, Framing
from tcpcomm.framing.delimited import Lines, split_ending
from tcpcomm.framing.length import LengthPrefixed

__all__ = ["AnyPeerDecoder", "AutoDetect"]

_HEAD = 4


@frozen
class AutoDetect(Framing):
    """
    Lines with any ending or none, or a 4-byte length prefix of either byte order.

    Frames are delivered as they came, lines with their ending. How to answer in kind is known to the
    session's decoder: :meth:`AnyPeerDecoder.answer`.
    """

    def decoder(self) -> AnyPeerDecoder:
        return AnyPeerDecoder(self.max_frame)

    def encode(self, frame: bytes) -> bytes:
        raise EncodeError("how to write a frame depends on the peer: ask the session's decoder")


class AnyPeerDecoder(Decoder):
    """Waits until the peer's framing is recognised, then is that framing's decoder."""

    def __init__(self, max_frame: int) -> None:
        super().__init__()
        self._max_frame = max_frame
        self.recognised: Framing | None = None
        """What the peer speaks, once that is known."""
        self._inner: Decoder | None = None

    def text(self, frame: bytes) -> bytes:
        """The message in a frame: without its line ending, if it is a line."""
        return split_ending(frame)[0] if isinstance(self.recognised, Lines) else frame

    def answer(self, frame: bytes, reply: bytes) -> bytes:
        """
        The bytes that answer ``frame`` with ``reply`` in the way it was asked.

        A line is answered with its own ending, or none; a line that holds line endings itself is sent as
        several.
        """
        if self.recognised is None or isinstance(self.recognised, Lines):
            return reply + split_ending(frame)[1]
        return self.recognised.encode(reply)

    def cut(self, buffer: Buffer, position: int) -> int:
        if self._inner is None:
            self.recognised = recognise(bytes(buffer[position : position + _HEAD]), self._max_frame)
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
        """Silence: what is not recognised by now is text."""
        frames = self._settle()
        return frames if self._inner is None else _preceded(frames, self._inner.flush)

    def close(self) -> list[bytes]:
        """The end of the stream: so it is by then."""
        frames = self._settle()
        return frames if self._inner is None else _preceded(frames, self._inner.close)

    def _settle(self) -> list[bytes]:
        self._check_alive()
        if self._inner is not None or not super().buffered:
            return []
        self.recognised = _lines(self._max_frame)
        self._inner = self.recognised.decoder()
        head = self.trailing
        self._forget()
        return self._inner.feed(head)

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
    def mid_frame(self) -> bool:
        return super().mid_frame or (self._inner is not None and self._inner.mid_frame)

    @property
    def trailing(self) -> bytes:
        return super().trailing + (self._inner.trailing if self._inner else b"")


def recognise(head: bytes, max_frame: int) -> Framing | None:
    """Tell what a peer speaks whose stream begins with ``head``; None if more bytes must show it."""
    if len(head) < _HEAD:
        return None  # a short line may still be a length: 41 0A 00 00 is one of 2625 bytes
    if b"\0" in head:
        big, little = int.from_bytes(head, "big"), int.from_bytes(head, "little")
        if min(big, little) <= max_frame:
            return LengthPrefixed(_HEAD, form="big" if big <= little else "little", max_frame=max_frame)
    return _lines(max_frame)


def _preceded(frames: list[bytes], end: Callable[[], list[bytes]]) -> list[bytes]:
    """These frames and those that the end brings, be it with a fault."""
    try:
        return frames + end()
    except FramingError as fault:
        fault.frames[:0] = frames
        raise


def _lines(max_frame: int) -> Lines:
    return Lines(keep_ends=True, max_frame=max_frame)
