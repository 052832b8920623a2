"""
The text of a template, taken apart into pieces. The notation is described in :mod:`tcpcomm.codec.template.template`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from attrs import frozen

from tcpcomm.errors import ConfigurationError

__all__ = [
    "Count",
    "Group",
    "Literal",
    "Part",
    "Piece",
    "Slot",
    "first_characters",
    "leading",
    "literals",
    "names",
    "parse",
    "plain",
]


@frozen
class Literal:
    """Text that stands there as it is."""

    text: str


@frozen
class Slot:
    """One value."""

    name: str
    spec: str = ""


@frozen
class Count:
    """How many items a group has; with an empty name the only one there is."""

    name: str
    spec: str = ""


@frozen
class Group:
    """A list, with a separator between the items; an item is a template, or a value with this spec."""

    name: str
    separator: str
    item: tuple[Piece, ...] | str


@frozen
class Part:
    """What may be left out."""

    pieces: tuple[Piece, ...]


Piece = Literal | Slot | Count | Group | Part

_HEAD: Final = re.compile(r"\{(#?)([^\W\d]\w*)?")
_TEXT: Final = re.compile(r"[^{}\[\]]+")
_SEPARATOR: Final = re.compile(r"((?:[^:{}]|::|\{\{)*)")
_SPEC: Final = re.compile(r"[^{}]*")


class _Parser:
    """Reads a template from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def refuse(self, problem: str) -> ConfigurationError:
        return ConfigurationError(f"the template {self.text!r}, at character {self.at + 1}: {problem}")

    def pieces(self, closer: str = "") -> tuple[Piece, ...]:
        """The pieces up to the closing bracket, which is taken as well, or to the end."""
        found: list[Piece] = []
        literal = ""
        while self.at < len(self.text):
            each = self.text[self.at]
            if each == closer:
                break
            if each in "{}[]":
                doubled = self.text.startswith(each * 2, self.at)
                if not doubled and each in "}]":
                    raise self.refuse(
                        f"nothing is open that {each!r} could close; as text it is written twice"
                    )
                if doubled:
                    literal += each
                    self.at += 2
                    continue
                if literal:
                    found.append(Literal(literal))
                    literal = ""
                found.append(self.field() if each == "{" else self.part())
                continue
            match = _TEXT.match(self.text, self.at)
            assert match is not None
            literal += match[0]
            self.at = match.end()
        if literal:
            found.append(Literal(literal))
        if closer:
            if self.at == len(self.text):
                raise self.refuse(f"a {closer!r} is missing")
            self.at += 1
        return tuple(found)

    def part(self) -> Part:
        self.at += 1
        return Part(self.pieces("]"))

    def field(self) -> Piece:
        match = _HEAD.match(self.text, self.at)
        assert match is not None
        count, name = match.groups(default="")
        if not name and not count:
            raise self.refuse("a field is missing its name, as in {x}; as text, '{' is written twice")
        self.at = match.end()
        if not count and self.text.startswith("*", self.at):
            return self.group(name)
        spec = ""
        if self.text.startswith(":", self.at):
            self.at += 1
            spec = self.spec()
        if not self.text.startswith("}", self.at):
            raise self.refuse(f"the field {name!r} must go on with ':' and a format, or end with '}}'")
        self.at += 1
        return Count(name, spec) if count else Slot(name, spec)

    def spec(self) -> str:
        match = _SPEC.match(self.text, self.at)
        assert match is not None
        self.at = match.end()
        return match[0]

    def group(self, name: str) -> Group:
        self.at += 1
        match = _SEPARATOR.match(self.text, self.at)
        assert match is not None
        separator = match[1].replace("::", ":").replace("{{", "{")
        self.at = match.end()
        item: tuple[Piece, ...] | str = ""
        if self.text.startswith(":", self.at):
            self.at += 1
            begin = self.at
            item = self.spec()
            if self.text.startswith("{", self.at):
                self.at = begin
                return Group(name, separator, self.pieces("}"))
        if not self.text.startswith("}", self.at):
            raise self.refuse(f"the list {name!r} must go on with ':' and its items, or end with '}}'")
        self.at += 1
        return Group(name, separator, item)


def parse(text: str) -> tuple[Piece, ...]:
    """
    Take a template apart.

    Raises:
        ConfigurationError: it is not written in the notation; the message has the place.
    """
    return _Parser(text).pieces()


def plain(text: str) -> str:
    """The template that stands for just this text."""
    return re.sub(r"[{}\[\]]", r"\g<0>\g<0>", text)


def names(pieces: Sequence[Piece]) -> Iterator[str]:
    """The names of the values in pieces, in order, without those inside of items, and without counts."""
    for piece in pieces:
        if isinstance(piece, Slot | Group):
            yield piece.name
        elif isinstance(piece, Part):
            yield from names(piece.pieces)


def leading(pieces: Sequence[Piece]) -> str:
    """The text with which everything begins that these pieces stand for."""
    return pieces[0].text if pieces and isinstance(pieces[0], Literal) else ""


def literals(pieces: Sequence[Piece]) -> Iterator[str]:
    """All literal texts, those of optional parts and items too."""
    for piece in pieces:
        if isinstance(piece, Literal):
            yield piece.text
        elif isinstance(piece, Part):
            yield from literals(piece.pieces)
        elif isinstance(piece, Group):
            yield piece.separator
            if not isinstance(piece.item, str):
                yield from literals(piece.item)


def first_characters(pieces: Sequence[Piece], behind: frozenset[str]) -> frozenset[str]:
    """
    The characters of literal text that may stand where pieces begin.

    Args:
        pieces: the pieces.
        behind: the characters that may stand behind them, which come first where all pieces may be empty.
    """
    found: frozenset[str] = frozenset()
    for piece in pieces:
        if isinstance(piece, Literal):
            return found | {piece.text[0]}
        if isinstance(piece, Slot | Count):
            return found
        inside = piece.pieces if isinstance(piece, Part) else piece.item
        if not isinstance(inside, str):
            found |= first_characters(inside, frozenset())
    return found | behind
