"""The fields of a template: the texts that each type and format writes, reads and refuses."""

from __future__ import annotations

import struct
from decimal import Decimal
from enum import Enum, IntEnum, IntFlag
from fractions import Fraction
from math import inf, nan
from random import Random
from typing import Annotated, Any, Literal, NewType

import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from tcpcomm.codec.template.fields.field_type import Plain
from tcpcomm.errors import CodecError, ConfigurationError
from tests.codec.template.templates import (
    Judgement,
    Mode,
    Point,
    bound,
    compiled_template,
    replied,
    results_of,
)

JobNumber = NewType("JobNumber", int)


class Unit(Enum):
    MM = "mm"
    INCH = "in"


class Mixed(Enum):
    A = "a"
    B = 2


class Bits(IntFlag):
    A = 1
    B = 2


class Same(IntEnum):
    ONE = 1
    TWO = 17


WRITTEN: list[tuple[str, Any, Any, str]] = [
    ("{a}", int, 3, "3"),
    ("{a}", int, -3, "-3"),
    ("{a:d}", int, -3, "-3"),
    ("{a:+d}", int, 3, "+3"),
    ("{a: d}", int, 3, " 3"),
    ("{a:3d}", int, 7, "  7"),
    ("{a:3}", int, -7, " -7"),
    ("{a:03d}", int, 7, "007"),
    ("{a:03d}", int, -7, "-07"),
    ("{a:+04d}", int, 7, "+007"),
    ("{a:<4d}", int, 7, "7   "),
    ("{a:*>4d}", int, -7, "**-7"),
    ("{a:04X}", int, 0xAFFE, "AFFE"),
    ("{a:x}", int, 0xAFFE, "affe"),
    ("{a:4x}", int, 10, "   a"),
    ("{a:Xi32}", int, -450000, "FFF92230"),
    ("{a:Xi32}", int, 3333, "D05"),
    ("{a:08Xi32}", int, 3333, "00000D05"),
    ("{a:04Xi16}", int, -2, "FFFE"),
    ("{a:xi12}", int, -1, "fff"),
    ("{a:Xu16}", int, 0xFFFE, "FFFE"),
    ("{a:04Xu32}", int, 255, "00FF"),
    ("{a:Xi32le}", int, -2, "FEFFFFFF"),
    ("{a:xu16le}", int, 0x1234, "3412"),
    ("{a:Xf32}", float, 1.0, "3F800000"),
    ("{a:Xf64}", float, -0.1, "BFB999999999999A"),
    ("{a:xf32le}", float, 1.0, "0000803f"),
    ("{a:Xf16}", float, 1.5, "3E00"),
    ("{a* :Xi16}", list[int], [1, -1, 3333], "1 FFFF D05"),
    ("{a}", float, 0.1, "0.1"),
    ("{a}", float, 1e-7, "1e-07"),
    ("{a}", float, 1.5e300, "1.5e+300"),
    ("{a:+}", float, 0.5, "+0.5"),
    ("{a:.3f}", float, -1.5, "-1.500"),
    ("{a: =+8.3f}", float, 1.234, "+  1.234"),
    ("{a: =+8.3f}", float, -12.5, "- 12.500"),
    ("{a: =+8.3f}", float, 10.0, "+ 10.000"),
    ("{a:_=6d}", int, -12, "-___12"),
    ("{a:10}", float, 100.0012, "  100.0012"),
    ("{a:>10}", float, -0.5, "      -0.5"),
    ("{a:<8}", float, 2.0, "2.0     "),
    ("{a:2}", float, 12.0, "12"),
    ("{a: =+8}", float, -12.25, "-  12.25"),
    ("{a:+09}", float, 123.45, "+00123.45"),
    ("{a:012}", float, 1e-7, "0000.0000001"),
    ("{a:8}", Decimal, Decimal("1.500"), "   1.500"),
    ("{a:.0f}", float, 2.0, "2"),
    ("{a:f}", float, 0.5, "0.500000"),
    ("{a:+08.3f}", float, 12.5, "+012.500"),
    ("{a:8.2f}", float, -1.25, "   -1.25"),
    ("{a:<8.2f}", float, -1.25, "-1.25   "),
    ("{a:.6E}", float, 0.00125, "1.250000E-03"),
    ("{a:+.2e}", float, 1.5e300, "+1.50e+300"),
    ("{a:+013.6E}", float, -1.5, "-1.500000E+00"),
    ("{a:.6g}", float, 1234570.0, "1.23457e+06"),
    ("{a:07d/1000}", float, 12.345, "0012345"),
    ("{a:+07d/1000}", float, -12.345, "-012345"),
    ("{a:d/10}", float, 1.5, "15"),
    ("{a:/100}", float, -1.5, "-150"),
    ("{a:5d/10}", float, 1.5, "   15"),
    ("{a}", Decimal, Decimal("1.50"), "1.50"),
    ("{a:.3f}", Decimal, Decimal("0.1"), "0.100"),
    ("{a:06d/100}", Decimal, Decimal("12.34"), "001234"),
    ("{a}", str, "", ""),
    ("{a}", str, "all of it, with anything", "all of it, with anything"),
    ("{a:<8}", str, "abc", "abc     "),
    ("{a:8}", str, "a,c", "a,c     "),
    ("{a:>8}", str, "abc", "     abc"),
    ("{a:_<5}", str, "a c", "a c__"),
    ("{a}", bool, True, "1"),
    ("{a}", bool, False, "0"),
    ("{a:ON|OFF}", bool, False, "OFF"),
    ("{a}", Judgement, Judgement.BAD, "NG"),
    ("{a:<4}", Unit, Unit.MM, "mm  "),
    ("{a}", Mode, Mode.RUN, "1"),
    ("{a:02d}", Mode, Mode.RUN, "01"),
    ("{a:02X}", Same, Same.TWO, "11"),
    ("{a}", Literal["X", "Y"], "Y", "Y"),
    ("{a:03d}", Literal[1, 10], 10, "010"),
    ("{a}", bytes, b"\x01\xaf", "01AF"),
    ("{a:x}", bytes, b"\x01\xaf", "01af"),
    ("{a:4}", bytes, b"\x01\xaf", "01AF"),
    ("{a}", bytes, b"", ""),
    ("{a*,}", list[int], [1, 2, 3], "1,2,3"),
    ("{a*,}", list[int], [], ""),
    ("{a*;:.1f}", list[float], [1.0, 2.5], "1.0;2.5"),
    ("{a*:02d}", list[int], [1, 2, 34], "010234"),
    ("{a*:::d}", list[int], [1, 2], "1:2"),
    ("{a*:{v};}", list[int], [1, 2], "1;2;"),
    ("{a*, :{v:.1f}mm}", list[float], [1.0, 2.0], "1.0mm, 2.0mm"),
    ("{a*;:{x:.1f},{y:.1f}}", list[Point], [Point(1.0, 2.0)], "1.0,2.0"),
    ("{a*;:{row*,}!}", list[list[int]], [[1, 2], [], [3]], "1,2!;!;3!"),
    ("{#a}:{a*,}", list[str], ["x", "y"], "2:x,y"),
    ("{#:02d}{a*:03d}", list[int], [1, 2], "02001002"),
    ("A[,{a}]", int | None, None, "A"),
    ("A[,{a}]", int | None, 3, "A,3"),
    ("A[,{a*,}]", list[int], [], "A"),
    ("A[,{a*,}]", list[int], [1], "A,1"),
    ("{a}", Annotated[JobNumber, "the job"], JobNumber(5), "5"),
    ("{a:.1f}mm {{%}}", float, 1.0, "1.0mm {%}"),
]


