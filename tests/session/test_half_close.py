"""The end of the input: the last frames, the last answers, and the end of the session."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IHalfCloseableProtocol

from tcpcomm import FrameProtocol, Limits
from tcpcomm.errors import TruncatedFrame
from tcpcomm.framing import Framing, LengthPrefixed, Lines, Unframed
from tests.session.stage import TOO_LONG, Fault, Logged, Lost, Spy, Stage, TLSTransport, staged

FINISHED = Lost("the peer hung up")
CUT_SHORT = Lost("the peer hung up, in the middle of a frame")


class GapSpy(Spy):
    """Ends frames after 50 ms of silence, too."""

    framing: Framing = Lines(max_frame=16)
    gap = 0.05


def over_tls(**options: Any) -> Stage:
    """Return a connected stage with a transport that has no half-close."""
    transport = TLSTransport()
    stage = staged(transport=transport, **options)
    transport.complete_handshake()
    return stage


def test_a_session_learns_of_half_closes() -> None:
    assert IHalfCloseableProtocol.implementedBy(FrameProtocol)


def test_a_peer_that_has_finished_sending_is_closed() -> None:
    stage = staged()
    stage.receive(b"a;")
    stage.transport.end_input()
    stage.settle()
    assert [b"a", "input ended", FINISHED] == stage.session.seen
    assert "closed" == stage.transport.ended


def test_the_reply_to_the_last_frame_is_delivered() -> None:
    stage = staged()
    stage.session.on_frame = stage.session.sendFrame
    stage.transport.arrive(b"a;b;")
    stage.transport.end_input()
    stage.settle()
    assert b"a;b;" == stage.transport.received


def test_a_large_reply_is_delivered_to_a_peer_that_has_finished_sending() -> None:
    stage = staged()
    stage.session.on_frame = lambda frame: stage.session.sendBytes(b"x" * 1_000_000)
    stage.transport.appetite = 10_000
    stage.transport.arrive(b"a;")
    stage.transport.end_input()
    stage.settle()
    assert 1_000_000 == len(stage.transport.received)
    assert [b"a", "input ended", FINISHED] == stage.session.seen


def test_the_session_waits_for_late_replies() -> None:
    gates: dict[bytes, Deferred[None]] = {b"a": Deferred(), b"b": Deferred()}

    async def answer(frame: bytes) -> None:
        await gates[frame]
        stage.session.sendFrame(frame)

    stage = staged()
    stage.session.on_frame = answer
    stage.transport.arrive(b"a;b;")
    stage.transport.end_input()
    stage.wait(60.0)
    assert [b"a", b"b"] == stage.session.seen
    gates[b"b"].callback(None)
    stage.wait(60.0)
    assert [b"a", b"b"] == stage.session.seen
    gates[b"a"].callback(None)
    stage.settle()
    assert b"b;a;" == stage.transport.received
    assert [b"a", b"b", "input ended", FINISHED] == stage.session.seen


def test_a_frame_that_the_end_cuts_short_is_reported_and_not_delivered() -> None:
    stage = staged()
    stage.transport.arrive(b"a;hal")
    stage.transport.end_input()
    stage.settle()
    assert [b"a", Fault(TruncatedFrame), "input ended", CUT_SHORT] == stage.session.seen


def test_a_frame_that_is_cut_short_does_not_cut_off_late_replies() -> None:
    gate: Deferred[None] = Deferred()

    async def answer(frame: bytes) -> None:
        await gate
        stage.session.sendFrame(frame)

    stage = staged()
    stage.session.on_frame = answer
    stage.transport.arrive(b"a;hal")
    stage.transport.end_input()
    stage.wait(60.0)
    assert [b"a", Fault(TruncatedFrame)] == stage.session.seen
    gate.callback(None)
    stage.settle()
    assert b"a;" == stage.transport.received
    assert [b"a", Fault(TruncatedFrame), "input ended", CUT_SHORT] == stage.session.seen


def test_a_broken_stream_is_closed_before_its_end_is_reported() -> None:
    stage = staged(framing=LengthPrefixed(2, max_frame=8))
    stage.transport.arrive(b"\xff\xff")
    stage.transport.end_input()
    stage.settle()
    fault, lost = stage.session.seen
    assert isinstance(fault, Fault)
    assert lost.reason.startswith("the framing was broken: ")


def test_a_naive_peer_that_sends_hello_and_ends_is_answered() -> None:
    stage = staged(GapSpy)
    stage.session.on_frame = lambda frame: stage.session.sendBytes(b"Echo: " + frame)
    stage.transport.arrive(b"Hello")
    stage.transport.end_input()
    stage.settle()
    assert b"Echo: Hello" == stage.transport.received
    assert [b"Hello", "input ended", FINISHED] == stage.session.seen
    assert [] == stage.clock.getDelayedCalls()


def test_a_joined_message_ends_with_the_input() -> None:
    stage = staged(framing=Unframed(join=True), gap=0.05)
    stage.transport.arrive(b"Hel", b"lo")
    stage.transport.end_input()
    stage.settle()
    assert [b"Hello", "input ended", FINISHED] == stage.session.seen


def test_a_gap_framing_that_needs_more_bytes_tells_of_the_half_frame() -> None:
    stage = staged(framing=LengthPrefixed(4), gap=0.05)
    stage.transport.arrive(b"\0\0\0\5Hel")
    stage.transport.end_input()
    stage.settle()
    assert [Fault(TruncatedFrame), "input ended", FINISHED] == stage.session.seen


def test_a_lone_return_at_the_end_completes_a_kept_line() -> None:
    stage = staged(framing=Lines(keep_ends=True))
    stage.transport.arrive(b"Hello\r")
    stage.transport.end_input()
    stage.settle()
    assert [b"Hello\r", "input ended", FINISHED] == stage.session.seen


def test_a_pause_holds_back_the_frames_that_the_end_completes() -> None:
    stage = staged(GapSpy)
    stage.receive(b"Hello")
    stage.session.pauseProducing()
    stage.transport.end_input()
    stage.wait(1.0)
    assert [] == stage.session.seen
    stage.session.resumeProducing()
    stage.settle()
    assert [b"Hello", "input ended", FINISHED] == stage.session.seen


class Staying(Spy):
    """Keeps its peer after the end of the input, because replies come from elsewhere."""

    def inputEnded(self) -> None:
        self.seen.append("input ended")


def test_inputEnded_may_keep_the_session() -> None:
    stage = staged(Staying)
    stage.transport.end_input()
    stage.wait(60.0)
    stage.session.sendFrame(b"news")
    stage.settle()
    assert b"news;" == stage.transport.received
    assert ["input ended"] == stage.session.seen
    stage.session.close("all is told")
    stage.settle()
    assert ["input ended", Lost("all is told")] == stage.session.seen


def test_a_kept_session_ends_when_it_was_idle_too_long() -> None:
    stage = staged(Staying, limits=Limits(idle=30.0))
    stage.transport.end_input()
    stage.wait(30.1)
    assert ["input ended", Lost("the peer was silent for 30 s")] == stage.session.seen


def test_a_kept_session_with_half_a_frame_is_not_overdue() -> None:
    stage = staged(Staying)
    stage.transport.arrive(b"hal")
    stage.transport.end_input()
    stage.wait(60.0)
    assert [Fault(TruncatedFrame), "input ended"] == stage.session.seen


def test_a_kept_session_that_its_peer_does_not_read_is_aborted() -> None:
    stage = staged(Staying)
    stage.transport.end_input()
    stage.settle()
    stage.transport.appetite = 0
    stage.session.sendBytes(b"x" * 100_000)
    stage.wait(10.1)
    assert ["input ended", Lost("the peer does not read: it took nothing for 10 s")] == stage.session.seen


def test_a_session_that_is_throttled_at_the_end_of_input_finishes_waiting_frames() -> None:
    stage = staged()
    stage.session.on_frame = lambda frame: stage.session.sendBytes(b"x" * 400_000)
    stage.transport.appetite = 0
    stage.session.dataReceived(b"a;b;c;")
    stage.session.readConnectionLost()
    assert [b"a"] == stage.session.seen
    stage.transport.appetite = None
    stage.settle()
    assert [b"a", b"b", b"c", "input ended", FINISHED] == stage.session.seen
    assert 1_200_000 == len(stage.transport.received)


def test_pausing_and_resuming_after_the_end_of_input_does_not_touch_the_transport() -> None:
    stage = staged(Staying)
    stage.transport.end_input()
    stage.settle()
    stage.session.pauseProducing()
    stage.session.resumeProducing()
    assert stage.transport.reading


def test_when_our_own_sending_side_is_shut_the_session_is_aborted() -> None:
    stage = staged()
    stage.session.writeConnectionLost()
    stage.settle()
    assert [Lost("the sending side of the connection is shut")] == stage.session.seen


# -- where there is no half-close -------------------------------------------------------------------------


def test_without_half_close_the_end_completes_the_same_frames() -> None:
    stage = over_tls(framing=Lines(), gap=0.05)
    stage.transport.arrive(b"one\ntwo")
    stage.transport.end_input()
    stage.settle()
    assert [b"one", b"two", Lost("the peer closed the connection")] == stage.session.seen


def test_without_half_close_a_frame_cut_short_is_reported_too() -> None:
    stage = over_tls()
    stage.transport.arrive(b"a;hal")
    stage.transport.end_input()
    stage.settle()
    assert [
        b"a",
        Fault(TruncatedFrame),
        Lost("the peer closed the connection, in the middle of a frame"),
    ] == stage.session.seen


def test_without_half_close_late_replies_are_cancelled() -> None:
    cancelled: list[str] = []
    stage = over_tls()
    stage.session.on_frame = lambda frame: Deferred(lambda _: cancelled.append("a"))
    stage.transport.arrive(b"a;")
    stage.transport.end_input()
    stage.settle()
    assert ["a"] == cancelled
    assert [b"a", Lost("the peer closed the connection")] == stage.session.seen


@pytest.mark.parametrize("action", ["sendFrame", "close", "abort", "fail"])
def test_a_handler_at_the_end_without_half_close_does_no_harm(action: str, logged: Logged) -> None:
    def handle(frame: bytes) -> None:
        if action == "fail":
            raise ValueError("enough")
        getattr(stage.session, action)("enough" if action != "sendFrame" else b"reply")

    stage = over_tls(framing=Lines(), gap=0.05)
    stage.session.on_frame = handle
    stage.transport.arrive(b"Hello")
    stage.transport.end_input()
    stage.settle()
    reason = {
        "sendFrame": "the peer closed the connection",
        "fail": "a handler failed: ValueError: enough",
    }.get(action, "enough")
    assert [b"Hello", Lost(reason)] == stage.session.seen
    assert (action == "fail") == len(logged.failures())
    assert [] == stage.clock.getDelayedCalls()


def test_a_connection_that_breaks_completes_nothing() -> None:
    stage = staged(GapSpy)
    stage.receive(b"Hello")
    stage.transport.break_off(ConnectionLost())
    broke = "the connection broke: the peer vanished, or closed without saying so"
    assert [Lost(f"{broke}, in the middle of a frame")] == stage.session.seen


def test_a_connection_that_breaks_while_a_frame_is_discarded_says_so_too() -> None:
    stage = staged()
    stage.receive(TOO_LONG)
    stage.transport.break_off(ConnectionLost())
    assert stage.session.seen[-1].reason.endswith(", in the middle of a frame")
