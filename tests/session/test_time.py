"""What time does to a session: gaps, half frames, idle peers, handshakes; and what it forgives itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock

from tcpcomm import FrameProtocol, Limits
from tcpcomm.alarm import Alarm
from tcpcomm.errors import FrameTooLong, TruncatedFrame
from tcpcomm.framing import (
    CHECKSUMS,
    Buffer,
    Decoder,
    Delimited,
    DleStuffed,
    Enclosed,
    FixedSize,
    Framing,
    LengthPrefixed,
    Lines,
    Stuffed,
    Unframed,
)
from tests.session.stage import PEER, TOO_LONG, Fault, Logged, Lost, ReactorClock, Spy, TLSTransport, staged

KIB = 1024


class GapSpy(Spy):
    """Frames also end after 50 ms of silence."""

    framing: Framing = Lines(max_frame=16)
    gap = 0.05


class LargeSpy(Spy):
    """Frames of any size, with a length."""

    framing: Framing = LengthPrefixed(4)


ENDS = "does it end its messages as we do?"
OVERDUE = "the peer began a frame and did not finish it within 5.0 s"

# -- gaps -------------------------------------------------------------------------------------------------


def test_a_gap_ends_a_frame() -> None:
    stage = staged(GapSpy)
    stage.receive(b"Hello")
    stage.wait(0.049)
    assert [] == stage.session.seen
    stage.wait(0.002)
    assert [b"Hello"] == stage.session.seen


def test_bytes_within_the_gap_continue_the_frame() -> None:
    stage = staged(GapSpy)
    for each in b"Hello":
        stage.receive(bytes([each]))
        stage.wait(0.04)
    assert [] == stage.session.seen
    stage.wait(0.02)
    assert [b"Hello"] == stage.session.seen


def test_a_terminator_ends_a_frame_before_the_gap_does() -> None:
    stage = staged(GapSpy)
    stage.receive(b"one\r\ntwo")
    assert [b"one"] == stage.session.seen
    stage.wait(1.0)
    assert [b"one", b"two"] == stage.session.seen


def test_silence_between_frames_means_nothing() -> None:
    stage = staged(GapSpy)
    stage.receive(b"one\r\n")
    stage.wait(1.0)
    assert [b"one"] == stage.session.seen


def test_without_a_gap_silence_ends_nothing() -> None:
    stage = staged()
    stage.receive(b"Hel")
    stage.wait(4.0)
    stage.receive(b"lo;")
    assert [b"Hello"] == stage.session.seen


def test_a_gap_in_a_framing_that_needs_more_bytes_drops_the_half_frame_and_says_so() -> None:
    stage = staged(LargeSpy, gap=0.05)
    stage.receive(b"\0\0\0\5Hel")
    stage.wait(0.1)
    stage.receive(b"\0\0\0\2ok")
    assert [Fault(TruncatedFrame), b"ok"] == stage.session.seen


def test_a_gap_collects_the_chunks_of_a_peer_that_has_no_framing_at_all() -> None:
    stage = staged(framing=Unframed(join=True), gap=0.05)
    stage.receive(b"Hel", b"lo")
    stage.wait(0.06)
    stage.receive(b"World")
    stage.wait(0.06)
    assert [b"Hello", b"World"] == stage.session.seen


def test_a_gap_ends_the_discarding_of_a_frame_that_is_too_long() -> None:
    stage = staged(GapSpy)
    stage.receive(TOO_LONG)
    stage.wait(0.06)
    stage.receive(b"next\n")
    assert [Fault(FrameTooLong), b"next"] == stage.session.seen


def test_replies_to_a_frame_that_a_gap_ended_leave_in_one_write() -> None:
    def answer(frame: bytes) -> None:
        stage.session.sendBytes(b"Echo: ")
        stage.session.sendBytes(frame)

    stage = staged(GapSpy)
    stage.session.on_frame = answer
    stage.receive(b"Hello")
    stage.wait(0.06)
    assert [b"Echo: Hello"] == stage.transport.sent()


def test_a_handler_that_fails_on_a_frame_that_a_gap_ended_costs_the_session(logged: Logged) -> None:
    stage = staged(GapSpy)
    stage.session.on_frame = lambda frame: 1 / 0
    stage.receive(b"Hello")
    stage.wait(0.06)
    assert stage.transport.lost
    assert 1 == len(logged.failures())


def test_a_decoder_that_fails_in_silence_costs_the_session(logged: Logged) -> None:
    class Failing(Decoder):
        def cut(self, buffer: Buffer, position: int) -> int:
            return position

        def flush(self) -> list[bytes]:
            raise ZeroDivisionError

    stage = staged(GapSpy)
    stage.session._decoder = Failing()
    stage.receive(b"Hello")
    stage.wait(0.06)
    assert stage.transport.lost
    assert 1 == len(logged.failures())


def test_a_pause_is_no_gap() -> None:
    stage = staged(GapSpy)
    stage.receive(b"Hel")
    stage.session.pauseProducing()
    stage.transport.arrive(b"lo")
    stage.wait(1.0)
    stage.session.resumeProducing()
    stage.wait(0.04)
    assert [] == stage.session.seen
    stage.wait(0.06)
    assert [b"Hello"] == stage.session.seen


def test_handlers_that_finish_do_not_prolong_the_gap() -> None:
    gates: list[Deferred[None]] = [Deferred() for _ in range(10)]
    waiting = iter(gates)
    stage = staged(GapSpy)
    stage.session.on_frame = lambda frame: next(waiting, None)
    stage.receive(b"x\n" * 10 + b"Hello")
    for gate in gates:
        gate.callback(None)
        stage.wait(0.01)
    assert b"Hello" == stage.session.seen[-1]


def test_a_gap_that_passed_while_we_were_busy_is_none_if_bytes_lie_in_the_socket() -> None:
    stage = staged(GapSpy)
    stage.receive(b"Hel")
    stage.transport.arrive(b"lo")
    stage.be_busy(0.5)
    stage.settle()
    stage.receive(b"!")
    assert [] == stage.session.seen
    stage.wait(0.06)
    assert [b"Hello!"] == stage.session.seen


def test_a_gap_that_passed_while_we_were_busy_and_the_peer_silent_is_one() -> None:
    stage = staged(GapSpy)
    stage.receive(b"Hello")
    stage.be_busy(0.5)
    stage.settle()
    assert [b"Hello"] == stage.session.seen


def test_being_busy_is_forgiven_each_time() -> None:
    stage = staged(GapSpy)
    for each in b"Hello":
        stage.transport.arrive(bytes([each]))
        stage.be_busy(0.5)
        stage.settle()
    assert [] == stage.session.seen
    stage.wait(0.06)
    assert [b"Hello"] == stage.session.seen


# -- half frames ------------------------------------------------------------------------------------------


def test_a_half_frame_closes_the_session_after_five_seconds(logged: Logged) -> None:
    stage = staged()
    stage.receive(b"Hel")
    stage.wait(4.9)
    assert [] == stage.session.seen
    stage.wait(0.2)
    assert [Lost(OVERDUE)] == stage.session.seen
    assert "closed" == stage.transport.ended
    assert 1 == len(logged.lines())


@pytest.mark.parametrize(
    ("framing", "sent", "told"),
    [
        (Delimited(b"\r\n"), b"TRG,3\n", "sent b'TRG,3\\n', and then no b'\\r\\n': " + ENDS),
        (Delimited([b"\r\n", b";"]), b"TRG,3", "sent b'TRG,3', and then no b'\\r\\n' or b';': " + ENDS),
        (Lines(), b"TRG,3", "sent b'TRG,3', and then no line ending: " + ENDS),
        (
            Enclosed(b"\x02", b"\x03", checksum=CHECKSUMS["xor"]),
            b"\x02TRG",
            "sent b'\\x02TRG', and then no b'\\x03' with the 1 bytes behind it: " + ENDS,
        ),
        (
            DleStuffed(),
            b"\x10\x02TRG\x03",
            "sent b'\\x10\\x02TRG\\x03', and then no b'\\x10\\x03': " + ENDS,
        ),
        (Stuffed(), b"TRG\n", "sent b'TRG\\n', and then no b'\\xc0': " + ENDS),
        (
            LengthPrefixed(4),
            b"\0\0\x01\0TRG",
            "announced 260 bytes in all and sent 7 of them, b'\\x00\\x00\\x01\\x00TRG': "
            "does it count its lengths as we do?",
        ),
        (LengthPrefixed(4), b"TR", "sent b'TR', and then not the rest of the frame"),
        (FixedSize(8), b"TRG,3", "sent b'TRG,3', which are 5 bytes, and a frame has 8"),
        (
            Delimited(b"\r\n"),
            b"x" * 100,
            f"sent {b'x' * 80!r} and 20 bytes more, and then no b'\\r\\n': {ENDS}",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_log_shows_what_came_and_what_was_waited_for(
    framing: Framing, sent: bytes, told: str, logged: Logged
) -> None:
    stage = staged(framing=framing)
    stage.receive(sent)
    stage.wait(6.0)
    assert [f"{PEER}: {OVERDUE}: the peer {told}"] == logged.lines()


def test_the_log_shows_it_too_where_the_peer_hangs_up_first(logged: Logged) -> None:
    stage = staged(FrameProtocol, framing=Delimited(b"\r\n"))
    stage.receive(b"TRG,3\n")
    stage.transport.end_input()
    stage.settle()
    fault = "the stream ended in the middle of a frame (frame at byte 0 of the stream)"
    waited_for = f"the peer sent b'TRG,3\\n', and then no b'\\r\\n': {ENDS}"
    assert f"{PEER}: {fault}: {waited_for}" == logged.lines()[0]


def test_what_is_secret_is_not_shown(logged: Logged) -> None:
    stage = staged()
    stage.session.keeps_secret = True
    stage.receive(b"my password\n")
    stage.wait(6.0)
    assert [f"{PEER}: {OVERDUE}"] == logged.lines()


def test_one_byte_a_second_does_not_finish_a_frame_in_time(logged: Logged) -> None:
    stage = staged(framing=Delimited(b";"))
    for _ in range(6):
        stage.receive(b"x")
        stage.wait(1.0)
    assert [Lost(OVERDUE)] == stage.session.seen
    assert 1 == len(logged.lines())


def test_a_large_frame_that_progresses_has_the_time_it_needs() -> None:
    stage = staged(LargeSpy)
    stage.receive((1000 * KIB).to_bytes(4, "big"))
    for _ in range(10):
        stage.receive(b"x" * 100 * KIB)
        stage.wait(1.4)
    assert [b"x" * 1000 * KIB] == stage.session.seen


def test_a_large_frame_that_is_too_slow_closes_the_session(logged: Logged) -> None:
    stage = staged(LargeSpy)
    stage.receive((1000 * KIB).to_bytes(4, "big"))
    for _ in range(12):
        stage.receive(b"x" * 32 * KIB)
        stage.wait(1.0)
    (lost,) = stage.session.seen
    assert lost.reason.startswith("the peer began a frame and did not finish it within ")
    assert 1 == len(logged.lines())


def test_frames_that_end_give_the_next_one_its_full_time() -> None:
    stage = staged()
    stage.receive(b"a")
    for _ in range(5):
        stage.wait(3.0)
        stage.receive(b";a")
    assert [b"a"] * 5 == stage.session.seen


def test_a_frame_that_begins_behind_a_fault_has_its_full_time() -> None:
    stage = staged()
    stage.receive(b"a")
    stage.wait(4.0)
    stage.receive(TOO_LONG + b";b")
    stage.wait(4.0)
    stage.receive(b";")
    assert [Fault(FrameTooLong), b"b"] == stage.session.seen


def test_garbage_without_end_closes_the_session(logged: Logged) -> None:
    stage = staged()
    for _ in range(60):
        stage.receive(TOO_LONG)
        stage.wait(0.1)
    assert [Fault(FrameTooLong), Lost(OVERDUE)] == stage.session.seen
    assert 1 == len(logged.lines())


def test_a_half_frame_is_not_overdue_while_nothing_is_read() -> None:
    stage = staged()
    stage.receive(b"Hel")
    stage.session.pauseProducing()
    stage.transport.arrive(b"lo", b";")
    stage.wait(60.0)
    stage.session.resumeProducing()
    stage.wait(1.0)
    assert [b"Hello"] == stage.session.seen


def test_a_half_frame_is_overdue_when_it_is_not_finished_after_a_pause(logged: Logged) -> None:
    stage = staged()
    stage.receive(b"Hel")
    stage.session.pauseProducing()
    stage.wait(60.0)
    stage.session.resumeProducing()
    stage.wait(4.9)
    assert [] == stage.session.seen
    stage.wait(0.2)
    assert [Lost(OVERDUE)] == stage.session.seen
    assert 1 == len(logged.lines())


def test_a_frame_whose_rest_came_while_we_were_busy_is_not_overdue() -> None:
    stage = staged(LargeSpy)
    stage.receive((1000 * KIB).to_bytes(4, "big"))
    stage.transport.arrive(*[b"x" * 50 * KIB] * 20)
    stage.be_busy(8.0)
    stage.settle()
    assert [b"x" * 1000 * KIB] == stage.session.seen


def test_a_frame_that_was_not_continued_while_we_were_busy_is_overdue(logged: Logged) -> None:
    stage = staged()
    stage.receive(b"Hel")
    stage.be_busy(8.0)
    stage.settle()
    (lost,) = stage.session.seen
    assert "the peer began a frame and did not finish it within 8.0 s" == lost.reason
    assert 1 == len(logged.lines())


# -- idle peers -------------------------------------------------------------------------------------------


def test_an_idle_peer_is_closed_after_ten_minutes() -> None:
    stage = staged()
    stage.wait(599.0)
    assert [] == stage.session.seen
    stage.wait(2.0)
    assert [Lost("the peer was silent for 600 s")] == stage.session.seen
    assert "closed" == stage.transport.ended


def test_every_byte_begins_the_idle_time_again() -> None:
    stage = staged(limits=Limits(idle=3.0))
    for _ in range(10):
        stage.wait(2.5)
        stage.receive(b"a;")
    assert [b"a"] * 10 == stage.session.seen
    stage.wait(3.1)
    assert Lost("the peer was silent for 3 s") == stage.session.seen[-1]


def test_without_an_idle_limit_a_peer_may_be_silent_for_ever() -> None:
    stage = staged(limits=Limits(idle=None))
    stage.wait(1e7)
    assert [] == stage.session.seen
    assert [] == stage.clock.getDelayedCalls()


def test_a_peer_that_waits_for_a_reply_is_not_idle() -> None:
    gate: Deferred[None] = Deferred()
    stage = staged(limits=Limits(idle=3.0))
    stage.session.on_frame = lambda frame: gate
    stage.receive(b"a;")
    stage.wait(60.0)
    assert [b"a"] == stage.session.seen
    gate.callback(None)
    stage.wait(2.9)
    assert [b"a"] == stage.session.seen
    stage.wait(0.2)
    assert [b"a", Lost("the peer was silent for 3 s")] == stage.session.seen


def test_the_idle_time_begins_also_when_one_handler_lets_another_finish() -> None:
    gate: Deferred[None] = Deferred()
    stage = staged(limits=Limits(idle=3.0))
    stage.session.on_frame = lambda frame: gate if frame == b"a" else gate.callback(None)
    stage.receive(b"a;")
    stage.wait(60.0)
    stage.receive(b"b;")
    stage.wait(3.1)
    assert [b"a", b"b", Lost("the peer was silent for 3 s")] == stage.session.seen


def test_a_peer_that_only_reads_what_it_is_sent_is_not_idle() -> None:
    stage = staged(limits=Limits(idle=3.0))
    stage.transport.appetite = 0
    stage.session.sendBytes(b"x" * 1000 * KIB)
    for _ in range(8):
        stage.wait(2.0)
        stage.transport.appetite = None
        stage.turn()
        stage.transport.appetite = 0
    assert [] == stage.session.seen
    stage.transport.appetite = None
    stage.wait(2.9)
    assert [] == stage.session.seen
    stage.wait(0.2)
    assert [Lost("the peer was silent for 3 s")] == stage.session.seen


def test_a_peer_that_is_not_read_from_is_not_idle() -> None:
    stage = staged(limits=Limits(idle=3.0))
    stage.session.pauseProducing()
    stage.wait(60.0)
    stage.session.resumeProducing()
    stage.wait(2.9)
    assert [] == stage.session.seen
    stage.wait(0.2)
    assert 1 == len(stage.session.seen)


def test_a_peer_whose_bytes_came_while_we_were_busy_is_not_idle() -> None:
    stage = staged(limits=Limits(idle=0.3))
    stage.transport.arrive(b"a;")
    stage.be_busy(2.0)
    stage.settle()
    assert [b"a"] == stage.session.seen


# -- handshakes -------------------------------------------------------------------------------------------


def test_over_TLS_a_session_is_ready_after_the_handshake() -> None:
    stage = staged(transport=TLSTransport())
    stage.session.on_ready = lambda: stage.session.seen.append("ready")
    assert [] == stage.session.seen
    stage.transport.complete_handshake()  # type: ignore[attr-defined]
    assert ["ready"] == stage.session.seen
    stage.transport.complete_handshake()  # type: ignore[attr-defined]
    assert ["ready"] == stage.session.seen


def test_a_handshake_has_two_seconds(logged: Logged) -> None:
    stage = staged(transport=TLSTransport())
    stage.wait(1.9)
    assert stage.transport.ended is None
    stage.wait(0.2)
    assert "aborted" == stage.transport.ended
    assert [] == stage.session.seen
    assert [f"{PEER}: connection refused: TLS was not established within 2 s"] == logged.lines()


def test_a_session_that_is_closed_before_the_handshake_is_never_ready() -> None:
    stage = staged(transport=TLSTransport())
    stage.session.on_ready = lambda: stage.session.seen.append("ready")
    stage.session.close()
    stage.transport.complete_handshake()  # type: ignore[attr-defined]
    stage.settle()
    assert [] == stage.session.seen


def test_a_session_that_is_paused_before_the_handshake_reads_it() -> None:
    stage = staged(transport=TLSTransport())
    stage.session.pauseProducing()
    assert stage.transport.reading
    stage.session.resumeProducing()
    stage.session.pauseProducing()
    stage.transport.complete_handshake()  # type: ignore[attr-defined]
    assert not stage.transport.reading


def test_the_idle_time_takes_the_place_of_the_handshakes() -> None:
    stage = staged(transport=TLSTransport(), limits=Limits(idle=0.5))
    stage.wait(0.2)
    stage.transport.complete_handshake()  # type: ignore[attr-defined]
    stage.wait(0.2)
    assert [] == stage.session.seen
    stage.wait(0.5)
    assert [Lost("the peer was silent for 0.5 s")] == stage.session.seen


# -- no timers are left -----------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [Spy, GapSpy])
@pytest.mark.parametrize("end", ["close", "abort", "peer", "input", "fault"])
def test_no_timer_is_left_after_the_end(protocol: Callable[[], Any], end: str, logged: Logged) -> None:
    stage = staged(protocol)
    stage.session.on_frame = lambda frame: Deferred()
    stage.receive(b"a;b\nc", b"d")
    match end:
        case "close" | "abort":
            getattr(stage.session, end)()
        case "peer":
            stage.transport.break_off(ConnectionLost())
        case "input":
            stage.transport.end_input()
            stage.settle()
            stage.session.close()
        case "fault":
            stage.session.on_frame = lambda frame: 1 / 0
            stage.receive(b"e;\n")
            logged.failures()
    stage.settle()
    assert stage.transport.lost
    assert [] == stage.clock.getDelayedCalls()


def test_a_session_keeps_one_timer() -> None:
    stage = staged(GapSpy)
    stage.receive(b"a\nb", b"c\nd")
    stage.session.sendBytes(b"x" * 500 * KIB)
    assert 1 == len(stage.clock.getDelayedCalls())


# -- the alarm itself -------------------------------------------------------------------------------------


steps = st.tuples(st.sampled_from(["set", "move", "clear", "wait"]), st.floats(0.01, 10.0))


@given(st.lists(steps, max_size=30))
def test_an_alarm_rings_when_the_earliest_deadline_is_due_and_never_before(
    script: list[tuple[str, float]],
) -> None:
    clock = ReactorClock()
    deadline: list[float] = []
    rung: list[tuple[float, float]] = []

    def ring(_: object) -> None:
        rung.append((deadline.pop(), clock.seconds()))

    alarm = Alarm(clock, lambda _: [(each, ring) for each in deadline], None)
    expected: list[float] = []
    for action, seconds in script:
        match action:
            case "set":
                deadline[:] = [min([*deadline, clock.seconds() + seconds])]
                alarm.update()
            case "move":
                deadline[:] = [each + seconds for each in deadline]
            case "clear":
                deadline.clear()
            case "wait":
                end = clock.seconds() + seconds
                expected += [each for each in deadline if each <= end]
                while (due := clock.next_time()) is not None and due <= end:
                    clock.rightNow = max(clock.rightNow, due)
                    clock.turn()
                clock.rightNow = end
    assert [(each, each) for each in expected] == rung
    alarm.cancel()
    alarm.update()
    assert [] == clock.getDelayedCalls()


def test_an_alarm_that_looks_again_stops_when_the_deadline_moves_on_for_longer_than_it_was_late() -> None:
    clock = ReactorClock()
    deadline = [1.0]
    rung: list[float] = []

    def ring(_: object) -> None:
        rung.append(clock.seconds())
        deadline.clear()

    alarm = Alarm(clock, lambda _: [(each, ring) for each in deadline], None)
    alarm.update()
    clock.rightNow = 5.0
    while deadline:
        clock.turn()
        clock.rightNow += 0.25
        deadline[:] = [each + 0.001 for each in deadline]
    assert [9.25] == rung


def test_an_alarm_may_be_cancelled_while_it_rings() -> None:
    clock = Clock()
    alarm = Alarm(clock, lambda _: [(1.0, lambda _: alarm.cancel())], None)
    alarm.update()
    clock.advance(1.0)
    assert [] == clock.getDelayedCalls()
    assert not alarm.is_set
