"""Backpressure against a peer that does not read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from tcpcomm import Limits
from tcpcomm.errors import SessionClosed
from tcpcomm.framing import Delimited
from tcpcomm.session.send_buffer import SEND_CHUNK
from tests.session.spies import KIB, MIB, BigSpy, replying
from tests.session.stage import Logged, Lost, Stage, recorded_log, staged


def send_until_refused(stage: Stage, size: int) -> int:
    """Send frames until the session is over. Return the number of frames that it took."""
    for sent in range(1000):
        try:
            stage.session.sendFrame(b"x" * size)
        except SessionClosed:
            return sent
    raise AssertionError("no frame was refused")


def test_a_peer_that_does_not_read_is_not_read_from_either_until_it_does() -> None:
    stage = replying(b"x" * 100 * KIB)
    stage.transport.appetite = 0
    stage.receive(*[b"a;"] * 10)
    assert not stage.transport.reading
    assert len(stage.session.seen) < 10
    stage.transport.appetite = None
    stage.settle()
    assert stage.transport.reading
    assert [b"a"] * 10 == stage.session.seen
    assert 1000 * KIB == len(stage.transport.received)


def test_reading_stops_when_unread_pause_is_reached() -> None:
    stage = replying(b"x" * 10 * KIB)
    stage.transport.appetite = 0
    stage.receive(*[b"a;"] * 100)
    unread = 10 * KIB * len(stage.session.seen)
    assert 256 * KIB <= unread <= 256 * KIB + SEND_CHUNK


def test_a_peer_is_read_from_while_little_waits_for_it() -> None:
    stage = replying(b"x" * 10 * KIB)
    stage.transport.appetite = 0
    stage.receive(*[b"a;"] * 20)
    assert stage.transport.reading
    assert 20 == len(stage.session.seen)


def test_delivery_stops_within_a_chunk_when_the_peer_does_not_read() -> None:
    stage = replying(b"x" * 100 * KIB)
    stage.transport.appetite = 0
    stage.receive(b"a;" * 1000)
    assert len(stage.session.seen) < 5
    stage.transport.appetite = None
    stage.settle()
    assert [b"a"] * 1000 == stage.session.seen


def test_a_pause_by_the_user_outlasts_the_peers() -> None:
    stage = replying(b"x" * 400 * KIB)
    stage.transport.appetite = 0
    stage.receive(b"a;")
    stage.session.pauseProducing()
    stage.transport.appetite = None
    stage.settle()
    assert not stage.transport.reading
    stage.session.resumeProducing()
    assert stage.transport.reading


def test_a_resume_by_the_user_does_not_end_the_peers_pause() -> None:
    stage = replying(b"x" * 400 * KIB)
    stage.transport.appetite = 0
    stage.receive(b"a;", b"b;")
    stage.session.pauseProducing()
    stage.session.resumeProducing()
    assert [b"a"] == stage.session.seen
    assert not stage.transport.reading


def test_memory_is_bounded_for_every_size_of_reply() -> None:
    waiting: list[int] = []

    def amplify(frame: bytes) -> None:
        stage.session.sendBytes(b"x" * 64 * KIB)
        waiting.append(stage.session.unsent)

    stage = staged(BigSpy)
    stage.session.on_frame = amplify
    stage.transport.appetite = 100 * KIB
    stage.receive(*[b"a;" * 1000] * 3)
    assert 3000 == len(stage.session.seen)
    assert max(waiting) <= 256 * KIB + 64 * KIB


def test_more_than_unread_abort_aborts_at_once() -> None:
    stage = staged(BigSpy)
    stage.transport.appetite = 0
    sent = send_until_refused(stage, 64 * KIB)
    stage.settle()
    (lost,) = stage.session.seen
    assert "aborted" == stage.transport.ended
    waiting = (sent - 1) * (64 * KIB + 1)  # because the transport took the first
    assert waiting > 4 * MIB >= waiting - 64 * KIB
    assert f"the peer does not read: {waiting} bytes wait for it" == lost.reason


def test_unread_abort_is_never_less_than_two_of_the_longest_frames() -> None:
    stage = staged(
        framing=Delimited(b";", max_frame=4 * MIB), limits=Limits(unread_pause=1, unread_abort=1 * MIB)
    )
    stage.transport.appetite = 0
    stage.session.sendFrame(b"x" * 4 * MIB)
    stage.session.sendFrame(b"x" * 4 * MIB)
    assert stage.transport.ended is None
    assert 1 == send_until_refused(stage, MIB)


def test_a_handler_is_not_blamed_if_its_replies_abort_the_session(logged: Logged) -> None:
    def flood(frame: bytes) -> None:
        for _ in range(100):
            stage.session.sendBytes(b"x" * 64 * KIB)

    stage = staged(BigSpy)
    stage.session.on_frame = flood
    stage.receive(b"a;b;")
    assert "aborted" == stage.transport.ended
    assert [] == logged.failures()


def test_a_peer_that_takes_nothing_for_ten_seconds_is_aborted() -> None:
    stage = staged(BigSpy)
    stage.transport.appetite = 0
    stage.session.sendFrame(b"x" * 100 * KIB)
    stage.wait(9.9)
    assert stage.transport.ended is None
    stage.wait(0.2)
    assert [Lost("the peer does not read: it took nothing for 10 s")] == stage.session.seen
    assert "aborted" == stage.transport.ended


def test_a_transport_that_says_pause_again_does_not_begin_the_time_again() -> None:
    stage = staged(BigSpy)
    stage.transport.appetite = 0
    stage.session.sendFrame(b"x" * 100 * KIB)
    stage.wait(6.0)
    stage.transport._producer.pauseProducing()
    stage.wait(4.1)
    assert [Lost("the peer does not read: it took nothing for 10 s")] == stage.session.seen


def test_a_peer_that_reads_slowly_is_not_aborted() -> None:
    stage = staged(BigSpy)
    frame = b"x" * MIB
    stage.transport.appetite = 0
    stage.session.sendFrame(frame)
    for _ in range(30):
        stage.wait(8.0)
        stage.transport.appetite = None
        stage.turn()
        stage.transport.appetite = 0
    assert [] == stage.session.seen
    assert frame + b";" == stage.transport.received


def test_a_peer_that_reads_again_has_its_full_time_later() -> None:
    stage = staged(BigSpy)
    for _ in range(3):
        stage.transport.appetite = 0
        stage.session.sendFrame(b"x" * 100 * KIB)
        stage.wait(9.0)
        stage.transport.appetite = None
        stage.settle()
    assert [] == stage.session.seen


def test_a_reader_that_only_looks_slow_because_we_were_busy_is_not_aborted() -> None:
    stage = staged(BigSpy)
    stage.session.sendFrame(b"x" * 300 * KIB)
    stage.be_busy(60.0)
    stage.settle()
    assert [] == stage.session.seen
    assert 300 * KIB + 1 == len(stage.transport.received)


@given(st.lists(st.tuples(st.integers(1, 200 * KIB), st.integers(0, 300 * KIB)), max_size=12))
def test_replies_that_come_later_keep_the_same_bounds(script: list[tuple[int, int]]) -> None:
    gates: list[Deferred[None]] = []

    async def answer(frame: bytes) -> None:
        gate: Deferred[None] = Deferred()
        gates.append(gate)
        await gate
        stage.session.sendBytes(b"x" * int(frame))

    with recorded_log():
        stage = staged(BigSpy)
        stage.session.on_frame = answer
        stage.receive(b"".join(b"%d;" % size for size, _ in script))
        for gate, (_, appetite) in zip(gates, script, strict=False):
            stage.transport.appetite = appetite
            gate.callback(None)
            stage.turn()
            unread = stage.session.unsent
            assert stage.transport.lost or unread <= 4 * MIB
            assert stage.transport.lost or stage.transport.reading == (not stage.session.is_held)
        stage.transport.appetite = None
        stage.settle()
        assert sum(size for size, _ in script) == len(stage.transport.received)
