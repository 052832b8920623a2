"""A peer that begins a frame and does not finish it."""

from __future__ import annotations

import pytest

from tcpcomm import FrameProtocol, Limits
from tcpcomm.errors import FrameTooLong
from tcpcomm.framing import (
    CHECKSUMS,
    Delimited,
    DleStuffed,
    Enclosed,
    FixedSize,
    Framing,
    LengthPrefixed,
    Lines,
    Stuffed,
)
from tests.session.spies import KIB, LargeSpy
from tests.session.stage import PEER, TOO_LONG, Fault, Logged, Lost, staged

ENDS = "does it end its messages as we do?"
OVERDUE = "the peer began a frame and did not finish it within 5.0 s"


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
            "announced a frame of 260 bytes, and 7 of 260 bytes have come, b'\\x00\\x00\\x01\\x00TRG': "
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
def test_the_log_shows_the_received_and_the_missing_bytes(
    framing: Framing, sent: bytes, told: str, logged: Logged
) -> None:
    stage = staged(framing=framing)
    stage.receive(sent)
    stage.wait(6.0)
    assert [f"{PEER}: {OVERDUE}: the peer {told}"] == logged.lines()


def test_the_log_shows_the_bytes_too_if_the_peer_hangs_up_first(logged: Logged) -> None:
    stage = staged(FrameProtocol, framing=Delimited(b"\r\n"))
    stage.receive(b"TRG,3\n")
    stage.transport.end_input()
    stage.settle()
    fault = "the stream ended in the middle of a frame (frame at byte 0 of the stream)"
    waited_for = f"the peer sent b'TRG,3\\n', and then no b'\\r\\n': {ENDS}"
    assert f"{PEER}: {fault}: {waited_for}" == logged.lines()[0]


def test_a_secret_is_not_shown(logged: Logged) -> None:
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


def test_a_frame_is_not_overdue_if_its_rest_came_while_we_were_busy() -> None:
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


def test_a_pause_within_a_frame_closes_the_session_if_it_is_limited(logged: Logged) -> None:
    stage = staged(limits=Limits(partial=60.0, pause=5.0))
    for _ in range(4):
        stage.receive(b"H")
        stage.wait(4.9)
    assert [] == stage.session.seen
    stage.wait(0.2)
    assert [Lost("the peer began a frame and paused in it for 5.0 s")] == stage.session.seen
    assert 1 == len(logged.lines())


def test_a_pause_between_frames_is_no_pause_within_one() -> None:
    stage = staged(framing=Delimited(b"\r\n"), limits=Limits(pause=1.0))
    stage.receive(b"TRG,3\r\n")
    stage.wait(60.0)
    assert stage.session.is_open
