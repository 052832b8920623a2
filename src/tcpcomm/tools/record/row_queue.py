"""The queue between the reactor and the thread that writes a recording: :class:`RowQueue`."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from enum import IntEnum
from typing import Any, Final, TypeAlias

from attrs import define, field

from tcpcomm.tools.record.packs import TAIL

MOST_ROWS: Final = 200_000
"""
Values that wait to be written, because the disk is full or slow. New ones are dropped until half of them
are written, and a gap has their number.
"""

MOST_ROW_BYTES: Final = 64 * 1024 * 1024
"""Bytes of values that wait to be written. New ones are dropped until half of them are written."""

RESERVE: Final = 1.25
"""Times these two limits for values about sessions and links. Then these are dropped, too."""

BUFFER: Final = 16 * 1024
"""Bytes of chunks and frames in one buffer, about. It becomes one row of the database."""

BUFFERS_AT_ONCE: Final = 128
"""Buffers of one transaction."""

ROW_COST: Final = TAIL.size
"""Bytes that a row takes besides its data, in memory and in the file. Other rows take a little more."""

_tail: Final = TAIL.pack

TOO_SLOW: Final = "the disk is too slow"
"""The reason for a gap if nothing else is wrong with the disk."""


class What(IntEnum):
    """The kinds of rows that are neither chunks nor frames."""

    MESSAGE = 0
    FAULT = 1
    ALTERATION = 2
    OPENED = 3
    READY = 4
    CLOSED = 5
    STATE = 6
    GAP = 7


Entry: TypeAlias = tuple[int, What, int, int | None, bool, Any]
"""The number, the kind, the time in microseconds, the session or None, the direction, what happened."""


@define
class Gap:
    """Rows that were dropped, one after another."""

    until: int
    count: int
    size: int
    reason: str


@define
class Taken:
    """
    Chunks and frames that were taken from the queue.

    Attributes:
        packs: buffers of them, in the form of :mod:`tcpcomm.tools.record.packs`; none is empty.
        last: the number up to which no row is missing, if it is higher than that of the last record.
        size: the bytes that they take in the queue.
    """

    packs: list[bytes | bytearray]
    last: int
    size: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.size = sum(map(len, self.packs))


class RowQueue:
    """
    Numbers rows, and keeps them until a thread has written them. One thread puts, and another takes.

    Chunks and frames wait in a buffer of bytes, and all other rows in a list. A number counts only once its
    row waits there. Appending, copying a slice and deleting a slice are one step each for other threads, so
    no lock is needed. Only the thread that puts begins another buffer, between any two steps of the thread
    that takes.

    Args:
        last: the number before the first row.
        wake: called when a row comes and :attr:`idle` is True.
        most_rows, most_bytes: the limits of rows that wait.
    """

    __slots__ = (
        "_buffer", "_bytes_put", "_bytes_written", "_entries", "_full", "_gap", "_gap_began",
        "_most_bytes", "_most_rows", "_wake", "_written", "dropped", "idle", "number", "reason",
    )  # fmt: skip

    def __init__(
        self,
        last: int,
        wake: Callable[[], object],
        *,
        most_rows: int = MOST_ROWS,
        most_bytes: int = MOST_ROW_BYTES,
    ) -> None:
        self._wake = wake
        self._most_rows = most_rows
        self._most_bytes = most_bytes
        self._buffer = bytearray()
        self._full: deque[bytearray] = deque()
        self._entries: list[Entry] = []
        self._bytes_put = self._bytes_written = 0  # each is changed by one thread only
        self._gap: Gap | None = None
        self._gap_began = 0
        self.number = self._written = last
        """The number of the newest row."""
        self.idle = True
        """True while the thread that takes rows sleeps, so that it must be woken."""
        self.dropped = 0
        """Rows that were dropped so far."""
        self.reason = TOO_SLOW
        """The reason for which rows have to wait, for gaps."""

    def __len__(self) -> int:
        return self.number - self._written

    def put_bytes(self, at: int, owner: int, data: bytes) -> None:
        """
        Add a chunk or a frame, or drop it if too many rows wait.

        Args:
            at: the time in microseconds.
            owner: the number of the session, and flags in its lowest bits.
            data: the bytes.
        """
        size = len(data)
        if self._gap is not None or (
            self.number - self._written >= self._most_rows
            or self._bytes_put - self._bytes_written > self._most_bytes
        ):
            if self._is_over(1.0 if self._gap is None else 0.5):
                self._drop(at, size)
                return
            self.end_gap()
        number = self.number + 1
        buffer = self._buffer
        buffer += data + _tail(owner, size, number, at)  # one step, so that a copy has whole records
        self._bytes_put += size + ROW_COST
        self.number = number
        if len(buffer) > BUFFER:
            self._full.append(buffer)
            self._buffer = bytearray()
        if self.idle:
            self.idle = False
            self._wake()

    def put(self, what: What, at: int, session: int | None, sent: bool, details: Any) -> None:
        """Add another row, or drop it if too many rows wait. Rows about sessions have a reserve."""
        if what >= What.OPENED:
            share = RESERVE
        else:
            share = 1.0 if self._gap is None else 0.5
        if self._is_over(share):
            self._drop(at, 0)
            return
        if what < What.OPENED:
            self.end_gap()
        self._append((self.number + 1, what, at, session, sent, details))

    def _append(self, entry: Entry) -> None:
        self._entries.append(entry)
        self._bytes_put += ROW_COST
        self.number = entry[0]
        if self.idle:
            self.idle = False
            self._wake()

    def _is_over(self, share: float) -> bool:
        waiting = self._bytes_put - self._bytes_written
        return len(self) >= self._most_rows * share or waiting > self._most_bytes * share

    def _drop(self, at: int, size: int) -> None:
        if self._gap is None:
            self._gap, self._gap_began = Gap(at, 0, 0, self.reason), at
        gap = self._gap
        if self.reason != TOO_SLOW:
            gap.reason = self.reason  # it was not known when the gap began
        gap.until = at
        gap.count += 1
        gap.size += size
        self.dropped += 1

    def end_gap(self) -> None:
        """Put a row about the rows that were dropped, if there are any."""
        gap, self._gap = self._gap, None
        if gap is not None:
            self._append((self.number + 1, What.GAP, self._gap_began, None, False, gap))

    def take(self) -> Taken | None:
        """Take the oldest chunks and frames, or return None if nothing waits. All count until written."""
        last = self.number
        buffer = self._buffer  # it may become full behind this line
        packs: list[bytes | bytearray] = []
        while self._full:
            if len(packs) >= BUFFERS_AT_ONCE:
                return Taken(packs, 0)
            pack = self._full.popleft()
            if pack:  # it became full in an earlier call, just before its bytes were deleted below
                packs.append(pack)
        if not any(each is buffer for each in packs):
            newest = bytes(buffer)
            del buffer[: len(newest)]  # it may be among the full ones by now, for the next call
            if newest:
                packs.append(newest)
        return Taken(packs, last) if packs or last > self._written else None

    def take_entries(self, last: int) -> list[Entry]:
        """Take the other rows up to a number."""
        end = bisect_right(self._entries, last, key=_number)
        entries = self._entries[:end]
        del self._entries[:end]
        return entries

    def written(self, last: int, size: int) -> None:
        """Note that all rows up to a number are written. They took so many bytes here."""
        self._bytes_written += size
        self._written = last

    def shut(self) -> None:
        """Drop all rows that wait, and every row that comes. They count as dropped."""
        self.dropped += len(self)
        self._most_rows = self._most_bytes = -1
        self._written = self.number
        self._full.clear()
        self._buffer = bytearray()
        del self._entries[:]


def _number(entry: Entry) -> int:
    return entry[0]
