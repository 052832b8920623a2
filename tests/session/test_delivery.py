"""Delivery: the frames and faults, their order, and the end of delivery."""

from __future__ import annotations

from sys import getrefcount
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransportWithDisconnection

from tcpcomm import FrameFactory, FrameProtocol
from tcpcomm.errors import EncodeError, FrameTooLong, UnexpectedBytes
from tcpcomm.framing import Buffer, Decoder, Delimited, Enclosed, Framing, LengthPrefixed
from tcpcomm.testing import chunkings
from tests.session.stage import (
    PEER,
    TOO_LONG,
    BatchSpy,
    Fault,
    Logged,
    Lost,
    Spy,
    Stage,
    recorded_log,
    staged,
)

# -- frames and batches -----------------------------------------------------------------------------------


def test_frames_of_one_chunk_are_delivered_in_order() -> None:
    stage = staged()
    stage.receive(b"a;b;c;")
    assert [b"a", b"b", b"c"] == stage.session.seen


def test_a_frame_in_pieces_is_delivered_when_its_last_byte_came() -> None:
    stage = staged()
    stage.receive(b"he", b"llo")
    assert [] == stage.session.seen
    stage.receive(b";")
    assert [b"hello"] == stage.session.seen


def test_framesReceived_is_given_all_that_one_chunk_completes() -> None:
    stage = staged(BatchSpy)
    stage.receive(b"a;b", b";", b"c;d;e")
    assert [[b"a"], [b"b"], [b"c", b"d"]] == stage.session.seen


def test_framesReceived_is_not_called_without_frames() -> None:
    stage = staged(BatchSpy)
    stage.receive(b"a", b"b")
    assert [] == stage.session.seen


def test_frames_that_were_delivered_are_counted() -> None:
    stage = staged()
    stage.receive(b"a;b;c;", TOO_LONG + b";d;")
    assert 4 == stage.session.frames_received


def test_frames_that_wait_or_are_dropped_are_not_counted_as_delivered() -> None:
    stage = staged()
    stage.session.on_frame = lambda frame: stage.session.close() if frame == b"b" else None
    stage.receive(b"a;b;c;")
    assert 2 == stage.session.frames_received


def test_frames_behind_a_failed_handler_are_not_counted_as_delivered(logged: Logged) -> None:
    stage = staged()
    stage.session.on_frame = lambda frame: 1 / 0
    stage.receive(b"a;b;c;")
    assert 1 == stage.session.frames_received
    logged.failures()


# -- pausing and resuming ---------------------------------------------------------------------------------


def test_nothing_is_delivered_while_paused() -> None:
    stage = staged()
    stage.session.pauseProducing()
    stage.session.dataReceived(b"a;")
    assert [] == stage.session.seen
    stage.session.resumeProducing()
    assert [b"a"] == stage.session.seen


def test_pausing_outside_a_handler_stops_reading() -> None:
    stage = staged()
    stage.session.pauseProducing()
    assert not stage.transport.reading
    stage.session.resumeProducing()
    assert stage.transport.reading


def test_pausing_in_a_handler_stops_delivery_at_the_next_frame_and_reading() -> None:
    stage = staged()
    stage.session.on_frame = lambda frame: stage.session.pauseProducing()
    stage.receive(b"a;b;c;")
    assert [b"a"] == stage.session.seen
    assert not stage.transport.reading
    stage.session.resumeProducing()
    assert [b"a", b"b"] == stage.session.seen


def test_pausing_and_resuming_in_a_handler_changes_nothing() -> None:
    def pause_and_resume(frame: bytes) -> None:
        stage.session.pauseProducing()
        stage.session.resumeProducing()
        stage.session.seen.append(f"after {frame.decode()}")

    stage = staged()
    stage.session.on_frame = pause_and_resume
    stage.receive(b"a;b;")
    assert [b"a", "after a", b"b", "after b"] == stage.session.seen
    assert stage.transport.reading


def test_a_session_paused_when_it_becomes_ready_delivers_nothing() -> None:
    stage = Stage()
    stage.session.on_ready = stage.session.pauseProducing
    stage.connect()
    assert not stage.transport.reading
    stage.session.dataReceived(b"a;")
    assert [] == stage.session.seen


