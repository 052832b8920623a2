"""Find numbers with a fraction, and texts, in the frames of each opcode."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import isfinite
from struct import unpack_from
from typing import Final

from tcpcomm.tools.guess.binary.fact import Fact, FactKind, Order, SideFrames, Sides, runs_of
from tcpcomm.tools.guess.binary.pairs import PairedFrames

_FEWEST: Final = 8
"""The fewest frames of one opcode that give facts."""

_SHORTEST_TEXT: Final = 4
_FEWEST_DIFFERENT: Final = 4
_SMALLEST: Final = 1e-4
_LARGEST: Final = 1e7
_SPREAD: Final = 1e4
"""The factor between large and small numbers of one kind. Random bytes differ by more."""

_HEADER: Final = (FactKind.ID, FactKind.LENGTH, FactKind.OPCODE, FactKind.STATUS)

_FORMS: Final[tuple[tuple[Order, str], ...]] = (("big", ">f"), ("little", "<f"))


def contents(sides: Sides, paired: PairedFrames, found: Sequence[Fact]) -> Iterator[Fact]:
    """Yield numbers with a fraction and texts that all frames of a side have."""
    for side in sides.values():
        if len(side.frames) >= _FEWEST:
            yield from _of_group(side, found, "")


def contents_by_opcode(sides: Sides, found: Sequence[Fact]) -> Iterator[Fact]:
    """Yield numbers with a fraction and texts that the frames of one opcode have."""
    for side in sides.values():
        opcode = next((each for each in found if each.of == side.of and each.kind is FactKind.OPCODE), None)
        if opcode is None:
            continue
        groups: dict[bytes, list[bytes]] = defaultdict(list)
        for frame in side.frames:
            groups[frame[opcode.at : opcode.stop]].append(frame)
        for value, frames in groups.items():
            if _FEWEST <= len(frames) < len(side.frames):
                group = SideFrames(side.of, tuple(frames))
                yield from _of_group(group, found, f" with opcode {value.hex().upper()}")


def _of_group(side: SideFrames, found: Sequence[Fact], where: str) -> Iterator[Fact]:
    start = max((fact.stop for fact in found if fact.of == side.of and fact.kind in _HEADER), default=0)
    texts = [fact for fact in _texts(side, found, where) if fact.at >= start]
    yield from texts
    yield from (fact for fact in _floats(side, [*found, *texts], where) if fact.at >= start)


def _texts(side: SideFrames, found: Sequence[Fact], where: str) -> Iterator[Fact]:
    free = [
        at for at, _ in side.places((1,), found) if all(0x20 <= byte < 0x7F for byte in side.column(at))
    ]
    count = len(side.frames)
    for at, size in runs_of(free):
        if size >= _SHORTEST_TEXT and len({frame[at : at + size] for frame in side.frames}) > 1:
            shown = side.frames[0][at : at + size].decode("ascii")
            text = f" are text such as {shown!r} in {count} of {count} {side.of}{where}"
            yield Fact(
                kind=FactKind.TEXT, of=side.of, at=at, size=size, agree=count, count=count, says=text
            )


def _floats(side: SideFrames, found: Sequence[Fact], where: str) -> Iterator[Fact]:
    taken: set[int] = set()
    count = len(side.frames)
    for at, _ in side.places((4,), found):
        for order, form in _FORMS:
            numbers = [unpack_from(form, frame, at)[0] for frame in side.frames]
            if taken.isdisjoint(range(at, at + 4)) and _look_like_measurements(numbers):
                taken.update(range(at, at + 4))
                first = "high" if order == "big" else "low"
                text = f" read as numbers from {min(numbers):.6g} to {max(numbers):.6g}"
                yield Fact(
                    kind=FactKind.FLOAT,
                    of=side.of,
                    at=at,
                    size=4,
                    agree=count,
                    count=count,
                    says=f"{text}, 32 bits, {first} byte first, in {count} of {count} {side.of}{where}",
                    order=order,
                )


def _look_like_measurements(numbers: Sequence[float]) -> bool:
    """Return True for numbers of like size, as a sensor gives them; random bytes would be far apart."""
    different = {*numbers} - {0.0}
    if len(different) < _FEWEST_DIFFERENT or not all(map(isfinite, numbers)):
        return False
    sizes = sorted(map(abs, different))
    return (
        sizes[0] >= _SMALLEST and sizes[-1] <= _LARGEST and sizes[len(sizes) // 10] * _SPREAD >= sizes[-1]
    )
