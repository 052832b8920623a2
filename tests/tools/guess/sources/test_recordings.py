"""The sessions of a recording are read as captures."""

from __future__ import annotations

from pathlib import Path

import pytest

from tcpcomm import Recorder
from tcpcomm.tools.guess.capture import Capture
from tcpcomm.tools.guess.sources.opening import source_of
from tcpcomm.tools.guess.sources.source import Source, UnreadableCapture
from tcpcomm.tools.record.recording import Recording
from tcpcomm.tools.record.values import RecordedChunk, RecordedGap
from tests.tools.record.sessions import Session

ASKED = Session()


def source(path: Path) -> Source:
    with path.open("rb") as file:
        return source_of(file, path)


def captures(path: Path) -> list[Capture]:
    found = source(path)
    return [found.capture(each) for each in found.streams()]


def said(capture: Capture) -> list[tuple[int, bytes, bool]]:
    return [(each.side, each.data, each.after_gap) for each in capture.chunks]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "line.tcpcomm"


def test_each_session_is_a_capture_with_its_times_and_sides(path: Path) -> None:
    with Recorder(path) as recorder:
        equipment = Session()
        host = Session(peer="10.0.0.9:8501", target="10.0.0.8:40000", is_equipment=False)
        for session in (equipment, host):
            recorder.opened(session)
        recorder.received(equipment, b"TRG,3\r\n")
        recorder.sent(host, b"TRG,4\r\n")
        recorder.sent(equipment, b"OK,1.5\r\n")
        recorder.received(host, b"OK,2.5\r\n")
    first, second = captures(path)
    assert [(0, b"TRG,3\r\n", False), (1, b"OK,1.5\r\n", False)] == said(first)
    assert [(0, b"TRG,4\r\n", False), (1, b"OK,2.5\r\n", False)] == said(second)
    assert ["10.0.0.7:50432 > 10.0.0.9:9999", "10.0.0.8:40000 > 10.0.0.9:8501"] == [first.name, second.name]
    assert first.from_start
    assert () == first.notes
    before, after = (each.at for each in first.chunks)
    assert before is not None
    assert after is not None
    assert before <= after


def test_the_target_of_a_tap_has_its_address_in_the_name(path: Path) -> None:
    with Recorder(path) as recorder:
        recorder.received(Session(target="tcp:10.0.0.9:8501"), b"TRG,3\r\n")
    assert ["10.0.0.7:50432 > 10.0.0.9:8501"] == [each.name for each in source(path).streams()]


def test_the_streams_have_the_numbers_of_their_sessions(path: Path) -> None:
    with Recorder(path) as recorder:
        silent, speaking = Session(), Session(peer="10.0.0.8:50432")
        recorder.opened(silent)
        recorder.received(speaking, b"TRG,3\r\n")
        recorder.received(speaking, b"TRG,4\r\n")
    (stream,) = source(path).streams()
    assert (2, 14, 2) == (stream.number, stream.size, stream.chunks)


def test_reading_a_recording_shows_its_progress(path: Path) -> None:
    passed: list[tuple[int, int]] = []
    with Recorder(path) as recorder:
        for _ in range(3):
            recorder.received(ASKED, b"TRG,3\r\n")
    with path.open("rb") as file:
        source_of(file, path, passed=lambda done, size: passed.append((done, size))).streams()
    assert 3 == len(passed)
    assert all(0 <= done <= size for done, size in passed)


def test_gaps_and_secrets_are_missing_bytes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Recorder(path) as recorder:
        recorder.received(ASKED, b"TRG,3\r\n")

    def chunk(number: int, data: bytes, *, sent: bool = False, masked: bool = False) -> RecordedChunk:
        return RecordedChunk(number=number, at=number, session=1, sent=sent, data=data, masked=masked)

    values = [
        chunk(1, b"A"),
        chunk(2, b"a", sent=True),
        chunk(3, b"***", masked=True),
        chunk(4, b"B"),
        chunk(5, b"b", sent=True),
        RecordedGap(number=6, at=6, until=7, count=3, size=9, reason="the disk was full"),
        chunk(8, b"c", sent=True),
        chunk(9, b"C"),
        chunk(10, b"D"),
    ]
    monkeypatch.setattr(Recording, "everything", lambda self, session: iter(values))
    (capture,) = captures(path)
    assert [
        (0, b"A", False),
        (1, b"a", False),
        (0, b"B", True),
        (1, b"b", False),
        (1, b"c", True),
        (0, b"C", True),
        (0, b"D", False),
    ] == said(capture)
    assert ("1 chunk is secret, so the recording does not have its bytes",) == capture.notes


def test_a_recording_without_bytes_says_so(path: Path) -> None:
    with Recorder(path) as recorder:
        recorder.opened(ASKED)
    with pytest.raises(UnreadableCapture, match="the recording holds no bytes yet"):
        captures(path)


def test_another_database_is_refused(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + bytes(84))
    with pytest.raises(UnreadableCapture, match=r"cannot be read|holds no recording|damaged"):
        captures(path)


def test_a_recording_with_nothing_to_read_says_why(path: Path) -> None:
    with Recorder(path) as recorder:
        for _ in range(40):
            recorder.received(ASKED, bytes(5000))
    path.write_bytes(path.read_bytes()[:40_960])
    with pytest.raises(UnreadableCapture, match=r"^nothing in it can be read: the file is cut or damaged"):
        captures(path)


def test_a_damaged_recording_is_read_as_far_as_it_goes(path: Path) -> None:
    with Recorder(path) as recorder:
        for number in range(200):
            recorder.received(ASKED, bytes([number]) * 1000)
            assert recorder.flush()
    whole = path.read_bytes()
    path.write_bytes(whole[: 3 * len(whole) // 4])
    (capture,) = captures(path)
    assert capture.chunks
    assert any("the file is cut or damaged" in each for each in capture.notes)
