"""The last chunks of each session are kept within limits, as a capture."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import define
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from tcpcomm.session.observer import masked
from tcpcomm.tools.guess.capture import ANSWERER, OPENER, CapturedChunk
from tcpcomm.tools.guess.collector import (
    CHUNK_COST,
    COLLECTED_BYTES,
    COLLECTED_SESSIONS,
    ENOUGH_CHUNKS,
    OLDER_LEFT_OUT,
    SECRETS_LEFT_OUT,
    ChunkCollector,
    ChunkRing,
    joined,
)


@define(eq=False)
class Session:
    peer: str = "10.0.0.7:50432"
    target: str = ""


@pytest.fixture
def clock() -> Clock:
    return Clock()


def talked(collector: ChunkCollector, session: Any, *exchanges: tuple[bytes, bytes]) -> None:
    for asked, answered in exchanges:
        collector.received(session, asked)
        collector.sent(session, answered)


def test_both_sides_are_kept_with_the_time_of_each_chunk(clock: Clock) -> None:
    collector = ChunkCollector(clock.seconds)
    session = Session(target="10.0.0.9:8501")
    collector.received(session, b"TRG,3\r")
    clock.advance(0.5)
    collector.sent(session, b"OK\r")

    capture = collector.capture()
    assert capture is not None
    assert (
        CapturedChunk(OPENER, b"TRG,3\r", 0.0),
        CapturedChunk(ANSWERER, b"OK\r", 0.5),
    ) == capture.chunks
    assert "10.0.0.7:50432 > 10.0.0.9:8501" == capture.name
    assert capture.from_start
    assert 2 == collector.chunks


def test_the_sender_may_be_the_one_that_opened_the_connection(clock: Clock) -> None:
    collector = ChunkCollector(clock.seconds, sender_opens=True)
    talked(collector, Session(), (b"hello", b"you"))

    capture = collector.capture()
    assert capture is not None
    assert [ANSWERER, OPENER] == [each.side for each in capture.chunks]


def test_without_chunks_there_is_no_capture(clock: Clock) -> None:
    collector = ChunkCollector(clock.seconds)
    assert collector.capture() is None
    collector.received(Session(), masked(b"secret"))
    assert collector.capture() is None


def test_a_secret_leaves_a_gap_and_a_note(clock: Clock) -> None:
    collector = ChunkCollector(clock.seconds)
    session = Session()
    talked(collector, session, (masked(b"LOGIN me secret"), b"OK\r"), (b"TRG\r", b"1\r"))

    capture = collector.capture()
    assert capture is not None
    assert [(b"OK\r", False), (b"TRG\r", True), (b"1\r", False)] == [
        (each.data, each.after_gap) for each in capture.chunks
    ]
    assert (SECRETS_LEFT_OUT,) == capture.notes
    assert not capture.from_start
    assert collector.has_secrets


@given(
    st.lists(st.tuples(st.sampled_from((OPENER, ANSWERER)), st.binary(max_size=200)), max_size=60),
    st.integers(CHUNK_COST + 1, 1000),
)
def test_a_ring_keeps_the_last_chunks_within_its_limit(chunks: list[tuple[Any, bytes]], size: int) -> None:
    ring = ChunkRing("x", size)
    for side, data in chunks:
        ring.add(side, data, None)
    kept = ring.capture()

    cost = sum(len(each.data) + CHUNK_COST for each in kept.chunks)
    assert cost <= size or len(kept.chunks) == 1
    assert kept.size <= size
    whole = [(side, data) for side, data in chunks if data]
    told = [(each.side, each.data) for each in kept.chunks]
    assert all(a[1].endswith(b[1]) for a, b in zip(reversed(whole), reversed(told), strict=False))
    assert (OLDER_LEFT_OUT in kept.notes) == (told != whole)
    assert kept.from_start == (told == whole)


def test_at_most_a_quarter_of_a_mebibyte_of_a_session_is_kept(clock: Clock) -> None:
    collector = ChunkCollector(clock.seconds)
    session = Session()
    for _ in range(20):
        collector.received(session, b"x" * 65_536)

    capture = collector.capture()
    assert capture is not None
    assert COLLECTED_BYTES - 65_536 - 3 * CHUNK_COST <= capture.size <= COLLECTED_BYTES
    assert (OLDER_LEFT_OUT,) == capture.notes


def test_the_session_that_was_silent_for_longest_is_forgotten(clock: Clock) -> None:
    collector = ChunkCollector(clock.seconds)
    sessions = [Session(f"10.0.0.7:{port}") for port in range(COLLECTED_SESSIONS + 1)]
    for session in (*sessions[:-1], sessions[0], sessions[-1]):
        collector.received(session, session.peer.encode())

    capture = collector.capture()
    assert capture is not None
    kept = {each.data for each in capture.chunks}
    assert {each.peer.encode() for each in sessions} - kept == {sessions[1].peer.encode()}


def test_short_sessions_are_guessed_from_together_and_a_long_one_alone(clock: Clock) -> None:
    collector = ChunkCollector(clock.seconds)
    first, second = Session("a:1"), Session("b:2")
    talked(collector, first, (b"1", b"2"))
    talked(collector, second, (b"3", b"4"))

    both = collector.capture()
    assert both is not None
    assert [b"1", b"2", b"3", b"4"] == [each.data for each in both.chunks]
    assert both.from_start
    assert "2 sessions" == both.name

    talked(collector, second, *[(b"5", b"6")] * (ENOUGH_CHUNKS // 2))
    alone = collector.capture()
    assert alone is not None
    assert "b:2" == alone.name


def test_a_stream_without_its_beginning_is_joined_behind_a_gap() -> None:
    whole, part = ChunkRing("a"), ChunkRing("b", CHUNK_COST + 4)
    whole.add(OPENER, b"one", 0.0)
    for data in (b"two", b"3"):
        part.add(OPENER, data, 1.0)
        part.add(ANSWERER, data, 1.0)

    chunks = joined([whole.capture(), part.capture(), whole.capture()]).chunks
    assert [(b"one", False), (b"3", True), (b"one", False)] == [(c.data, c.after_gap) for c in chunks]
