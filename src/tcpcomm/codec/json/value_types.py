"""
The types of values in JSON: of single values, lists, tuples, objects and unions.

JSON carries bytes as base64, dates and times as ISO 8601, members of an Enum as their values, and tuples as
lists. NaN and infinity are refused. A whole number is read as a float if the float is exactly that number,
because JSON has one kind of number, and many programs write 3 for 3.0. A float is not read as a whole
number, and True is not a number.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from enum import Flag
from itertools import repeat
from math import isfinite
from numbers import Integral, Real
from typing import Any, Final

from attrs import frozen

from tcpcomm.codec import enum_values
from tcpcomm.codec.annotations import bare_type, type_text
from tcpcomm.codec.enum_values import Conversion
from tcpcomm.codec.numpy_values import native, native_list
from tcpcomm.codec.problems import brief_name, brief_repr, inside, wrong
from tcpcomm.errors import CodecError, ConfigurationError


@frozen
class ValueType:
    """
    The rule between the values of one annotation and values of JSON.

    Attributes:
        read: turns a value of JSON into one of Python. Raises CodecError.
        write: turns a value of Python into one of JSON. Raises CodecError.
        json: the types that ``read`` takes.
        python: the types that ``write`` takes.
        label: the type for people.
    """

    read: Conversion
    write: Conversion
    json: tuple[type, ...]
    python: tuple[type, ...]
    label: str


def _exactly(kind: type, name: str) -> Conversion:
    def check(value: Any) -> Any:
        if type(value) is not kind:
            raise wrong(name, value)
        return value

    return check


def _write_bool(value: Any) -> bool:
    own = native(value)
    if type(own) is not bool:
        raise wrong("True or False", value)
    return own


def _read_float(value: Any) -> float:
    if type(value) is float:
        if isfinite(value):
            return value
        raise wrong("a finite number", value)
    if type(value) is int:
        try:
            if (exact := float(value)) == value:
                return exact
        except OverflowError:
            pass
        raise CodecError(f"{brief_repr(value)} is not exact as a float: it would be rounded")
    raise wrong("a number", value)


def _write_float(value: Any) -> float:
    # Real numbers of other packages, numpy's float32 above all, are numbers too.
    if type(value) not in (float, int) and isinstance(value, Real) and not isinstance(value, bool):
        value = float(value)
    return _read_float(value)


def _write_int(value: Any) -> int:
    if type(value) is int:
        return value
    if isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    raise wrong("a whole number", value)


def _text(value: Any) -> str:
    if type(value) is not str:
        raise wrong("text", value)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise CodecError(f"contains half a character: {brief_repr(value[error.start])}") from None
    return value


def _read_bytes(value: Any) -> bytes:
    text = _text(value)
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise wrong("base64", value) from None


def _write_bytes(value: Any) -> str:
    if not isinstance(value, bytes | bytearray):
        raise wrong("bytes", value)
    return base64.b64encode(value).decode("ascii")


def _moment(kind: Any, name: str) -> ValueType:
    def read(value: Any) -> Any:
        text = _text(value)
        try:
            return kind.fromisoformat(text)
        except ValueError:
            raise wrong(f"{name} as in ISO 8601", value) from None

    def write(value: Any) -> str:
        if type(value) is not kind:
            raise wrong(name, value)
        return str(value.isoformat())

    return ValueType(read, write, (str,), (kind,), f'"{name}, ISO 8601"')


def _whatever(value: Any) -> Any:
    """Return a value of JSON unchanged. Raises CodecError if it is nested deeper than this can check."""
    try:
        return _any(value)
    except RecursionError:
        raise CodecError("is nested too deeply") from None


def _any(value: Any) -> Any:
    """Return a value of JSON unchanged. Raises CodecError for a part that JSON cannot carry."""
    kind = type(value)
    if kind is dict:
        for key, each in value.items():
            _any_inside(brief_name(_text(key)), each)
    elif kind is list:
        for index, each in enumerate(value):
            _any_inside(f"[{index}]", each)
    elif kind is str:
        _text(value)
    elif kind is float:
        _read_float(value)
    elif value is not None and kind not in (bool, int):
        raise wrong("a value of JSON", value)
    return value


def _any_inside(place: str, value: Any) -> None:
    try:
        _any(value)
    except CodecError as error:
        raise inside(place, error) from None


LEAVES: Final[Mapping[Any, ValueType]] = {
    Any: ValueType(_whatever, _whatever, (type(None), bool, int, float, str, list, dict), (object,), "any"),
    bool: ValueType(_exactly(bool, "true or false"), _write_bool, (bool,), (bool,), "true or false"),
    bytes: ValueType(_read_bytes, _write_bytes, (str,), (bytes,), '"base64"'),
    date: _moment(date, "date"),
    datetime: _moment(datetime, "date and time"),
    float: ValueType(_read_float, _write_float, (float, int), (float,), "number"),
    int: ValueType(_exactly(int, "a whole number"), _write_int, (int,), (int,), "whole number"),
    str: ValueType(_text, _text, (str,), (str,), '"text"'),
    time: _moment(time, "time"),
    type(None): ValueType(
        _exactly(type(None), "null"), _exactly(type(None), "None"), (type(None),), (type(None),), "null"
    ),
}
"""The types that do not contain others."""


def choice(members: Mapping[Any, Any], name: str) -> ValueType:
    """Return the type of one of several members of an Enum or Literal, given by their plain values."""
    for value in members:
        if type(value) not in (str, int, bool, type(None)):
            raise ConfigurationError(
                f"{name} has the value {value!r}: its values must be text or whole numbers"
            )
    label = " | ".join(f'"{value}"' if type(value) is str else str(value) for value in members)
    json, python = (tuple(dict.fromkeys(map(type, each))) for each in (members, members.values()))
    return ValueType(*enum_values.choice(members, label), json, python, label)


def flag(cls: type[Flag]) -> ValueType:
    """Return the type of a Flag, which JSON carries as the sum of its numbers."""
    label = " + ".join(f"{each.value} {each.name}" for each in cls)
    return ValueType(*enum_values.flag(cls), (int,), (cls,), label)


def sequence(kind: type, element: ValueType) -> ValueType:
    return ValueType(
        _items(repeat(element.read), None, list, kind),
        _items(repeat(element.write), None, kind, list),
        (list,),
        (kind,),
        f"[{element.label}, ...]",
    )


def fixed_tuple(elements: Sequence[ValueType]) -> ValueType:
    return ValueType(
        _items([each.read for each in elements], len(elements), list, tuple),
        _items([each.write for each in elements], len(elements), tuple, list),
        (list,),
        (tuple,),
        f"[{', '.join(each.label for each in elements)}]",
    )


def _items(
    conversions: Iterable[Conversion], size: int | None, given: type[Any], made: type[Any]
) -> Conversion:
    """Return a function that converts the items of a list or tuple, of a given size if it is not None."""
    expected = f"a {given.__name__}" if size is None else f"a {given.__name__} of {size}"

    def convert(value: Any) -> Any:
        if type(value) is not given:
            value = native_list(value, expected)
        if size is not None and len(value) != size:
            raise wrong(expected, value)
        found: list[Any] = []
        try:
            for convert_item, each in zip(conversions, value, strict=False):
                found.append(convert_item(each))
        except CodecError as error:
            raise inside(f"[{len(found)}]", error) from None
        return found if made is list else tuple(found)

    return convert


def mapping(key: Any, element: ValueType) -> ValueType:
    """Return the type of a dictionary with text as keys."""
    if bare_type(key) is not str:
        raise ConfigurationError(
            f"the keys of a JSON object must be text, not {type_text(key)}: use dict[str, ...]"
        )

    def converter(convert_value: Conversion) -> Conversion:
        def convert(value: Any) -> Any:
            if type(value) is not dict:
                raise wrong("an object", value)
            found = {}
            name: Any = ""
            try:
                for name, each in value.items():
                    found[_text(name)] = convert_value(each)
            except CodecError as error:
                raise inside(f"[{brief_repr(name)}]", error) from None
            return found

        return convert

    return ValueType(
        converter(element.read),
        converter(element.write),
        (dict,),
        (dict,),
        f'{{"...": {element.label}, ...}}',
    )


def union(members: Iterable[tuple[Any, ValueType]]) -> ValueType:
    """Return the type of a union. Its members must differ in JSON, which alone shows them."""
    members = [*members]
    reads: dict[type, Conversion] = {}
    writes: dict[type, Conversion] = {}
    for annotation, value_type in members:
        for kind in value_type.python:
            if kind in writes or kind is object:
                raise ConfigurationError(
                    f"{type_text(annotation)} cannot be distinguished from the rest of its union"
                )
            writes[kind] = value_type.write
        for kind in value_type.json:
            if kind in reads and not (
                kind is int and {float, int} <= {bare_type(each) for each, _ in members}
            ):
                raise ConfigurationError(
                    f"{type_text(annotation)} cannot be distinguished from the rest of its union: both are "
                    f"{_JSON_NAMES[kind]} in JSON"
                )
            if kind not in reads or value_type.json == (int,):  # 3 is an int if both are allowed
                reads[kind] = value_type.read
    label = " | ".join(value_type.label for _, value_type in members)

    def dispatch(table: Mapping[type, Conversion]) -> Conversion:
        def convert(value: Any) -> Any:
            found = table.get(type(value))
            if found is None:
                own = native(value)
                found = table.get(type(own))
                if found is None:
                    raise wrong(label, value)
                value = own
            return found(value)

        return convert

    if float in writes and int not in writes:
        writes[int] = writes[float]
    return ValueType(dispatch(reads), dispatch(writes), tuple(reads), tuple(writes), label)


_JSON_NAMES: Final = {
    type(None): "null",
    bool: "true or false",
    int: "numbers",
    float: "numbers",
    str: "text",
    list: "lists",
    dict: "objects",
}