@pytest.mark.parametrize(("template", "kind", "value", "text"), WRITTEN, ids=str)
def test_a_value_is_written_and_read_back(template: str, kind: Any, value: Any, text: str) -> None:
    compiled = compiled_template(template, a=kind)
    assert text == compiled.write({"a": value})
    assert {"a": value} == compiled.read(text)


@pytest.mark.parametrize(
    ("template", "kind", "text", "value"),
    [
        ("{a}", int, "+003", 3),
        ("{a}", float, "12", 12.0),
        ("{a}", float, "+.5", 0.5),
        ("{a}", float, "5.", 5.0),
        ("{a:.6g}", float, "-1.5E3", -1500.0),
        ("{a:04X}", int, "affe", 0xAFFE),
        ("{a:Xi32}", int, "00000d05", 3333),
        ("{a:Xi16}", int, "8000", -32768),
        ("{a:Xf32}", float, "3f800000", 1.0),
        ("{a}", bytes, "0aFf", b"\x0a\xff"),
        ("{a}", Decimal, "1E+2", Decimal(100)),
        ("A[,{a*,}]", list[int], "A,", []),
        ("{a:.6E}", float, "1.25E+00", 1.25),
        ("{a:.6E}", float, "1.250000E+000", 1.25),
        ("{a:.6E}", float, "-.5", -0.5),
        ("{a:.3f}", float, "1", 1.0),
        ("{a:.3f}", float, "+1.5", 1.5),
        ("{a:.3f}", float, "1.50001", 1.50001),
        ("{a:.3f}", float, "2.5e-05", 2.5e-05),
        ("{a:+.3f}", float, "1.500", 1.5),
        ("{a: d}", int, "+3", 3),
        ("{a:d}", int, "+0012", 12),
        ("{a:+d}", int, "12", 12),
        ("{a:d/10}", float, "+0015", 1.5),
        ("{a:3d}", int, "7", 7),
        ("{a:3d}", int, "     7", 7),
        ("{a:3d}", int, "1000", 1000),
        ("{a:<4d}", int, "7", 7),
        ("{a:8.2f}", float, "1.5", 1.5),
        ("{a:8.2f}", float, "   123456.5", 123456.5),
        ("{a:10}", float, "100.00", 100.0),
        ("{a: =+8.3f}", float, "+1.2", 1.2),
        ("{a: =+8.3f}", float, "-     12.5", -12.5),
        ("{a: =+8.3f}", float, "   12.5", 12.5),
        ("{a:.2f}", Decimal, "1.125", Decimal("1.125")),
        ("{a*;:.1f}", list[float], "1;2.25;+3e1", [1.0, 2.25, 30.0]),
        ("{a*;:{x:.1f},{y:.1f}}", list[Point], "1,2.25", [Point(1.0, 2.25)]),
    ],
)
def test_other_forms_of_a_value_are_read_too(template: str, kind: Any, text: str, value: Any) -> None:
    assert {"a": value} == compiled_template(template, a=kind).read(text)


