"""
The compiler of templates: :func:`compile_template`. It refuses templates that are ambiguous.

Numbers are read in every usual form. If a text has two readings then, only the written form is read.

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

from attrs import define, evolve, field

from tcpcomm.codec.annotations import bare_type, type_text
from tcpcomm.codec.base import MISSING, Field
from tcpcomm.codec.encoding import encoding_in_use
from tcpcomm.codec.limits import check_length, limit_of_lists
from tcpcomm.codec.numpy_values import native
from tcpcomm.codec.problems import inside, missing, wrong
from tcpcomm.codec.random_values import draw_accepted
from tcpcomm.codec.ranges import limits_of
from tcpcomm.codec.template.ambiguity import common_text, two_readings
from tcpcomm.codec.template.byte_widths import gathered
from tcpcomm.codec.template.compiled import (
    Behind,
    Capture,
    CompiledTemplate,
    Count,
    ValueDrawer,
    ValueWriter,
)
from tcpcomm.codec.template.fields.field_type import FieldType
from tcpcomm.codec.template.fields.field_types import (
    absent_value,
    field_type,
    item_of,
    names_of_lists,
    refuse_unnamed,
    value_fields,
    without_none,
)
from tcpcomm.codec.template.fields.format_spec import parse_format_spec
from tcpcomm.codec.template.fields.forms import FRAMES
from tcpcomm.codec.template.fields.ieee488_fields import BLOCK_FORMAT
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
    counts_bytes,
    first_characters,
    leading_text,
    literal_texts,
    parse,
    value_names,
)
from tcpcomm.codec.template.regex_tree import (
    ANY,
    EMPTY,
    Many,
    Maybe,
    Named,
    Run,
    Seq,
    TextPattern,
    literal,
    literal_regex,
)
from tcpcomm.errors import CodecError, ConfigurationError

T = TypeVar("T")

COUNT: Final = FRAMES
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
    charset = encoding_in_use().charset if counts_bytes(pieces) else None
    while True:
        try:
            template = _Compiler(text, fields, exact, charset).compile(pieces)
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
    charset: str | None
    """Python's name of the encoding, if widths count bytes; None: all widths count characters."""
    optional: bool = False
    raw: str = ""
    """The field of raw bytes, or an empty text."""
    patterns: list[TextPattern] = field(factory=list)
    regex: str = ""
    written_regex: str = ""
    format: str = ""
    captures: list[Capture] = field(factory=list)
    writers: list[ValueWriter] = field(factory=list)
    drawers: list[ValueDrawer] = field(factory=list)
    counts: list[Count] = field(factory=list)
    behind: list[tuple[int, int, Callable[[str], int], Callable[[Any], str]]] = field(factory=list)
    """For each count of what stands behind it: its writer, its place in the format, and how to count."""
    kinds: dict[str, FieldType] = field(factory=dict)
    """The types of the fields that were compiled."""
    left_out: dict[str, Callable[[Mapping[str, Any]], bool]] = field(factory=dict)
    """For each field in an optional part: if that part is left out for some values."""
    expected: list[ExpectedText] = field(factory=list)

    def compile(self, pieces: tuple[Piece, ...], stops: frozenset[str] = frozenset()) -> CompiledTemplate:
        """Compile all pieces. ``stops`` are the characters that can follow the last one."""
        self.raw = raw_field(pieces, self.text)
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
            tuple(
                Behind(index, self.format[at:], measure, write) for index, at, measure, write in self.behind
            ),
            tuple(self.expected),
            self.charset,
            self.kinds,
            raw=self.raw,
            raw_kind=bare_type(self.fields[self.raw].type) if self.raw else bytes,
        )

    def _regex(self, pattern: TextPattern) -> str:
        return pattern.regex(self.charset is not None)

    def _add_text(self, piece: TextPiece) -> None:
        self.patterns.append(literal(piece.text))
        regex = self._regex(literal(piece.text))
        self.regex += regex
        self.written_regex += regex
        self.format += piece.text.replace("%", "%%")
        self.expected.append(ExpectedText(regex, "", repr(piece.text), piece.text))

    def _add_optional(self, piece: OptionalPiece, behind: frozenset[str]) -> None:
        if not any(isinstance(each, ValuePiece | ListPiece) for each in piece.pieces):
            raise ConfigurationError(
                f"{self.text!r}: an optional part needs a field; its value says if the part is there"
            )
        compiler = _Compiler(self.text, self.fields, self.exact, self.charset, optional=True)
        compiler.kinds, compiler.left_out = self.kinds, self.left_out
        part = compiler.compile(piece.pieces, behind)
        if common_text(part.pattern, EMPTY) is not None:
            raise ConfigurationError(
                f"{self.text!r}: an optional part can be empty, and then nobody sees it: add a text to it"
            )
        absent = {name: value for name, _, value in part.captures if not name.startswith(COUNT)}

        def is_left_out(values: Mapping[str, Any]) -> bool:
            return all(_same(values[name], value()) for name, value in absent.items())

        def write(values: Mapping[str, Any]) -> str:
            return "" if is_left_out(values) else part.write(values)

        def draw(random: Random) -> dict[str, Any]:
            if random.random() < 0.4:
                return {name: value() for name, value in absent.items()}
            return part.draw(random)

        self.left_out.update(dict.fromkeys(absent, is_left_out))
        pattern = Maybe(part.pattern)
        self.patterns.append(pattern)
        self.regex += f"(?:{part.regex})?"
        self.written_regex += f"(?:{part.written_regex})?"
        self.format += "%s"
        self.captures += part.captures
        self.writers.append((None, write, None))
        self.drawers.append((None, draw))
        self.counts += part.counts
        regex = self._regex(pattern)
        self.expected.append(ExpectedText(regex, "", "the optional part", parts=part.expected))

    def _add_count(self, piece: CountPiece) -> None:
        name = self._counted(piece)
        try:
            number = int_type(parse_format_spec(piece.format_spec), signed=False)
        except ConfigurationError as error:
            raise ConfigurationError(f"the count {piece.notation}: {error}") from None
        capture = (COUNT * 2 if piece.in_bytes else COUNT) + name
        if piece.in_bytes and not name:
            capture += COUNT * len(self.behind)
        if any(capture == each.capture for each in self.counts):
            raise ConfigurationError(f"{self.text!r} has the count {piece.notation} twice")
        self._add_field(capture, number.pattern)
        self.captures.append((capture, number.read, lambda: None))
        what = "the number of bytes" if piece.in_bytes else "the number of items"
        self.expected.append(ExpectedText(self._regex(number.pattern), name, what, is_count=True))
        if piece.in_bytes:
            self._count_bytes(name, capture, number)
        elif not name:
            self.writers.append((COUNT, number.write, number.plain))
        else:
            self._count_value(name, capture, number)

    def _count_value(self, name: str, capture: str, number: FieldType) -> None:
        """Count the items of a list, the characters of a text, or the bytes of bytes."""
        kind = without_none(self.fields[name].type)[0]
        measure, unit = _count_items, "items"
        if kind is str:
            measure, unit = _count_characters, "characters"
        elif kind in RAW_KINDS:
            measure, unit = count_bytes, "bytes"
        self.writers.append((name, lambda value: number.write(measure(value)), None))
        self.counts.append(Count(capture, name, measure, unit))

    def _count_bytes(self, name: str, capture: str, number: FieldType) -> None:
        """Count the bytes that are written for a field, or behind the count."""
        measure, kinds, left_out = encoding_in_use().size, self.kinds, self.left_out

        def write(values: Mapping[str, Any]) -> str:
            if name not in kinds:
                raise missing(name)
            value = values[name]
            is_absent = value is None or (name in left_out and left_out[name](values))
            try:
                return number.write(0 if is_absent else measure(kinds[name].write(value)))
            except CodecError as error:
                raise inside(name, error) from None

        self.counts.append(Count(capture, name, measure, "bytes", in_bytes=True))
        if not name:
            if self.optional:
                raise ConfigurationError(
                    f"{self.text!r}: {{##}} counts what stands behind it; move it before the optional part"
                )
            self.behind.append((len(self.writers), len(self.format), measure, number.write))
        self.writers.append((None, write if name else lambda values: "", None))

    def _counted(self, piece: CountPiece) -> str:
        """Return the name of the field that a count belongs to; empty if what it counts has no name."""
        if piece.in_bytes:
            if piece.name and piece.name not in self.fields:
                raise ConfigurationError(f"{self.text!r}: {piece.notation} must name a field, or nothing")
            if self.raw and piece.name in ("", self.raw):
                raise ConfigurationError(f"{self.text!r}: count raw bytes with {{#{self.raw}}}")
            return piece.name
        if not piece.name and COUNT in self.fields:
            return ""
        lists = names_of_lists(self.fields)
        countable = (str, *RAW_KINDS)
        if piece.name in lists:
            return piece.name
        if piece.name in self.fields and without_none(self.fields[piece.name].type)[0] in countable:
            return piece.name
        if not piece.name and len(lists) == 1:
            return lists[0]
        raise ConfigurationError(
            f"{self.text!r}: {{#{piece.name}}} must name a list, a text or bytes; the lists: "
            f"{', '.join(lists) or 'none'}"
        )

    def _add_field(self, name: str, pattern: TextPattern, written: TextPattern | None = None) -> None:
        self.patterns.append(Named(name, pattern))
        self.regex += f"({self._regex(pattern)})"
        self.written_regex += f"({self._regex(written or pattern)})"
        self.format += "%s"

    def _add_value(self, piece: ValuePiece | ListPiece, behind: frozenset[str]) -> None:
        name = piece.name
        value = self.fields[name]
        annotation, may_be_none = without_none(value.type)
        if may_be_none and not self.optional:
            raise ConfigurationError(
                f"{name} can be None, so it must be in an optional part, as in [,{{{name}}}]"
            )
        width, unit, longest = None, "characters", ""
        try:
            limits_of(value.type)  # they belong to a number
            absent = absent_value(value) if self.optional else lambda: None
            if isinstance(piece, ListPiece):
                kind, longest = self._list(piece, annotation, behind)
            else:
                kind = self._one(name, field_type(annotation, piece.format_spec, behind))
                has_spec = annotation is not bool and piece.format_spec not in (RAW_FORMAT, BLOCK_FORMAT)
                if has_spec and kind.written is None:
                    format_spec = parse_format_spec(piece.format_spec)
                    width = format_spec.width
                    unit = "bytes" if format_spec.type == "b" else unit
        except AmbiguousTemplate as error:
            raise AmbiguousTemplate(f"{name}: {error}", error.names) from None
        except ConfigurationError as error:
            raise ConfigurationError(f"{name}: {error}") from None
        self._add_field(name, kind.pattern, kind.written)
        self.kinds[name] = kind
        self.captures.append((name, kind.read, absent))
        self.writers.append((name, kind.write, kind.plain))
        self.drawers.append((name, kind.draw))
        self.expected.append(
            ExpectedText(
                self._regex(kind.pattern),
                name,
                kind.description,
                width=width,
                unit=unit,
                most=limit_of_lists(),
                longest=longest,
            )
        )

    def _one(self, name: str, kind: FieldType) -> FieldType:
        if self.exact is None or name in self.exact:
            kind = kind.exactly
        if self.charset is None:
            return kind
        read = kind.read
        return evolve(kind, read=lambda text: read(gathered(text)))

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
            return _list_type(piece, kind, self.text, by_bytes=self.charset is not None)
        item_fields = value_fields(item_type, tuple(value_names(piece.item)))
        between = frozenset(piece.separator[:1]) or first_characters(piece.item, frozenset())
        compiler = _Compiler(self.text, item_fields.fields, self.exact, self.charset)
        template = compiler.compile(piece.item, behind | between)
        item_fields.check_used(template.names)

        def write(item: Any) -> str:
            return template.write(item_fields.split(item))

        def read(text: str) -> Any:
            values = template.read(gathered(text))
            assert values is not None  # the list's pattern contains the items' pattern
            return item_fields.join(values)

        def draw(random: Random) -> Any:
            return draw_accepted(lambda: template.draw(random), item_fields.join, type_text(item_type))

        item = FieldType(f"a {type_text(item_type)}", template.pattern, write, read, draw)
        return _list_type(piece, item, self.text, by_bytes=self.charset is not None)


