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
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise, product
from typing import Final, TypeVar

from attrs import define, field, frozen

from tcpcomm.codec.template.regex_tree import CharSet, Choice, Many, Maybe, Named, Run, Seq, Shape, literal

__all__ = ["START", "Automaton", "Readings", "begins_with_anything", "common", "two_readings"]

_Node = TypeVar("_Node", bound=tuple[int, ...])

START: Final = -1
"""The state before the first character."""


@frozen
class _Part:
    """Where a part of a shape begins and ends, in states, and whether it may be empty."""

    empty: bool
    first: tuple[int, ...]
    last: tuple[int, ...]


_NOTHING: Final = _Part(True, (), ())


@define
class Automaton:
    """The states of a shape: what stands at each, in which field, and which may follow it."""

    sets: list[CharSet] = field(factory=list)
    fields: list[str] = field(factory=list)
    follow: dict[int, list[int]] = field(factory=lambda: {START: []})
    """A state stands twice in a list if there are two ways to it: a repetition within a repetition."""
    ends: tuple[int, ...] = ()

    @classmethod
    def of(cls, shape: Shape) -> Automaton:
        """The automaton of a shape."""
        automaton = cls()
        whole = automaton._add(shape, "")
        automaton.follow[START] += whole.first
        automaton.ends = (*whole.last, *([START] if whole.empty else []))
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
                    tuple(state for part in parts for state in part.first),
                    tuple(state for part in parts for state in part.last),
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
            self.follow[states[-1]] = []
        if not states:
            return _NOTHING
        for state, after in pairwise(states):
            self.follow[state].append(after)
        if run.high is None:
            self.follow[states[-1]].append(states[-1])
        return _Part(run.low == 0, tuple(states[:1]), tuple(states[max(run.low, 1) - 1 :]))

    def _row(self, parts: Iterable[_Part]) -> _Part:
        whole = _NOTHING
        for part in parts:
            self._connect(whole.last, part.first)
            whole = _Part(
                whole.empty and part.empty,
                whole.first + part.first if whole.empty else whole.first,
                whole.last + part.last if part.empty else part.last,
            )
        return whole

    def _connect(self, before: Iterable[int], after: Iterable[int]) -> None:
        for state in before:
            self.follow[state] += after


def common(one: Shape, other: Shape) -> str | None:
    """A shortest text that is of both shapes; None if there is none."""
    first, second = Automaton.of(one), Automaton.of(other)

    def after(pair: tuple[int, int]) -> Iterator[tuple[str, tuple[int, int]]]:
        for left, right in product(first.follow[pair[0]], second.follow[pair[1]]):
            both = first.sets[left] & second.sets[right]
            if both:
                yield both.example(), (left, right)

    way = _shortest((START, START), after, lambda pair: pair[0] in first.ends and pair[1] in second.ends)
    return None if way is None else "".join(character for character, _ in way)


def _shortest(
    begin: _Node,
    after: Callable[[_Node], Iterable[tuple[str, _Node]]],
    is_end: Callable[[_Node], bool],
) -> list[tuple[str, _Node]] | None:
    """A shortest way from a node to an end: the characters, and the nodes to which they lead."""
    came: dict[_Node, tuple[str, _Node] | None] = {begin: None}
    waiting = deque([begin])
    while waiting:
        node = waiting.popleft()
        if is_end(node):
            way = []
            while (step := came[node]) is not None:
                way.append((step[0], node))
                node = step[1]
            return way[::-1]
        for character, next_node in sorted(after(node), key=lambda step: (not step[0].isalnum(), step)):
            if next_node not in came:
                came[next_node] = (character, node)
                waiting.append(next_node)
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

    def after(node: tuple[bool, int, int]) -> Iterator[tuple[str, tuple[bool, int, int]]]:
        parted, one, other = node
        for (turn, left), (other_turn, right) in product(
            enumerate(automaton.follow[one]), enumerate(automaton.follow[other])
        ):
            if not parted and other_turn < turn:
                continue  # the same two ways, the other way round
            both = automaton.sets[left] & automaton.sets[right]
            if both:
                yield both.example(), (parted or turn != other_turn, left, right)

    way = _shortest(
        (False, START, START), after, lambda node: node[0] and {node[1], node[2]} <= {*automaton.ends}
    )
    if way is None:
        return None
    one: dict[str, str] = {}
    other: dict[str, str] = {}
    for character, (_, left, right) in way:
        for fields, state in ((one, left), (other, right)):
            name = automaton.fields[state]
            fields[name] = fields.get(name, "") + character
    return Readings("".join(character for character, _ in way), one, other)