@pytest.mark.parametrize(
    ("template", "kind", "text"),
    [
        ("{a}", int, ""),
        ("{a}", int, "1.0"),
        ("{a}", int, " 1"),
        ("{a}", int, "1_000"),
        ("{a}", int, "\u0663"),
        ("{a:d!}", int, "+1"),
        ("{a:+d!}", int, "1"),
        ("{a:03d}", int, "7"),
        ("{a:03d}", int, "0007"),
        ("{a:03d}", int, "  7"),
        ("{a:3d!}", int, "7"),
        ("{a:3d!}", int, "   7"),
        ("{a:3d}", int, "007 "),
        ("{a: =5d}", int, "  -12"),
        ("{a:10}", float, "  1 2"),
        ("{a:+09}", float, "+123.45"),
        ("{a:+09}", float, "+0012.3.5"),
        ("{a:+09}", float, "+01234e05"),
        ("{a:3d}", int, " 7 "),
        ("{a:04X}", int, "-00A"),
        ("{a:Xi16}", int, "00001"),
        ("{a:Xi16}", int, "-1"),
        ("{a:04Xi16}", int, "1"),
        ("{a:Xf32}", float, "3F8"),
        ("{a:Xu16le}", int, "1"),
        ("{a}", float, "nan"),
        ("{a}", float, "inf"),
        ("{a}", float, "1,5"),
        ("{a}", float, "."),
        ("{a}", float, "1e"),
        ("{a:.3f!}", float, "1.5"),
        ("{a:.3f!}", float, "1.5000"),
        ("{a:.3f!}", float, "1"),
        ("{a:.3f!}", float, "1e3"),
        ("{a:.3f}", float, "1" * 19),
        ("{a:.3f}", float, "1e100"),
        ("{a:.2e!}", float, "15.00e+00"),
        ("{a:.2e!}", float, "1.50e+1"),
        ("{a:d/1000}", float, "1.5"),
        ("{a:07d/1000}", float, "12345"),
        ("{a:<4}", str, "abc"),
        ("{a}", bool, "2"),
        ("{a:ON|OFF}", bool, "on"),
        ("{a}", Mode, "2"),
        ("{a}", Mode, "01"),
        ("{a}", bytes, "123"),
        ("{a}", bytes, "0x"),
        ("{a*,}", list[int], "1,"),
        ("{a*,}", list[int], ",1"),
        ("{a*,}", list[int], "1,,2"),
    ],
)
def test_a_text_that_does_not_fit_is_not_read(template: str, kind: Any, text: str) -> None:
    assert compiled_template(template, a=kind).read(text) is None


