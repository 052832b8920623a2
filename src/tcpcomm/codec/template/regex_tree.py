"""
Patterns of text, as trees: :class:`TextPattern`.

The regular expression and the automaton are both made from the same tree. So the texts that are read, and
the decision about ambiguity, cannot differ.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import lru_cache
from itertools import chain
from string import ascii_letters, digits, punctuation
from typing import Final

from attrs import field, frozen


@frozen
class CharSet:
    """A set of characters: the members, or if inverted all other characters."""

    members: frozenset[str]
    inverted: bool = False

    @lru_cache(maxsize=1000)  # noqa: B019 - sets are few, and some have thousands of members
    def __and__(self, other: CharSet) -> CharSet:
        if self.inverted:
            if not other.inverted:
                return other & self
            return other if self.members <= other.members else CharSet(self.members | other.members, True)
        if other.inverted:
            left_out = self.members & other.members
            return CharSet(self.members - left_out) if left_out else self
        return CharSet(self.members & other.members)

    def __bool__(self) -> bool:
        return self.inverted or bool(self.members)

    @lru_cache(maxsize=1000)  # noqa: B019
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

    def wide_regex(self) -> str:
        """Return the regular expression of a character with the places of its further bytes."""
        if not self.inverted and all(map(str.isascii, self.members)):
            return self.regex()
        kept = CharSet(self.members | {FOLLOWING}, True) if self.inverted else self
        return f"(?:{kept.regex()}{FOLLOWING}*)"


def chars(members: Iterable[str]) -> CharSet:
    """Return the set of these characters."""
    return CharSet(frozenset(members))


DIGIT: Final = chars(digits)
HEX: Final = chars("0123456789ABCDEFabcdef")
ANY: Final = CharSet(frozenset(), True)


FOLLOWING: Final = "\udc00"
"""A character that is in no decoded text: it takes the place of a further byte of the one before it."""


class TextPattern(ABC):
    """A set of texts, described by their form."""

    @abstractmethod
    def regex(self, by_bytes: bool = False) -> str:
        """
        Return the regular expression, without capturing groups, for the flag :data:`re.DOTALL`.

        With ``by_bytes`` it is for a text in which :data:`FOLLOWING` stands for the further bytes of each
        character.
        """


@frozen
class Run(TextPattern):
    """From ``low`` to ``high`` characters of a set; without limit if ``high`` is None."""

    set: CharSet
    low: int
    high: int | None

    def regex(self, by_bytes: bool = False) -> str:
        if self.high == 0:
            return ""
        one = self.set.wide_regex() if by_bytes else self.set.regex()
        bounds = {(1, 1): "", (0, 1): "?", (0, None): "*", (1, None): "+"}.get((self.low, self.high))
        if bounds is None:
            high = "" if self.high is None else self.high
            bounds = f"{{{self.low}}}" if self.low == high else f"{{{self.low},{high}}}"
        return one + bounds


@frozen
class Seq(TextPattern):
    """Several patterns, one after the other."""

    items: tuple[TextPattern, ...] = field(converter=tuple[TextPattern, ...])

    def regex(self, by_bytes: bool = False) -> str:
        return "".join(item.regex(by_bytes) for item in self.items)


EMPTY: Final = Seq(())


@frozen
class Choice(TextPattern):
    """One of several patterns."""

    items: tuple[TextPattern, ...] = field(converter=tuple[TextPattern, ...])

    def regex(self, by_bytes: bool = False) -> str:
        return f"(?:{'|'.join(item.regex(by_bytes) for item in self.items)})"


@frozen
class Maybe(TextPattern):
    """A pattern or nothing. The pattern must not match the empty text."""

    item: TextPattern

    def regex(self, by_bytes: bool = False) -> str:
        return f"(?:{self.item.regex(by_bytes)})?"


@frozen
class Many(TextPattern):
    """One or more items with a separator between them. The item must not match the empty text."""

    item: TextPattern
    separator: str
    most: int | None = None
    """The largest number of items that the regular expression matches; None: any number."""

    def regex(self, by_bytes: bool = False) -> str:
        return self._regex("*" if self.most is None else f"{{0,{self.most - 1}}}", by_bytes)

    def full_regex(self, by_bytes: bool = False) -> str:
        """Return the regular expression of exactly :attr:`most` items."""
        assert self.most is not None
        return self._regex(f"{{{self.most - 1}}}", by_bytes)

    def _regex(self, others: str, by_bytes: bool) -> str:
        item = self.item.regex(by_bytes)
        return f"(?:{item})(?:{literal_regex(self.separator, by_bytes)}{item}){others}"


@frozen
class Named(TextPattern):
    """The text of one field. Messages about ambiguity use its name."""

    name: str
    item: TextPattern

    def regex(self, by_bytes: bool = False) -> str:
        return self.item.regex(by_bytes)


@frozen
class Sized(TextPattern):
    """Whole characters that have exactly ``width`` bytes together."""

    width: int
    sizes: tuple[tuple[int, CharSet], ...]
    """The numbers of bytes that a character can have, and the characters of each."""

    def regex(self, by_bytes: bool = False) -> str:
        assert by_bytes, "a regular expression counts characters, so the text must be spread"
        return f"(?!{FOLLOWING}).{{{self.width}}}(?!{FOLLOWING})"


def literal_regex(text: str, by_bytes: bool) -> str:
    """Return the regular expression of exactly this text."""
    if not by_bytes or text.isascii():
        return re.escape(text)
    return literal(text).regex(by_bytes)


@frozen
class Except(TextPattern):
    """
    The texts of a pattern without those of another one, which has only finite sets of characters.

    The regular expression matches all texts of the pattern. The reader of the text refuses the others.
    """

    item: TextPattern
    refused: TextPattern

    def regex(self, by_bytes: bool = False) -> str:
        return self.item.regex(by_bytes)


def literal(text: str) -> TextPattern:
    """Return the pattern of exactly this text."""
    return Seq(Run(chars(each), 1, 1) for each in text)
