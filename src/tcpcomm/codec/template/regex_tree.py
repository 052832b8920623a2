"""
Patterns of text, as trees: :class:`TextPattern`.

The regular expression and the automaton are both made from the same tree. So the texts that are read, and
the decision about ambiguity, cannot differ.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable
from itertools import chain
from string import ascii_letters, digits, punctuation
from typing import Final

from attrs import field, frozen


@frozen
class CharSet:
    """A set of characters: the members, or if inverted all other characters."""

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
        """Return a member that is easy to read, always the same one."""
        if self.inverted:
            every = chain(f"{ascii_letters}{digits}{punctuation} ", map(chr, range(0x110000)))
            return next(each for each in every if each not in self.members)
        return min(self.members, key=lambda each: (not each.isalnum(), each))

    def regex(self) -> str:
        inside = "".join(map(re.escape, sorted(self.members))).replace(digits, "0-9")
        if self.inverted:
            return f"[^{inside}]" if inside else "."
        return inside if len(self.members) == 1 else f"[{inside}]"


def chars(members: Iterable[str]) -> CharSet:
    """Return the set of these characters."""
    return CharSet(frozenset(members))


DIGIT: Final = chars(digits)
HEX: Final = chars("0123456789ABCDEFabcdef")
ANY: Final = CharSet(frozenset(), True)


class TextPattern(ABC):
    """A set of texts, described by their form."""

    @abstractmethod
    def regex(self) -> str:
        """Return the regular expression, without capturing groups, for the flag :data:`re.DOTALL`."""


@frozen
class Run(TextPattern):
    """From ``low`` to ``high`` characters of a set; without limit if ``high`` is None."""

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


@frozen
class Seq(TextPattern):
    """Several patterns, one after the other."""

    items: tuple[TextPattern, ...] = field(converter=tuple[TextPattern, ...])

    def regex(self) -> str:
        return "".join(item.regex() for item in self.items)


EMPTY: Final = Seq(())


@frozen
class Choice(TextPattern):
    """One of several patterns."""

    items: tuple[TextPattern, ...] = field(converter=tuple[TextPattern, ...])

    def regex(self) -> str:
        return f"(?:{'|'.join(item.regex() for item in self.items)})"


@frozen
class Maybe(TextPattern):
    """A pattern or nothing. The pattern must not match the empty text."""

    item: TextPattern

    def regex(self) -> str:
        return f"(?:{self.item.regex()})?"


@frozen
class Many(TextPattern):
    """One or more items with a separator between them. The item must not match the empty text."""

    item: TextPattern
    separator: str
    most: int | None = None
    """The largest number of items that the regular expression matches; None: any number."""

    def regex(self) -> str:
        return self._regex("*" if self.most is None else f"{{0,{self.most - 1}}}")

    def full_regex(self) -> str:
        """Return the regular expression of exactly :attr:`most` items."""
        assert self.most is not None
        return self._regex(f"{{{self.most - 1}}}")

    def _regex(self, others: str) -> str:
        item = self.item.regex()
        return f"(?:{item})(?:{re.escape(self.separator)}{item}){others}"


@frozen
class Named(TextPattern):
    """The text of one field. Messages about ambiguity use its name."""

    name: str
    item: TextPattern

    def regex(self) -> str:
        return self.item.regex()


@frozen
class Except(TextPattern):
    """
    The texts of a pattern without those of another one, which has only finite sets of characters.

    The regular expression matches all texts of the pattern. The reader of the text refuses the others.
    """

    item: TextPattern
    refused: TextPattern

    def regex(self) -> str:
        return self.item.regex()


def literal(text: str) -> TextPattern:
    """Return the pattern of exactly this text."""
    return Seq(Run(chars(each), 1, 1) for each in text)
