"""A tap guesses the framing of what passes, tells each new answer, and the last one with what to type."""

from __future__ import annotations

from typing import Any, Final

import pytest
from attrs import define, evolve

from tcpcomm.session.observer import masked
from tcpcomm.tools.guess.answer import Explanation, Guess, Verdict
from tcpcomm.tools.guess.capture import Capture
from tcpcomm.tools.guess.collector import SECRETS_LEFT_OUT
from tcpcomm.tools.tap.guessing import TapGuess
from tests.threads import ClockWithThreads

COMMAND: Final = "tcpcomm tap 9998 tcp:10.0.0.5:9999"
GUESS: Final = Guess(
    verdict=Verdict.LIKELY,
    best=Explanation(framings=(r"delimited:\r", "length:2"), evidence=("12 of 12 messages agree",)),
    doubts=("few messages",),
    unexplained=("bytes 2 to 15",),
    notes=("older bytes were left out",),
)
NOTHING: Final = Guess(verdict=Verdict.NOTHING)


@define(eq=False)
class Session:
    peer: str = "10.0.0.7:50432"
    target: str = "10.0.0.5:9999"


class Stand:
    """The guess of a tap, whose answers are given by the test."""

    def __init__(self, **options: Any) -> None:
        self.clock = ClockWithThreads()
        self.told: list[str] = []
        self.answer = GUESS
        self.captures: list[Capture] = []
        self.guess = TapGuess(self.clock, self.told.append, COMMAND, guess=self._guess, **options)
        self.session = Session()

    def _guess(self, capture: Capture) -> Guess:
        self.captures.append(capture)
        return self.answer

    def pass_on(self, exchanges: int) -> None:
        for _ in range(exchanges):
            self.guess.received(self.session, b"TRG\r")
            self.guess.sent(self.session, b"\0\2OK")
        self.clock.threads.work()


@pytest.fixture
def stand() -> Stand:
    return Stand()


def test_a_line_is_told_when_the_answer_changes(stand: Stand) -> None:
    for answer in (NOTHING, NOTHING, GUESS, GUESS, evolve(GUESS, verdict=Verdict.CONFIDENT)):
        stand.answer = answer
        stand.pass_on(5)
    assert [
        "guess after 10 chunks: nothing: no framing explains these bytes",
        r"guess after 30 chunks: likely: > delimited:\r with < length:2",
        r"guess after 50 chunks: confident: > delimited:\r with < length:2",
    ] == stand.told


def test_the_last_words_end_with_what_to_type_next(stand: Stand) -> None:
    stand.pass_on(5)
    assert [
        r"likely     > delimited:\r",
        "           < length:2",
        "           but few messages",
        "           12 of 12 messages agree",
        "not explained: bytes 2 to 15",
        "note: older bytes were left out",
        rf"next: {COMMAND} --framing 'delimited:\r' --reply-framing length:2",
    ] == stand.guess.last_words()
    assert 1 == len(stand.captures)


def test_the_last_words_know_the_last_chunks(stand: Stand) -> None:
    stand.pass_on(2)
    assert rf"next: {COMMAND} --framing 'delimited:\r' --reply-framing length:2" in stand.guess.last_words()
    assert [4] == [len(each.chunks) for each in stand.captures]


def test_where_the_equipment_connects_the_framings_change_their_places() -> None:
    stand = Stand(host_connects=False)
    stand.pass_on(5)
    assert rf"next: {COMMAND} --framing length:2 --reply-framing 'delimited:\r'" in stand.guess.last_words()
    assert [1, 0] == [each.side for each in stand.captures[0].chunks[:2]]


@pytest.mark.parametrize(
    ("framings", "options"),
    [
        (("lines", "lines"), "--framing lines"),
        (("lines", None), "--framing lines"),
        ((None, "lines"), "--framing lines"),
    ],
    ids=["the same", "the host only", "the equipment only"],
)
def test_one_framing_is_one_option(
    framings: tuple[str | None, str | None], options: str, stand: Stand
) -> None:
    stand.answer = evolve(GUESS, best=Explanation(framings=framings))
    stand.pass_on(5)
    assert f"next: {COMMAND} {options}" == stand.guess.last_words()[-1]
    assert 1 == len(stand.told)


def test_if_nothing_explains_it_more_must_pass(stand: Stand) -> None:
    stand.answer = NOTHING
    stand.pass_on(5)
    assert f"next: {COMMAND} --guess, and let more messages pass" == stand.guess.last_words()[-1]


def test_if_nothing_passes_it_says_so(stand: Stand) -> None:
    assert ["nothing has passed, so there is nothing to guess"] == stand.guess.last_words()


def test_secrets_are_left_out(stand: Stand) -> None:
    stand.guess.received(stand.session, masked(b"LOGIN secret"))
    stand.pass_on(5)
    assert (SECRETS_LEFT_OUT,) == stand.captures[0].notes
    assert b"LOGIN" not in b"".join(each.data for each in stand.captures[0].chunks)
