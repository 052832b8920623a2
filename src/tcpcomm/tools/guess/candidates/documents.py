"""Documents that show their own end: :class:`JsonCandidate`, :class:`XmlCandidate`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from attrs import frozen

from tcpcomm.framing.base import Framing
from tcpcomm.framing.documents.json_values import JsonValues
from tcpcomm.framing.documents.xml_documents import XmlDocuments
from tcpcomm.tools.guess.candidates.base import Candidate, Walk, decoded_walk
from tcpcomm.tools.guess.side import Side

_JSON: Final = re.compile(rb"\s*[{\[]")
_XML: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<[A-Za-z_:?!]")
_RECORD: Final = b"\x1e"  # of JSON text sequences
_BLANKS: Final = b" \t\r\n"
_PROVEN: Final = 4.0
_MOST_PROVEN: Final = 80.0
_LINE: Final = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)")


def _several_lines(frames: Sequence[bytes]) -> bool:
    """Return True if some documents stretch over lines, or follow each other in one line."""
    return any(not _LINE.fullmatch(frame) for frame in frames)


@frozen
class JsonCandidate(Candidate):
    """JSON objects and arrays that follow each other."""

    kinds = ("json",)

    between: bytes = _BLANKS

    @classmethod
    def propose(cls, side: Side) -> Iterator[Candidate]:
        if any(_JSON.match(burst) for burst in side.bursts):
            yield cls()
        if any(burst.startswith(_RECORD) for burst in side.bursts):
            yield cls(_RECORD + _BLANKS)

    @property
    def framing(self) -> Framing:
        return JsonValues(between=self.between) if self.between != _BLANKS else JsonValues()

    @property
    def prior(self) -> float:
        return 4.0 + 4 * (self.between != _BLANKS)

    def walk(self, data: bytes, start: int, stop: int) -> Walk:
        return decoded_walk(self.framing, data, start, stop, between=self.between)

    def surprise(self, frames: Sequence[bytes]) -> float:
        """Return the prior, and less if documents do not stand in lines."""
        return self.prior - (10 if _several_lines(frames) else 0)


@frozen
class XmlCandidate(Candidate):
    """XML documents that follow each other."""

    kinds = ("xml",)

    @classmethod
    def propose(cls, side: Side) -> Iterator[Candidate]:
        if any(_XML.match(burst) for burst in side.bursts):
            yield cls()

    @property
    def framing(self) -> Framing:
        return XmlDocuments()

    @property
    def prior(self) -> float:
        return 4.0

    def walk(self, data: bytes, start: int, stop: int) -> Walk:
        return decoded_walk(self.framing, data, start, stop, between=_BLANKS + b"\xef\xbb\xbf")

    def evidence(self, frames: Sequence[bytes]) -> float:
        """Return bits for each document with tags inside, because all of them close in the right order."""
        return min(_MOST_PROVEN, _PROVEN * sum(frame.count(b"<") > 2 for frame in frames))

    def surprise(self, frames: Sequence[bytes]) -> float:
        """Return the prior, and less if documents do not stand in lines."""
        return self.prior - (10 if _several_lines(frames) else 0)
