"""A fact about the frames of one side, and the frames that facts are found in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import Final, Literal, TypeAlias

from attrs import frozen

Order: TypeAlias = Literal["big", "little"]
Of: TypeAlias = Literal["requests", "replies"]

ORDERS: Final[tuple[Order, ...]] = ("big", "little")

_LOOKED_AT: Final = 48
"""Bytes at the beginning of a frame that are looked at."""


_MOST_NAMED: Final = 8
"""Values of a place that are named, at most."""


class FactKind(Enum):
    """The meaning of a place in frames."""

    ID = "id"
    LENGTH = "length"
    OPCODE = "opcode"
    STATUS = "status"
    COUNTER = "counter"
    ECHO = "echo"
    CONSTANT = "constant"
    FLOAT = "float"
    TEXT = "text"


@frozen(kw_only=True)
class Fact:
    """
    A place in frames, its meaning, and the count of frames in which it holds.

    Args:
        kind: the meaning.
        of: the frames in which it is.
        at: its first byte in a frame as the framing delivers it.
        size: its bytes.
        agree: the frames in which it holds.
        count: the frames that have this place.
        says: the fact as a sentence, without its place in front, and without a full stop.
        before: the bytes of a frame on the wire before those that the framing delivers.
        order: the byte order of a number, if the order matters.
        value: the bytes of a constant.
        adjust: for a length: the number minus the count of the bytes behind it.
        bits: for an opcode: the bit that replies set in it, 0 for none. None: replies do not repeat it.
        set_in: for an opcode: the replies that set this bit.
        is_own: for an opcode: True if a reply has another one, which follows from the request's.
    """

    kind: FactKind
    of: Of
    at: int
    size: int
    agree: int
    count: int
    says: str
    before: int = 0
    order: Order | None = None
    value: bytes = b""
    adjust: int = 0
    bits: int | None = None
    set_in: int = 0
    is_own: bool = False

    @property
    def text(self) -> str:
        """The fact as a sentence. Bytes are counted from the first byte on the wire."""
        return f"{place_text(self.at + self.before, self.size)}{self.says}"

    @property
    def stop(self) -> int:
        """The first byte behind this place."""
        return self.at + self.size

    def __str__(self) -> str:
        return self.text


def place_text(at: int, size: int) -> str:
    """Return the name of a place: ``byte 7`` or ``bytes 2 to 3``."""
    return f"byte {at}" if size == 1 else f"bytes {at} to {at + size - 1}"


def values_text(values: Iterable[bytes]) -> str:
    """Return the values that a place has: up to eight by name, more by their count."""
    found = sorted({*values})
    if len(found) > _MOST_NAMED:
        return f"{len(found)} values"
    named = [each.hex().upper() for each in found]
    return f"the value {named[0]}" if len(named) == 1 else f"the values {', '.join(named)}"


@frozen
class SideFrames:
    """The frames of one side."""

    of: Of
    frames: tuple[bytes, ...]

    @property
    def room(self) -> int:
        """The bytes that all frames have, of those that are looked at."""
        return min(_LOOKED_AT, *map(len, self.frames))

    def column(self, at: int) -> list[int]:
        return [frame[at] for frame in self.frames]

    def numbers(self, at: int, width: int, order: Order) -> list[int]:
        return [int.from_bytes(frame[at : at + width], order) for frame in self.frames]

    def places(self, widths: Iterable[int], found: Sequence[Fact]) -> Iterator[tuple[int, int]]:
        """Yield the places of numbers that no fact names yet: the widest first, then from the front."""
        taken = {place for fact in found if fact.of == self.of for place in range(fact.at, fact.stop)}
        for width in widths:
            for at in range(self.room - width + 1):
                if taken.isdisjoint(range(at, at + width)):
                    yield at, width


Sides: TypeAlias = dict[Of, SideFrames]
"""The sides that have enough frames."""


def runs_of(places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first place and the size of each run of places."""
    start = 0
    for index, place in enumerate(places):
        if index + 1 == len(places) or places[index + 1] != place + 1:
            yield places[start], index + 1 - start
            start = index + 1
