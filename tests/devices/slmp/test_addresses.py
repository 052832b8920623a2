"""Write addresses as the field does: D100, X1F, D100.A, D100:f32."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcpcomm import CodecError, Fault
from tcpcomm.codec import Binary
from tcpcomm.devices.slmp import KINDS, OCTAL, Address, LongAddress
from tcpcomm.devices.slmp.addresses import IN_BYTES, IN_TEXT, place_of
from tests.codec.binary.wires import one


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("D100", ("D", 100, None, "")),
        (" d100 ", ("D", 100, None, "")),
        ("X1F", ("X", 0x1F, None, "")),
        ("XFF", ("X", 0xFF, None, "")),
        ("SB1F", ("SB", 0x1F, None, "")),
        ("B1F", ("B", 0x1F, None, "")),
        ("ZR10", ("ZR", 10, None, "")),
        ("STN7", ("STN", 7, None, "")),
        ("D100.A", ("D", 100, 10, "")),
        ("D100:f32", ("D", 100, None, "f32")),
        ("W1F:I32", ("W", 0x1F, None, "i32")),
        ("D100:str[16]", ("D", 100, None, "str[16]")),
        ("LTN3:i32", ("LTN", 3, None, "i32")),
    ],
)
def test_an_address_names_a_place(text: str, expected: tuple[str, int, int | None, str]) -> None:
    place = place_of(text)
    assert expected == (place.kind.name, place.number, place.bit, place.type)


def test_inputs_and_outputs_of_an_fx5_are_octal() -> None:
    assert 8 == place_of("Y10", OCTAL).number
    assert 16 == place_of("X20", OCTAL).number
    assert 100 == place_of("D100", OCTAL).number
    with pytest.raises(CodecError, match="'Y8': Y are outputs, and have octal numbers: Y10"):
        place_of("Y8", OCTAL)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "names no device: write one such as D100"),
        ("Q5", "names no device: write one such as D100"),
        ("D", "D are data registers, and have decimal numbers: D10"),
        ("D1F", "D are data registers, and have decimal numbers: D10"),
        ("D-1", "D are data registers, and have decimal numbers: D10"),
        ("D1_0", "D are data registers, and have decimal numbers: D10"),
        ("X1G", "X are inputs, and have hexadecimal numbers: X10"),
        ("M5.1", "only a word has bits behind a dot, and M are internal relays"),
        ("D5.", "the bit of a word is one digit from 0 to F, such as D100.A"),
        ("D5.10", "the bit of a word is one digit from 0 to F, such as D100.A"),
        ("D5:f16", "the types are u16, i16, u32, i32, u64, i64, f32, f64, bcd, bcd32, and str[16]"),
        ("D5:str", "the types are u16, i16, u32, i32, u64, i64, f32, f64, bcd, bcd32, and str[16]"),
        ("D5.1:f32", "a bit has no type: leave f32 out"),
        ("M5:u16", "M are internal relays, which have no type"),
        ("LTN5:f64", "LTN are current values of long timers, of 32 bits"),
    ],
)
def test_what_is_not_an_address_is_refused_with_what_is(text: str, problem: str) -> None:
    with pytest.raises(CodecError) as caught:
        place_of(text)
    assert problem in str(caught.value)


def test_an_address_shows_itself_as_people_write_it() -> None:
    assert ["D100", "X1F", "?FF0"] == [
        str(each) for each in (Address("D", 100), Address("X", 0x1F), Address("?FF", 0))
    ]


@pytest.mark.parametrize("in_text", [False, True], ids=["binary", "ascii"])
@settings(max_examples=25)
@given(data=st.data())
def test_any_address_goes_both_ways(data: st.DataObject, in_text: bool) -> None:
    codec = Binary(byte_order="hex", types=IN_TEXT) if in_text else Binary(types=IN_BYTES)
    kind = data.draw(st.sampled_from([each for each in KINDS.values() if each.short]))
    number = data.draw(st.integers(0, 999999 if in_text and kind.base == 10 else 0xFFFFFF))
    for made in (Address(kind.name, number), LongAddress(kind.name, number)):
        dialect = one(type(made), codec)
        frame = dialect.request("f", {"value": made}, 0)
        found = dialect.read_at_equipment(frame)
        assert {"value": made} == found.values  # type: ignore[union-attr]


def test_a_number_of_zr_is_decimal_but_hexadecimal_in_ascii() -> None:
    """GX Works shows ZR31; SH(NA)-080008 and SH(NA)-080956 say that a message in ASCII has 1F."""
    assert 31 == place_of("ZR31").number
    assert "ZR31" == str(Address("ZR", 31))
    for made, written in ((Address, b"ZR00001F"), (LongAddress, b"ZR**0000001F")):
        dialect = one(made, Binary(byte_order="hex", types=IN_TEXT))
        assert dialect.request("f", {"value": made("ZR", 31)}, 0).endswith(written)


def test_an_address_that_does_not_fit_is_not_sent() -> None:
    text = one(Address, Binary(byte_order="hex", types=IN_TEXT))
    binary = one(Address, Binary(types=IN_BYTES))
    for dialect, address, problem in (
        (binary, Address("RD", 0), "RD needs the commands for iQ-R"),
        (binary, Address("Q", 0), "there is no device Q; there are SM, "),
        (binary, Address("D", 1 << 24), "must be a whole number from 0 to 16777215"),
        (binary, LongAddress("D", 0), "must be an Address, not LongAddress"),
        (text, Address("D", 1000000), "the number of D1000000 has more than 6 digits"),
    ):
        with pytest.raises(CodecError) as caught:
            dialect.request("f", {"value": address}, 0)
        assert problem in str(caught.value)


def test_a_code_that_means_no_device_is_read_and_then_refused() -> None:
    found = one(Address, Binary(types=IN_BYTES)).read_at_equipment(b"\x01\x00\x00\x00\xff")
    address = found.values["value"]  # type: ignore[union-attr]
    assert "?FF" == address.device
    with pytest.raises(Fault) as caught:
        assert address.kind
    assert 0xC05C == caught.value.code


def test_spaces_fill_an_address_in_ascii_too() -> None:
    dialect = one(Address, Binary(byte_order="hex", types=IN_TEXT))
    found = dialect.read_at_equipment(b"01D    100")
    assert {"value": Address("D", 100)} == found.values  # type: ignore[union-attr]
    wrong = dialect.read_at_equipment(b"01D*00010F")
    assert "the number of D must have decimal digits, not '00010F'" in str(wrong.problem)  # type: ignore[union-attr]
