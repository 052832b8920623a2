"""
Whether two readings of one text are possible: decided exactly, with a shortest such text.

A shape becomes its position automaton (Glushkov): one state for each place where a character stands. It
has no empty steps, so the ways through it are just the readings of the text. Then two searches over pairs
of states answer the two questions that a declaration raises:

- :func:`common`: can two shapes be one text? The pairs that both automata reach by one text.
- :func:`two_readings`: can one shape be read in two ways? The pairs that one automaton reaches by one text
  on two ways that have parted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Final

from attrs import define, field, frozen

from tcpcomm.codec.textshape import CharSet, Choice, Many, Maybe, Named, Run, Seq, Shape, literal

__all__ = ["START", "Automaton", "Readings", "begins_with_anything", "common", "two_readings"]

START: Final = -1
"""The state before the first character."""


@frozen
class _Part:
    """Where a part of a shape begins and ends, in states, and whether it may be empty."""

    empty: bool
    first: frozenset[int]
    last: frozenset[int]


_NOTHING: Final = _Part(True, frozenset(), frozenset())


@define
class Automaton:
    """The states of a shape: what stands at each, in which field, and which may follow it."""

    sets: list[CharSet] = field(factory=list)
    fields: list[str] = field(factory=list)
    follow: dict[int, set[int]] = field(factory=lambda: {START: set()})
    ends: frozenset[int] = frozenset()

    @classmethod
    def of(cls, shape: Shape) -> Automaton:
        """The automaton of a shape."""
        automaton = cls()
        whole = automaton._add(shape, "")
        automaton.follow[START] |= whole.first
        automaton.ends = whole.last | ({START} if whole.empty else set())
        return automaton

    def _add(self, shape: Shape, name: str) -> _Part:
        match shape:
            case Run():
                return self._run(shape, name)
            case Seq():
                return self._row(self._add(item, name) for item in shape.items)
            case Choice():
                parts = [self._add(item, name) for item in shape.items]
                return _Part(
                    any(part.empty for part in parts),
                    frozenset().union(*(part.first for part in parts)),
                    frozenset().union(*(part.last for part in parts)),
                )
            case Maybe():
                part = self._add(shape.item, name)
                return _Part(True, part.first, part.last)
            case Many():
                item = self._add(shape.item, name)
                again = self._add(literal(shape.separator), name)
                round_trip = self._row((again, item))
                self._connect(item.last, round_trip.first)
                return item
            case Named():
                return self._add(shape.item, shape.name)
        raise TypeError(shape)

    def _run(self, run: Run, name: str) -> _Part:
        states = []
        for _ in range(max(run.low, 1) if run.high is None else run.high):
            states.append(len(self.sets))
            self.sets.append(run.set)
            self.fields.append(name)
            self.follow[states[-1]] = set()
        if not states:
            return _NOTHING
        for state, after in pairwise(states):
            self.follow[state].add(after)
        if run.high is None:
            self.follow[states[-1]].add(states[-1])
        return _Part(run.low == 0, frozenset(states[:1]), frozenset(states[max(run.low, 1) - 1 :]))

    def _row(self, parts: Iterable[_Part]) -> _Part:
        whole = _NOTHING
        for part in parts:
            self._connect(whole.last, part.first)
            whole = _Part(
                whole.empty and part.empty,
                whole.first | part.first if whole.empty else whole.first,
                whole.last | part.last if part.empty else part.last,
            )
        return whole

    def _connect(self, before: Iterable[int], after: frozenset[int]) -> None:
        for state in before:
            self.follow[state] |= after


def common(one: Shape, other: Shape) -> str | None:
    """A shortest text that is of both shapes; None if there is none."""
    first, second = Automaton.of(one), Automaton.of(other)
    begin = (START, START)
    came: dict[tuple[int, int], tuple[tuple[int, int], str] | None] = {begin: None}
    waiting = deque([begin])
    while waiting:
        pair = waiting.popleft()
        if pair[0] in first.ends and pair[1] in second.ends:
            text = ""
            step = came[pair]
            while step is not None:
                pair, character = step
                text = character + text
                step = came[pair]
            return text
        for left in first.follow[pair[0]]:
            for right in second.follow[pair[1]]:
                if (left, right) not in came:
                    both = first.sets[left] & second.sets[right]
                    if both:
                        came[left, right] = (pair, both.example())
                        waiting.append((left, right))
    return None


@frozen
class Readings:
    """One text, read in two ways: for each, what the fields would hold."""

    text: str
    one: Mapping[str, str]
    other: Mapping[str, str]


def begins_with_anything(shape: Shape) -> bool:
    """Whether its texts may begin with all characters but a few."""
    automaton = Automaton.of(shape)
    return any(automaton.sets[state].inverted for state in automaton.follow[START])


def two_readings(shape: Shape) -> Readings | None:
    """A shortest text that can be read in two ways; None if each text of the shape has one reading."""
    automaton = Automaton.of(shape)
    begin = (START, START, False)
    came: dict[tuple[int, int, bool], tuple[tuple[int, int, bool], str] | None] = {begin: None}
    waiting = deque([begin])
    while waiting:
        node = waiting.popleft()
        one, other, parted = node
        if parted and one in automaton.ends and other in automaton.ends:
            return _readings(automaton, came, node)
        for left in automaton.follow[one]:
            for right in automaton.follow[other]:
                if not parted and right < left:
                    continue  # the same two ways, the other way round
                after = (left, right, parted or left != right)
                if after not in came:
                    both = automaton.sets[left] & automaton.sets[right]
                    if both:
                        came[after] = (node, both.example())
                        waiting.append(after)
    return None


def _readings(
    automaton: Automaton,
    came: Mapping[tuple[int, int, bool], tuple[tuple[int, int, bool], str] | None],
    node: tuple[int, int, bool],
) -> Readings:
    ways: list[tuple[int, int, str]] = []
    step = came[node]
    while step is not None:
        before, character = step
        ways.append((node[0], node[1], character))
        node = before
        step = came[node]
    ways.reverse()
    one: dict[str, str] = {}
    other: dict[str, str] = {}
    for left, right, character in ways:
        for fields, state in ((one, left), (other, right)):
            name = automaton.fields[state]
            fields[name] = fields.get(name, "") + character
    return Readings("".join(character for _, _, character in ways), one, other)
