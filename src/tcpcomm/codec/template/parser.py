"""The parser of templates. :mod:`tcpcomm.codec.template.template` describes the notation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from attrs import define, frozen

from tcpcomm.errors import ConfigurationError


@frozen
class TextPiece:
    text: str


@frozen
class ValuePiece:
    name: str
    format_spec: str = ""


@frozen
class CountPiece:
    """
    A number that counts: the items of a list, the characters of a text, the bytes of a value.

    With ``in_bytes`` it counts the bytes of the written text. An empty name means the only list, or with
    ``in_bytes`` all that stands behind the count.
    """

    name: str
    format_spec: str = ""
    in_bytes: bool = False

    @property
    def notation(self) -> str:
        """The piece without its format, as it is written in a template."""
        return f"{{{'##' if self.in_bytes else '#'}{self.name}}}"


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

_FIELD_START: Final = re.compile(r"\{(#{0,2})([^\W\d]\w*)?")
_TEXT_UP_TO: Final = {
    "": re.compile(r"(?:[^{}\[\]]|\{\{|\}\}|\[\[|\]\])*"),
    "}": re.compile(r"(?:[^{}\[\]]|\{\{|\[\[|\]\])*"),
    "]": re.compile(r"(?:[^{}\[\]]|\{\{|\}\}|\[\[)*"),
}
"""The literal text up to a field, an optional part or this closing bracket."""
_SEPARATOR: Final = re.compile(r"((?:[^:{}]|::|\{\{)*)")
_FORMAT_SPEC: Final = re.compile(r"[^{}]*")


@define
class _Parser:
    text: str
    at: int = 0

    def error(self, problem: str) -> ConfigurationError:
        return ConfigurationError(f"the template {self.text!r}, at character {self.at + 1}: {problem}")

    def pieces(self, closer: str = "") -> tuple[Piece, ...]:
        """Read the pieces up to the closing bracket, and the bracket too, or up to the end."""
        found: list[Piece] = []
        while True:
            if literal := self.take(_TEXT_UP_TO[closer])[0]:
                found.append(TextPiece(re.sub(r"([{}\[\]])\1", r"\1", literal)))
            if self.at == len(self.text):
                if closer:
                    raise self.error(f"a {closer!r} is missing")
                return tuple(found)
            each = self.text[self.at]
            if each == "{":
                found.append(self.field_piece())
            elif each == "[":
                self.at += 1
                found.append(OptionalPiece(self.pieces("]")))
            elif each == closer:
                self.at += 1
                return tuple(found)
            else:
                raise self.error(f"{each!r} closes nothing; to write it as text, write it twice")

    def take(self, expression: re.Pattern[str]) -> re.Match[str]:
        match = expression.match(self.text, self.at)
        assert match is not None  # each expression matches where it is used
        self.at = match.end()
        return match

    def skip(self, text: str) -> bool:
        """Read this text if it comes next, and return True if so."""
        if not self.text.startswith(text, self.at):
            return False
        self.at += len(text)
        return True

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
        if count:
            return CountPiece(name, format_spec, count == "##")
        return ValuePiece(name, format_spec)

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
    """Split a template into its pieces; raise ConfigurationError if it is not in the notation."""
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

    If all pieces can be empty, these are also the characters that can follow: ``behind``.
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


def counts_bytes(pieces: Sequence[Piece]) -> bool:
    """Return True if a width of some pieces counts bytes, as ``12b`` does."""
    for piece in pieces:
        match piece:
            case ValuePiece(format_spec=spec) | ListPiece(item=str() as spec):
                if re.search(r"[0-9]b$", spec):
                    return True
            case OptionalPiece(pieces=inner) | ListPiece(item=tuple() as inner):
                if counts_bytes(inner):
                    return True
    return False
