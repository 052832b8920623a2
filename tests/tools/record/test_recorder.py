"""A recorder writes all that an observer sees, and a reader returns it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tcpcomm import LinkState, MessageKind, Recorder, Recording
from tcpcomm.session.observer import masked
from tcpcomm.tools.record.clock import RecordingClock
from tests.session.stage import PEER, Spy, staged
from tests.tools.record.sessions import Session, bad_checksum, command, reply


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "line.tcpcomm"


def test_chunks_are_recorded_with_session_direction_and_bytes(path: Path) -> None:
    session, other = Session(), Session("10.0.0.8:1")
    with Recorder(path) as recorder:
        for each in (session, other):
            recorder.opened(each)
        recorder.received(session, b"TRG,3;")
        recorder.sent(other, b"\x00\xff")
        recorder.closed(session, "the peer closed the connection")
    with Recording(path) as recording:
        assert [(1, False, b"TRG,3;"), (2, True, b"\x00\xff")] == [
            (each.session, each.sent, each.data) for each in recording.chunks()
        ]
        first, second = recording.sessions()
    assert ("10.0.0.7:50432", "10.0.0.9:9999", True) == (first.peer, first.target, first.is_equipment)
    assert ("the peer closed the connection", False) == (first.reason, first.is_cut)
    assert second.closed_at is None


def test_numbers_and_times_rise_over_all_tables(path: Path) -> None:
    session = Session()
    with Recorder(path) as recorder:
        recorder.link_state("link", LinkState.READY, "the peer is proven")
        recorder.opened(session)
        recorder.received(session, b"TRG")
        recorder.frame_received(session, b"TRG")
        recorder.message(session, command())
        recorder.fault(session, bad_checksum("in 0a"))
        recorder.altered(session, "dropped it", sent=True)
        recorder.listening(None, "127.0.0.1:9999")
    with Recording(path) as recording:
        found = [*recording.everything()]
    names = ["State", "Chunk", "Frame", "Message", "Fault", "Alteration", "State"]
    assert [f"Recorded{name}" for name in names] == [type(each).__name__ for each in found]
    assert [each.number for each in found] == sorted({each.number for each in found})
    assert [each.at for each in found] == sorted(each.at for each in found)


def test_a_message_has_its_values_and_the_command_that_it_answers(path: Path) -> None:
    session, asked = Session(is_declared=True), command(job=3)
    with Recorder(path) as recorder:
        recorder.message(session, asked)
        recorder.message(session, reply(asked, result={"x": 1.5, "raw": b"\x01\x02"}))
    with Recording(path) as recording:
        locate, answer = recording.messages()
    assert (MessageKind.COMMAND, "locate", {"job": 3}) == (locate.kind, locate.name, dict(locate.values))
    assert (locate.number, 0.25) == (answer.answers, answer.seconds)
    assert {"result": {"x": 1.5, "raw": "01 02"}} == dict(answer.values)


def test_values_that_change_later_are_recorded_as_they_were(path: Path) -> None:
    points = [1, 2]
    with Recorder(path) as recorder:
        recorder.message(Session(), command(points=points))
        points.clear()
    with Recording(path) as recording:
        (found,) = recording.messages()
    assert {"points": [1, 2]} == dict(found.values)


def test_secret_bytes_are_recorded_as_masked(path: Path) -> None:
    with Recorder(path) as recorder:
        recorder.received(Session(), masked(b"pw"))
        recorder.received(Session(), b"**")
    with Recording(path) as recording:
        assert [(b"**", True), (b"**", False)] == [(each.data, each.masked) for each in recording.chunks()]


def test_the_frames_of_messages_are_frames_too(path: Path) -> None:
    declared, plain = Session(is_declared=True), Session()
    with Recorder(path) as recorder:
        recorder.frame_received(declared, b"TRG,3")
        recorder.message(declared, command())
        recorder.frame_received(plain, b"other")
    with Recording(path) as recording:
        assert [(1, b"TRG,3"), (2, b"other")] == [(each.session, each.frame) for each in recording.frames()]


def test_faults_and_half_frames_have_their_reason(path: Path) -> None:
    with Recorder(path) as recorder:
        recorder.fault(Session(), bad_checksum("in 0a 0b"), sent=True)
        recorder.half_frame(Session(), "sent 3 bytes of 10")
    with Recording(path) as recording:
        assert [
            ("BadChecksum", True, "the checksum is wrong (frame at byte 7 of the stream)", "in 0a 0b"),
            ("half frame", False, "a chunk began a frame and did not end it", "sent 3 bytes of 10"),
        ] == [(each.kind, each.sent, each.text, each.details) for each in recording.faults()]


def test_a_real_session_is_recorded(path: Path) -> None:
    with Recorder(path) as recorder:
        stage = staged(Spy, observers=[recorder])
        stage.session.on_frame = lambda frame: stage.session.sendFrame(b"OK")
        stage.receive(b"TRG", b",3;x" * 20)
        stage.session.close("the shift is over")
        stage.settle()
    with Recording(path) as recording:
        (session,) = recording.sessions()
        assert (PEER, "192.168.0.1:9999", "the shift is over") == (
            session.peer,
            session.target,
            session.reason,
        )
        assert b"TRG" + b",3;x" * 20 == b"".join(e.data for e in recording.chunks() if not e.sent)
        assert [b"TRG,3", b"x,3"] == [each.frame for each in recording.frames() if not each.sent][:2]
        assert {b"OK"} == {each.frame for each in recording.frames() if each.sent}
        assert "half frame" in {each.kind for each in recording.faults()}


def test_the_next_recorder_goes_on_with_the_same_file(path: Path) -> None:
    for data in (b"one", b"two"):
        with Recorder(path) as recorder:
            recorder.received(Session(), data)
    with Recording(path) as recording:
        one, two = recording.chunks()
        assert [(b"one", 1), (b"two", 2)] == [(one.data, one.session), (two.data, two.session)]
        assert one.number < two.number
        assert one.at < two.at
        assert [True, False] == [each.is_cut for each in recording.sessions()]
        assert 2 == len([each for each in recording.runs() if each.ended_at is not None])


def test_a_reader_sees_what_is_recorded_while_the_recorder_works(path: Path) -> None:
    with Recorder(path) as recorder, Recording(path) as recording:
        for count in range(1, 4):
            recorder.received(Session(), b"x")
            assert recorder.flush(30)
            assert count == len([*recording.chunks()])


def test_a_reader_selects_sessions_and_times(path: Path) -> None:
    sessions = [Session(), Session()]
    with Recorder(path) as recorder:
        for number in range(1000):
            recorder.received(sessions[number % 2], bytes([number % 256]))
    with Recording(path) as recording:
        chunks = [*recording.chunks()]
        assert chunks[1::2] == [*recording.chunks(2)] == [*recording.chunks(recording.sessions()[1])]
        since, until = chunks[300].at, chunks[700].at
        expected = [each for each in chunks if since <= each.at < until]
        assert expected == [*recording.chunks(since=since, until=until)]
        assert [] == [*recording.chunks(since=chunks[-1].at + 1)]


def test_after_close_nothing_is_recorded(path: Path) -> None:
    recorder = Recorder(path)
    recorder.close()
    recorder.received(Session(), b"late")
    recorder.close()
    with Recording(path) as recording:
        assert [] == [*recording.chunks()]


def test_a_recorder_that_nobody_keeps_ends_in_order(path: Path) -> None:
    recorder = Recorder(path)
    recorder.received(Session(), b"x")
    del recorder
    with Recorder(path), Recording(path) as recording:
        assert [b"x"] == [each.data for each in recording.chunks()]


class Unwritable:
    """A value whose text fails."""

    def __str__(self) -> str:
        raise RuntimeError


def test_values_that_cannot_be_written_are_left_out(path: Path) -> None:
    endless: list[object] = []
    endless.append(endless)
    with Recorder(path) as recorder:
        for value in (Unwritable(), endless, "\ud800"):
            recorder.message(Session(), command(value=value))
    with Recording(path) as recording:
        assert [
            {"left out": "RuntimeError; the frame has all values"},
            {"left out": "RecursionError; the frame has all values"},
            {"value": "\ud800"},
        ] == [dict(each.values) for each in recording.messages()]


def test_names_and_reasons_may_have_any_characters(path: Path) -> None:
    session = Session(peer="unix:/run/\ud800", target="\x00")
    with Recorder(path) as recorder:
        recorder.received(session, b"")
        recorder.closed(session, "\udcff")
    with Recording(path) as recording:
        (found,) = recording.sessions()
        assert [b""] == [each.data for each in recording.chunks()]
    assert (r"unix:/run/\ud800", r"\udcff") == (found.peer, found.reason)


def test_times_follow_a_wall_clock_that_is_set_forward_and_never_go_back() -> None:
    wall = monotonic = 1_000_000_000_000
    clock = RecordingClock(wall=lambda: wall, monotonic=lambda: monotonic)
    assert 1_000_000_000 == clock.now()
    wall += 3600 * 10**9
    clock.follow()
    assert 4_600_000_000 == clock.now()
    wall -= 7200 * 10**9
    monotonic += 10**9
    clock.follow()
    assert 4_601_000_000 == clock.now()


def test_the_next_recorder_begins_behind_the_last_time() -> None:
    assert 77 == RecordingClock(77, wall=lambda: 5000, monotonic=lambda: 0).now()
