"""The values that commands and events bring: their paths, kinds, units and ranges, and their way back."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm import Equipment, command, event
from tcpcomm.codec import Json, Range, Template, Unit
from tcpcomm.equipment.equipment import declaration_of
from tcpcomm.plant.values import RESULT, ValueDescription, items_of, kind_of, values_by_path, values_of
from tcpcomm.tools.manual.values import jsonable


class Colour(IntEnum):
    RED = 1
    BLUE = 2


class Mixed(Enum):
    ONE = 1
    TWO = "two"


@frozen
class Corner:
    x: Annotated[float, Unit("mm"), Range(-50, 50)]
    y: float


@frozen
class Part:
    corner: Corner
    result: str
    weight: Annotated[float, Unit("kg")] | None = None


@frozen
class Load:
    weight: Annotated[Decimal, Unit("kg")]


@frozen
class Tree:
    name: str
    left: Tree | None = None
    right: Tree | None = None


class Cell(Equipment):
    codec = Json()

    @command()
    async def inspect(self) -> Part:
        """Inspect the part.

        It takes a picture first.
        """
        raise NotImplementedError

    @command()
    async def count(self) -> Annotated[int, Range(0, 9)]:
        """Return the number of parts."""
        raise NotImplementedError

    @command()
    async def profile(self) -> list[float]:
        """Return the heights."""
        raise NotImplementedError

    @command()
    async def options(self) -> dict[str, Any]:
        """Return the options."""
        raise NotImplementedError

    @command()
    async def tree(self) -> Tree:
        """Return the parts of the parts."""
        raise NotImplementedError

    @command()
    async def stop(self) -> None:
        """Stop the cell."""
        raise NotImplementedError

    @event()
    def seen(self, part: Part, colour: Colour) -> None:
        """A part was seen."""


class Scale(Equipment):
    codec = Template()

    @command("W", reply="{weight:.3f}")
    async def weigh(self) -> Load:
        """Weigh the part."""
        raise NotImplementedError


CELL = declaration_of(Cell)


def test_each_field_of_a_result_is_a_value_with_its_unit_and_range() -> None:
    corner, y, result, weight = values_of(CELL, "inspect")

    assert ("inspect/corner/x", float, "mm", -50, 50) == (
        corner.path,
        corner.kind,
        corner.unit,
        corner.low,
        corner.high,
    )
    assert "Inspect the part." == corner.doc
    assert ("inspect/corner/y", float, "", None) == (y.path, y.kind, y.unit, y.low)
    assert ("inspect/result", str) == (result.path, result.kind)
    assert ("inspect/weight", float, "kg") == (weight.path, weight.kind, weight.unit)


def test_a_result_without_fields_is_one_value_named_result() -> None:
    (count,) = values_of(CELL, "count")

    assert ("count/result", int, 0, 9) == (count.path, count.kind, count.low, count.high)


def test_a_list_of_single_values_has_the_kind_of_its_items() -> None:
    (profile,) = values_of(CELL, "profile")

    assert ("profile/result", object, float) == (profile.path, profile.kind, profile.items)


def test_a_command_without_result_brings_no_value() -> None:
    assert () == values_of(CELL, "stop")


def test_the_parameters_of_an_event_are_its_values() -> None:
    values = values_of(CELL, "seen")

    paths = ["seen/part/corner/x", "seen/part/corner/y", "seen/part/result", "seen/part/weight"]
    assert [*paths, "seen/colour"] == [each.path for each in values]
    assert all(each.is_event for each in values)


def test_a_class_within_itself_is_a_value_without_a_type() -> None:
    values = values_of(CELL, "tree")

    expected = [("tree/name", str), ("tree/left", object), ("tree/right", object)]
    assert expected == [(each.path, each.kind) for each in values]


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        (bool, bool),
        (int | None, int),
        (int | str, object),
        (Decimal, float),
        (Colour, int),
        (Mixed, str),
        (Literal["on", "off"], str),
        (Literal["on", 1], object),
        (date, str),
        (memoryview, bytes),
        (list[int], object),
        (Any, object),
    ],
    ids=str,
)
def test_a_kind_is_the_type_that_a_value_has_in_json(annotation: Any, kind: type[Any]) -> None:
    assert kind is kind_of(annotation)


@pytest.mark.parametrize(
    ("annotation", "items"),
    [
        (list[int], int),
        (tuple[float, ...], float),
        (tuple[int, str], None),
        (list[Corner], None),
        (str, None),
    ],
    ids=str,
)
def test_items_are_told_for_lists_of_one_kind(annotation: Any, items: Any) -> None:
    assert items is items_of(annotation)


def test_values_come_back_by_their_paths() -> None:
    part = Part(Corner(1.5, -2.0), "good", 0.25)

    found = values_by_path(values_of(CELL, "inspect"), "inspect", {RESULT: jsonable(part)})

    expected = {
        "inspect/corner/x": 1.5,
        "inspect/corner/y": -2.0,
        "inspect/result": "good",
        "inspect/weight": 0.25,
    }
    assert expected == found


def test_a_decimal_which_json_has_as_a_text_comes_back_as_a_number() -> None:
    described = values_of(declaration_of(Scale), "weigh")

    found = values_by_path(described, "weigh", {RESULT: jsonable(Load(Decimal("0.250")))})

    assert {"weigh/weight": 0.25} == found
    assert [("kg", float)] == [(each.unit, each.kind) for each in described]


def test_a_dict_with_a_key_named_result_is_one_value() -> None:
    found = values_by_path(values_of(CELL, "options"), "options", {RESULT: {"result": 1, "gain": 2}})

    assert {"options/result": {"result": 1, "gain": 2}} == found


def test_a_path_alone_is_found_in_the_result_too() -> None:
    described = [ValueDescription(path="locate/x", kind=float)]

    assert {"locate/x": 1.5} == values_by_path(described, "locate", {RESULT: {"x": 1.5}})


def test_values_that_a_report_lacks_are_left_out() -> None:
    described = values_of(CELL, "inspect")

    assert {} == values_by_path(described, "inspect", {})
    assert {} == values_by_path(described, "count", {RESULT: 3})
    assert {"inspect/result": "bad"} == values_by_path(described, "inspect", {RESULT: {"result": "bad"}})


def test_a_text_that_is_no_number_stays_a_text() -> None:
    described = [ValueDescription(path="weigh/result", kind=float)]

    assert {"weigh/result": "n/a"} == values_by_path(described, "weigh", {RESULT: "n/a"})


numbers = st.floats(allow_nan=False, allow_infinity=False)
parts = st.builds(
    Part,
    st.builds(Corner, numbers, numbers),
    st.text(),
    st.none() | numbers,
)


@given(parts, st.sampled_from(Colour))
def test_every_described_value_is_found_in_the_json_of_an_event(part: Part, colour: Colour) -> None:
    values = json.loads(json.dumps(jsonable({"part": part, "colour": colour})))

    found = values_by_path(values_of(CELL, "seen"), "seen", values)

    expected = [part.corner.x, part.corner.y, part.result, part.weight, colour.value]
    assert expected == list(found.values())
    for each in values_of(CELL, "seen"):
        assert found[each.path] is None or type(found[each.path]) is each.kind


@given(st.recursive(st.none() | st.integers() | st.text(), lambda each: st.dictionaries(st.text(), each)))
def test_whatever_json_comes_nothing_is_raised(value: Any) -> None:
    for name in (*CELL.commands, *CELL.events):
        values_by_path(values_of(CELL, name), name, {RESULT: value, "part": value})
