"""
Frames between a start and an end marker, with a checksum after it: :class:`Enclosed`.

Old serial formats are still used over TCP: ``STX data ETX BCC``, ``SOH … ETX BCC CR``, ``$data*HH CR LF``.
Bytes outside of the markers are garbage: they are reported once and skipped up to the next start marker.
"""

from __future__ import annotations

import re
from typing import Final

from attrs import define, field, frozen

from tcpcomm.errors import (
    BadChecksum,
    ConfigurationError,
    EncodeError,
    FrameTooLong,
    TruncatedFrame,
    UnexpectedBytes,
)
from tcpcomm.framing.base import Buffer, Decoder, Framing, checked_bytes
from tcpcomm.framing.checksums import Checksum

STX: Final = b"\x02"
ETX: Final = b"\x03"


@frozen
class Enclosed(Framing):
    """
    Each frame stands between a start and an end marker; a checksum and constant bytes may follow::

        between | start | frame | end | checksum | tail

    A start marker inside a frame shows that the frame was cut short. That is reported, and the new frame
    begins.

    Args:
        start: the start marker.
        end: the end marker.
        checksum: the checksum that follows the end marker.
        cover_start: whether the checksum counts the start marker too.
        cover_end: whether the checksum counts the end marker too.
        tail: constant bytes that must follow the checksum.
        between: bytes that may stand between frames, any number of each. They are ignored.

    Raises:
        ConfigurationError: a marker cannot be distinguished from the other one or from the bytes after it.
    """

    start: bytes = field(default=STX, converter=checked_bytes)
    end: bytes = field(default=ETX, converter=checked_bytes)
    checksum: Checksum | None = field(default=None, kw_only=True)
    cover_start: bool = field(default=False, kw_only=True)
    cover_end: bool = field(default=True, kw_only=True)
    tail: bytes = field(default=b"", kw_only=True, converter=checked_bytes)
    between: bytes = field(default=b"", kw_only=True, converter=checked_bytes)
    _markers: re.Pattern[bytes] = field(init=False, repr=False, eq=False)
    _whole: re.Pattern[bytes] | None = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        if not self.start or not self.end:
            raise ConfigurationError("start and end must have at least one byte each")
        if self.start != self.end and (self.start in self.end or self.end in self.start):
            raise ConfigurationError(f"start {self.start!r} and end {self.end!r} hold each other")
        if self.start == self.end and self.trailer:
            raise ConfigurationError(
                f"start and end are both {self.start!r}, so a checksum or tail after the end could look "
                "like a frame: use two different markers"
            )
        if self.start[0] in self.between:
            raise ConfigurationError(
                f"between={self.between!r} holds the first byte of start {self.start!r}"
            )

    @_markers.default
    def _compile(self) -> re.Pattern[bytes]:
        return re.compile(b"|".join({re.escape(self.start): 0, re.escape(self.end): 0}))

    @_whole.default
    def _compile_whole(self) -> re.Pattern[bytes] | None:
        """Return the pattern of a chunk that is one frame, or None if a marker has several bytes."""
        if len(self.start) != 1 or len(self.end) != 1:
            return None
        start, end, tail = map(re.escape, (self.start, self.end, self.tail))
        check = self.checksum.size if self.checksum else 0
        return re.compile(b"%b([^%b%b]*+)%b(.{%d})%b" % (start, start, end, end, check, tail), re.DOTALL)

    @property
    def trailer(self) -> int:
        """The bytes that follow the end marker."""
        return (self.checksum.size if self.checksum else 0) + len(self.tail)

    def covered(self, frame: bytes) -> bytes:
        """Return the bytes that the checksum counts."""
        return (self.start if self.cover_start else b"") + frame + (self.end if self.cover_end else b"")

    def decoder(self) -> Decoder:
        return _EnclosedDecoder(self)

    def encode(self, frame: bytes) -> bytes:
        self.check_size(frame)
        body = frame + self.end
        match = self._markers.search(body)
        if match is None or match.start() != len(frame):
            raise EncodeError(
                f"the frame holds a marker ({self.start!r} or {self.end!r}): the peer would take it "
                "for the start or end of a frame; use DleStuffed if the equipment uses it"
            )
        check = self.checksum.encode(self.covered(frame)) if self.checksum else b""
        return self.start + body + check + self.tail