@pytest.mark.parametrize(
    ("template", "kind", "value", "message"),
    [
        ("{a}", int, True, "must be a whole number, not True"),
        ("{a}", int, "3", "must be a whole number, not '3'"),
        ("{a}", int, 3.0, "must be a whole number, not 3.0"),
        ("{a}", int, None, "must be a whole number, not None"),
        ("{a:3d}", int, 1000, "1000 does not fit into 3 characters"),
        ("{a:3d}", int, -100, "-100 does not fit into 3 characters"),
        ("{a:04X}", int, -1, "must be a hexadecimal number in 4 characters, not -1"),
        ("{a:Xi32}", int, 2**31, "must be a whole number from -2147483648 to 2147483647, not 2147483648"),
        ("{a:Xu16}", int, -1, "must be a whole number from 0 to 65535, not -1"),
        ("{a:04Xi32}", int, -1, "-1 does not fit into 4 hexadecimal digits"),
        ("{a:Xi32}", int, True, "must be a whole number, not True"),
        ("{a:Xf32}", float, 1e39, "must be a number that 32 bits can hold, not 1e+39"),
        ("{a:Xf32}", float, "1", "must be a number, not '1'"),
        ("{a}", float, True, "must be a number, not True"),
        ("{a}", float, "1.0", "must be a number, not '1.0'"),
        ("{a}", float, Decimal(1), "must be a number, not Decimal('1')"),
        ("{a}", float, nan, "nan cannot be sent as a number"),
        ("{a:.3f}", float, inf, "inf cannot be sent as a number with 3 decimals"),
        ("{a:.3f}", float, 1e18, "1e+18 cannot be sent as a number with 3 decimals"),
        ("{a:.3e}", float, 1.7e308, "1.7e+308 cannot be sent"),
        ("{a:6.3f}", float, 100.0, "100.000 does not fit into 6 characters"),
        ("{a:8}", float, 100.00123, "100.00123 does not fit into 8 characters"),
        ("{a:8}", float, 1e300, "does not fit into 8 characters"),
        ("{a:04d/1000}", float, 10.0, "10000 does not fit into 4 characters"),
        ("{a:d/1000}", float, 1e12, "1000000000000.0 cannot be sent in steps of 1/1000"),
        ("{a}", Decimal, 1.5, "must be a whole number, not 1.5"),
        ("{a}", Decimal, Decimal("nan"), "NaN cannot be sent"),
        ("{a:.2f}", Decimal, Decimal("1e400"), "1E+400 cannot be sent"),
        ("{a:d/10}", Decimal, Decimal("1e15"), "1E+15 cannot be sent in steps of 1/10"),
        ("{a}", str, 5, "must be a text, not 5"),
        ("{a},", str, "a,b", "'a,b' contains ',', which ends this text on the wire"),
        ("{a*,}", list[str], ["a", ""], "must not be empty"),
        ("{a:<3}", str, "abcd", "'abcd' does not fit into 3 characters"),
        ("{a:<3}", str, "a ", "'a ' has ' ' at an end"),
        ("{a}", bool, 1, "must be a value of bool ('1', '0'), not 1"),
        ("{a}", Mode, 1, "must be a value of Mode ('0', '1'), not 1: use Mode.RUN"),
        ("{a}", Literal["X"], "Z", "must be a value of Literal ('X'), not 'Z'"),
        ("{a}", Literal["X"], [], "must be a value of Literal ('X'), not []"),
        ("{a}", bytes, "00", "must be bytes, not '00'"),
        ("{a:4}", bytes, b"1", "must be 2 bytes, not 1"),
        ("{a*,}", list[int], (1, 2), "must be a list, not (1, 2)"),
        ("{#a}:{a*:02d}", list[int], None, "must be a list, not None"),
        ("{a*,:{x},{y};}", list[Point], [None], "must be a Point, not None"),
    ],
)
def test_a_value_of_the_wrong_type_or_size_is_refused(
    template: str, kind: Any, value: Any, message: str
) -> None:
    with pytest.raises(CodecError) as caught:
        compiled_template(template, a=kind).write({"a": value})
    assert message in caught.value.reason
    assert caught.value.path.startswith("a")


