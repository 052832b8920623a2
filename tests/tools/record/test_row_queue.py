"""Rows that wait are limited, and what is dropped is counted."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.tools.record import row_queue
from tcpcomm.tools.record.packs import rows_of
from tcpcomm.tools.record.row_queue import (
    BUFFER,
    BUFFERS_AT_ONCE,
    MOST_ROW_BYTES,
    MOST_ROWS,
    RESERVE,
    ROW_COST,
    Entry,
    Gap,
    RowQueue,
    What,
)

SESSION = 1 << 3


def queue(last: int = 0, **limits: Any) -> RowQueue:
    return RowQueue(last, lambda: None, **limits)


def take(found: RowQueue) -> tuple[list[int], list[Entry]]:
    """Take rows as a writer does. Return the times of the chunks, and the other rows."""
    taken = found.take()
    if taken is None:
        return [], []
    assert all(taken.packs)
    rows = rows_of(b"".join(taken.packs))
    last = max(taken.last, rows[-1][0] if rows else 0)
    entries = found.take_entries(last)
    found.written(last, taken.size + ROW_COST * len(entries))
    return [row[1] for row in rows], entries


def put(found: RowQueue, *times: int, size: int = 1) -> None:
    for at in times:
        found.put_bytes(at, SESSION, b"x" * size)


def test_rows_come_out_in_order_with_their_numbers() -> None:
    found = queue(last=7)
    put(found, 100, 101)
    found.put(What.CLOSED, 102, 1, False, "why")
    put(found, 103)
    assert ([100, 101, 103], [(10, What.CLOSED, 102, 1, False, "why")]) == take(found)
    assert ([], []) == take(found)
    assert 11 == found.number


def test_a_row_that_comes_while_rows_are_taken_waits_for_the_next_time() -> None:
    found = queue()
    put(found, 1)
    taken = found.take()
    assert taken is not None
    found.put(What.CLOSED, 2, 1, False, "")
    assert [] == found.take_entries(1)
    found.written(1, taken.size)
    assert [2] == [each[2] for each in take(found)[1]]


class Steps(deque[bytearray]):
    """Full buffers. The thread that puts acts when the other one takes the first."""

    def __init__(self, found: RowQueue) -> None:
        super().__init__(found._full)
        self.act: Callable[[], None] = lambda: None
        found._full = self

    def popleft(self) -> bytearray:
        first = super().popleft()
        self.act()
        self.act = lambda: None
        return first


def test_buffers_that_become_full_while_others_are_taken_come_once_and_in_order() -> None:
    found = queue()
    put(found, 1, size=BUFFER)
    put(found, 2)  # in the open buffer, which becomes full, as does the one behind it
    Steps(found).act = lambda: put(found, 3, 4, size=BUFFER)
    assert [1, 2, 3, 4] == take(found)[0]
    put(found, 5)
    assert [5] == take(found)[0]


def test_a_buffer_that_becomes_full_while_its_bytes_are_copied_is_not_taken_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = queue()
    put(found, 1)

    def copied(buffer: bytearray) -> bytes:
        monkeypatch.undo()
        put(found, 2, size=BUFFER)
        return bytes(buffer)

    monkeypatch.setattr(row_queue, "bytes", copied, raising=False)
    assert [1, 2] == take(found)[0]
    put(found, 3)
    assert [3] == take(found)[0]


def test_by_default_200_000_rows_may_wait() -> None:
    found = queue()
    put(found, *range(MOST_ROWS + 3))
    assert (MOST_ROWS, 3) == (len(found), found.dropped)


def test_by_default_64_mib_may_wait() -> None:
    found = queue()
    put(found, *range(70), size=1024 * 1024)
    assert MOST_ROW_BYTES // (1024 * 1024 + ROW_COST) + 1 == len(found)


def test_a_gap_stands_behind_the_rows_before_it_when_half_of_them_are_written() -> None:
    found = queue(most_rows=10, most_bytes=10**9)
    put(found, *range(20))
    assert ([*range(10)], []) == take(found)
    put(found, 99)
    times, (gap,) = take(found)
    assert [99] == times
    assert (11, What.GAP, 10, None, False, Gap(19, 10, 10, "the disk is too slow")) == gap


def test_rows_are_dropped_until_half_of_those_before_are_written() -> None:
    found = queue(most_rows=10)
    put(found, *range(12))
    found.written(4, 4 * (1 + ROW_COST))
    put(found, 20)
    found.written(6, 2 * (1 + ROW_COST))
    put(found, 21)
    times, (gap,) = take(found)
    assert ([*range(10), 21], 3) == (times, gap[5].count)


def test_rows_about_sessions_have_a_reserve() -> None:
    found = queue(most_rows=100)
    put(found, *range(200))
    for at in range(200):
        found.put(What.CLOSED, at, 1, False, "")
    assert RESERVE * 100 == len(found)


def test_a_buffer_is_taken_at_once_and_the_next_begins() -> None:
    found = queue()
    for at in range(BUFFERS_AT_ONCE + 1):
        put(found, at, size=BUFFER)
    put(found, 77, 78)
    assert [[*range(BUFFERS_AT_ONCE)], [BUFFERS_AT_ONCE, 77, 78]] == [take(found)[0], take(found)[0]]


def test_a_queue_that_is_shut_keeps_nothing() -> None:
    found = queue()
    put(found, 1)
    found.shut()
    put(found, 2)
    for what in What:
        found.put(what, 3, 1, False, "")
    assert (0, None) == (len(found), found.take())
    assert 2 + len(What) == found.dropped


def test_only_an_idle_reader_is_woken() -> None:
    woken: list[int] = []
    found = RowQueue(0, lambda: woken.append(len(found)))
    put(found, 1, 2)
    found.idle = True
    found.put(What.CLOSED, 3, 1, False, "")
    assert [1, 3] == woken


@given(st.lists(st.sampled_from(["take", "put", "close", "message"]), max_size=200))
def test_every_row_is_taken_or_counted(steps: list[str]) -> None:
    found = queue(most_rows=8)
    put_count = taken = counted = 0

    def count(rows: tuple[list[int], list[Entry]]) -> None:
        nonlocal taken, counted
        gaps = [each[5] for each in rows[1] if each[1] == What.GAP]
        taken += len(rows[0]) + len(rows[1]) - len(gaps)
        counted += sum(each.count for each in gaps)

    for at, step in enumerate(steps):
        if step == "take":
            count(take(found))
            continue
        put_count += 1
        if step == "put":
            put(found, at)
        else:
            found.put(What.CLOSED if step == "close" else What.MESSAGE, at, 1, False, "")
    found.end_gap()
    count(take(found))
    assert put_count == taken + counted
    assert (found.dropped, 0) == (counted, len(found))
