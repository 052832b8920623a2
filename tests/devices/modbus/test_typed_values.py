"""Programs read and write numbers and texts in registers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tcpcomm import CodecError
from tcpcomm.devices.modbus.typed_values import to_registers, wanted_values

USUAL: dict[str, Any] = {"word_order": "big", "byte_order": "big", "encoding": "ascii"}


def test_one_value_is_not_a_list_and_several_are() -> None:
    registers = to_registers("i32", [7, -1], **USUAL)
    assert [0, 7, 0xFFFF, 0xFFFF] == registers
    one, two = wanted_values("i32", None, **USUAL), wanted_values("i32", 2, **USUAL)
    assert (2, 4) == (one.size, two.size)
    assert (7, [7, -1]) == (one.of(registers[:2]), two.of(registers))


def test_a_text_takes_as_many_registers_as_it_has_bytes() -> None:
    korean = USUAL | {"encoding": "cp949"}
    registers = to_registers("text", "온도7", **korean)
    assert 3 == len(registers) == wanted_values("text", 5, **korean).size
    assert "온도7" == wanted_values("text", 5, **korean).of(registers)


@pytest.mark.parametrize(
    ("kind", "value", "problem"),
    [
        ("u16", [], "an empty list cannot be written"),
        ("text", "", "an empty text cannot be written"),
        (
            "f16",
            1.5,
            "there is no kind 'f16': the kinds are u16, i16, ",
        ),
    ],
)
def test_what_cannot_be_written_is_refused(kind: str, value: Any, problem: str) -> None:
    with pytest.raises(CodecError) as refused:
        to_registers(kind, value, **USUAL)
    assert str(refused.value).startswith(problem)


@pytest.mark.parametrize(
    ("kind", "count", "problem"),
    [
        ("u16", 0, "count must be at least 1, not 0"),
        ("u16", True, "count must be at least 1, not True"),
        ("text", None, "a text needs count, the number of its bytes"),
    ],
)
def test_a_wrong_count_is_refused(kind: str, count: Any, problem: str) -> None:
    with pytest.raises(CodecError, match=problem):
        wanted_values(kind, count, **USUAL)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("f32", np.float32(1.5), [0x3FC0, 0]),
        ("i16", np.int16(-3), [0xFFFD]),
        ("f32", (1.5, 2.5), [0x3FC0, 0, 0x4020, 0]),
        ("f32", np.array([1.5, 2.5]), [0x3FC0, 0, 0x4020, 0]),
        ("u16", range(3), [0, 1, 2]),
    ],
)
def test_values_of_numpy_ranges_and_tuples_are_written(kind: str, value: Any, expected: list[int]) -> None:
    assert expected == to_registers(kind, value, **USUAL)
