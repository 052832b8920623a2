"""
Templates become a :class:`~tcpcomm.codec.template.compiled.CompiledTemplate` each here, and are refused if they are ambiguous.

That no text has two readings decides the cost of reading as well. No two ways through the regular
expression then lead to the same place in it with the same text behind them, for whatever completes the
one would complete the other to a second reading. So there are at most as many steps as there are places
times characters, even for a search that goes back, and even in a text that does not match.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final

from attrs import Factory, define, field

from tcpcomm.codec.annotations import type_text
from tcpcomm.codec.base import MISSING, Field
from tcpcomm.codec.numpy_values import native
from tcpcomm.codec.template.ambiguity import common, two_readings
from tcpcomm.codec.template.compiled import Capture, CompiledTemplate, Draw, Write, joined
from tcpcomm.codec.template.field_type import FieldType, refused
from tcpcomm.codec.template.field_types import (
    drawn,
    field_type,
    item_of,
    refuse_unnamed,
    whole,
    without_none,
)
from tcpcomm.codec.template.format_spec import parse_spec
from tcpcomm.codec.template.mismatch import Step
from tcpcomm.codec.template.number_fields import int_type
from tcpcomm.codec.template.parser import (
    Count,
    Group,
    Literal,
    Part,
    Piece,
    Slot,
    first_characters,
    leading,
    literals,
    names,
    parse,
)
from tcpcomm.codec.template.regex_tree import ANY, EMPTY, Many, Maybe, Named, Run, Seq, Shape, literal
from tcpcomm.errors import CodecError, ConfigurationError

__all__ = ["COUNT", "compile_line"]

COUNT: Final = "#"
"""The name of a field that counts what is not in its own template."""

DRAWN_ITEMS: Final = 4
LEFT_OUT: Final = 0.4
"""How often an optional part is drawn as one that is left out."""


def compile_line(text: str, fields: Mapping[str, Field], pieces: tuple[Piece, ...] | None = None) -> CompiledTemplate:
    """
    Compile a template.

    Args:
        text: the template.
        fields: what there is to write; a field named COUNT is the number that ``{#}`` stands for.
        pieces: what the text was parsed to, where they were changed.

    Raises:
        ConfigurationError: a field is unknown, stands twice, cannot be written so, or a text could be read
            in two ways.
    """
    pieces = parse(text) if pieces is None else pieces
    line = _Compiler(text, fields).line(pieces, frozenset())
    _refuse_two_readings(line.shape, text)
    return line


@define
class _Parts:
    """What becomes of the pieces of a template."""

    shapes: list[Shape] = field(factory=list)
    regex: str = ""
    format: str = ""
    captures: list[Capture] = field(factory=list)
    writers: list[Write] = field(factory=list)
    drawers: list[Draw] = field(factory=list)
    counts: list[tuple[str, str]] = field(factory=list)
    steps: list[Step] = field(factory=list)


class _Compiler:
    """Compiles one template, its optional parts, and the items of its groups."""

    def __init__(self, text: str, fields: Mapping[str, Field]) -> None:
        self._text = text
        self._fields = fields

    def line(self, pieces: tuple[Piece, ...], stops: frozenset[str], *, optional: bool = False) -> CompiledTemplate:
        """
        Compile pieces.

        Args:
            pieces: of the template.
            stops: characters that may stand behind the last of them.
            optional: whether they are an optional part.
        """
        used = tuple(names(pieces))
        self._check_names(used)
        parts = _Parts()
        for index, piece in enumerate(pieces):
            behind = first_characters(pieces[index + 1 :], stops)
            if isinstance(piece, Literal):
                self._add_literal(parts, piece)
            elif isinstance(piece, Part):
                self._add_part(parts, piece, behind)
            elif isinstance(piece, Count):
                self._add_count(parts, piece)
            else:
                self._add_value(parts, piece, behind, optional=optional)
        return CompiledTemplate(
            self._text,
            used,
            leading(pieces),
            "".join(literals(pieces)),
            Seq(parts.shapes),
            parts.regex,
            parts.format,
            tuple(parts.captures),
            tuple(parts.writers),
            tuple(parts.drawers),
            tuple(parts.counts),
            tuple(parts.steps),
        )

    def _check_names(self, used: Sequence[str]) -> None:
        for name in used:
            if name not in self._fields:
                known = ", ".join(name for name in self._fields if name != COUNT) or "none"
                raise ConfigurationError(f"{self._text!r} has the field {name!r}; there are {known}")
            if used.count(name) > 1:
                raise ConfigurationError(f"{self._text!r} has the field {name!r} twice")

    def _add_literal(self, parts: _Parts, piece: Literal) -> None:
        parts.shapes.append(literal(piece.text))
        parts.regex += re.escape(piece.text)
        parts.format += piece.text.replace("%", "%%")
        parts.steps.append(Step(re.escape(piece.text), "", repr(piece.text), piece.text))

    def _add_part(self, parts: _Parts, piece: Part, behind: frozenset[str]) -> None:
        if not any(isinstance(each, Slot | Group) for each in piece.pieces):
            raise ConfigurationError(
                f"{self._text!r}: an optional part needs a field, whose value says whether it is there"
            )
        part = self.line(piece.pieces, behind, optional=True)
        if common(part.shape, EMPTY) is not None:
            raise ConfigurationError(
                f"{self._text!r}: an optional part that may be empty is not seen when it is there"
            )
        write, draw = _left_out(part)
        parts.shapes.append(Maybe(part.shape))
        parts.regex += f"(?:{part.regex})?"
        parts.format += "%s"
        parts.captures += part.captures
        parts.writers.append((None, write, None))
        parts.drawers.append((None, draw))
        parts.counts += part.counts
        parts.steps.append(Step(Maybe(part.shape).regex(), "", "the optional part", inside=part.steps))

    def _add_count(self, parts: _Parts, piece: Count) -> None:
        of = self._counted(piece)
        try:
            number = int_type(parse_spec(piece.spec), signed=False)
        except ConfigurationError as error:
            raise ConfigurationError(f"the count {{#{piece.name}}}: {error}") from None

        def write(items: Any) -> str:
            items = native(items)
            if not isinstance(items, list):
                raise refused(items, "a list")
            return number.write(len(items))

        parts.shapes.append(Named(COUNT + of, number.shape))
        parts.regex += f"({number.shape.regex()})"
        parts.format += "%s"
        parts.captures.append((COUNT + of, number.read, lambda: None))
        parts.writers.append((of, write, None) if of else (COUNT, number.write, number.plain))
        if of:
            parts.counts.append((COUNT + of, of))
        parts.steps.append(Step(number.shape.regex(), of, "how many there are"))

    def _counted(self, piece: Count) -> str:
        """The list that a count belongs to; empty if it is not of this template."""
        if not piece.name and COUNT in self._fields:
            return ""
        lists = [name for name, value in self._fields.items() if _is_list(value)]
        if piece.name in lists:
            return piece.name
        if not piece.name and len(lists) == 1:
            return lists[0]
        raise ConfigurationError(
            f"{self._text!r}: {{#{piece.name}}} must name a list: {', '.join(lists) or 'there is none'}"
        )

    def _add_value(
        self, parts: _Parts, piece: Slot | Group, behind: frozenset[str], *, optional: bool
    ) -> None:
        name = piece.name
        value = self._fields[name]
        annotation, may_be_none = without_none(value.type)
        if may_be_none and not optional:
            raise ConfigurationError(
                f"{name} may be None, so it must stand in an optional part, as in [,{{{name}}}]"
            )
        try:
            absent = _absent(value) if optional else lambda: None
            if isinstance(piece, Group):
                kind = self._list(piece, annotation, behind)
            else:
                kind = field_type(annotation, piece.spec, behind)
        except ConfigurationError as error:
            raise ConfigurationError(f"{name}: {error}") from None
        parts.shapes.append(Named(name, kind.shape))
        parts.regex += f"({kind.shape.regex()})"
        parts.format += "%s"
        parts.captures.append((name, kind.read, absent))
        parts.writers.append((name, kind.write, kind.plain))
        parts.drawers.append((name, kind.draw))
        width = None
        if isinstance(piece, Slot) and annotation is not bool:
            width = parse_spec(piece.spec).width
        parts.steps.append(Step(kind.shape.regex(), name, kind.says, width=width))

    def _list(self, piece: Group, annotation: Any, behind: frozenset[str]) -> FieldType:
        of = item_of(annotation)
        if of is MISSING:
            refuse_unnamed(annotation)
            raise ConfigurationError(f"{type_text(annotation)} is no list, so it cannot be written as a group")
        if isinstance(piece.item, str):
            stops = behind | frozenset(piece.separator[:1])
            return _list_type(piece, field_type(of, piece.item, stops, empty=False), self._text)
        made_of = whole(of, tuple(names(piece.item)))
        between = frozenset(piece.separator[:1]) or first_characters(piece.item, frozenset())
        line = _Compiler(self._text, made_of.fields).line(piece.item, behind | between)
        made_of.check_used(line.names)

        def write(item: Any) -> str:
            return line.write(made_of.split(item))

        def read(text: str) -> Any:
            values = line.read(text)
            assert values is not None  # the list's shape is made of the items' shape
            return made_of.join(values)

        item = FieldType(
            f"a {type_text(of)}", line.shape, write, read, lambda random: drawn(made_of, line.draw, random)
        )
        return _list_type(piece, item, self._text)


def _is_list(value: Field) -> bool:
    return item_of(without_none(value.type)[0]) is not MISSING


def _absent(value: Field) -> Callable[[], Any]:
    """What makes the value of a field whose optional part is left out."""
    default = value.default
    if isinstance(default, Factory):  # type: ignore[arg-type]
        if default.takes_self:
            raise ConfigurationError("in an optional part, its default must not depend on others")
        return default.factory  # type: ignore[no-any-return]
    if default is not MISSING:
        return lambda: default
    if without_none(value.type)[1]:
        return lambda: None
    if _is_list(value):
        return list
    raise ConfigurationError("it stands in an optional part, so it must be Optional, or have a default")


def _left_out(part: CompiledTemplate) -> tuple[Callable[[Mapping[str, Any]], str], Callable[[Random], dict[str, Any]]]:
    """How an optional part is written, and drawn: not at all, if each value is the one that says so."""
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


def _list_type(piece: Group, item: FieldType, template: str) -> FieldType:
    """A list, whose items are read one after the other."""
    if common(item.shape, EMPTY) is not None:
        raise ConfigurationError("an item of the list may be empty, and then nobody can count the items")
    # An item is cut off without a look at those behind it, so where it ends must not depend on them.
    behind: Shape = Seq((literal(piece.separator), Run(ANY, 0, None)))
    if piece.separator:
        behind = Maybe(behind)
    _refuse_two_readings(Seq((Named(piece.name, item.shape), behind)), template)
    end = rf"(?:{re.escape(piece.separator)}|\Z)" if piece.separator else ""
    items_in = re.compile(f"({item.shape.regex()}){end}", re.DOTALL).findall

    def write(items: Any) -> str:
        items = native(items)
        if not isinstance(items, list):
            raise refused(items, "a list")
        texts: list[str] = []
        try:
            for each in items:
                texts.append(item.write(each))
        except CodecError as error:
            raise CodecError(error.reason, joined(f"[{len(texts)}]", error.path)) from None
        return piece.separator.join(texts)

    def read(text: str) -> list[Any]:
        items: list[Any] = []
        try:
            for found in items_in(text):
                items.append(item.read(found))
        except CodecError as error:
            raise CodecError(error.reason, joined(f"[{len(items)}]", error.path)) from error.__cause__
        return items

    def draw(random: Random) -> list[Any]:
        return [item.draw(random) for _ in range(random.randint(0, DRAWN_ITEMS))]

    shape = Maybe(Many(item.shape, piece.separator))
    return FieldType(f"a list, each item {item.says}", shape, write, read, draw)


def _refuse_two_readings(shape: Shape, template: str) -> None:
    found = two_readings(shape)
    if found is None:
        return
    names_read = [name for name in {**found.one, **found.other} if name]
    differ = [name for name in names_read if found.one.get(name) != found.other.get(name)] or names_read
    one, other = (
        ", ".join(f"{name}={way[name]!r}" if name in way else f"no {name}" for name in differ)
        for way in (found.one, found.other)
    )
    raise ConfigurationError(
        f"{template!r} is ambiguous: {found.text!r} can be read as {one}, or as {other}; put between them "
        "a text that cannot be in them, or give them fixed widths"
    )
