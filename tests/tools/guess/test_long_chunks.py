"""Long chunks are looked at in part, so that a guess from many bytes takes no long time."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import pytest

from tcpcomm.tools.guess import mixtures, search
from tcpcomm.tools.guess.answer import Explanation, Guess, Verdict
from tcpcomm.tools.guess.candidates.base import Candidate
from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Capture, CapturedChunk, Side
from tcpcomm.tools.guess.changes import with_change
from tcpcomm.tools.guess.mixtures import with_mixture
from tcpcomm.tools.guess.scoring import Found, Measured
from tcpcomm.tools.guess.side import Side as OneSide
from tcpcomm.tools.guess.side import side_of

UNSURE = Guess(verdict=Verdict.LIKELY, best=Explanation(framings=("fixed:8", "fixed:8")), doubts=("odd",))
SIDES: tuple[Side, Side] = (OPENER, ANSWERER)


def chunks_of(size: int, count: int) -> Capture:
    """Return a capture of so many chunks, by turns, of bytes from 0 to 15."""
    random = Random(1)
    chunks = (
        CapturedChunk(SIDES[number % 2], bytes(random.choices(range(16), k=size)), number * 0.01)
        for number in range(count)
    )
    return Capture(tuple(chunks), from_start=True)


@pytest.mark.parametrize(("size", "parts"), [(4096, [65_536]), (16_384, [])], ids=["in part", "not at all"])
def test_the_later_part_of_a_stream_is_guessed_from_64_kib_at_most(size: int, parts: list[int]) -> None:
    seen: list[int] = []

    def guess_part(part: Capture) -> Guess:
        seen.append(part.size)
        return UNSURE

    assert UNSURE is with_change(chunks_of(size, 60), UNSURE, guess_part)
    assert parts == seen


@pytest.mark.parametrize(("size", "tried"), [(40, True), (16_384, False)], ids=["short", "long"])
def test_long_chunks_are_not_divided_among_two_protocols(
    size: int, tried: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[OneSide] = []

    def proposed(side: OneSide) -> Iterable[Candidate]:
        calls.append(side)
        return ()

    monkeypatch.setattr(mixtures, "proposed", proposed)
    assert UNSURE is with_mixture(chunks_of(size, 40), UNSURE, lambda part: UNSURE)
    assert tried == bool(calls)


def test_a_large_sample_is_not_cut_into_very_many_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    most: list[int] = []

    def scored(side: OneSide, candidates: Iterable[Candidate]) -> tuple[Measured, Found]:
        most.append(max(len(each.walk(side.data, 0, 24_000).ends) for each in candidates))
        return Measured(side), {}

    monkeypatch.setattr(search, "score_side", scored)
    sides = [side_of(chunks_of(3000, 24), OPENER), side_of(chunks_of(3000, 0), ANSWERER)]
    search.rank_answers(sides, 24_000)
    search.rank_answers(sides, 36_000)
    small, large = most
    assert small > 1000
    assert large <= 400
