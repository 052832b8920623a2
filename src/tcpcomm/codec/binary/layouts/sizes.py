"""
Sizes: how long a value is that has no fixed size of its own.

The length stands before the value, in an earlier field, or nowhere: then the value takes the rest of the
frame, or goes on to an end mark. A value with a length in bytes is read from these bytes alone, so that for
the layouts inside it the frame ends there.
"""

from __future__ import annotations

from random import Random
from typing import Any

from attrs import evolve, frozen

from tcpcomm.codec.binary.layouts.fixed_size import FixedLayout
from tcpcomm.codec.binary.layouts.forms import Form, hex_text, sized
from tcpcomm.codec.binary.layouts.layout import (
    Layout,
    Link,
    VariableLayout,
    cut,
    from_fixed,
    outside_tags,
    too_short,
)
from tcpcomm.codec.problems import wrong
from tcpcomm.codec.random_values import TRIES
from tcpcomm.errors import CodecError, ConfigurationError


@frozen
class Measure:
    """
    The rule between a length and the number on the wire.

    Args:
        step: what one step of the number stands for.
        adjust: a number that is added to the length.
    """

    step: int = 1
    adjust: int = 0

    def length(self, number: int) -> int:
        """Return the length that a number on the wire stands for."""
        return (number - self.adjust) * self.step

    def number(self, length: int) -> int:
        """Return the number for a length. Raises CodecError."""
        if length % self.step:
            raise CodecError(f"has {length} bytes, which is not a multiple of {self.step}")
        return length // self.step + self.adjust

    def form(self) -> Form:
        """Return what differs from a plain length, as data."""
        step: Form = {"step": self.step} if self.step != 1 else {}
        return {**step, "adjust": self.adjust} if self.adjust else step


def counted(count: FixedLayout, content: VariableLayout, measure: Measure) -> Layout:
    """Return the layout of a length and its content."""
    number = from_fixed(count)
    read_number, write_number, read_content = number.read, number.write, content.read

    def read(data: bytes, at: int) -> tuple[Any, int]:
        length, start = read_number(data, at)
        return read_content(data, start, length)

    def read_measured(data: bytes, at: int) -> tuple[Any, int]:
        length, start = read_number(data, at)
        return read_content(data, start, measure.length(length))

    def write(value: Any) -> bytes:
        written, length = content.write(value)
        try:
            return write_number(length) + written
        except CodecError:
            raise CodecError(f"has a length of {length}, too much for {count.label}") from None

    def write_measured(value: Any) -> bytes:
        written, length = content.write(value)
        found = measure.number(length)
        try:
            return write_number(found) + written
        except CodecError:
            raise CodecError(f"has a length of {length}, which {count.label} cannot tell") from None

    plain = measure == Measure()
    return Layout(
        count.size,
        read if plain else read_measured,
        write if plain else write_measured,
        lambda random: drawn(content, random, None, measure),
        sized(content.form, {"count": count.form, "in": content.unit, **measure.form()}),
    )


def counted_in_tag(order: str, content: VariableLayout, measure: Measure) -> Layout:
    """Return the layout of content with its length in the tag before."""

    def read(data: bytes, at: int, number: int | None) -> tuple[Any, int]:
        return content.read(data, at, None if number is None else measure.length(number))

    def write(value: Any) -> tuple[bytes, int]:
        written, length = content.write(value)
        return written, measure.number(length)

    def draw(random: Random, number: int | None) -> Any:
        return drawn(content, random, number, measure)

    count = {"type": "int in tag", "order": order}
    form = sized(content.form, {"count": count, "in": content.unit, **measure.form()})
    whole = content if measure == Measure() else evolve(content, read=read, write=write)
    return Layout(
        0, _no_tag, _no_tag, lambda random: draw(random, None), form, in_tag=evolve(whole, draw=draw)
    )


def _no_tag(*_: Any) -> Any:
    raise CodecError("its length is in a tag that is not there")


def drawn(content: VariableLayout, random: Random, length: int | None, measure: Measure) -> Any:
    """Draw a value with a length that a number on the wire can tell."""
    for _ in range(TRIES):
        value = content.draw(random, length)
        found = content.write(value)[1]
        is_told = found % measure.step == 0 and found // measure.step + measure.adjust >= 0
        if is_told or length is not None:
            break
    return value


def counted_by(name: str, content: VariableLayout, measure: Measure) -> Layout:
    """Return the layout of content. An earlier field has its length."""
    link = Link(name, measure.length, lambda _, length: measure.number(length), "the length of")

    def draw(random: Random, length: int | None) -> Any:
        return drawn(content, random, length, measure)

    return Layout(
        0,
        content.read_rest,
        content.write_rest,
        lambda random: drawn(content, random, None, measure),
        sized(content.form, {"by": name, "in": content.unit, **measure.form()}),
        counted=evolve(content, draw=draw),
        link=link,
    )


def rest(content: VariableLayout) -> Layout:
    """Return the layout of content that goes on to the end of the frame."""
    return Layout(
        0,
        content.read_rest,
        content.write_rest,
        lambda random: content.draw(random, None),
        sized(content.form, {"rest": True}),
        is_open=True,
    )


