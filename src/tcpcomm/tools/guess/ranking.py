"""Join the candidates of both sides, and rank them: :func:`ranked`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from attrs import define, field, frozen

from tcpcomm.tools.guess.answer import Notations
from tcpcomm.tools.guess.candidates.base import Candidate, notation_of
from tcpcomm.tools.guess.candidates.fixed import RawCandidate
from tcpcomm.tools.guess.checks.written import CheckedNotation
from tcpcomm.tools.guess.known import Known
from tcpcomm.tools.guess.scoring import Scored

_TWO_FRAMINGS: Final = 8.0
_CHECKED: Final = 40.0  # bits of plainness of a notation that verifies a checksum
_PAIRED: Final = 5  # cuts of each side that are tried with each cut of the other
_PER_CUT: Final = 3
_KEPT: Final = 6
_NEARLY_AS_PLAIN: Final = 8.0


@define(eq=False)
class Proposal:
    """
    One way to cut one side, in the notation.

    Attributes:
        scored: the candidate and its cut.
        notation: its framing, with its checksum if there is one.
        check: the checksum, or None.
        known: the public protocol that is cut so, or None.
        surprise: how strange this notation is among those that cut alike.
    """

    scored: Scored
    notation: str
    check: CheckedNotation | None = None
    known: Known | None = None
    surprise: float = 0.0

    @property
    def is_checked(self) -> bool:
        """True if its framing verifies a checksum in each frame."""
        return self.check is not None or self.scored.candidate.verifies

    @property
    def worth(self) -> float:
        """The bits by which it explains the side, without its prior."""
        return self.scored.gain + (self.check.bits if self.check else 0.0)

    @property
    def prior(self) -> float:
        """The bits that it costs."""
        known = 0.0 if self.known is None else 9.0 if self.known.begins else 5.0
        return max(1.0, self.scored.candidate.prior - known)


Pair: TypeAlias = tuple[Proposal | None, Proposal | None]


@frozen(eq=False)
class Ranked:
    """
    One answer: the proposals for both sides that cut alike, the plainest first.

    Attributes:
        gain: the bits that it saves.
        pairs: the proposals for both sides, the plainest first.
        notations: their framings.
        plain: the framings of those that are nearly as plain as the first one.
    """

    gain: float
    pairs: tuple[Pair, ...]
    notations: tuple[Notations, ...] = field(init=False)
    plain: tuple[Notations, ...] = field(init=False)

    @notations.default
    def _of_pairs(self) -> tuple[Notations, ...]:
        return tuple(dict.fromkeys(notations_of(pair) for pair in self.pairs))

    @plain.default
    def _of_plain_pairs(self) -> tuple[Notations, ...]:
        most = _cost(self.pairs[0]) + _NEARLY_AS_PLAIN
        return tuple(dict.fromkeys(notations_of(pair) for pair in self.pairs if _cost(pair) <= most))

    @property
    def parts(self) -> tuple[Proposal, ...]:
        """The proposals of the plainest pair, of the sides that sent something."""
        return tuple(part for part in self.pairs[0] if part is not None)


def notations_of(pair: Pair) -> Notations:
    """Return the notation of each side, None for a side that sent nothing."""
    first, second = pair
    return (None if first is None else first.notation, None if second is None else second.notation)


Proposals: TypeAlias = Mapping[Candidate, Proposal]


def ranked(sides: Sequence[Proposals | None]) -> list[Ranked]:
    """Return the best answers. A side that sent nothing is None."""
    first, second = sides
    found: list[tuple[float, Pair]] = []
    if first is not None and second is not None:
        found += _same(first, second)
        found += _different(first, second)
    else:
        for each in (first or second or {}).values():
            pair: Pair = (each, None) if second is None else (None, each)
            found.append((each.worth - each.prior, pair))
    return _grouped(found)


def _same(first: Proposals, second: Proposals) -> Iterable[tuple[float, Pair]]:
    for candidate, mine in first.items():
        yours = second.get(candidate)
        if yours is None and isinstance(candidate, RawCandidate):
            yours = next((each for other, each in second.items() if isinstance(other, RawCandidate)), None)
        if yours is not None:
            yield mine.worth + yours.worth - max(mine.prior, yours.prior), (mine, yours)


def _different(first: Proposals, second: Proposals) -> Iterable[tuple[float, Pair]]:
    for mine in _few(first):
        for yours in _few(second):
            if mine.scored.candidate != yours.scored.candidate:
                gain = mine.worth + yours.worth - mine.prior - yours.prior - _TWO_FRAMINGS
                yield gain, (mine, yours)


def _few(proposals: Proposals) -> list[Proposal]:
    """Return the plainest proposals of the best cuts."""
    cuts: dict[object, list[Proposal]] = {}
    for each in sorted(proposals.values(), key=lambda each: each.prior - each.worth):
        cuts.setdefault(each.scored.cut.key, []).append(each)
    return [
        each for group in [*cuts.values()][:_PAIRED] for each in sorted(group, key=_plainness)[:_PER_CUT]
    ]


def _plainness(proposal: Proposal) -> float:
    return proposal.surprise - (_CHECKED if proposal.is_checked else 0)


def _grouped(found: list[tuple[float, Pair]]) -> list[Ranked]:
    """Make one answer of the pairs that cut alike."""
    groups: dict[object, list[tuple[float, Pair]]] = {}
    for gain, pair in sorted(found, key=lambda each: -each[0]):
        key = tuple(part and part.scored.cut.key for part in pair)
        groups.setdefault(key, []).append((gain, pair))
    answers = []
    for members in [*groups.values()][:_KEPT]:
        members.sort(key=lambda member: (round(_cost(member[1]), 1), -member[0]))
        answers.append(Ranked(max(gain for gain, _ in members), tuple(pair for _, pair in members)))
    return answers


def _cost(pair: Pair) -> float:
    """Return how strange a pair is. One framing for both sides is one choice, shown best by one of them."""
    parts = [part for part in pair if part is not None]
    surprises = [part.surprise for part in parts]
    if len({part.scored.candidate for part in parts}) == 1:
        cost = min(surprises)
    else:
        cost = sum(surprises) + _TWO_FRAMINGS
    checks = sum(part.is_checked for part in parts)
    return cost - _CHECKED * checks


def proposal_of(scored: Scored, data: bytes) -> Proposal | None:
    """Return a scored candidate as a proposal, or None if it has no notation."""
    notation = notation_of(scored.candidate)
    if notation is None:
        return None
    surprise = scored.candidate.surprise(scored.cut.sure_frames(data))
    return Proposal(scored, notation, surprise=surprise)
