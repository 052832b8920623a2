"""Addresses of an Omron controller are read as people write them, and wrong ones are refused in words."""

from __future__ import annotations

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm import CodecError
from tcpcomm.devices.fins.addresses import AREAS, Address, address_of


@pytest.mark.parametrize(
    ("text", "code", "number", "bit"),
    [
        ("D100", 0x82, 100, None),
        ("d00100", 0x82, 100, None),
        ("D100.15", 0x02, 100, 15),
        ("CIO10", 0xB0, 10, None),
        ("CIO 10.13", 0x30, 10, 13),
        ("W3.05", 0x31, 3, 5),
        ("H0", 0xB2, 0, None),
        ("A448.00", 0x33, 448, 0),
        ("E100", 0x98, 100, None),
        ("E100.1", 0x0A, 100, 1),
        ("E0_100", 0xA0, 100, None),
        ("e0F_7.2", 0x2F, 7, 2),
        ("E10_100", 0x60, 100, None),
        ("E18_100.0", 0xE8, 100, 0),
        ("T5", 0x89, 5, None),
        ("C5", 0x89, 0x8005, None),
        ("TS5", 0x09, 5, None),
        ("CS4095", 0x09, 0x8FFF, None),
    ],
)
def test_an_address_has_the_numbers_of_the_manual(
    text: str, code: int, number: int, bit: int | None
) -> None:
    place = address_of(text)
    assert (code, number, bit) == (place.code, place.number, place.bit)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Q7", "'Q7' is not an address of an Omron controller: write D100, D100:f32, W3.05,"),
        ("100", "is not an address"),
        ("D-1", "is not an address"),
        ("D٣", "is not an address"),
        ("E19_0", "is not an address"),
        ("D32768", "D32768: the last address is D32767"),
        ("D0.16", "D0.16: a word has the bits 00 to 15"),
        ("T5.0", "T5.0: T has no bits; its completion flag is TS5"),
        ("TS5.0", "TS5.0: TS5 is a flag already, and has no bits"),
    ],
)
def test_a_wrong_address_is_refused_with_what_is_allowed(text: str, problem: str) -> None:
    with pytest.raises(CodecError) as refused:
        address_of(text)
    assert problem in str(refused.value)


def test_what_is_not_a_text_is_refused() -> None:
    with pytest.raises(CodecError, match="100 is not a text: write an address such as D100"):
        address_of(cast("str", 100))


addresses = st.sampled_from([*AREAS.values()]).flatmap(
    lambda area: st.builds(
        Address,
        st.just(area),
        st.integers(0, area.last),
        st.none() if area.words is None or area.bits is None else st.none() | st.integers(0, 15),
    )
)


@given(addresses)
def test_the_text_of_an_address_is_the_address(place: Address) -> None:
    assert place == address_of(str(place))
