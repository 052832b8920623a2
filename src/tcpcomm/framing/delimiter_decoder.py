"""
Decoders that cut at delimiters, for :mod:`tcpcomm.framing.delimited` and :mod:`tcpcomm.framing.stuffed`.

The search goes on where it stopped, so the cost is linear in whatever chunks a frame arrives, and a
delimiter in two chunks is found. A frame beyond ``max_frame`` is reported once and discarded up to its
delimiter. The connection stays open.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from attrs import field, frozen

from tcpcomm.errors import FrameTooLong
from tcpcomm.framing.base import Buffer, Decoder

Find = Callable[[Buffer, int], "tuple[int, int] | None"]
Split = Callable[[bytes], list[bytes]]

_NEWLINE: Final = ord("\n")
_LONG: Final = 192  # bytes: shorter frames are split together more quickly than found one by one


@frozen(eq=False, kw_only=True)
class FrameEnd:
    """
    The rule for the end of a frame. All decoders of a framing share it.

    Args:
        find: returns the span of the first delimiter in a buffer from a position on, or None.
        split: returns all frames of some bytes and, last, the rest, which may be empty. It is quicker.
        longest: the bytes of the longest delimiter.
        max_frame: the limit of a frame, in bytes.
        keep: whether a frame keeps its delimiter.
        stuffing: the bytes by which a frame may be longer on the wire, because it is unstuffed later.
        delimiters: the delimiters, for logs. Empty for any line ending.
    """

    find: Find
    split: Split
    longest: int
    max_frame: int
    keep: bool = False
    stuffing: int = 0
    delimiters: tuple[bytes, ...] = ()

    limit: int = field(init=False)
    """The bytes of the longest frame on the wire, without its delimiter."""

    @limit.default
    def _default_limit(self) -> int:
        return self.max_frame + self.stuffing


@lru_cache(maxsize=64)
def delimiter_of(delimiter: bytes, *, max_frame: int, stuffing: int = 0) -> FrameEnd:
    """Return the rule for one delimiter."""
    size = len(delimiter)
    last, long = delimiter[-1:], max(_LONG, size)
    split_short = _split_crlf if delimiter == b"\r\n" else lambda data: data.split(delimiter)

    def find(buffer: Buffer, position: int) -> tuple[int, int] | None:
        start = buffer.find(delimiter, position)
        return None if start < 0 else (start, start + size)

    def split(data: bytes) -> list[bytes]:
        # CPython finds one byte far more quickly than two: this is the way for long frames.
        parts: list[bytes] = []
        start = 0
        while (at := data.find(last, start)) >= 0:
            end = at + 1 - size
            if at - start < long or data[end : at + 1] != delimiter:
                return parts + split_short(data[start:])
            parts.append(data[start:end])
            start = at + 1
        parts.append(data[start:])
        return parts

    return FrameEnd(
        find=find,
        split=split,
        longest=size,
        max_frame=max_frame,
        stuffing=stuffing,
        delimiters=(delimiter,),
    )


@lru_cache(maxsize=64)
def any_of(delimiters: tuple[bytes, ...], pattern: re.Pattern[bytes], *, max_frame: int) -> FrameEnd:
    """Return the rule for several delimiters, which the pattern finds."""
    return FrameEnd(
        find=_finder(pattern),
        split=pattern.split,
        longest=max(map(len, delimiters)),
        max_frame=max_frame,
        delimiters=delimiters,
    )


@lru_cache(maxsize=64)
def line_end(*, max_frame: int) -> FrameEnd:
    r"""Return the rule for ``\r\n``, ``\n`` or ``\r``, for :class:`LinesDecoder`."""
    find = _finder(re.compile(rb"\r\n?|\n"))
    return FrameEnd(find=find, split=_split_lines, longest=1, max_frame=max_frame)


@lru_cache(maxsize=64)
def kept_line_end(*, max_frame: int) -> FrameEnd:
    r"""Return the rule for lines that keep their ending: a ``\r`` counts when the next byte has arrived."""
    find = _finder(re.compile(rb"\r\n|\n|\r(?=.)", re.DOTALL))
    return FrameEnd(find=find, split=_split_kept_lines, longest=2, max_frame=max_frame, keep=True)


def _finder(pattern: re.Pattern[bytes]) -> Find:
    def find(buffer: Buffer, position: int) -> tuple[int, int] | None:
        match = pattern.search(buffer, position)
        return None if match is None else match.span()

    return find


def _split_crlf(data: bytes) -> list[bytes]:
    # splitlines is quicker than split. If two bytes are missing for each ending, all endings were CR LF.
    parts = _split_lines(data)
    missing = len(data) - len(b"".join(parts))
    return parts if missing == 2 * (len(parts) - 1) else data.split(b"\r\n")


def _split_lines(data: bytes) -> list[bytes]:
    parts = data.splitlines()
    if not parts or data.endswith((b"\r", b"\n")):
        parts.append(b"")
    return parts


def _split_kept_lines(data: bytes) -> list[bytes]:
    parts = data.splitlines(keepends=True)
    if not parts or data.endswith(b"\n"):
        parts.append(b"")
    return parts


class DelimiterDecoder(Decoder):
    """Cuts at delimiters."""

    __slots__ = ("_careful", "_frame_end")

    def __init__(self, frame_end: FrameEnd) -> None:
        super().__init__()
        self._frame_end = frame_end
        self._careful = False  # the rest of this chunk holds a fault: cut one frame at a time

    def cut_chunk(self, data: bytes) -> list[bytes] | None:
        if len(data) > self._frame_end.limit:
            return None
        frames = self._frame_end.split(data)
        return None if frames.pop() else frames or None

    def cut(self, buffer: Buffer, position: int) -> int:
        if not (self._careful or self.discarding or self._piece_decoders):
            frame_end, limit = self._frame_end, self._frame_end.limit
            if self.searched and frame_end.find(buffer, position + self.searched) is None:
                return self._wait(buffer, position)
            chunk = bytes(buffer) if not position else bytes(memoryview(buffer)[position:])
            parts = frame_end.split(chunk)
            rest = parts.pop()
            if len(chunk) <= limit or max(map(len, parts), default=0) <= limit:
                self._frames += parts
                if rest:
                    return self._wait(buffer, len(buffer) - len(rest))
                self.searched = 0
                return len(buffer)
            self._careful = True
        return self._cut_carefully(buffer, position)

    def _cut_carefully(self, buffer: Buffer, position: int) -> int:
        find, keep, limit = self._frame_end.find, self._frame_end.keep, self._frame_end.limit
        while (span := find(buffer, position + self.searched)) is not None:
            start, end = span
            self.searched = 0
            if self.discarding:
                self.discarding = False
            elif start - position > limit:
                self._too_long(position)
                return end
            elif not self.deliver(buffer[position : end if keep else start], position):
                return end
            position = end
        return self._wait(buffer, position)

    def _wait(self, buffer: Buffer, position: int) -> int:
        """Keep the unfinished frame, or the bytes that may begin a delimiter. None is complete here."""
        self._careful = False
        tail = max(position, len(buffer) - self._frame_end.longest + 1)
        if not self.discarding and tail - position > self._frame_end.limit:
            self.discarding = True
            self._too_long(position)
        if self.discarding:
            self.searched = 0
            return tail
        self.searched = tail - position
        return position

    def _too_long(self, position: int) -> None:
        reason = f"a frame exceeds max_frame={self._frame_end.max_frame} and is discarded up to its end"
        self.fail(FrameTooLong, reason, at=position, recoverable=True)

    def flush(self) -> list[bytes]:
        """Return the pending frame, which silence ends as a delimiter would."""
        if self._piece_decoders:
            return super().flush()
        self._check_alive()
        pending = self.trailing
        discarded, start = self.discarding, self._start + self._position
        self.reset()
        if discarded or not pending:
            return []
        frame_end = self._frame_end
        if len(pending) > frame_end.limit + (frame_end.keep and pending.endswith(b"\r")):
            raise FrameTooLong(
                f"a frame exceeds max_frame={frame_end.max_frame}", offset=start, recoverable=True
            )
        return [pending]

    @property
    def unfinished(self) -> str:
        end = " or ".join(map(repr, self._frame_end.delimiters)) or "line ending"
        if self.discarding:
            return f"sent no {end} behind the frame that was too long"
        return f"sent {self._received_text()}, and then no {end}: does it end its messages as we do?"

    def reset(self) -> None:
        super().reset()
        self._careful = False


class SingleDelimiterDecoder(DelimiterDecoder):
    """Cuts at one delimiter."""

    __slots__ = ("_delimiter", "_last")

    def __init__(self, frame_end: FrameEnd) -> None:
        super().__init__(frame_end)
        (self._delimiter,) = frame_end.delimiters
        self._last = self._delimiter[-1:]

    def cut_chunk(self, data: bytes) -> list[bytes] | None:
        size, at = len(data), data.find(self._last)
        if at == size - 1:
            frame = data.removesuffix(self._delimiter)
            if len(frame) < size <= self._frame_end.limit:
                return [frame]
        elif at < 0 and size <= self._frame_end.limit:
            self.searched = max(0, size - len(self._delimiter) + 1)
            return []
        return None


class LinesDecoder(DelimiterDecoder):
    """Cuts at any line ending, and takes it off."""

    __slots__ = ("_after_return",)

    def __init__(self, frame_end: FrameEnd) -> None:
        super().__init__(frame_end)
        self._after_return = False  # the last byte was \r and ended a line: a \n may follow

    def cut_chunk(self, data: bytes) -> list[bytes] | None:
        if data and data[-1] == _NEWLINE and len(data) <= self._frame_end.limit and not self._after_return:
            return data.splitlines()
        return None

    def cut(self, buffer: Buffer, position: int) -> int:
        if position < len(buffer):
            if self._after_return and buffer[position] == _NEWLINE:
                position += 1
            self._after_return = False
        position = super().cut(buffer, position)
        if position == len(buffer) and buffer.endswith(b"\r"):
            self._after_return = True
        return position


class KeptLinesDecoder(DelimiterDecoder):
    """Cuts after any line ending."""

    __slots__ = ()

    def cut_chunk(self, data: bytes) -> list[bytes] | None:
        if data and data[-1] == _NEWLINE and len(data) <= self._frame_end.limit:
            return data.splitlines(keepends=True)
        return None

    def close(self) -> list[bytes]:
        r"""Return the last line if it ends with ``\r``, because no ``\n`` can follow."""
        if self.trailing.endswith(b"\r") and not self.discarding:
            return self.flush()
        return super().close()
