"""Sending: the number of writes, and refusals."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.error import ConnectionLost

from tcpcomm.errors import EncodeError, SessionClosed
from tcpcomm.framing import Delimited, LengthPrefixed
from tcpcomm.session.send_buffer import SEND_CHUNK
from tests.session.spies import MIB, BigSpy
from tests.session.stage import (
    PEER,
    TOO_LONG,
    Logged,
    Lost,
    Spy,
    Stage,
    TLSTransport,
    Transport,
    staged,
)


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
    sizes = [len(each) for each in stage.transport.sent()]
    assert [SEND_CHUNK] * 4 + [len(frame) + 1 - 4 * SEND_CHUNK] == sizes
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
    assert sum(map(len, stage.transport.sent())) <= stage.transport.BUFFER + SEND_CHUNK


@given(st.lists(st.integers(0, 3 * SEND_CHUNK), max_size=6), st.integers(1, 4 * SEND_CHUNK))
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