def _count_items(value: Any) -> int:
    return len(checked_list(value))


def _count_characters(value: Any) -> int:
    if not isinstance(value, str):
        raise wrong("a text", value)
    return len(value)


def checked_list(value: Any) -> list[Any]:
    """Return a list, or an array as a list; raise CodecError for any other value."""
    value = native(value)
    if not isinstance(value, list):
        raise wrong("a list", value)
    return value


def _same(value: Any, other: Any) -> bool:
    return value is other or (type(value) is type(other) and bool(value == other))


def _list_type(
    piece: ListPiece, item: FieldType, template: str, *, by_bytes: bool
) -> tuple[FieldType, str]:
    if common_text(item.pattern, EMPTY) is not None:
        raise ConfigurationError(
            "an item of the list can be empty, so nobody can count the items: add a text to the item"
        )
    # An item is read without a look at the items behind it, so its end must not depend on them.
    behind: TextPattern = Seq((literal(piece.separator), Run(ANY, 0, None)))
    if piece.separator:
        behind = Maybe(behind)
    _refuse_two_readings(Seq((Named(piece.name, item.pattern), behind)), template)
    end = rf"(?:{literal_regex(piece.separator, by_bytes)}|\Z)" if piece.separator else ""
    items_in = re.compile(f"({item.pattern.regex(by_bytes)}){end}", re.DOTALL).findall

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
    return kind, many.full_regex(by_bytes)


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
