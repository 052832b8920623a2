"""Marks of an annotation that contradict each other, or mean nothing, are refused with their names."""

from __future__ import annotations

from itertools import permutations
from typing import Annotated, Any

import pytest
from attrs import frozen

from tcpcomm.codec.base import Field
from tcpcomm.codec.binary.types import (
    F32,
    U8,
    U16,
    Aligned,
    Bits,
    Counted,
    CountedBy,
    Encoded,
    EndedBy,
    Fixed,
    HighestFirst,
    Int,
    InTag,
    Rest,
)
from tcpcomm.errors import ConfigurationError
from tests.codec.binary.wires import bound, one, written


@frozen
class Pair:
    x: U8
    y: U8


SIZES = {
    'CountedBy("used")': CountedBy("used"),
    "Fixed(30)": Fixed(30),
    "Fixed(4, count=U8)": Fixed(4, count=U8),
    "Counted(U8)": Counted(U8),
    "Counted(U16)": Counted(U16),
    "Counted(U8, adjust=2)": Counted(U8, adjust=2),
    "Rest()": Rest(),
    "EndedBy(b'\\x00')": EndedBy(b"\0"),
}


@pytest.mark.parametrize("kind", [str, bytes, list[U8]], ids=str)
@pytest.mark.parametrize(("first", "second"), [*permutations(SIZES, 2)])
def test_two_sizes_of_one_value_are_refused_with_both_names(kind: Any, first: str, second: str) -> None:
    fields = [Field("used", U8), Field("value", Annotated[kind, SIZES[first], SIZES[second]])]
    with pytest.raises(ConfigurationError) as caught:
        bound(fields)
    first, second = (text.replace('"', "'") for text in (first, second))
    assert f"Device.f: parameter value: {first} and {second} contradict each other" in str(caught.value)


def test_an_alias_with_a_size_cannot_get_another_one() -> None:
    name = Annotated[str, Fixed(8)]
    with pytest.raises(ConfigurationError, match=r"Fixed\(8\) and Fixed\(4\) contradict each other"):
        one(Annotated[name, Fixed(4)])


def test_a_count_beside_a_fixed_size_is_told_the_form_that_has_both() -> None:
    with pytest.raises(ConfigurationError, match=r"is Fixed\(30, count=U8\)"):
        one(Annotated[str, Counted(U8), Fixed(30)])


@pytest.mark.parametrize(
    ("annotation", "problem"),
    [
        (Annotated[U8, Int(2)], "U8 and U16 contradict each other"),
        (Annotated[U16, Int(2, order="little")], r"U16 and U16 \(little\) contradict each other"),
        (Annotated[F32, U16], "F32 and U16 contradict each other"),
        (Annotated[str, Fixed(8), Encoded("cp949"), Encoded("utf-8")], r"Encoded\('cp949'\) and Encoded"),
        (Annotated[list[Annotated[int, Bits(3), Bits(4)]], Rest()], r"Bits\(3\) and Bits\(4\) contradict"),
        (Annotated[Pair, Counted(U8), Fixed(8)], r"Counted\(U8\) and Fixed\(8\) contradict"),
        (Annotated[bytes, Counted(U8), Counted(U16, in_bytes=True)], r"Counted\(U8\) and Counted\(U16, "),
        (Annotated[bytes, Fixed(8), Aligned(4)], r"Aligned and Fixed\(8\) contradict"),
    ],
)
def test_two_marks_of_a_kind_are_refused_with_both_names(annotation: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        one(annotation)


@pytest.mark.parametrize(
    ("annotation", "problem"),
    [
        (Annotated[U16, Fixed(4)], r"Fixed\(4\) has no meaning for int in a number"),
        (Annotated[U16, Encoded("cp949")], r"Encoded\('cp949'\) has no meaning"),
        (Annotated[bytes, Fixed(4), Encoded("cp949")], r"Encoded\('cp949'\) has no meaning for bytes"),
        (Annotated[bytes, Fixed(4, pad=" ")], "pad has no meaning for bytes"),
        (Annotated[bool, Fixed(1)], r"Fixed\(1\) has no meaning for bool"),
        (Annotated[Pair, Rest()], r"Rest\(\) has no meaning for Pair"),
        (Annotated[Pair, Encoded("cp949")], "has no meaning for Pair"),
        (Annotated[U8 | None, Rest()], "has no meaning"),
        (Annotated[U8, HighestFirst()], r"HighestFirst\(\) has no meaning for int"),
        (Annotated[list[U8], Rest(), HighestFirst()], r"HighestFirst\(\) has no meaning for a list"),
        (Annotated[str, Rest(), HighestFirst()], r"HighestFirst\(\) has no meaning for str"),
        (Annotated[str, InTag()], r"InTag\(\) has no meaning for str"),
        (Annotated[str, Counted(InTag())], "InTag needs a tag before it"),
        (Annotated[Pair, Aligned(4)], "Aligned needs the size of its value"),
    ],
)
def test_a_mark_without_a_meaning_is_refused(annotation: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        one(annotation)


def test_the_same_mark_twice_is_no_contradiction() -> None:
    assert "41 42 00 00" == written(Annotated[Annotated[str, Fixed(4)], Fixed(4)], "AB")