@define(eq=False, repr=False, weakref_slot=False)
class _EnclosedDecoder(Decoder):
    _framing: Enclosed
    _doubtful: bool = field(default=False, init=False)
    """True if the start that was found may be an end, because both are equal."""

    def cut_chunk(self, data: bytes) -> list[bytes] | None:
        framing = self._framing
        if framing._whole is None or self._doubtful:
            return None
        match = framing._whole.fullmatch(data)
        if match is not None:
            frame, check = match.groups()
            checksum = framing.checksum
            good = checksum is None or checksum.matches(framing.covered(frame), check)
            if good and len(frame) <= framing.max_frame:
                return [frame]
        return None

    @property
    def _overlap(self) -> int:
        """The bytes at the end of a buffer in which a marker may have begun."""
        return max(len(self._framing.start), len(self._framing.end)) - 1

    def cut(self, buffer: Buffer, position: int) -> int:
        framing = self._framing
        start, end, size = framing.start, framing.end, len(buffer)
        while True:
            if self.discarding:
                position = self._discard(buffer, position)
                if self.discarding:
                    return position
            position = self._find_start(buffer, position)
            if self.scanning or self._fault is not None or size - position < len(start):
                return position
            body = position + len(start)
            match = framing._markers.search(buffer, body + self.searched)
            stop = size - self._overlap if match is None else match.start()
            if stop - body > framing.max_frame:
                self.searched = 0
                self.discarding = True
                reason = f"a frame exceeds max_frame={framing.max_frame} and is discarded"
                self.fail(FrameTooLong, reason, at=position, recoverable=True)
                return body
            if match is None:
                self.searched = max(0, stop - body)
                return position
            if match.group() != end:
                reason = "a new frame begins in the middle of a frame"
                return self._fail_and_scan(TruncatedFrame, reason, at=position, resume=stop)
            if self._doubtful and not buffer[body:stop].strip(framing.between):
                self.searched = 0
                position = stop  # it was an end, because a start follows
                continue
            self._doubtful = False
            after = stop + len(end)
            following = after + framing.trailer
            if size < following:
                self.searched = stop - body
                self._need = following - position
                return position
            self.searched = 0
            frame = bytes(buffer[body:stop])
            check = bytes(buffer[after : following - len(framing.tail)])
            if not buffer.startswith(framing.tail, following - len(framing.tail)):
                found = bytes(buffer[following - len(framing.tail) : following])
                reason = f"a frame must be followed by {framing.tail!r}, not by {found!r}"
                return self._fail_and_scan(UnexpectedBytes, reason, at=position, resume=after)
            if framing.checksum is not None:
                covered = framing.covered(frame)
                if not framing.checksum.matches(covered, check):
                    expected = framing.checksum.encode(covered)
                    reason = framing.checksum.mismatch(following - position, check, expected)
                    return self._fail_and_scan(BadChecksum, reason, at=position, resume=following)
            if not self.deliver(frame, position):
                return following
            position = following

    def _find_start(self, buffer: Buffer, position: int) -> int:
        """Return the position where the next frame begins or may begin. Report garbage before it once."""
        framing = self._framing
        start, size = framing.start, len(buffer)
        if not self.scanning:
            while position < size and buffer[position] in framing.between:
                position += 1
            if start.startswith(buffer[position : position + len(start)]):  # or a part of start, at the end
                return position
            found = bytes(buffer[position : position + 1])
            reason = f"a frame must begin with {start!r}; bytes from {found!r} on are ignored"
            return self._fail_and_scan(UnexpectedBytes, reason, at=position, resume=position)
        found_at = buffer.find(start, position)
        if found_at < 0:
            return max(position, size - len(start) + 1)
        self.scanning = False
        self._doubtful = start == framing.end
        return found_at

    def _discard(self, buffer: Buffer, position: int) -> int:
        """Return the position after the frame that is too long, or the first byte that may be its end."""
        framing, size = self._framing, len(buffer)
        match = framing._markers.search(buffer, position)
        if match is None:
            return max(position, size - self._overlap)
        if match.group() != framing.end:
            self.discarding = False
            return match.start()
        following = match.end() + framing.trailer
        if size < following:
            return match.start()
        self.discarding = False
        if buffer.startswith(framing.tail, following - len(framing.tail)):
            return following
        self.scanning = True
        return match.end()

    @property
    def unfinished(self) -> str:
        end = f"{self._framing.end!r}"
        if self._framing.trailer:
            end += f" with the {self._framing.trailer} bytes behind it"
        return f"sent {self._received_text()}, and then no {end}: does it end its messages as we do?"

    def reset(self) -> None:
        super().reset()
        self._doubtful = False
