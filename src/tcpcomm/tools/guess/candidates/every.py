"""Every kind of framing that is guessed, and the reasons why some are not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tcpcomm.tools.guess.candidates.base import Candidate
from tcpcomm.tools.guess.candidates.cotp import CotpCandidate
from tcpcomm.tools.guess.candidates.definite import DefiniteCandidate
from tcpcomm.tools.guess.candidates.delimited import DelimitedCandidate, LinesCandidate
from tcpcomm.tools.guess.candidates.documents import JsonCandidate, XmlCandidate
from tcpcomm.tools.guess.candidates.enclosed import EnclosedCandidate
from tcpcomm.tools.guess.candidates.fixed import FixedCandidate, RawCandidate
from tcpcomm.tools.guess.candidates.headers import ContentLengthCandidate, CountedBodyCandidate
from tcpcomm.tools.guess.candidates.length import LengthCandidate
from tcpcomm.tools.guess.candidates.modbus import ModbusRtuCandidate
from tcpcomm.tools.guess.candidates.stuffed import CobsCandidate, DleCandidate, SlipCandidate
from tcpcomm.tools.guess.candidates.variable import NetstringCandidate, VariableCandidate
from tcpcomm.tools.guess.side import Side

GUESSED: Final[tuple[type[Candidate], ...]] = (
    DelimitedCandidate,
    LinesCandidate,
    EnclosedCandidate,
    LengthCandidate,
    VariableCandidate,
    NetstringCandidate,
    FixedCandidate,
    SlipCandidate,
    CobsCandidate,
    DleCandidate,
    DefiniteCandidate,
    ContentLengthCandidate,
    CountedBodyCandidate,
    JsonCandidate,
    XmlCandidate,
    ModbusRtuCandidate,
    CotpCandidate,
    RawCandidate,
)
"""The kinds to try. A new framing adds its own class here."""

NOT_GUESSED: Final[dict[str, str]] = {}
"""The kinds of the notation that no capture can prove, each with the reason as a sentence."""


def proposed(side: Side) -> Iterator[Candidate]:
    """Yield each candidate that the statistics of a side propose, once."""
    seen: set[Candidate] = set()
    for kind in GUESSED:
        for candidate in kind.propose(side):
            if candidate not in seen:
                seen.add(candidate)
                yield candidate
