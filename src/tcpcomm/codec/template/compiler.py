"""
The compiler of templates: :func:`compile_template`. It refuses templates that are ambiguous.

Numbers are read in every usual form where that leaves one reading, and else in the form that is written.

Because no text has two readings, no two paths through the regular expression lead to the same place with
the same rest of the text. So reading takes at most as many steps as places times characters, even in a text
that does not match.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from contextvars import ContextVar
from random import Random
from typing import Any, Final, TypeVar

from attrs import Factory, define, field

from tcpcomm.codec.annotations import bare_type, type_text
from tcpcomm.codec.base import MISSING, Field
from tcpcomm.codec.limits import check_length, limit_of_lists
from tcpcomm.codec.numpy_values import native
from tcpcomm.codec.problems import inside, wrong
from tcpcomm.codec.random_values import draw_accepted
from tcpcomm.codec.template.ambiguity import common_text, two_readings
from tcpcomm.codec.template.compiled import Capture, CompiledTemplate, ValueDrawer, ValueWriter
from tcpcomm.codec.template.fields.field_type import FieldType
from tcpcomm.codec.template.fields.field_types import (
    field_type,
    item_of,
    refuse_unnamed,
    value_fields,
    without_none,
)
from tcpcomm.codec.template.fields.format_spec import parse_format_spec
from tcpcomm.codec.template.fields.number_fields import int_type
from tcpcomm.codec.template.fields.raw_bytes import RAW_FORMAT, RAW_KINDS, count_bytes, raw_field
from tcpcomm.codec.template.mismatch import ExpectedText
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

T = TypeVar("T")

COUNT: Final = "#"
"""The name of a field that counts items outside of its own template."""


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
        ConfigurationError: a field is unknown, is there twice, or cannot be written in its format, or a
            text could be read in two ways.
    """
    pieces = parse(text) if pieces is None else pieces
    exact: set[str] | None = None if _exactly.get() else set()
    while True:
        try:
            template = _Compiler(text, fields, exact).compile(pieces)
            _refuse_two_readings(template.pattern, text)
        except AmbiguousTemplate as error:
            if exact is None:
                raise
            exact = None if error.names <= exact else exact | error.names
        else:
            return template


_exactly: ContextVar[bool] = ContextVar("_exactly", default=False)


@contextmanager
def reading_exactly() -> Iterator[None]:
    """Let all templates that are compiled meanwhile read only what they write."""
    token = _exactly.set(True)
    try:
        yield
    finally:
        _exactly.reset(token)


def as_usual_or_exactly(make: Callable[[], T]) -> T:
    """Return what ``make`` compiles. If it refuses what can be read in two ways, let it read exactly."""
    try:
        return make()
    except ConfigurationError:
        with reading_exactly():
            return make()


class AmbiguousTemplate(ConfigurationError):
    """A text can be read from a template in two ways, which differ in the fields ``names``."""

    def __init__(self, message: str, names: Iterable[str]) -> None:
        super().__init__(message)
        self.names = frozenset(names)


