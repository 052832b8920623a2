"""
Layouts of any size: :class:`Layout`, and :func:`record`, which puts several side by side.

A field of a fixed size has a :class:`~tcpcomm.codec.binary.fixed_size.FixedLayout`, and neighbours of that
kind are read with one call. A length that a peer sent is compared with the frame's size before it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import compress
from random import Random
from typing import Any, Final

from attrs import evolve, field, frozen

from tcpcomm.codec.annotations import type_text
from tcpcomm.codec.binary.codegen import read_record, write_record
from tcpcomm.codec.binary.fixed_size import LIST, FixedLayout, RecordType, joined
from tcpcomm.codec.problems import inside, wrong
from tcpcomm.codec.random_values import draw_accepted
from tcpcomm.errors import CodecError, ConfigurationError

Read = Callable[[bytes, int], tuple[Any, int]]


@frozen
class VariableLayout:
    """
    The layout of text, bytes or a list, without its length.

    Attributes:
        read: returns the value that begins at an index, and the index behind it. Its length is given, or
            None if it goes on to the end of the frame. Raises CodecError.
        write: returns the bytes of a value, and its length. Raises CodecError.
        draw: draws a value, of a given length or of any.
        label: the layout for people.
    """

    read: Callable[[bytes, int, int | None], tuple[Any, int]]
    write: Callable[[Any], tuple[bytes, int]]
    draw: Callable[[Random, int | None], Any]
    label: str


@frozen
class Layout:
    """
    A layout of any size.

    Attributes:
        min_size: the fewest bytes that a value takes.
        read: returns the value that begins at an index, and the index behind it. Raises CodecError.
        write: returns the bytes of a value. Raises CodecError.
        draw: draws a value.
        label: the layout for people.
        is_open: whether nothing can follow, because it takes the rest of the frame, or may be missing.
        is_optional: whether it may be missing.
        fixed: the same layout, if its size is fixed.
        fields: its fields, if its size is fixed.
        counted: the layout without its length, if another field holds the length.
        counted_by: the name of that other field.
    """

    min_size: int
    read: Read
    write: Callable[[Any], bytes]
    draw: Callable[[Random], Any]
    label: str
    is_open: bool = field(default=False, kw_only=True)
    is_optional: bool = field(default=False, kw_only=True)
    fixed: FixedLayout | None = field(default=None, kw_only=True)
    fields: tuple[RecordField, ...] = field(default=(), kw_only=True)
    counted: VariableLayout | None = field(default=None, kw_only=True)
    counted_by: str = field(default="", kw_only=True)


def _write_none(value: Any) -> bytes:
    if value is not None:
        raise wrong("None", value)
    return b""


NOTHING: Final = Layout(0, lambda data, at: (None, at), _write_none, lambda random: None, "")
"""The layout of None, which takes no bytes."""


@frozen
class RecordField:
    """One of several layouts side by side. Without a value it is constant or reserved bytes."""

    name: str
    layout: Layout
    has_value: bool = True


def too_short(wanted: int, left: int) -> CodecError:
    return CodecError(f"needs {wanted} bytes, but the frame has {left} left")


def from_fixed(
    fixed: FixedLayout, fields: Sequence[RecordField] = (), kind: type[Any] | None = None
) -> Layout:
    """
    Return a layout of a fixed size as one of any size.

    Args:
        fixed: the layout.
        fields: its fields, to name the one in which a frame ends too early.
        kind: the type of its value, dict or an attrs class, if its reader and writer can be generated.
    """
    struct, from_items, to_items = fixed.struct, fixed.from_items, fixed.to_items
    size, unpack, pack = struct.size, struct.unpack_from, struct.pack

    def read(data: bytes, at: int) -> tuple[Any, int]:
        end = at + size
        if end > len(data):
            raise _too_short_in(fields, size, len(data) - at)
        return from_items(unpack(data, at), 0), end

    def write(value: Any) -> bytes:
        items: list[Any] = []
        to_items(value, items)
        return pack(*items)

    named = [(each.name, each.layout.fixed, each.has_value) for each in fields if each.layout.fixed]
    made = Layout(size, read, write, fixed.draw, fixed.label, fixed=fixed, fields=tuple(fields))
    if kind is None and fixed.plain is None:
        return made
    named = named or [("", fixed, True)]
    return evolve(
        made,
        read=read_record(struct, named, kind, read),
        write=write_record(struct, named, kind, write),
    )


def _too_short_in(fields: Sequence[RecordField], size: int, left: int) -> CodecError:
    """Return the error for a frame that ends too early, with the name of the field in which it ends."""
    for each in fields:
        if left < each.layout.min_size:
            return inside(each.name, _too_short_in(each.layout.fields, each.layout.min_size, left))
        left -= each.layout.min_size
    return too_short(size, left)


def counted(count: FixedLayout, content: VariableLayout) -> Layout:
    """Return the layout of a length and its content."""
    number = from_fixed(count)

    def read(data: bytes, at: int) -> tuple[Any, int]:
        length, start = number.read(data, at)
        return content.read(data, start, length)

    def write(value: Any) -> bytes:
        written, length = content.write(value)
        try:
            return number.write(length) + written
        except CodecError:
            raise CodecError(f"has a length of {length}, too much for {count.label}") from None

    return Layout(
        count.size,
        read,
        write,
        lambda random: content.draw(random, None),
        f"{content.label}[{count.label}]",
    )


def rest(content: VariableLayout) -> Layout:
    """Return the layout of content that goes on to the end of the frame."""
    return Layout(
        0,
        lambda data, at: content.read(data, at, None),
        lambda value: content.write(value)[0],
        lambda random: content.draw(random, None),
        f"{content.label}[...]",
        is_open=True,
    )


def optional(inner: Layout) -> Layout:
    """Return the layout of a value that is None if the frame ends before it."""

    def read(data: bytes, at: int) -> tuple[Any, int]:
        return (None, at) if at == len(data) else inner.read(data, at)

    def write(value: Any) -> bytes:
        return b"" if value is None else inner.write(value)

    def draw(random: Random) -> Any:
        return None if random.random() < 0.5 else inner.draw(random)

    return Layout(0, read, write, draw, f"{inner.label}?", is_open=True, is_optional=True)


def record(fields: Sequence[RecordField], record_type: RecordType) -> Layout:
    """Return several layouts that stand side by side as one. Raises what :func:`check_order` raises."""
    check_order(fields)
    label = " ".join(
        f"{each.name}:{each.layout.label}" if each.has_value else each.layout.label for each in fields
    )
    if not all(each.has_value for each in fields):
        record_type = _with_silent_fields(record_type, [each.has_value for each in fields])
    if fields and all(each.layout.fixed for each in fields):
        return from_fixed(_joined(fields, record_type, label), fields, record_type.kind)
    return _VariableRecord(tuple(fields), record_type).layout(label)


def _joined(fields: Sequence[RecordField], record_type: RecordType, label: str) -> FixedLayout:
    pairs = [(each.name, each.layout.fixed) for each in fields if each.layout.fixed is not None]
    return joined(pairs[0][1].order, pairs, record_type, label)


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


def check_order(fields: Sequence[RecordField]) -> None:
    """Raise ConfigurationError unless only the last field is open, and each count is before its field."""
    names = [each.name for each in fields if each.has_value]
    for index, each in enumerate(fields):
        if each.layout.is_open and index + 1 < len(fields):
            follower = fields[index + 1]
            if not (each.layout.is_optional and follower.layout.is_optional):
                raise ConfigurationError(
                    f"{follower.name} cannot follow {each.name}, which takes the rest of the frame"
                )
        count = each.layout.counted_by
        if count and count not in names[: names.index(each.name)]:
            raise ConfigurationError(
                f"{each.name} is counted by {count}, but there is no such field before it"
            )


class _VariableRecord:
    """Several layouts side by side, at least one of them without a fixed size."""

    def __init__(self, fields: tuple[RecordField, ...], record_type: RecordType) -> None:
        self._fields = fields
        self._type = record_type
        indexes = {each.name: index for index, each in enumerate(fields) if each.has_value}
        self._counts = [indexes.get(each.layout.counted_by, -1) for each in fields]
        """For each field, the index of the field that counts it."""
        self._runs: list[tuple[int, int, Layout]] = []
        """Layouts, each with the indexes where its fields begin and end. Fixed neighbours are one run."""
        start = 0
        for index in range(len(fields) + 1):
            if index == len(fields) or fields[index].layout.fixed is None:
                if run := fields[start:index]:
                    self._runs.append((start, index, from_fixed(_joined(run, LIST, ""), run)))
                if index < len(fields):
                    self._runs.append((index, index + 1, fields[index].layout))
                start = index + 1

    def layout(self, label: str) -> Layout:
        return Layout(
            sum(each.layout.min_size for each in self._fields),
            self.read,
            self.write,
            self.draw,
            label,
            is_open=bool(self._fields) and self._fields[-1].layout.is_open,
        )

    def read(self, data: bytes, at: int) -> tuple[Any, int]:
        found: list[Any] = []
        for start, _, layout in self._runs:
            if layout.fixed is not None:
                values, at = layout.read(data, at)
                found += values
                continue
            try:
                if layout.counted is not None:
                    value, at = layout.counted.read(data, at, found[self._counts[start]])
                else:
                    value, at = layout.read(data, at)
            except CodecError as error:
                raise inside(self._fields[start].name, error) from None
            found.append(value)
        return self._type.make(found), at

    def write(self, value: Any) -> bytes:
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
                if layout.counted is None:
                    written.append(layout.write(values[start]))
                    continue
                content, length = layout.counted.write(values[start])
            except CodecError as error:
                raise inside(name, error) from None
            count = self._counts[start]
            if values[count] != length:
                expected = f"{length}, the length of {name}"
                raise inside(self._fields[count].name, wrong(expected, values[count]))
            written.append(content)
        return b"".join(written)

    def draw(self, random: Random) -> Any:
        name = type_text(self._type.kind)
        return draw_accepted(lambda: self._draw_values(random), self._type.make, name)

    def _draw_values(self, random: Random) -> list[Any]:
        values: list[Any] = []
        lengths: dict[int, int] = {}
        missing = False
        for count, each in zip(self._counts, self._fields, strict=True):
            if each.layout.counted is not None:
                values.append(each.layout.counted.draw(random, lengths.get(count)))
                lengths[count] = values[count] = each.layout.counted.write(values[-1])[1]
            else:
                values.append(None if missing else each.layout.draw(random))
                missing = missing or (each.layout.is_optional and values[-1] is None)
        return values
