"""Frames with a length field at a fixed place: :class:`LengthCandidate`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import log2
from typing import Final

from attrs import frozen

from tcpcomm.framing.base import DEFAULT_MAX_FRAME, Framing
from tcpcomm.framing.length import LengthPrefixed
from tcpcomm.framing.length_decoder import Form
from tcpcomm.tools.guess.candidates.base import Candidate, Walk, repeats
from tcpcomm.tools.guess.side import Side

_OFFSETS: Final = 32
_FAR: Final = 64  # the largest adjustment
_WIDTHS: Final[dict[Form, tuple[int, ...]]] = {
    "big": (1, 2, 3, 4),
    "little": (2, 3, 4),
    "decimal": (2, 3, 4, 5, 6, 8),
    "hex": (2, 4, 8),
}
_WIDTH_BITS: Final = {1: 3.0, 2: 1.0, 4: 1.0, 3: 6.0, 8: 6.0}
_FORM_BITS: Final[dict[Form, float]] = {"big": 0.0, "little": 1.0, "decimal": 2.0, "hex": 2.0}
_DIGITS: Final[dict[Form, tuple[frozenset[int], int]]] = {
    "decimal": (frozenset(b"0123456789"), 10),
    "hex": (frozenset(b"0123456789ABCDEFabcdef"), 16),
}
_FEW_BURSTS: Final = 8
_BLIND: Final = (1, 2, 4, 3)  # adjustments to try where no statistics propose one: checksums behind
_REPEATED: Final = 4  # frames of one header in a row, behind which others like them are counted at once
_KEYS: Final = (0, 2, 4)  # places of two bytes that the next header may repeat
_REPEATS: Final = 6


@frozen
class LengthCandidate(Candidate):
    """Frames with their length in the header: ``length:WIDTH`` and its options."""

    kinds = ("length", "tpkt")

    offset: int
    width: int
    form: Form
    adjust: int
    sync: bytes = b""

    @classmethod
    def propose(cls, side: Side) -> Iterator[Candidate]:
        bursts = [burst for burst in side.bursts if len(burst) >= 2]
        if bursts:
            yield from cls.usual()
        for offset in range(_OFFSETS):
            for form, widths in _WIDTHS.items():
                for width in widths:
                    for adjust in _adjustments(bursts, offset, width, form):
                        yield cls(offset, width, form, adjust)

    @classmethod
    def usual(cls) -> Iterator[Candidate]:
        """Yield the headers of public protocols, which are tried on every side."""
        yield cls(2, 2, "little", 20)  # EtherNet/IP
        yield cls(16, 2, "little", 2)  # XGT

    @property
    def header(self) -> int:
        """The bytes up to the end of the length field."""
        return self.offset + self.width

    @property
    def framing(self) -> Framing:
        return LengthPrefixed(
            self.width, form=self.form, offset=self.offset, adjust=self.adjust, sync=self.sync
        )

    @property
    def told(self) -> range:
        return range(self.offset, self.header)

    @property
    def prior(self) -> float:
        bits = 3 + _WIDTH_BITS.get(self.width, 6.0) + _FORM_BITS[self.form] + 2 * log2(self.offset + 1)
        if self.form in ("big", "little") and self.width in (2, 4) and self.offset % 2:
            bits += 1
        if self.adjust in (-self.header, -self.width):
            bits += 1.5
        elif self.adjust:
            bits += 3 + 2 * log2(abs(self.adjust) + 1)
        return bits

    def walk(self, data: bytes, start: int, stop: int) -> Walk:
        ends: list[int] = []
        offset, header, form, sync = self.offset, self.header, self.form, self.sync
        more = self.adjust + header
        digits, base = _DIGITS.get(form, (None, 0))
        position, last, alike = start, 0, 0
        while position + header <= stop:
            field = data[position + offset : position + header]
            if digits is None:
                total = int.from_bytes(field, form) + more  # type: ignore[arg-type]
            elif digits.issuperset(field):
                total = int(field, base) + more
            else:
                return Walk(ends, position)
            if not header <= total <= DEFAULT_MAX_FRAME or (sync and not data.startswith(sync, position)):
                return Walk(ends, position)
            if position + total > stop:
                break
            position += total
            ends.append(position)
            alike = alike + 1 if total == last else 0
            last = total
            if alike == _REPEATED and not sync:
                count = repeats(data, position, stop, total, self.told)
                ends += range(position + total, position + count * total + 1, total)
                position += count * total
                alike = 0
        return Walk(ends)

    def evidence(self, frames: Sequence[bytes]) -> float:
        """Return fewer bits if many frames are only a header: they are halves of a wider length field."""
        empty = [*map(len, frames)].count(self.header)
        return -3.0 * empty if 4 * empty > len(frames) else 0.0

    def surprise(self, frames: Sequence[bytes]) -> float:
        """Return the prior, and less if the length field is seen to count: several lengths stand in it."""
        return self.prior - (10 if len({*map(len, frames)}) >= 3 else 0)


def _adjustments(bursts: list[bytes], offset: int, width: int, form: Form) -> Iterator[int]:
    """Yield the adjustments by which a field at this place would fit the lengths of the bursts."""
    header = offset + width
    long_enough = [burst for burst in bursts if len(burst) >= header]
    if not long_enough:
        return
    if form in _DIGITS:
        digits, base = _DIGITS[form]
        read = [
            (len(burst), int(burst[offset:header], base))
            for burst in long_enough
            if digits.issuperset(burst[offset:header])
        ]
        if len(read) < 0.7 * len(long_enough):
            return
        left = Counter(size - header - value for size, value in read)
    else:
        left = Counter(
            len(burst) - header - int.from_bytes(burst[offset:header], form)  # type: ignore[arg-type]
            for burst in long_enough
        )
    usual = (0, -header, -width)
    yield from dict.fromkeys(usual)
    if len(bursts) < _FEW_BURSTS:
        yield from (adjust for adjust in _repeating(bursts, offset, width, form) if adjust not in usual)
        return
    needed = max(2, 0.25 * len(bursts))
    for adjust, count in left.most_common(3):
        if adjust not in usual and abs(adjust) <= _FAR and count >= needed:
            yield adjust


def _repeating(bursts: list[bytes], offset: int, width: int, form: Form) -> Iterator[int]:
    """Yield adjustments by which the first frame would end where its header begins again."""
    found = dict.fromkeys(_BLIND)
    header = offset + width
    for data in bursts[:2]:
        field = data[offset:header]
        if form in _DIGITS:
            digits, base = _DIGITS[form]
            if not field or not digits.issuperset(field):
                continue
            value = int(field, base)
        else:
            value = int.from_bytes(field, form)  # type: ignore[arg-type]
        for key in _KEYS:
            begin, at = data[key : key + 2], key
            for _ in range(_REPEATS):
                at = data.find(begin, at + 1)
                if at < 0:
                    break
                adjust = at - key - header - value
                if abs(adjust) <= _FAR:
                    found.setdefault(adjust)
    yield from found
