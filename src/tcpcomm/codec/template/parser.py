"""
The parser of templates: it splits the text of a template into pieces.

:mod:`tcpcomm.codec.template.template` describes the notation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from attrs import frozen

from tcpcomm.errors import ConfigurationError


@frozen
class TextPiece:
    """Literal text."""

    text: str


@frozen
class ValuePiece:
    """One value."""

    name: str
    format_spec: str = ""


@frozen
class CountPiece:
    """The number of items of a list. An empty name means the only list."""

    name: str
    format_spec: str = ""


@frozen
class ListPiece:
    """A list with a separator between its items. An item is a template, or a value with a format."""

    name: str
    separator: str
    item: tuple[Piece, ...] | str


@frozen
class OptionalPiece:
    """A part of the template that can be left out."""

    pieces: tuple[Piece, ...]


Piece = TextPiece | ValuePiece | CountPiece | ListPiece | OptionalPiece

_FIELD_START: Final = re.compile(r"\{(#?)([^\W\d]\w*)?")
_TEXT: Final = re.compile(r"[^{}\[\]]+")
_SEPARATOR: Final = re.compile(r"((?:[^:{}]|::|\{\{)*)")
_FORMAT_SPEC: Final = re.compile(r"[^{}]*")


class _Parser:
    """Reads a template from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def error(self, problem: str) -> ConfigurationError:
        return ConfigurationError(f"the template {self.text!r}, at character {self.at + 1}: {problem}")

    def pieces(self, closer: str = "") -> tuple[Piece, ...]:
        """Read the pieces up to the closing bracket, and the bracket too, or up to the end."""
        found: list[Piece] = []
        literal = ""
        while self.at < len(self.text):
            each = self.text[self.at]
            if each == closer:
                break
            if each in "{}[]":
                doubled = self.text.startswith(each * 2, self.at)
                if not doubled and each in "}]":
                    raise self.error(f"{each!r} closes nothing; to write it as text, write it twice")
                if doubled:
                    literal += each
                    self.at += 2
                    continue
                if literal:
                    found.append(TextPiece(literal))
                    literal = ""
                found.append(self.field_piece() if each == "{" else self.optional_piece())
                continue
            literal += self.take(_TEXT)[0]
        if literal:
            found.append(TextPiece(literal))
        if closer:
            if self.at == len(self.text):
                raise self.error(f"a {closer!r} is missing")
            self.at += 1
        return tuple(found)

    def take(self, expression: re.Pattern[str]) -> re.Match[str]:
        """Read the text that an expression matches here. Every expression used here matches some text."""
        match = expression.match(self.text, self.at)
        assert match is not None
        self.at = match.end()
        return match

    def skip(self, text: str) -> bool:
        """Read this text if it is the next one, and return True if so."""
        if not self.text.startswith(text, self.at):
            return False
        self.at += len(text)
        return True

    def optional_piece(self) -> OptionalPiece:
        self.at += 1
        return OptionalPiece(self.pieces("]"))

    def field_piece(self) -> Piece:
        begin = self.at
        count, name = self.take(_FIELD_START).groups(default="")
        if not name and not count:
            self.at = begin
            raise self.error("the field has no name: write it as {x}; to write '{' as text, write it twice")
        if not count and self.skip("*"):
            return self.list_piece(name)
        format_spec = self.take(_FORMAT_SPEC)[0] if self.skip(":") else ""
        if not self.skip("}"):
            raise self.error(f"the field {name!r} must continue with ':' and a format, or end with '}}'")
        return CountPiece(name, format_spec) if count else ValuePiece(name, format_spec)

    def list_piece(self, name: str) -> ListPiece:
        separator = self.take(_SEPARATOR)[1].replace("::", ":").replace("{{", "{")
        item = ""
        if self.skip(":"):
            begin = self.at
            item = self.take(_FORMAT_SPEC)[0]
            if self.text.startswith("{", self.at):
                self.at = begin
                return ListPiece(name, separator, self.pieces("}"))
        if not self.skip("}"):
            raise self.error(f"the list {name!r} must continue with ':' and its items, or end with '}}'")
        return ListPiece(name, separator, item)


def parse(text: str) -> tuple[Piece, ...]:
    """
    Split a template into its pieces.

    Raises:
        ConfigurationError: the template is not in the notation. The message gives the position.
    """
    return _Parser(text).pieces()


def escaped(text: str) -> str:
    """Return the template of a literal text."""
    return re.sub(r"[{}\[\]]", r"\g<0>\g<0>", text)


def value_names(pieces: Sequence[Piece]) -> Iterator[str]:
    """Return the names of the values in order, without counts and without the values inside of items."""
    for piece in pieces:
        if isinstance(piece, ValuePiece | ListPiece):
            yield piece.name
        elif isinstance(piece, OptionalPiece):
            yield from value_names(piece.pieces)


def leading_text(pieces: Sequence[Piece]) -> str:
    """Return the text that every message of these pieces begins with."""
    return pieces[0].text if pieces and isinstance(pieces[0], TextPiece) else ""


def literal_texts(pieces: Sequence[Piece]) -> Iterator[str]:
    """Return all literal texts, including those of optional parts and items."""
    for piece in pieces:
        if isinstance(piece, TextPiece):
            yield piece.text
        elif isinstance(piece, OptionalPiece):
            yield from literal_texts(piece.pieces)
        elif isinstance(piece, ListPiece):
            yield piece.separator
            if not isinstance(piece.item, str):
                yield from literal_texts(piece.item)


def first_characters(pieces: Sequence[Piece], behind: frozenset[str]) -> frozenset[str]:
    """
    Return the literal characters that the text of some pieces can begin with.

    Args:
        pieces: the pieces.
        behind: the literal characters that can follow the pieces. They count if all pieces can be empty.
    """
    found: frozenset[str] = frozenset()
    for piece in pieces:
        if isinstance(piece, TextPiece):
            return found | {piece.text[0]}
        if isinstance(piece, ValuePiece | CountPiece):
            return found
        inside = piece.pieces if isinstance(piece, OptionalPiece) else piece.item
        if not isinstance(inside, str):
            found |= first_characters(inside, frozenset())
    return found | behind
