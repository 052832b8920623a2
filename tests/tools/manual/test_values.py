"""Arguments are read strictly by their annotations; results are printed as text or as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from attrs import frozen

from tcpcomm.codec import Field
from tcpcomm.errors import ConfigurationError
from tcpcomm.tools.manual.values import jsonable, lines_of, read_arguments, type_name


class Mode(Enum):
    AUTO = 1
    MANUAL = 2


@frozen
class Point:
    x: float
    label: str = "here"


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (int, "3", 3),
        (int, "-3", -3),
        (int, "0x1F", 31),
        (float, "2", 2.0),
        (float, "-1.5e3", -1500.0),
        (bool, "true", True),
        (bool, "false", False),
        (bool, "True", True),
        (str, "a=b c", "a=b c"),
        (str, "", ""),
        (str, "3", "3"),
        (bytes, "0a1B", b"\n\x1b"),
        (bytes, "0x0a 1b", b"\n\x1b"),
        (Decimal, "1.50", Decimal("1.50")),
        (Mode, "AUTO", Mode.AUTO),
        (Mode, "2", Mode.MANUAL),
        (Literal["slow", 7], "slow", "slow"),
        (Literal["slow", 7], "7", 7),
        (int | None, "none", None),
        (int | None, "4", 4),
        (str | int, "4", 4),
        (str | int, "four", "four"),
        (date, "2026-01-31", date(2026, 1, 31)),
        (list[int], "[1, 2]", [1, 2]),
        (dict[str, float], '{"a": 1.5}', {"a": 1.5}),
        (Point, '{"x": 1}', Point(1.0)),
        (list[Point], '[{"x": 1.5, "label": "작업"}]', [Point(1.5, "작업")]),
        (Annotated[int, "volts"], "5", 5),
        (Mapping[str, Any], '{"D100": 7}', {"D100": 7}),
        (Mapping[str, int | date | str], '{"DB1.DBW4": 7}', {"DB1.DBW4": 7}),
        (tuple[int, ...], "1, 2", (1, 2)),
        (Any, "7", 7),
        (Any, "true", True),
        (Any, "True", True),
        (Any, "hello", "hello"),
        (Any, '"7"', "7"),
        (Any, "[1, 2]", [1, 2]),
        (Any, "7,8", [7, 8]),
        (Any, "true,false", [True, False]),
        (Any, "hello, 7", "hello, 7"),
    ],
)
def test_an_argument_is_read_by_its_annotation(annotation: Any, text: str, value: Any) -> None:
    read = read_arguments([Field("it", annotation)], [f"it={text}"])["it"]

    assert (value, type(value)) == (read, type(read))


@pytest.mark.parametrize(
    ("annotation", "text", "problem"),
    [
        (int, "3.0", "must be a whole number"),
        (int, "1_000", "must be a whole number"),
        (int, "", "must be a whole number"),
        (int, "٣", "must be a whole number"),
        (float, "nan", "must be a number"),
        (float, "1,5", "must be a number"),
        (bool, "1", "must be true or false"),
        (bytes, "0x1", "must be bytes in hex, such as 0a1b2c"),
        (Mode, "auto", "must be one of 1, 2, AUTO, MANUAL"),
        (Literal["slow"], "fast", "must be one of slow"),
        (int | float, "x", "must be a whole number, or must be a number"),
        (bool | list[bool] | tuple[bool, ...], "ON", "must be true or false"),
        (list[int], "1, two", "must be a whole number"),
        (list[int], '[1, "2"]', "[1]: must be a whole number, not '2'"),
        (Point, '{"x": 1, "y": 2}', "y: is not known here"),
        (date, "31.1.2026", "must be date as in ISO 8601, not '31.1.2026'"),
    ],
)
def test_an_argument_of_the_wrong_type_is_refused(annotation: Any, text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        read_arguments([Field("it", annotation)], [f"it={text}"])

    assert f"it={text}: {problem}" == str(refusal.value)


def test_missing_arguments_have_their_defaults() -> None:
    fields = [Field("job", int), Field("speed", float, 0.5)]

    assert {"job": 3, "speed": 0.5} == read_arguments(fields, ["job=3"])


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "job is missing; the arguments are job=..., speed=..."),
        (["3", "1.5", "7"], "'7' is one value too many; the arguments are job=..., speed=..."),
        (["3", "job=4"], "job is given twice"),
        (["jog=3"], "there is no argument 'jog'; the arguments are job=..., speed=..."),
        (["job=3", "job=4"], "job is given twice"),
    ],
)
def test_unknown_and_missing_arguments_are_refused(words: list[str], problem: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        read_arguments([Field("job", int), Field("speed", float, 0.5)], words)

    assert problem == str(refusal.value)


def test_every_result_can_be_written_as_json() -> None:
    value = [Point(1.5), (Mode.AUTO, b"\x00\x01"), {"at": date(2026, 1, 31), "for": Decimal("1.50")}, None]

    expected = [{"x": 1.5, "label": "here"}, [1, "AAE="], {"at": "2026-01-31", "for": "1.50"}, None]
    assert expected == jsonable(value)


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        (Point(1.5, "작업"), ["x: 1.5", "label: 작업"]),
        ([1, "two", b"\x03"], ["1", "two", "03"]),
        ([], []),
        (Mode.AUTO, ["AUTO"]),
        (True, ["True"]),
    ],
)
def test_a_result_has_a_line_for_each_field_or_item(value: Any, lines: list[str]) -> None:
    assert lines == [*lines_of(value)]


@pytest.mark.parametrize(
    ("annotation", "name"),
    [
        (list[Point], "list[Point]"),
        (int | None, "int | None"),
        (tuple[Mode, ...], "tuple[Mode, ...]"),
        (Literal["a", 1], "'a' | 1"),
        (None, "None"),
        (dict[str, Annotated[int, 5]], "dict[str, int]"),
    ],
)
def test_types_are_named_as_people_write_them(annotation: Any, name: str) -> None:
    assert name == type_name(annotation)


def test_a_result_cannot_command_the_terminal() -> None:
    assert ["a\\x1b[2J\\x0ab"] == [*lines_of("a\x1b[2J\nb")]


def test_a_dict_has_a_line_for_each_key() -> None:
    assert ["VendorName: ACME", "7: 1.5"] == [*lines_of({"VendorName": "ACME", 7: 1.5})]


@frozen
class Pose:
    x: float
    y: float
    z: float
    a: float = 0.0
    b: float = 0.0
    c: int = 0


def argument(annotation: Any, text: str) -> Any:
    return read_arguments([Field("pose", annotation)], [f"pose={text}"])["pose"]


def test_a_class_and_a_list_may_be_written_as_values_with_commas() -> None:
    assert Pose(1.0, 2.0, 3.0, 4.0, 5.0, 6) == argument(Pose, "1,2,3,4,5,6")
    assert Pose(1.5, -2.0, 3.0) == argument(Pose, "1.5, -2, 3")
    assert [1.0, 2.5] == argument(list[float], "1,2.5")
    assert [] == argument(list[float], "")
    assert [1.0] == argument(list[float], "[1]")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "1,2",
            '2 values for Pose: write x,y,z,a,b,c, or JSON, as in {"x": ..., "y": ..., "z": ..., "a": ..., '
            '"b": ..., "c": ...}',
        ),
        (
            "1",
            '1 value for Pose: write x,y,z,a,b,c, or JSON, as in {"x": ..., "y": ..., "z": ..., "a": ..., '
            '"b": ..., "c": ...}',
        ),
        ("1,2,three", "z: must be a number"),
    ],
)
def test_values_that_are_no_pose_are_told_with_its_fields(text: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        argument(Pose, text)
    assert f"pose={text}: {told}" == str(caught.value)
