"""
Read a capture with the wrappers that fit its streams: :func:`best_reading`.

A wrapper is chosen like a candidate, by the bits that it saves. The rest of the stream, without the bytes
that the wrapper takes out, is ranked like any capture. So a wrapper is worth what its bytes explain, the
ends of chunks that vanish with them, and what the rest explains better than the whole, without its price.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

from attrs import evolve, frozen

from tcpcomm.framing.notation import format_framing, parse_framing
from tcpcomm.tools.guess.answer import Explanation, Guess, Notations
from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Capture
from tcpcomm.tools.guess.capture import Side as SideNumber
from tcpcomm.tools.guess.code_length import ends_bits
from tcpcomm.tools.guess.known import recognised
from tcpcomm.tools.guess.ranking import Ranked
from tcpcomm.tools.guess.side import Side
from tcpcomm.tools.guess.wrappers.preamble import PreambleWrapper, may_begin_otherwise
from tcpcomm.tools.guess.wrappers.telnet import TelnetWrapper
from tcpcomm.tools.guess.wrappers.wrapper import Wrapper, without

Sides: TypeAlias = tuple[Side, Side]
Wrappers: TypeAlias = tuple[Wrapper | None, Wrapper | None]

_NONE: Final[Wrappers] = (None, None)
_HIT: Final = 0.85  # of the marks behind the first burst at which frames end
_HALF: Final = 0.5
_NUMBERS: Final[tuple[SideNumber, SideNumber]] = (OPENER, ANSWERER)


@frozen(eq=False)
class Reading:
    """
    A capture without what wrappers take out of it, and the best explanations of the rest.

    Attributes:
        capture: the rest.
        sides: its two directions, as far as they are looked at.
        answers: the explanations, the best first.
        wrappers: the wrapper of each side, or None.
        bits: the bits that the wrappers explain, without those that they cost.
    """

    capture: Capture
    sides: Sides
    answers: Sequence[Ranked]
    wrappers: Wrappers = _NONE
    bits: float = 0.0

    @property
    def gain(self) -> float:
        """The bits that the best explanation saves."""
        return self.bits + (self.answers[0].gain if self.answers else 0.0)

    def wrapped(self, guess: Guess) -> Guess:
        """Return a guess about the rest as one about the whole capture."""
        if self.wrappers == _NONE:
            return guess
        best = guess.best and self._explained(guess.best)
        return evolve(guess, best=best, others=tuple(map(self._explained, guess.others)))

    def _explained(self, explanation: Explanation) -> Explanation:
        evidence = dict.fromkeys(each.evidence for each in self.wrappers if each is not None)
        return evolve(
            explanation,
            framings=self._around(explanation.framings),
            variants=tuple(map(self._around, explanation.variants)),
            evidence=(*explanation.evidence, *evidence) if explanation.evidence else (),
        )

    def _around(self, notations: Notations) -> Notations:
        first, second = (
            notation if notation is None or wrapper is None else _wrapped(notation, wrapper)
            for notation, wrapper in zip(notations, self.wrappers, strict=True)
        )
        return first, second


Look: TypeAlias = Callable[[Capture], tuple[Sides, Sequence[Ranked]]]
"""Returns the two directions of a capture, as far as they are looked at, and their best explanations."""


def best_reading(plain: Reading, look: Look) -> Reading:
    """Return the reading that saves the most bits: the plain one, or one with wrappers."""
    if any(map(recognised, plain.sides)):
        return plain
    best = plain
    for wrappers in (*_telnet(plain.sides), *_preambles(plain, look)):
        found = _read(plain, wrappers, look)
        if found.gain > best.gain:
            best = found
    return best


def _read(plain: Reading, wrappers: Wrappers, look: Look) -> Reading:
    rest, bits = plain.capture, 0.0
    for number, wrapper in _numbered(wrappers):
        rest = without(rest, number, wrapper)
        bits += wrapper.bits
    sides, answers = look(rest)
    bits += sum(map(ends_bits, plain.sides)) - sum(map(ends_bits, sides))
    return Reading(rest, sides, answers, wrappers, bits)


def _numbered(wrappers: Wrappers) -> Iterator[tuple[SideNumber, Wrapper]]:
    for number, wrapper in zip(_NUMBERS, wrappers, strict=True):
        if wrapper is not None:
            yield number, wrapper


def _telnet(sides: Sides) -> Iterator[Wrappers]:
    """Yield the commands of Telnet in both sides, if one of them begins with a negotiation."""
    if any(TelnetWrapper.begins(side.data) for side in sides):
        first, second = (TelnetWrapper.propose(side.data) for side in sides)
        if first or second:
            yield first, second


def _preambles(plain: Reading, look: Look) -> Iterator[Wrappers]:
    """
    Yield the bytes before the first message of a side, if the capture begins with the connection.

    If both sides have some, they are a handshake, of which nobody knows that it has always one size.
    """
    if not plain.capture.from_start:
        return
    alone = [not _explains_first(plain, number) for number in _NUMBERS]
    found = _before_frames(plain, alone, look)
    first, second = (
        PreambleWrapper.before_text(side, alone=alone[number]) or found[number]
        for number, side in enumerate(plain.sides)
    )
    if (first is None) != (second is None):
        yield first, second


def _before_frames(
    plain: Reading, alone: Sequence[bool], look: Look
) -> tuple[PreambleWrapper | None, PreambleWrapper | None]:
    """
    Return the bytes before the first frame of each side, which all that follows shows how to cut.

    Args:
        plain: the reading without wrappers.
        alone: True for each side of which no frame ends where the first burst ends.
        look: looks at the capture without these bursts.
    """
    rest, tried = plain.capture, set()
    for number, side in zip(_NUMBERS, plain.sides, strict=True):
        if alone[number] and may_begin_otherwise(side):
            rest = without(rest, number, PreambleWrapper(len(side.bursts[0])))
            tried.add(number)
    _, answers = look(rest) if tried else ((), ())
    parts = answers[0].pairs[0] if answers else (None, None)
    first, second = (
        PreambleWrapper.before_frames(side, part.notation)
        if number in tried and part is not None and part.scored.hit >= _HIT
        else None
        for number, side, part in zip(_NUMBERS, plain.sides, parts, strict=True)
    )
    return first, second


def _explains_first(plain: Reading, number: SideNumber) -> bool:
    """Return True if the best explanation ends a frame where the first burst ends, and most others."""
    part = plain.answers[0].pairs[0][number] if plain.answers else None
    if part is None or part.scored.hit < _HALF:
        return False
    return len(plain.sides[number].bursts[0]) in part.scored.cut.ends


def _wrapped(notation: str, wrapper: Wrapper) -> str:
    return format_framing(wrapper.around(parse_framing(notation)))