@define
class _Compiler:
    """Compiles one template, an optional part, or the item of a list. It collects what the pieces add."""

    text: str
    fields: Mapping[str, Field]
    exact: Set[str] | None
    """The fields that read only what they write; None: all."""
    optional: bool = False
    patterns: list[TextPattern] = field(factory=list)
    regex: str = ""
    written_regex: str = ""
    format: str = ""
    captures: list[Capture] = field(factory=list)
    writers: list[ValueWriter] = field(factory=list)
    drawers: list[ValueDrawer] = field(factory=list)
    counts: list[tuple[str, str]] = field(factory=list)
    expected: list[ExpectedText] = field(factory=list)

    def compile(self, pieces: tuple[Piece, ...], stops: frozenset[str] = frozenset()) -> CompiledTemplate:
        """Compile all pieces. ``stops`` are the characters that can follow the last one."""
        raw = raw_field(pieces, self.text)
        names = tuple(value_names(pieces))
        for name in names:
            if name not in self.fields:
                known = ", ".join(name for name in self.fields if name != COUNT) or "none"
                raise ConfigurationError(
                    f"{self.text!r} has the field {{{name}}}, which is not declared; there are: {known}"
                )
            if names.count(name) > 1:
                raise ConfigurationError(f"{self.text!r} has the field {{{name}}} twice")
        for index, piece in enumerate(pieces):
            behind = first_characters(pieces[index + 1 :], stops)
            match piece:
                case TextPiece():
                    self._add_text(piece)
                case OptionalPiece():
                    self._add_optional(piece, behind)
                case CountPiece():
                    self._add_count(piece)
                case _:
                    self._add_value(piece, behind)
        return CompiledTemplate(
            self.text,
            names,
            leading_text(pieces),
            "".join(literal_texts(pieces)),
            Seq(self.patterns),
            self.regex,
            self.written_regex,
            self.format,
            tuple(self.captures),
            tuple(self.writers),
            tuple(self.drawers),
            tuple(self.counts),
            tuple(self.expected),
            raw=raw,
            raw_kind=bare_type(self.fields[raw].type) if raw else bytes,
        )

    def _add_text(self, piece: TextPiece) -> None:
        self.patterns.append(literal(piece.text))
        self.regex += re.escape(piece.text)
        self.written_regex += re.escape(piece.text)
        self.format += piece.text.replace("%", "%%")
        self.expected.append(ExpectedText(re.escape(piece.text), "", repr(piece.text), piece.text))

    def _add_optional(self, piece: OptionalPiece, behind: frozenset[str]) -> None:
        if not any(isinstance(each, ValuePiece | ListPiece) for each in piece.pieces):
            raise ConfigurationError(
                f"{self.text!r}: an optional part needs a field; its value says if the part is there"
            )
        part = _Compiler(self.text, self.fields, self.exact, optional=True).compile(piece.pieces, behind)
        if common_text(part.pattern, EMPTY) is not None:
            raise ConfigurationError(
                f"{self.text!r}: an optional part can be empty, and then nobody sees it: add a text to it"
            )
        absent = {name: value for name, _, value in part.captures if not name.startswith(COUNT)}

        def write(values: Mapping[str, Any]) -> str:
            if all(_same(values[name], value()) for name, value in absent.items()):
                return ""
            return part.write(values)

        def draw(random: Random) -> dict[str, Any]:
            if random.random() < 0.4:
                return {name: value() for name, value in absent.items()}
            return part.draw(random)

        pattern = Maybe(part.pattern)
        self.patterns.append(pattern)
        self.regex += f"(?:{part.regex})?"
        self.written_regex += f"(?:{part.written_regex})?"
        self.format += "%s"
        self.captures += part.captures
        self.writers.append((None, write, None))
        self.drawers.append((None, draw))
        self.counts += part.counts
        self.expected.append(ExpectedText(pattern.regex(), "", "the optional part", parts=part.expected))

    def _add_count(self, piece: CountPiece) -> None:
        list_name = self._counted_list(piece)
        try:
            number = int_type(parse_format_spec(piece.format_spec), signed=False)
        except ConfigurationError as error:
            raise ConfigurationError(f"the count {{#{piece.name}}}: {error}") from None
        self._add_field(COUNT + list_name, number.pattern)
        self.captures.append((COUNT + list_name, number.read, lambda: None))
        if list_name:
            count = count_bytes if self.fields[list_name].type in RAW_KINDS else _count_items
            self.writers.append((list_name, lambda items: number.write(count(items)), None))
            self.counts.append((COUNT + list_name, list_name))
        else:
            self.writers.append((COUNT, number.write, number.plain))
        self.expected.append(ExpectedText(number.pattern.regex(), list_name, "the number of items"))

    def _counted_list(self, piece: CountPiece) -> str:
        """Return the name of the list that a count belongs to; empty if the list is elsewhere."""
        if not piece.name and COUNT in self.fields:
            return ""
        lists = [name for name, value in self.fields.items() if _is_list(value) or value.type in RAW_KINDS]
        if piece.name in lists:
            return piece.name
        if not piece.name and len(lists) == 1:
            return lists[0]
        raise ConfigurationError(
            f"{self.text!r}: {{#{piece.name}}} must name a list; the lists: {', '.join(lists) or 'none'}"
        )

    def _add_field(self, name: str, pattern: TextPattern, written: TextPattern | None = None) -> None:
        self.patterns.append(Named(name, pattern))
        self.regex += f"({pattern.regex()})"
        self.written_regex += f"({(written or pattern).regex()})"
        self.format += "%s"

    def _add_value(self, piece: ValuePiece | ListPiece, behind: frozenset[str]) -> None:
        name = piece.name
        value = self.fields[name]
        annotation, may_be_none = without_none(value.type)
        if may_be_none and not self.optional:
            raise ConfigurationError(
                f"{name} can be None, so it must be in an optional part, as in [,{{{name}}}]"
            )
        width, longest = None, ""
        try:
            absent = absent_value(value) if self.optional else lambda: None
            if isinstance(piece, ListPiece):
                kind, longest = self._list(piece, annotation, behind)
            else:
                kind = self._one(name, field_type(annotation, piece.format_spec, behind))
                if annotation is not bool and kind.written is None and piece.format_spec != RAW_FORMAT:
                    width = parse_format_spec(piece.format_spec).width
        except AmbiguousTemplate as error:
            raise AmbiguousTemplate(f"{name}: {error}", error.names) from None
        except ConfigurationError as error:
            raise ConfigurationError(f"{name}: {error}") from None
        self._add_field(name, kind.pattern, kind.written)
        self.captures.append((name, kind.read, absent))
        self.writers.append((name, kind.write, kind.plain))
        self.drawers.append((name, kind.draw))
        self.expected.append(
            ExpectedText(
                kind.pattern.regex(),
                name,
                kind.description,
                width=width,
                most=limit_of_lists(),
                longest=longest,
            )
        )

    def _one(self, name: str, kind: FieldType) -> FieldType:
        return kind.exactly if self.exact is None or name in self.exact else kind

    def _list(self, piece: ListPiece, annotation: Any, behind: frozenset[str]) -> tuple[FieldType, str]:
        """Return the type of a list, and the regular expression of the longest lists."""
        item_type = item_of(annotation)
        if item_type is MISSING:
            refuse_unnamed(annotation)
            raise ConfigurationError(
                f"{type_text(annotation)} is not a list: write {{{piece.name}}}, without '*'"
            )
        if isinstance(piece.item, str):
            stops = behind | frozenset(piece.separator[:1])
            kind = self._one(piece.name, field_type(item_type, piece.item, stops, empty=False))
            return _list_type(piece, kind, self.text)
        item_fields = value_fields(item_type, tuple(value_names(piece.item)))
        between = frozenset(piece.separator[:1]) or first_characters(piece.item, frozenset())
        compiler = _Compiler(self.text, item_fields.fields, self.exact)
        template = compiler.compile(piece.item, behind | between)
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
        return _list_type(piece, item, self.text)


