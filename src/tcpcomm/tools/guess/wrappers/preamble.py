"""Bytes before the first message of a connection: :class:`PreambleWrapper`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from attrs import frozen

from tcpcomm.framing.base import Framing, decode
from tcpcomm.framing.notation import parse_framing
from tcpcomm.framing.streams.preamble import Preamble
from tcpcomm.tools.guess.side import Side
from tcpcomm.tools.guess.wrappers.wrapper import Wrapper

LONGEST_PREAMBLE: Final = 64
"""
Bytes before the first message of a connection that are proposed as a preamble. Longer ones stay a part of
the first message.
"""

_LONGEST_BURST: Final = 1024  # with a preamble and a frame in it
_FEWEST: Final = 3  # bursts of a side that show what its messages have in common
_COLUMNS: Final = 8
_SHOWN: Final = 40  # bursts
_STRANGE: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f]")  # in a text
_FEWEST_STRANGE: Final = 2
_MOST_STRANGE: Final = 6  # that count: a command of Telnet explains its bytes better
_WORTH: Final = 4.0  # bits of each such byte
_LINES: Final = re.compile(rb"[ -~\t\r\n]*([\r\n]|[:>?] ?)")  # or a prompt of a login: they are messages
_LEAST_FRAME: Final = 3  # bytes: shorter ones are whole by chance
_ALIKE: Final = 2  # bytes with which another message begins, too
_BEHIND: Final = 6  # bytes behind the last control byte that may belong to a preamble
_PRIOR: Final = 6.0


@frozen
class PreambleWrapper(Wrapper):
    """
    Bytes that one side sends once, before its first message.

    Args:
        size: the number of these bytes.
        strange: the control bytes among them, which stand nowhere else, because all else is text.
    """

    options = ("preamble=",)

    size: int
    strange: int = 0

    @classmethod
    def before_text(cls, side: Side, *, alone: bool) -> PreambleWrapper | None:
        """
        Return the bytes in front of the first text, or None if other bytes than these are no text.

        Args:
            side: the side.
            alone: True if no message ends where its first burst ends.
        """
        if not _shows_first(side):
            return None
        data, most = side.data, min(LONGEST_PREAMBLE, len(side.bursts[0]))
        strange = [match.end() for match in _STRANGE.finditer(data, 0, most)]
        if len(strange) < _FEWEST_STRANGE or _STRANGE.search(data, strange[-1]):
            return None
        if alone:
            return cls(most, len(strange)) if most == len(side.bursts[0]) else None
        begins = {burst[:_ALIKE] for burst in side.bursts[1:]}
        sizes = range(strange[-1], min(most, strange[-1] + _BEHIND))
        size = next((size for size in sizes if data[size : size + _ALIKE] in begins), strange[-1])
        return cls(size, len(strange))

    @classmethod
    def before_frames(cls, side: Side, notation: str) -> PreambleWrapper | None:
        """
        Return the bytes before the first frame of a side, or None if its first burst needs no preamble.

        Args:
            side: the side.
            notation: the framing that cuts all that follows the first burst.
        """
        first = side.bursts[0]
        framing = parse_framing(notation)
        if _is_whole(framing, first):
            return None
        most = min(LONGEST_PREAMBLE, len(first) - _LEAST_FRAME)
        size = next((size for size in range(1, most + 1) if _is_whole(framing, first[size:])), len(first))
        others = (end - start for start, end in pairwise(side.chunks) if start >= len(first))
        shortest = min(others, default=0)
        is_clear = size == len(first) or len(first) - size >= shortest
        is_line = _LINES.fullmatch(first, 0, size) is not None
        return cls(size) if is_clear and not is_line and size <= LONGEST_PREAMBLE else None

    def around(self, framing: Framing) -> Framing:
        return Preamble(framing, self.size)

    @property
    def bits(self) -> float:
        return _WORTH * min(_MOST_STRANGE, self.strange) - _PRIOR

    @property
    def evidence(self) -> str:
        return f"{self.size} bytes stand before the first message"


def may_begin_otherwise(side: Side) -> bool:
    """Return True if the messages of a side have something in common, and its first burst is short."""
    bursts = side.bursts[:_SHOWN]
    if not _shows_first(side) or len(bursts[0]) > _LONGEST_BURST:
        return False
    return any(len({*column}) == 1 for column in _columns(bursts[1:]))


def _shows_first(side: Side) -> bool:
    """Return True if there are enough bursts, and no bytes are missing in the first one."""
    return len(side.bursts) >= _FEWEST and side.data.startswith(side.bursts[0])


def _columns(bursts: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Yield the first bytes of bursts, and the last one of each."""
    shortest = min(map(len, bursts))
    for at in (*range(min(_COLUMNS, shortest)), -1):
        yield [burst[at : at + 1 or None] for burst in bursts]


def _is_whole(framing: Framing, data: bytes) -> bool:
    """Return True if these bytes are whole frames, one at least."""
    decoder, count = framing.decoder(), 0
    for found in decode(decoder, data):
        if not isinstance(found, list):
            return False
        count += len(found)
    return bool(count) and not decoder.buffered