def test_an_end_of_input_behind_a_pause_is_reported_after_the_waiting_frames() -> None:
    stage = staged()
    stage.session.on_frame = lambda frame: stage.session.pauseProducing()
    stage.session.dataReceived(b"a;b;")
    stage.session.readConnectionLost()
    assert [b"a"] == stage.session.seen
    stage.session.resumeProducing()
    stage.session.resumeProducing()
    assert [b"a", b"b", "input ended"] == stage.session.seen


# -- closing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["close", "abort"])
def test_nothing_is_delivered_after_the_end(end: str) -> None:
    stage = staged()
    stage.session.on_frame = lambda frame: getattr(stage.session, end)("enough")
    stage.receive(b"a;b;", b"c;")
    assert [b"a", Lost("enough")] == stage.session.seen


def test_nothing_is_delivered_while_a_polite_close_waits() -> None:
    stage = staged()
    stage.transport.appetite = 0
    stage.session.sendBytes(b"x" * 100_000)
    stage.session.close()
    stage.receive(b"a;", b"b;")
    assert [] == stage.session.seen


def test_bytes_that_arrive_while_a_polite_close_waits_are_not_kept() -> None:
    stage = staged()
    stage.transport.appetite = 0
    stage.session.sendBytes(b"x" * 100_000)
    stage.session.close()
    chunk = bytes(10_000)
    references = getrefcount(chunk)
    stage.receive(*[chunk] * 100)
    assert [] == stage.transport._arriving
    assert references == getrefcount(chunk)


def test_close_in_the_midst_of_faults_and_frames_ends_both(logged: Logged) -> None:
    stage = staged()
    stage.session.on_fault = lambda fault: stage.session.close("enough")
    stage.receive(b"a;" + TOO_LONG + b";b;" + TOO_LONG + b";")
    assert [b"a", Fault(FrameTooLong), Lost("enough")] == stage.session.seen


def test_sessionLost_is_called_once_with_the_first_reason() -> None:
    stage = staged()
    stage.session.close("first")
    stage.session.close("second")
    stage.settle()
    assert [Lost("first")] == stage.session.seen


def test_the_reason_of_an_abort_is_kept() -> None:
    stage = staged()
    stage.session.abort("first")
    stage.session.abort("second")
    stage.session.close("third")
    stage.settle()
    assert [Lost("first")] == stage.session.seen


def test_a_session_may_be_closed_and_aborted_in_sessionLost() -> None:
    stage = staged()

    def again(reason: str) -> None:
        stage.session.close()
        stage.session.abort()

    stage.session.on_lost = again
    stage.session.abort("first")
    stage.settle()
    assert [Lost("first")] == stage.session.seen


@pytest.mark.parametrize("end", ["close", "abort"])
def test_a_transport_may_be_lost_at_once_when_it_is_closed(end: str) -> None:
    session: Any = FrameFactory(Spy, clock=Clock()).buildProtocol(None)
    session.on_frame = lambda frame: getattr(session, end)("enough")
    transport = StringTransportWithDisconnection()
    transport.protocol = session
    session.makeConnection(transport)
    session.dataReceived(b"a;b;")
    assert [b"a", Lost("enough")] == session.seen


# -- faults -----------------------------------------------------------------------------------------------


def test_faults_are_reported_in_order_between_the_frames() -> None:
    stage = staged()
    stage.receive(b"a;" + TOO_LONG + b";b;c;" + TOO_LONG + TOO_LONG, b";d;")
    assert [
        b"a",
        Fault(FrameTooLong),
        b"b",
        b"c",
        Fault(FrameTooLong),
        b"d",
    ] == stage.session.seen


def test_a_pause_holds_back_a_fault_and_all_behind_it() -> None:
    stage = staged()
    stage.session.on_frame = lambda frame: stage.session.pauseProducing() if frame == b"a" else None
    stage.receive(b"a;" + TOO_LONG + b";b;")
    assert [b"a"] == stage.session.seen
    stage.session.resumeProducing()
    assert [b"a", Fault(FrameTooLong), b"b"] == stage.session.seen


