"""A guess that runs along is made in a thread, when enough new chunks have come."""

from __future__ import annotations

import pytest

from tcpcomm.tools.guess.answer import Guess, Verdict
from tcpcomm.tools.guess.capture import OPENER, Capture, CapturedChunk
from tcpcomm.tools.guess.live import EACH_CHUNKS, REST, LiveGuess
from tests.session.stage import recorded_log
from tests.threads import ClockWithThreads

GUESS = Guess(verdict=Verdict.NOTHING)


class Stream:
    """A stream of chunks, and the guesses about it. A guess takes ``seconds``."""

    def __init__(self) -> None:
        self.clock = ClockWithThreads()
        self.chunks = 0
        self.seconds = 0.0
        self.error: Exception | None = None
        self.asked: list[int] = []
        self.told: list[Guess] = []
        self.live = LiveGuess(
            self.clock,
            self.guess,
            capture=lambda: Capture([CapturedChunk(OPENER, b"x")] * self.chunks) if self.chunks else None,
            count=lambda: self.chunks,
            changed=self.told.append,
        )

    def guess(self, capture: Capture) -> Guess:
        self.asked.append(len(capture.chunks))
        self.clock.advance(self.seconds)
        if self.error is not None:
            raise self.error
        return GUESS

    def pass_on(self, chunks: int) -> None:
        for _ in range(chunks):
            self.chunks += 1
            self.live.look()


@pytest.fixture
def stream() -> Stream:
    return Stream()


def test_each_ten_chunks_bring_a_new_guess(stream: Stream) -> None:
    stream.pass_on(EACH_CHUNKS - 1)
    assert 0 == len(stream.clock.threads)
    stream.pass_on(1)
    stream.clock.threads.work()
    assert [EACH_CHUNKS] == stream.asked
    assert [GUESS] == stream.told
    assert GUESS is stream.live.latest

    stream.pass_on(EACH_CHUNKS)
    stream.clock.threads.work()
    assert [EACH_CHUNKS, 2 * EACH_CHUNKS] == stream.asked


def test_one_guess_is_made_at_a_time(stream: Stream) -> None:
    stream.pass_on(5 * EACH_CHUNKS)
    assert stream.live.is_running
    assert 1 == len(stream.clock.threads)
    stream.clock.threads.work()
    assert not stream.live.is_running


def test_a_guess_that_takes_long_leaves_nine_times_as_long_to_the_traffic(stream: Stream) -> None:
    stream.seconds = 0.5
    stream.pass_on(EACH_CHUNKS)
    stream.clock.threads.work()
    stream.clock.advance(REST * 0.5 - 0.01)
    stream.pass_on(EACH_CHUNKS)
    assert 0 == len(stream.clock.threads)
    stream.clock.advance(0.02)
    stream.pass_on(1)
    assert 1 == len(stream.clock.threads)


def test_nothing_is_guessed_from_nothing(stream: Stream) -> None:
    stream.live.look(0)
    assert 0 == len(stream.clock.threads)


def test_a_guess_that_fails_is_logged_and_the_next_one_is_made(stream: Stream) -> None:
    stream.error = ZeroDivisionError("no reason")
    with recorded_log() as logged:
        stream.pass_on(EACH_CHUNKS)
        stream.clock.threads.work()
        assert ["the guess failed (ZeroDivisionError)"] == logged.failures()
    assert stream.live.latest is None
    stream.error = None
    stream.pass_on(EACH_CHUNKS)
    stream.clock.threads.work()
    assert [GUESS] == stream.told
