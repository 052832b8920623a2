"""Numbers as hexadecimal digits: ``Binary(byte_order="hex")``, as MC protocol has them in ASCII."""

from __future__ import annotations

import struct
from typing import Annotated, Any

import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from tcpcomm.codec import Binary, Field, Int, Length, Request, Tagged
from tcpcomm.codec.binary.header import ID, OPCODE, STATUS
from tcpcomm.codec.binary.types import (
    F32,
    I8,
    I16,
    U8,
    U16,
    U24,
    Bits,
    Counted,
    CountedBy,
    Fixed,
    HighestFirst,
)
from tcpcomm.errors import CodecError, ConfigurationError, Fault
from tests.codec.binary.wires import bound, one

HEX = Binary(byte_order="hex")
Nibbles = Annotated[list[Annotated[bool, Bits(4)]], Counted(U8), HighestFirst()]


@frozen
class State:
    ready: bool
    mode: Annotated[int, Bits(3)]


def check(annotation: Any, value: Any, expected: bytes) -> None:
    """Check that a value has these characters, and that they are read as the value."""
    dialect = one(annotation, HEX)
    frame = dialect.request("f", {"value": value}, 0)
    assert (b"01" + expected) == frame
    assert Request("f", {"value": value}) == dialect.read_at_equipment(frame)


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (U8, 0x0A, b"0A"),
        (U16, 0x1F, b"001F"),
        (U24, 0x123456, b"123456"),
        (I8, -1, b"FF"),
        (I16, -2, b"FFFE"),
        (F32, 1.5, b"3FC00000"),
        (bool, True, b"01"),
        (Annotated[State, U8], State(True, 5), b"0B"),
        (Annotated[int, Int(2, order="little")], 0x1234, b"\x34\x12"),
        (Annotated[list[U16], Counted(U16)], [1, 0xFFFF], b"00020001FFFF"),
        (Annotated[list[U16], Fixed(2)], [1, 2], b"00010002"),
        (Annotated[str, Counted(U16)], "AB", b"0002AB"),
        (Nibbles, [True, False, True], b"03101"),
        (Annotated[list[Annotated[bool, Bits(4)]], Fixed(3), HighestFirst()], [True] * 3, b"111"),
    ],
    ids=str,
)
def test_numbers_are_digits_the_highest_first(annotation: Any, value: Any, expected: bytes) -> None:
    check(annotation, value, expected)


def test_one_number_may_be_digits_in_a_message_of_bytes() -> None:
    assert b"\x01001F" == one(Annotated[int, Int(2, order="hex")]).request("f", {"value": 31}, 0)


def test_the_header_is_digits_too() -> None:
    codec = Binary(
        (U16, U16),
        id=U16,
        status=U16,
        byte_order="hex",
        head=(b"5400", ID, b"0000", Length(U16), OPCODE),
        reply_head=(b"D400", ID, b"0000", Length(U16), STATUS),
    )
    dialect = bound([Field("value", U16)], result=U16, codec=codec)
    frame = dialect.request("f", {"value": 10}, 0x12)
    assert b"540000120000000C00000001000A" == frame
    asked = dialect.read_at_equipment(frame)
    assert Request("f", {"value": 10}, 0x12, header=None) == asked
    assert [b"D4000012000000080000000B"] == dialect.reply(asked, 11)
    assert b"D400001200000004C059" == dialect.fault(asked, Fault(0xC059))


@pytest.mark.parametrize("digits", [b"00G0", b"0x1F", b" 1F ", b"-001", b"1_00"])
def test_other_characters_are_refused(digits: bytes) -> None:
    asked: Any = one(U16, HEX).read_at_equipment(b"01" + digits)
    assert f"value: must be 4 hexadecimal digits, not {digits!r}" == str(asked.problem)


def test_lower_case_is_read() -> None:
    assert Request("f", {"value": 0x1F}) == one(U16, HEX).read_at_equipment(b"01001f")


def test_wrong_bits_in_digits_are_refused() -> None:
    asked: Any = one(Nibbles, HEX).read_at_equipment(b"0102G0")
    assert "value: must be hexadecimal digits, not b'G0'" == str(asked.problem)
    asked = one(Nibbles, HEX).read_at_equipment(b"010220")
    assert "value[0]: must be one of 0 | 1, not 2" == str(asked.problem)


def test_a_number_that_does_not_fit_is_refused() -> None:
    with pytest.raises(CodecError, match="value: must be a whole number from 0 to 255, not 256"):
        one(U8, HEX).request("f", {"value": 256}, 0)


def test_what_has_no_meaning_in_digits_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"the highest first: add HighestFirst\(\)"):
        one(Annotated[list[Annotated[bool, Bits(1)]], Counted(U8)], HEX)
    with pytest.raises(ConfigurationError, match="size_bits are for tags in bytes"):
        one(Annotated[int | None, Tagged(U8, {0: None, 1: U8}, size_bits=2)], HEX)
    with pytest.raises(ConfigurationError, match="byte_order must be big, little or hex, not 'HEX'"):
        Binary(byte_order="HEX")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="order must be big, little or hex, not 'octal'"):
        Int(2, order="octal")  # type: ignore[arg-type]


def test_the_manual_tells_digits_from_bytes() -> None:
    dialect = one(Annotated[list[U8], Counted(U16)], HEX)
    assert "3031 value:(u8hex)[u16hex]" == dialect.notation("f").request
    assert "3031 value:bits(hex highest first: bool(4))[u8hex]" == one(Nibbles, HEX).notation("f").request
    layout = dialect.layout("f")
    assert layout is not None
    assert "hex" == layout["request"]["body"]["fields"][0]["form"]["item"]["order"]


@settings(max_examples=30)
@given(st.lists(st.booleans(), max_size=40), st.floats(width=32, allow_nan=False))
def test_any_values_arrive_as_they_were_sent(bits: list[bool], number: float) -> None:
    check(Nibbles, bits, b"%02X" % len(bits) + b"".join(b"01"[each : each + 1] for each in bits))
    check(F32, number, struct.pack(">f", number).hex().upper().encode())


def test_a_list_in_a_result_has_the_length_of_a_list_in_its_request() -> None:
    result = Annotated[list[U16], CountedBy("places")]
    dialect = bound([Field("places", Annotated[list[U8], Counted(U8)])], result=result)
    frame = dialect.request("f", {"places": [5, 7]}, 0)
    asked = dialect.read_at_equipment(frame)
    assert isinstance(asked, Request)
    assert [b"\x01\x00\x01\x00\x02"] == dialect.reply(asked, [1, 2])
    with pytest.raises(CodecError, match="must be 1, the length of the value, not 2"):
        dialect.reply(asked, [1])
    reader = dialect.reader_for("f", {"places": [5]})
    (answer,) = dialect.read_at_host(b"\x01\x00\x01")
    assert reader is not None
    assert [1] == reader.take(answer.body)  # type: ignore[union-attr]
