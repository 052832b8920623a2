"""Frames behind a length of variable width: :class:`VariableCandidate`, :class:`NetstringCandidate`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import log2
from typing import Final

from attrs import frozen

from tcpcomm.framing.base import DEFAULT_MAX_FRAME, Framing
from tcpcomm.framing.headers.variable_length import VariableForm, VariableLength
from tcpcomm.framing.netstring import Netstring
from tcpcomm.tools.guess.candidates.base import Candidate, Walk, repeats
from tcpcomm.tools.guess.side import Side

_OFFSETS: Final = 6
_FAR: Final = 32
_REPEATED: Final = 4  # frames of one header in a row, behind which others like them are counted at once
_PROBED: Final = 60  # bursts
_NETSTRING: Final = re.compile(rb"(0|[1-9]\d{0,8}):")
_PATTERNS: Final[dict[VariableForm, bytes]] = {"decimal": rb"([0-9]{1,15})", "hex": rb"([0-9A-Fa-f]{1,15})"}
_BASES: Final = {"decimal": 10, "hex": 16}


@frozen
class VariableCandidate(Candidate):
    """Frames behind a varint, a length of BER, or digits up to a mark."""

    kinds = ("length:varint", "length:ber", "length:decimal", "length:hex")

    form: VariableForm
    offset: int = 0
    adjust: int = 0
    end: bytes = b""

    @classmethod
    def propose(cls, side: Side) -> Iterator[Candidate]:
        bursts = side.bursts[:_PROBED]
        for form in ("varint", "ber"):
            for offset in range(_OFFSETS):
                yield from cls._fitting(bursts, form, offset, b"")
        for form, digits in _PATTERNS.items():
            for offset in (0, 1, 2, 3, 4):
                marks = Counter(
                    match[2] for burst in bursts if (match := _digits_and_mark(digits).match(burst, offset))
                )
                for mark, count in marks.most_common(2):
                    if count >= 0.6 * len(bursts):
                        for end in dict.fromkeys((mark[:1], mark)):
                            yield from cls._fitting(bursts, form, offset, end)

    @classmethod
    def _fitting(
        cls, bursts: Sequence[bytes], form: VariableForm, offset: int, end: bytes
    ) -> Iterator[Candidate]:
        plain = cls(form, offset, 0, end)
        left: Counter[int] = Counter()
        for burst in bursts:
            header = plain.header(burst, 0, len(burst))
            if header is not None:
                left[len(burst) - header[0] - header[1]] += 1
        if not left:
            return
        yield plain
        for adjust, count in left.most_common(2):
            if adjust and abs(adjust) <= _FAR and count >= max(2, 0.3 * len(bursts)):
                yield cls(form, offset, adjust, end)

    def header(self, data: bytes, position: int, stop: int) -> tuple[int, int] | None:
        """Return the bytes of the header at a position and its value, or None if none can be there."""
        at = position + self.offset
        if self.form == "varint":
            return _varint(data, at, stop, self.offset)
        if self.form == "ber":
            return _ber(data, at, stop, self.offset)
        match = _digits(self.form, self.end).match(data, at, stop)
        return None if match is None else (match.end() - position, int(match[1], _BASES[self.form]))

    @property
    def framing(self) -> Framing:
        if self.end:
            return VariableLength(self.form, end=self.end, offset=self.offset, adjust=self.adjust)
        return VariableLength(self.form, offset=self.offset, adjust=self.adjust)

    @property
    def prior(self) -> float:
        bits = {"varint": 6.0, "ber": 8.0, "decimal": 4.0, "hex": 6.0}[self.form]
        bits += 2 * log2(self.offset + 1) + (3 + 2 * log2(abs(self.adjust) + 1) if self.adjust else 0)
        return bits + (0 if self.end in (b"", b":", b"\n", b"\r\n") else 5 * len(self.end))

    @property
    def told(self) -> range:
        return range(self.offset, self.offset + 1)

    def walk(self, data: bytes, start: int, stop: int) -> Walk:
        ends: list[int] = []
        position, adjust, last, alike = start, self.adjust, (0, 0), 0
        while position < stop:
            header = self.header(data, position, stop)
            if header is None:
                may_come = stop - position <= self.offset + 1 + len(self.end)
                return Walk(ends, None if may_come else position)
            shown, value = header
            total = shown + value + adjust
            if not shown <= total <= DEFAULT_MAX_FRAME:
                return Walk(ends, position)
            if position + total > stop:
                break
            position += total
            ends.append(position)
            alike = alike + 1 if header == last else 0
            last = header
            if alike == _REPEATED:
                count = repeats(data, position, stop, total, range(self.offset, shown))
                ends += range(position + total, position + count * total + 1, total)
                position += count * total
                alike = 0
        return Walk(ends)

    def surprise(self, frames: Sequence[bytes]) -> float:
        """Return the prior, and less if the width is seen to vary."""
        if self.end:
            return self.prior - (10 if len({*map(len, frames)}) >= 3 else 0)
        widths = {header[0] for frame in frames if (header := self.header(frame, 0, len(frame)))}
        return self.prior - (10 if len(widths) >= 2 else 0)


@frozen
class NetstringCandidate(Candidate):
    """Netstrings: ``5:hello,``."""

    kinds = ("netstring",)

    @classmethod
    def propose(cls, side: Side) -> Iterator[Candidate]:
        if any(_NETSTRING.match(burst) for burst in side.bursts):
            yield cls()

    @property
    def framing(self) -> Framing:
        return Netstring()

    @property
    def prior(self) -> float:
        return 5.0

    def walk(self, data: bytes, start: int, stop: int) -> Walk:
        ends: list[int] = []
        position = start
        while position < stop:
            match = _NETSTRING.match(data, position, stop)
            if match is None:
                return Walk(ends, None if data[position:stop].isdigit() else position)
            comma = match.end() + int(match[1])
            if comma >= stop:
                break
            if data[comma] != ord(","):
                return Walk(ends, position)
            position = comma + 1
            ends.append(position)
        return Walk(ends)

    def surprise(self, frames: Sequence[bytes]) -> float:
        return self.prior - 12


def _varint(data: bytes, at: int, stop: int, offset: int) -> tuple[int, int] | None:
    value = shift = 0
    for index in range(at, min(stop, at + 5)):
        byte = data[index]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return offset + index - at + 1, value
        shift += 7
    return None


def _ber(data: bytes, at: int, stop: int, offset: int) -> tuple[int, int] | None:
    if at >= stop:
        return None
    first = data[at]
    if first < 0x80:
        return offset + 1, first
    more = first - 0x80
    if not 1 <= more <= 4 or at + 1 + more > stop:
        return None
    return offset + 1 + more, int.from_bytes(data[at + 1 : at + 1 + more], "big")


@lru_cache(maxsize=64)
def _digits(form: VariableForm, end: bytes) -> re.Pattern[bytes]:
    return re.compile(_PATTERNS[form] + re.escape(end))


@lru_cache(maxsize=8)
def _digits_and_mark(digits: bytes) -> re.Pattern[bytes]:
    return re.compile(digits + rb"([^0-9A-Za-z.+-]{1,2})", re.DOTALL)
