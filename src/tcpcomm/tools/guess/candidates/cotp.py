"""Fragments of COTP in TPKT, as Siemens S7 sends them: :class:`CotpCandidate`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from attrs import frozen

from tcpcomm.framing.base import Framing
from tcpcomm.framing.notation import parse_framing
from tcpcomm.framing.wrappers import COTP
from tcpcomm.tools.guess.candidates.base import Candidate, Walk
from tcpcomm.tools.guess.candidates.length import LengthCandidate
from tcpcomm.tools.guess.side import Side

_TPKT: Final = LengthCandidate(2, 2, "big", -4, b"\x03\x00")
_HEADER: Final = 4
_DATA: Final = b"\x02\xf0"


@frozen
class CotpCandidate(Candidate):
    """Frames of TPKT. The fragments of one message are one frame."""

    kinds = ("cotp",)

    @classmethod
    def propose(cls, side: Side) -> Iterator[Candidate]:
        if any(burst.startswith(_TPKT.sync) and burst[4:6] == _DATA for burst in side.bursts):
            yield cls()

    @property
    def framing(self) -> Framing:
        return parse_framing("cotp")

    @property
    def prior(self) -> float:
        return 5.0

    def walk(self, data: bytes, start: int, stop: int) -> Walk:
        outer = _TPKT.walk(data, start, stop)
        ends: list[int] = []
        begin = start
        for end in outer.ends:
            piece = data[begin + _HEADER : end]
            if not COTP.matches(piece) or piece[COTP.flag] & COTP.last:
                ends.append(end)
            begin = end
        return Walk(ends, outer.failed_at)

    def surprise(self, frames: Sequence[bytes]) -> float:
        return self.prior - 12
