"""
How single values look in JSON: the leaves and the containers of :mod:`tcpcomm.codec.json.parameters`.

What JSON has not is written so: bytes as base64, dates and times as ISO 8601, the members of an Enum as
their values, tuples as lists. NaN and infinity are refused. A whole number is read where a float is wanted
if the float is exactly that number, for JSON has one kind of number, and many programs write 3 for 3.0.
The other way is refused, and True is no number.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from enum import Flag
from math import isfinite
from numbers import Integral, Real
from typing import Any, Final

from attrs import frozen

from tcpcomm.codec import enum_values
from tcpcomm.codec.annotations import bare_type, type_text
from tcpcomm.codec.numpy_values import native, native_list
from tcpcomm.codec.problems import brief_name, brief_repr, inside, wrong
from tcpcomm.errors import CodecError, ConfigurationError

__all__ = ["LEAVES", "Shape", "Step", "choice", "fixed_tuple", "flag", "mapping", "sequence", "union"]

Step = Callable[[Any], Any]


@frozen
class Shape:
    """
    How the values of one annotation look in JSON.

    Attributes:
        read: what JSON has to a value. Raises CodecError.
        write: a value to what JSON has. Raises CodecError.
        json: the types of what ``read`` takes.
        python: the types of what ``write`` takes.
        label: the shape, for people.
    """

    read: Step
    write: Step
    json: tuple[type, ...]
    python: tuple[type, ...]
    label: str


def _exactly(kind: type, name: str) -> Step:
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
            pass  # it is as little a float as one that would be rounded
        raise CodecError(f"{brief_repr(value)} is no float: it would be rounded")
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
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise CodecError(f"holds half a character: {brief_repr(value[error.start])}") from None
    return value


def _read_bytes(value: Any) -> bytes:
    try:
        return base64.b64decode(_text(value), validate=True)
    except (binascii.Error, ValueError) as error:
        if isinstance(error, CodecError):
            raise
        raise wrong("base64", value) from None


def _write_bytes(value: Any) -> str:
    if not isinstance(value, bytes | bytearray):
        raise wrong("bytes", value)
    return base64.b64encode(value).decode("ascii")


def _moment(kind: Any, name: str) -> Shape:
    def read(value: Any) -> Any:
        try:
            return kind.fromisoformat(_text(value))
        except ValueError as error:
            if isinstance(error, CodecError):
                raise
            raise wrong(f"{name} as in ISO 8601", value) from None

    def write(value: Any) -> str:
        if type(value) is not kind:
            raise wrong(name, value)
        return str(value.isoformat())

    return Shape(read, write, (str,), (kind,), f'"{name}, ISO 8601"')


def _whatever(value: Any) -> Any:
    """What JSON has. The text may be read at a depth at which it cannot be looked through."""
    try:
        return _any(value)
    except RecursionError:
        raise CodecError("is nested too deeply") from None


def _any(value: Any) -> Any:
    """What JSON has, looked through to the bottom."""
    if type(value) is dict:
        for key, each in value.items():
            _any_inside(brief_name(_text(key)), each)
    elif type(value) is list:
        for index, each in enumerate(value):
            _any_inside(f"[{index}]", each)
    elif type(value) is str:
        _text(value)
    elif type(value) is float:
        _read_float(value)
    elif value is not None and type(value) not in (bool, int):
        raise wrong("something that JSON has", value)
    return value


def _any_inside(step: str, value: Any) -> None:
    try:
        _any(value)
    except CodecError as error:
        raise inside(step, error) from None


LEAVES: Final[Mapping[Any, Shape]] = {
    Any: Shape(_whatever, _whatever, (type(None), bool, int, float, str, list, dict), (object,), "any"),
    bool: Shape(_exactly(bool, "true or false"), _write_bool, (bool,), (bool,), "true or false"),
    bytes: Shape(_read_bytes, _write_bytes, (str,), (bytes,), '"base64"'),
    date: _moment(date, "date"),
    datetime: _moment(datetime, "date and time"),
    float: Shape(_read_float, _write_float, (float, int), (float,), "number"),
    int: Shape(_exactly(int, "a whole number"), _write_int, (int,), (int,), "whole number"),
    str: Shape(_text, _text, (str,), (str,), '"text"'),
    time: _moment(time, "time"),
    type(None): Shape(
        _exactly(type(None), "null"), _exactly(type(None), "None"), (type(None),), (type(None),), "null"
    ),
}
"""The shapes that are not made of others."""


def choice(members: Mapping[Any, Any], name: str) -> Shape:
    """One of several values, an Enum's or a Literal's; True is not 1 among them."""
    for value in members:
        if type(value) not in (str, int, bool, type(None)):
            raise ConfigurationError(f"{name} holds {value!r}: the choices must be text or whole numbers")
    label = " | ".join(f'"{value}"' if type(value) is str else str(value) for value in members)
    json, python = (tuple(dict.fromkeys(map(type, each))) for each in (members, members.values()))
    return Shape(*enum_values.choice(members, label), json, python, label)


def flag(cls: type[Flag]) -> Shape:
    """Several members of a Flag, as the number that they make together. The class decides on other bits."""
    label = " + ".join(f"{each.value} {each.name}" for each in cls)
    return Shape(*enum_values.flag(cls), (int,), (cls,), label)


def sequence(kind: type, element: Shape) -> Shape:
    """A list, or a tuple, of any length."""

    def through(step: Step, given: type[Any], made: type[Any]) -> Step:
        def convert(value: Any) -> Any:
            if type(value) is not given:
                value = native_list(value, "a list" if given is list else "a tuple")
            index = 0
            found = []
            try:
                for index, each in enumerate(value):  # noqa: B007
                    found.append(step(each))
            except CodecError as error:
                raise inside(f"[{index}]", error) from None
            return found if made is list else tuple(found)

        return convert

    return Shape(
        through(element.read, list, kind),
        through(element.write, kind, list),
        (list,),
        (kind,),
        f"[{element.label}, ...]",
    )


def fixed_tuple(elements: Sequence[Shape]) -> Shape:
    """A tuple with a type for each place."""

    def through(steps: Sequence[Step], given: type[Any], made: type[Any]) -> Step:
        def convert(value: Any) -> Any:
            says = f"a {given.__name__} of {len(steps)}"
            if type(value) is not given:
                value = native_list(value, says)
            if len(value) != len(steps):
                raise wrong(says, value)
            index = 0
            found = []
            try:
                for index, step in enumerate(steps):
                    found.append(step(value[index]))
            except CodecError as error:
                raise inside(f"[{index}]", error) from None
            return found if made is list else tuple(found)

        return convert

    return Shape(
        through([each.read for each in elements], list, tuple),
        through([each.write for each in elements], tuple, list),
        (list,),
        (tuple,),
        f"[{', '.join(each.label for each in elements)}]",
    )


def mapping(key: Any, element: Shape) -> Shape:
    """An object whose keys are data."""
    if bare_type(key) is not str:
        raise ConfigurationError(
            f"the keys of a JSON object are text, not {type_text(key)}: use dict[str, ...]"
        )

    def through(step: Step) -> Step:
        def convert(value: Any) -> Any:
            if type(value) is not dict:
                raise wrong("an object", value)
            found = {}
            name: Any = ""
            try:
                for name, each in value.items():
                    found[_text(name)] = step(each)
            except CodecError as error:
                raise inside(f"[{brief_repr(name)}]", error) from None
            return found

        return convert

    return Shape(
        through(element.read), through(element.write), (dict,), (dict,), f'{{"...": {element.label}, ...}}'
    )


def union(members: Iterable[tuple[Any, Shape]]) -> Shape:
    """One of several shapes, which must differ in what they are in JSON: that alone tells them apart."""
    members = [*members]
    reads: dict[type, Step] = {}
    writes: dict[type, Step] = {}
    for annotation, shape in members:
        for kind in shape.python:
            if kind in writes or kind is object:
                raise ConfigurationError(
                    f"{type_text(annotation)} cannot be told from the rest of its union"
                )
            writes[kind] = shape.write
        for kind in shape.json:
            if kind in reads and not (
                kind is int and {float, int} <= {bare_type(each) for each, _ in members}
            ):
                raise ConfigurationError(
                    f"{type_text(annotation)} cannot be told from the rest of its union: both are "
                    f"{_JSON_NAMES[kind]} in JSON"
                )
            if kind not in reads or shape.json == (int,):  # 3 is an int where both are allowed
                reads[kind] = shape.read
    label = " | ".join(shape.label for _, shape in members)

    def dispatch(table: Mapping[type, Step]) -> Step:
        def step(value: Any) -> Any:
            found = table.get(type(value))
            if found is None:
                own = native(value)
                found = table.get(type(own))
                if found is None:
                    raise wrong(label, value)
                value = own
            return found(value)

        return step

    if float in writes and int not in writes:
        writes[int] = writes[float]
    return Shape(dispatch(reads), dispatch(writes), tuple(reads), tuple(writes), label)


_JSON_NAMES: Final = {
    type(None): "null",
    bool: "true or false",
    int: "numbers",
    float: "numbers",
    str: "text",
    list: "lists",
    dict: "objects",
}
