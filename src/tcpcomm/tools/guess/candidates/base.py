"""The contract of every kind that a guess tries: :class:`Candidate`."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import ClassVar, Final

from attrs import frozen

from tcpcomm.errors import ConfigurationError
from tcpcomm.framing.base import Framing, decode
from tcpcomm.framing.notation import format_framing
from tcpcomm.tools.guess.side import Side

CONTROL: Final = frozenset(range(32))
"""The bytes that people use as marks rather than as text."""

_MOST_REPEATS: Final = 256  # frames that are looked at together

_BINARY: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f]")


def has_control_bytes(content: bytes) -> bool:
    """Return True if a content holds control bytes that no text holds."""
    return _BINARY.search(content) is not None


def is_binary(contents: Iterable[bytes]) -> bool:
    """Return True if several of these contents hold control bytes that no text holds."""
    return sum(map(has_control_bytes, contents)) > 1


@frozen
class Walk:
    """
    The frames of one stretch: the position of each one's end.

    Attributes:
        ends: in order. A frame begins where the last one ended.
        failed_at: the position where neither a frame nor the beginning of one can be, or None.
    """

    ends: list[int]
    failed_at: int | None = None


@frozen
class Candidate(ABC):
    """
    A framing to try: a kind with its parameters.

    A kind of framing is one subclass. Its class method :meth:`propose` finds parameters in the statistics
    of a side, and its instances cut.
    """

    kinds: ClassVar[tuple[str, ...]]
    """The names of its kinds in the notation."""

    finds_starts: ClassVar[bool] = False
    """True if it can begin in the middle of a frame, and finds the next one by itself."""

    verifies: ClassVar[bool] = False
    """True if a checksum in each frame is part of its rules."""

    explains: ClassVar[bool] = True
    """False if it only repeats where the chunks end, so that it explains nothing."""

    @classmethod
    @abstractmethod
    def propose(cls, side: Side) -> Iterator[Candidate]:
        """Yield the candidates of this kind that may explain this side."""

    @property
    @abstractmethod
    def framing(self) -> Framing:
        """
        The framing, to decode with.

        Raises:
            ConfigurationError: the parameters contradict each other.
        """

    @property
    @abstractmethod
    def prior(self) -> float:
        """The bits that its parameters cost."""

    @abstractmethod
    def walk(self, data: bytes, start: int, stop: int) -> Walk:
        """Cut these bytes. The first one begins a frame, and nothing outside of them is read."""

    def resume(self, data: bytes, position: int, stop: int) -> int | None:
        """Return the next place behind a position where a mark shows that a frame begins, or None."""
        return None

    @property
    def told(self) -> range:
        """The columns of a frame that its length tells."""
        return range(0)

    @property
    def trailer(self) -> int:
        """The bytes of each frame that only a checksum can explain. The notation needs that checksum."""
        return 0

    def evidence(self, frames: Sequence[bytes]) -> float:
        """Return the bits that its own rules prove or disprove in these frames, beside where they end."""
        return 0.0

    def holds_binary(self, frames: Sequence[bytes]) -> bool:
        """Return True if a mark ends these frames, and they hold bytes of any value, perhaps the mark."""
        return False

    def surprise(self, frames: Sequence[bytes]) -> float:
        """Return how strange this choice is among framings that cut alike, in bits."""
        return self.prior


def repeats(data: bytes, position: int, stop: int, size: int, header: range) -> int:
    """
    Return how many frames like the last one follow, at most 256. A walk would take longer.

    Args:
        data: the bytes.
        position: the end of a frame.
        stop: the position after the last byte to cut.
        size: the bytes of that frame.
        header: its columns that tell the size.
    """
    count = min((stop - position) // size, _MOST_REPEATS)
    before = position - size
    for column in header:
        found = data[position + column : position + count * size : size]
        count = min(count, len(found) - len(found.lstrip(data[before + column : before + column + 1])))
    return count


@lru_cache(maxsize=4096)
def notation_of(candidate: Candidate) -> str | None:
    """Return the notation of a candidate, or None if it has none."""
    try:
        return format_framing(candidate.framing)
    except ConfigurationError:
        return None


def decoded_walk(framing: Framing, data: bytes, start: int, stop: int, *, between: bytes) -> Walk:
    """
    Cut by the decoder of a framing that delivers what it received, byte by byte.

    Args:
        framing: the framing.
        data: the bytes.
        start: the position of the first byte to cut.
        stop: the position after the last one.
        between: the bytes that may stand between frames, any number of each.
    """
    ends: list[int] = []
    position, failed = start, False
    for frames in decode(framing.decoder(), data[start:stop]):
        if not isinstance(frames, list):
            failed = True
            break
        for frame in frames:
            position = data.find(frame, position, stop) + len(frame)
            while position < stop and data[position] in between:
                position += 1
            ends.append(position)
    return Walk(ends, position if failed else None)
