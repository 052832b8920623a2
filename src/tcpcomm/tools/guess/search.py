"""Find the framing of each side of a capture: :func:`guess_framing`."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from time import perf_counter
from typing import Final

from attrs import evolve

from tcpcomm.tools.guess.answer import Guess, Verdict
from tcpcomm.tools.guess.candidates.base import Candidate, notation_of
from tcpcomm.tools.guess.candidates.every import proposed
from tcpcomm.tools.guess.candidates.length import LengthCandidate
from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Capture
from tcpcomm.tools.guess.changes import with_change
from tcpcomm.tools.guess.checks.found import FoundChecksum, holds
from tcpcomm.tools.guess.checks.search import find_checksums
from tcpcomm.tools.guess.checks.written import checked_like, checked_notation
from tcpcomm.tools.guess.known import common_sync, known_as
from tcpcomm.tools.guess.mixtures import with_mixture
from tcpcomm.tools.guess.ranking import Proposal, Ranked, proposal_of, ranked
from tcpcomm.tools.guess.scoring import (
    Found,
    Measured,
    keep_best,
    probe_contents,
    score_side,
)
from tcpcomm.tools.guess.side import Side, side_of
from tcpcomm.tools.guess.verdict import judged
from tcpcomm.tools.guess.verify import verified
from tcpcomm.tools.guess.wrappers.reading import Reading, best_reading

SAMPLE: Final = 1024 * 1024
"""Bytes of one direction that a guess reads. The rest is left out, and a note says so."""

_SMALL_SAMPLE: Final = 24_000  # bytes of a side that rank the candidates
_LARGE_SAMPLE: Final = 256 * 1024
_FEW_FRAMES: Final = 8
_MANY_FRAMES: Final = 400  # in a small sample
_CHECKED_CUTS: Final = 6
_OTHER_STARTS: Final = 9  # first bytes that a checksum may count on the other side
_HELD_BITS: Final = 6.0  # of a checksum in each frame that the other side has proven
_KNOWN: Final = 9.0  # bits of plainness of a public protocol
_SHOWN: Final = 12.0  # if the contents of the frames show it, too
_LEAST: Final = 2  # bytes of a side that can be cut


def guess_framing(capture: Capture) -> Guess:
    """Find the framings that explain a capture, and say how sure that is."""
    begun = perf_counter()
    plain = Reading(capture, *_look(capture))
    reading = best_reading(plain, _look)
    guess = _answer(reading)
    if reading is not plain and guess.verdict is Verdict.NOTHING:
        guess = _answer(plain)
    notes = (*capture.notes, *_notes(capture), *guess.notes)
    return evolve(guess, notes=notes, seconds=perf_counter() - begun)


def _answer(reading: Reading) -> Guess:
    guess = judged(reading.answers, reading.sides)
    guess = with_change(reading.capture, guess, _guess_part)
    guess = with_mixture(reading.capture, guess, _guess_part)
    return reading.wrapped(guess)


def _look(capture: Capture) -> tuple[tuple[Side, Side], list[Ranked]]:
    sides = side_of(capture, OPENER).first(SAMPLE), side_of(capture, ANSWERER).first(SAMPLE)
    return sides, _rank_by_samples(sides)


def _guess_part(part: Capture) -> Guess:
    sides, answers = _look(part)
    return judged(answers, sides)


def _notes(capture: Capture) -> Iterator[str]:
    """Yield a note on each side of which only the first bytes are looked at."""
    for number in (OPENER, ANSWERER):
        ends = [*accumulate(len(each.data) for each in capture.chunks if each.side == number)]
        if ends and ends[-1] > SAMPLE:
            seen = ends[bisect_right(ends, SAMPLE) - 1] if ends[0] <= SAMPLE else SAMPLE
            yield f"of {ends[-1]} bytes in one direction only the first {seen} were looked at"


def _rank_by_samples(sides: Sequence[Side]) -> list[Ranked]:
    """Rank by a small sample, and again by a larger one if the small one holds few messages."""
    answers = rank_answers(sides, _SMALL_SAMPLE)
    few = not answers or any(part.scored.cut.count < _FEW_FRAMES for part in answers[0].parts)
    if few and any(len(side.data) > _SMALL_SAMPLE and side.has_long_bursts for side in sides):
        return rank_answers(sides, _LARGE_SAMPLE)
    return answers


def rank_answers(sides: Sequence[Side], size: int) -> list[Ranked]:
    """Return the best explanations of both sides by so many bytes of each, the best first."""
    small = [side.first(size) for side in sides]
    live = [number for number in (OPENER, ANSWERER) if len(small[number].data) >= _LEAST]
    if not live:
        return []
    candidates = dict.fromkeys(each for number in live for each in proposed(small[number]))
    scored: list[Found] = [{}, {}]
    measured: list[Measured | None] = [None, None]
    for number in live:
        this, found = score_side(small[number], _long_enough(candidates, small[number]))
        probe_contents(this, found)
        measured[number], scored[number] = this, found
    kept = _kept(scored, live)
    proposals: list[dict[Candidate, Proposal] | None] = [None, None]
    for number in live:
        closely = measured[number]
        assert closely is not None
        mine: dict[Candidate, Proposal] = {}
        for candidate in candidates:
            if candidate in kept and candidate in scored[number]:
                seen = closely.with_contents(scored[number][candidate])
                proposal = proposal_of(seen, small[number].data)
                if proposal is not None:
                    mine[candidate] = proposal
        proposals[number] = mine
    _add_checksums(proposals, small)
    for number in live:
        _add_known(proposals[number] or {}, small[number])
    return ranked([_without_loose_trailers(each) for each in proposals])


def _long_enough(candidates: Iterable[Candidate], side: Side) -> Iterator[Candidate]:
    """
    Yield the candidates to try on this sample of a side.

    A large sample is for long messages. Candidates that cut very many frames in it take long, and a small
    sample has shown them.
    """
    is_large = side.has_long_bursts and len(side.data) > _SMALL_SAMPLE
    for candidate in candidates:
        first = candidate.walk(side.data, 0, _SMALL_SAMPLE) if is_large else None
        if first is None or len(first.ends) <= _MANY_FRAMES:
            yield candidate


def _kept(scored: Sequence[Found], live: Sequence[int]) -> set[Candidate]:
    """Return the candidates that are looked at closely: the best of each side, and of both together."""
    kept: set[Candidate] = set()
    for number in live:
        found = scored[number]
        kept |= keep_best(
            found,
            lambda each, found=found: found[each].gain - 0.5 * each.prior,  # type: ignore[misc]
            lambda each, found=found: found[each].cut.key,  # type: ignore[misc]
        )
    if len(live) == 2:
        first, second = scored
        kept |= keep_best(
            [each for each in first if each in second],
            lambda each: first[each].gain + second[each].gain - 0.5 * each.prior,
            lambda each: (first[each].cut.key, second[each].cut.key),
        )
    return kept


def _add_checksums(proposals: Sequence[dict[Candidate, Proposal] | None], sides: Sequence[Side]) -> None:
    """Look for checksums in the frames of the best cuts. What one side proves is tried on the other."""
    for number, mine in enumerate(proposals):
        if mine is None:
            continue
        data = sides[number].data
        cuts: dict[object, tuple[list[bytes], Sequence[FoundChecksum]]] = {}
        for proposal in sorted(mine.values(), key=lambda each: each.prior - each.worth):
            key = proposal.scored.cut.key
            if key not in cuts:
                if len(cuts) >= _CHECKED_CUTS and not proposal.scored.candidate.trailer:
                    continue
                frames = proposal.scored.cut.sure_frames(data)
                cuts[key] = (frames, find_checksums(frames))
            frames, found = cuts[key]
            proposal.check = checked_notation(proposal.notation, frames, found) if frames else None
        _prefer_unspoilt(mine)
        for proposal in mine.values():
            if proposal.check is not None:
                proposal.notation = proposal.check.notation
    first, second = proposals
    if first is not None and second is not None:
        for candidate in first.keys() & second.keys():
            _try_other(first[candidate], second[candidate], sides[1])
            _try_other(second[candidate], first[candidate], sides[0])
        _try_other_starts(first, second, sides[1])
        _try_other_starts(second, first, sides[0])


def _prefer_unspoilt(proposals: dict[Candidate, Proposal]) -> None:
    """Forget checksums that are wrong in some frames, if those of another cut are right in all."""
    checks = [each.check for each in proposals.values() if each.check is not None]
    if not all(each.wrong for each in checks):
        for proposal in proposals.values():
            if proposal.check is not None and proposal.check.wrong:
                proposal.check = None


def _try_other_starts(
    proven: dict[Candidate, Proposal], others: dict[Candidate, Proposal], side: Side
) -> None:
    """Try the best checksum of one side in the frames of other kinds on the other, from any start."""
    checked = [each for each in proven.values() if each.check is not None]
    if not checked:
        return
    best = max(checked, key=lambda each: each.worth - each.prior)
    assert best.check is not None
    tried = [
        evolve(each, cover_from=start)
        for each in best.check.found
        if each.at < 0
        for start in range(_OTHER_STARTS)
    ]
    cuts: dict[object, list[FoundChecksum]] = {}
    for other in others.values():
        if other.is_checked:
            continue
        frames = other.scored.cut.sure_frames(side.data)
        key = other.scored.cut.key
        if key not in cuts:
            kept = (holds(each, frames) for each in tried)
            cuts[key] = [each for each in kept if each is not None and each.bits > 0 < len(frames)]
        if cuts[key]:
            other.check = checked_notation(other.notation, frames, cuts[key])
        if other.check is not None:
            other.notation = other.check.notation


def _try_other(proven: Proposal, other: Proposal, side: Side) -> None:
    """Try the checksum of one side on the other side, which has too few frames to prove it."""
    if proven.check is None or other.check is not None:
        return
    frames = other.scored.cut.sure_frames(side.data)
    other.check = checked_like(proven.check, other.notation, frames) if frames else None
    if other.check is not None:
        other.notation = other.check.notation
        return
    result = verified(proven.notation, side, other.scored.cut)
    if not result.frames or len(result.faults + result.wrong) > max(1, result.frames // 20):
        return
    distinct = len({*frames})
    found = tuple(evolve(each, frames=distinct, bits=_HELD_BITS * distinct) for each in proven.check.found)
    other.check = evolve(proven.check, found=found)
    other.notation = proven.notation


def _add_known(proposals: dict[Candidate, Proposal], side: Side) -> None:
    for candidate, proposal in proposals.items():
        frames = proposal.scored.cut.sure_frames(side.data)
        known = known_as(candidate, frames)
        if known is None:
            continue
        proposal.known = known
        proposal.surprise -= _KNOWN if known.fits is None else _SHOWN
        sync = common_sync(known, frames)
        if sync and isinstance(candidate, LengthCandidate) and proposal.check is None:
            proposal.notation = notation_of(evolve(candidate, sync=sync)) or proposal.notation


def _without_loose_trailers(
    proposals: dict[Candidate, Proposal] | None,
) -> dict[Candidate, Proposal] | None:
    """Leave those out that have check bytes without a checksum."""
    if proposals is None:
        return None
    return {
        candidate: proposal
        for candidate, proposal in proposals.items()
        if not candidate.trailer or proposal.check is not None
    }