@pytest.mark.parametrize(
    ("template", "kind", "text", "message"),
    [
        ("{a}", float, "1e999", "a: the number is too large for a float"),
        ("{a}", int, "9" * 5000, "a: the number has too many digits"),
        ("{a:d/10}", float, "1" + "0" * 15, "a: the number has too many digits"),
        ("{a}", Decimal, "1e" + "9" * 30, "a: the exponent is too large"),
        ("{a*,}", list[float], "1,1e999", "a[1]: the number is too large for a float"),
        ("{a*;:{x},{y}}", list[Point], "1,2;3,1e999", "a[1].y: the number is too large for a float"),
        ("{#a}:{a*,}", list[int], "3:1,2", "a: the count says 3 items, but there are 2"),
    ],
)
def test_a_text_that_fits_but_has_no_value_is_refused_with_its_place(
    template: str, kind: Any, text: str, message: str
) -> None:
    with pytest.raises(CodecError) as caught:
        compiled_template(template, a=kind).read(text)
    assert message == str(caught.value)


def test_numbers_of_thousands_of_digits_are_refused_when_they_are_written() -> None:
    with pytest.raises(CodecError, match="a: the number has too many digits"):
        compiled_template("{a}", a=int).write({"a": 10**5000})
    with pytest.raises(CodecError, match="a: must be a hexadecimal number, not a number of 16610 bits"):
        compiled_template("{a:x}", a=int).write({"a": -(10**5000)})
    with pytest.raises(CodecError, match="a: an int is too large for a float"):
        compiled_template("{a}", a=float).write({"a": 10**5000})


def test_numbers_of_other_libraries_are_numbers() -> None:
    assert "0.500" == compiled_template("{a:.3f}", a=float).write({"a": Fraction(1, 2)})
    assert "3.000" == compiled_template("{a:.3f}", a=float).write({"a": 3})
    assert "1" == compiled_template("{a}", a=int).write({"a": Mode.RUN})


def test_the_error_names_the_place_of_a_wrong_value_in_a_list() -> None:
    points: list[Any] = [Point(1.0, 2.0), Point(1.0, nan)]
    with pytest.raises(CodecError) as caught:
        compiled_template("{a*;:{x},{y}}", a=list[Point]).write({"a": points})
    assert "a[1].y" == caught.value.path


def test_an_optional_part_is_left_out_only_if_all_its_values_are_absent() -> None:
    compiled = compiled_template("A[,{a},{b}[;{c}]]", a=int | None, b=str | None, c=int | None)
    for text in ("A", "A,1,x", "A,1,x;2"):
        values = compiled.read(text)
        assert values is not None
        assert text == compiled.write(values)
    with pytest.raises(CodecError, match="a: must be a whole number, not None"):
        compiled.write({"a": None, "b": "x", "c": None})
    with pytest.raises(CodecError, match="a: must be a whole number, not None"):
        compiled.write({"a": None, "b": None, "c": 2})


