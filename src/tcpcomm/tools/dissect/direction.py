"""The frames of one direction of an overheard connection: :class:`DirectionReader`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

from tcpcomm.errors import FramingError, TcpcommError
from tcpcomm.framing import Framing
from tcpcomm.framing.base import decode

Found = list[bytes] | FramingError
"""Frames, or the fault behind them."""


class DirectionReader:
    """
    Cuts the chunks of one direction into frames.

    Args:
        framing: the framing of the direction.
    """

    def __init__(self, framing: Framing) -> None:
        self._usual = self._decoder = framing.decoder()
        self._own: Framing | None = None
        self.broken = ""
        """The fault after which no frame can be found any more; empty while the framing holds."""

    @property
    def mid_frame(self) -> bool:
        """True if a frame has begun and has not ended."""
        return not self.broken and self._decoder.mid_frame

    @property
    def unfinished(self) -> str:
        """A text about the frame that does not go on, to follow the name of the sender."""
        return self._decoder.unfinished

    @property
    def progress(self) -> str:
        """A text about the frame that has begun and may go on, to follow the name of the sender."""
        return self._decoder.progress

    def feed(self, data: bytes) -> Iterator[Found]:
        """Take a chunk. Yield its frames and faults, in order."""
        for found in decode(self._decoder, data):
            if isinstance(found, FramingError) and not found.recoverable:
                self.broken = found.reason
            yield found

    def flush(self) -> Iterator[Found]:
        """Take note of silence. Yield the frames that it ends, and faults."""
        yield from self._finish(self._decoder.flush)

    def close(self) -> Iterator[Found]:
        """Take note of the end of the stream. Yield the frames that it ends, and faults."""
        yield from self._finish(self._decoder.close)

    def _finish(self, finish: Callable[[], list[bytes]]) -> Iterator[Found]:
        if self.broken:
            return
        try:
            yield finish()
        except FramingError as fault:
            if fault.frames:
                yield fault.frames
            yield fault

    def read_by(self, framing: Framing | None) -> Iterator[Found]:
        """
        Read the next frames by another framing, or with None by the usual one.

        Bytes behind a reply that are less than a frame of its framing are read by the usual one.
        """
        if framing == self._own or self.broken:
            return
        if framing is None:
            self._decoder, replaced = self._decoder.read_by(self._usual)
            self._own = None
            if replaced is not self._usual and replaced.buffered:
                with suppress(TcpcommError):  # fragments, which another framing cannot read
                    yield from self.feed(replaced.trailing)
        else:
            self._decoder, replaced = self._decoder.read_by(framing.decoder())
            if self._own is None:
                self._usual = replaced
            self._own = framing
