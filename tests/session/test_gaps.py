"""Silence within a frame, which ends the frame or means nothing."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from tcpcomm.errors import BadLength, FrameTooLong, TruncatedFrame
from tcpcomm.framing import (
    Buffer,
    Checked,
    Decoder,
    HeaderFramed,
    Lines,
    Unframed,
    checksum,
    modbus_rtu_reply,
)
from tests.session.spies import GapSpy, LargeSpy
from tests.session.stage import TOO_LONG, Fault, Logged, staged


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


class RtuSpy(GapSpy):
    """A host of Modbus RTU behind a serial server."""

    framing = Checked(
        HeaderFramed(2, modbus_rtu_reply, max_frame=256), checksum("crc-16/modbus"), resync=True
    )


def test_a_gap_frees_good_frames_behind_garbage_that_announced_a_long_one() -> None:
    good = bytes.fromhex("01 04 02 03 28 B9 DE")
    stage = staged(RtuSpy)
    stage.receive(bytes.fromhex("00 04 83") + good)
    assert [] == stage.session.seen
    stage.wait(0.06)
    assert [good[:-2], Fault(TruncatedFrame)] == stage.session.seen


def test_a_gap_frees_a_good_frame_while_the_next_one_is_sought() -> None:
    good = bytes.fromhex("01 04 02 03 28 B9 DE")
    stage = staged(RtuSpy)
    stage.receive(bytes(3) + good)
    assert [Fault(BadLength)] == stage.session.seen
    stage.wait(0.06)
    assert [Fault(BadLength), good[:-2]] == stage.session.seen
    stage.receive(good)
    assert [Fault(BadLength), good[:-2], good[:-2]] == stage.session.seen


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

    class FailingFraming(Lines):
        def decoder(self) -> Decoder:
            return Failing()

    stage = staged(GapSpy, framing=FailingFraming())
    stage.receive(b"Hello")
    stage.wait(0.06)
    assert stage.transport.lost
    assert 1 == len(logged.failures())


def test_a_pause_is_not_a_gap() -> None:
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
