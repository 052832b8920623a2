"""
Exact decisions about ambiguity, with the shortest text that has two readings.

A pattern becomes its position automaton (Glushkov): one state for each position of a character in the
pattern. The automaton has no empty steps, so each path through it is one reading of a text. Both searches
follow the pairs of states that are reached by the same text: :func:`common_text` in two automata,
:func:`two_readings` in one automaton, on two paths that have separated.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise, product
from typing import Final, TypeVar

from attrs import define, field, frozen

from tcpcomm.codec.template.regex_tree import (
    ANY,
    EMPTY,
    CharSet,
    Choice,
    Except,
    Many,
    Maybe,
    Named,
    Run,
    Seq,
    Sized,
    TextPattern,
    literal,
)

_Node = TypeVar("_Node", bound=tuple[int, ...])

_States = frozenset[int]

START: Final = -1
"""The state before the first character."""


@frozen
class _Fragment:
    """The first and last states of a part of a pattern; ``empty`` if it matches the empty text."""

    empty: bool
    first: tuple[int, ...]
    last: tuple[int, ...]


_NOTHING: Final = _Fragment(True, (), ())


@define
class Automaton:
    """The states of a pattern: the characters and the field of each, and the states that can follow it."""

    sets: list[CharSet] = field(factory=list)
    fields: list[str] = field(factory=list)
    follow: dict[int, list[int]] = field(factory=lambda: {START: []})
    """A list holds a state twice if two paths lead to it: a repetition within a repetition."""
    ends: tuple[int, ...] = ()

    @classmethod
    def of(cls, pattern: TextPattern) -> Automaton:
        """Return the automaton of a pattern."""
        automaton = cls()
        whole = automaton._add(pattern, "")
        automaton.follow[START] += whole.first
        automaton.ends = (*whole.last, *([START] if whole.empty else []))
        return automaton

    def _add(self, pattern: TextPattern, name: str) -> _Fragment:
        match pattern:
            case Run():
                return self._run(pattern, name)
            case Seq():
                return self._sequence(self._add(item, name) for item in pattern.items)
            case Choice():
                choices = [self._add(item, name) for item in pattern.items]
                return _Fragment(
                    any(each.empty for each in choices),
                    tuple(state for each in choices for state in each.first),
                    tuple(state for each in choices for state in each.last),
                )
            case Maybe():
                return self._add(Choice((pattern.item, EMPTY)), name)
            case Sized():
                return self._sized(pattern, name)
            case Many():
                item = self._add(pattern.item, name)
                separator = self._add(literal(pattern.separator), name)
                repetition = self._sequence((separator, item))
                self._connect(item.last, repetition.first)
                return item
            case Named():
                return self._add(pattern.item, pattern.name)
            case Except():
                return self._except(pattern, name)
        raise TypeError(pattern)

    def _except(self, pattern: Except, name: str) -> _Fragment:
        """
        Add the texts of a pattern that another one does not have.

        A state stands for a state of the pattern, with the states that the same characters lead to in the
        other one: before the last character, and behind it.
        """
        item, refused = Automaton.of(pattern.item), Automaton.of(pattern.refused)
        known: dict[tuple[int, _States, _States, CharSet], int] = {}
        waiting: list[tuple[int, int, _States]] = []

        def after(state: int, reached: _States) -> list[int]:
            found = []
            for following in item.follow[state]:
                for characters, then in _split(item.sets[following], refused, reached):
                    key = following, reached, then, characters
                    if key not in known:
                        known[key] = len(self.sets)
                        self.sets.append(characters)
                        self.fields.append(name)
                        self.follow[known[key]] = []
                        waiting.append((known[key], following, then))
                    found.append(known[key])
            return found

        first = after(START, frozenset([START]))
        while waiting:
            state, in_item, reached = waiting.pop()
            self.follow[state] += after(in_item, reached)
        last = [
            state
            for (in_item, _, then, _), state in known.items()
            if in_item in item.ends and then.isdisjoint(refused.ends)
        ]
        return _Fragment(START in item.ends and START not in refused.ends, tuple(first), tuple(last))

    def _run(self, run: Run, name: str) -> _Fragment:
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
        return _Fragment(run.low == 0, tuple(states[:1]), tuple(states[max(run.low, 1) - 1 :]))

    def _sized(self, sized: Sized, name: str) -> _Fragment:
        """Add a state for each place of a character, counted in bytes, and each size that it can have."""
        states: dict[tuple[int, int], int] = {}
        for place in range(sized.width):
            for size, members in sized.sizes:
                if place + size <= sized.width:
                    states[place, size] = state = len(self.sets)
                    self.sets.append(members)
                    self.fields.append(name)
                    self.follow[state] = []
        sizes = [size for size, _ in sized.sizes]
        for (place, size), state in states.items():
            after = ((place + size, each) for each in sizes)
            self.follow[state] += [states[each] for each in after if each in states]
        return _Fragment(
            False,
            tuple(state for (place, _), state in states.items() if place == 0),
            tuple(state for (place, size), state in states.items() if place + size == sized.width),
        )

    def _sequence(self, fragments: Iterable[_Fragment]) -> _Fragment:
        whole = _NOTHING
        for each in fragments:
            self._connect(whole.last, each.first)
            whole = _Fragment(
                whole.empty and each.empty,
                whole.first + each.first if whole.empty else whole.first,
                whole.last + each.last if each.empty else each.last,
            )
        return whole

    def _connect(self, before: Iterable[int], after: Iterable[int]) -> None:
        for state in before:
            self.follow[state] += after


def _split(characters: CharSet, refused: Automaton, reached: _States) -> Iterator[tuple[CharSet, _States]]:
    """Yield the parts of a set of characters that lead to different states, with these states."""
    following = [each for state in reached for each in refused.follow[state]]
    parts: dict[_States, set[str]] = {}
    for character in {each for state in following for each in refused.sets[state].members}:
        if CharSet(frozenset([character])) & characters:
            then = frozenset(each for each in following if character in refused.sets[each].members)
            parts.setdefault(then, set()).add(character)
    for then, members in parts.items():
        yield CharSet(frozenset(members)), then
    known = frozenset().union(*parts.values())
    others = CharSet(known, True) & characters
    if others:
        yield others, frozenset()


def common_text(one: TextPattern, other: TextPattern) -> str | None:
    """Return the shortest text that both patterns match, or None if there is none."""
    first, second = Automaton.of(one), Automaton.of(other)

    def after(pair: tuple[int, int]) -> Iterator[tuple[str, tuple[int, int]]]:
        for left, right in product(first.follow[pair[0]], second.follow[pair[1]]):
            both = first.sets[left] & second.sets[right]
            if both:
                yield both.example(), (left, right)

    path = _shortest((START, START), after, lambda pair: pair[0] in first.ends and pair[1] in second.ends)
    return None if path is None else "".join(character for character, _ in path)


def _shortest(
    begin: _Node,
    after: Callable[[_Node], Iterable[tuple[str, _Node]]],
    is_end: Callable[[_Node], bool],
) -> list[tuple[str, _Node]] | None:
    """Return the shortest path to an end as characters and their nodes, or None if there is no path."""
    came_from: dict[_Node, tuple[str, _Node] | None] = {begin: None}
    waiting = deque([begin])
    while waiting:
        node = waiting.popleft()
        if is_end(node):
            path = []
            while (edge := came_from[node]) is not None:
                path.append((edge[0], node))
                node = edge[1]
            return path[::-1]
        for character, next_node in sorted(after(node), key=lambda edge: (not edge[0].isalnum(), edge)):
            if next_node not in came_from:
                came_from[next_node] = (character, node)
                waiting.append(next_node)
    return None


@frozen
class Readings:
    """A text with two readings, and the text of each field in both."""

    text: str
    one: Mapping[str, str]
    other: Mapping[str, str]


def can_give_way(one: TextPattern, other: TextPattern) -> bool:
    """Return True if a pattern without a free text has texts that another one does not match."""
    if any(characters.inverted for characters in Automaton.of(one).sets):
        return False
    return common_text(Except(one, other), Run(ANY, 0, None)) is not None


def begins_with_anything(pattern: TextPattern) -> bool:
    """Return True if the texts of a pattern can begin with almost any character."""
    automaton = Automaton.of(pattern)
    return any(automaton.sets[state].inverted for state in automaton.follow[START])


def two_readings(pattern: TextPattern) -> Readings | None:
    """Return the shortest text that has two readings, or None if no text has two."""
    automaton = Automaton.of(pattern)

    def after(node: tuple[bool, int, int]) -> Iterator[tuple[str, tuple[bool, int, int]]]:
        separated, one, other = node
        for (turn, left), (other_turn, right) in product(
            enumerate(automaton.follow[one]), enumerate(automaton.follow[other])
        ):
            if not separated and other_turn < turn:
                continue  # this pair of paths was followed already, in the other order
            both = automaton.sets[left] & automaton.sets[right]
            if both:
                yield both.example(), (separated or turn != other_turn, left, right)

    path = _shortest(
        (False, START, START), after, lambda node: node[0] and {node[1], node[2]} <= {*automaton.ends}
    )
    if path is None:
        return None
    one: dict[str, str] = {}
    other: dict[str, str] = {}
    for character, (_, left, right) in path:
        for fields, state in ((one, left), (other, right)):
            name = automaton.fields[state]
            fields[name] = fields.get(name, "") + character
    return Readings("".join(character for character, _ in path), one, other)
