"""The queue between the reactor and the thread that writes a recording: :class:`RowQueue`."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any, Final, TypeAlias

from attrs import define

MOST_ROWS: Final = 200_000
"""Rows that may wait to be written. Beyond it new rows are dropped, until half of them are written."""

MOST_ROW_BYTES: Final = 64 * 1024 * 1024
"""Bytes of the rows that may wait to be written."""

RESERVE: Final = 1.25
"""Rows that tell of sessions and links may wait up to so many times these limits."""

MOST_BYTES_AT_ONCE: Final = 4 * 1024 * 1024
"""Bytes of the rows of one transaction, about."""

TOO_SLOW: Final = "the disk is too slow"
"""The reason for a gap if nothing else is wrong with the disk."""

ROW_COST: Final = 100
"""Bytes that a row takes besides its data, in memory and in the file, about."""


class What(IntEnum):
    """The kinds of entries in the queue."""

    CHUNK = 0
    FRAME = 1
    MESSAGE = 2
    FAULT = 3
    ALTERATION = 4
    OPENED = 5
    READY = 6
    CLOSED = 7
    STATE = 8
    GAP = 9


Entry: TypeAlias = tuple[What, int, Any, bool, Any]
"""The kind, the time in microseconds, the session or None, the direction, and what happened."""


@define
class Gap:
    """Rows that were dropped, one after another."""

    until: int
    count: int
    size: int
    reason: str


class RowQueue:
    """
    Keeps rows until a thread has written them. One thread puts rows, and another takes them.

    The list is never replaced: appending, copying a slice and deleting a slice are one step each for other
    threads, so no lock is needed.

    Args:
        most_rows, most_bytes: the limits of rows that wait.
        wake: called when a row comes and :attr:`idle` is True.
    """

    __slots__ = (
        "_entries", "_gap", "_gap_began", "_most_bytes", "_most_rows", "_put_bytes", "_taken_bytes",
        "_wake", "dropped", "idle", "reason",
    )  # fmt: skip

    def __init__(
        self,
        wake: Callable[[], object],
        *,
        most_rows: int = MOST_ROWS,
        most_bytes: int = MOST_ROW_BYTES,
    ) -> None:
        self._wake = wake
        self._most_rows = most_rows
        self._most_bytes = most_bytes
        self._entries: list[Entry] = []
        self._put_bytes = self._taken_bytes = 0  # each is changed by one thread only
        self._gap: Gap | None = None
        self._gap_began = 0
        self.idle = True
        """True while the thread that takes rows sleeps, so that it must be woken."""
        self.dropped = 0
        """Rows that were dropped so far."""
        self.reason = TOO_SLOW
        """The reason for which rows have to wait, for gaps."""

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, entry: Entry, size: int) -> None:
        """Add a row with so many bytes of data, or drop it if too many wait."""
        entries = self._entries
        waiting = self._put_bytes - self._taken_bytes
        if self._gap is not None:
            if not self._is_over(waiting, 0.5):
                self.end_gap()
            elif entry[0] < What.OPENED or self._is_over(waiting, RESERVE):
                self._drop(entry, size)
                return
        elif (waiting > self._most_bytes or len(entries) >= self._most_rows) and (
            entry[0] < What.OPENED or self._is_over(waiting, RESERVE)
        ):
            self._drop(entry, size)
            return
        self._put_bytes += size + ROW_COST
        entries.append(entry)
        if self.idle:
            self.idle = False
            self._wake()

    def _is_over(self, waiting: int, share: float) -> bool:
        return waiting > self._most_bytes * share or len(self._entries) >= self._most_rows * share

    def _drop(self, entry: Entry, size: int) -> None:
        if self._gap is None:
            self._gap, self._gap_began = Gap(entry[1], 0, 0, self.reason), entry[1]
        gap = self._gap
        if self.reason != TOO_SLOW:
            gap.reason = self.reason  # it was not known when the gap began
        gap.until = entry[1]
        gap.count += 1
        gap.size += size
        self.dropped += 1

    def end_gap(self) -> None:
        """Put a row about the rows that were dropped, if there are any."""
        gap, self._gap = self._gap, None
        if gap is not None:
            self._put_bytes += ROW_COST
            self._entries.append((What.GAP, self._gap_began, None, False, gap))

    def take(self, count: int) -> list[Entry]:
        """
        Take up to so many rows, the oldest first, of :data:`MOST_BYTES_AT_ONCE` bytes, about.

        Their bytes count as waiting until :meth:`done`.
        """
        waiting, bytes_waiting = len(self._entries), self._put_bytes - self._taken_bytes
        if bytes_waiting > MOST_BYTES_AT_ONCE:
            count = min(count, waiting * MOST_BYTES_AT_ONCE // bytes_waiting + 1)
        taken = self._entries[:count]
        del self._entries[: len(taken)]
        return taken

    def shut(self) -> None:
        """Drop all rows that wait, and every row that comes."""
        self._most_rows = self._most_bytes = -1
        del self._entries[:]

    def done(self, size: int) -> None:
        """Count bytes of rows that were written, and :data:`ROW_COST` for each, as no longer waiting."""
        self._taken_bytes += size
