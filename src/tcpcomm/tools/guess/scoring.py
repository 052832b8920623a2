"""Score candidates on one side: :func:`score_side`. The theory stands in ``code_length``."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable
from functools import cached_property
from itertools import chain, pairwise
from typing import Final

from attrs import define

from tcpcomm.tools.guess.candidates.base import Candidate
from tcpcomm.tools.guess.code_length import Columns, Frequencies, ends_bits
from tcpcomm.tools.guess.cutting import Cut, cut_side
from tcpcomm.tools.guess.side import Side

_CUTS: Final = 14  # of a side that are looked at closely, and of both sides together
_ALIKE: Final = 4  # candidates of one cut that are kept
_PROBED: Final = 3000  # bytes that rank candidates by their contents where ends say little
_FEW_MARKS: Final = 8
_PLENTY: Final = 120.0  # bits that ends may explain, with which the contents need not help
_WEIGHT: Final = 0.2
_MORE: Final = 0.4  # the weight of contents where ends explain nothing
_BEYOND: Final = 0.2  # the weight of what contents explain beyond their most
_SCARCE: Final = 0.3  # of the ends; from here on the contents are looked at closely
_LOSS: Final = 15.0
_MOVE: Final = 10.0
_FAILURE: Final = 25.0


@define(eq=False)
class Scored:
    """
    A candidate with its cut of one side.

    Attributes:
        candidate: how it is cut.
        cut: where.
        ends_gain: the bits by which the frames explain the ends of chunks.
        gain: the bits by which it explains the side, without its prior.
        hit: the part of the turns and pauses at which a frame ends.
    """

    candidate: Candidate
    cut: Cut
    ends_gain: float
    gain: float
    hit: float


class Measured:
    """A side with the bits that it costs if nothing is known of its frames."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.ends = ends_bits(side)
        self._cuts: dict[Hashable, tuple[Cut, float, float]] = {}
        self._columns: dict[bytes, Columns] = {}

    @cached_property
    def frequencies(self) -> Frequencies:
        """The number of times that each byte stands in it."""
        return Frequencies(self.side.data)

    @property
    def scarcity(self) -> float:
        """Return how little the ends can explain, from 0 for plenty to 1 for nothing."""
        return max(0.0, 1 - self.ends / _PLENTY)

    def quick(self, candidate: Candidate) -> Scored | None:
        """Cut the side, and score it by the ends of the chunks alone."""
        cut = cut_side(candidate, self.side)
        if cut is None:
            return None
        cut, ends_gain, hit = self._shared(cut)
        if not candidate.explains:
            return Scored(candidate, cut, 0.0, 0.0, hit)
        evidence = candidate.evidence(cut.frames(self.side.data)) if _has_evidence(candidate) else 0.0
        return Scored(candidate, cut, ends_gain, ends_gain + evidence, hit)

    def _shared(self, cut: Cut) -> tuple[Cut, float, float]:
        """Return the first cut like this one, so that one is kept, the bits of its ends, and its hits."""
        key = cut.identity
        known = self._cuts.get(key)
        if known is None:
            ends, marks = cut.ends, self.side.marks
            faults = (
                _LOSS * len(cut.losses) + _MOVE * bool(cut.moved) + _FAILURE * (cut.failed_at is not None)
            )
            gain = self.ends - ends_bits(self.side, ends) - faults
            known = self._cuts[key] = (cut, gain, len(ends.intersection(marks)) / max(1, len(marks)))
        return known

    def with_contents(self, scored: Scored) -> Scored:
        """Add what the contents say."""
        data, cut, candidate = self.side.data, scored.cut, scored.candidate
        if not candidate.explains:
            return scored
        frames = cut.frames(data)
        columns = self._columns.get(cut.key)
        if columns is None:
            plenty = self.scarcity < _SCARCE
            columns = self._columns[cut.key] = Columns(frames, self.frequencies, quick=plenty)
        gain = columns.gain(frames, candidate.told)
        evidence = candidate.evidence(frames)
        scored.gain = scored.ends_gain + evidence + self.weighed(gain, scored)
        return scored

    def weighed(self, gain: float, scored: Scored) -> float:
        """Return how much the bits of the contents count."""
        scarcity = self.scarcity
        weight = _WEIGHT + _MORE * scarcity
        if gain < 0:
            return gain * weight
        most = 10 + 0.1 * max(0.0, scored.ends_gain) + 120 * scarcity
        trust = 1.0 if len(self.side.marks) < _FEW_MARKS else max(0.0, 2 * scored.hit - 1)
        counted = gain * weight
        beyond = _BEYOND * scarcity * max(0.0, counted - most)
        return (min(counted, most) + beyond) * trust


Found = dict[Candidate, Scored]
"""The candidates of one side."""


def score_side(side: Side, candidates: Iterable[Candidate]) -> tuple[Measured, Found]:
    """Cut a side by each candidate, and score it by the ends."""
    measured = Measured(side)
    found: Found = {}
    for candidate in candidates:
        scored = measured.quick(candidate)
        if scored is not None:
            found[candidate] = scored
    return measured, found


def probe_contents(measured: Measured, found: Found) -> None:
    """Where ends say little, add what the contents of the first bytes say, for each cut once."""
    side = measured.side.first(_PROBED)
    if measured.scarcity < _SCARCE or len(side.data) < 2:
        return
    known: dict[tuple[int, ...], tuple[list[bytes], Columns]] = {}
    for candidate, scored in found.items():
        if not candidate.explains:
            continue
        begins = _begins(scored.cut, len(side.data))
        if begins not in known:
            frames = [side.data[start:end] for start, end in pairwise(begins)]
            known[begins] = (frames, Columns(frames, measured.frequencies, quick=True))
        frames, columns = known[begins]
        scored.gain += measured.weighed(columns.gain(frames, candidate.told), scored)


def _begins(cut: Cut, size: int) -> tuple[int, ...]:
    """Return where frames begin and end in the first bytes. A gap belongs to the frame behind it."""
    ends = (run.ends[: bisect_right(run.ends, size)] for run in cut.runs)
    return (cut.runs[0].start, *chain.from_iterable(ends))


def _has_evidence(candidate: Candidate) -> bool:
    return type(candidate).evidence is not Candidate.evidence


def keep_best(
    names: Iterable[Candidate],
    worth: Callable[[Candidate], float],
    cut_of: Callable[[Candidate], object],
) -> set[Candidate]:
    """Return the candidates of the best cuts, a few of each cut."""
    cuts: dict[object, list[Candidate]] = {}
    for candidate in sorted(names, key=lambda each: -worth(each)):
        cut = cut_of(candidate)
        if cut not in cuts and len(cuts) >= _CUTS:
            continue
        kept = cuts.setdefault(cut, [])
        same_kind = sum(type(each) is type(candidate) for each in kept)
        if same_kind < _ALIKE:
            kept.append(candidate)
    return {candidate for kept in cuts.values() for candidate in kept}
