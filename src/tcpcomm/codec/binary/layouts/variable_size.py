"""Layouts of values that have a length: text, bytes and lists."""

from __future__ import annotations

import struct
from collections.abc import Callable
from operator import getitem
from random import Random
from typing import Any, Final

from tcpcomm.codec.binary.layouts.fixed_size import FixedLayout, RecordType, joined
from tcpcomm.codec.binary.layouts.forms import Form, hex_text, sized
from tcpcomm.codec.binary.layouts.layout import (
    ENDLESS,
    Layout,
    VariableLayout,
    cut,
    from_fixed,
    outside_tags,
    too_short,
)
from tcpcomm.codec.binary.layouts.padded_text import Text
from tcpcomm.codec.binary.layouts.recursion import TooDeep
from tcpcomm.codec.binary.types import Order
from tcpcomm.codec.limits import check_length, limit_of_lists
from tcpcomm.codec.numpy_values import list_of, native_list
from tcpcomm.codec.problems import inside, wrong
from tcpcomm.errors import CodecError, ConfigurationError

_KEPT_LENGTHS: Final = 64
"""The lengths of lists whose formats are kept."""
_DRAWN_TEXT: Final = 12
"""The most bytes of a drawn text."""


def _write_bytes(value: Any) -> tuple[bytes, int]:
    if not isinstance(value, bytes | bytearray):
        raise wrong("bytes", value)
    return bytes(value), len(value)


def _draw_bytes(random: Random, length: int | None) -> bytes:
    length = random.randint(0, 6) if length is None else length
    return bytes(random.randint(0, 255) for _ in range(length))


BYTES: Final = VariableLayout(cut, _write_bytes, _draw_bytes, {"type": "bytes"})


def text_layout(rule: Text) -> VariableLayout:
    """Return the layout of text. Its length counts bytes."""

    def read(data: bytes, at: int, length: int | None) -> tuple[str, int]:
        content, end = cut(data, at, length)
        return rule.read(content), end

    def write(value: Any) -> tuple[bytes, int]:
        content = rule.write(value)
        return content, len(content)

    def draw(random: Random, length: int | None) -> str:
        if length is None:
            return rule.draw(random, _DRAWN_TEXT)
        return rule.read(b" " * length)  # another field with the same count has chosen the length

    return VariableLayout(read, write, draw, rule.form)


def list_layout(element: Layout, in_bytes: bool) -> VariableLayout:
    """Return the layout of a list, counted in elements or bytes. Raises ConfigurationError."""
    check_element(element)
    form = {"type": "list", "item": element.form}
    unit = "bytes" if in_bytes else "items"
    if element.fixed is not None:
        return _list_of_fixed(element, element.fixed, in_bytes, form, unit)
    return _list_of_variable(element, in_bytes, form, unit)


def check_element(element: Layout) -> None:
    """Raise ConfigurationError if the elements of a list would have no end, or no bytes."""
    outside_tags(element)
    if not element.min_size:
        raise ConfigurationError("the elements of a list must take at least one byte each")
    if element.is_open:
        raise ConfigurationError(
            "the elements of a list cannot take the rest of the frame: give each a size, as in Counted(U8)"
        )


def _list_of_fixed(
    element: Layout, fixed: FixedLayout, in_bytes: bool, form: Form, counts: str
) -> VariableLayout:
    size, plain, most = fixed.size, fixed.plain, limit_of_lists()
    unit = size if in_bytes else 1
    numbers = {int, plain}  # struct also writes a whole number as a float
    order, code, from_items = fixed.struct.format[0], fixed.code, fixed.from_items
    unpackers: dict[int, Callable[[bytes, int], tuple[Any, ...]]] = {}

    def unpacker(number: int) -> Callable[[bytes, int], tuple[Any, ...]]:
        found = struct.Struct(f"{order}{number}{code}").unpack_from
        if len(unpackers) < _KEPT_LENGTHS:
            unpackers[number] = found
        return found

    packers: dict[int, Callable[..., bytes]] = {}

    def packer(number: int) -> Callable[..., bytes]:
        found = struct.Struct(f"{order}{number}{code}").pack
        if len(packers) < _KEPT_LENGTHS:
            packers[number] = found
        return found

    def read(data: bytes, at: int, length: int | None) -> tuple[list[Any], int]:
        left = len(data) - at
        number, over = divmod(left, size) if length is None else divmod(length, unit)
        if over and length is not None:
            raise CodecError(f"has a length of {length} bytes, which is not a multiple of {unit}")
        if over:
            raise CodecError(f"the last element has {over} bytes and not {size}")
        if number < 0 or number * size > left:
            raise too_short(number * size, left)
        end = at + number * size
        if plain is not None:  # one call of struct makes all elements
            unpack = unpackers[number] if number in unpackers else unpacker(number)
            return [*unpack(data, at)], end
        check_length(number, most)
        found: list[Any] = []
        try:
            for items in fixed.struct.iter_unpack(memoryview(data)[at:end]):
                found.append(from_items(items, 0))
        except CodecError as error:
            raise inside(f"[{len(found)}]", error) from None
        return found, end

    def write(value: Any) -> tuple[bytes, int]:
        if type(value) is not list:
            value = native_list(value, "a list")
        number = len(value)
        if plain is not None and numbers.issuperset(map(type, value)):
            try:
                pack = packers[number] if number in packers else packer(number)
                return pack(*value), number * unit
            except (struct.error, OverflowError):
                pass  # the loop finds the element that does not fit
        return _joined_elements(element, value, most), len(value) * unit

    def draw(random: Random, length: int | None) -> list[Any]:
        number = random.randint(0, 3) if length is None else length // unit
        return [element.draw(random) for _ in range(number)]

    return VariableLayout(read, write, draw, form, counts)


