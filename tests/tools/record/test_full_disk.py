"""A disk that is full or slow: values are dropped and counted, and later the recorder goes on."""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from twisted.logger import formatEvent

from tcpcomm import Recorder, Recording
from tcpcomm.tools.record import row_queue
from tcpcomm.tools.record.recorder import KEEP_BEFORE_FAULT, KEEP_HOURS, KEEP_MIB
from tcpcomm.tools.record.rows import LONGEST_VALUES, MOST_COMMANDS
from tcpcomm.tools.record.store import PAGE_SIZE, Store
from tcpcomm.tools.record.values import RecordedGap
from tests.session.stage import recorded_log
from tests.system.running import DEADLINE, wait_until
from tests.tools.record.sessions import Disk, Session, command, reply


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "line.tcpcomm"


def small_queue(monkeypatch: pytest.MonkeyPatch, most_rows: int) -> None:
    """Let the queue of recorders take only some rows."""
    wide = row_queue.RowQueue.__init__

    def narrow(self: Any, last: int, wake: Any, **limits: Any) -> None:
        wide(self, last, wake, most_rows=most_rows, **limits)

    monkeypatch.setattr(row_queue.RowQueue, "__init__", narrow)


def chunks_and_gaps(path: Path) -> tuple[list[int], list[RecordedGap]]:
    with Recording(path) as recording:
        return [int(each.data[:8]) for each in recording.chunks()], [*recording.gaps()]


