"""Frames between a start and an end mark: :class:`EnclosedCandidate`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from attrs import field, frozen

from tcpcomm.framing.base import Framing
from tcpcomm.framing.checksums import Checksum
from tcpcomm.framing.enclosed import ETX, STX, Enclosed
from tcpcomm.tools.guess.candidates.base import CONTROL, Candidate, Walk, is_binary
from tcpcomm.tools.guess.side import Side

_TAILS: Final = (b"", b"\r", b"\r\n", b"\n")
_CHECKS: Final = (0, 1, 2, 4)
_NEEDED: Final = 0.8  # of the bursts
_ALONE: Final = frozenset(b"\x04\x05\x06\x15")  # EOT, ENQ, ACK, NAK
_ETB: Final = b"\x17"
_BINARY_COST: Final = 15.0
_MARKS: Final = frozenset(bytes([each]) for each in CONTROL)
_BRACKETS: Final = frozenset({(b"<", b">"), (b"[", b"]"), (b"(", b")"), (b"{", b"}"), (b"$", b"#")})
_PAIRS: Final = ((b"\x10\x02", b"\x10\x03"), (b"\x10\x02", b"\x10\x17"))


@frozen
class EnclosedCandidate(Candidate):
    """
    Frames between marks, with check bytes and constant bytes behind the end mark.

    Args:
        start: the start mark.
        ends: the end marks.
        check: the number of check bytes behind the end mark, which a checksum must explain.
        tail: the constant bytes behind them.
        alone: the single control bytes that stand between the frames.
        escape: the byte in front of bytes that are not meant as marks.
        checksum: the checksum that was found in these bytes.
        cover_start: whether it counts the start mark.
        cover_end: whether it counts the end mark.
    """

    kinds = ("enclosed", "stx-etx")
    finds_starts = True

    start: bytes
    ends: tuple[bytes, ...]
    check: int = 0
    tail: bytes = b""
    alone: bytes = b""
    escape: bytes = b""
    checksum: Checksum | None = None
    cover_start: bool = False
    cover_end: bool = True
    pattern: re.Pattern[bytes] = field(init=False, repr=False, eq=False)

    @pattern.default
    def _compile(self) -> re.Pattern[bytes]:
        ends = b"|".join(map(re.escape, self.ends))
        behind = b"(?s:.{%d})" % self.check + re.escape(self.tail)
        single = b"[" + re.escape(self.alone) + b"]|" if self.alone else b""
        if self.escape:
            escape = re.escape(self.escape)
            inside = b"(?:[^" + escape + b"]|" + escape * 2 + b")*?"
        else:
            inside = b"(?:(?!" + re.escape(self.start) + b"|" + ends + b")(?s:.))*"
            if len(self.start) == 1 and all(len(end) == 1 for end in self.ends):
                inside = b"[^" + re.escape(self.start) + re.escape(b"".join(self.ends)) + b"]*+"
        return re.compile(
            single + re.escape(self.start) + inside + b"(?:" + ends + b")" + behind, re.DOTALL
        )

    @classmethod
    def propose(cls, side: Side) -> Iterator[Candidate]:
        lone = bytes(sorted({burst[0] for burst in side.bursts if len(burst) == 1} & _ALONE))
        stripped = [burst.lstrip(lone) if lone else burst for burst in side.bursts]
        bursts = [burst for burst in stripped if burst]
        if not bursts:
            return
        needed = _NEEDED * len(bursts)
        for first, count in Counter(burst[0] for burst in bursts).most_common(2):
            if count < needed:
                continue
            begun = [burst for burst in bursts if burst[0] == first]
            for tail in _TAILS:
                for check in _CHECKS:
                    yield from cls._ending(begun, bytes([first]), check, tail, lone)
        for start, end in _PAIRS:
            if start in side.data and end in side.data:
                for tail in (b"", b"\r"):
                    for check in (0, 1, 2):
                        yield cls(start, (end,), check, tail, lone, b"\x10")

    @classmethod
    def _ending(
        cls, bursts: list[bytes], start: bytes, check: int, tail: bytes, lone: bytes
    ) -> Iterator[Candidate]:
        behind = len(tail) + check + 1
        ending = [burst for burst in bursts if burst.endswith(tail) and len(burst) > behind]
        marks = Counter(burst[-behind : len(burst) - behind + 1] for burst in ending)
        if len(ending) < _NEEDED * len(bursts):
            return
        found = [mark for mark, _ in marks.most_common(2) if mark != start and not mark.isalnum()]
        if not found:
            return
        if marks[found[0]] >= _NEEDED * len(bursts):
            yield cls(start, (found[0],), check, tail, lone)
            if not check and found[0] + tail == b"\r\n":
                yield cls(start, (b"\r\n",), 0, b"", lone)
        several = tuple(each for each in (ETX, _ETB) if marks[each])
        if len(several) == 2:
            yield cls(start, several, check, tail, lone)

    @property
    def framing(self) -> Framing:
        return Enclosed(
            self.start,
            self.ends,
            checksum=self.checksum,
            cover_start=self.cover_start,
            cover_end=self.cover_end,
            tail=self.tail,
            keep_ends=len(self.ends) > 1,
            alone=tuple(bytes([each]) for each in self.alone),
            escape=self.escape,
        )

    @property
    def trailer(self) -> int:
        return 0 if self.checksum is not None else self.check

    @property
    def prior(self) -> float:
        bits = 3.0 if (self.start, self.ends[0]) == (STX, ETX) else 12.0
        bits += 5 * sum(chr(each).isalnum() for each in self.start)
        bits += 2 * bool(self.tail) + 2 * bool(self.check) + 3 * (len(self.ends) - 1)
        return bits + 2 * len(self.alone) - (5 if self.escape else 0)

    def walk(self, data: bytes, start: int, stop: int) -> Walk:
        ends: list[int] = []
        position = start
        while position < stop:
            match = self.pattern.match(data, position, stop)
            if match is None:
                begun = data.startswith(self.start, position) or stop - position < len(self.start)
                closed = begun and self._closed(data, position, stop)
                return Walk(ends, position if closed or not begun else None)
            position = match.end()
            ends.append(position)
        return Walk(ends)

    def holds_binary(self, frames: Sequence[bytes]) -> bool:
        begin, behind = len(self.start), len(self.ends[0]) + self.check + len(self.tail)
        whole = [frame for frame in frames if frame.startswith(self.start)]
        return not self.escape and is_binary(frame[begin:-behind] for frame in whole)

    def surprise(self, frames: Sequence[bytes]) -> float:
        """Return the prior: less for marks that people use, more if a mark stays inside the frames."""
        if len(frames) <= 2:
            return self.prior
        if self.holds_binary(frames):
            return self.prior + _BINARY_COST
        behind = len(self.ends[0]) + self.check + len(self.tail)
        inner = {frame[-behind - 1 : -behind] for frame in frames if frame.startswith(self.start)}
        left = len(inner) == 1 and inner <= _MARKS
        usual = set(self.start) <= CONTROL or (self.start, self.ends[0]) in _BRACKETS
        return self.prior - 12 * usual + 4 * left

    def resume(self, data: bytes, position: int, stop: int) -> int | None:
        at = data.find(self.start, position + 1, stop)
        return None if at < 0 else at

    def _closed(self, data: bytes, position: int, stop: int) -> bool:
        """Return True if the frame that begins here has its end mark and all bytes behind it."""
        room = stop - self.check - len(self.tail)
        return any(
            0 <= data.find(end, position + len(self.start), stop) <= room - len(end) for end in self.ends
        )