def test_an_unrecoverable_fault_is_reported_and_then_closes_the_session() -> None:
    class Headed(Spy):
        framing = LengthPrefixed(2, max_frame=8)

    stage = staged(Headed)
    stage.receive(b"\0\1a\xff\xffxxxx\0\1b")
    assert [b"a", Fault(FrameTooLong)] == stage.session.seen[:2]
    (lost,) = stage.session.seen[2:]
    assert lost.reason.startswith("the framing was broken: ")
    assert "closed" == stage.transport.ended


def test_framingFailed_may_give_its_own_reason_for_an_unrecoverable_fault() -> None:
    class Headed(Spy):
        framing = LengthPrefixed(2, max_frame=8)

    stage = staged(Headed)
    stage.session.on_fault = lambda fault: stage.session.close("your header is wrong")
    stage.receive(b"\xff\xffxxxx")
    assert [Fault(FrameTooLong), Lost("your header is wrong")] == stage.session.seen


def test_framingFailed_logs_the_first_fault_and_then_one_line_in_ten_seconds(logged: Logged) -> None:
    class Plain(Spy):
        framingFailed = FrameProtocol.framingFailed

    stage = staged(Plain)
    stage.receive(*[TOO_LONG + b";"] * 3)
    (first,) = logged.lines()
    assert first.startswith(f"{PEER}: ")
    assert "max_frame=16" in first
    stage.wait(9.9)
    stage.receive(TOO_LONG + b";")
    assert [] == logged.lines()
    stage.wait(0.2)
    stage.receive(TOO_LONG + b";")
    (second,) = logged.lines()
    assert second.endswith(", and 3 more")


def test_faults_without_a_log_line_are_counted_at_the_end(logged: Logged) -> None:
    class Plain(Spy):
        framingFailed = FrameProtocol.framingFailed

    stage = staged(Plain)
    stage.receive(*[TOO_LONG + b";"] * 3)
    logged.lines()
    stage.session.close()
    stage.settle()
    assert [f"{PEER}: 2 more faults"] == logged.lines()


def test_a_decoder_that_crashes_costs_the_session_only(logged: Logged) -> None:
    class Crashing(Decoder):
        def cut(self, buffer: Buffer, position: int) -> int:
            raise ZeroDivisionError("division by zero")

    class Broken(Delimited):
        def decoder(self) -> Decoder:
            return Crashing()

    stage = staged(framing=Broken(b";"))
    stage.receive(b"a;")
    assert [Lost("a handler failed: ZeroDivisionError: division by zero")] == (
        stage.session.seen
    )
    assert 1 == len(logged.failures())


def test_a_framing_that_cannot_make_a_decoder_costs_the_session_only(logged: Logged) -> None:
    class Broken(Delimited):
        def decoder(self) -> Decoder:
            raise ValueError("no decoder today")

    stage = staged(framing=Broken(b";"))
    stage.settle()
    assert stage.transport.lost
    assert [f"{PEER}: a handler of Spy failed; this session is closed (ValueError)"] == logged.failures()
    assert set() == stage.factory.sessions


# -- re-entrancy ------------------------------------------------------------------------------------------


def test_bytes_that_arrive_within_a_handler_are_delivered_after_the_waiting_frames() -> None:
    stage = staged()
    stage.session.on_frame = lambda frame: stage.session.dataReceived(b"c;") if frame == b"a" else None
    stage.receive(b"a;b;")
    assert [b"a", b"b", b"c"] == stage.session.seen


def test_handlers_are_not_entered_again() -> None:
    depth: list[int] = [0]

    def handle(frame: bytes) -> None:
        depth[0] += 1
        assert 1 == depth[0]
        stage.session.dataReceived(b"")
        stage.session.resumeProducing()
        stage.session.sendFrame(frame)
        depth[0] -= 1

    stage = staged()
    stage.session.on_frame = handle
    stage.receive(b"a;b;c")
    assert [b"a", b"b"] == stage.session.seen


def test_a_connection_lost_within_a_handler_ends_delivery() -> None:
    stage = staged()
    stage.session.on_frame = lambda frame: stage.transport.break_off(ConnectionLost())
    stage.receive(b"a;b;")
    first, lost = stage.session.seen
    assert b"a" == first
    assert isinstance(lost, Lost)
    assert 1 == stage.session.frames_received


HARMLESS = ("nothing", "pause", "pause and resume", "send", "receive more", "await")
ENDS = {"close", "abort", "raise"}