def _is_list(value: Field) -> bool:
    return item_of(without_none(value.type)[0]) is not MISSING


def _count_items(value: Any) -> int:
    return len(checked_list(value))


def checked_list(value: Any) -> list[Any]:
    """Return a list, or an array as a list; raise CodecError for any other value."""
    value = native(value)
    if not isinstance(value, list):
        raise wrong("a list", value)
    return value


def absent_value(value: Field) -> Callable[[], Any]:
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


def _same(value: Any, other: Any) -> bool:
    return value is other or (type(value) is type(other) and bool(value == other))


def _list_type(piece: ListPiece, item: FieldType, template: str) -> tuple[FieldType, str]:
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

    most = limit_of_lists()

    def write(items: Any) -> str:
        checked = checked_list(items)
        check_length(len(checked), most)
        return piece.separator.join(each_item(item.write, checked))

    def read(text: str) -> list[Any]:
        return each_item(item.read, items_in(text))

    def draw(random: Random) -> list[Any]:
        return [item.draw(random) for _ in range(random.randint(0, 4))]

    many = Many(item.pattern, piece.separator, most)
    kind = FieldType(f"a list, each item {item.description}", Maybe(many), write, read, draw)
    return kind, many.full_regex()


def each_item(function: Callable[[Any], Any], items: list[Any]) -> list[Any]:
    """Call a function for each item. If one fails, put its index into the error's path."""
    try:
        return [*map(function, items)]
    except CodecError:
        pass  # and again, to find the index
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
    raise AmbiguousTemplate(
        f"{template!r} is ambiguous: {found.text!r} can be read as {one}, or as {other}; put between them "
        "a text that cannot be in them, or give them fixed widths",
        different,
    )
