r"""
The score of a guess: the bits that a framing saves in the description of a capture.

**The idea.** A framing that is right explains something: the places where chunks end. Two people share a
capture's bytes. One tells the other where the chunks end. Without a framing each end is a number between
0 and the size of the data: ten ends in 1000 bytes cost 78 bits. With the right framing both know where
frames end, and most chunks end at one of those places, so ten ends among ten frames cost 3 bits. The
difference, 75 bits, is what the framing explains. A framing that is wrong proposes places at which no chunk
ends. It costs more than it saves, whatever it looks like. So no threshold is needed for a good fit: the
minimum description length is the measure (Rissanen, 1978).

**The ends.** Each class of ends (turns, pauses, joins: see :mod:`~tcpcomm.tools.guess.side`) costs by
itself. If it has ``n`` ends in ``size`` bytes, and ``k`` of them at the ``f`` frame ends::

    bits = log2 C(f, k) + log2 C(size - f, n - k) + log2(min(f, n) + 1)

The last term tells ``k``. A class with ends anywhere costs as much as without the framing. So pauses
within messages, or a line that TCP cut, weaken no framing: they only say nothing.

**The contents.** Where few chunks end (a bulk read), the bytes must speak. Frames that are cut right have
columns: the first bytes repeat from frame to frame, and so do the last ones. Without frames a byte costs by
its frequency in the side. In a column it costs by what the column held before, mixed with that frequency
(Dirichlet and multinomial). A column that saves nothing is left out. The bytes of a length field cost
nothing, because the lengths tell them, and the lengths are paid. This evidence is weaker than its bits say,
because bytes depend on each other in ways that no column knows. So it counts in part and is capped: it
decides where ends say little, and never outvotes them.

**The parameters.** Each candidate has a prior cost, in bits: usual delimiters cost 2, and a length field at
offset 19 with an adjustment of 7 costs 20. Two different framings for the two sides cost 8 more than one.
So a framing that was tailored to the capture must save the bits of its tailoring.

**The checksums.** Each distinct frame with a right checksum of ``w`` bytes saves 8 ``w`` bits; the search
for form, place and range costs about 20.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from math import lgamma, log, log2
from typing import Final

from attrs import field, frozen

from tcpcomm.tools.guess.side import Side

_HEAD: Final = 48  # the first bytes of a frame that are columns of their own
_QUICK_HEAD: Final = 14  # if many candidates must be told apart in a short time
_TAIL: Final = 6  # the last bytes that are
_LN2: Final = log(2)
_MIXED: Final = (0.5, 4.0)  # how much the frequency in the side counts in a column, in bytes seen
_LENGTHS: Final = 4096
_WEIGHT_OF_LENGTH: Final = 1 / 512
_NEVER: Final = 1e9


def choice_bits(things: int, chosen: int) -> float:
    """Return the bits to tell which ``chosen`` of ``things`` are meant."""
    if not 0 <= chosen <= things:
        return _NEVER
    return (lgamma(things + 1) - lgamma(chosen + 1) - lgamma(things - chosen + 1)) / _LN2


def ends_bits(side: Side, frame_ends: frozenset[int] = frozenset()) -> float:
    """Return the bits to tell where the chunks of a side end, if frames end at ``frame_ends``."""
    size, frames = len(side.data), len(frame_ends)
    bits = 0.0
    for ends in side.ends:
        if not ends:
            continue
        hits = len(ends & frame_ends)
        bits += choice_bits(frames, hits) + choice_bits(size - frames, len(ends) - hits)
        bits += log2(min(frames, len(ends)) + 1)
    return bits


@frozen
class Frequencies:
    """How often each byte stands in a side, which tells what it costs if nothing is known of frames."""

    data: bytes = field(repr=False)
    share: tuple[float, ...] = field(init=False, repr=False)
    bits: tuple[float, ...] = field(init=False, repr=False)

    @share.default
    def _shares(self) -> tuple[float, ...]:
        counts, size = Counter(self.data), len(self.data)
        return tuple((counts[byte] + 0.5) / (size + 128) for byte in range(256))

    @bits.default
    def _bits(self) -> tuple[float, ...]:
        return tuple(-log2(share) for share in self.share)

    def cost(self, column: Iterable[int]) -> float:
        """Return the bits of these bytes, if nothing is known of their place."""
        bits = self.bits
        return sum([bits[byte] for byte in column])

    def saved(self, column: Sequence[int]) -> float:
        """Return the bits that are saved because these bytes stand in one column of frames."""
        if len(column) < 2:
            return 0.0
        counts = Counter(column)
        plain = sum([count * self.bits[byte] for byte, count in counts.items()])
        return max(0.0, *(plain - self._mixed(counts, len(column), weight) - 1 for weight in _MIXED))

    def _mixed(self, counts: Counter[int], size: int, weight: float) -> float:
        share = self.share
        known = lgamma(weight) - lgamma(weight + size)
        for byte, count in counts.items():
            prior = weight * share[byte]
            known += lgamma(prior + count) - lgamma(prior)
        return -known / _LN2


class Columns:
    """
    The bits that the columns of frames save. Candidates that cut alike share them.

    Args:
        frames: the bytes of each frame, from its first to its last byte on the wire.
        frequencies: of the bytes of the side.
        quick: True if fewer columns are enough.
    """

    def __init__(self, frames: Sequence[bytes], frequencies: Frequencies, *, quick: bool = False) -> None:
        self._frequencies = frequencies
        head = _QUICK_HEAD if quick else _HEAD
        self._lengths = lengths_bits([*map(len, frames)])
        self._saved = [frequencies.saved(_column(frames, each)) for each in range(head)]
        tails = [frame[head:][-_TAIL:] if len(frame) < head + _TAIL else frame[-_TAIL:] for frame in frames]
        self._tails = [
            frequencies.saved([tail[-column] for tail in tails if len(tail) >= column])
            for column in range(1, _TAIL + 1)
        ]

    def gain(self, frames: Sequence[bytes], told: Collection[int] = ()) -> float:
        """
        Return the bits that are saved in all.

        Args:
            frames: the same frames.
            told: the columns that the lengths tell, so that they cost nothing.
        """
        gain = -self._lengths
        for column, saved in enumerate(self._saved):
            if column not in told:
                gain += saved
        for column in told:
            gain += self._frequencies.cost(_column(frames, column))
        for saved in self._tails:
            gain += saved
        return gain


def _column(frames: Sequence[bytes], column: int) -> list[int]:
    return [frame[column] for frame in frames if len(frame) > column]


def lengths_bits(lengths: Sequence[int]) -> float:
    """Return the bits of the lengths of frames: each by the ones before it, or all alike."""
    count = len(lengths)
    if not count:
        return 0.0
    mass = _LENGTHS * _WEIGHT_OF_LENGTH
    known = lgamma(_WEIGHT_OF_LENGTH)
    saved = sum(lgamma(_WEIGHT_OF_LENGTH + each) - known for each in Counter(lengths).values())
    learned = -(lgamma(mass) - lgamma(mass + count) + saved) / _LN2
    return min(learned, count * log2(max(lengths) + 1))