def _joined_elements(element: Layout, value: list[Any], most: int) -> bytes:
    check_length(len(value), most)
    written: list[bytes] = []
    write = element.write
    try:
        for each in value:
            written.append(write(each))
    except CodecError as error:
        raise inside(f"[{len(written)}]", error) from None
    return b"".join(written)


def _list_of_variable(element: Layout, in_bytes: bool, form: Form, counts: str) -> VariableLayout:
    size = 1 if element.min_size >= ENDLESS else element.min_size
    most = limit_of_lists()

    def read(data: bytes, at: int, length: int | None) -> tuple[list[Any], int]:
        if length is None or in_bytes:
            part, end = cut(data, at, length)
            return _read_to_end(part), end
        left = len(data) - at
        if length < 0 or length * size > left:
            raise too_short(length * size, left)
        check_length(length, most)
        found: list[Any] = []
        read_element = element.read
        try:
            while len(found) < length:
                value, at = read_element(data, at)
                found.append(value)
        except CodecError as error:
            raise inside(f"[{len(found)}]", error) from None
        return found, at

    def _read_to_end(data: bytes) -> list[Any]:
        found: list[Any] = []
        at = 0
        try:
            while at < len(data):
                if len(found) == most:
                    raise CodecError(f"the list has more than {most} items (max_items)")
                value, at = element.read(data, at)
                found.append(value)
        except CodecError as error:
            raise inside(f"[{len(found)}]", error) from None
        return found

    def write(value: Any) -> tuple[bytes, int]:
        if type(value) is not list:
            value = native_list(value, "a list")
        written = _joined_elements(element, value, most)
        return written, len(written) if in_bytes else len(value)

    def draw(random: Random, length: int | None) -> list[Any]:
        number = random.randint(0, 3) if length is None else length
        return _drawn_elements(element, random, number, length is None)

    return VariableLayout(read, write, draw, form, counts)


def _drawn_elements(element: Layout, random: Random, number: int, may_be_empty: bool) -> list[Any]:
    try:
        return [element.draw(random) for _ in range(number)]
    except TooDeep:
        if may_be_empty:
            return []
        raise


def list_until(element: Layout, end: bytes) -> Layout:
    """Return the layout of a list that goes on to an end mark. Raises ConfigurationError."""
    check_element(element)
    most = limit_of_lists()

    def read(data: bytes, at: int) -> tuple[list[Any], int]:
        found: list[Any] = []
        try:
            while not data.startswith(end, at):
                if at >= len(data):
                    raise CodecError(f"has no end mark {hex_text(end)} before the end of the frame")
                if len(found) == most:
                    raise CodecError(f"the list has more than {most} items (max_items)")
                value, at = element.read(data, at)
                found.append(value)
        except CodecError as error:
            raise inside(f"[{len(found)}]", error) from None
        return found, at + len(end)

    def write(value: Any) -> bytes:
        if type(value) is not list:
            value = native_list(value, "a list")
        check_length(len(value), most)
        written: list[bytes] = []
        try:
            for each in value:
                content = element.write(each)
                if content.startswith(end):
                    raise CodecError(f"begins with {hex_text(end)}, which would end the list")
                written.append(content)
        except CodecError as error:
            raise inside(f"[{len(written)}]", error) from None
        whole = b"".join([*written, end])
        _check_ends_once(whole, written)
        return whole

    def _check_ends_once(whole: bytes, written: list[bytes]) -> None:
        """Raise CodecError if an element and the next one begin with the end mark together."""
        at = 0
        for index, each in enumerate(written):
            if whole.startswith(end, at):
                raise CodecError(f"begins with {hex_text(end)}, which would end the list", f"[{index}]")
            at += len(each)

    def draw(random: Random) -> list[Any]:
        drawn = _drawn_elements(element, random, random.randint(0, 3), True)
        return [each for each in drawn if end[0] not in element.write(each)[:1]]

    form = sized({"type": "list", "item": element.form}, {"until": hex_text(end)})
    return Layout(len(end), read, write, draw, form)


def fixed_bytes(size: int, order: Order) -> FixedLayout:
    def to_items(value: Any, items: list[Any]) -> None:
        if not isinstance(value, bytes | bytearray) or len(value) != size:
            raise wrong(f"{size} bytes", value)
        items.append(value)

    form = sized(BYTES.form, {"fixed": size})
    return FixedLayout(
        order, f"{size}s", 1, getitem, to_items, lambda random: _draw_bytes(random, size), form
    )


def fixed_text(rule: Text, size: int, order: Order) -> FixedLayout:
    return FixedLayout(
        order,
        f"{size}s",
        1,
        lambda items, at: rule.read(items[at]),
        lambda value, items: items.append(rule.write(value)),
        lambda random: rule.draw(random, size),
        sized(rule.form, {"fixed": size, "pad": hex_text(rule.padding)}),
    )


def fixed_list(content: VariableLayout, size: int, element: Layout | None) -> Layout:
    """
    Return the layout of a list that always has the same number of elements.

    Args:
        content: the list.
        size: the number of elements.
        element: the layout of an element, if nothing else is between them.
    """
    checked = list_of(size)
    form = sized(content.form, {"fixed": size})
    if element is not None and element.fixed is not None:
        fields = [(f"[{index}]", element.fixed) for index in range(size)]
        return from_fixed(joined(element.fixed.order, fields, RecordType(list, checked), form))
    return Layout(
        1 if element is None else size * element.min_size,
        lambda data, at: content.read(data, at, size),
        lambda value: content.write(checked(value))[0],
        lambda random: content.draw(random, size),
        form,
    )
