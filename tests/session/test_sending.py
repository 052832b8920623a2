"""What a session sends: how many writes, what it refuses, and what happens to a peer that does not read."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost

from tcpcomm import Limits
from tcpcomm.errors import EncodeError, SessionClosed
from tcpcomm.framing import Delimited, Framing, LengthPrefixed
from tcpcomm.outgoing import PIECE
from tests.session.stage import (
    PEER,
    TOO_LONG,
    Logged,
    Lost,
    Spy,
    Stage,
    TLSTransport,
    Transport,
    recorded_log,
    staged,
)

KIB = 1024
MIB = 1024 * 1024


class BigSpy(Spy):
    """Exchanges frames of any size."""

    framing: Framing = Delimited(b";")


def replying(reply: bytes, **options: Any) -> Stage:
    """A stage on which each frame is answered with ``reply``, as it is."""
    stage = staged(BigSpy, **options)
    stage.session.on_frame = lambda frame: stage.session.sendBytes(reply)
    return stage


# -- writes -----------------------------------------------------------------------------------------------


def test_all_replies_to_one_chunk_leave_in_one_write() -> None:
    stage = staged()
    stage.session.on_frame = stage.session.sendFrame
    stage.receive(b"a;b;c;")
    assert [b"a;b;c;"] == stage.transport.sent()
    stage.receive(b"d;", b"e;")
    assert [b"d;", b"e;"] == stage.transport.sent()


def test_what_several_kinds_of_handlers_send_for_one_chunk_leaves_in_one_write() -> None:
    stage = staged()
    stage.session.on_frame = stage.session.sendFrame
    stage.session.on_fault = lambda fault: stage.session.sendFrame(b"?")
    stage.receive(b"a;" + TOO_LONG + b";b;")
    assert [b"a;?;b;"] == stage.transport.sent()


def test_what_is_sent_in_sessionReady_leaves_in_one_write() -> None:
    def greet() -> None:
        stage.session.sendFrame(b"hello")
        stage.session.sendFrames([b"who", b"are you"])

    stage = Stage()
    stage.session.on_ready = greet
    stage.connect()
    assert [b"hello;who;are you;"] == stage.transport.sent()


def test_what_is_sent_outside_a_handler_leaves_at_once() -> None:
    stage = staged()
    stage.session.sendFrame(b"a")
    assert [b"a;"] == stage.transport.sent()
    stage.session.sendFrame(b"b")
    assert [b"b;"] == stage.transport.sent()


def test_sendFrames_is_one_write() -> None:
    stage = staged()
    stage.session.sendFrames(frame for frame in [b"a", b"b", b"c"])
    assert [b"a;b;c;"] == stage.transport.sent()


def test_sending_nothing_writes_nothing() -> None:
    stage = staged()
    stage.session.sendFrames([])
    stage.session.sendBytes(b"")
    assert [] == stage.transport.sent()


def test_sendBytes_sends_outside_of_any_framing() -> None:
    stage = staged()
    stage.session.sendBytes(b"login: ")
    assert [b"login: "] == stage.transport.sent()


def test_frames_are_sent_with_the_reply_framing_where_there_is_one() -> None:
    stage = staged(reply_framing=Delimited(b"\r"))
    stage.session.on_frame = stage.session.sendFrame
    stage.receive(b"a;")
    assert [b"a\r"] == stage.transport.sent()


def test_frames_that_were_accepted_are_counted() -> None:
    stage = staged()
    stage.session.sendFrame(b"a")
    stage.session.sendFrames([b"b", b"c"])
    with pytest.raises(EncodeError):
        stage.session.sendFrame(TOO_LONG)
    with pytest.raises(EncodeError):
        stage.session.sendFrames([b"d", TOO_LONG])
    assert 3 == stage.session.frames_sent


def test_a_large_frame_is_handed_over_in_pieces() -> None:
    stage = staged(BigSpy)
    frame = bytes(range(1, 59)) * 5000
    stage.session.sendFrame(frame)
    stage.settle()
    assert [PIECE, PIECE, PIECE, PIECE, len(frame) + 1 - 4 * PIECE] == [*map(len, stage.transport.sent())]
    assert frame + b";" == stage.transport.received


def test_a_large_frame_behind_a_header_is_not_copied_to_be_sent() -> None:
    stage = staged(BigSpy, framing=LengthPrefixed(4, max_frame=16 * MIB))
    frame = bytes(range(256)) * (16 * MIB // 256)
    stage.transport.appetite = 0
    stage.session.sendFrame(b"before")
    tracemalloc.start()
    try:
        stage.session.sendFrame(frame)
        held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    stage.session.sendFrame(b"behind")
    stage.transport.appetite = MIB
    stage.settle()
    assert held < MIB
    expected = [stage.session.framing.encode(each) for each in (b"before", frame, b"behind")]
    assert b"".join(expected) == stage.transport.received


def test_a_large_frame_that_the_framing_cannot_carry_is_refused_and_nothing_is_sent() -> None:
    stage = staged(BigSpy, framing=LengthPrefixed(4))
    with pytest.raises(EncodeError, match="exceeds max_frame"):
        stage.session.sendFrame(bytes(MIB + 1))
    assert ([], 0) == (stage.transport.sent(), stage.session.frames_sent)


def test_the_transport_never_holds_more_than_its_buffer_and_one_piece() -> None:
    stage = staged(BigSpy)
    stage.transport.appetite = 0
    stage.session.sendFrame(b"x" * MIB)
    assert stage.transport.BUFFER + PIECE >= sum(map(len, stage.transport.sent()))


@given(st.lists(st.integers(0, 3 * PIECE), max_size=6), st.integers(1, 4 * PIECE))
def test_whatever_the_sizes_and_the_speed_the_peer_reads_what_was_sent(
    sizes: list[int], appetite: int
) -> None:
    stage = staged(BigSpy)
    stage.transport.appetite = max(appetite, sum(sizes) // 1000)
    expected = b""
    for index, size in enumerate(sizes):
        data = bytes([65 + index]) * size
        expected += data
        stage.session.sendBytes(data)
        stage.turn()
    stage.settle()
    assert expected == stage.transport.received


# -- what is refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", [TOO_LONG, b"a;b"])
def test_a_frame_that_the_framing_cannot_carry_is_refused_and_nothing_is_sent(frame: bytes) -> None:
    stage = staged()
    with pytest.raises(EncodeError):
        stage.session.sendFrame(frame)
    with pytest.raises(EncodeError):
        stage.session.sendFrames([b"good", frame])
    assert [] == stage.transport.sent()
    stage.session.sendFrame(b"good")
    assert [b"good;"] == stage.transport.sent()


def test_an_EncodeError_in_a_handler_is_that_handlers_failure(logged: Logged) -> None:
    stage = staged()
    stage.session.on_frame = lambda frame: stage.session.sendFrame(TOO_LONG)
    stage.receive(b"a;")
    assert [f"{PEER}: a handler of Spy failed; this session is closed (EncodeError)"] == logged.failures()


SENDING: list[Callable[[Any], None]] = [
    lambda session: session.sendFrame(b"a"),
    lambda session: session.sendFrames([b"a"]),
    lambda session: session.sendFrames([]),
    lambda session: session.sendBytes(b"a"),
]


@pytest.mark.parametrize("send", SENDING)
def test_sending_before_there_is_a_connection_is_refused(send: Callable[[Any], None]) -> None:
    with pytest.raises(SessionClosed, match="no peer yet: the session is not ready yet; nothing was sent"):
        send(Spy())


@pytest.mark.parametrize("send", SENDING)
def test_sending_before_TLS_is_established_is_refused(send: Callable[[Any], None]) -> None:
    stage = staged(transport=TLSTransport())
    with pytest.raises(SessionClosed, match=f"{PEER}: the session is not ready yet; nothing was sent"):
        send(stage.session)
    assert [] == stage.transport.sent()


@pytest.mark.parametrize("send", SENDING)
@pytest.mark.parametrize("end", ["close", "abort"])
def test_sending_after_the_end_is_refused_with_its_reason(send: Callable[[Any], None], end: str) -> None:
    stage = staged()
    stage.session.on_lost = lambda reason: refuse()

    def refuse() -> None:
        with pytest.raises(SessionClosed, match=f"{PEER}: the shift is over; nothing was sent"):
            send(stage.session)

    getattr(stage.session, end)("the shift is over")
    refuse()
    stage.settle()
    refuse()
    assert [Lost("the shift is over")] == stage.session.seen
    assert [] == stage.transport.sent()


def test_sending_after_the_peer_went_is_refused_with_the_reason() -> None:
    stage = staged()
    stage.transport.break_off(ConnectionLost())
    with pytest.raises(SessionClosed, match=f"{PEER}: the connection broke: .*; nothing was sent"):
        stage.session.sendFrame(b"a")


def send_until_refused(stage: Stage, size: int) -> int:
    """Send frames until the session is over; return how many it took."""
    for sent in range(1000):
        try:
            stage.session.sendFrame(b"x" * size)
        except SessionClosed:
            return sent
    raise AssertionError("no frame was refused")


# -- a peer that does not read ----------------------------------------------------------------------------


def test_a_peer_that_does_not_read_is_not_read_from_either_until_it_does() -> None:
    stage = replying(b"x" * 100 * KIB)
    stage.transport.appetite = 0
    stage.receive(*[b"a;"] * 10)
    assert not stage.transport.reading
    assert 10 > len(stage.session.seen)
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
    assert 256 * KIB <= unread <= 256 * KIB + PIECE


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
    assert 5 > len(stage.session.seen)
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


def test_memory_is_bounded_whatever_the_handler_makes_of_a_request() -> None:
    waiting: list[int] = []

    def amplify(frame: bytes) -> None:
        stage.session.sendBytes(b"x" * 64 * KIB)
        waiting.append(stage.session._outgoing.waiting)

    stage = staged(BigSpy)
    stage.session.on_frame = amplify
    stage.transport.appetite = 100 * KIB
    stage.receive(*[b"a;" * 1000] * 3)
    assert 3000 == len(stage.session.seen)
    assert 256 * KIB + 64 * KIB >= max(waiting)


def test_more_than_unread_abort_aborts_at_once() -> None:
    stage = staged(BigSpy)
    stage.transport.appetite = 0
    sent = send_until_refused(stage, 64 * KIB)
    stage.settle()
    (lost,) = stage.session.seen
    assert "aborted" == stage.transport.ended
    waiting = (sent - 1) * (64 * KIB + 1)  # for the transport took the first
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


def test_a_handler_whose_replies_abort_the_session_is_not_the_culprit(logged: Logged) -> None:
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


# -- closing with something left to send ------------------------------------------------------------------


def test_close_delivers_what_waits() -> None:
    stage = staged(BigSpy)
    frame = b"x" * MIB
    stage.session.sendFrame(frame)
    stage.session.close()
    stage.settle()
    assert frame + b";" == stage.transport.received
    assert [Lost("closed here")] == stage.session.seen
    assert "closed" == stage.transport.ended


def test_close_in_a_handler_delivers_what_the_handler_sent() -> None:
    def answer_and_close(frame: bytes) -> None:
        stage.session.sendFrame(b"bye")
        stage.session.close()

    stage = staged()
    stage.session.on_frame = answer_and_close
    stage.receive(b"a;b;")
    assert b"bye;" == stage.transport.received


def test_close_waits_for_a_slow_reader() -> None:
    stage = staged(BigSpy)
    stage.transport.appetite = 0
    stage.session.sendFrame(b"x" * MIB)
    stage.session.close()
    for _ in range(20):
        stage.wait(8.0)
        stage.transport.appetite = None
        stage.turn()
        stage.transport.appetite = 0
    stage.settle()
    assert MIB + 1 == len(stage.transport.received)
    assert [Lost("closed here")] == stage.session.seen


def test_close_aborts_a_peer_that_takes_nothing_of_the_rest() -> None:
    stage = staged(BigSpy)
    stage.transport.appetite = 0
    stage.session.sendFrame(b"x" * 200 * KIB)
    stage.session.close("the shift is over")
    stage.wait(9.9)
    assert [] == stage.session.seen
    stage.wait(0.2)
    assert [Lost("the shift is over; the peer took nothing of the rest for 10 s")] == stage.session.seen
    assert "aborted" == stage.transport.ended


def test_a_handed_over_rest_is_not_waited_for_longer_either() -> None:
    stage = staged(BigSpy)
    stage.transport.appetite = 0
    stage.session.sendFrame(b"x" * 10 * KIB)
    stage.session.close("the shift is over")
    stage.wait(10.1)
    assert [Lost("the shift is over; the peer took nothing of the rest for 10 s")] == stage.session.seen


def test_abort_drops_what_waits() -> None:
    stage = staged(BigSpy)
    stage.session.sendFrame(b"x" * MIB)
    stage.session.abort()
    stage.settle()
    assert b"" == stage.transport.received
    assert [Lost("aborted here")] == stage.session.seen


def test_abort_ends_a_polite_close() -> None:
    stage = staged(BigSpy)
    stage.transport.appetite = 0
    stage.session.sendFrame(b"x" * MIB)
    stage.session.close("politely")
    stage.session.abort("at once")
    stage.settle()
    assert [Lost("at once")] == stage.session.seen


def test_abort_closes_a_transport_that_cannot_abort() -> None:
    class Pipe(Transport):
        abortConnection = property()

    stage = staged(BigSpy, transport=Pipe())
    stage.session.sendFrame(b"x" * 10 * KIB)
    stage.session.abort("at once")
    stage.session.abort("again")
    stage.settle()
    assert "closed" == stage.transport.ended
    assert [Lost("at once")] == stage.session.seen


@pytest.mark.parametrize("hold", ["the user", "the peer"])
@pytest.mark.parametrize("transport", [Transport, TLSTransport])
def test_a_session_that_was_not_reading_can_be_closed(hold: str, transport: Callable[[], Any]) -> None:
    stage = staged(BigSpy, transport=transport())
    if isinstance(stage.transport, TLSTransport):
        stage.transport.complete_handshake()
    if hold == "the user":
        stage.session.pauseProducing()
    else:
        stage.transport.appetite = 0
        stage.session.sendFrame(b"x" * 400 * KIB)
    stage.settle()
    assert not stage.transport.reading
    stage.session.close("the shift is over")
    stage.transport.appetite = None
    stage.settle()
    assert [Lost("the shift is over")] == stage.session.seen


def test_a_closing_session_reads_on_so_that_a_peer_that_only_sends_comes_to_read() -> None:
    stage = replying(b"x" * 400 * KIB)
    stage.transport.appetite = 0
    stage.receive(b"a;", b"b;", b"c;")
    assert not stage.transport.reading
    stage.session.close()
    stage.settle()
    assert [] == stage.transport._arriving
    assert [b"a"] == stage.session.seen


# -- the producer -----------------------------------------------------------------------------------------


def test_a_session_is_told_to_stop_by_a_transport_that_is_gone_already() -> None:
    class Gone(Transport):
        def registerProducer(self, producer: Any, streaming: bool) -> None:
            super().registerProducer(producer, streaming)
            producer.stopProducing()

    stage = staged(transport=Gone())
    stage.session.sendFrame(b"a")
    assert [] == stage.transport.sent()
    stage.transport.break_off(ConnectionLost())
    assert 1 == len(stage.session.seen)


def test_a_transport_without_producers_is_written_to_at_once() -> None:
    class Simple(Transport):
        registerProducer = unregisterProducer = property()

    stage = staged(BigSpy, transport=Simple())
    stage.session.sendFrame(b"x" * MIB)
    stage.session.close()
    stage.settle()
    assert MIB + 1 == len(stage.transport.received)
    assert [Lost("closed here")] == stage.session.seen


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
            unread = stage.session._outgoing.waiting
            assert stage.transport.lost or unread <= 4 * MIB
            assert stage.transport.lost or stage.transport.reading == (not stage.session._throttled)
        stage.transport.appetite = None
        stage.settle()
        assert sum(size for size, _ in script) == len(stage.transport.received)
