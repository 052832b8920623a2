"""
Readers and writers of records, generated as :mod:`tcpcomm.codec.codegen` tells.

For a request of Modbus, ``address: U16, count: U16``, the statements are::

    items = c1(data, at)                    # unpack
    return {'address': items[0], 'count': items[1]}, at + 4

    if len(value) == 2:
        v0 = value['address']
        v1 = value['count']
        if type(v0) is int and type(v1) is int:
            return c1(v0, v1)               # pack
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from struct import Struct
from typing import Any

from tcpcomm.codec.annotations import arguments_of
from tcpcomm.codec.binary.layouts.fixed_size import FixedLayout
from tcpcomm.codec.codegen import FastPath, Source


def read_record(
    struct: Struct,
    fields: Sequence[tuple[str, FixedLayout, bool]],
    kind: type[Any] | None,
    fallback: Callable[[bytes, int], tuple[Any, int]],
) -> Callable[[bytes, int], tuple[Any, int]]:
    """
    Return a function that reads fields of a fixed size, which stand side by side.

    Args:
        struct: the format of all fields.
        fields: the name of each, its layout, and True if it has a value.
        kind: dict or an attrs class, or None for one value without a name.
        fallback: the general code.
    """
    function = FastPath("read", "data, at", fallback, _subject(fields))
    statements = [f"items = {function.constant(struct.unpack_from)}(data, at)"]
    values = {}
    conditions: list[str] = []
    places = accumulate((layout.items for _, layout, _ in fields), initial=0)
    for place, (name, layout, has_value) in zip(places, fields, strict=False):
        value = read_item(function, layout, place)
        if layout.bounds is not None:
            value = f"items[{place}]"
            conditions += _within(function, layout.bounds, value)
        if has_value:
            values[name] = value
        elif layout.items:
            statements.append(value)
    if kind is dict:
        whole = f"{{{', '.join(f'{name!r}: {value}' for name, value in values.items())}}}"
    elif kind is None:
        (whole,) = values.values()
    else:
        aliases = arguments_of(kind)
        arguments = ", ".join(f"{aliases[name]}={value}" for name, value in values.items())
        whole = f"{function.constant(kind)}({arguments})"
    if conditions:
        statements.append(f"if {' and '.join(conditions)}:")
    return function.compile([*statements, f"return {whole}, at + {struct.size}"])


def argument_sources(
    source: Source, fields: Sequence[tuple[str, FixedLayout, bool]], place: int
) -> tuple[list[str], dict[str, str]]:
    """
    Return statements that check fields that stand side by side, and the source of the value of each.

    The place is the index of the first one in ``items``. The statements raise if a value does not fit.
    """
    statements, values = [], {}
    for name, layout, has_value in fields:
        value = read_item(source, layout, place)
        if layout.bounds is not None:
            value = f"items[{place}]"
            conditions = " and ".join(_within(source, layout.bounds, value))
            statements.append(f"if not ({conditions}): raise ValueError")
        if has_value:
            values[name] = value
        elif layout.items:
            statements.append(value)
        place += layout.items
    return statements, values


def write_record(
    struct: Struct,
    fields: Sequence[tuple[str, FixedLayout, bool]],
    kind: type[Any] | None,
    fallback: Callable[[Any], bytes],
) -> Callable[[Any], bytes]:
    """Return a function that writes what the function of :func:`read_record` reads."""
    function = FastPath("write", "value", fallback, _subject(fields))
    if kind is dict:
        names = [name for name, _, has_value in fields if has_value]
        statements, source = [f"if len(value) == {len(names)}:"], "value[{!r}]"
    elif kind is None:
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
        if layout.bounds is None:
            items.append(write_item(function, layout, variable))
        else:
            conditions += [f"type({variable}) is int", *_within(function, layout.bounds, variable)]
            items.append(variable)
    if conditions:
        statements.append(f"if {' and '.join(conditions)}:")
    return function.compile([*statements, f"return {function.constant(struct.pack)}({', '.join(items)})"])


def _subject(fields: Sequence[tuple[str, FixedLayout, bool]]) -> str:
    return " ".join(f"{name}:{layout.label}" for name, layout, _ in fields)


def _within(function: Source, bounds: tuple[Any, Any], value: str) -> list[str]:
    """Return the conditions that the value of an expression is within its range."""
    low, high = bounds
    conditions = [] if low is None else [f"{function.constant(low)} <= {value}"]
    return conditions if high is None else [*conditions, f"{value} <= {function.constant(high)}"]


def read_item(function: Source, layout: FixedLayout, place: int) -> str:
    """Return the expression for the value that begins at a place of ``items``."""
    if layout.plain is not None:
        return f"items[{place}]"
    return f"{function.constant(layout.from_items)}(items, {place})"


def write_item(function: Source, layout: FixedLayout, value: str) -> str:
    """Return the arguments of ``pack`` for the value of an expression."""
    if layout.plain is not None:
        return value

    def items_of(value: Any) -> list[Any]:
        items: list[Any] = []
        layout.to_items(value, items)
        return items

    return f"*{function.constant(items_of)}({value})"
