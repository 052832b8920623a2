"""
One direction of a capture: :class:`Side`, its bytes and the places where its chunks end.

A program usually writes whole messages, so a chunk usually ends where a message ends. How much an end says
depends on what follows it, so there are three classes of ends:

- a *turn*: the other side speaks next, or the connection ends. The message was complete;
- a *pause*: nothing comes for more than 2 milliseconds. A message may pause in its middle too;
- a *join*: more comes at once. TCP may have cut there.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

from attrs import define, field, frozen

from tcpcomm.tools.guess.capture import Capture, CapturedChunk
from tcpcomm.tools.guess.capture import Side as SideNumber

_QUIET: Final = 0.002  # seconds

_BURSTS: Final = 300  # enough for statistics
_FEW_TURNS: Final = 3
_BURSTS_SHOWN: Final = 40
_LONG_BURST: Final = 2_000  # bytes
_LONGEST_BURST: Final = 40_000


@frozen
class Stretch:
    """
    Bytes of a side in one connection, without a gap in them, from ``start`` to ``stop``.

    ``begins`` is True if a frame is known to begin at ``start``.
    """

    start: int
    stop: int
    begins: bool = True


@frozen(kw_only=True, eq=False)
class Side:
    """
    The bytes of one direction, and the ends of its chunks as positions in these bytes.

    Attributes:
        data: the bytes, without the missing ones.
        ends: the ends of the chunks: the turns, the pauses, the joins.
        stretches: the parts between the gaps and the beginnings of connections.
        chunks: the end of each chunk, in order.
        is_bare: True if nothing shows where chunks end, so that the only end says nothing of messages.
        bursts: the bytes between turns, or between pauses where turns are few. The first ones only.
    """

    data: bytes
    ends: tuple[frozenset[int], frozenset[int], frozenset[int]]
    stretches: tuple[Stretch, ...]
    chunks: tuple[int, ...]
    is_bare: bool = False
    bursts: tuple[bytes, ...] = field(init=False, repr=False)
    marks: tuple[int, ...] = field(init=False, repr=False)
    """The turns and pauses in order, at which frames probably end."""

    @bursts.default
    def _between_turns(self) -> tuple[bytes, ...]:
        turns, pauses, joins = self.ends
        found: list[bytes] = []
        classes = [turns, turns | pauses, turns | pauses | joins]
        chosen = next((each for each in classes if len(each) >= _FEW_TURNS), classes[-1])
        known = sorted(chosen)
        for stretch in self.stretches:
            begins, start = stretch.begins, stretch.start
            for end in known[bisect_right(known, start) : bisect_right(known, stretch.stop)]:
                if begins:
                    found.append(self.data[start:end])
                begins, start = True, end
            if len(found) >= _BURSTS:
                break
        if not found:
            found = [self.data[each.start : each.stop] for each in self.stretches]
        return tuple(found[:_BURSTS])

    @marks.default
    def _in_order(self) -> tuple[int, ...]:
        turns, pauses, joins = self.ends
        for each in (turns, turns | pauses, turns | pauses | joins):
            if len(each) >= _FEW_TURNS:
                return tuple(sorted(each))
        return tuple(sorted(turns | pauses | joins))

    @property
    def turns(self) -> frozenset[int]:
        """The ends after which the other side spoke, or the connection ended."""
        return self.ends[0]

    @property
    def pauses(self) -> frozenset[int]:
        """The ends behind which nothing came for a while."""
        return self.ends[1]

    @property
    def has_long_bursts(self) -> bool:
        """True if messages may be so long that a small sample holds few of them."""
        shown = self.bursts[:_BURSTS_SHOWN]
        return bool(shown) and _LONG_BURST < sum(map(len, shown)) / len(shown) < _LONGEST_BURST

    def first(self, size: int) -> Side:
        """Return the first bytes, ``size`` at most, up to the end of a chunk."""
        if len(self.data) <= size:
            return self
        at = bisect_right(self.chunks, size)
        stop = self.chunks[at - 1] if at else size
        stretches = tuple(
            Stretch(each.start, min(each.stop, stop), each.begins)
            for each in self.stretches
            if each.start < stop
        )
        turns, pauses, joins = (frozenset(end for end in each if end <= stop) for each in self.ends)
        return Side(
            data=self.data[:stop],
            ends=(turns, pauses, joins),
            stretches=stretches,
            chunks=self.chunks[:at],
            is_bare=self.is_bare,
        )


def side_of(capture: Capture, number: SideNumber) -> Side:
    """Return one direction of a capture."""
    building = _Building(from_start=capture.from_start)
    chunks = capture.chunks
    last_own = -1
    for index, chunk in enumerate(chunks):
        if chunk.begins and last_own >= 0:
            building.end_chunk(_class_of_end(chunks, last_own), cut=False)
            last_own = -1
        if chunk.begins:
            building.begin()
        if chunk.side == number:
            if last_own >= 0:
                building.end_chunk(_class_of_end(chunks, last_own), cut=chunk.after_gap)
            building.add(chunk)
            last_own = index
    if last_own >= 0:
        building.end_chunk(_class_of_end(chunks, last_own), cut=False)
    return building.side(is_bare=capture.is_bare)


def _class_of_end(chunks: tuple[CapturedChunk, ...], index: int) -> int:
    """Return the class of this chunk's end: 0 for a turn, 1 for a pause, 2 for a join."""
    if index + 1 == len(chunks):
        return 0
    chunk, following = chunks[index], chunks[index + 1]
    if following.side != chunk.side or following.begins:
        return 0
    if chunk.at is None or following.at is None:
        return 2
    return 1 if following.at - chunk.at > _QUIET else 2


@define
class _Building:
    """A side that grows chunk by chunk."""

    from_start: bool
    parts: list[bytes] = field(factory=list)
    size: int = 0
    classes: tuple[set[int], set[int], set[int]] = field(factory=lambda: (set(), set(), set()))
    ends: list[int] = field(factory=list)
    stretches: list[Stretch] = field(factory=list)
    start: int = 0
    begins: bool = True

    def __attrs_post_init__(self) -> None:
        self.begins = self.from_start

    def begin(self) -> None:
        """Begin another connection."""
        self._end_stretch()
        self.begins = True

    def add(self, chunk: CapturedChunk) -> None:
        if chunk.after_gap:
            self._end_stretch()
            self.begins = False
        self.parts.append(chunk.data)
        self.size += len(chunk.data)

    def end_chunk(self, kind: int, *, cut: bool) -> None:
        """Note the end of a chunk. With ``cut`` the next bytes are missing, so the end says nothing."""
        self.ends.append(self.size)
        if not cut:
            self.classes[kind].add(self.size)

    def _end_stretch(self) -> None:
        if self.size > self.start:
            self.stretches.append(Stretch(self.start, self.size, self.begins))
        self.start = self.size

    def side(self, *, is_bare: bool) -> Side:
        self._end_stretch()
        turns, pauses, joins = map(frozenset, self.classes)
        return Side(
            data=b"".join(self.parts),
            ends=(turns, pauses, joins),
            stretches=tuple(self.stretches),
            chunks=tuple(self.ends),
            is_bare=is_bare,
        )
