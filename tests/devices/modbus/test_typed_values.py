"""Numbers and texts lie in registers as their orders say."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm import CodecError
from tcpcomm.devices.modbus.typed_values import from_registers, register_count, to_registers

ORDERS = st.fixed_dictionaries(
    {"word_order": st.sampled_from(["big", "little"]), "byte_order": st.sampled_from(["big", "little"])}
)
WHOLE = st.sampled_from([("u", 16), ("i", 16), ("u", 32), ("i", 32), ("u", 64), ("i", 64)]).flatmap(
    lambda kind: st.tuples(
        st.just(f"{kind[0]}{kind[1]}"),
        st.integers(0, 2 ** kind[1] - 1)
        if kind[0] == "u"
        else st.integers(-(2 ** (kind[1] - 1)), 2 ** (kind[1] - 1) - 1),
    )
)
FLOATS = st.tuples(st.just("f32"), st.floats(width=32)) | st.tuples(st.just("f64"), st.floats())


@pytest.mark.parametrize(
    ("word_order", "byte_order", "registers"),
    [
        ("big", "big", [0x4148, 0xF5C3]),
        ("little", "big", [0xF5C3, 0x4148]),
        ("big", "little", [0x4841, 0xC3F5]),
        ("little", "little", [0xC3F5, 0x4841]),
    ],
    ids=["ABCD", "CDAB", "BADC", "DCBA"],
)
def test_the_four_orders_of_manufacturers(word_order: str, byte_order: str, registers: list[int]) -> None:
    orders: Any = {"word_order": word_order, "byte_order": byte_order}
    value = struct.unpack(">f", bytes.fromhex("4148F5C3"))[0]
    assert registers == to_registers("f32", value, **orders)
    assert value == from_registers("f32", registers, one=True, **orders)


@given(WHOLE | FLOATS, ORDERS)
def test_a_number_comes_back_as_it_was_written(drawn: tuple[str, Any], orders: dict[str, Any]) -> None:
    kind, value = drawn
    registers = to_registers(kind, value, **orders)
    assert register_count(kind, None) == len(registers)
    assert all(0 <= each <= 0xFFFF for each in registers)
    back = from_registers(kind, registers, one=True, **orders)
    assert back == value or (math.isnan(back) and math.isnan(value))


@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=20), ORDERS)
def test_a_list_of_numbers_keeps_its_order(values: list[int], orders: dict[str, Any]) -> None:
    registers = to_registers("i32", values, **orders)
    assert register_count("i32", len(values)) == len(registers)
    assert values == from_registers("i32", registers, one=False, **orders)


@given(st.text("가나다온도 LK-300", min_size=1), ORDERS)
def test_a_text_comes_back_as_it_was_written(text: str, orders: dict[str, Any]) -> None:
    registers = to_registers("text", text, encoding="cp949", **orders)
    size = len(text.encode("cp949"))
    assert register_count("text", size) == len(registers)
    back = from_registers("text", registers, one=False, size=size, encoding="cp949", **orders)
    assert text == back


def test_a_text_ends_before_its_first_zero_byte() -> None:
    assert "LK" == from_registers("text", [0x4C4B, 0x0041], one=False, size=4)


@pytest.mark.parametrize(
    ("kind", "value", "problem"),
    [
        ("u16", 65536, "65536 does not fit into u16: it must be from 0 to 65535"),
        ("i32", 2**31, "2147483648 does not fit into i32: it must be from -2147483648 to 2147483647"),
        ("f32", 1e39, "1e+39 does not fit into f32"),
        ("u16", 1.5, "1.5 is not a whole number, as u16 is"),
        ("f32", "1.5", "'1.5' is not a number, as f32 is"),
        ("f32", True, "True is not a number, as f32 is"),
        ("u16", [], "an empty list cannot be written"),
        ("text", "", "a text of at least one character is written as text, not ''"),
        ("text", "온도", "'온도' cannot be written in ascii: give another encoding="),
        ("text", "A\0B", "'A\\x00B' holds a zero byte, which would end it when it is read"),
        ("f16", 1.5, "there is no kind 'f16' of values: the kinds are u16, i16, u32, i32, u64, i64, f32, "),
    ],
)
def test_a_value_that_does_not_fit_is_refused(kind: str, value: Any, problem: str) -> None:
    with pytest.raises(CodecError) as refused:
        to_registers(kind, value)
    assert str(refused.value).startswith(problem)


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(CodecError, match="word_order must be big or little, not 'CDAB'"):
        to_registers("f32", 1.5, word_order="CDAB")


def test_a_text_of_another_encoding_is_refused() -> None:
    registers = to_registers("text", "온도", encoding="cp949")
    with pytest.raises(CodecError, match="is not a text in ascii: give its encoding="):
        from_registers("text", registers, one=False, size=4)
