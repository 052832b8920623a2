"""
The decoder of :class:`~tcpcomm.framing.Checked` with ``resync``: it seeks the next good frame in garbage.

A frame is good if its header is valid and its checksum is right. After anything else the decoder moves on
by one byte and tries again. It reports garbage once. Each byte of garbage costs one checksum at most, so
frames must be short (:data:`LONGEST_CANDIDATE`), and garbage without end, or garbage that costs too much
(:data:`MOST_CHECKED`), ends the stream. A header that
announces more than has come is believed until its frame is complete, the line is silent, or the stream
ends.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import define, field

from tcpcomm.errors import BadLength, FrameTooLong, FramingError, TruncatedFrame, UnexpectedBytes
from tcpcomm.framing.base import LONGEST_REFUSED, Buffer, Decoder, Framing
from tcpcomm.framing.headers.header_framed import HeaderFramed, More, Total, header_end
from tcpcomm.framing.length import LengthPrefixed
from tcpcomm.framing.pieces import UnusablePiece

LONGEST_CANDIDATE: Final = 4096
"""
Bytes: the largest ``max_frame`` of a framing that searches good frames in garbage. The configuration with
a larger one is refused.
"""

MOST_CHECKED: Final = 4 * 1024 * 1024
"""
Bytes that checksums may count in garbage since the last good frame. Then the session is closed, because
the search costs too much time.
"""

_MOST_HEADER: Final = 512  # bytes of a header of variable length


def total_of(framing: Framing) -> tuple[int, Total, int] | None:
    """Return the bytes of the header, its function, and the bytes it strips, or None for other framings."""
    if isinstance(framing, HeaderFramed) and framing.strip != "header":
        return framing.header, framing.total, framing.strip
    if isinstance(framing, LengthPrefixed):
        return framing.header, framing.total_length, framing.strip
    return None


class _Unknown(Exception):
    """More bytes are needed to know whether a frame is good."""


@define(eq=False, repr=False, weakref_slot=False)
class ResyncDecoder(Decoder):
    """
    Cuts frames with a header and a checksum, and seeks the next one after garbage.

    Args:
        header: the bytes of the header that ``total`` sees first.
        total: the function of the header that returns the length of the frame.
        strip: the bytes that a delivered frame lacks, for its limit.
        skip: the bytes taken off the front before the checksum is verified.
        max_frame: the bytes of the longest frame.
        verify: returns the delivered frame, or raises :class:`UnusablePiece`.
    """

    _header: int
    _total: Total
    _strip_size: int
    _skip: int
    _max_frame: int
    _verify: Callable[[bytes], bytes | None]
    _garbage: int = field(default=0, init=False)
    """The bytes passed over since the last good frame."""

    _checked: int = field(default=0, init=False)
    """The bytes of the frames whose checksum was wrong since then."""

    _last: bool = field(default=False, init=False)
    """True if no byte can follow, so a frame that is not complete is not a frame."""

    def cut(self, buffer: Buffer, position: int) -> int:
        size = len(buffer)
        while position < size:
            if self.refused:
                position = self.skip_refused(buffer, position)
                self.discarding = self.refused > 0
                continue
            try:
                end, found = self._candidate(buffer, position)
            except _Unknown:
                return position
            if isinstance(found, bytes):
                self.scanning, self._garbage, self._checked = False, 0, 0
                if not self.deliver(found, position):
                    return end
                position = end
                continue
            self._garbage += 1
            if self._garbage > LONGEST_REFUSED * self._max_frame or self._checked > MOST_CHECKED:
                reason = f"no good frame came in {self._garbage} bytes"
                self.fail(UnexpectedBytes, reason, at=position)
                return position
            if not (self.scanning or self._last):
                return self._tell(found, end, position)
            position += 1
        return position

    def _tell(self, found: tuple[type[FramingError], str], end: int, position: int) -> int:
        """Report garbage, or a frame that is too long. Return the position where the stream goes on."""
        kind, reason = found
        if kind is FrameTooLong and end - position <= LONGEST_REFUSED * self._max_frame:
            self.fail(kind, f"{reason} and is discarded", at=position, recoverable=True)
            self._garbage, self._checked, self.refused, self.discarding = 0, 0, end - position, True
            return position
        reason = f"{reason}; bytes up to the next good frame are ignored"
        return self._fail_and_scan(kind, reason, at=position, resume=position + 1)

    def _candidate(
        self, buffer: Buffer, position: int
    ) -> tuple[int, bytes | tuple[type[FramingError], str]]:
        """
        Return the end of the frame that begins here, and the frame or its fault.

        Raises:
            _Unknown: more bytes are needed.
        """
        shown, size = self._header, len(buffer) - position
        while True:
            if shown > size:
                return self._incomplete(position)
            header = bytes(buffer[position : position + shown])
            try:
                total = self._total(header)
            except ValueError as error:
                return position, (BadLength, f"the header {header!r} is not valid: {error}")
            if not isinstance(total, More):
                break
            stop = header_end(buffer, position, shown, total, position + min(size, _MOST_HEADER))
            if stop - position > _MOST_HEADER or (stop < 0 and size >= _MOST_HEADER):
                return position, (BadLength, f"a header goes on beyond {_MOST_HEADER} bytes")
            if stop < 0:
                return self._incomplete(position)
            shown = stop - position
        if total < shown:
            reason = f"the header {header!r} announces {total} bytes, fewer than its own {shown}"
            return position, (BadLength, reason)
        end = position + total
        if total - self._strip_size > self._max_frame:
            reason = f"a frame of {total - self._strip_size} bytes exceeds max_frame={self._max_frame}"
            return end, (FrameTooLong, reason)
        if total > size:
            if not self._last:
                self._need = total
            return self._incomplete(position)
        try:
            frame = self._verify(bytes(buffer[position + self._skip : end]))
        except UnusablePiece as error:
            self._checked += total
            return end, (error.kind, error.reason)
        assert frame is not None
        return end, frame

    def _incomplete(self, position: int) -> tuple[int, tuple[type[FramingError], str]]:
        if self._last:
            return position, (TruncatedFrame, "")
        raise _Unknown

    @property
    def mid_frame(self) -> bool:
        """True if a frame has begun, or garbage that looks like one, so that silence decides."""
        return self.discarding or self.buffered > 0

    def flush(self) -> list[bytes]:
        """Return the good frames in what has arrived, because silence ends a frame that is not complete."""
        self._check_alive()
        return self._end("the line fell silent", recoverable=True)

    def close(self) -> list[bytes]:
        """Return the good frames in what has arrived, because no byte can follow."""
        self._check_alive()
        return self._end("the stream ended", recoverable=False)

    def _end(self, event: str, *, recoverable: bool) -> list[bytes]:
        half = self._truncated(event, recoverable=recoverable) if self.has_half_frame() else None
        frames = self._frames = []
        self._last = True  # incomplete frames are garbage now; one fault reports them
        self.cut(self._buffer, self._position)
        self._last = False
        self._fault = self._fault or half
        self.reset()
        if self._fault is not None:
            details = self._fault.details
            try:
                self._raise_fault(frames)
            finally:
                if self._dead is not None:
                    self._dead.details = details
        return frames

    def reset(self) -> None:
        super().reset()
        self._garbage = self._checked = 0
