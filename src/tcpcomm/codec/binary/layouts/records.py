"""
Layouts side by side: :func:`record`.

Neighbours of a fixed size are read with one call. A field may tell the length or the type of a later one. A
derived field has no value of its own: it is computed from the later one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import compress
from operator import attrgetter
from random import Random
from typing import Any

from attrs import evolve

from tcpcomm.codec.annotations import arguments_of, type_text
from tcpcomm.codec.base import MISSING
from tcpcomm.codec.binary.layouts.fixed_size import LIST, FixedLayout, RecordType, joined
from tcpcomm.codec.binary.layouts.forms import NOTHING, Form
from tcpcomm.codec.binary.layouts.layout import FromRequest, Layout, Link, RecordField, from_fixed
from tcpcomm.codec.problems import inside, wrong
from tcpcomm.codec.random_values import draw_accepted
from tcpcomm.errors import CodecError, ConfigurationError


def record(
    fields: Sequence[RecordField],
    record_type: RecordType,
    outside: Sequence[str] = (),
    lists: Collection[str] = (),
) -> Layout:
    """
    Return several layouts that stand side by side as one.

    Args:
        fields: the layouts.
        record_type: the type of the values.
        outside: parameters of the command that tell lengths or types of a result.
        lists: those of them that tell it by their own length.

    Raises:
        ConfigurationError: as :func:`check_order` does.
    """
    check_order(fields, outside)
    form = _form(fields, outside)
    if any(each.layout.in_tag is not None for each in fields):
        return _counted_in_tag(fields, record_type, form)
    if not all(each.has_value for each in fields):
        record_type = _with_silent_fields(record_type, [each.has_value for each in fields])
    if fields and all(each.layout.fixed for each in fields):
        return from_fixed(_joined(fields, record_type, form), fields, record_type.kind)
    return _VariableRecord(tuple(fields), record_type, tuple(outside), frozenset(lists)).layout(form)


def _counted_in_tag(fields: Sequence[RecordField], record_type: RecordType, form: Form) -> Layout:
    """Return the layout of a class with one field. Its length is in the tag before the class."""
    (field, *others) = fields
    inner = field.layout.in_tag
    if inner is None or others or not field.name:
        raise ConfigurationError("a field that InTag counts must be the only one of its class")
    name, make, split = field.name, record_type.make, record_type.split
    read_inner, write_inner = inner.read, inner.write

    def read(data: bytes, at: int, length: int | None) -> tuple[Any, int]:
        try:
            value, end = read_inner(data, at, length)
        except CodecError as error:
            raise inside(name, error) from None
        return make([value]), end

    def write(value: Any) -> tuple[bytes, int]:
        (content,) = split(value)
        try:
            return write_inner(content)
        except CodecError as error:
            raise inside(name, error) from None

    def draw(random: Random, length: int | None) -> Any:
        kind = type_text(record_type.kind)
        return draw_accepted(lambda: [inner.draw(random, length)], make, kind)

    whole = evolve(inner, read=read, write=write, draw=draw, form=form)
    return evolve(field.layout, draw=lambda random: draw(random, None), form=form, in_tag=whole)


def _form(fields: Sequence[RecordField], outside: Sequence[str]) -> Form:
    found = []
    for each in fields:
        link = each.layout.link
        inner = (
            each.layout.form if link is None or link.name not in outside else _of_request(each.layout.form)
        )
        form: Form = {"form": inner}
        if each.is_derived:
            form = {"derived": each.name, **form}
        elif each.has_value and each.name:
            form = {"name": each.name, **form}
        found.append(form)
    unnamed = any(each.has_value and not each.name for each in fields)
    return {"type": "around" if unnamed else "record", "fields": found}


def _of_request(form: Form) -> Form:
    """Return a form with a note that a parameter of the command tells its length or type."""
    if "by" in form:
        return {**form, "of": "request"}
    sizes = [{**size, "of": "request"} if "by" in size else size for size in form["sizes"]]
    return {**form, "sizes": sizes}


def _no_request(*_: Any) -> Any:
    raise CodecError("its size is known from its request only")


def _joined(fields: Sequence[RecordField], record_type: RecordType, form: Form) -> FixedLayout:
    pairs = [(each.name, each.layout.fixed) for each in fields if each.layout.fixed is not None]
    return joined(pairs[0][1].order, pairs, record_type, form)


def _with_silent_fields(record_type: RecordType, have_values: Sequence[bool]) -> RecordType:
    """Return the type for a list of values with None for each field that has no value."""

    def split(value: Any) -> Sequence[Any]:
        values = iter(record_type.split(value))
        return [next(values) if has_value else None for has_value in have_values]

    return evolve(
        record_type,
        make=lambda values: record_type.make([*compress(values, have_values)]),
        split=split,
    )


def check_order(fields: Sequence[RecordField], outside: Sequence[str] = ()) -> None:
    """
    Check that only the last field is open, and that each length or tag is before its field.

    Raises:
        ConfigurationError: one of these is not so.
    """
    known = [*outside]
    for index, each in enumerate(fields):
        if each.layout.is_open and index + 1 < len(fields):
            follower = fields[index + 1]
            if not (each.layout.is_optional and follower.layout.is_optional):
                raise ConfigurationError(
                    f"{follower.name} cannot follow {each.name}, which takes the rest of the frame"
                )
        link = each.layout.link
        if link is not None and link.name not in known:
            told = "counted" if each.layout.counted else "tagged"
            raise ConfigurationError(
                f"{each.name} is {told} by {link.name}, but there is no such field before it"
            )
        if each.layout.chosen is not None:
            _check_tags(each, fields[:index])
        if (each.is_derived or each.has_value) and each.name in known:
            raise ConfigurationError(f"there are two fields {each.name}: give the derived one another name")
        if each.has_value or each.is_derived:
            known.append(each.name)


def _check_tags(field: RecordField, before: Sequence[RecordField]) -> None:
    """Raise ConfigurationError if an earlier field cannot have one of the tags of this field."""
    link, chosen = field.layout.link, field.layout.chosen
    source = next((each for each in before if link is not None and each.name == link.path), None)
    if source is None or chosen is None or not (source.has_value or source.is_derived):
        return
    for tag in chosen.tags:
        try:
            source.layout.write(tag)
        except CodecError as error:
            raise ConfigurationError(
                f"{source.name} cannot have the tag {tag!r}: it {error.reason}"
            ) from None


def check_derived(fields: Sequence[RecordField]) -> None:
    """Raise ConfigurationError if a derived number follows from nothing."""
    used = {each.layout.link.name for each in fields if each.layout.link is not None}
    for each in fields:
        if each.is_derived and each.name not in used:
            raise ConfigurationError(
                f"nothing tells the derived number {each.name}: "
                f'a later field needs CountedBy("{each.name}") or TaggedBy("{each.name}", ...)'
            )


class _VariableRecord:
    """Several layouts side by side, at least one of them without a fixed size."""

    def __init__(
        self,
        fields: tuple[RecordField, ...],
        record_type: RecordType,
        outside: tuple[str, ...],
        lists: frozenset[str],
    ) -> None:
        self._fields = fields
        self._type = record_type
        self._outside = outside
        self._lists = lists
        self._values_of = self._lengths_of if lists else self._given_by
        self._has_derived = any(each.is_derived for each in fields)
        indexes = {
            each.name: index for index, each in enumerate(fields) if each.has_value or each.is_derived
        }
        indexes.update(
            {name: index - len(outside) for index, name in enumerate(outside) if name not in indexes}
        )
        links = [each.layout.link for each in fields]
        self._sources = [-1 if link is None else indexes[link.name] for link in links]
        """For each field, the index of the field that tells its length or type; negative for parameters."""
        given = sorted({each for each in self._sources if each >= 0 and not fields[each].is_derived})
        self._telling = [each for each in given if fields[each].layout.fixed is not None]
        """The indexes of the fields that tell such facts and have values."""
        self._runs: list[tuple[int, int, Layout]] = []
        """Layouts, each with the indexes where its fields begin and end. Fixed neighbours are one run."""
        start = 0
        for index in range(len(fields) + 1):
            if index == len(fields) or fields[index].layout.fixed is None:
                if run := fields[start:index]:
                    self._runs.append((start, index, from_fixed(_joined(run, LIST, NOTHING), run)))
                if index < len(fields):
                    self._runs.append((index, index + 1, fields[index].layout))
                start = index + 1
        self._late = [
            place
            for place, (start, end, layout) in enumerate(self._runs)
            if layout.fixed is not None and any(each.is_derived for each in fields[start:end])
        ]
        """The places of the runs that are written last, because later fields tell their numbers."""

    def layout(self, form: Form) -> Layout:
        write = self._write_derived if self._has_derived else self._write
        return Layout(
            sum(each.layout.min_size for each in self._fields),
            _no_request if self._outside else self._read,
            _no_request if self._outside else write,
            self.draw,
            form,
            is_open=bool(self._fields) and self._fields[-1].layout.is_open,
            from_request=FromRequest(self._read_for, self._write_for, self._draw_for)
            if self._outside
            else None,
        )

    def _read(self, data: bytes, at: int, given: Sequence[Any] = ()) -> tuple[Any, int]:
        found: list[Any] = []
        for start, _, layout in self._runs:
            if layout.fixed is not None:
                values, at = layout.read(data, at)
                found += values
                continue
            try:
                if layout.link is None:
                    value, at = layout.read(data, at)
                else:
                    source = self._sources[start]
                    fact = layout.link.get(found[source] if source >= 0 else given[source])
                    told = layout.counted or layout.chosen
                    assert told is not None
                    value, at = told.read(data, at, fact)
            except CodecError as error:
                raise inside(self._fields[start].name, error) from None
            found.append(value)
        return self._type.make(found), at

    def _write(self, value: Any) -> bytes:
        """Return the bytes of a value. All its lengths and tags are values themselves."""
        values = self._type.split(value)
        written = []
        missing = ""
        for start, end, layout in self._runs:
            if layout.fixed is not None:
                written.append(layout.write(values[start:end]))
                continue
            name = self._fields[start].name
            try:
                if missing and values[start] is not None:
                    raise CodecError(f"cannot be sent, because {missing} before it is None")
                if layout.is_optional and values[start] is None:
                    missing = name
                if layout.link is None:
                    written.append(layout.write(values[start]))
                    continue
                told = values[self._sources[start]]
                content, fact = _write_linked(layout, values[start], layout.link, told)
            except CodecError as error:
                raise inside(name, error) from None
            if layout.link.get(told) != fact:
                raise self._mismatch(start, told, fact)
            written.append(content)
        return b"".join(written)

    def _mismatch(self, index: int, told: Any, fact: Any) -> CodecError:
        """Return the error for a field that tells another length or type than the value has."""
        link = self._fields[index].layout.link
        assert link is not None
        name = self._fields[index].name or "the value"
        return inside(link.path, wrong(f"{link.put(told, fact)}, {link.meaning} {name}", told))

    def _write_derived(self, value: Any, given: Sequence[Any] = ()) -> bytes:
        """Return the bytes of a value, with lengths and tags that follow from it, or from the request."""
        values = [*self._type.split(value), *given]
        for index in self._telling:
            self._check_value(index, values[index])
        written: list[bytes] = [b""] * len(self._runs)
        settled: set[tuple[int, int | None]] = set()
        missing = ""
        for place, (start, end, layout) in enumerate(self._runs):
            if layout.fixed is not None:
                if place not in self._late:
                    written[place] = layout.write(values[start:end])
                continue
            name, source = self._fields[start].name, self._sources[start]
            try:
                if missing and values[start] is not None:
                    raise CodecError(f"cannot be sent, because {missing} before it is None")
                if layout.is_optional and values[start] is None:
                    missing = name
                if layout.link is None:
                    written[place] = layout.write(values[start])
                    continue
                is_open = source >= 0 and self._fields[source].is_derived
                told = MISSING if is_open else values[source]
                written[place], fact = _write_linked(layout, values[start], layout.link, told)
            except CodecError as error:
                raise inside(name, error) from None
            link, so_far = layout.link, values[source]
            if (is_open and (source, link.mask) not in settled) or so_far is None:
                values[source] = link.put(so_far, fact)
                settled.add((source, link.mask))
            elif link.get(so_far) != fact:
                raise self._mismatch(start, so_far, fact)
        for place in self._late:
            start, end, layout = self._runs[place]
            written[place] = layout.write(values[start:end])
        return b"".join(written)

    def _check_value(self, index: int, value: Any) -> None:
        """Raise CodecError if a value does not fit its field."""
        try:
            self._fields[index].layout.write(value)
        except CodecError as error:
            raise inside(self._fields[index].name, error) from None

    def _given_by(self, parameters: Mapping[str, Any]) -> list[Any]:
        return [parameters[name] for name in self._outside]

    def _lengths_of(self, parameters: Mapping[str, Any]) -> list[Any]:
        found = {name: parameters[name] for name in self._outside}
        return [len(value) if name in self._lists else value for name, value in found.items()]

    def _read_for(self, data: bytes, at: int, parameters: Mapping[str, Any]) -> tuple[Any, int]:
        return self._read(data, at, self._values_of(parameters))

    def _write_for(self, value: Any, parameters: Mapping[str, Any]) -> bytes:
        return self._write_derived(value, self._values_of(parameters))

    def _draw_for(self, random: Random, parameters: Mapping[str, Any]) -> Any:
        name = type_text(self._type.kind)
        given = self._values_of(parameters)
        return draw_accepted(lambda: self._draw_values(random, given), self._type.make, name)

    def draw(self, random: Random) -> Any:
        name = type_text(self._type.kind)
        return draw_accepted(lambda: self._draw_values(random), self._type.make, name)

    def _draw_values(self, random: Random, given: Sequence[Any] = ()) -> list[Any]:
        values: list[Any] = []
        settled: set[tuple[int, int | None]] = set()
        missing = False
        for source, each in zip(self._sources, self._fields, strict=True):
            layout = each.layout
            if layout.link is None:
                values.append(None if missing else layout.draw(random))
                missing = missing or (layout.is_optional and values[-1] is None)
                continue
            link, key = layout.link, (source, layout.link.mask)
            told = values[source] if source >= 0 else (given[source] if given else MISSING)
            fact = link.get(told) if told is not MISSING and (source < 0 or key in settled) else None
            value, fact = _draw_linked(layout, random, fact)
            values.append(value)
            settled.add(key)
            if source >= 0:
                values[source] = link.put(told, fact)
        return values


def _write_linked(layout: Layout, value: Any, link: Link, told: Any) -> tuple[bytes, Any]:
    """Return the bytes of a value, and its length or tag. The earlier field's value may be MISSING."""
    if layout.counted is not None:
        return layout.counted.write(value)
    assert layout.chosen is not None
    return layout.chosen.write(value, told if told is MISSING else link.get(told))


def _draw_linked(layout: Layout, random: Random, fact: Any) -> tuple[Any, Any]:
    if layout.chosen is not None:
        return layout.chosen.draw(random, MISSING if fact is None else fact)
    assert layout.counted is not None
    value = layout.counted.draw(random, fact)
    return value, layout.counted.write(value)[1]


def path_link(link: Link) -> Link:
    """Return a link for a path with dots, or the same link for a plain name."""
    _, dot, path = link.path.partition(".")
    if not dot:
        return link
    find = attrgetter(path)

    def put(so_far: Any, fact: Any) -> Any:
        return _replaced(so_far, path, link.put(find(so_far), fact))

    return evolve(link, get=lambda value: link.get(find(value)), put=put)


def _replaced(value: Any, path: str, new: Any) -> Any:
    name, dot, rest = path.partition(".")
    changed = {name: _replaced(getattr(value, name), rest, new) if dot else new}
    arguments = arguments_of(type(value))
    return type(value)(
        **{argument: changed.get(each, getattr(value, each)) for each, argument in arguments.items()}
    )
