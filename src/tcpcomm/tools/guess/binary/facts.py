"""
Facts with counts about the frames of a binary link: :func:`find_facts`.

A fact is a place in the frames of one side, or of both, and a sentence that says in how many frames it
holds. Nothing is claimed beyond that: the reader, or :mod:`tcpcomm.tools.guess.binary.draft`, concludes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from attrs import evolve, frozen

from tcpcomm.tools.guess.binary import header_facts
from tcpcomm.tools.guess.binary.content_facts import contents, contents_by_opcode
from tcpcomm.tools.guess.binary.fact import Fact, FactKind, Of, SideFrames, Sides, place_text, runs_of
from tcpcomm.tools.guess.binary.pairs import PairedFrames, pair_up
from tcpcomm.tools.guess.capture import OPENER, Side

_FEWEST: Final = 6
"""The fewest frames of a side that give facts."""

_MOST_FRAMES: Final = 2_000
"""Frames that are looked at, the first ones."""

_CONTENTS: Final = (FactKind.TEXT, FactKind.FLOAT)

_Finder: TypeAlias = Callable[[Sides, PairedFrames, Sequence[Fact]], Iterable[Fact]]
_FINDERS: Final[tuple[_Finder, ...]] = (
    header_facts.ids,
    header_facts.lengths,
    header_facts.opcodes,
    header_facts.counters,
    header_facts.echoes,
    header_facts.statuses,
    contents,
    header_facts.constants,
)
"""The finders in the order of their strength: a later one does not speak of a place that is taken."""


@frozen(kw_only=True)
class Facts:
    """
    The facts about the frames of a link.

    Args:
        facts: those that are found, in the order of their places.
        paired: the requests with their replies.
        unexplained: the bytes that no fact explains, such as ``bytes 2 to 15 of requests``.
    """

    facts: tuple[Fact, ...]
    paired: PairedFrames
    unexplained: tuple[str, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """The facts for people. One that both sides share is there once."""
        return tuple(dict.fromkeys(map(str, self.facts)))

    def of(self, of: Of, *kinds: FactKind) -> list[Fact]:
        """Return the facts of these kinds about one side."""
        return [fact for fact in self.facts if fact.of == of and (not kinds or fact.kind in kinds)]


Before: TypeAlias = tuple[int, int]
"""
The bytes of a frame on the wire before those that the framing delivers: of requests, and of replies.

They tell where a fact stands for its reader, who counts from the first byte of a frame, as Wireshark does.
"""

_SHARED: Final = (FactKind.ID, FactKind.OPCODE, FactKind.ECHO)
"""The kinds of facts whose sentence is the same for requests and replies."""


def find_facts(
    frames: Sequence[tuple[Side, bytes]],
    known: Iterable[tuple[int, int]] = (),
    before: Before = (0, 0),
) -> Facts:
    """
    Find the places in frames that can be told from their values alone.

    Args:
        frames: the frames of both sides in the order in which they passed, as the framing delivers them.
        known: places that the framing explains, such as a checksum that stays in the frame: the first byte,
            which is negative if it counts from the end, and the number of bytes.
        before: the bytes before those that the framing delivers.

    Returns:
        The facts about the first 2,000 frames. They are few if a side has less than six.
    """
    frames = frames[:_MOST_FRAMES]
    paired = pair_up(frames)
    own: dict[Of, list[bytes]] = {"requests": [], "replies": []}
    for side, frame in frames:
        own["requests" if side == OPENER else "replies"].append(frame)
    sides = {of: SideFrames(of, tuple(each)) for of, each in own.items() if len(each) >= _FEWEST}
    found: list[Fact] = []
    for find in _FINDERS:
        for fact in find(sides, paired, found):
            if not any(_overlap(fact, other) for other in found):
                found.append(fact)
    found += contents_by_opcode(sides, found)
    found.sort(key=lambda fact: (fact.of == "replies", fact.at))
    unexplained = tuple(_unexplained(sides, found, known, before))
    return Facts(facts=tuple(_placed(found, before)), paired=paired, unexplained=unexplained)


def _placed(found: Iterable[Fact], before: Before) -> Iterator[Fact]:
    """Yield facts with their places on the wire. If both sides differ there, each says its side."""
    for fact in found:
        is_shared = fact.kind in _SHARED and before[0] != before[1]
        says = f" of {fact.of}{fact.says}" if is_shared else fact.says
        yield evolve(fact, says=says, before=before[fact.of == "replies"])


def _overlap(one: Fact, other: Fact) -> bool:
    return one.of == other.of and one.at < other.stop and other.at < one.stop


def _unexplained(
    sides: Sides, found: Sequence[Fact], known: Iterable[tuple[int, int]], before: Before
) -> Iterator[str]:
    """Yield the places that no fact names: within the shortest frame, and behind it."""
    places = [*known]
    texts: dict[Of, list[str]] = {}
    for side in sides.values():
        shortest, longest = min(map(len, side.frames)), max(map(len, side.frames))
        explained = {
            place
            for fact in found
            if fact.of == side.of and (fact.count == len(side.frames) or fact.kind not in _CONTENTS)
            for place in range(fact.at, fact.stop)
        }
        end = 0
        for at, size in places:
            if at < 0:
                end = max(end, -at)
            else:
                explained.update(range(at, at + size))
        first = before[side.of == "replies"]
        runs = [*runs_of([at for at in range(shortest - end) if at not in explained])]
        if longest == shortest:
            texts[side.of] = [place_text(first + at, size) for at, size in runs]
            continue
        tail = shortest - end
        if runs and sum(runs[-1]) == tail:
            tail = runs.pop()[0]
        texts[side.of] = [place_text(first + at, size) for at, size in runs]
        texts[side.of].append(f"byte {first + tail} and those behind it")
    if len(texts) == 2 and texts["requests"] == texts["replies"]:
        yield from texts["requests"]
        return
    for of, each in texts.items():
        yield from (f"{text} of {of}" for text in each)