class Traffic:
    """Chunks with rising numbers."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.session = Session()
        self.count = 0

    def chunks(self, count: int) -> None:
        """Let some chunks pass."""
        for _ in range(count):
            self.recorder.received(self.session, b"%08d" % self.count + b"x" * 1000)
            self.count += 1

    def hundreds(self, count: int) -> None:
        """Let some hundreds of chunks pass, each written before the next."""
        for _ in range(count):
            self.chunks(100)
            assert self.recorder.flush(DEADLINE)

    def one_more(self) -> bool:
        """Let one chunk pass. Return True."""
        self.chunks(1)
        return True


def test_a_full_disk_costs_values_and_then_the_recorder_goes_on(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_queue(monkeypatch, 100)
    disk = Disk()
    with recorded_log() as log:
        recorder = Recorder(path, opener=disk)
        traffic = Traffic(recorder)
        traffic.chunks(50)
        assert recorder.flush(DEADLINE)
        disk.pages = (path.stat().st_size + 80 * 1024) // PAGE_SIZE
        traffic.chunks(99)
        wait_until(lambda: any("cannot record" in formatEvent(each) for each in log.events))
        wait_until(lambda: traffic.one_more() and recorder.dropped > 9)
        disk.make_room()
        assert recorder.flush(DEADLINE)
        traffic.chunks(50)
        recorder.close()
        lines = log.lines()
    numbers, gaps = chunks_and_gaps(path)
    assert traffic.count == len(numbers) + sum(each.count for each in gaps)
    assert [*range(50)] == numbers[:50]
    assert [*range(traffic.count - 50, traffic.count)] == numbers[-50:]
    assert {"database or disk is full"} == {each.reason for each in gaps}
    assert 1 == sum("values are dropped, because too many wait" in each for each in lines)
    assert 1 == sum("cannot record into" in each for each in lines)
    assert any("values are written again" in each for each in lines)


def test_a_file_that_the_thread_cannot_open_is_told_and_all_values_count_as_dropped(path: Path) -> None:
    opened: list[str] = []

    def open_once(name: str) -> sqlite3.Connection:
        opened.append(name)
        if len(opened) > 1:
            raise sqlite3.OperationalError("disk I/O error")
        return sqlite3.connect(name, isolation_level=None)

    with recorded_log() as log:
        recorder = Recorder(path, opener=open_once)
        Traffic(recorder).chunks(100)
        assert not recorder.flush(DEADLINE)
        assert not recorder.flush(DEADLINE)
        assert 101 == recorder.dropped  # the session is one of them
        recorder.close()
        lines = log.lines()
    assert any("nothing is recorded: " in line and "disk I/O error" in line for line in lines)


def test_a_disk_that_hangs_does_not_hold_up_the_traffic(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_queue(monkeypatch, 100)
    disk = Disk()
    with recorded_log() as log:
        recorder = Recorder(path, opener=disk)
        disk.responds.clear()
        traffic = Traffic(recorder)
        traffic.chunks(1000)  # it would never end if it waited
        assert recorder.dropped >= 800
        disk.responds.set()
        assert recorder.flush(DEADLINE)
        recorder.close()
        assert any("values are dropped" in each for each in log.lines())
    numbers, (gap,) = chunks_and_gaps(path)
    assert (1000, "the disk is too slow") == (len(numbers) + gap.count, gap.reason)
    assert gap.size == gap.count * 1008
    assert gap.at <= gap.until


def test_a_disk_that_stays_full_is_told_at_the_end(path: Path) -> None:
    disk = Disk()
    with recorded_log() as log:
        recorder = Recorder(path, opener=disk)
        traffic = Traffic(recorder)
        traffic.chunks(1)
        assert recorder.flush(DEADLINE)
        disk.pages = 1
        traffic.chunks(200)
        recorder.close()
        assert f"{path}: 200 values at the end are not recorded" == log.lines()[-1]
    assert [0] == chunks_and_gaps(path)[0]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has priorities of threads")
def test_the_thread_that_writes_lets_others_go_first(path: Path) -> None:
    with Recorder(path) as recorder:
        Traffic(recorder).chunks(1)
        assert recorder.flush(DEADLINE)
        (writer,) = (each for each in threading.enumerate() if each.name == "tcpcomm recorder")
        assert writer.native_id is not None
        mine = os.getpriority(os.PRIO_PROCESS, 0)
        assert min(19, mine + 10) == os.getpriority(os.PRIO_PROCESS, writer.native_id)
        assert mine == os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def test_the_file_stays_within_its_size(path: Path) -> None:
    with Recorder(path, keep_mib=1) as recorder:
        traffic = Traffic(recorder)
        traffic.hundreds(40)
        wait_until(lambda: recorder.flush(DEADLINE) and live_bytes(path) <= 1024 * 1024)
    numbers, gaps = chunks_and_gaps(path)
    assert ([*range(numbers[0], 4000)], []) == (numbers, gaps)
    assert 200 < len(numbers) < 1100
    with Recording(path) as recording:
        assert [1] == [each.number for each in recording.sessions()]


def test_a_block_that_is_deleted_between_others_is_a_gap(path: Path) -> None:
    with Recorder(path, keep_mib=1) as recorder:
        traffic = Traffic(recorder)
        traffic.hundreds(5)
    store = Store(path)
    deleted = store.blocks()[2]
    store.delete(deleted)
    store.close()

    numbers, gaps = chunks_and_gaps(path)
    with Recording(path) as recording:
        merged = [each.number for each in recording.everything()]
        assert [] == [*recording.gaps(until=1)]
    assert 400 == len(numbers)
    [gap] = gaps
    assert (deleted.first, deleted.last - deleted.first + 1) == (gap.number, gap.count)
    assert deleted.first in merged
    assert merged == sorted(merged)


def live_bytes(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        ((pages,), (free,)) = (
            connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "freelist_count")
        )
        return PAGE_SIZE * int(pages - free)


def test_ended_sessions_go_with_their_rows(path: Path) -> None:
    with Recorder(path, keep_mib=1) as recorder:
        for number in range(30):
            session = Session(peer=f"10.0.0.7:{number}")
            recorder.opened(session)
            recorder.received(session, b"x" * 100_000)
            recorder.closed(session, "closed here")
            assert recorder.flush(DEADLINE)
        wait_until(lambda: recorder.flush(DEADLINE) and live_bytes(path) <= 1024 * 1024)
    with Recording(path) as recording:
        sessions = [each.number for each in recording.sessions()]
        assert {*sessions} >= {each.session for each in recording.chunks()}
    assert 30 == sessions[-1]
    assert len(sessions) < 15


def test_values_that_are_too_long_are_left_out(path: Path) -> None:
    with Recorder(path) as recorder:
        recorder.message(Session(), command(text="x" * LONGEST_VALUES, frame=b"whole"))
    with Recording(path) as recording:
        (found,) = recording.messages()
    assert {"left out"} == {*found.values}
    assert b"whole" == found.frame


def test_the_answers_to_very_old_commands_have_no_command(path: Path) -> None:
    session = Session()
    asked = [command(frame=b"%d" % number) for number in range(MOST_COMMANDS + 1)]
    with Recorder(path) as recorder:
        for each in asked:
            recorder.message(session, each)
        recorder.message(session, reply(asked[0]))
        recorder.message(session, reply(asked[1]))
    with Recording(path) as recording:
        *_, oldest, second = recording.messages()
    assert (None, 3) == (oldest.answers, second.answers)


def test_by_default_a_recording_has_a_week_and_a_gib_and_a_minute_before_faults(path: Path) -> None:
    assert (168.0, 1024.0, 60.0) == (KEEP_HOURS, KEEP_MIB, KEEP_BEFORE_FAULT)
    with Recorder(path) as recorder:
        assert recorder.flush(DEADLINE)
