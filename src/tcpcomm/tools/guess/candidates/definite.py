"""Lines with binary blocks in them: :class:`DefiniteCandidate`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from attrs import frozen

from tcpcomm.framing.base import Framing, decode
from tcpcomm.framing.ieee488 import Definite
from tcpcomm.tools.guess.candidates.base import Candidate, Walk
from tcpcomm.tools.guess.side import Side

_BLOCK: Final = re.compile(rb"(?:^|[\s,;:])#[1-9]\d", re.MULTILINE)


@frozen
class DefiniteCandidate(Candidate):
    """Lines of IEEE 488.2, in which a block may hold the bytes that end a line."""

    kinds = ("definite",)
    finds_starts = True

    terminator: bytes
    block_ends: bool = False

    @classmethod
    def propose(cls, side: Side) -> Iterator[Candidate]:
        if _BLOCK.search(side.data):
            for terminator in (b"\n", b"\r\n"):
                if terminator in side.data:
                    yield cls(terminator)
            yield cls(b"\n", True)

    @property
    def framing(self) -> Framing:
        return Definite(terminator=self.terminator, block_ends=self.block_ends)

    @property
    def prior(self) -> float:
        return 3.0 + 2 * (self.terminator != b"\n") + 5 * self.block_ends

    def walk(self, data: bytes, start: int, stop: int) -> Walk:
        ends: list[int] = []
        position = start
        for frames in decode(self.framing.decoder(), data[start:stop]):
            if not isinstance(frames, list):
                return Walk(ends, position)
            for frame in frames:
                position += len(frame)
                if data.startswith(self.terminator, position):
                    position += len(self.terminator)
                ends.append(position)
        return Walk(ends)

    def surprise(self, frames: Sequence[bytes]) -> float:
        """Return the prior, and less if a block holds the terminator: then nothing else cuts so."""
        held = any(self.terminator in frame[: -len(self.terminator)] for frame in frames)
        return self.prior - (20 if held else 0)
