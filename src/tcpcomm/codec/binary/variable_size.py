"""Layouts of values that have a length: text, bytes and lists."""

from __future__ import annotations

import struct
from operator import getitem
from random import Random
from typing import Any, Final, cast

from tcpcomm.codec.binary.fixed_size import FixedLayout, RecordType, joined
from tcpcomm.codec.binary.layout import Layout, VariableLayout, from_fixed, too_short
from tcpcomm.codec.binary.padded_text import Text
from tcpcomm.codec.binary.types import Order
from tcpcomm.codec.limits import check_length, limit_of_lists
from tcpcomm.codec.numpy_values import native_list
from tcpcomm.codec.problems import inside, wrong
from tcpcomm.errors import CodecError, ConfigurationError

_DRAWN_TEXT: Final = 12
"""The most bytes of a drawn text."""


def _cut(data: bytes, at: int, length: int | None) -> tuple[bytes, int]:
    if length is None:
        return data[at:], len(data)
    end = at + length
    if length < 0 or end > len(data):
        raise too_short(length, len(data) - at)
    return data[at:end], end


def _write_bytes(value: Any) -> tuple[bytes, int]:
    if not isinstance(value, bytes | bytearray):
        raise wrong("bytes", value)
    return bytes(value), len(value)


def _draw_bytes(random: Random, length: int | None) -> bytes:
    length = random.randint(0, 6) if length is None else length
    return bytes(random.randint(0, 255) for _ in range(length))


BYTES: Final = VariableLayout(_cut, _write_bytes, _draw_bytes, "bytes")


def text_layout(rule: Text) -> VariableLayout:
    """Return the layout of text. Its length counts bytes."""

    def read(data: bytes, at: int, length: int | None) -> tuple[str, int]:
        content, end = _cut(data, at, length)
        return rule.read(content), end

    def write(value: Any) -> tuple[bytes, int]:
        content = rule.write(value)
        return content, len(content)

    def draw(random: Random, length: int | None) -> str:
        if length is None:
            return rule.draw(random, _DRAWN_TEXT)
        return rule.read(b" " * length)  # another field with the same count has chosen the length

    return VariableLayout(read, write, draw, "text")


def list_layout(element: Layout, in_bytes: bool) -> VariableLayout:
    """Return the layout of a list, counted in elements or bytes. Raises ConfigurationError."""
    if not element.min_size:
        raise ConfigurationError("the elements of a list must take at least one byte each")
    if element.is_open:
        raise ConfigurationError("the elements of a list cannot take the rest of the frame")
    if element.fixed is None and in_bytes:
        raise ConfigurationError("a list is counted in bytes only if all elements have the same size")
    fixed, size = element.fixed, element.min_size
    unit = size if in_bytes else 1
    plain = None if fixed is None else fixed.plain
    most = limit_of_lists()
    numbers = {int, plain}  # struct also writes a whole number as a float
    order, code = ("", "") if fixed is None else (fixed.struct.format[0], fixed.code)

    def read(data: bytes, at: int, length: int | None) -> tuple[list[Any], int]:
        left = len(data) - at
        number, over = divmod(left, size) if length is None else divmod(length, unit)
        if over and length is not None:
            raise CodecError(f"has a length of {length} bytes, which is not a multiple of {unit}")
        if over and fixed is not None:
            raise CodecError(f"the last element has {over} bytes and not {size}")
        if number < 0 or number * size > left:
            raise too_short(number * size, left)
        end = at + number * size
        if plain is not None:  # one call of struct makes all elements
            return [*struct.unpack_from(f"{order}{number}{code}", data, at)], end
        check_length(number if fixed is not None or length is not None else 0, most)
        found: list[Any] = []
        try:
            if fixed is not None:
                from_items = fixed.from_items
                for items in fixed.struct.iter_unpack(memoryview(data)[at:end]):
                    found.append(from_items(items, 0))
                return found, end
            while at < len(data) if length is None else len(found) < number:
                value, at = element.read(data, at)
                found.append(value)
                if len(found) > most:
                    raise CodecError(f"the list has more than {most} items (max_items)")
        except CodecError as error:
            raise inside(f"[{len(found)}]", error) from None
        return found, at

    def write(value: Any) -> tuple[bytes, int]:
        if type(value) is not list:
            value = native_list(value, "a list")
        if plain is not None and numbers.issuperset(map(type, value)):
            try:
                return struct.pack(f"{order}{len(value)}{code}", *value), len(value) * unit
            except (struct.error, OverflowError):
                pass  # the loop finds the element that does not fit
        check_length(len(value), most)
        written: list[bytes] = []
        try:
            for each in value:
                written.append(element.write(each))
        except CodecError as error:
            raise inside(f"[{len(written)}]", error) from None
        return b"".join(written), len(value) * unit

    def draw(random: Random, length: int | None) -> list[Any]:
        number = random.randint(0, 3) if length is None else length // unit
        return [element.draw(random) for _ in range(number)]

    return VariableLayout(read, write, draw, f"({element.label})")


def fixed_bytes(size: int, order: Order) -> FixedLayout:
    def to_items(value: Any, items: list[Any]) -> None:
        if not isinstance(value, bytes | bytearray) or len(value) != size:
            raise wrong(f"{size} bytes", value)
        items.append(value)

    label = f"bytes[{size}]"
    return FixedLayout(
        order, f"{size}s", 1, getitem, to_items, lambda random: _draw_bytes(random, size), label
    )


def fixed_text(rule: Text, size: int, order: Order) -> FixedLayout:
    return FixedLayout(
        order,
        f"{size}s",
        1,
        lambda items, at: rule.read(items[at]),
        lambda value, items: items.append(rule.write(value)),
        lambda random: rule.draw(random, size),
        f"text[{size}]",
    )


def fixed_list(element: Layout, size: int) -> Layout:
    content = list_layout(element, False)

    def checked(value: Any) -> list[Any]:
        if type(value) is not list:
            value = native_list(value, f"a list of {size}")
        if len(value) != size:
            raise wrong(f"a list of {size}", value)
        return cast("list[Any]", value)

    label = f"({element.label})[{size}]"
    if element.fixed is not None:
        fields = [(f"[{index}]", element.fixed) for index in range(size)]
        return from_fixed(joined(element.fixed.order, fields, RecordType(list, checked), label))
    return Layout(
        size * element.min_size,
        lambda data, at: content.read(data, at, size),
        lambda value: content.write(checked(value))[0],
        lambda random: content.draw(random, size),
        label,
    )
