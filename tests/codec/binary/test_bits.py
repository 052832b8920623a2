"""Bits: the first field or item may have the lowest or the highest, and lists may be of bits."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from tcpcomm.codec import Field
from tcpcomm.codec.base import Request
from tcpcomm.codec.binary.types import U8, U16, Bits, Counted, EndedBy, Fixed, HighestFirst, Rest
from tcpcomm.errors import CodecError, ConfigurationError
from tests.codec.binary.cases import Axis
from tests.codec.binary.wires import bound, check, one, problem_of, written


@frozen
class State:
    ready: bool
    mode: Annotated[int, Bits(3)]
    axis: Annotated[Axis, Bits(2)]


Bit = Annotated[bool, Bits(1)]
Nibble = Annotated[int, Bits(4)]

COILS = [
    True,
    False,
    True,
    True,
    False,
    False,
    True,
    True,
    True,
    True,
    False,
    True,
    False,
    True,
    True,
    False,
]
"""Coils 20 to 35 of the example."""


def test_the_first_field_has_the_lowest_or_the_highest_bits() -> None:
    check(Annotated[State, U8], State(True, 5, Axis.Y), "2B")
    check(Annotated[State, U8, HighestFirst()], State(True, 5, Axis.Y), "D8")
    check(Annotated[State, U16, HighestFirst()], State(True, 5, Axis.Y), "D8 00")


def test_modbus_packs_coils_the_lowest_first() -> None:
    """Function 1 of the Modbus Application Protocol V1.1b3, section 6.1, and function 15, section 6.11."""
    check(Annotated[list[Bit], Counted(U8, in_bytes=True)], COILS, "02 CD 6B")
    coils = [True, False, True, True, False, False, True, True, True, False]
    write = Annotated[list[Bit], Counted(U16), Counted(U8, in_bytes=True)]
    dialect = bound([Field("start", U16), Field("values", write)])
    frame = dialect.request("f", {"start": 0x13, "values": coils}, 0)
    assert "01 00 13 00 0A 02 CD 01" == frame.hex(" ").upper()
    assert Request("f", {"start": 0x13, "values": coils}) == dialect.read_at_equipment(frame)


def test_slmp_has_one_bit_device_in_each_half_byte_the_highest_first() -> None:
    points = Annotated[list[Annotated[bool, Bits(4)]], Counted(U16), HighestFirst()]
    check(points, [True, False, False, True, True], "0005 10 01 10")
    assert "value[0]: must be one of 0 | 1, not 2" == problem_of(points, "0001 20")


def test_items_of_any_width_may_cross_bytes() -> None:
    sixes = Annotated[list[Annotated[int, Bits(6)]], Fixed(4), HighestFirst()]
    check(sixes, [1, 2, 3, 63], "04 20 FF")
    check(Annotated[list[Annotated[int, Bits(6)]], Fixed(4)], [1, 2, 3, 63], "81 30 FC")
    check(Annotated[list[Annotated[int, Bits(12)]], Counted(U8)], [0xABC, 0x123], "02 BC 3A 12")
    check(Annotated[list[Bit], Fixed(10, count=U8)], [True], "01 01 00")


def test_bits_without_an_item_are_skipped() -> None:
    assert Request("f", {"value": [True]}) == one(Annotated[list[Bit], Counted(U8)]).read_at_equipment(
        b"\1\1\xff"
    )


@pytest.mark.parametrize("size", [Counted(U8, in_bytes=True), Rest()], ids=["bytes", "rest"])
def test_bits_that_would_arrive_as_more_are_refused(size: Any) -> None:
    with pytest.raises(CodecError, match="value: has 10 items of 1 bits, which would arrive as 16"):
        written(Annotated[list[Bit], size], [True] * 10)


def test_a_wrong_item_is_refused_with_its_place() -> None:
    with pytest.raises(CodecError, match=r"value\[1\]: must be a whole number from 0 to 15, not 16"):
        written(Annotated[list[Nibble], Counted(U8)], [1, 16])
    with pytest.raises(CodecError, match=r"value\[1\]: must be one of False \| True, not 1"):
        written(Annotated[list[Bit], Counted(U8)], [True, 1])
    assert "value: needs 2 bytes, but the frame has 1 left" == problem_of(
        Annotated[list[Bit], Counted(U8)], "09 FF"
    )


def test_an_array_of_numpy_is_sent_as_bits() -> None:
    bits = np.array([True, False, True])
    assert "03 05" == written(Annotated[list[Bit], Counted(U8)], bits)


def test_a_list_of_bits_has_no_end_mark() -> None:
    with pytest.raises(ConfigurationError, match="a list of bits has no end mark"):
        one(Annotated[list[Bit], EndedBy(b"\0")])


@settings(max_examples=30)
@given(data=st.data(), width=st.integers(1, 64), highest=st.booleans())
def test_any_items_arrive_as_they_were_sent(data: st.DataObject, width: int, highest: bool) -> None:
    marks = (Counted(U16), HighestFirst()) if highest else (Counted(U16),)
    kind = Annotated[(list[Annotated[int, Bits(width)]], *marks)]
    values = data.draw(st.lists(st.integers(0, 2**width - 1), max_size=20))
    dialect = one(kind)
    frame = dialect.request("f", {"value": values}, 0)
    assert 3 + -(-width * len(values) // 8) == len(frame)
    assert Request("f", {"value": values}) == dialect.read_at_equipment(frame)
