"""Sizes as equipment has them: counts in words, counts that follow, fixed fields that are partly used."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from attrs import frozen

from tcpcomm.codec import Binary, Field
from tcpcomm.codec.base import Refusal, Request
from tcpcomm.codec.binary.types import (
    I16,
    U8,
    U16,
    U32,
    After,
    Aligned,
    Before,
    Counted,
    CountedBy,
    Derived,
    Encoded,
    EndedBy,
    Fixed,
    Rest,
)
from tcpcomm.errors import CodecError, ConfigurationError
from tests.codec.binary.wires import bound, check, one, problem_of, written

LITTLE = Binary(byte_order="little")


@frozen
class Clip:
    """The name and the number that a Siemens S7 has in its data block."""

    name: Annotated[str, Before(b"\x1e"), Fixed(30, count=U8)]
    number: U16


def test_siemens_string_counts_what_is_used_of_its_30_bytes() -> None:
    name = "L_240_TK14_30.prd"
    content = "1E 11" + name.encode().hex() + "00" * 13 + "0007"
    check(Clip, Clip(name, 7), content)


def test_what_is_behind_the_used_part_of_a_siemens_string_is_skipped() -> None:
    frame = b"\x01\x1e\x02" + b"AB" + b"\xff" * 28 + b"\0\x07"
    assert Request("f", {"value": Clip("AB", 7)}) == one(Clip).read_at_equipment(frame)


def test_a_used_part_beyond_the_field_is_refused() -> None:
    body = "1E 1F" + "41" * 30 + "0007"
    assert "value.name: has a length of 31, but the field has 30" == problem_of(Clip, body)
    with pytest.raises(CodecError, match="name: has a length of 31, but the field has 30"):
        written(Clip, Clip("A" * 31, 7))


def test_a_text_that_ends_in_its_padding_is_kept_by_its_count() -> None:
    check(Annotated[str, Fixed(4, count=U8, pad=" ")], "A ", "02 41 20 20 20")


def test_rockwell_string_has_four_bytes_of_length_and_82_of_text() -> None:
    kind = Annotated[str, Fixed(82, count=U32), After(2)]
    check(kind, "P7", "02 00 00 00 50 37" + "00" * 82, LITTLE)


def test_a_list_may_be_partly_used_too() -> None:
    check(Annotated[list[I16], Fixed(3, count=U8)], [1, -1], "02 0001 FFFF 0000")
    check(Annotated[bytes, Fixed(3, count=U16)], b"\x07", "0001 07 0000")


def test_modbus_writes_registers_with_both_counts() -> None:
    """Function 16 of the Modbus Application Protocol V1.1b3, section 6.12: the caller gives values only."""
    values = Annotated[list[U16], Counted(U16), Counted(U8, in_bytes=True)]
    dialect = bound([Field("start", U16), Field("values", values)])
    frame = dialect.request("f", {"start": 1, "values": [10, 0x102]}, 0)
    assert "01 00 01 00 02 04 00 0A 01 02" == frame.hex(" ").upper()
    assert Request("f", {"start": 1, "values": [10, 0x102]}) == dialect.read_at_equipment(frame)
    for changed in ("01 0001 0003 04 000A 0102", "01 0001 0001 04 000A 0102", "01 0001 0002 03 000A 01"):
        assert isinstance(dialect.read_at_equipment(bytes.fromhex(changed)), Refusal)


def test_a_size_before_the_number_of_items_counts_that_number_too() -> None:
    check(Annotated[list[U16], Counted(U8, in_bytes=True), Counted(U8)], [1, 2], "05 02 0001 0002")


def test_a_size_in_bytes_may_stand_beside_an_earlier_count() -> None:
    kind = Annotated[list[U16], CountedBy("n"), Counted(U8, in_bytes=True)]
    dialect = bound([Field("n", U8), Field("xs", kind)])
    assert "01 02 04 00 01 00 02" == dialect.request("f", {"n": 2, "xs": [1, 2]}, 0).hex(" ").upper()
    refused = dialect.read_at_equipment(bytes.fromhex("01 02 06 0001 0002 0003"))
    assert isinstance(refused, Refusal)
    assert "xs: must be 4 bytes, as many as its items take, not 6" == str(refused.problem)


def test_a_list_of_fixed_length_may_have_its_size_before_it() -> None:
    check(Annotated[list[U16], Fixed(2), Counted(U8, in_bytes=True)], [1, 2], "04 0001 0002")


def test_ethernet_ip_counts_a_path_in_words() -> None:
    check(Annotated[bytes, Counted(U8, step=2)], bytes.fromhex("20022401"), "02 20022401")
    with pytest.raises(CodecError, match="has 3 bytes, which is not a multiple of 2"):
        written(Annotated[bytes, Counted(U8, step=2)], b"abc")


def test_a_length_may_count_itself() -> None:
    check(Annotated[bytes, Counted(U16, adjust=2)], b"ab", "0004 6162")
    assert "value: needs -1 bytes, but the frame has 0 left" == problem_of(
        Annotated[bytes, Counted(U16, adjust=2)], "0001"
    )


def test_xdr_fills_text_up_to_four_bytes() -> None:
    """RFC 4506, section 4.11."""
    check(Annotated[str, Counted(U32), Aligned(4)], "sillyprog", "00000009 73696C6C7970726F67 000000")
    check(Annotated[str, Counted(U32), Aligned(4)], "", "00000000")


def test_osc_ends_text_with_zeros_up_to_four_bytes() -> None:
    """Open Sound Control 1.0: an OSC-string."""
    kind = Annotated[str, EndedBy(b"\0"), Aligned(4)]
    check(kind, "data", "64617461 00000000")
    check(kind, "osc", "6F736300")


def test_text_ends_at_its_mark() -> None:
    check(Annotated[str, EndedBy(b"\0")], "AB", "4142 00")
    check(Annotated[bytes, EndedBy(b"\r\n")], b"A\rB", "410D42 0D0A")
    check(Annotated[str, EndedBy(b"\0\0"), Encoded("utf-16-le")], "AĀ", "4100 0001 0000")
    with pytest.raises(CodecError, match="value: has the end mark 00 in its bytes"):
        written(Annotated[str, EndedBy(b"\0")], "A\0B")
    with pytest.raises(CodecError, match="value: has the end mark 0D 0D in its bytes"):
        written(Annotated[bytes, EndedBy(b"\r\r")], b"A\r")
    assert "value: has no end mark 00 before the end of the frame" == problem_of(
        Annotated[str, EndedBy(b"\0")], "4142"
    )


def test_a_list_ends_at_its_mark() -> None:
    kind = Annotated[list[Annotated[str, Counted(U8)]], EndedBy(b"\0")]
    check(kind, ["A", "BC"], "01 41 02 4243 00")
    with pytest.raises(CodecError, match=r"value\[1\]: begins with 00, which would end the list"):
        written(kind, ["A", ""])
    check(Annotated[list[U16], EndedBy(b"\xff\xff")], [1, 0xFF], "0001 00FF FFFF")
    with pytest.raises(CodecError, match=r"value\[0\]: begins with 00 00, which would end the list"):
        written(Annotated[list[U8], EndedBy(b"\0\0")], [0, 0])
    with pytest.raises(CodecError, match=r"value\[0\]: begins with 00 00, which would end the list"):
        written(Annotated[list[U8], EndedBy(b"\0\0")], [0])


@frozen
class Tag:
    """An item whose size is its own affair."""

    code: U8
    text: Annotated[str, Rest()]


@frozen
class Header:
    kind: U8
    count: U8


def test_items_of_different_sizes_are_counted_in_bytes() -> None:
    texts = Annotated[list[Annotated[str, Counted(U8)]], Counted(U16, in_bytes=True)]
    check(texts, ["A", "", "BC"], "0006 01 41 00 02 4243")
    assert "value[1]: needs 2 bytes, but the frame has 1 left" == problem_of(texts, "0004 0141 0242 43")


def test_an_item_with_a_size_may_take_its_rest() -> None:
    tags = Annotated[list[Annotated[Tag, Counted(U8)]], Rest()]
    dialect = one(tags)
    value = [Tag(1, "AB"), Tag(2, "")]
    assert "03 01 41 42 01 02" == written(tags, value)
    assert Request("f", {"value": value}) == dialect.read_at_equipment(bytes.fromhex("01 03014142 0102"))


def test_an_item_without_a_size_cannot_take_the_rest() -> None:
    with pytest.raises(ConfigurationError, match="give each a size, as in Counted"):
        one(Annotated[list[Tag], Counted(U8)])


def test_a_class_may_have_more_room_than_it_needs() -> None:
    check(Annotated[Header, Fixed(4)], Header(1, 2), "01 02 00 00")
    with pytest.raises(ConfigurationError, match="would take the padding of Fixed too"):
        one(Annotated[Tag, Fixed(4)])


@frozen
class Random:
    """An SLMP "read random" request: both counts, then both lists of devices."""

    words: Annotated[
        list[U16], Before(Derived("n_words", U8)), Before(Derived("n_doubles", U8)), CountedBy("n_words")
    ]
    doubles: Annotated[list[U32], CountedBy("n_doubles")]


def test_slmp_counts_both_lists_before_the_first() -> None:
    check(Random, Random([1, 2], [3]), "02 01 0100 0200 03000000", LITTLE)
    check(Random, Random([], []), "00 00", LITTLE)


def test_a_derived_count_may_have_something_between_it_and_the_list() -> None:
    check(Annotated[bytes, Before(Derived("n", U8)), Before(1), CountedBy("n")], b"ab", "02 00 6162")


def test_two_lists_with_one_derived_count_must_have_the_same_length() -> None:
    fields = [
        Field("kind", Annotated[U8, Before(Derived("n", U8))]),
        Field("xs", Annotated[list[U8], CountedBy("n")]),
        Field("ys", Annotated[list[U16], CountedBy("n")]),
    ]
    dialect = bound(fields)
    frame = dialect.request("f", {"kind": 7, "xs": [1, 2], "ys": [3, 4]}, 0)
    assert "01 02 07 01 02 00 03 00 04" == frame.hex(" ").upper()
    with pytest.raises(CodecError, match=r"^n: must be 1, the length of ys, not 2$"):
        dialect.request("f", {"kind": 7, "xs": [1, 2], "ys": [3]}, 0)


def test_a_derived_count_that_is_too_large_is_refused() -> None:
    with pytest.raises(CodecError, match=r"must be a whole number from 0 to 255, not 256"):
        written(Annotated[bytes, Before(Derived("n", U8)), CountedBy("n")], bytes(256))


def test_a_count_may_be_a_field_of_an_earlier_class() -> None:
    dialect = bound([Field("head", Header), Field("xs", Annotated[list[U16], CountedBy("head.count")])])
    frame = dialect.request("f", {"head": Header(9, 2), "xs": [1, 2]}, 0)
    assert "01 09 02 00 01 00 02" == frame.hex(" ").upper()
    assert Request("f", {"head": Header(9, 2), "xs": [1, 2]}) == dialect.read_at_equipment(frame)
    with pytest.raises(CodecError, match=r"^head\.count: must be Header\(kind=9, count=2\)|must be 2"):
        dialect.request("f", {"head": Header(9, 3), "xs": [1, 2]}, 0)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ([Field("a", Annotated[U8, Before(Derived("n", U8))])], "nothing tells the derived number n"),
        (
            [Field("n", Annotated[bytes, Before(Derived("n", U8)), CountedBy("n")])],
            "there are two fields n",
        ),
        (
            [Field("a", Annotated[bytes, CountedBy("n"), After(Derived("n", U8))])],
            "a is counted by n, but there is no such field before it",
        ),
        (
            [Field("a", Annotated[bytes, Before(Derived("n", Annotated[str, Rest()])), CountedBy("n")])],
            "the derived number n must have a fixed size",
        ),
    ],
)
def test_a_derived_number_that_follows_from_nothing_is_refused(fields: list[Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        bound(fields)
    assert problem in str(caught.value)


@pytest.mark.parametrize("given", ["x", None, 1.5])
def test_a_wrong_value_that_tells_a_length_is_refused_beside_a_derived_one(given: Any) -> None:
    """It ended in a TypeError, and None was taken for the length."""
    fields = [
        Field("n", Annotated[U8, Before(Derived("m", U8))]),
        Field("xs", Annotated[bytes, CountedBy("m")]),
        Field("ys", Annotated[bytes, CountedBy("n")]),
    ]
    dialect = bound(fields)
    assert b"\1\0\2ab" == dialect.request("f", {"n": 2, "xs": b"", "ys": b"ab"}, 0)
    with pytest.raises(CodecError, match=f"n: must be a whole number, not {given!r}"):
        dialect.request("f", {"n": given, "xs": b"", "ys": b""}, 0)
