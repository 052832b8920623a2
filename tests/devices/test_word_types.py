"""Numbers and texts lie in words as their orders say."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm import CodecError
from tcpcomm.devices.word_types import number_type, text_type, word_type

ORDERS = st.fixed_dictionaries(
    {"word_order": st.sampled_from(["big", "little"]), "byte_order": st.sampled_from(["big", "little"])}
)
NUMBERS = st.one_of(
    *(st.tuples(st.just(f"u{bits}"), st.integers(0, 2**bits - 1)) for bits in (16, 32, 64)),
    *(st.tuples(st.just(f"i{b}"), st.integers(-(2 ** (b - 1)), 2 ** (b - 1) - 1)) for b in (16, 32, 64)),
    st.tuples(st.just("f32"), st.floats(width=32)),
    st.tuples(st.just("f64"), st.floats()),
    st.tuples(st.just("bcd"), st.integers(0, 9999)),
    st.tuples(st.just("bcd32"), st.integers(0, 99999999)),
)


@pytest.mark.parametrize(
    ("word_order", "byte_order", "words"),
    [
        ("big", "big", [0x4148, 0xF5C3]),
        ("little", "big", [0xF5C3, 0x4148]),
        ("big", "little", [0x4841, 0xC3F5]),
        ("little", "little", [0xC3F5, 0x4841]),
    ],
    ids=["ABCD", "CDAB", "BADC", "DCBA"],
)
def test_the_four_orders_of_makers(word_order: str, byte_order: str, words: list[int]) -> None:
    kind = number_type("f32", word_order=word_order, byte_order=byte_order)
    (value,) = struct.unpack(">f", bytes.fromhex("4148F5C3"))
    assert (words, value) == (kind.words_of(value), kind.value_of(words))


@given(NUMBERS, ORDERS)
def test_a_number_comes_back_as_it_was_written(drawn: tuple[str, Any], orders: dict[str, Any]) -> None:
    name, value = drawn
    kind = number_type(name, **orders)
    words = kind.words_of(value)
    assert kind.words == len(words)
    assert all(0 <= each <= 0xFFFF for each in words)
    back = kind.value_of(words)
    assert back == value or (math.isnan(back) and math.isnan(value))


@given(st.lists(st.integers(-(2**31), 2**31 - 1), max_size=20), ORDERS)
def test_values_that_lie_side_by_side_keep_their_order(values: list[int], orders: dict[str, Any]) -> None:
    kind = number_type("i32", **orders)
    assert values == kind.values_of(kind.words_of_all(values))


@given(st.text("가나다온도 LK-300"), st.sampled_from(["big", "little"]), st.integers(0, 3))
def test_a_text_comes_back_as_it_was_written(text: str, order: str, room: int) -> None:
    kind = text_type(len(text.encode("cp949")) + room, "cp949", byte_order=order)
    words = kind.words_of(text)
    assert (kind.words, text) == (len(words), kind.value_of(words))


def test_a_text_has_its_bytes_in_the_order_of_the_maker_and_ends_before_a_zero_byte() -> None:
    assert [0x4C4B, 0x3300] == text_type(4, "ascii").words_of("LK3")
    assert [0x4B4C, 0x0033] == text_type(4, "ascii", byte_order="little").words_of("LK3")
    assert "LK" == text_type(4, "ascii").value_of([0x4C4B, 0x0041])


def test_a_type_has_the_name_that_a_person_writes() -> None:
    orders: dict[str, Any] = {"word_order": "little", "text_order": "big"}
    assert [1, 0] == word_type("u32", "ascii", **orders).words_of(1)
    assert [0x4C4B] == word_type("str[2]", "ascii", **orders).words_of("LK")
    with pytest.raises(
        CodecError, match=r"the types are u16, .* and str\[16\] for 16 bytes"
    ):
        word_type("f16", "ascii", **orders)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("u16", 65536, "65536 is not a whole number from 0 to 65535, as u16 is"),
        ("i32", 2**31, "2147483648 is not a whole number from -2147483648 to 2147483647, as i32 is"),
        ("f32", 1e39, "1e+39 is too great for f32"),
        ("u16", 1.5, "1.5 is not a whole number from 0 to 65535, as u16 is"),
        ("u16", True, "True is not a whole number from 0 to 65535, as u16 is"),
        ("f32", "1.5", "'1.5' is not a number, as f32 is"),
        ("f32", True, "True is not a number, as f32 is"),
        ("bcd", 10000, "10000 is not a whole number from 0 to 9999, as bcd is"),
        ("str[2]", "온도", "'온도' cannot be written in ascii: give another encoding"),
        ("str[4]", "A\0B", "'A\\x00B' holds a zero byte, which would end it when it is read"),
        ("str[2]", "LK3", "'LK3' has 3 bytes, and there is room for 2"),
        ("str[2]", 5, "5 is not a text"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(name: str, value: Any, problem: str) -> None:
    with pytest.raises(CodecError) as refused:
        word_type(name, "ascii", word_order="big", text_order="big").words_of(value)
    assert problem == str(refused.value)


@pytest.mark.parametrize(
    ("name", "words", "problem"),
    [
        ("bcd", [0x12A4], "12A4 is not a number in BCD"),
        ("str[4]", [0xBFC2, 0xB5B5], r"b'\xbf\xc2\xb5\xb5' is not a text in ascii: give its encoding"),
    ],
)
def test_words_without_such_a_value_are_told(name: str, words: list[int], problem: str) -> None:
    with pytest.raises(CodecError) as told:
        word_type(name, "ascii", word_order="big", text_order="big").value_of(words)
    assert problem == str(told.value)


def test_an_unknown_order_or_encoding_is_refused() -> None:
    with pytest.raises(CodecError, match="word_order must be big or little, not 'CDAB'"):
        number_type("f32", word_order="CDAB")
    with pytest.raises(CodecError, match="there is no encoding 'cp94': use ascii, utf-8, cp949"):
        text_type(4, "cp94").words_of("LK")
