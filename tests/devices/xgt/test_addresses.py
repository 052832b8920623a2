"""Addresses of an XGT controller are read as people and controllers write them."""

from __future__ import annotations

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm import CodecError
from tcpcomm.devices.xgt.addresses import UNIT_BITS, Address, address_of


@pytest.mark.parametrize(
    ("text", "name", "first_bit"),
    [
        ("D1234", "%DW1234", 1234 * 16),  # XGL-EFMF, section 7, page 7-3: word and byte of D1234
        ("%DB2468", "%DB2468", 1234 * 16),
        ("M172.C", "%MX2764", 2764),  # the same page: bit C of M172
        ("%mx2764", "%MX2764", 2764),
        (" d0100 ", "%DW100", 1600),
        ("%MD50", "%MD50", 1600),
        ("%ML25", "%ML25", 1600),
        ("ZR7", "%ZRW7", 112),
        ("T5", "%TW5", 80),
    ],
)
def test_an_address_has_the_name_of_the_manual(text: str, name: str, first_bit: int) -> None:
    place = address_of(text)
    assert (name, first_bit) == (place.name, place.first_bit)


def test_inputs_and_outputs_of_xgi_have_dots() -> None:
    place = address_of("%QX0.1.15")
    assert ("%QX0.1.15", False) == (place.name, place.has_bytes)
    assert "%QX0.1.17" == place.behind(2).name


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("100", "'100' is not an address of an XGT controller: write D100, M172.C, %MW100,"),
        ("M00100", "M00100 is a bit in XG5000: write M10.0 for it, or %MW100 for the word"),
        ("L000100", "write L10.0 for it, or %LW100 for the word"),
        ("P0000F", "P0000F: write P0.F for this bit"),
        ("DW100", "DW100: write %DW100, or D100 for a word"),
        ("MX100", "MX100: write %MX100, or M100 for a word"),
        ("D-1", "is not an address"),
        ("M172.G", "is not an address"),
        ("%D100", "is not an address"),
        ("%DW1234567890123", "%DW1234567890123"),
        ("D12345678901234", "an address has 16 characters at most"),
        ("M172.C:u16", "only a word has a type: leave u16 out"),
        ("%DB7:u16", "only a word has a type"),
    ],
)
def test_a_wrong_address_is_refused_with_what_is_allowed(text: str, problem: str) -> None:
    if len(text) <= 16 and text.startswith("%DW"):
        assert problem == address_of(text).name
        return
    with pytest.raises(CodecError) as refused:
        address_of(text)
    assert problem in str(refused.value)


def test_what_is_not_a_text_is_refused() -> None:
    with pytest.raises(CodecError, match="100 is not a text: write an address such as D100"):
        address_of(cast("str", 100))


addresses = st.builds(
    Address,
    st.sampled_from(["D", "M", "ZR"]),
    st.sampled_from([*UNIT_BITS]),
    st.integers(0, 99999).map(str),
)


@given(addresses)
def test_the_text_of_an_address_is_the_address(place: Address) -> None:
    assert place == address_of(str(place))
