"""Values of annotations in JSON: strictly typed in both directions, and each problem with its path."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from random import Random
from typing import Any, Literal, NewType

import pytest
from attrs import field, frozen, validators
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.codec.json.parameters import ValueTypes
from tcpcomm.codec.json.text import JsonText
from tcpcomm.codec.random_values import draw
from tcpcomm.errors import CodecError, ConfigurationError
from tests.codec.cases import Opaque
from tests.codec.values import Axis, Door, Light, Position, Reading, Recipe, Tree

Millimetres = NewType("Millimetres", float)


@frozen
class Part:
    points: list[Position]
    names: dict[str, int] = field(factory=dict)
    count: int = field(default=0, validator=validators.ge(0))


READ: list[tuple[Any, Any, Any]] = [
    (bool, True, True),
    (int, -(2**70), -(2**70)),
    (float, 3, 3.0),
    (float, 2**53, float(2**53)),
    (Millimetres, 1.5, 1.5),
    (str, "작업 시작", "작업 시작"),
    (bytes, "AP8=", b"\x00\xff"),
    (datetime, "2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
    (Light, "red", Light.RED),
    (Axis, 2, Axis.Y),
    (Door, 5, Door.LEFT | Door.RIGHT),
    (Literal["fast", 3], 3, 3),
    (int | None, None, None),
    (int | float, 3, 3),
    (int | float, 3.5, 3.5),
    (str | Position, {"x": 1, "y": 2}, Position(1.0, 2.0)),
    (tuple[int, str], [1, "a"], (1, "a")),
    (tuple[int, ...], [1, 2], (1, 2)),
    (Part, {"points": []}, Part([])),
]


@pytest.mark.parametrize(("annotation", "json", "value"), READ)
def test_a_value_of_json_becomes_a_value_of_the_annotation(annotation: Any, json: Any, value: Any) -> None:
    read = ValueTypes().of(annotation).read(json)
    assert (type(value), value) == (type(read), read)


NOT_READ: list[tuple[Any, Any, str]] = [
    (bool, 1, "must be true or false, not 1"),
    (bool, "true", "must be true or false, not 'true'"),
    (int, "3", "must be a whole number, not '3'"),
    (int, True, "must be a whole number, not True"),
    (int, 3.0, "must be a whole number, not 3.0"),
    (float, "3.5", "must be a number, not '3.5'"),
    (float, True, "must be a number, not True"),
    (float, 2**53 + 1, "9007199254740993 is not exact as a float: it would be rounded"),
    (float, 10**400, "a number of 1329 bits is not exact as a float: it would be rounded"),
    (float, float("inf"), "must be a finite number, not inf"),
    (float, float("nan"), "must be a finite number, not nan"),
    (str, 3, "must be text, not 3"),
    (str, "a\ud800", "contains half a character: '\\ud800'"),
    (str, None, "must be text, not None"),
    (bytes, "AP8", "must be base64, not 'AP8'"),
    (bytes, "é", "must be base64, not 'é'"),
    (datetime, "yesterday", "must be date and time as in ISO 8601, not 'yesterday'"),
    (datetime, 3, "must be text, not 3"),
    (Light, "blue", 'must be one of "red" | "green", not \'blue\''),
    (Light, ["red"], 'must be one of "red" | "green", not [\'red\']'),
    (Axis, 1.0, "must be one of 1 | 2, not 1.0"),
    (Axis, True, "must be one of 1 | 2, not True"),
    (Door, 2, "must be a sum of numbers of Door, not 2"),
    (Door, True, "must be a sum of numbers of Door, not True"),
    (Literal[1], True, "must be one of 1, not True"),
    (list[int], "123", "must be a list, not '123'"),
    (list[int], {"a": 1}, "must be a list, not {'a': 1}"),
    (list[int], [1, "2"], "[1]: must be a whole number, not '2'"),
    (tuple[int, str], [1], "must be a list of 2, not [1]"),
    (tuple[int, str], [1, 2], "[1]: must be text, not 2"),
    (dict[str, int], [], "must be an object, not []"),
    (dict[str, int], {"a b": "x"}, "['a b']: must be a whole number, not 'x'"),
    (int | None, "x", "must be whole number | null, not 'x'"),
    (Any, {"a": [1, float("inf")]}, "a[1]: must be a finite number, not inf"),
    (Position, [1, 2], "must be an object, Position, not [1, 2]"),
    (Position, "", "must be an object, Position, not ''"),
    (Part, {}, "points: is missing"),
    (Part, {"points": [], "colour": 3}, "colour: is not known here"),
    (Part, {"points": [], "count": -1}, "'count' must be >= 0: -1"),
    (Part, {"points": [{"x": 1, "y": 1}, {"x": 1, "y": "1"}]}, "points[1].y: must be a number, not '1'"),
    (Part, {"points": [{"x": 1}]}, "points[0].y: is missing"),
    (Part, {"points": [{"x": 1, "y": 1, "z": 1}]}, "points[0].z: is not known here"),
]


@pytest.mark.parametrize(("annotation", "json", "problem"), NOT_READ)
def test_a_value_of_json_that_does_not_fit_the_annotation_is_refused_with_its_path(
    annotation: Any, json: Any, problem: str
) -> None:
    with pytest.raises(CodecError) as caught:
        ValueTypes().of(annotation).read(json)
    assert problem == str(caught.value)


NOT_WRITTEN: list[tuple[Any, Any, str]] = [
    (int, "3", "must be a whole number, not '3'"),
    (int, True, "must be a whole number, not True"),
    (int, 3.0, "must be a whole number, not 3.0"),
    (float, float("nan"), "must be a finite number, not nan"),
    (float, True, "must be a number, not True"),
    (str, b"x", "must be text, not b'x'"),
    (bytes, "x", "must be bytes, not 'x'"),
    (datetime, "2026-01-02", "must be date and time, not '2026-01-02'"),
    (Light, "red", "must be one of Light.RED | Light.GREEN, not 'red'"),
    (Axis, 1, "must be one of Axis.X | Axis.Y, not 1"),
    (Door, 1, "must be a Door, not 1"),
    (list[int], (1,), "must be a list, not (1,): write list(...) around it"),
    (tuple[int, ...], [1], "must be a tuple, not [1]"),
    (list[int], [1, 2, "3"], "[2]: must be a whole number, not '3'"),
    (Position, {"x": 1.0}, "must be a Position, not {'x': 1.0}"),
    (int | None, "x", "must be whole number | null, not 'x'"),
    (Any, {1: 2}, "must be text, not 1"),
    (Any, {"a": (1,)}, "a: must be a value of JSON, not (1,)"),
    (Part, Part([Position(1, 2), Position("1", 2)]), "points[1].x: must be a number, not '1'"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("annotation", "value", "problem"), NOT_WRITTEN)
def test_a_value_of_another_type_is_not_written(annotation: Any, value: Any, problem: str) -> None:
    with pytest.raises(CodecError) as caught:
        ValueTypes().of(annotation).write(value)
    assert problem == str(caught.value)


class Number(float):
    """A number of another package, which is a float."""


def test_a_whole_number_is_written_as_a_declared_float() -> None:
    assert "3.0" == repr(ValueTypes().of(float).write(3))
    assert "3.0" == repr(ValueTypes().of(float | None).write(3))


def test_a_number_of_another_package_is_written_as_a_plain_one() -> None:
    assert float is type(ValueTypes().of(float).write(Number(1.5)))


class Shade(Enum):
    RED = "red"


NOT_BOUND: list[tuple[Any, str]] = [
    (Opaque, "JSON cannot carry Opaque"),
    (set[int], "JSON cannot carry set\\[int\\]"),
    (list, "JSON cannot carry list"),
    (dict[int, str], "the keys of a JSON object must be text, not int"),
    (Light | str, "str cannot be distinguished from the rest of its union: both are text in JSON"),
    (list[int] | tuple[int, ...], "cannot be distinguished from the rest of its union"),
    (Position | Tree, "Tree cannot be distinguished from the rest of its union: both are objects in JSON"),
    (Any | None, "cannot be distinguished from the rest of its union"),
    (bytes | str, "str cannot be distinguished from the rest of its union"),
]


@pytest.mark.parametrize(("annotation", "problem"), NOT_BOUND)
def test_an_annotation_that_json_cannot_carry_is_refused(annotation: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        ValueTypes().of(annotation)


def test_a_field_that_json_cannot_carry_is_refused_with_its_class_each_time() -> None:
    @frozen
    class Holder:
        thing: Opaque

    shapes = ValueTypes()
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=r"^Holder\.thing: JSON cannot carry Opaque"):
            shapes.of(Holder)


@pytest.mark.parametrize(
    "annotation", [Position, Reading, Recipe, Tree, list[Recipe], Any, Door, dict[str, Light]]
)
@given(random=st.randoms(use_true_random=False))
def test_drawn_values_pass_json_unchanged(annotation: Any, random: Random) -> None:
    shape, text = ValueTypes("camel").of(annotation), JsonText("utf-8", False)
    value = draw(annotation, random)
    assert value == shape.read(text.read(text.write(shape.write(value))))


def test_names_become_camel_or_pascal_case() -> None:
    @frozen
    class Count:
        part_count: int

    assert {"part_count": 3} == ValueTypes().of(Count).write(Count(3))
    assert {"partCount": 3} == ValueTypes("camel").of(Count).write(Count(3))
    assert {"PartCount": 3} == ValueTypes("pascal").of(Count).write(Count(3))
    with pytest.raises(CodecError, match=r"^PartCount: must be a whole number"):
        ValueTypes("pascal").of(Count).read({"PartCount": "3"})


def test_a_tree_deeper_than_python_goes_is_refused() -> None:
    deep: dict[str, Any] = {"value": 1, "children": []}
    for _ in range(3000):
        deep = {"value": 1, "children": [deep]}
    with pytest.raises(CodecError):
        ValueTypes().of(Tree).read(deep)