messages = st.one_of(st.binary(max_size=16).map(lambda data: data.replace(b";", b":")), st.just(TOO_LONG))


@st.composite
def conversations(draw: st.DrawFn) -> tuple[list[bytes], list[bytes], list[str]]:
    """Draw messages, some of them too long, their chunks, and the action at each message."""
    wire = draw(st.lists(messages, max_size=8))
    data = b"".join(each + b";" for each in wire)
    chunks = draw(chunkings(data))
    harmless, ends = st.sampled_from(HARMLESS), st.sampled_from(sorted(ENDS))
    actions = draw(st.lists(st.one_of(harmless, harmless, harmless, ends), min_size=8, max_size=8))
    return wire, chunks, actions


@pytest.mark.parametrize("batches", [False, True])
@settings(max_examples=400)
@given(conversation=conversations())
def test_each_message_is_delivered_once_in_order_and_none_while_held(
    conversation: tuple[list[bytes], list[bytes], list[str]], batches: bool
) -> None:
    wire, chunks, actions = conversation
    expected = [Fault(FrameTooLong) if each == TOO_LONG else each for each in wire]
    done: list[str] = []
    happened: list[object] = []
    replies: list[bytes] = []
    awaited: list[Deferred[None]] = []
    paused = False
    stage = Stage()
    session, transport = stage.session, stage.transport

    def handle(*delivered: object) -> Deferred[None] | None:
        nonlocal paused
        assert not paused
        assert not ENDS & {*done}
        happened.extend(delivered)
        action = actions[len(done)]
        done.append(action)
        match action:
            case "pause":
                session.pauseProducing()
                paused = True
            case "pause and resume":
                session.pauseProducing()
                session.resumeProducing()
            case "send":
                replies.append(b"%d" % len(happened))
                session.sendFrame(replies[-1])
            case "receive more" if transport._arriving:
                session.dataReceived(transport._arriving.pop(0))
            case "await":
                awaited.append(Deferred())
                return awaited[-1]
            case "close" | "abort":
                getattr(session, action)("enough")
            case "raise":
                raise ValueError("enough")
        return None

    session.on_frame = handle
    session.on_fault = lambda fault: handle(Fault(type(fault)))
    if batches:
        session.framesReceived = lambda frames: handle(*frames)
    with recorded_log() as logged:
        stage.connect()
        transport.arrive(*chunks)
        for _ in range(len(wire) + len(chunks) + 1):
            stage.settle()
            if paused and not transport.lost:
                assert not transport.reading
                paused = False
                session.resumeProducing()
            if awaited:
                awaited.pop().callback(None)
        assert done.count("raise") == len(logged.failures())
    ended = bool(ENDS & {*done})
    assert ended == transport.lost
    assert expected[: len(happened)] == happened
    assert ended or len(expected) == len(happened)
    if "abort" not in done:
        assert b"".join(reply + b";" for reply in replies) == bytes(transport.received)


# -- being a producer for others --------------------------------------------------------------------------


def test_stopProducing_closes_the_session() -> None:
    stage = staged()
    stage.session.stopProducing()
    stage.settle()
    assert [Lost("closed here")] == stage.session.seen


# -- framings of other kinds, driven by a session ---------------------------------------------------------


@settings(max_examples=100)
@given(st.data())
def test_a_session_delivers_the_frames_of_its_decoder(data: st.DataObject) -> None:
    framing: Framing = data.draw(
        st.sampled_from([LengthPrefixed(1, max_frame=16), Enclosed(max_frame=16), Delimited(b"\r\n")])
    )
    frames = data.draw(st.lists(st.binary(max_size=8).filter(lambda frame: sendable(framing, frame))))
    stage = staged(framing=framing)
    stage.receive(*data.draw(chunkings(framing.encode_many(frames))))
    assert frames == stage.session.seen


def sendable(framing: Framing, frame: bytes) -> bool:
    try:
        framing.encode(frame)
    except EncodeError:
        return False
    return True


def test_garbage_between_enclosed_frames_is_reported_and_the_session_lives() -> None:
    stage = staged(framing=Enclosed())
    stage.receive(b"junk\x02a\x03\x02b\x03")
    assert [Fault(UnexpectedBytes), b"a", b"b"] == stage.session.seen
    assert not stage.transport.lost