def until(content: VariableLayout, end: bytes, step: int) -> Layout:
    """
    Return the layout of text or bytes up to an end mark.

    Args:
        content: the text or bytes.
        end: the end mark.
        step: the bytes of the smallest character, at whose bounds the mark is looked for.
    """

    def find(data: bytes, at: int) -> int:
        place = data.find(end, at)
        while place >= 0 and (place - at) % step:
            place = data.find(end, place + 1)
        return place

    def read(data: bytes, at: int) -> tuple[Any, int]:
        place = find(data, at)
        if place < 0:
            raise CodecError(f"has no end mark {hex_text(end)} before the end of the frame")
        return content.read(data, at, place - at)[0], place + len(end)

    def write(value: Any) -> bytes:
        written = content.write(value)[0] + end
        if find(written, 0) != len(written) - len(end):
            raise CodecError(f"has the end mark {hex_text(end)} in its bytes")
        return written

    def draw(random: Random) -> Any:
        for _ in range(20):
            value = content.draw(random, None)
            try:
                write(value)
            except CodecError:
                continue
            return value
        return content.draw(random, 0)

    return Layout(len(end), read, write, draw, sized(content.form, {"until": hex_text(end)}))


def area(inner: Layout) -> VariableLayout:
    """Return the layout of a value that takes a number of bytes which is known before."""
    outside_tags(inner)

    def read(data: bytes, at: int, length: int | None) -> tuple[Any, int]:
        part, end = cut(data, at, length)
        value, read_to = inner.read(part, 0)
        if read_to != len(part):
            raise CodecError(f"has {len(part) - read_to} bytes too many at its end")
        return value, end

    def write(value: Any) -> tuple[bytes, int]:
        written = inner.write(value)
        return written, len(written)

    return VariableLayout(read, write, lambda random, length: inner.draw(random), inner.form)


def fixed_area(inner: Layout, size: int) -> Layout:
    """Return the layout of a value in so many bytes, filled up with zeros. Raises ConfigurationError."""
    if inner.is_open:
        raise ConfigurationError("what takes the rest of the frame would take the padding of Fixed too")

    def read(data: bytes, at: int) -> tuple[Any, int]:
        part, end = cut(data, at, size)
        return inner.read(part, 0)[0], end

    def write(value: Any) -> bytes:
        written = inner.write(value)
        if len(written) > size:
            raise CodecError(f"has {len(written)} bytes, but the field has {size}")
        return written.ljust(size, b"\0")

    return Layout(size, read, write, inner.draw, sized(inner.form, {"fixed": size}))


def aligned(content: VariableLayout, size: int) -> VariableLayout:
    """Return the layout of content with zero bytes behind it, to a multiple of so many bytes."""

    def read(data: bytes, at: int, length: int | None) -> tuple[Any, int]:
        value, end = content.read(data, at, length)
        behind = end + -(end - at) % size
        if behind > len(data):
            raise too_short(behind - end, len(data) - end)
        return value, behind

    def write(value: Any) -> tuple[bytes, int]:
        written, length = content.write(value)
        return written + bytes(-len(written) % size), length

    return evolve(content, read=read, write=write, form={**content.form, "aligned": size})


def aligned_whole(inner: Layout, size: int) -> Layout:
    """Return a layout with zero bytes behind it, to a multiple of so many bytes."""

    def read(data: bytes, at: int) -> tuple[Any, int]:
        value, end = inner.read(data, at)
        behind = end + -(end - at) % size
        if behind > len(data):
            raise too_short(behind - end, len(data) - end)
        return value, behind

    def write(value: Any) -> bytes:
        written = inner.write(value)
        return written + bytes(-len(written) % size)

    return Layout(inner.min_size, read, write, inner.draw, {**inner.form, "aligned": size})


def in_bytes(count: FixedLayout, content: VariableLayout, measure: Measure) -> VariableLayout:
    """Return the layout of content with its size in bytes before it. Its items are counted elsewhere."""
    number = from_fixed(count)
    read_number, read_content, plain = number.read, content.read, measure == Measure()

    def read(data: bytes, at: int, length: int | None) -> tuple[Any, int]:
        size, start = read_number(data, at)
        part, end = cut(data, start, size if plain else measure.length(size))
        value, read_to = read_content(part, 0, length)
        if read_to != len(part):
            raise wrong(f"{read_to} bytes, as many as its items take", len(part))
        return value, end

    def write(value: Any) -> tuple[bytes, int]:
        written, length = content.write(value)
        return number.write(measure.number(len(written))) + written, length

    form = sized(content.form, {"count": count.form, "in": "bytes", **measure.form()})
    return evolve(content, read=read, write=write, form=form)


def used_part(
    count: FixedLayout, part: FixedLayout, content: VariableLayout, size: int, pad: bytes
) -> FixedLayout:
    """
    Return the layout of a count and a partly used field.

    Args:
        count: the number that tells how much is used.
        part: the layout of the field's bytes.
        content: the layout of what is used.
        size: the size of the field, as the count counts it.
        pad: the bytes that fill the field up.
    """
    room = part.size

    def from_items(items: Any, at: int) -> Any:
        length = count.from_items(items, at)
        if not 0 <= length <= size:
            raise CodecError(f"has a length of {length}, but the field has {size}")
        return content.read(items[at + count.items], 0, length)[0]

    def to_items(value: Any, items: list[Any]) -> None:
        written, length = content.write(value)
        left = room - len(written)
        if left < 0 or left % len(pad) or length > size:
            raise CodecError(f"has a length of {length}, but the field has {size}")
        count.to_items(length, items)
        items.append(written + pad * (left // len(pad)))

    def draw(random: Random) -> Any:
        for _ in range(TRIES):
            value = content.draw(random, None)
            try:
                to_items(value, [])
            except CodecError:
                continue
            return value
        return content.draw(random, 0)

    padding = {"fixed": size, "pad": hex_text(pad)}
    form = sized(content.form, {"count": count.form, "in": content.unit, **padding})
    return FixedLayout(
        count.order, count.code + part.code, count.items + 1, from_items, to_items, draw, form
    )
