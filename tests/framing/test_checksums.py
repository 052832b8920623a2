"""Checksums by their names, and their forms on the wire."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.errors import ConfigurationError
from tcpcomm.framing import CHECKSUMS, Checksum, checksum, crc

CHECK_INPUT = b"123456789"
"""The bytes of which the catalogue of parametrised CRC algorithms gives the check values."""

CHECK_VALUES = {
    "crc-8/smbus": 0xF4,
    "crc-8/maxim-dow": 0xA1,
    "crc-8/sae-j1850": 0x4B,
    "crc-16/arc": 0xBB3D,
    "crc-16/modbus": 0x4B37,
    "crc-16/usb": 0xB4C8,
    "crc-16/kermit": 0x2189,
    "crc-16/ibm-sdlc": 0x906E,
    "crc-16/ibm-3740": 0x29B1,
    "crc-16/xmodem": 0x31C3,
    "crc-16/dnp": 0xEA82,
    "crc-32/iso-hdlc": 0xCBF43926,
    "crc-32/mpeg-2": 0x0376E6E7,
    "crc-32/iscsi": 0xE3069283,
    "xor": 0x31,  # the XOR and the sum of the digits 1 to 9 in ASCII: by hand
    "sum8": 0xDD,
    "sum16": 0x01DD,
    "lrc": 0x23,
}

PARAMETERS = {  # of the catalogue: width, poly, init, reflected (refin and refout), xorout
    "crc-16/ibm-3740": (16, 0x1021, 0xFFFF, False, 0),
    "crc-16/xmodem": (16, 0x1021, 0, False, 0),
    "crc-32/iso-hdlc": (32, 0x04C11DB7, 0xFFFFFFFF, True, 0xFFFFFFFF),
}


def test_every_checksum_has_a_check_value() -> None:
    assert set(CHECK_VALUES) == set(CHECKSUMS)


@pytest.mark.parametrize("name", CHECKSUMS)
def test_a_checksum_has_the_check_value_of_the_catalogue(name: str) -> None:
    assert CHECK_VALUES[name] == checksum(name).compute(CHECK_INPUT)


@pytest.mark.parametrize("name", CHECKSUMS)
def test_a_checksum_is_as_wide_as_its_name_says(name: str) -> None:
    bits = re.search(r"[0-9]+", name)
    assert (int(bits[0]) if bits else 8) == 8 * checksum(name).width


@pytest.mark.parametrize("name", CHECKSUMS)
def test_a_flipped_bit_changes_the_checksum(name: str) -> None:
    for position in range(len(CHECK_INPUT)):
        for bit in range(8):
            damaged = bytearray(CHECK_INPUT)
            damaged[position] ^= 1 << bit
            assert not checksum(name).matches(bytes(damaged), checksum(name).encode(CHECK_INPUT))


@pytest.mark.parametrize("name", PARAMETERS)
@given(data=st.binary(max_size=40))
def test_the_library_functions_are_the_crc_of_their_parameters(name: str, data: bytes) -> None:
    width, poly, init, reflected, xorout = PARAMETERS[name]
    own = crc(width, poly, init, reflected=reflected, xorout=xorout)
    assert own(data) == checksum(name).compute(data)


@given(data=st.binary(max_size=40), reflected=st.booleans(), width=st.sampled_from([8, 16, 24, 32]))
def test_a_crc_is_the_remainder_of_a_division_bit_by_bit(data: bytes, reflected: bool, width: int) -> None:
    mask = (1 << width) - 1
    poly, init, xorout = 0x04C11DB7 & mask, 0x12345678 & mask, 0x5A
    register = init
    for byte in data:
        for bit in range(8):
            incoming = byte >> (bit if reflected else 7 - bit) & 1
            carry = register >> (width - 1) ^ incoming
            register = (register << 1 & mask) ^ (poly if carry else 0)
    if reflected:
        register = int(f"{register:0{width}b}"[::-1], 2)
    assert register ^ xorout == crc(width, poly, init, reflected=reflected, xorout=xorout)(data)


def test_the_lrc_of_modbus_ascii_makes_the_sum_zero() -> None:
    assert b"FB" == checksum("lrc").written("hex").encode(bytes.fromhex("010300000001"))


@pytest.mark.parametrize(
    ("name", "form", "wire"),
    [
        ("crc-16/modbus", "little", b"\x37\x4b"),
        ("crc-16/modbus", "big", b"\x4b\x37"),
        ("crc-16/modbus", "hex", b"4B37"),
        ("crc-16/modbus", "decimal", b"19255"),
        ("xor", "big", b"\x31"),
        ("xor", "hex", b"31"),
        ("xor", "decimal", b"049"),
        ("sum16", "hex", b"01DD"),
        ("crc-32/mpeg-2", "decimal", b"0058124007"),
    ],
)
def test_a_checksum_is_written_in_the_given_form(name: str, form: Any, wire: bytes) -> None:
    written = checksum(name).written(form)
    assert (wire, len(wire)) == (written.encode(CHECK_INPUT), written.size)
    assert written.matches(CHECK_INPUT, wire)


def test_modbus_writes_its_crc_low_byte_first() -> None:
    assert bytes.fromhex("840A") == checksum("crc-16/modbus").encode(bytes.fromhex("010300000001"))


def test_the_others_are_written_high_byte_first() -> None:
    assert bytes.fromhex("CBF43926") == checksum("crc-32/iso-hdlc").encode(CHECK_INPUT)


def test_hex_digits_are_accepted_in_either_case() -> None:
    written = checksum("crc-16/arc").written("hex")
    assert written.matches(CHECK_INPUT, b"bb3d")
    assert written.matches(CHECK_INPUT, b"BB3d")


@pytest.mark.parametrize("received", [b"", b"BB3", b"BB3D ", b"BB3E", b"\xbb\x3d"])
def test_a_wrong_checksum_does_not_match(received: bytes) -> None:
    assert not checksum("crc-16/arc").written("hex").matches(CHECK_INPUT, received)


def test_the_case_of_letters_in_a_binary_checksum_matters() -> None:
    assert not checksum("xor").matches(b"A", b"a")


def test_names_are_found_in_any_case() -> None:
    assert checksum("crc-16/modbus") is checksum("CRC-16/MODBUS")


def test_an_unknown_name_is_refused_with_a_list_of_all_names() -> None:
    with pytest.raises(ConfigurationError, match=r"^no checksum is called 'crc-12'; there are xor, sum8, "):
        checksum("crc-12")


def test_an_unknown_form_is_refused_with_a_list_of_all_forms() -> None:
    reason = "a checksum is written as big, little, hex, decimal, not as 'octal'"
    form: Any = "octal"
    with pytest.raises(ConfigurationError, match=f"^{reason}$"):
        checksum("xor").written(form)


def test_another_form_does_not_change_the_catalogue() -> None:
    checksum("xor").written("hex")
    assert "big" == checksum("xor").form


def test_a_user_can_make_a_checksum() -> None:
    ones = Checksum("count", lambda data: len(data) & 0xFFFF, 2, "little")
    assert b"\x03\x00" == ones.encode(b"abc")


@pytest.mark.parametrize("width", [5, 7, 1])
def test_a_register_of_fewer_than_8_bits_is_refused(width: int) -> None:
    """It was a ValueError, "negative shift count"."""
    with pytest.raises(ConfigurationError) as caught:
        crc(width, 0x05)
    assert (
        f"crc() computes registers of 8 bits and more, not {width}: write a function from bytes to an int "
        f"for crc-{width}, and give that to Checksum"
    ) == str(caught.value)
