"""
Decoders that cut at delimiters, for :mod:`tcpcomm.framing.delimited` and :mod:`tcpcomm.framing.stuffed`.

The search goes on where it stopped, so the cost is linear in whatever chunks a frame arrives, and a
delimiter in two chunks is found. A frame beyond ``max_frame`` is reported once and discarded up to its
delimiter. The connection stays open.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from functools import lru_cache
from itertools import pairwise
from typing import ClassVar, Final

from attrs import define, field

from tcpcomm.errors import FrameTooLong
from tcpcomm.framing.base import Buffer, Decoder

_NEWLINE: Final = ord("\n")
_LONG: Final = 192  # bytes: shorter frames are split together more quickly than found one by one


_KEEP_ASCII: Final = frozenset(["ascii", "utf-8", "latin-1"])
"""Encodings in which a byte of ASCII is always that character, and never a part of another one."""

_KEEP_CONTROLS: Final = frozenset([*_KEEP_ASCII, "cp949", "cp932", "gbk", "cp950"])
"""Encodings in which this holds for the bytes below that of ``0``."""

_LINE_ENDING: Final = re.compile(rb"\r\n?|\n")
_DECIDED_LINE_ENDING: Final = re.compile(rb"\r\n|\n|\r(?=.)", re.DOTALL)


@define(eq=False, repr=False, weakref_slot=False)
class DelimiterDecoder(Decoder):
    """Cuts at delimiters, which a subclass finds."""

    _max_frame: int
    _delimiters: tuple[bytes, ...] = ()

    _limit: int = field(kw_only=True)
    """The bytes of the longest frame on the wire, without its delimiter."""

    _careful: bool = field(default=False, init=False)
    """True if the rest of this chunk holds a fault: cut one frame at a time."""

    keeps_delimiter: ClassVar[bool] = False

    @_limit.default
    def _default_limit(self) -> int:
        return self._max_frame

    @property
    def longest(self) -> int:
        """The bytes of the longest delimiter."""
        return max(map(len, self._delimiters))

    @property
    def end(self) -> str:
        """The delimiters, for logs."""
        return " or ".join(map(repr, self._delimiters))

    @abstractmethod
    def find(self, buffer: Buffer, position: int) -> tuple[int, int] | None:
        """Return the span of the first delimiter from a position on, or None."""

    @abstractmethod
    def split(self, data: bytes) -> list[bytes]:
        """Return all frames of some bytes and, last, the rest, which may be empty. It is quicker."""

    def cut_chunk(self, data: bytes) -> list[bytes] | None:
        if len(data) > self._limit:
            return None
        frames = self.split(data)
        return None if frames.pop() else frames or None

    def cut(self, buffer: Buffer, position: int) -> int:
        if not (self._careful or self.discarding or self._piece_decoders):
            if self.searched and self.find(buffer, position + self.searched) is None:
                return self._wait(buffer, position)
            chunk = bytes(buffer) if not position else bytes(memoryview(buffer)[position:])
            parts = self.split(chunk)
            rest = parts.pop()
            if len(chunk) <= self._limit or max(map(len, parts), default=0) <= self._limit:
                self._frames += parts
                if rest:
                    return self._wait(buffer, len(buffer) - len(rest))
                self.searched = 0
                return len(buffer)
            self._careful = True
        return self._cut_carefully(buffer, position)

    def _cut_carefully(self, buffer: Buffer, position: int) -> int:
        find, keep, limit = self.find, self.keeps_delimiter, self._limit
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
        tail = max(position, len(buffer) - self.longest + 1)
        if not self.discarding and tail - position > self._limit:
            self.discarding = True
            self._too_long(position)
        if self.discarding:
            self.searched = 0
            return tail
        self.searched = tail - position
        return position

    def _too_long(self, position: int) -> None:
        reason = f"a frame exceeds max_frame={self._max_frame} and is discarded up to its end"
        self.fail(FrameTooLong, reason, at=position, recoverable=True)

    def flush(self) -> list[bytes]:
        """Return the pending frame, which silence ends as a delimiter would."""
        if self._piece_decoders:
            return super().flush()
        self._check_alive()
        pending = self.trailing
        discarded, start = self.discarding, self.offset + self._position
        self.reset()
        if discarded or not pending:
            return []
        if len(pending) > self._limit + (self.keeps_delimiter and pending.endswith(b"\r")):
            reason = f"a frame exceeds max_frame={self._max_frame}"
            raise FrameTooLong(reason, offset=start, recoverable=True)
        return [pending]

    @property
    def unfinished(self) -> str:
        if self.discarding:
            return f"sent no {self.end} behind the frame that was too long"
        return f"sent {self._received_text()}, and then no {self.end}: does it end its messages as we do?"

    def reset(self) -> None:
        super().reset()
        self._careful = False


class SingleDelimiterDecoder(DelimiterDecoder):
    """Cuts at one delimiter."""

    __slots__ = ("_delimiter", "_last")

    def __init__(self, max_frame: int, delimiters: tuple[bytes, ...], **limit: int) -> None:
        super().__init__(max_frame, delimiters, **limit)
        (self._delimiter,) = delimiters
        self._last = self._delimiter[-1:]
        """The last byte of the delimiter, because CPython finds one byte far more quickly than two."""

    def cut_chunk(self, data: bytes) -> list[bytes] | None:
        size, at = len(data), data.find(self._last)
        if at == size - 1:
            frame = data.removesuffix(self._delimiter)
            if len(frame) < size <= self._limit:
                return [frame]
        elif at < 0 and size <= self._limit:
            self.searched = max(0, size - len(self._delimiter) + 1)
            return []
        return None

    def cut_text(self, data: bytes, charset: str) -> list[str] | None:
        delimiter = _in_text(self._delimiter, charset)
        if not delimiter:
            return super().cut_text(data, charset)
        if len(data) > self._limit:
            return None
        frames = data.decode(charset).split(delimiter)
        return None if frames.pop() else frames

    def find(self, buffer: Buffer, position: int) -> tuple[int, int] | None:
        start = buffer.find(self._delimiter, position)
        return None if start < 0 else (start, start + len(self._delimiter))

    def split(self, data: bytes) -> list[bytes]:
        delimiter, last = self._delimiter, self._last
        parts: list[bytes] = []
        start = 0
        while (at := data.find(last, start)) >= 0:
            end = at + 1 - len(delimiter)
            if at - start < _LONG or end < start or data[end : at + 1] != delimiter:
                rest = data[start:]
                return parts + (_split_crlf(rest) if delimiter == b"\r\n" else rest.split(delimiter))
            parts.append(data[start:end])
            start = at + 1
        parts.append(data[start:])
        return parts


class PatternDecoder(DelimiterDecoder):
    """Cuts at several delimiters, which the pattern finds."""

    __slots__ = ("_pattern",)

    def __init__(
        self, max_frame: int, delimiters: tuple[bytes, ...] = (), *, pattern: re.Pattern[bytes]
    ) -> None:
        super().__init__(max_frame, delimiters)
        self._pattern = pattern

    def find(self, buffer: Buffer, position: int) -> tuple[int, int] | None:
        match = self._pattern.search(buffer, position)
        return None if match is None else match.span()

    def split(self, data: bytes) -> list[bytes]:
        return self._pattern.split(data)


class KeptDelimiterDecoder(PatternDecoder):
    """Cuts behind several delimiters, which stay in the frames."""

    __slots__ = ()

    keeps_delimiter = True

    def split(self, data: bytes) -> list[bytes]:
        ends = [match.end() for match in self._pattern.finditer(data)]
        return [data[start:end] for start, end in pairwise([0, *ends, len(data)])]


class LinesDecoder(PatternDecoder):
    """Cuts at any line ending, and takes it off."""

    __slots__ = ("_after_return",)

    longest = 1
    end = "line ending"

    def __init__(self, max_frame: int) -> None:
        super().__init__(max_frame, pattern=_LINE_ENDING)
        self._after_return = False
        """True if the last byte was a carriage return that ended a line: a newline may follow."""

    def cut_chunk(self, data: bytes) -> list[bytes] | None:
        if data and data[-1] == _NEWLINE and len(data) <= self._limit and not self._after_return:
            return data.splitlines()
        return None

    def cut_text(self, data: bytes, charset: str) -> list[str] | None:
        is_whole = data[-1:] == b"\n" and len(data) <= self._limit and not self._after_return
        if not is_whole or data.count(b"\r") != data.count(b"\r\n") or not _in_text(b"\r\n", charset):
            return super().cut_text(data, charset)
        return data.decode(charset).replace("\r\n", "\n").split("\n")[:-1]

    def cut(self, buffer: Buffer, position: int) -> int:
        if position < len(buffer):
            if self._after_return and buffer[position] == _NEWLINE:
                position += 1
            self._after_return = False
        position = super().cut(buffer, position)
        if position == len(buffer) and buffer.endswith(b"\r"):
            self._after_return = True
        return position

    def split(self, data: bytes) -> list[bytes]:
        return _split_lines(data)


class KeptLinesDecoder(PatternDecoder):
    """Cuts after any line ending. A carriage return counts when the next byte has arrived."""

    __slots__ = ()

    longest = 2
    end = "line ending"
    keeps_delimiter = True

    def __init__(self, max_frame: int) -> None:
        super().__init__(max_frame, pattern=_DECIDED_LINE_ENDING)

    def cut_chunk(self, data: bytes) -> list[bytes] | None:
        if data and data[-1] == _NEWLINE and len(data) <= self._limit:
            return data.splitlines(keepends=True)
        return None

    def split(self, data: bytes) -> list[bytes]:
        parts = data.splitlines(keepends=True)
        if not parts or data.endswith(b"\n"):
            parts.append(b"")
        return parts

    def close(self) -> list[bytes]:
        r"""Return the last line if it ends with ``\r``, because no ``\n`` can follow."""
        self._check_alive()
        line, at = bytes(memoryview(self._buffer)[self._position :]), self._position
        if not line.endswith(b"\r") or self.discarding:
            return super().close()
        if not self._piece_decoders:
            return self.flush()
        frames = self._frames = []
        self.deliver(line, at)
        self.offset += len(self._buffer)
        self._buffer, self._position, self.searched = b"", 0, 0
        if self._fault is not None:
            self._raise_fault(frames)
        return frames or super().close()


@lru_cache(maxsize=256)
def _in_text(delimiter: bytes, charset: str) -> str:
    """Return a delimiter as text, or nothing unless it is found there as in the bytes of the text."""
    keep = _KEEP_CONTROLS if max(delimiter) < ord("0") else _KEEP_ASCII
    return delimiter.decode("ascii") if delimiter.isascii() and charset in keep else ""


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
