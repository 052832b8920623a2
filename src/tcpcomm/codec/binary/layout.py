"""
What lies in bytes, of any size: :class:`Layout`, and :func:`record`, which puts several side by side.

What has a fixed size is :class:`~tcpcomm.codec.binary.fixed_size.Packed`; neighbours of that kind are read with one
call. Every length that a peer sent is held against the bytes that are there before anything is made of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from attrs import field, frozen

from tcpcomm.codec.binary.codegen import ALONE, Composition, read_record, write_record
from tcpcomm.codec.binary.fixed_size import Packed, accepted, group
from tcpcomm.codec.problems import inside, wrong
from tcpcomm.errors import CodecError, ConfigurationError

__all__ = [
    "Content",
    "Layout",
    "Part",
    "check_order",
    "counted",
    "of_packed",
    "optional",
    "record",
    "rest",
    "too_short",
]

Read = Callable[[bytes, int], tuple[Any, int]]


@frozen
class Content:
    """
    What has a length: text, bytes, or a list.

    Attributes:
        take: so many, from a place on: the value, and the place behind it. Raises CodecError.
        take_all: as many as are left.
        put: the bytes of a value, and its length. Raises CodecError.
        draw: draws a value, of a given length or of any.
        label: for people, without the length.
    """

    take: Callable[[bytes, int, int], tuple[Any, int]]
    take_all: Read
    put: Callable[[Any], tuple[bytes, int]]
    draw: Callable[[Random, int | None], Any]
    label: str


@frozen
class Layout:
    """
    A layout of any size.

    Attributes:
        least: bytes that it takes at least.
        read: the value that begins at a place, and the place behind it. Raises CodecError.
        write: the bytes of a value. Raises CodecError.
        draw: draws a value.
        label: for people.
        is_open: whether it takes all that is left, or may be missing, so that nothing can follow it.
        is_optional: whether it may be missing.
        packed: the same, if its size is fixed.
        parts: what it is made of, if its size is fixed.
        content: what a field before it counts, and ``counted_by`` is the name of that.
    """

    least: int
    read: Read
    write: Callable[[Any], bytes]
    draw: Callable[[Random], Any]
    label: str
    is_open: bool = field(default=False, kw_only=True)
    is_optional: bool = field(default=False, kw_only=True)
    packed: Packed | None = field(default=None, kw_only=True)
    parts: tuple[Part, ...] = field(default=(), kw_only=True)
    content: Content | None = field(default=None, kw_only=True)
    counted_by: str = field(default="", kw_only=True)


def too_short(wanted: int, left: int) -> CodecError:
    """The error for a frame that ends too early."""
    return CodecError(f"needs {wanted} bytes, but the frame has {left} left")


def of_packed(
    packed: Packed, parts: Sequence[Part] = (), made_of: Composition | None = None
) -> Layout:
    """
    A packed layout, read and written by itself.

    Args:
        packed: the layout.
        parts: what it is made of, to be named where the frame ends in one.
        made_of: how its value is made of theirs, if that can be said in source.
    """
    struct, gather, spread = packed.struct, packed.gather, packed.spread
    size = struct.size
    unpack, pack = struct.unpack_from, struct.pack

    def read(data: bytes, at: int) -> tuple[Any, int]:
        end = at + size
        if end > len(data):
            raise _cut(parts, size, len(data) - at)
        return gather(unpack(data, at), 0), end

    def write(value: Any) -> bytes:
        items: list[Any] = []
        spread(value, items)
        return pack(*items)

    if packed.plain is not None:
        fields, made_of = [("", packed, True)], ALONE
    else:
        fields = [(each.step, each.layout.packed, each.carries) for each in parts if each.layout.packed]
    return Layout(
        size,
        read if made_of is None else read_record(struct, fields, made_of, read),
        write if made_of is None else write_record(struct, fields, made_of, write),
        packed.draw,
        packed.label,
        packed=packed,
        parts=tuple(parts),
    )


def _cut(parts: Sequence[Part], size: int, left: int) -> CodecError:
    for part in parts:
        if left < part.layout.least:
            return inside(part.step, _cut(part.layout.parts, part.layout.least, left))
        left -= part.layout.least
    return too_short(size, left)


def counted(count: Packed, content: Content) -> Layout:
    """Content behind its length."""
    number = of_packed(count)

    def read(data: bytes, at: int) -> tuple[Any, int]:
        length, start = number.read(data, at)
        return content.take(data, start, length)

    def write(value: Any) -> bytes:
        written, length = content.put(value)
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


def rest(content: Content) -> Layout:
    """Content up to the end of the frame."""
    return Layout(
        0,
        content.take_all,
        lambda value: content.put(value)[0],
        lambda random: content.draw(random, None),
        f"{content.label}[...]",
        is_open=True,
    )


def optional(inner: Layout) -> Layout:
    """What may be missing at the end of a frame, and is None then."""

    def read(data: bytes, at: int) -> tuple[Any, int]:
        return (None, at) if at == len(data) else inner.read(data, at)

    def write(value: Any) -> bytes:
        return b"" if value is None else inner.write(value)

    def draw(random: Random) -> Any:
        return None if random.random() < 0.5 else inner.draw(random)

    return Layout(0, read, write, draw, f"{inner.label}?", is_open=True, is_optional=True)


@frozen
class Part:
    """One of several layouts side by side: its name, and whether it carries a value or constant bytes."""

    step: str
    layout: Layout
    carries: bool = True


def record(
    parts: Sequence[Part],
    make: Callable[[list[Any]], Any],
    split: Callable[[Any], Sequence[Any]],
    made_of: Composition | None = None,
) -> Layout:
    """
    Several layouts side by side.

    Args:
        parts: the layouts, in order.
        make: a value, from those of the parts that carry one.
        split: those, from the value. Raises CodecError if it is of another type.
        made_of: what ``make`` and ``split`` do, if that can be said in source.

    Raises:
        ConfigurationError: something follows what takes all that is left, or a count is not there.
    """
    check_order(parts)
    label = " ".join(
        f"{part.step}:{part.layout.label}" if part.carries else part.layout.label for part in parts
    )
    silent = [index for index, part in enumerate(parts) if not part.carries]
    if silent:
        make, split = _without(silent, make), _with(silent, split)
    packed = [part.layout.packed for part in parts]
    if parts and all(packed):
        pairs = [(part.step, part.layout.packed) for part in parts if part.layout.packed]
        return of_packed(group(pairs[0][1].order, pairs, make, split, label), parts, made_of)
    return _Record(tuple(parts), make, split).layout(label)


def check_order(parts: Sequence[Part]) -> None:
    """
    Check that nothing stands behind what has no end, and counts before what they count.

    Raises:
        ConfigurationError: it is not so.
    """
    names = [part.step for part in parts if part.carries]
    for index, part in enumerate(parts):
        if part.layout.is_open and index + 1 < len(parts):
            follower = parts[index + 1]
            if not (part.layout.is_optional and follower.layout.is_optional):
                raise ConfigurationError(
                    f"{follower.step} cannot follow {part.step}, which goes on to the end of the frame"
                )
        count = part.layout.counted_by
        if count and count not in names[: names.index(part.step)]:
            raise ConfigurationError(
                f"{part.step} is counted by {count}, but there is no such field before it"
            )


def _without(silent: Sequence[int], make: Callable[[list[Any]], Any]) -> Callable[[list[Any]], Any]:
    def made(values: list[Any]) -> Any:
        return make([value for index, value in enumerate(values) if index not in silent])

    return made


def _with(silent: Sequence[int], split: Callable[[Any], Sequence[Any]]) -> Callable[[Any], Sequence[Any]]:
    def parts_of(value: Any) -> Sequence[Any]:
        values = [*split(value)]
        for index in silent:
            values.insert(index, None)
        return values

    return parts_of


class _Record:
    """Layouts side by side of which not all have a fixed size."""

    def __init__(
        self,
        parts: tuple[Part, ...],
        make: Callable[[list[Any]], Any],
        split: Callable[[Any], Sequence[Any]],
    ) -> None:
        self._parts = parts
        self._make = make
        self._split = split
        names = [part.step for part in parts if part.carries]
        places = [index for index, part in enumerate(parts) if part.carries]
        self._counts = [
            places[names.index(part.layout.counted_by)] if part.layout.counted_by else -1 for part in parts
        ]
        """For each part the place of the part that counts it."""
        self._runs: list[tuple[int, int, Layout]] = []
        start = 0
        for index in range(len(parts) + 1):
            if index == len(parts) or parts[index].layout.packed is None:
                self._add_run(start, index)
                if index < len(parts):
                    self._runs.append((index, index + 1, parts[index].layout))
                start = index + 1

    def _add_run(self, start: int, end: int) -> None:
        """What has a fixed size from one place to another is read at once, as a list."""
        parts = self._parts[start:end]
        pairs = [(part.step, part.layout.packed) for part in parts if part.layout.packed is not None]
        if pairs:
            packed = group(pairs[0][1].order, pairs, lambda values: values, lambda values: values, "")
            self._runs.append((start, end, of_packed(packed, parts)))

    def layout(self, label: str) -> Layout:
        return Layout(
            sum(part.layout.least for part in self._parts),
            self.read,
            self.write,
            self.draw,
            label,
            is_open=bool(self._parts) and self._parts[-1].layout.is_open,
        )

    def read(self, data: bytes, at: int) -> tuple[Any, int]:
        found: list[Any] = []
        for start, _, layout in self._runs:
            if layout.packed is not None:
                values, at = layout.read(data, at)
                found += values
                continue
            try:
                if layout.content is not None:
                    value, at = layout.content.take(data, at, found[self._counts[start]])
                else:
                    value, at = layout.read(data, at)
            except CodecError as error:
                raise inside(self._parts[start].step, error) from None
            found.append(value)
        return self._make(found), at

    def write(self, value: Any) -> bytes:
        values = self._split(value)
        written = []
        missing = ""
        for start, end, layout in self._runs:
            if layout.packed is not None:
                written.append(layout.write(values[start:end]))
                continue
            step = self._parts[start].step
            try:
                if missing and values[start] is not None:
                    raise CodecError(f"cannot be sent, for {missing} before it is None")
                if layout.is_optional and values[start] is None:
                    missing = step
                if layout.content is None:
                    written.append(layout.write(values[start]))
                    continue
                content, length = layout.content.put(values[start])
            except CodecError as error:
                raise inside(step, error) from None
            count = self._counts[start]
            if values[count] != length:
                raise inside(
                    self._parts[count].step, wrong(f"{length}, the length of {step}", values[count])
                )
            written.append(content)
        return b"".join(written)

    def draw(self, random: Random) -> Any:
        return accepted(self._make, lambda: self._draw_values(random))

    def _draw_values(self, random: Random) -> list[Any]:
        values: list[Any] = []
        lengths: dict[int, int] = {}
        missing = False
        for count, part in zip(self._counts, self._parts, strict=True):
            if part.layout.content is not None:
                values.append(part.layout.content.draw(random, lengths.get(count)))
                lengths[count] = values[count] = part.layout.content.put(values[-1])[1]
            else:
                values.append(None if missing else part.layout.draw(random))
                missing = missing or (part.layout.is_optional and values[-1] is None)
        return values
