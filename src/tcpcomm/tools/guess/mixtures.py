"""
Tell that two protocols share one stream: :func:`with_mixture`.

A console may print lines between the messages of another program, or two programs may write to one socket.
If one framing cuts a third of the chunks of a side or more, each from its first byte to its last, the
other chunks are guessed alone. Both parts must be explained, and none of the two framings may explain all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Final

from attrs import evolve, frozen

from tcpcomm.framing.base import decode
from tcpcomm.framing.notation import parse_framing
from tcpcomm.tools.guess.answer import Guess, Verdict
from tcpcomm.tools.guess.candidates.base import Candidate, has_control_bytes
from tcpcomm.tools.guess.candidates.delimited import DelimitedCandidate
from tcpcomm.tools.guess.candidates.every import proposed
from tcpcomm.tools.guess.candidates.fixed import FixedCandidate, RawCandidate
from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Capture, CapturedChunk
from tcpcomm.tools.guess.capture import Side as SideNumber
from tcpcomm.tools.guess.side import Side, side_of
from tcpcomm.tools.guess.verdict import TOO_FEW

MIXED: Final = "two protocols share "
"""The beginning of the doubt about such a stream, with its next step behind the last colon."""

_FEWEST: Final = 6  # chunks of each protocol
_LEAST_PART: Final = 1 / 3
_ALONE: Final = 0.75  # of the chunks that hold messages of one protocol only
_NEARLY_ALL: Final = 0.9
_SAMPLE: Final = 60  # chunks that rank the framings
_MOST_BYTES: Final = 64 * 1024  # of these chunks
_MOST_CHUNKS: Final = 300
_TRIED: Final = 4  # ways to divide the chunks
_ADVICE: Final = "no framing reads both, so capture them apart, or give each its own connection"
_QUIET: Final = 1.0  # seconds between two chunks, so that they are no pieces of one message


@frozen
class _Mixture:
    """Two framings, each with the number of chunks that it explains, and the number of all."""

    framings: tuple[str, str]
    counts: tuple[int, int]
    chunks: int

    def words(self, number: SideNumber) -> str:
        one, other = self.framings
        first, second = self.counts
        of = f"{'the first ' * (self.chunks == _MOST_CHUNKS)}{self.chunks} chunks"
        text = (
            f"{MIXED}what {'><'[number]} sends: {one} explains {first} of {of}, "
            f"and {other} explains {second} others"
        )
        left = self.chunks - first - second
        return f"{text}; {left} may hold parts of both" if left else text


def with_mixture(capture: Capture, guess: Guess, guess_part: Callable[[Capture], Guess]) -> Guess:
    """
    Return the guess, or one that names the two protocols that share the bytes of a side.

    Args:
        capture: the stream.
        guess: the answer for all of it. If that is confident, one framing explains it.
        guess_part: guesses a part of it.
    """
    if guess.best is None or guess.verdict is Verdict.CONFIDENT or guess.skipped:
        return guess
    found = []
    for number in (OPENER, ANSWERER):
        side = side_of(capture, number)
        notation = guess.best.framings[number] if _is_clear(guess) else None
        for ends in dict.fromkeys((side.chunks, side.marks)):
            pieces = _pieces(side, ends)
            if len(pieces) < 2 * _FEWEST or (notation is not None and _explains(notation, pieces)):
                break
            mixture = _mixture(side, pieces, guess_part)
            if mixture is not None:
                found.append(mixture.words(number))
                break
    if not found:
        return guess
    return evolve(guess, verdict=Verdict.NOTHING, doubts=(f"{'; '.join(found)}: {_ADVICE}", *guess.doubts))


def _pieces(side: Side, ends: Sequence[int]) -> list[bytes]:
    """Return the bytes between these ends."""
    return [side.data[start:end] for start, end in pairwise([0, *ends[:_MOST_CHUNKS]])]


def _mixture(
    side: Side, pieces: Sequence[bytes], guess_part: Callable[[Capture], Guess]
) -> _Mixture | None:
    for candidate in _dividing(side, pieces):
        mine, others = _divided(candidate, pieces)
        alone = len(mine) + len(others)
        if alone < _ALONE * len(pieces) or min(len(mine), len(others)) < max(_FEWEST, _LEAST_PART * alone):
            continue
        second = _framing_of(others, guess_part)
        if second is None or _explains(second, pieces):
            continue
        first = _framing_of(mine, guess_part)
        if first is None or _explains(first, pieces) or _checks(first) & _checks(second):
            continue
        left = [
            piece for piece, is_whole in zip(pieces, _whole(first, pieces), strict=True) if not is_whole
        ]
        return _Mixture((first, second), (len(pieces) - len(left), sum(_whole(second, left))), len(pieces))
    return None


def _divided(candidate: Candidate, pieces: Sequence[bytes]) -> tuple[list[bytes], list[bytes]]:
    """Return the chunks that a framing cuts whole, and the others, both without those that hold both."""
    mine = [piece for piece in pieces if _cuts(candidate, piece)]
    others = [piece for piece in pieces if not _cuts(candidate, piece)]
    if isinstance(candidate, DelimitedCandidate):
        mine = [piece for piece in mine if not has_control_bytes(candidate.pattern.sub(b"", piece))]
        others = [piece for piece in others if not candidate.pattern.search(piece)]
    return mine, others


def _dividing(side: Side, pieces: Sequence[bytes]) -> Iterator[Candidate]:
    """Yield the plainest framings that cut a part of the chunks whole, each part once."""
    sizes = accumulate(map(len, pieces[:_SAMPLE]))
    sample = pieces[: sum(size <= _MOST_BYTES for size in sizes)]
    if len(sample) < 2 * _FEWEST:
        return
    parts: dict[tuple[bool, ...], Candidate] = {}
    for candidate in proposed(side):
        if isinstance(candidate, FixedCandidate | RawCandidate) or candidate.trailer:
            continue
        part = tuple(_cuts(candidate, piece) for piece in sample)
        if _LEAST_PART / 2 <= sum(part) / len(sample) <= 1 - _LEAST_PART / 2:
            known = parts.get(part)
            if known is None or candidate.prior < known.prior:
                parts[part] = candidate
    yield from sorted(parts.values(), key=lambda each: each.prior)[:_TRIED]


def _cuts(candidate: Candidate, piece: bytes) -> bool:
    """Return True if the last frame of a chunk ends where the chunk ends."""
    walk = candidate.walk(piece, 0, len(piece))
    return walk.failed_at is None and bool(walk.ends) and walk.ends[-1] == len(piece)


def _framing_of(pieces: Sequence[bytes], guess_part: Callable[[Capture], Guess]) -> str | None:
    """Return the framing that explains these chunks as the chunks of one side, or None."""
    chunks = [CapturedChunk(OPENER, piece, number * _QUIET) for number, piece in enumerate(pieces)]
    guess = guess_part(Capture(chunks, from_start=True))
    if guess.best is None:
        return None
    notation = guess.best.framings[OPENER]
    if notation is None or notation.startswith("fixed:") or not _is_clear(guess):
        return None  # two sizes are no two protocols
    return notation if _explains(notation, pieces) else None


def _checks(notation: str) -> set[str]:
    """Return the checksums of a framing. Two protocols seldom have the same one."""
    return {each for each in notation.split(",") if each.startswith(("check=", "bcc=", "head-check="))}


def _is_clear(guess: Guess) -> bool:
    """Return True if nothing but the number of messages leaves a guess in doubt."""
    return guess.verdict is not Verdict.NOTHING and all(TOO_FEW in doubt for doubt in guess.doubts)


def _explains(notation: str, pieces: Sequence[bytes]) -> bool:
    return sum(_whole(notation, pieces)) >= _NEARLY_ALL * len(pieces)


def _whole(notation: str, pieces: Sequence[bytes]) -> Iterator[bool]:
    """Yield for each chunk whether it is made of whole frames."""
    framing = parse_framing(notation)
    for piece in pieces:
        decoder = framing.decoder()
        found = [*decode(decoder, piece)]
        is_whole = all(isinstance(each, list) for each in found) and not decoder.buffered
        yield bool(found) and is_whole
