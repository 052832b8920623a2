"""
What a piece of text may look like: one description, from which both a regular expression and an automaton
are made, so that what is read and what is decided about ambiguity cannot differ.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable
from string import ascii_letters, digits, punctuation
from typing import Final

from attrs import field, frozen

__all__ = [
    "ANY",
    "DIGIT",
    "EMPTY",
    "HEX",
    "CharSet",
    "Choice",
    "Many",
    "Maybe",
    "Named",
    "Run",
    "Seq",
    "Shape",
    "chars",
    "literal",
]


@frozen
class CharSet:
    """A set of characters: those given, or all but those given."""

    members: frozenset[str]
    inverted: bool = False

    def __and__(self, other: CharSet) -> CharSet:
        if self.inverted and other.inverted:
            return CharSet(self.members | other.members, True)
        if self.inverted:
            return CharSet(other.members - self.members)
        if other.inverted:
            return CharSet(self.members - other.members)
        return CharSet(self.members & other.members)

    def __bool__(self) -> bool:
        return self.inverted or bool(self.members)

    def example(self) -> str:
        """A member that is easy to read, and always the same."""
        if self.inverted:
            pleasant = (
                each for each in f"{ascii_letters}{digits}{punctuation} " if each not in self.members
            )
            unusual = (chr(each) for each in range(0x110000) if chr(each) not in self.members)
            return next(pleasant, None) or next(unusual)
        return min(self.members, key=lambda each: (not each.isalnum(), each))

    def regex(self) -> str:
        inside = "".join(map(re.escape, sorted(self.members))).replace(digits, "0-9")
        if self.inverted:
            return f"[^{inside}]" if inside else "."
        return inside if len(self.members) == 1 else f"[{inside}]"


def chars(members: Iterable[str]) -> CharSet:
    """The set of these characters."""
    return CharSet(frozenset(members))


DIGIT: Final = chars(digits)
HEX: Final = chars("0123456789ABCDEFabcdef")
ANY: Final = CharSet(frozenset(), True)


class Shape(ABC):
    """A set of texts, described by its form."""

    @abstractmethod
    def regex(self) -> str:
        """The regular expression, without groups that capture, for :data:`re.DOTALL`."""


@frozen
class Run(Shape):
    """So many characters of a set, at least and at most; None: without end."""

    set: CharSet
    low: int
    high: int | None

    def regex(self) -> str:
        if self.high == 0:
            return ""
        bounds = {(1, 1): "", (0, 1): "?", (0, None): "*", (1, None): "+"}.get((self.low, self.high))
        if bounds is None:
            high = "" if self.high is None else self.high
            bounds = f"{{{self.low}}}" if self.low == high else f"{{{self.low},{high}}}"
        return self.set.regex() + bounds


def _shapes(items: Iterable[Shape]) -> tuple[Shape, ...]:
    return tuple(items)


@frozen
class Seq(Shape):
    """One after the other."""

    items: tuple[Shape, ...] = field(converter=_shapes)

    def regex(self) -> str:
        return "".join(item.regex() for item in self.items)


EMPTY: Final = Seq(())


@frozen
class Choice(Shape):
    """One of several."""

    items: tuple[Shape, ...] = field(converter=_shapes)

    def regex(self) -> str:
        return f"(?:{'|'.join(item.regex() for item in self.items)})"


@frozen
class Maybe(Shape):
    """There or not; what is there must not be empty."""

    item: Shape

    def regex(self) -> str:
        return f"(?:{self.item.regex()})?"


@frozen
class Many(Shape):
    """One or more, with a separator between them; an item must not be empty."""

    item: Shape
    separator: str

    def regex(self) -> str:
        item = self.item.regex()
        if not self.separator:
            return f"(?:{item})+"
        return f"{item}(?:{re.escape(self.separator)}{item})*"


@frozen
class Named(Shape):
    """The text of one field: its name is told in messages about ambiguity."""

    name: str
    item: Shape

    def regex(self) -> str:
        return self.item.regex()


def literal(text: str) -> Shape:
    """Just this text."""
    return Seq(Run(chars(each), 1, 1) for each in text)
