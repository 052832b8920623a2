"""
Readers and writers of headers and records, generated as :mod:`tcpcomm.codec.codegen` tells.

For a request of Modbus, ``address: U16, count: U16`` behind a header, the statements are::

    items = c1(data, at)                    # unpack
    return {'address': items[0], 'count': items[1]}, at + 4

    if len(value) == 2:
        v0 = value['address']
        v1 = value['count']
        if type(v0) is int and type(v1) is int:
            return c1(v0, v1)               # pack

    size = len(frame)
    if size >= 8:
        items = c1(frame)                   # unpack
        if items[1] == b'\\x00\\x00' and items[2] == size - 6 and items[3] == b'\\x01':
            return items[4], items[0], None, 8

    return c1(id, b'\\x00\\x00', len(body) + 2, b'\\x01', opcode) + body
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from struct import Struct
from typing import Any

import attrs
from attrs import frozen

from tcpcomm.codec.binary.fixed_size import FixedLayout, ToItems
from tcpcomm.codec.codegen import FastPath


def read_record(
    struct: Struct,
    fields: Sequence[tuple[str, FixedLayout, bool]],
    kind: type[Any],
    fallback: Callable[[bytes, int], tuple[Any, int]],
) -> Callable[[bytes, int], tuple[Any, int]]:
    """
    Return a function that reads fields of a fixed size, which stand side by side.

    Args:
        struct: the format of all fields.
        fields: the name of each, its layout, and whether it has a value.
        kind: the type of the record: dict, an attrs class, or int or float for one number without a name.
        fallback: the general code.
    """
    function = FastPath("read", "data, at", fallback, _subject(fields))
    statements = [f"items = {function.constant(struct.unpack_from)}(data, at)"]
    values = {}
    places = accumulate((layout.items for _, layout, _ in fields), initial=0)
    for place, (name, layout, has_value) in zip(places, fields, strict=False):
        value = f"items[{place}]"
        if layout.plain is None:
            value = f"{function.constant(layout.from_items)}(items, {place})"
        if has_value:
            values[name] = value
        elif layout.items:
            statements.append(value)
    if kind is dict:
        whole = f"{{{', '.join(f'{name!r}: {value}' for name, value in values.items())}}}"
    elif kind in (int, float):
        (whole,) = values.values()
    else:
        aliases = {each.name: each.alias for each in attrs.fields(kind)}
        arguments = ", ".join(f"{aliases[name]}={value}" for name, value in values.items())
        whole = f"{function.constant(kind)}({arguments})"
    return function.compile([*statements, f"return {whole}, at + {struct.size}"])


def write_record(
    struct: Struct,
    fields: Sequence[tuple[str, FixedLayout, bool]],
    kind: type[Any],
    fallback: Callable[[Any], bytes],
) -> Callable[[Any], bytes]:
    """Return a function that writes what the function of :func:`read_record` reads."""
    function = FastPath("write", "value", fallback, _subject(fields))
    if kind is dict:
        names = [name for name, _, has_value in fields if has_value]
        statements, source = [f"if len(value) == {len(names)}:"], "value[{!r}]"
    elif kind in (int, float):
        statements, source = [], "value"
    else:
        statements, source = [f"if type(value) is {function.constant(kind)}:"], "value.{}"
    conditions, items = [], []
    for index, (name, layout, has_value) in enumerate(fields):
        variable = f"v{index}" if has_value else "None"
        if has_value:
            statements.append(f"{variable} = {source.format(name)}")
        if layout.plain is not None:
            conditions.append(f"type({variable}) is {layout.plain.__name__}")
            items.append(variable)
        else:
            items.append(f"*{function.constant(_items_of(layout.to_items))}({variable})")
    if conditions:
        statements.append(f"if {' and '.join(conditions)}:")
    return function.compile([*statements, f"return {function.constant(struct.pack)}({', '.join(items)})"])


def _subject(fields: Sequence[tuple[str, FixedLayout, bool]]) -> str:
    return " ".join(f"{name}:{layout.label}" for name, layout, _ in fields)


def _items_of(to_items: ToItems) -> Callable[[Any], list[Any]]:
    """Return a function that returns the struct items of a value."""

    def items_of(value: Any) -> list[Any]:
        items: list[Any] = []
        to_items(value, items)
        return items

    return items_of


@frozen
class HeaderItem:
    """
    One item of a header.

    Attributes:
        layout: its layout.
        field: ``opcode``, ``id`` or ``status``, if it is one of these.
        constant: its bytes, if they are always the same.
        more: the difference of its value and the size of the body, if it is a length.
    """

    layout: FixedLayout
    field: str = ""
    constant: bytes | None = None
    more: int | None = None


def read_header(
    struct: Struct, items: Sequence[HeaderItem], fallback: Callable[[bytes], Any]
) -> Callable[[bytes], Any]:
    """Return a function that reads a header to a tuple of opcode, id, status and the header's size."""
    if not _is_usual(items):
        return fallback
    function = FastPath("read", "frame", fallback, "header")
    found = {"opcode": "None", "id": "None", "status": "None"}
    checks = []
    for place, item in enumerate(each for each in items if each.layout.items):
        if item.constant is not None:
            checks.append(f"items[{place}] == {item.constant!r}")
        elif item.more is not None:
            checks.append(f"items[{place}] == size + {item.more - struct.size}")
        else:
            found[item.field] = f"items[{place}]"
    statements = [
        "size = len(frame)",
        f"if size >= {struct.size}:",
        f"items = {function.constant(struct.unpack_from)}(frame)",
    ]
    if checks:
        statements.append(f"if {' and '.join(checks)}:")
    return function.compile([*statements, f"return {', '.join(found.values())}, {struct.size}"])


def write_header(
    struct: Struct, items: Sequence[HeaderItem], fallback: Callable[[int, int, int, bytes], bytes]
) -> Callable[[int, int, int, bytes], bytes]:
    """Return a function that writes a frame of an opcode, an id, a status and a body."""
    if not _is_usual(items):
        return fallback
    function = FastPath("write", "opcode, id, status, body", fallback, "header")
    written = []
    for item in (each for each in items if each.layout.items):
        if item.constant is not None:
            written.append(repr(item.constant))
        else:
            written.append(item.field or f"len(body) + {item.more}")
    return function.compile([f"return {function.constant(struct.pack)}({', '.join(written)}) + body"])


def _is_usual(items: Sequence[HeaderItem]) -> bool:
    """Return whether struct alone reads and writes each number."""
    return all(each.layout.plain or each.constant or not each.layout.items for each in items)
