"""
A checksum that frames carry: :class:`FoundChecksum`.

Places count in the bytes of a whole frame, with its header, delimiters and trailers. A negative place
counts from the end, so that frames of any length have the same places::

    02 | 4D 45 41 53 | 03 | BCC | 0D        at=-2, cover_from=1, cover_to=-2
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import log2
from typing import Final

from attrs import evolve, field, frozen

from tcpcomm.framing.checksums import Checksum, checksum

_FROM_OTHER_SIDE: Final = 3.0
"""Bits that a checksum costs if the other side has proven it."""

_CONSTANT_BYTE: Final = 2.0
"""Bits that a byte of a column is worth in all frames together if it never varies."""


@frozen(kw_only=True)
class FoundChecksum:
    """
    A checksum that the frames carry, and its place.

    Args:
        checksum: the checksum and the form in which it is written.
        at: its first byte; negative from the frame's end.
        cover_from: the first byte that it counts.
        cover_to: the first byte after those that it counts; negative from the frame's end. None: it counts
            all bytes up to the end.
        frames: the distinct frames that carry it.
        wrong: the distinct frames that do not, because they were spoilt or written wrongly.
        distinct: its distinct values.
        bits: the bits by which it explains the frames, after the cost of saying which checksum it is.
    """

    checksum: Checksum
    at: int
    cover_from: int = 0
    cover_to: int | None = None
    frames: int = field(default=0, eq=False)
    wrong: int = field(default=0, eq=False)
    distinct: int = field(default=0, eq=False)
    bits: float = field(default=0.0, eq=False)

    @property
    def name(self) -> str:
        """The checksum in the notation, such as ``crc-16/modbus`` or ``xor:hex``."""
        name, form = self.checksum.name, self.checksum.form
        return name if form == checksum(name).form else f"{name}:{form}"

    @property
    def trailer(self) -> int:
        """The bytes behind a checksum with a place that counts from the end."""
        return -self.at - self.checksum.size if self.at < 0 else 0

    @property
    def between(self) -> int:
        """The bytes between those that it counts and itself, where both places count from one end."""
        if self.cover_to is None or (self.cover_to < 0) != (self.at < 0):
            return 0
        return max(0, self.at - self.cover_to)

    def places(self, size: int) -> tuple[int, int, int]:
        """Return its own place in a frame of this size, and the first and last place of what it counts."""
        stop = size if self.cover_to is None else self.cover_to
        return self.at + size * (self.at < 0), self.cover_from, stop + size * (stop < 0)

    def parts(self, frame: bytes) -> tuple[bytes, bytes] | None:
        """Return the counted bytes and the checksum in a frame, or None if the frame is too short."""
        size = len(frame)
        at, start, stop = self.places(size)
        if at < 0 or at + self.checksum.size > size or not start < stop <= size:
            return None
        return frame[start:stop], frame[at : at + self.checksum.size]

    def counts(self, other: FoundChecksum, frame: bytes) -> bool:
        """Return True if another checksum of this frame is among the bytes that this one counts."""
        _, start, stop = self.places(len(frame))
        return start <= other.places(len(frame))[0] < stop

    def matches(self, frame: bytes) -> bool:
        """Return True if this frame carries the checksum."""
        parts = self.parts(frame)
        return parts is not None and self.checksum.matches(*parts)

    def __str__(self) -> str:
        """Return a sentence for people, without a full stop."""
        agree = f"agrees in {self.frames} of {self.frames + self.wrong} distinct frames"
        return f"{self.name} {self._place} {agree}"

    @property
    def _place(self) -> str:
        if self.at >= 0:
            return f"at byte {self.at}"
        counted, where = (self.trailer, "before") if self.trailer else (self.checksum.size, "in")
        return f"{where} the last byte" if counted == 1 else f"{where} the last {counted} bytes"


def holds(found: FoundChecksum, frames: Iterable[bytes]) -> FoundChecksum | None:
    """
    Try a checksum that other frames have proven, such as those of the other side.

    Returns:
        The checksum with the counts of these frames, or None if one of them does not carry it.
    """
    distinct = [*dict.fromkeys(frames)]
    if not distinct or not all(map(found.matches, distinct)):
        return None
    evidence = evidence_of(found, distinct)
    values = {parts[1] for frame in distinct if (parts := found.parts(frame))}
    bits = evidence - _FROM_OTHER_SIDE
    return evolve(found, frames=len(distinct), wrong=0, distinct=len(values), bits=bits)


def evidence_of(found: FoundChecksum, frames: Sequence[bytes]) -> float:
    """
    Return the bits that the values of a checksum would cost if nothing explained them.

    The cheaper of two codes counts: one that learns which values are frequent, and one that learns which
    differences to the value before are. So a constant and a counter weigh little, though a checksum may
    happen to fit them. Frames with equal counted bytes count once.
    """
    values: dict[bytes, bytes] = {}
    for frame in frames:
        parts = found.parts(frame)
        if parts is not None:
            values.setdefault(*parts)
    return column_bits([*values.values()], min(found.checksum.width, found.checksum.size))


def column_bits(values: Sequence[bytes], width: int) -> float:
    """
    Return the bits that a column of values costs by itself.

    Args:
        values: the column; each value has the same number of bytes.
        width: the bytes that a value is worth: 1 for two hexadecimal digits.
    """
    if not values:
        return 0.0
    varying = min(width, sum(len({*column}) > 1 for column in zip(*values, strict=True)))
    worth = 8.0 * varying
    numbers = [int.from_bytes(value) for value in values]
    steps = [second - first for first, second in pairwise(numbers)]
    constant = _CONSTANT_BYTE * (width - varying)
    return constant + min(_learned(numbers, worth), worth + _learned(steps, worth))


def _learned(values: Sequence[int], worth: float) -> float:
    """Return the bits of values: a new one costs its worth, and the others by how frequent they are."""
    counts = Counter(values)
    repeated = len(values) - len(counts)
    return worth * len(counts) + repeated * min(worth, _entropy(counts.values(), len(values)))


def _entropy(counts: Iterable[int], total: int) -> float:
    return -sum(count / total * log2(count / total) for count in counts)
