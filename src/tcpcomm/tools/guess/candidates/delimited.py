"""Frames that end with bytes of their own: :class:`DelimitedCandidate`, :class:`LinesCandidate`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final

from attrs import field, frozen

from tcpcomm.framing.base import Framing
from tcpcomm.framing.delimited import Delimited, Lines
from tcpcomm.tools.guess.candidates.base import CONTROL, Candidate, Walk, is_binary
from tcpcomm.tools.guess.side import Side

_USUAL: Final = {b"\r\n": 2.0, b"\n": 2.0, b"\r": 2.0, b"\0": 5.0, b";": 6.0, b"\x03": 6.0}
_LONGEST: Final = 4
_CLOSING_TAG: Final = re.compile(rb"</[A-Za-z][\w.-]*\s*>$")
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")
_BINARY_COST: Final = 15.0
_SPLIT_END: Final = 12.0  # bits that a mark costs if it is only the first half of one
_LINE_BYTES: Final = {b"\n", b"\r"}
_NEEDED: Final = 0.5  # of the bursts that end so


@frozen
class DelimitedCandidate(Candidate):
    """Frames that end with one of these delimiters."""

    kinds = ("delimited",)
    finds_starts = True

    delimiters: tuple[bytes, ...] = field()
    pattern: re.Pattern[bytes] = field(init=False, repr=False, eq=False)

    @pattern.default
    def _compile(self) -> re.Pattern[bytes]:
        return re.compile(b"|".join(map(re.escape, self.delimiters)))

    @classmethod
    def propose(cls, side: Side) -> Iterator[Candidate]:
        data, bursts = side.data, side.bursts
        tails = Counter(burst[-size:] for burst in bursts for size in range(1, _LONGEST + 1))
        needed = max(2, _NEEDED * len(bursts))
        found = [tail for tail, count in tails.most_common(60) if count >= needed]
        found += [each for each in _USUAL if each != b"\x03" and each in data]
        tags = Counter(match[0] for burst in bursts if (match := _CLOSING_TAG.search(burst)))
        found += [tag for tag, count in tags.most_common(2) if count >= 0.4 * len(bursts)]
        for delimiter in dict.fromkeys(found):
            yield cls((delimiter,))
        marks = [
            tail
            for tail, count in tails.most_common(20)
            if len(tail) <= 2 and count >= 0.08 * len(bursts) and not tail[-1:].isalnum()
        ]
        for several in (*combinations(marks[:6], 2), *combinations(marks[:4], 3)):
            covered = sum(burst.endswith(several) for burst in bursts)
            if covered > 0.9 * len(bursts) and len({each[-1] for each in several}) == len(several):
                yield cls(several)

    @property
    def framing(self) -> Framing:
        return Delimited(self.delimiters, keep_ends=len(self.delimiters) > 1)

    @property
    def prior(self) -> float:
        bits = 0.0
        for each in self.delimiters:
            words = 5.0 * sum(chr(byte).isalnum() for byte in each)
            bits += _USUAL.get(each, 8.0 if _CLOSING_TAG.search(each) else 4.0 + 7 * len(each) + words)
        return bits + 8 * (len(self.delimiters) - 1)

    def walk(self, data: bytes, start: int, stop: int) -> Walk:
        return Walk([match.end() for match in self.pattern.finditer(data, start, stop)])

    def holds_binary(self, frames: Sequence[bytes]) -> bool:
        longest = max(map(len, self.delimiters))
        return is_binary(frame[1:-longest] for frame in frames)

    def resume(self, data: bytes, position: int, stop: int) -> int | None:
        match = self.pattern.search(data, position, stop)
        return None if match is None else match.end()

    def evidence(self, frames: Sequence[bytes]) -> float:
        """Return fewer bits if frames are empty or binary, or if all begin with the same control byte."""
        bits = -3.0 * sum(frame in self.delimiters for frame in frames)
        if self.holds_binary(frames):
            bits -= _BINARY_COST + len(frames)
        begins = {frame[:1] for frame in frames[1:]}
        if len(begins) == 1 and len(frames) > 2 and begins <= _LINE_BYTES:
            bits -= _SPLIT_END + len(frames)
        return bits

    def surprise(self, frames: Sequence[bytes]) -> float:
        """Return the prior, and more for binary frames, or if a constant control byte stands before."""
        if self.holds_binary(frames):
            return self.prior + _BINARY_COST
        if len(self.delimiters) > 1 or len(frames) <= 2:
            return self.prior
        constant = 0
        while constant < _LONGEST and all(len(frame) > constant for frame in frames):
            column = {frame[-1 - constant] for frame in frames}
            if len(column) > 1 or not column <= CONTROL:
                break
            constant += 1
        size = len(self.delimiters[0])
        if size == constant:
            return min(self.prior, 4.0)
        return self.prior + 4 * max(0, constant - size)


@frozen
class LinesCandidate(Candidate):
    """Lines with ends that differ from line to line."""

    kinds = ("lines",)
    finds_starts = True

    @classmethod
    def propose(cls, side: Side) -> Iterator[Candidate]:
        if len(set(_LINE_END.findall(side.data))) > 1 or b"\n" in side.data:
            yield cls()

    @property
    def framing(self) -> Framing:
        return Lines()

    @property
    def prior(self) -> float:
        return 6.0

    def holds_binary(self, frames: Sequence[bytes]) -> bool:
        return is_binary(frame[1:].rstrip(b"\r\n") for frame in frames)

    def walk(self, data: bytes, start: int, stop: int) -> Walk:
        return Walk([match.end() for match in _LINE_END.finditer(data, start, stop)])
