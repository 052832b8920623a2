"""Packs of chunks and frames come apart as they were put together, also by SQL alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm import Recorder, Recording
from tcpcomm.tools.record.packs import TAIL, DamagedPack, began_at, last_of, rows_of
from tcpcomm.tools.record.schema import FRAME, MASKED, OWNER_FLAGS, SENT
from tests.tools.record.sessions import Session

Record: TypeAlias = tuple[int, int, int, int, bytes]
"""The number, the time, the session, the flags and the data."""


def packed(records: list[Record]) -> bytes:
    """Return a pack, as the queue makes it."""
    parts = [
        data + TAIL.pack(session << OWNER_FLAGS | flags, len(data), number, at)
        for number, at, session, flags, data in records
    ]
    return b"".join(parts)


@st.composite
def several_records(draw: st.DrawFn) -> list[Record]:
    numbers = sorted(draw(st.sets(st.integers(0, 2**63 - 1), min_size=1, max_size=20)))
    return [
        (
            number,
            draw(st.integers(0, 2**63 - 1)),
            draw(st.integers(0, 2**29 - 1)),
            draw(st.integers(0, SENT | MASKED | FRAME)),
            draw(st.binary(max_size=60)),
        )
        for number in numbers
    ]


@given(several_records())
def test_a_pack_comes_apart_as_it_was_put_together(records: list[Record]) -> None:
    pack = packed(records)
    rows = [
        (number, at, session, flags & SENT, data, (flags & MASKED) // MASKED)
        for number, at, session, flags, data in records
    ]
    frames = [row for row, record in zip(rows, records, strict=True) if record[3] & FRAME]
    assert (rows, frames) == (rows_of(pack), rows_of(pack, FRAME))
    assert [each for each in rows if each not in frames] == rows_of(pack, 0)
    assert (records[-1][0], records[-1][1], records[0][1]) == (*last_of(pack), began_at(pack))


@given(several_records(), st.data())
def test_a_pack_that_lost_its_beginning_gives_the_records_behind_it(
    records: list[Record], data: st.DataObject
) -> None:
    pack = packed(records)
    lost = data.draw(st.integers(1, len(pack)))
    rest = [each for at, each in enumerate(records) if len(packed(records[:at])) >= lost]
    if packed(rest) == pack[lost:]:
        assert len(rest) == len(rows_of(pack[lost:]))
        return
    with pytest.raises(DamagedPack) as damage:
        rows_of(pack[lost:])
    assert [each[0] for each in rest] == [each[0] for each in damage.value.rows]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_pack_or_damaged(data: bytes) -> None:
    try:
        rows = rows_of(data)
    except DamagedPack as damage:
        rows = damage.rows
    assert sorted(each[0] for each in rows) == [each[0] for each in rows]


def test_numbers_that_go_back_are_damage() -> None:
    good: Record = (7, 1, 1, 0, b"good")
    with pytest.raises(DamagedPack) as damage:
        rows_of(packed([(7, 1, 1, 0, b"bad"), good]))
    assert [b"good"] == [each[4] for each in damage.value.rows]


def test_a_sqlite_shell_sees_one_row_for_each_chunk_and_frame(tmp_path: Path) -> None:
    path = tmp_path / "line.tcpcomm"
    first, second = Session(), Session()
    with Recorder(path) as recorder:
        for at in range(900):
            recorder.received(first, b"%d" % at * (at % 40))
            recorder.frame_received(second, b"TRG,%d" % at)
            recorder.sent(second, bytes(range(at % 256)))
            recorder.frame_sent(first, b"")
    with Recording(path) as recording:
        chunks = [(x.number, x.at, x.session, x.sent, x.data, x.masked) for x in recording.chunks()]
        frames = [(x.number, x.at, x.session, x.sent, x.frame, x.masked) for x in recording.frames()]
        assert {1: 900, 2: 900} == recording.count_by_session()
    with closing(sqlite3.connect(path)) as connection:
        assert chunks == connection.execute("SELECT * FROM chunks").fetchall()
        assert frames == connection.execute("SELECT * FROM frames").fetchall()
        assert connection.execute("SELECT count(*) FROM packs").fetchone() < (900,)