@pytest.mark.parametrize(
    ("template", "kind", "message"),
    [
        ("{a:3.1d}", int, "'3.1d': the format of int cannot have a precision"),
        ("{a:f}", int, "'f': write int with d, x or X"),
        ("{a:+x}", int, "hexadecimal numbers and counts have no sign"),
        ("{a:^5d}", int, "align numbers left (<) or right (>)"),
        ("{a:<d}", int, "an alignment needs a width"),
        ("{a:0>5d}", int, "'0' cannot fill a number"),
        ("{a:-<5d}", int, "'-' cannot fill a number"),
        ("{a: 5d}", int, "a space as sign looks like a space that fills the width"),
        ("{a:33d}", int, "a number is at most 32 characters wide"),
        ("{a:q?}", int, "'q?' is not a format: write for example 3d"),
        ("{a:!}", int, "a number without a format is read in every usual form: remove the '!'"),
        ("{a:.3g!}", float, "a number without a format is read in every usual form: remove the '!'"),
        ("{a:8!}", str, "the format of str cannot have an exclamation mark"),
        ("{a:17}", float, "a number with any decimals is at most 16 characters wide; for more"),
        ("{a:0=8.3f}", float, "for zeros behind the sign write +08.3f"),
        ("{a:+1d}", int, "leaves no room for a whole number in 1 characters"),
        ("{a:4.3f}", float, "leaves no room for a number with 3 decimals in 4 characters"),
        ("{a:.3}", float, "'.3': add the letter that says how to write float, as in 8.3f, .6E or .6g"),
        ("{a:8.3g}", float, "for a fixed width, write float with f, e or E"),
        ("{a:d}", float, "write float with f, e, E, g or G, or scaled, as in 07d/1000"),
        ("{a:d/12}", float, "with a power of 10"),
        ("{a:.2f/10}", float, "write a scaled number as 07d/1000"),
        ("{a:.99f}", float, "at most 32 decimals"),
        ("{a:d/10}", int, "the format of int cannot have a scale"),
        ("{a:Xi30}", int, "a number in hexadecimal has 4 to 64 bits, 4 for each digit"),
        ("{a:Xi68}", int, "a number in hexadecimal has 4 to 64 bits"),
        ("{a:Xf32}", int, "write int with Xi32 or Xu32"),
        ("{a:Xi32}", float, "write float with Xf32"),
        ("{a:Xf80}", float, "a float in hexadecimal has 16, 32 or 64 bits"),
        ("{a:di32}", int, "write X or x before i32"),
        ("{a:8Xi32}", int, "write a zero before the width, as in 08Xi32, because zeros fill it"),
        ("{a:09Xi32}", int, "32 bits are 8 digits: remove the width"),
        ("{a:04Xf32}", float, "32 bits are 8 digits: remove the width"),
        ("{a:Xi12le}", int, "the order of bytes needs whole bytes"),
        ("{a:+Xi32}", int, "the format of int in hexadecimal cannot have a sign"),
        ("{a:Xi32}", str, "the format of str cannot have the bits of a computer's number"),
        ("{a:Xf32}", Decimal, "the format of Decimal cannot have the bits of a computer's number"),
        ("{a:d}", str, "the letter of a text is b, for a width in bytes"),
        ("{a:^5}", str, "align texts left (<) or right (>)"),
        ("{a:<}", str, "an alignment needs a width"),
        ("{a:1001}", str, "a text is at most 1000 characters wide"),
        ("{a:3}", bytes, "a byte has two digits, so the width must be even"),
        ("{a:d}", bytes, "write bytes with x or X"),
        ("{a:ON}", bool, "write bool as two words, the one for true first: ON|OFF"),
        ("{a:A|A}", bool, "two of its values have the same text"),
        ("{a}", Mixed, "the values of Mixed must all be words, or all be whole numbers"),
        ("{a}", Literal["x", 1], "must all be words, or all be whole numbers"),
        ("{a}", Literal[True], "must all be words, or all be whole numbers"),
        ("{a}", Literal[""], "one of its values has an empty text"),
        ("{a}", Bits, "Bits is a set of flags, which a template cannot write: declare int"),
        ("{a:<1}", Unit, "'mm' does not fit into 1 characters"),
        ("{a:1d}", Same, "17 does not fit into 1 characters"),
        ("{a:d}", Unit, "the format of a choice of words cannot have a letter at its end"),
        ("{a}", int | str, "a template cannot write"),
        ("{a}", Any, "a template cannot write Any"),
    ],
)
def test_a_format_that_does_not_suit_the_type_is_refused(template: str, kind: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        compiled_template(template, a=kind)
    assert str(caught.value).startswith("a: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(("template", "kind"), [(row[0], row[1]) for row in WRITTEN], ids=str)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=20)
def test_drawn_values_are_sent_without_change(template: str, kind: Any, seed: int) -> None:
    compiled = compiled_template(template, a=kind)
    values = compiled.draw(Random(seed))
    assert values == compiled.read(compiled.write(values))


@given(value=st.integers(-(2**63), 2**63 - 1), bits=st.integers(1, 16).map(lambda each: 4 * each))
def test_two_s_complement_is_that_of_a_computer(value: int, bits: int) -> None:
    value %= 1 << bits
    compiled = compiled_template(f"{{a:Xi{bits}}}", a=int)
    signed = value - (1 << bits) if value >> bits - 1 else value
    assert {"a": signed} == compiled.read(f"{value:X}")
    assert f"{value:X}" == compiled.write({"a": signed})
    if bits % 8 == 0:
        content = signed.to_bytes(bits // 8, "little", signed=True)
        assert {"a": signed} == compiled_template(f"{{a:xi{bits}le}}", a=int).read(content.hex())


@given(value=st.floats(width=32, allow_nan=False))
def test_a_float_in_hexadecimal_has_the_bits_of_ieee_754(value: float) -> None:
    for spec, form in (("Xf32", ">f"), ("Xf32le", "<f"), ("Xf64", ">d")):
        compiled = compiled_template(f"{{a:{spec}}}", a=float)
        assert struct.pack(form, value).hex().upper() == compiled.write({"a": value})
        assert {"a": value} == compiled.read(struct.pack(form, value).hex())


@given(value=st.floats(-1e17, 1e17))
def test_a_float_is_rounded_once_to_its_decimals(value: float) -> None:
    compiled = compiled_template("{a:.3f}", a=float)
    rounded = compiled.read(compiled.write({"a": value}))
    assert rounded is not None
    assert rounded == compiled.read(compiled.write(rounded))
    assert abs(rounded["a"] - value) <= 0.0005 + abs(value) * 2**-52


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_without_a_format_is_sent_exactly(value: float) -> None:
    compiled = compiled_template("{a}", a=float)
    assert {"a": value} == compiled.read(compiled.write({"a": value}))


@given(steps=st.integers(-(10**15) + 1, 10**15 - 1))
def test_a_scaled_float_returns_to_the_same_step(steps: int) -> None:
    compiled = compiled_template("{a:d/1000}", a=float)
    values = compiled.read(str(steps))
    assert values is not None
    assert str(steps) == compiled.write(values)


@given(value=st.decimals(allow_nan=False, allow_infinity=False))
def test_a_decimal_without_a_format_is_sent_exactly(value: Decimal) -> None:
    compiled = compiled_template("{a}", a=Decimal)
    assert {"a": value} == compiled.read(compiled.write({"a": value}))


@given(st.floats(-1e18, 1e18), st.sampled_from([".0f", ".3f", ".15f", ".2e", ".4E"]))
def test_a_float_is_formatted_into_bytes_as_into_text(value: float, spec: str) -> None:
    percent = Plain(float, spec).percent
    assert percent is not None
    assert percent.encode() % value == format(value, spec).encode()


@given(st.integers(), st.sampled_from(["", "d"]))
def test_a_whole_number_is_formatted_into_bytes_as_into_text(value: int, spec: str) -> None:
    percent = Plain(int, spec).percent
    assert percent is not None
    assert percent.encode() % value == format(value, spec).encode()


@pytest.mark.parametrize(
    "plain", [Plain(float, ""), Plain(float, ".3g"), Plain(float, "+.3f"), Plain(int, "x"), Plain(str, "")]
)
def test_a_format_that_percent_would_write_differently_has_no_percent_format(plain: Plain) -> None:
    assert plain.percent is None


def test_a_laser_scanner_s_telegram_is_read_as_it_writes_it() -> None:
    """A channel of a SICK scan: scale and offset as floats, an angle with a sign, a count, distances."""

    @frozen
    class Channel:
        scale: float
        offset: float
        start: int
        step: int
        distances: list[int]

    reply = "DIST1 {scale:Xf32} {offset:Xf32} {start:Xi32} {step:X} {#distances:X} {distances* :X}"
    dialect = bound("sRN LMDscandata", reply, Channel)
    frame = b"DIST1 3F800000 00000000 FFF92230 1388 3 D05 D0A 0"
    channel = Channel(1.0, 0.0, -450000, 5000, [3333, 3338, 0])
    assert [channel] == results_of(dialect, frame)
    assert [frame] == replied(dialect, channel)
