"""Addresses are read as engineers write them, and values become their bytes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.devices.s7 import Address, Area, Item, Size
from tcpcomm.devices.s7.transfer import values_in, written
from tcpcomm.errors import BadReply, CodecError

ADDRESSES = [
    ("DB1.DBX0.3", (Area.BLOCKS, 1, 0, 3, "BOOL")),
    ("DB1.DBB7", (Area.BLOCKS, 1, 7, 0, "BYTE")),
    ("db1.dbw4", (Area.BLOCKS, 1, 4, 0, "WORD")),
    ("%DB65535.DBD8:REAL", (Area.BLOCKS, 65535, 8, 0, "REAL")),
    ("DB1.DBB16:LREAL", (Area.BLOCKS, 1, 16, 0, "LREAL")),
    ("DB1.DBW4:INT", (Area.BLOCKS, 1, 4, 0, "INT")),
    ("DB1.DBB20:STRING[30]", (Area.BLOCKS, 1, 20, 0, "STRING")),
    ("M0.0", (Area.MERKERS, 0, 0, 0, "BOOL")),
    ("MX0.1", (Area.MERKERS, 0, 0, 1, "BOOL")),
    ("MW10", (Area.MERKERS, 0, 10, 0, "WORD")),
    ("MB3", (Area.MERKERS, 0, 3, 0, "BYTE")),
    ("MD4", (Area.MERKERS, 0, 4, 0, "DWORD")),
    ("I0.1", (Area.INPUTS, 0, 0, 1, "BOOL")),
    ("E0.1", (Area.INPUTS, 0, 0, 1, "BOOL")),
    ("Q4.7", (Area.OUTPUTS, 0, 4, 7, "BOOL")),
    ("AW2", (Area.OUTPUTS, 0, 2, 0, "WORD")),
    ("T5", (Area.TIMERS, 0, 5, 0, "WORD")),
    ("C5", (Area.COUNTERS, 0, 5, 0, "WORD")),
    ("Z5", (Area.COUNTERS, 0, 5, 0, "WORD")),
]


@pytest.mark.parametrize(("text", "parts"), ADDRESSES, ids=[each[0] for each in ADDRESSES])
def test_an_address_tells_area_place_and_type(text: str, parts: tuple[Area, int, int, int, str]) -> None:
    found = Address.of(text)
    assert parts == (found.area, found.block, found.start, found.bit, found.type.name)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("D100", "'D100' is not an address of an S7: write DB1.DBX0.3, DB1.DBW4, "),
        ("DB0.DBW4", "DB0.DBW4: the number of a data block is from 1 to 65535"),
        ("DB1.DBX0", "DB1.DBX0: a bit has two numbers, its byte and its bit from 0 to 7: write M0.3"),
        ("M5", "M5: a bit has two numbers"),
        ("M0.8", "M0.8: a byte has the bits 0 to 7, not 8"),
        ("MW0.1", "MW0.1: only a bit has a number behind a dot"),
        ("MW4:REAL", "MW4:REAL: REAL has 4 bytes, but W means 2: write DBB or MB, which fit all types"),
        ("MB4:f32", "MB4:f32: there is no type F32; the types are BYTE, WORD, "),
        ("MB4:FLOAT", "MB4:FLOAT: there is no type FLOAT; the types are BYTE, WORD, "),
        ("MB4:REAL[3]", "MB4:REAL[3]: only STRING and WSTRING have a length, not REAL"),
        ("MB4:STRING[300]", "MB4:STRING[300]: a STRING has 1 to 254 characters, not 300"),
        ("M0.0:INT", "M0.0:INT: a bit is of the type BOOL: write DBB or MB for INT"),
        ("T5:WORD", "T5:WORD: a timer or a counter has a number alone: write T5 or C5"),
        ("T70000", "T70000: the number of a timer or a counter is from 0 to 65535"),
        ("MB2097152", "MB2097152: the bytes of an area are from 0 to 2097151"),
    ],
)
def test_a_wrong_address_is_refused_with_what_is_right(text: str, reason: str) -> None:
    with pytest.raises(CodecError) as caught:
        Address.of(text)
    assert str(caught.value).startswith(reason)


VALUES = [
    ("MB0", 200, "C8"),
    ("MW0", 0x1234, "1234"),
    ("MD0", 0x12345678, "12345678"),
    ("MB0:SINT", -2, "FE"),
    ("MW0:INT", -2, "FFFE"),
    ("MD0:DINT", -2, "FFFFFFFE"),
    ("MB0:LINT", -2, "FFFFFFFFFFFFFFFE"),
    ("MB0:ULINT", 2**64 - 1, "FFFFFFFFFFFFFFFF"),
    ("MD0:REAL", 1.5, "3FC00000"),
    ("MB0:LREAL", -1.5, "BFF8000000000000"),
    ("MB0:CHAR", "A", "41"),
    ("MB0:STRING[6]", "P7", "0602 5037"),
    ("MB0:WSTRING[6]", "가", "0006 0001 AC00"),
    ("MD0:TIME", -1000, "FFFFFC18"),
    ("MB0:DATE_AND_TIME", datetime(1993, 12, 25, 8, 12, 34, 567000), "9312 2508 1234 5677"),
    ("MB0:DT", datetime(2026, 11, 29), "2611 2900 0000 0001"),
    ("MB0:DTL", datetime(2026, 11, 29, 1, 2, 3, 4), "07EA 0B1D 01 01 02 03 00000FA0"),
]


@pytest.mark.parametrize(("text", "value", "content"), VALUES, ids=[each[0] for each in VALUES])
def test_a_value_has_the_bytes_of_its_type(text: str, value: Any, content: str) -> None:
    address = Address.of(text)
    (found,) = written(address, [value])
    assert bytes.fromhex(content) == found.content
    assert [value] == values_in(found.content.ljust(address.type.size, b"\0"), address, 1)


def test_a_string_of_another_encoding_counts_bytes() -> None:
    address = Address.of("MB0:STRING[6]", "cp949")
    (found,) = written(address, ["한국"])
    assert bytes.fromhex("0604 C7D1 B1B9") == found.content
    assert ["한국"] == values_in(found.content + b"\0\0", address, 1)
    with pytest.raises(CodecError, match=r"'한국어인' has 8 bytes, but STRING\[6\] has 6"):
        written(address, ["한국어인"])


@pytest.mark.parametrize(
    ("text", "value", "reason"),
    [
        ("MW0", 65536, "MW0: WORD is a whole number from 0 to 65535, not 65536"),
        ("MW0:INT", True, "MW0:INT: INT is a whole number from -32768 to 32767, not True"),
        ("MD0:REAL", 1e39, "MD0:REAL: 1e+39 is too great for REAL"),
        ("MD0:REAL", "x", "MD0:REAL: REAL is a number, not 'x'"),
        ("M0.0", 1, "M0.0: BOOL is True or False, not 1"),
        ("MB0:CHAR", "ab", "MB0:CHAR: CHAR is one character, not 'ab'"),
        ("MB0:STRING[2]", "abc", "MB0:STRING[2]: 'abc' has 3 bytes, but STRING[2] has 2"),
        ("MB0:STRING[2]", "가", "MB0:STRING[2]: '가' has no bytes in latin-1"),
        ("MB0:STRING", "a", "MB0:STRING: say the length that the STRING has in the CPU, as in STRING[30]"),
        ("MB0:WSTRING[1]", "ab", "MB0:WSTRING[1]: 'ab' has 2 characters, but WSTRING[1] has 1"),
        ("MB0:DT", datetime(1989, 1, 1), "MB0:DT: DATE_AND_TIME is a datetime of the years 1990 to 2089"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(text: str, value: Any, reason: str) -> None:
    with pytest.raises(CodecError) as caught:
        written(Address.of(text), [value])
    assert str(caught.value).startswith(reason)


@pytest.mark.parametrize(
    ("text", "content", "reason"),
    [
        ("MB0:STRING[6]", "0607 4141414141", "MB0:STRING[6]: the CPU says that 7 of 6 characters"),
        ("MB0:WSTRING[1]", "0001 0002 0041", "MB0:WSTRING[1]: the CPU says that 2 of 1 characters"),
        ("MB0:DT", "00" * 8, "MB0:DT: the CPU gives (2000, 0, 0, 0, 0, 0, 0), which is not a date"),
        ("MB0:DT", "1A" * 8, "MB0:DT: 1a1a1a1a1a1a1a01 are not decimal digits"),
    ],
)
def test_bytes_that_are_not_a_value_are_a_bad_reply(text: str, content: str, reason: str) -> None:
    with pytest.raises(BadReply) as caught:
        values_in(bytes.fromhex(content), Address.of(text), 1)
    assert str(caught.value).startswith(reason)


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(0, 7))
def test_bits_are_those_of_their_bytes_from_the_lowest_on(bits: list[bool], first: int) -> None:
    address = Address.of(f"M3.{first}")
    number = sum(1 << first + place for place, bit in enumerate(bits) if bit)
    size = address.bytes_of(len(bits)).size
    assert bits == address.values_in(number.to_bytes(size, "little"), len(bits))


def test_each_bit_is_written_by_itself() -> None:
    found = written(Address.of("DB2.DBX1.7"), [True, False])
    assert [
        (Item(Size.BIT, 1, 2, Area.BLOCKS, 15), b"\1"),
        (Item(Size.BIT, 1, 2, Area.BLOCKS, 16), b"\0"),
    ] == [(each.item, each.content) for each in found]


@given(st.lists(st.integers(-32768, 32767), min_size=1))
def test_several_numbers_stand_side_by_side(numbers: list[int]) -> None:
    address = Address.of("DB1.DBW10:INT")
    (found,) = written(address, numbers)
    assert numbers == values_in(found.content, address, len(numbers))
    assert address.bytes_of(len(numbers)).size == len(found.content)


@given(st.floats(width=32, allow_nan=False))
def test_a_real_is_read_as_it_was_written(number: float) -> None:
    (found,) = written(Address.of("MD0:REAL"), [number])
    assert [number] == values_in(found.content, Address.of("MD0:REAL"), 1)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2089, 12, 31)))
def test_a_date_and_time_is_read_with_its_milliseconds(moment: datetime) -> None:
    (found,) = written(Address.of("MB0:DT"), [moment])
    expected = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert [expected] == values_in(found.content, Address.of("MB0:DT"), 1)
