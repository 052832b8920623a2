"""The inputs of methods from annotations, and the arguments of a call."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from attrs import frozen

from tcpcomm import Equipment, command
from tcpcomm.codec import Json, Range, Unit
from tcpcomm.equipment.equipment import declaration_of
from tests.conftest import needs_module

needs_module("asyncua", "pip install tcpcomm[opcua]")

from asyncua import ua  # noqa: E402

from tcpcomm.plant.opcua.arguments import (  # noqa: E402
    BadArguments,
    arguments_of,
    inputs_of,
    output_argument,
    outputs_of,
    read_inputs,
)


@frozen
class Point:
    x: Annotated[float, Unit("mm"), Range(-50, 50)]
    y: float


class Robot(Equipment):
    codec = Json()

    @command()
    async def move(
        self,
        to: Point,
        speed: Annotated[float, Unit("mm/s"), Range(0, 100)],
        joints: list[int],
        label: str | None,
        wait: bool = True,
    ) -> Point:
        """Move the robot."""
        raise NotImplementedError


ROBOT = declaration_of(Robot)
INPUTS = inputs_of(ROBOT, "move")
TO = ua.Variant('{"x": 1.5, "y": 2}', ua.VariantType.String)
SPEED = ua.Variant(50.0, ua.VariantType.Double)
JOINTS = ua.Variant([1, 2], ua.VariantType.Int64)
NULL = ua.Variant()
GOOD, MISMATCH, RANGE = (
    ua.StatusCode(each)
    for each in (ua.StatusCodes.Good, ua.StatusCodes.BadTypeMismatch, ua.StatusCodes.BadOutOfRange)
)


def test_inputs_and_outputs_have_types_units_and_ranges() -> None:
    found = [each.argument() for each in INPUTS]

    expected = [
        ("to", ua.ObjectIds.String, -1, "JSON"),
        ("speed", ua.ObjectIds.Double, -1, "0 to 100 mm/s"),
        ("joints", ua.ObjectIds.Int64, 1, ""),
        ("label", ua.ObjectIds.String, -1, ""),
        ("wait", ua.ObjectIds.Boolean, -1, "may be null"),
    ]
    assert expected == [
        (each.Name, each.DataType.Identifier, each.ValueRank, each.Description.Text) for each in found
    ]
    outputs = [output_argument(each) for each in outputs_of(ROBOT, "move")]
    assert [("x", "-50.0 to 50.0 mm"), ("y", "")] == [
        (each.Name, each.Description.Text) for each in outputs
    ]


def test_arguments_come_by_name_as_json_has_them() -> None:
    found = read_inputs(INPUTS, [TO, SPEED, JOINTS, NULL, ua.Variant(False, ua.VariantType.Boolean)])

    expected = {
        "to": {"x": 1.5, "y": 2},
        "speed": 50.0,
        "joints": [1, 2],
        "label": None,
        "wait": False,
    }
    assert expected == found


def test_a_null_and_a_missing_argument_have_their_default() -> None:
    without = read_inputs(INPUTS, [TO, SPEED, JOINTS])

    assert "wait" not in without
    assert without == read_inputs(INPUTS, [TO, SPEED, JOINTS, NULL, NULL])


@pytest.mark.parametrize(
    ("variants", "status", "results"),
    [
        ([TO], "BadArgumentsMissing", []),
        ([TO, SPEED, JOINTS, NULL, NULL, NULL], "BadTooManyArguments", []),
        ([TO, TO, JOINTS], "BadInvalidArgument", [GOOD, MISMATCH, GOOD]),
        ([TO, ua.Variant(101.0), SPEED], "BadInvalidArgument", [GOOD, RANGE, MISMATCH]),
        ([TO, NULL, JOINTS, NULL], "BadInvalidArgument", [GOOD, MISMATCH, GOOD, GOOD]),
    ],
    ids=["missing", "too many", "type", "range", "null"],
)
def test_arguments_that_do_not_fit_are_refused_each_with_its_code(
    variants: list[Any], status: str, results: list[Any]
) -> None:
    with pytest.raises(BadArguments) as caught:
        read_inputs(INPUTS, variants)
    assert (status, results) == (caught.value.status.name, caught.value.results)


def test_a_method_of_a_device_that_is_no_command_takes_and_gives_json() -> None:
    inputs = inputs_of(ROBOT, "holding.write")

    values = read_inputs(inputs, [ua.Variant('{"address": 5}', ua.VariantType.String)])

    assert {"address": 5} == arguments_of(ROBOT, "holding.write", values)
    assert {} == arguments_of(ROBOT, "holding.write", read_inputs(inputs, []))
    assert ["holding.write/result"] == [each.path for each in outputs_of(ROBOT, "holding.write")]
    with pytest.raises(BadArguments):
        arguments_of(ROBOT, "holding.write", {"arguments": [5]})
