"""Frames with escaped marks: :class:`SlipCandidate`, :class:`CobsCandidate`, :class:`DleCandidate`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from attrs import frozen

from tcpcomm.framing.base import Framing
from tcpcomm.framing.stuffed import Cobs, DleStuffed, Stuffed
from tcpcomm.tools.guess.candidates.base import Candidate, Walk
from tcpcomm.tools.guess.side import Side

_BAD_ESCAPE: Final = re.compile(rb"\xdb(?![\xdc\xdd])")
_END: Final = b"\xc0"
_ESCAPE: Final = b"\x10"
_TELLING: Final = 4  # bytes of a frame in which zeros could have stood


@frozen
class SlipCandidate(Candidate):
    """Frames of SLIP, with the flag before a frame too or only behind it."""

    kinds = ("slip",)
    finds_starts = True

    lead: bool

    @classmethod
    def propose(cls, side: Side) -> Iterator[Candidate]:
        if _END in side.data:
            yield cls(False)
            yield cls(True)

    @property
    def framing(self) -> Framing:
        return Stuffed(lead=self.lead)

    @property
    def prior(self) -> float:
        return 7.0 if self.lead else 6.0

    def walk(self, data: bytes, start: int, stop: int) -> Walk:
        ends: list[int] = []
        position, lead = start, int(self.lead)
        while position < stop:
            if lead and data[position] != _END[0]:
                return Walk(ends, position)
            at = data.find(_END, position + lead, stop)
            if at < 0:
                break
            if at == position + lead or _BAD_ESCAPE.search(data, position + lead, at + 1):
                return Walk(ends, position)
            position = at + 1
            ends.append(position)
        return Walk(ends)

    def resume(self, data: bytes, position: int, stop: int) -> int | None:
        at = data.find(_END + _END if self.lead else _END, position, stop)
        return None if at < 0 else at + 1


@frozen
class CobsCandidate(Candidate):
    """Frames of COBS, each with a zero behind it."""

    kinds = ("cobs",)
    finds_starts = True

    @classmethod
    def propose(cls, side: Side) -> Iterator[Candidate]:
        if b"\0" in side.data:
            yield cls()

    @property
    def framing(self) -> Framing:
        return Cobs()

    @property
    def prior(self) -> float:
        return 6.0

    def walk(self, data: bytes, start: int, stop: int) -> Walk:
        ends: list[int] = []
        position = start
        while (zero := data.find(b"\0", position, stop)) >= 0:
            block = position
            while block < zero:
                block += data[block]
            if block != zero or zero == position:
                return Walk(ends, position)
            position = zero + 1
            ends.append(position)
        return Walk(ends)

    def resume(self, data: bytes, position: int, stop: int) -> int | None:
        at = data.find(b"\0", position, stop)
        return None if at < 0 else at + 1

    def surprise(self, frames: Sequence[bytes]) -> float:
        """Return the prior, and less if the blocks of several different frames fit: no chance does that."""
        return self.prior - (20 if len({frame for frame in frames if len(frame) >= _TELLING}) >= 5 else 0)


@frozen
class DleCandidate(Candidate):
    """Frames between DLE STX and DLE ETX, in which a DLE is doubled; without STX as in TSIP."""

    kinds = ("dle",)
    finds_starts = True

    start: bytes

    @classmethod
    def propose(cls, side: Side) -> Iterator[Candidate]:
        if b"\x10\x03" not in side.data:
            return
        if b"\x10\x02" in side.data:
            yield cls(b"\x02")
        if side.data[:1] == _ESCAPE or any(burst[:1] == _ESCAPE for burst in side.bursts):
            yield cls(b"")

    @property
    def framing(self) -> Framing:
        return DleStuffed(start=self.start)

    @property
    def prior(self) -> float:
        return 6.0 if self.start else 9.0

    def walk(self, data: bytes, start: int, stop: int) -> Walk:
        ends: list[int] = []
        begin, position = _ESCAPE + self.start, start
        while position < stop:
            first = data[position + 1 : position + 2]
            if not data.startswith(begin, position) or (not self.start and first in (_ESCAPE, b"\x03")):
                at_end = begin.startswith(data[position:stop]) and position + len(begin) > stop
                return Walk(ends, None if at_end else position)
            at = position + len(begin)
            while True:
                at = data.find(_ESCAPE, at, stop)
                if at < 0 or at + 1 >= stop:
                    return Walk(ends)
                if data[at + 1] == 3:
                    break
                if data[at + 1] != _ESCAPE[0]:
                    return Walk(ends, position)
                at += 2
            position = at + 2
            ends.append(position)
        return Walk(ends)

    def resume(self, data: bytes, position: int, stop: int) -> int | None:
        at = data.find(b"\x10\x03" + _ESCAPE + self.start, position, stop)
        return None if at < 0 else at + 2

    def surprise(self, frames: Sequence[bytes]) -> float:
        return self.prior - (12 if len(frames) > 3 else 0)
