"""
The compiler of templates: :func:`compile_template`. It refuses templates that are ambiguous.

Because no text has two readings, reading is also fast. If two paths through the regular expression led to
the same place with the same rest of the text, each completion of one would complete the other too: a second
reading. So a search takes at most as many steps as places times characters. This holds even if the search
goes back, and even in a text that does not match.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

from attrs import Factory, define, field

from tcpcomm.codec.annotations import type_text
from tcpcomm.codec.base import MISSING, Field
from tcpcomm.codec.numpy_values import native
from tcpcomm.codec.problems import inside, wrong
from tcpcomm.codec.random_values import draw_accepted
from tcpcomm.codec.template.ambiguity import common_text, two_readings
from tcpcomm.codec.template.compiled import Capture, CompiledTemplate, ValueDrawer, ValueWriter
from tcpcomm.codec.template.field_type import FieldType
from tcpcomm.codec.template.field_types import (
    field_type,
    item_of,
    refuse_unnamed,
    value_fields,
    without_none,
)
from tcpcomm.codec.template.format_spec import parse_format_spec
from tcpcomm.codec.template.mismatch import ExpectedText
from tcpcomm.codec.template.number_fields import int_type
from tcpcomm.codec.template.parser import (
    CountPiece,
    ListPiece,
    OptionalPiece,
    Piece,
    TextPiece,
    ValuePiece,
    first_characters,
    leading_text,
    literal_texts,
    parse,
    value_names,
)
from tcpcomm.codec.template.regex_tree import ANY, EMPTY, Many, Maybe, Named, Run, Seq, TextPattern, literal
from tcpcomm.errors import CodecError, ConfigurationError

COUNT: Final = "#"
"""The name of a field that counts items outside of its own template."""

DRAWN_ITEMS: Final = 4
"""The most items of a drawn list."""

LEFT_OUT: Final = 0.4
"""The probability that a drawn optional part is left out."""


def compile_template(
    text: str, fields: Mapping[str, Field], pieces: tuple[Piece, ...] | None = None
) -> CompiledTemplate:
    """
    Compile a template.

    Args:
        text: the template.
        fields: the fields that it can contain. A field named COUNT is the number that ``{#}`` stands for.
        pieces: the parsed pieces, if they differ from those of the text.

    Raises:
        ConfigurationError: a field is unknown, is there twice, or cannot be written in its format. Or a
            text could be read in two ways.
    """
    template = _Compiler(text, fields).compile(parse(text) if pieces is None else pieces, frozenset())
    _refuse_two_readings(template.pattern, text)
    return template


@define
class _Collected:
    """The compiled parts of the pieces so far."""

    patterns: list[TextPattern] = field(factory=list)
    regex: str = ""
    format: str = ""
    captures: list[Capture] = field(factory=list)
    writers: list[ValueWriter] = field(factory=list)
    drawers: list[ValueDrawer] = field(factory=list)
    counts: list[tuple[str, str]] = field(factory=list)
    expected: list[ExpectedText] = field(factory=list)


class _Compiler:
    """Compiles one template, its optional parts, and the items of its lists."""

    def __init__(self, text: str, fields: Mapping[str, Field]) -> None:
        self._text = text
        self._fields = fields

    def compile(
        self, pieces: tuple[Piece, ...], stops: frozenset[str], *, optional: bool = False
    ) -> CompiledTemplate:
        """
        Compile some pieces of the template.

        Args:
            pieces: the pieces.
            stops: the characters that can follow the last piece.
            optional: True if the pieces are an optional part.
        """
        names = tuple(value_names(pieces))
        for name in names:
            if name not in self._fields:
                known = ", ".join(name for name in self._fields if name != COUNT) or "none"
                raise ConfigurationError(
                    f"{self._text!r} has the field {{{name}}}, which is not declared; there are: {known}"
                )
            if names.count(name) > 1:
                raise ConfigurationError(f"{self._text!r} has the field {{{name}}} twice")
        collected = _Collected()
        for index, piece in enumerate(pieces):
            behind = first_characters(pieces[index + 1 :], stops)
            match piece:
                case TextPiece():
                    self._add_text(collected, piece)
                case OptionalPiece():
                    self._add_optional(collected, piece, behind)
                case CountPiece():
                    self._add_count(collected, piece)
                case _:
                    self._add_value(collected, piece, behind, optional=optional)
        return CompiledTemplate(
            self._text,
            names,
            leading_text(pieces),
            "".join(literal_texts(pieces)),
            Seq(collected.patterns),
            collected.regex,
            collected.format,
            tuple(collected.captures),
            tuple(collected.writers),
            tuple(collected.drawers),
            tuple(collected.counts),
            tuple(collected.expected),
        )

    def _add_text(self, collected: _Collected, piece: TextPiece) -> None:
        collected.patterns.append(literal(piece.text))
        collected.regex += re.escape(piece.text)
        collected.format += piece.text.replace("%", "%%")
        collected.expected.append(ExpectedText(re.escape(piece.text), "", repr(piece.text), piece.text))

    def _add_optional(self, collected: _Collected, piece: OptionalPiece, behind: frozenset[str]) -> None:
        if not any(isinstance(each, ValuePiece | ListPiece) for each in piece.pieces):
            raise ConfigurationError(
                f"{self._text!r}: an optional part needs a field; its value says if the part is there"
            )
        part = self.compile(piece.pieces, behind, optional=True)
        if common_text(part.pattern, EMPTY) is not None:
            raise ConfigurationError(
                f"{self._text!r}: an optional part can be empty, and then nobody sees it: add a text to it"
            )
        write, draw = _optional_part(part)
        collected.patterns.append(Maybe(part.pattern))
        collected.regex += f"(?:{part.regex})?"
        collected.format += "%s"
        collected.captures += part.captures
        collected.writers.append((None, write, None))
        collected.drawers.append((None, draw))
        collected.counts += part.counts
        expected = ExpectedText(Maybe(part.pattern).regex(), "", "the optional part", parts=part.expected)
        collected.expected.append(expected)

    def _add_count(self, collected: _Collected, piece: CountPiece) -> None:
        list_name = self._counted_list(piece)
        try:
            number = int_type(parse_format_spec(piece.format_spec), signed=False)
        except ConfigurationError as error:
            raise ConfigurationError(f"the count {{#{piece.name}}}: {error}") from None

        def write(items: Any) -> str:
            return number.write(len(_checked_list(items)))

        self._add_field(collected, COUNT + list_name, number.pattern)
        collected.captures.append((COUNT + list_name, number.read, lambda: None))
        if list_name:
            collected.writers.append((list_name, write, None))
            collected.counts.append((COUNT + list_name, list_name))
        else:
            collected.writers.append((COUNT, number.write, number.plain))
        collected.expected.append(ExpectedText(number.pattern.regex(), list_name, "the number of items"))

    def _counted_list(self, piece: CountPiece) -> str:
        """Return the name of the list that a count belongs to; empty if the list is elsewhere."""
        if not piece.name and COUNT in self._fields:
            return ""
        lists = [name for name, value in self._fields.items() if _is_list(value)]
        if piece.name in lists:
            return piece.name
        if not piece.name and len(lists) == 1:
            return lists[0]
        raise ConfigurationError(
            f"{self._text!r}: {{#{piece.name}}} must name a list; the lists: {', '.join(lists) or 'none'}"
        )

    def _add_field(self, collected: _Collected, name: str, pattern: TextPattern) -> None:
        collected.patterns.append(Named(name, pattern))
        collected.regex += f"({pattern.regex()})"
        collected.format += "%s"

    def _add_value(
        self,
        collected: _Collected,
        piece: ValuePiece | ListPiece,
        behind: frozenset[str],
        *,
        optional: bool,
    ) -> None:
        name = piece.name
        value = self._fields[name]
        annotation, may_be_none = without_none(value.type)
        if may_be_none and not optional:
            raise ConfigurationError(
                f"{name} can be None, so it must be in an optional part, as in [,{{{name}}}]"
            )
        width = None
        try:
            absent = _absent_value(value) if optional else lambda: None
            if isinstance(piece, ListPiece):
                kind = self._list(piece, annotation, behind)
            else:
                kind = field_type(annotation, piece.format_spec, behind)
                if annotation is not bool:
                    width = parse_format_spec(piece.format_spec).width
        except ConfigurationError as error:
            raise ConfigurationError(f"{name}: {error}") from None
        self._add_field(collected, name, kind.pattern)
        collected.captures.append((name, kind.read, absent))
        collected.writers.append((name, kind.write, kind.plain))
        collected.drawers.append((name, kind.draw))
        expected = ExpectedText(kind.pattern.regex(), name, kind.description, width=width)
        collected.expected.append(expected)

    def _list(self, piece: ListPiece, annotation: Any, behind: frozenset[str]) -> FieldType:
        item_type = item_of(annotation)
        if item_type is MISSING:
            refuse_unnamed(annotation)
            raise ConfigurationError(
                f"{type_text(annotation)} is not a list: write {{{piece.name}}}, without '*'"
            )
        if isinstance(piece.item, str):
            stops = behind | frozenset(piece.separator[:1])
            return _list_type(piece, field_type(item_type, piece.item, stops, empty=False), self._text)
        item_fields = value_fields(item_type, tuple(value_names(piece.item)))
        between = frozenset(piece.separator[:1]) or first_characters(piece.item, frozenset())
        template = _Compiler(self._text, item_fields.fields).compile(piece.item, behind | between)
        item_fields.check_used(template.names)

        def write(item: Any) -> str:
            return template.write(item_fields.split(item))

        def read(text: str) -> Any:
            values = template.read(text)
            assert values is not None  # the list's pattern contains the items' pattern
            return item_fields.join(values)

        def draw(random: Random) -> Any:
            return draw_accepted(lambda: template.draw(random), item_fields.join, type_text(item_type))

        item = FieldType(f"a {type_text(item_type)}", template.pattern, write, read, draw)
        return _list_type(piece, item, self._text)


def _is_list(value: Field) -> bool:
    return item_of(without_none(value.type)[0]) is not MISSING


def _checked_list(value: Any) -> list[Any]:
    value = native(value)
    if not isinstance(value, list):
        raise wrong("a list", value)
    return value


def _absent_value(value: Field) -> Callable[[], Any]:
    """Return a function for the value of a field if its optional part is left out."""
    default = value.default
    if isinstance(default, Factory):  # type: ignore[arg-type]
        if default.takes_self:
            raise ConfigurationError("in an optional part, its default must not depend on other fields")
        return default.factory  # type: ignore[no-any-return]
    if default is not MISSING:
        return lambda: default
    if without_none(value.type)[1]:
        return lambda: None
    if _is_list(value):
        return list
    raise ConfigurationError("it is in an optional part, so make it Optional, or give it a default")


def _optional_part(
    part: CompiledTemplate,
) -> tuple[Callable[[Mapping[str, Any]], str], Callable[[Random], dict[str, Any]]]:
    """Return the writer and the drawer of an optional part. Both leave it out if its values are absent."""
    absent = {name: value for name, _, value in part.captures if not name.startswith(COUNT)}

    def write(values: Mapping[str, Any]) -> str:
        if all(_same(values[name], value()) for name, value in absent.items()):
            return ""
        return part.write(values)

    def draw(random: Random) -> dict[str, Any]:
        if random.random() < LEFT_OUT:
            return {name: value() for name, value in absent.items()}
        return part.draw(random)

    return write, draw


def _same(value: Any, other: Any) -> bool:
    return value is other or (type(value) is type(other) and bool(value == other))


def _list_type(piece: ListPiece, item: FieldType, template: str) -> FieldType:
    """Return the field type of a list. Its items are read one after the other."""
    if common_text(item.pattern, EMPTY) is not None:
        raise ConfigurationError(
            "an item of the list can be empty, so nobody can count the items: add a text to the item"
        )
    # An item is read without a look at the items behind it, so its end must not depend on them.
    behind: TextPattern = Seq((literal(piece.separator), Run(ANY, 0, None)))
    if piece.separator:
        behind = Maybe(behind)
    _refuse_two_readings(Seq((Named(piece.name, item.pattern), behind)), template)
    end = rf"(?:{re.escape(piece.separator)}|\Z)" if piece.separator else ""
    items_in = re.compile(f"({item.pattern.regex()}){end}", re.DOTALL).findall

    def write(items: Any) -> str:
        return piece.separator.join(_each_item(item.write, _checked_list(items)))

    def read(text: str) -> list[Any]:
        return _each_item(item.read, items_in(text))

    def draw(random: Random) -> list[Any]:
        return [item.draw(random) for _ in range(random.randint(0, DRAWN_ITEMS))]

    pattern = Maybe(Many(item.pattern, piece.separator))
    return FieldType(f"a list, each item {item.description}", pattern, write, read, draw)


def _each_item(function: Callable[[Any], Any], items: list[Any]) -> list[Any]:
    """Call a function for each item. If one fails, put its index into the error's path."""
    results: list[Any] = []
    try:
        for each in items:
            results.append(function(each))
    except CodecError as error:
        raise inside(f"[{len(results)}]", error) from error.__cause__
    return results


def _refuse_two_readings(pattern: TextPattern, template: str) -> None:
    found = two_readings(pattern)
    if found is None:
        return
    names = [name for name in {**found.one, **found.other} if name]
    different = [name for name in names if found.one.get(name) != found.other.get(name)] or names
    one, other = (
        ", ".join(f"{name}={reading[name]!r}" if name in reading else f"no {name}" for name in different)
        for reading in (found.one, found.other)
    )
    raise ConfigurationError(
        f"{template!r} is ambiguous: {found.text!r} can be read as {one}, or as {other}; put between them "
        "a text that cannot be in them, or give them fixed widths"
    )
