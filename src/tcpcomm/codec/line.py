"""
One template, compiled for the types of its fields: :class:`Line`.

It reads by one regular expression, and writes by one prepared format. A template is refused here when a
text could be read in two ways, and that decides the cost of reading, too: where no text has two readings,
no two ways through the expression lead to the same place of it with the same part of the text behind
them, so that even a search that goes back takes time linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import Any, Final, NamedTuple

from attrs import Factory, frozen

from tcpcomm.codec.ambiguity import common, two_readings
from tcpcomm.codec.base import UNSAID, Field
from tcpcomm.codec.diagnosis import Step, diagnosis
from tcpcomm.codec.fieldtype import FieldType, refused
from tcpcomm.codec.pattern import Count, Group, Literal, Part, Piece, Slot, leading, names, parse
from tcpcomm.codec.textshape import ANY, EMPTY, Many, Maybe, Named, Run, Seq, Shape, literal
from tcpcomm.codec.typed import field_type, item_of, named, whole, without_none
from tcpcomm.errors import CodecError, ConfigurationError

__all__ = ["COUNT", "Line", "joined"]

COUNT: Final = "#"
"""The name of a count that belongs to no group of the same template."""

DRAWN_ITEMS: Final = 4


class _Value(NamedTuple):
    """One capture of the regular expression."""

    name: str
    read: Callable[[str], Any]
    absent: Callable[[], Any]
    """Its value if the optional part that it stands in is left out."""


class _Writer(NamedTuple):
    name: str | None
    """None: it gets all the values."""
    write: Callable[[Any], str]


def joined(name: str, path: str) -> str:
    """A path that begins one step further out."""
    return name + path if not path or path.startswith("[") else f"{name}.{path}"


class Line:
    """
    A compiled template.

    Args:
        text: the template.
        fields: what its fields are; it must use no other name.
        pieces: the text, parsed already.
        stops: characters that may follow the whole.

    Raises:
        ConfigurationError: a field is unknown, stands twice, cannot be written so, or a text could be read
            in two ways.
    """

    def __init__(
        self,
        text: str,
        fields: Mapping[str, Field],
        pieces: tuple[Piece, ...] | None = None,
        stops: frozenset[str] = frozenset(),
    ) -> None:
        self.text = text
        self.pieces = parse(text) if pieces is None else pieces
        self.names = tuple(names(self.pieces))
        self.leading = leading(self.pieces)
        self.literal = "".join(_literals(self.pieces))
        """All that it writes whatever the values are."""
        for name in self.names:
            if name not in fields:
                known = f"there are {', '.join(fields)}" if fields else "there is nothing to write"
                raise ConfigurationError(f"{text!r} has a field {name!r}, which is not known: {known}")
            if self.names.count(name) > 1:
                raise ConfigurationError(f"{text!r} has the field {name!r} twice")
        self._groups = [
            name for name in self.names if item_of(without_none(fields[name].type)[0]) is not UNSAID
        ]
        compiled = _Compiler(self, fields).sequence(self.pieces, stops)
        self.shape: Shape = compiled.shape
        _refuse_two_readings(self.shape, text)
        self._part = compiled
        self._match = re.compile(compiled.regex, re.DOTALL).fullmatch
        self._captures = tuple(compiled.captures)
        self._counts = tuple(
            (each.name, each.name.removeprefix(COUNT))
            for each in self._captures
            if each.name.startswith(COUNT) and each.name != COUNT
        )
        self.write = compiled.write

    def matches(self, text: str) -> bool:
        """Whether a text has this form."""
        return self._match(text) is not None

    def read(self, text: str) -> dict[str, Any] | None:
        """
        The values in a text, or None if it has not this form.

        Raises:
            CodecError: it has this form, and yet a value in it cannot be read.
        """
        match = self._match(text)
        if match is None:
            return None
        values = {}
        name = ""
        try:
            for (name, read, absent), found in zip(self._captures, match.groups(), strict=True):
                values[name] = absent() if found is None else read(found)
        except CodecError as error:
            raise CodecError(error.reason, joined(name, error.path)) from error.__cause__
        for count, group in self._counts:
            said = values.pop(count)
            if said is not None and said != len(values[group]):
                raise CodecError(f"{said} are announced, and there are {len(values[group])}", group)
        return values

    def draw(self, random: Random) -> dict[str, Any]:
        """Values that pass the wire unchanged."""
        return self._part.draw(random)

    def group(self, name: str) -> str:
        """The group that a count belongs to."""
        if name in self._groups or (not name and len(self._groups) == 1):
            return name or self._groups[0]
        if name or self._groups:
            raise ConfigurationError(
                f"{self.text!r} counts {name or 'one of several lists'!r}: name a list of it"
            )
        return ""

    def problem(self, text: str) -> CodecError:
        """What is wrong with a text that has not this form."""
        return diagnosis(self.text, self._part.steps, text)[1]

    def progress(self, text: str) -> int:
        """How far a text that has not this form goes along with it."""
        return diagnosis(self.text, self._part.steps, text)[0]


@frozen
class _Sequence:
    """Pieces in a row, compiled: a template, or an optional part of one."""

    shape: Shape
    regex: str
    format: str
    captures: Sequence[_Value]
    writers: Sequence[_Writer]
    drawers: Sequence[tuple[str | None, Callable[[Random], Any]]]
    steps: Sequence[Step]
    constant: str | None

    def write(self, values: Mapping[str, Any]) -> str:
        """
        The text for values.

        Raises:
            CodecError: a value is missing, not of its type, or cannot be written so.
        """
        if self.constant is not None:
            return self.constant
        texts = []
        name: str | None = None
        try:
            for name, write in self.writers:
                texts.append(write(values if name is None else values[name]))
        except CodecError as error:
            if name is None:
                raise
            raise CodecError(error.reason, joined(name, error.path)) from None
        except KeyError:
            raise CodecError("a value is missing", name or "") from None
        return self.format % tuple(texts)

    def draw(self, random: Random) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, draw in self.drawers:
            if name is None:
                values.update(draw(random))
            else:
                values[name] = draw(random)
        return values


def _literals(pieces: Sequence[Piece]) -> Iterator[str]:
    for piece in pieces:
        if isinstance(piece, Literal):
            yield piece.text
        elif isinstance(piece, Part):
            yield from _literals(piece.pieces)
        elif isinstance(piece, Group):
            yield piece.separator
            if not isinstance(piece.item, str):
                yield from _literals(piece.item)


def _firsts(pieces: Sequence[Piece], stops: frozenset[str]) -> frozenset[str]:
    """The characters of literal text that may stand where these pieces begin, with stops behind them."""
    found: set[str] = set()
    for piece in pieces:
        if isinstance(piece, Literal):
            return frozenset(found | {piece.text[0]})
        if isinstance(piece, Slot | Count):
            return frozenset(found)
        inside = piece.pieces if isinstance(piece, Part) else piece.item
        if not isinstance(inside, str):
            found |= _firsts(inside, frozenset())
    return frozenset(found | stops)


class _Compiler:
    """Compiles the pieces of one template."""

    def __init__(self, line: Line, fields: Mapping[str, Field]) -> None:
        self._line = line
        self._fields = fields

    def sequence(
        self, pieces: Sequence[Piece], stops: frozenset[str], *, optional: bool = False
    ) -> _Sequence:
        shapes: list[Shape] = []
        regex = format_ = ""
        captures: list[_Value] = []
        writers: list[_Writer] = []
        drawers: list[tuple[str | None, Callable[[Random], Any]]] = []
        steps: list[Step] = []

        for index, piece in enumerate(pieces):
            follow = _firsts(pieces[index + 1 :], stops)
            if isinstance(piece, Literal):
                shapes.append(literal(piece.text))
                regex += re.escape(piece.text)
                format_ += piece.text.replace("%", "%%")
                steps.append(Step(re.escape(piece.text), "", repr(piece.text)))
            elif isinstance(piece, Part):
                part = self.sequence(piece.pieces, follow, optional=True)
                if common(part.shape, EMPTY) is not None:
                    raise ConfigurationError(
                        f"{self._line.text!r}: when an optional part is empty, nobody can tell that it is there"
                    )
                shapes.append(Maybe(part.shape))
                regex += f"(?:{part.regex})?"
                format_ += "%s"
                steps.append(Step(f"(?:{part.shape.regex()})?", "", "the optional part"))
                captures += part.captures
                write, draw = self._left_out(piece, part)
                writers.append(_Writer(None, write))
                drawers.append((None, draw))
            else:
                name, kind, absent = self._value(piece, follow, optional=optional)
                shapes.append(Named(name, kind.shape))
                regex += f"({kind.shape.regex()})"
                format_ += "%s"
                steps.append(Step(kind.shape.regex(), name.removeprefix(COUNT), kind.says))
                captures.append(_Value(name, kind.read, absent))
                writers.append(_Writer(name.removeprefix(COUNT) or COUNT, kind.write))
                if not name.startswith(COUNT):
                    drawers.append((name, kind.draw))
        constant = "".join(each.text for each in pieces if isinstance(each, Literal))
        return _Sequence(
            Seq(shapes), regex, format_, captures, writers, drawers, steps, None if writers else constant
        )

    def _value(
        self, piece: Slot | Count | Group, follow: frozenset[str], *, optional: bool
    ) -> tuple[str, FieldType, Callable[[], Any]]:
        """The name of the capture, its type, and what it is when it is left out."""
        if isinstance(piece, Count):
            return self._count(piece, follow)
        field = self._fields[piece.name]
        annotation, may_be_none = without_none(field.type)
        if may_be_none and not optional:
            raise ConfigurationError(
                f"{piece.name} may be None, so it must stand in an optional part, as in [,{{{piece.name}}}]"
            )
        try:
            if isinstance(piece, Group):
                kind = self._list(piece, annotation, follow)
            else:
                kind = field_type(annotation, piece.spec, follow)
        except ConfigurationError as error:
            raise ConfigurationError(f"{piece.name}: {error}") from None
        if not optional:
            return piece.name, kind, lambda: None
        return piece.name, kind, _absent(field, may_be_none=may_be_none, is_list=isinstance(piece, Group))

    def _count(self, piece: Count, follow: frozenset[str]) -> tuple[str, FieldType, Callable[[], Any]]:
        group = self._line.group(piece.name)
        if not group and COUNT not in self._fields:
            raise ConfigurationError(f"{self._line.text!r} counts a list, and has none")
        try:
            number = field_type(int, piece.spec, follow)
        except ConfigurationError as error:
            raise ConfigurationError(f"the count: {error}") from None
        if not group:
            return COUNT, number, lambda: None

        def write(items: Any) -> str:
            if not isinstance(items, list):
                raise refused(items, "a list")
            return number.write(len(items))

        kind = FieldType(number.says, number.shape, write, number.read, number.draw)
        return COUNT + group, kind, lambda: None

    def _list(self, piece: Group, annotation: Any, follow: frozenset[str]) -> FieldType:
        of = item_of(annotation)
        if of is UNSAID:
            raise ConfigurationError(f"{named(annotation)} is no list, so it cannot be written as a group")
        if isinstance(piece.item, str):
            between = frozenset(piece.separator[:1])
            item = field_type(of, piece.item, between | follow, empty=False)
        else:
            between = frozenset(piece.separator[:1]) or _firsts(piece.item, frozenset())
            made_of = whole(of, tuple(names(piece.item)))
            line = Line(self._line.text, made_of.fields, piece.item, between | follow)
            _all_used(made_of.fields, line.names, named(of))

            def read_item(text: str) -> Any:
                values = line.read(text)
                assert values is not None
                return made_of.join(values)

            item = FieldType(
                f"a {named(of)}",
                line.shape,
                lambda value: line.write(made_of.split(value)),
                read_item,
                lambda random: made_of.join(line.draw(random)),
            )
        return _list_type(piece, item, self._line.text)

    def _left_out(
        self, piece: Part, part: _Sequence
    ) -> tuple[Callable[[Any], str], Callable[[Random], Any]]:
        """How an optional part is written, and drawn."""
        absent = {each.name: each.absent for each in part.captures if not each.name.startswith(COUNT)}
        if not any(isinstance(each, Slot | Group) for each in piece.pieces):
            raise ConfigurationError(
                f"{self._line.text!r}: an optional part needs a field, whose value says whether it is there"
            )

        def write(values: Mapping[str, Any]) -> str:
            for name, value in absent.items():
                if not _same(values[name], value()):
                    break
            else:
                return ""
            return part.write(values)

        def draw(random: Random) -> dict[str, Any]:
            if random.random() < 0.4:
                return {name: value() for name, value in absent.items()}
            return part.draw(random)

        return write, draw


def _same(value: Any, other: Any) -> bool:
    return value is other or (type(value) is type(other) and value == other)


def _absent(field: Field, *, may_be_none: bool, is_list: bool) -> Callable[[], Any]:
    """What makes the value of a field whose optional part is left out."""
    default = field.default
    if isinstance(default, Factory):  # type: ignore[arg-type]
        if default.takes_self:
            raise ConfigurationError(
                f"{field.name}: in an optional part its default must not need the others"
            )
        return default.factory  # type: ignore[no-any-return]
    if default is not UNSAID:
        return lambda: default
    if may_be_none:
        return lambda: None
    if is_list:
        return list
    raise ConfigurationError(
        f"{field.name} stands in an optional part, so it must be Optional, or have a default"
    )


def _all_used(fields: Mapping[str, Field], used: Sequence[str], of: str) -> None:
    for name in fields:
        if name not in used:
            raise ConfigurationError(f"{of}.{name} is in no template")


def _refuse_two_readings(shape: Shape, template: str, what: str = "") -> None:
    found = two_readings(shape)
    if found is None:
        return
    names = [name for name in {**found.one, **found.other} if name]
    differ = [name for name in names if found.one.get(name) != found.other.get(name)]
    one, other = (
        ", ".join(f"{name}={way[name]!r}" if name in way else f"no {name}" for name in differ or names)
        for way in (found.one, found.other)
    )
    raise ConfigurationError(
        f"{template!r} is ambiguous: {what}{found.text!r} can be read as {one} or as {other}; "
        "put a text between the fields that cannot be in them, or give them fixed widths"
    )


def _list_type(piece: Group, item: FieldType, template: str) -> FieldType:
    # Reading cuts off one item after the other, so where an item ends must show without what follows.
    if common(item.shape, EMPTY) is not None:
        raise ConfigurationError("an item of the list may be empty, so that nobody could count them")
    behind = Seq((literal(piece.separator), Run(ANY, 0, None)))
    rest = Maybe(behind) if piece.separator else behind
    _refuse_two_readings(
        Seq((Named(piece.name, item.shape), rest)), template, f"the list {piece.name!r} of "
    )
    cut = re.compile(
        f"({item.shape.regex()})(?:{re.escape(piece.separator)}|\\Z)"
        if piece.separator
        else f"({item.shape.regex()})",
        re.DOTALL,
    )

    def write(items: Any) -> str:
        if not isinstance(items, list):
            raise refused(items, "a list")
        texts = []
        try:
            for each in items:
                texts.append(item.write(each))
        except CodecError as error:
            raise CodecError(error.reason, joined(f"[{len(texts)}]", error.path)) from None
        return piece.separator.join(texts)

    def read(text: str) -> list[Any]:
        items: list[Any] = []
        try:
            for found in cut.findall(text):
                items.append(item.read(found))
        except CodecError as error:
            raise CodecError(error.reason, joined(f"[{len(items)}]", error.path)) from error.__cause__
        return items

    def draw(random: Random) -> list[Any]:
        return [item.draw(random) for _ in range(random.randint(0, DRAWN_ITEMS))]

    return FieldType(
        f"a list, each {item.says}", Maybe(Many(item.shape, piece.separator)), write, read, draw
    )
