"""Rows that wait are limited, and what is dropped is counted."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.tools.record.row_queue import (
    MOST_BYTES_AT_ONCE,
    MOST_ROW_BYTES,
    MOST_ROWS,
    RESERVE,
    ROW_COST,
    Entry,
    Gap,
    RowQueue,
    What,
)


def entry(at: int = 0, what: What = What.CHUNK) -> Entry:
    return (what, at, None, False, b"")


def queue(**limits: Any) -> RowQueue:
    return RowQueue(lambda: None, **limits)


def filled(most_rows: int = 10, **limits: Any) -> RowQueue:
    """Return a queue that has dropped the rows at the times from its limit to twice its limit."""
    found = queue(most_rows=most_rows, **limits)
    for at in range(2 * most_rows):
        found.put(entry(at), 1)
    return found


def test_rows_come_out_in_order() -> None:
    found = queue()
    for at in range(5):
        found.put(entry(at), 1)
    assert [0, 1, 2] == [each[1] for each in found.take(3)]
    assert [3, 4] == [each[1] for each in found.take(3)]


def test_by_default_200_000_rows_may_wait() -> None:
    found = queue()
    for at in range(MOST_ROWS + 3):
        found.put(entry(at), 0)
    assert (MOST_ROWS, 3) == (len(found), found.dropped)


def test_by_default_64_mib_may_wait() -> None:
    found = queue()
    for _ in range(70):
        found.put(entry(), 1024 * 1024)
    assert MOST_ROW_BYTES // (1024 * 1024 + ROW_COST) + 1 == len(found)


def test_a_gap_stands_behind_the_rows_before_it_when_half_of_them_are_written() -> None:
    found = filled()
    found.done(5 * (1 + ROW_COST))
    assert [0, 1, 2, 3, 4] == [each[1] for each in found.take(5)]
    found.put(entry(98), 1)  # five still wait, which is half
    found.take(1)
    found.put(entry(99), 1)
    *rows, gap, last = found.take(100)
    assert [6, 7, 8, 9] == [each[1] for each in rows]
    assert (What.GAP, 10, None, False, Gap(98, 11, 11, "the disk is too slow")) == gap
    assert 99 == last[1]


def test_rows_about_sessions_have_a_reserve() -> None:
    found = filled(100)
    for at in range(200):
        found.put(entry(at, What.CLOSED), 0)
    assert RESERVE * 100 == len(found)


def test_what_is_taken_at_once_is_limited_in_bytes() -> None:
    found = queue()
    for at in range(32):
        found.put(entry(at), 1024 * 1024)
    assert MOST_BYTES_AT_ONCE // (1024 * 1024) == len(found.take(1000))


def test_a_queue_that_is_shut_keeps_nothing() -> None:
    found = queue()
    found.put(entry(), 1)
    found.shut()
    for what in What:
        found.put(entry(what=what), 1)
    assert 0 == len(found)


def test_only_an_idle_reader_is_woken() -> None:
    woken: list[int] = []
    found = RowQueue(lambda: woken.append(len(found)))
    found.put(entry(), 1)
    found.put(entry(), 1)
    found.idle = True
    found.put(entry(), 1)
    assert [1, 3] == woken


@given(st.lists(st.one_of(st.integers(1, 30), st.just("put"), st.just("close")), max_size=200))
def test_every_row_is_taken_or_counted(steps: list[Any]) -> None:
    found = queue(most_rows=8)
    put, taken = 0, []
    for step in steps:
        if isinstance(step, int):
            rows = found.take(step)
            found.done(sum(ROW_COST if each[0] == What.GAP else 1 + ROW_COST for each in rows))
            taken += rows
        else:
            put += 1
            found.put(entry(put, What.CLOSED if step == "close" else What.CHUNK), 1)
    found.end_gap()
    taken += found.take(1000)
    gaps = [each for each in taken if each[0] == What.GAP]
    assert put == len(taken) - len(gaps) + sum(each[4].count for each in gaps)
    assert [each[1] for each in taken] == sorted(each[1] for each in taken)
    assert found.dropped == sum(each[4].count for each in gaps)
