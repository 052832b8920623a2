"""Frames of one size, or that only silence ends: :class:`FixedCandidate`, :class:`RawCandidate`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import gcd, log2
from typing import Final

from attrs import field, frozen

from tcpcomm.framing.base import Framing
from tcpcomm.framing.length import FixedSize
from tcpcomm.framing.unframed import Unframed
from tcpcomm.tools.guess.candidates.base import Candidate, Walk
from tcpcomm.tools.guess.side import Side

_LARGEST: Final = 512  # of the sizes that only divide the data
_FEW_BURSTS: Final = 8


@frozen
class FixedCandidate(Candidate):
    """Frames of one size: ``fixed:SIZE``."""

    kinds = ("fixed",)

    size: int

    @classmethod
    def propose(cls, side: Side) -> Iterator[Candidate]:
        sizes = Counter(map(len, side.bursts))
        found = [size for size, _ in sizes.most_common(3)]
        found.append(gcd(*sizes) if sizes else 0)
        if len(side.bursts) < _FEW_BURSTS:
            total = len(side.data)
            found += [size for size in range(2, min(_LARGEST, total // 3) + 1) if total % size == 0]
        for size in dict.fromkeys(found):
            if size > 1:
                yield cls(size)

    @property
    def framing(self) -> Framing:
        return FixedSize(self.size)

    @property
    def prior(self) -> float:
        return 4 + 2 * log2(self.size)

    def walk(self, data: bytes, start: int, stop: int) -> Walk:
        return Walk([*range(start + self.size, stop + 1, self.size)])


@frozen
class RawCandidate(Candidate):
    """Messages that end with silence: ``raw,join``. It explains no end, so it only holds a checksum."""

    kinds = ("raw",)
    explains = False

    ends: frozenset[int] = field(repr=False)

    @classmethod
    def propose(cls, side: Side) -> Iterator[Candidate]:
        if len(side.marks) > 2:
            yield cls(frozenset(side.marks))

    @property
    def framing(self) -> Framing:
        return Unframed(join=True)

    @property
    def prior(self) -> float:
        return 30.0

    def walk(self, data: bytes, start: int, stop: int) -> Walk:
        return Walk(sorted(end for end in self.ends if start < end <= stop))

    def surprise(self, frames: Sequence[bytes]) -> float:
        return 100.0
