"""The items of SECS-II as Python values: golden vectors, round trips, and what is refused."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm import CodecError
from tcpcomm.devices.hsms import BOOLEAN, C2, F4, F8, I1, I2, I4, I8, U1, U2, U4, U8, J, decode, encode
from tcpcomm.devices.hsms.values import MOST_SECS_ITEMS, MOST_SECS_ITEMS_IN_ALL

GOLDEN = [
    # the format codes of SEMI E5, section 9, table 1
    ("21 02 AA 55", b"\xaa\x55"),
    ("41 06 41 42 43 44 45 46", "ABCDEF"),
    ("69 06 00 01 FF FF 80 00", I2.array([1, -1, -32768])),
    ("91 04 3F 80 00 00", F4(1.0)),
    ("01 03 41 03 41 42 43 A5 01 07 01 00", ["ABC", U1(7), []]),
    ("21 00", b""),
    ("25 01 01", True),
    ("25 01 00", False),
    ("25 02 01 00", BOOLEAN.array([True, False])),
    ("45 01 B1", J("ｱ")),
    ("49 04 00 01 00 41", C2(b"\0\1\0A")),
    ("61 08 FF FF FF FF FF FF FF FE", I8(-2)),
    ("65 01 FE", I1(-2)),
    ("69 02 FF FE", I2(-2)),
    ("71 04 FF FF FF FE", I4(-2)),
    ("81 08 3F F0 00 00 00 00 00 00", 1.0),
    ("81 10 3F F0 00 00 00 00 00 00 BF F0 00 00 00 00 00 00", F8.array([1.0, -1.0])),
    ("A1 08 00 00 00 01 00 00 00 00", U8(2**32)),
    ("A5 01 FF", U1(255)),
    ("A9 02 01 00", U2(256)),
    ("B1 04 00 01 00 00", 65536),
    ("B1 00", U4.array([])),
    # S1F14 of a stepper: COMMACK, model and software revision
    ("01 02 21 01 00 01 02 41 06 4C 4B 2D 33 30 30 41 03 31 2E 30", [b"\0", ["LK-300", "1.0"]]),
]


@pytest.mark.parametrize(("wire", "value"), GOLDEN, ids=[wire for wire, _ in GOLDEN])
def test_items_are_the_values_of_the_standard(wire: str, value: Any) -> None:
    data = bytes.fromhex(wire)
    found = decode(data)
    assert (value, type(value)) == (found, type(found))
    assert data == encode(found)
    assert data == encode(value)


def test_a_plain_number_takes_the_first_format_that_holds_it() -> None:
    plain = [2**32 - 1, -1, 2**32, -(2**31) - 1]
    expected = "01 04 B104 FFFFFFFF 7104 FFFFFFFF A108 0000000100000000 6108 FFFFFFFF7FFFFFFF"
    assert bytes.fromhex(expected) == encode(plain)
    typed = [2**32 - 1, I4(-1), U8(2**32), I8(-(2**31) - 1)]
    assert repr(typed) == repr(decode(encode(plain)))


def test_a_length_may_have_more_bytes_than_it_needs() -> None:
    assert ["AB"] == decode(bytes.fromhex("02 0001 43 000002 4142"))


def test_every_byte_but_zero_is_true() -> None:
    assert BOOLEAN.array([True, True, False]) == decode(bytes.fromhex("25 03 01 FF 00"))


def test_typed_numbers_are_numbers() -> None:
    assert (8, "7", "U2(7)") == (U2(7) + 1, str(U2(7)), repr(U2(7)))
    assert (0.5, "F4(0.5)") == (F4(0.5), repr(F4(0.5)))
    assert "U2.array([1, 2])" == repr(U2.array([1, 2]))
    assert U2.array([1]) != U4.array([1])


NUMBERS = (U1, U2, U4, U8, I1, I2, I4, I8)
LEAVES = st.one_of(
    st.text(st.characters(max_codepoint=126), max_size=20),
    st.binary(max_size=20),
    st.booleans(),
    st.floats(allow_nan=False),
    st.integers(0, 2**32 - 1),
    st.floats(allow_nan=False, width=32).map(F4),
    *(st.integers(kind.least, kind.most).map(kind) for kind in NUMBERS if kind is not U4),
    *(
        st.lists(st.integers(kind.least, kind.most), max_size=4)
        .filter(lambda each: len(each) != 1)
        .map(kind.array)
        for kind in NUMBERS
    ),
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4), max_leaves=20)


@given(VALUES)
def test_what_is_written_is_read(value: Any) -> None:
    found = decode(encode(value))
    assert (value, repr(value)) == (found, repr(found))
    assert encode(value) == encode(found)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        value = decode(data)
    except CodecError:
        return
    assert repr(value) == repr(decode(encode(value)))


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "None is not an item: write [] for an empty list, or U4.array([]) for no number"),
        ([1, [object]], "[1][0]: must be a value of SECS-II, such as a list"),
        (2**64, "18446744073709551616 does not fit into 8 bytes"),
        ("é", "cannot be written in ascii"),
    ],
    ids=["nothing", "an object", "a large number", "another alphabet"],
)
def test_what_is_not_an_item_is_refused_with_its_place(value: Any, problem: str) -> None:
    with pytest.raises(CodecError) as caught:
        encode(value)
    assert problem in str(caught.value)


def test_a_number_that_does_not_fit_its_type_is_refused_when_it_is_made() -> None:
    for make, problem in (
        (lambda: U1(256), "U1 is from 0 to 255, not 256"),
        (lambda: I2.array([1, 40000]), "I2 is from -32768 to 32767, not 40000"),
        (lambda: U1(cast("int", 1.5)), "U1 is a whole number, not 1.5"),
        (lambda: U2.array(cast("list[int]", [7, "8"])), "U2 is a whole number, not '8'"),
        (lambda: F4(1e39), "F4 is a number up to 3.4e38, not 1e+39"),
    ):
        with pytest.raises(CodecError) as caught:
            make()
        assert problem == str(caught.value)


@pytest.mark.parametrize(
    ("wire", "problem"),
    [
        ("", "needs a tag"),
        ("41 06 41", "needs 6 bytes"),
        ("41 01 41 00", "1 bytes follow the item"),
        ("A9 03 00 01 00", "3 bytes"),
        ("FD 01 00", "has the tag 63"),
        ("40", "length"),
    ],
    ids=["nothing", "cut off", "too long", "no whole number of words", "unknown format", "no length"],
)
def test_bytes_that_are_not_an_item_are_refused(wire: str, problem: str) -> None:
    with pytest.raises(CodecError) as caught:
        decode(bytes.fromhex(wire))
    assert problem in str(caught.value)


def test_texts_of_other_alphabets_need_the_encoding_of_the_equipment() -> None:
    assert "검사" == decode(encode("검사", "cp949"), "cp949")
    with pytest.raises(CodecError):
        decode(encode("검사", "cp949"))


def test_a_list_has_a_limit_of_items() -> None:
    assert 100_000 == MOST_SECS_ITEMS
    with pytest.raises(CodecError, match="the list has 100001 items, and may have 100000"):
        encode([False] * (MOST_SECS_ITEMS + 1))


def test_a_message_has_a_limit_of_items_in_all_its_lists() -> None:
    assert 250_000 == MOST_SECS_ITEMS_IN_ALL
    many = MOST_SECS_ITEMS // 2 - 1
    one = b"\x03" + many.to_bytes(3, "big") + b"\x01\x00" * many
    with pytest.raises(CodecError, match="the message has more than 250000 items"):
        decode(b"\x01\x06" + 6 * one)
    numbers = U1.array(bytes(3 * MOST_SECS_ITEMS_IN_ALL))
    assert len(numbers) == len(decode(encode(numbers)))
    with pytest.raises(CodecError, match="needs 16711680 bytes"):
        decode(b"\x43\xff\x00\x00" + bytes(2 * MOST_SECS_ITEMS_IN_ALL))
