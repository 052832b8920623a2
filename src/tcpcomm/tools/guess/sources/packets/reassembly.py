"""
One direction of a TCP connection, put together as its receiver does: :class:`Direction`.

A position is the place of a byte in the stream. It does not wrap, as the number in a segment does. A
segment behind a hole waits until the hole is filled. If the other side confirms bytes that never came, the
capture has lost them: the next chunk stands after a gap.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Final

from attrs import define, field

_HALF: Final = 2**31
_WIDEST_WINDOW: Final = 2**30
"""Bytes that TCP has on the way at most. A segment further ahead belongs to another connection."""

_MOST_WAITING: Final = 4 * 1024 * 1024
"""Bytes behind a hole. With more, the capture has lost what fills the hole."""


@define(eq=False)
class Direction:
    """The bytes of one direction, in order."""

    _expected: int | None = None
    """The position of the next byte; None before the first segment."""
    _confirmed: int = -1
    """The position up to which the other side has all bytes."""
    _waiting: list[tuple[int, int, int, bytes]] = field(factory=list)
    _waiting_size: int = 0
    _count: int = 0
    _is_after_gap: bool = False

    def begin(self, number: int) -> None:
        """Begin at the number of a segment with SYN."""
        if self._expected is None:
            self._expected = number + 1

    def take(self, number: int, data: bytes, missing: int = 0) -> Iterator[tuple[bytes, bool]]:
        """
        Take a segment, and yield what can be read now: bytes, and True if others are missing before them.

        Args:
            number: the sequence number of the first byte.
            data: the bytes that were captured.
            missing: the number of bytes behind them that were not.
        """
        if self._expected is None:
            self._expected = number
        start = self._position(number)
        if abs(start - self._expected) <= _WIDEST_WINDOW:
            self._count += 1
            heappush(self._waiting, (start, self._count, start + len(data) + missing, data))
            self._waiting_size += len(data)
            yield from self._ready()

    def confirm(self, number: int) -> None:
        """Take the number up to which the other side has all bytes."""
        if self._expected is None:
            self._expected = number
        position = self._position(number)
        if position - self._expected <= _WIDEST_WINDOW:
            self._confirmed = max(self._confirmed, position)

    def rest(self) -> Iterator[tuple[bytes, bool]]:
        """Yield what waits behind holes, at the end of the capture."""
        while self._waiting:
            self._skip_hole()
            yield from self._ready()

    def _position(self, number: int) -> int:
        """Return the position with this number that is the next to the expected one."""
        assert self._expected is not None
        return self._expected + (number - self._expected + _HALF) % (2 * _HALF) - _HALF

    def _skip_hole(self) -> None:
        self._expected = self._waiting[0][0]
        self._is_after_gap = True

    def _ready(self) -> Iterator[tuple[bytes, bool]]:
        assert self._expected is not None
        while self._waiting:
            start = self._waiting[0][0]
            if start > self._expected:
                if self._confirmed < start and self._waiting_size <= _MOST_WAITING:
                    return
                self._skip_hole()
            _, _, end, data = heappop(self._waiting)
            self._waiting_size -= len(data)
            if end <= self._expected:  # sent again, or a keep-alive
                continue
            fresh = data[self._expected - start :]
            if fresh:
                yield fresh, self._is_after_gap
                self._is_after_gap = False
            if start + len(data) < end:
                self._is_after_gap = True
            self._expected = end
