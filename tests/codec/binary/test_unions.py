"""Values of one of several types: a tag before them, or an earlier field, tells which."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from attrs import frozen

from tcpcomm.codec import Binary, Field
from tcpcomm.codec.base import Dialect, Refusal, Request
from tcpcomm.codec.binary.types import (
    F32,
    I16,
    I32,
    U8,
    U16,
    U32,
    After,
    Before,
    Counted,
    CountedBy,
    Derived,
    Fixed,
    Rest,
    Tagged,
    TaggedBy,
)
from tcpcomm.errors import CodecError, ConfigurationError
from tests.codec.binary.wires import bound, check, one, problem_of, written

LITTLE = Binary(byte_order="little")

Number = Annotated[int | float | str, Tagged(U8, {1: I16, 2: F32, 3: Annotated[str, Counted(U8)]})]


@frozen
class Circle:
    radius: U16


@frozen
class Box:
    width: U16
    height: U16


Shape = Annotated[Circle | Box, Tagged(Annotated[bytes, Fixed(2)], {b"CI": Circle, b"BX": Box})]


@pytest.mark.parametrize(
    ("value", "expected"), [(-2, "01 FFFE"), (1.5, "02 3FC00000"), ("AB", "03 02 4142")], ids=str
)
def test_a_tag_tells_the_type_of_the_value_behind_it(value: Any, expected: str) -> None:
    check(Number, value, expected)


def test_a_tag_may_be_bytes_and_its_types_classes() -> None:
    check(Shape, Box(1, 2), "4258 0001 0002")
    check(Annotated[list[Shape], Counted(U8)], [Circle(3), Box(1, 2)], "02 4349 0003 4258 00010002")


def test_a_value_in_the_middle_may_be_missing_where_a_tag_tells_it() -> None:
    fields = [Field("a", Annotated[I32 | None, Tagged(U8, {0: None, 1: I32})]), Field("b", U8)]
    dialect = bound(fields)
    for a, expected in ((None, "01 00 07"), (5, "01 01 00000005 07")):
        frame = dialect.request("f", {"a": a, "b": 7}, 0)
        assert bytes.fromhex(expected) == frame
        assert Request("f", {"a": a, "b": 7}) == dialect.read_at_equipment(frame)


def test_a_bit_of_a_number_may_tell_what_is_there() -> None:
    """One derived byte of flags, as UR's and ODVA's optional fields have it."""
    fields = [
        Field(
            "x",
            Annotated[
                I16 | None, Before(Derived("there", U8)), TaggedBy("there", {0: None, 1: I16}, mask=1)
            ],
        ),
        Field("y", Annotated[I16 | None, TaggedBy("there", {0: None, 2: I16}, mask=2)]),
        Field("end", U8),
    ]
    dialect = bound(fields)
    for x, y, expected in (
        (None, None, "00 09"),
        (5, None, "01 0005 09"),
        (None, 6, "02 0006 09"),
        (5, 6, "03 0005 0006 09"),
    ):
        frame = dialect.request("f", {"x": x, "y": y, "end": 9}, 0)
        assert bytes.fromhex("01" + expected) == frame
        assert Request("f", {"x": x, "y": y, "end": 9}) == dialect.read_at_equipment(frame)


def typed_tag() -> Dialect:
    """Return the reply of a CIP "read tag": the type, then numbers of that type to the end."""
    kinds = {
        0xC3: Annotated[list[I16], Rest()],
        0xC4: Annotated[list[I32], Rest()],
        0xCA: Annotated[list[F32], Rest()],
    }
    values = Annotated[list[int] | list[float], TaggedBy("kind", kinds)]
    return bound([Field("kind", U16), Field("values", values)], codec=LITTLE)


def test_a_field_tells_the_type_of_a_list_behind_it() -> None:
    dialect = typed_tag()
    frames = {
        (0xC3, (1, -1)): "C300 0100 FFFF",
        (0xC4, (1,)): "C400 01000000",
        (0xCA, (0.5,)): "CA00 0000003F",
    }
    for (kind, values), expected in frames.items():
        frame = dialect.request("f", {"kind": kind, "values": [*values]}, 0)
        assert bytes.fromhex("01" + expected) == frame
        assert Request("f", {"kind": kind, "values": [*values]}) == dialect.read_at_equipment(frame)


def test_a_value_that_does_not_fit_the_field_is_refused() -> None:
    dialect = typed_tag()
    with pytest.raises(CodecError, match=r"^values\[0\]: must be a whole number, not 0\.5$"):
        dialect.request("f", {"kind": 0xC3, "values": [0.5]}, 0)
    with pytest.raises(CodecError, match=r"^values: has the tag 7, which is not one of 195, 196, 202$"):
        dialect.request("f", {"kind": 7, "values": []}, 0)
    refused = dialect.read_at_equipment(bytes.fromhex("01 0700 0100"))
    assert isinstance(refused, Refusal)
    assert "values: has the tag 7, which is not one of 195, 196, 202" == str(refused.problem)


class Representation(Enum):
    """Value representations of DICOM."""

    US = b"US"
    LO = b"LO"
    OB = b"OB"


@frozen
class Element:
    """A DICOM element with an explicit value representation, little endian."""

    group: U16
    number: U16
    kind: Annotated[bytes, Fixed(2)]
    value: Annotated[
        list[int] | str | bytes,
        TaggedBy(
            "kind",
            {
                b"US": Annotated[list[U16], Counted(U16, in_bytes=True)],
                b"LO": Annotated[str, Counted(U16)],
                b"PN": Annotated[str, Counted(U16)],
                b"OB": Annotated[bytes, Before(2), Counted(U32)],
            },
            other=Annotated[bytes, Counted(U16)],
        ),
    ]


def test_dicom_elements_have_the_length_that_their_type_has() -> None:
    """DICOM PS3.5, section 7.1.2."""
    elements = [
        Element(0x28, 0x10, b"US", [512]),
        Element(0x10, 0x10, b"PN", "Doe^John"),
        Element(2, 1, b"OB", b"\0\1"),
        Element(2, 2, b"UI", b"1.2\0"),
    ]
    expected = (
        "2800 1000 5553 0200 0002  1000 1000 504E 0800 446F655E4A6F686E"
        "0200 0100 4F42 0000 02000000 0001  0200 0200 5549 0400 312E3200"
    )
    kind = Annotated[list[Element], Counted(U16, in_bytes=True)]
    check(kind, elements, f"{len(bytes.fromhex(expected)):02X} 00 {expected}", LITTLE)


def test_a_tag_may_be_a_field_of_an_earlier_class() -> None:
    dialect = bound(
        [
            Field("first", Box),
            Field("value", Annotated[int | None, TaggedBy("first.width", {0: None, 1: U8})]),
        ]
    )
    for width, value, expected in ((0, None, "0000 0000"), (1, 7, "0001 0000 07")):
        frame = dialect.request("f", {"first": Box(width, 0), "value": value}, 0)
        assert bytes.fromhex("01" + expected) == frame
        assert Request("f", {"first": Box(width, 0), "value": value}) == dialect.read_at_equipment(frame)


def test_a_value_with_an_earlier_tag_may_have_its_size_before_it() -> None:
    value = Annotated[int | None, TaggedBy("kind", {0: None, 1: U16}), Counted(U8)]
    dialect = bound([Field("kind", U8), Field("value", value)])
    for kind, given, expected in ((0, None, "00 00"), (1, 7, "01 02 0007")):
        frame = dialect.request("f", {"kind": kind, "value": given}, 0)
        assert bytes.fromhex("01" + expected) == frame
        assert Request("f", {"kind": kind, "value": given}) == dialect.read_at_equipment(frame)
    counted_by = Annotated[int | None, TaggedBy("kind", {0: None, 1: U16}), CountedBy("kind")]
    with pytest.raises(ConfigurationError, match="cannot both be in earlier fields"):
        bound([Field("kind", U8), Field("value", counted_by)])


def test_a_derived_tag_follows_from_the_value() -> None:
    fields = [
        Field("id", Annotated[U8, Before(Derived("kind", U8)), After(1)]),
        Field("shape", Annotated[Circle | Box, TaggedBy("kind", {1: Circle, 2: Box})]),
    ]
    dialect = bound(fields)
    frame = dialect.request("f", {"id": 9, "shape": Box(1, 2)}, 0)
    assert "01 02 09 00 00 01 00 02" == frame.hex(" ").upper()
    assert Request("f", {"id": 9, "shape": Box(1, 2)}) == dialect.read_at_equipment(frame)


@pytest.mark.parametrize(
    ("annotation", "problem"),
    [
        (
            Annotated[int, Tagged(U8, {1: U8, 2: U16})],
            "nothing in a value would show whether its tag is 1 or 2, because both are int",
        ),
        (
            Annotated[int | str, Tagged(U8, {1: Literal[3], 2: U16, 3: Annotated[str, Rest()]})],
            "bytes cannot carry",
        ),
        (Annotated[int | str, Tagged(U8, {1: U8})], "no tag means str"),
        (
            Annotated[int, Tagged(U8, {1: U8, 2: Annotated[str, Rest()]})],
            "a tag means str, which is not in int",
        ),
        (Annotated[int, Tagged(U8, {})], "no tag means int"),
        (
            Annotated[int | None, Tagged(Annotated[str, Rest()], {"a": U8, "b": None})],
            "a tag must have a fixed size",
        ),
        (
            Annotated[int | None, Tagged(U8, {300: U8, 1: None})],
            "tag 300: must be a whole number from 0 to 255",
        ),
        (
            Annotated[int | None, TaggedBy("kind", {0: None, 1: U8})],
            "tagged by kind, but there is no such field",
        ),
        (U8 | F32, "say it with Tagged"),
    ],
)
def test_a_union_that_values_cannot_show_is_refused(annotation: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        one(annotation)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "tags", "problem"),
    [
        (U8, {0: None, 300: U8}, "kind cannot have the tag 300: it must be a whole number from 0 to 255"),
        (U8, {0: None, b"A": U8}, "kind cannot have the tag b'A': it must be a whole number"),
        (Annotated[bool, U8], {0: None, 1: U8}, "kind cannot have the tag 0"),
    ],
)
def test_a_tag_that_the_field_cannot_have_is_refused(kind: Any, tags: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        bound([Field("kind", kind), Field("value", Annotated[int | None, TaggedBy("kind", tags)])])
    assert problem in str(caught.value)


def test_a_tag_with_bits_that_are_not_in_the_mask_is_refused() -> None:
    tagged = TaggedBy("kind", {0: None, 3: U8}, mask=1)
    with pytest.raises(ConfigurationError, match="the tag 3 has bits that are not in the mask 0x01"):
        bound([Field("kind", U8), Field("value", Annotated[int | None, tagged])])


def test_an_unknown_tag_and_a_wrong_value_are_refused() -> None:
    assert "value: has the tag 9, which is not one of 1, 2, 3" == problem_of(Number, "09 00")
    assert "value: needs 1 bytes, but the frame has 0 left" == problem_of(Number, "")
    with pytest.raises(CodecError, match=r"value: must be int or float or str, not \[\]"):
        written(Number, [])
    with pytest.raises(CodecError, match="value: must be int or float or str, not True"):
        written(Number, True)
