"""The notation of bytes that people type."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm import ConfigurationError
from tcpcomm.tools.send.notation import parse_hex, parse_message, parse_text, text_of

ENCODINGS = ("utf-8", "ascii", "latin-1", "cp949", "shift_jis", "gbk")


@pytest.mark.parametrize(
    "text",
    ["02 41 ff", "0241FF", "0x02,0x41, 0xFF", r"\x02\x41\xff", "02:41:ff", "02-41-ff", " 02\t41\nff "],
)
def test_hexadecimal_is_read_as_people_write_it(text: str) -> None:
    assert b"\x02A\xff" == parse_hex(text)


@given(st.binary(), st.sampled_from(["", " ", ":", ", "]), st.booleans())
def test_hexadecimal_of_any_bytes_is_read_back(data: bytes, between: str, upper: bool) -> None:
    text = between.join(f"{byte:02X}" if upper else f"{byte:02x}" for byte in data)
    assert data == parse_hex(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("02 4G", "position 4 of '02 4G': the byte '4' has one digit only; write 04"),
        ("02 G4", "position 4 of '02 G4': 'G' is not a hexadecimal digit; write bytes as 02 41 ff"),
        ("0241F", "position 5 of '0241F': the byte 'F' has one digit only; write 0F"),
        ("02 ４1", "position 4 of '02 ４1': '４' is not a hexadecimal digit"),
    ],
)
def test_a_mistake_in_hexadecimal_is_shown_with_its_position(text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        parse_hex(text)
    assert str(refusal.value).startswith(problem)


def test_text_has_escapes() -> None:
    assert b"TRG,1\r\n\t\0\\\x02\xff" == parse_text(r"TRG,1\r\n\t\0\\\x02\xFF")


def test_text_is_encoded() -> None:
    assert "경고".encode("cp949") + b"\r" == parse_text(r"경고\r", "cp949")
    assert "경고".encode("cp949") == parse_text("경고", "euc-kr")  # as Windows calls it


def test_a_byte_of_a_command_line_that_is_not_text_stays() -> None:
    assert b"a\xb0b" == parse_text("a\udcb0b")


@pytest.mark.parametrize(
    ("text", "encoding", "problem"),
    [
        (r"TRG\q", "utf-8", r"position 4 of 'TRG\\q': \q is not an escape; there are \r \n \t \0 \xHH"),
        ("TRG\\", "utf-8", "position 4 of"),
        (r"\x4", "utf-8", r"position 1 of '\\x4': \x4 is not an escape"),
        (r"ab\xZZ", "utf-8", "position 3 of"),
        ("a경", "ascii", "position 2 of 'a경': '경' does not exist in ascii: choose another --encoding"),
    ],
)
def test_a_mistake_in_text_is_shown_with_its_position(text: str, encoding: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        parse_text(text, encoding)
    assert str(refusal.value).startswith(problem)


@given(st.binary(), st.sampled_from(ENCODINGS))
def test_bytes_are_written_so_that_they_are_read_back(data: bytes, encoding: str) -> None:
    assert data == parse_text(text_of(data, encoding), encoding)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_text_is_written_as_itself_or_with_escapes(text: str) -> None:
    shown = text_of(text.encode())
    assert shown.isprintable()
    assert text.encode() == parse_text(shown)


@given(st.text())
def test_any_text_is_read_or_refused_with_its_position(text: str) -> None:
    for parse in (parse_hex, parse_text, parse_message):
        problem = "position "
        try:
            parse(text)
        except ConfigurationError as error:
            problem = str(error)
        assert problem.startswith("position ")


def test_a_message_is_text_or_hexadecimal() -> None:
    assert b"hex\r" == parse_message(r"hex\r")
    assert b"\x02A" == parse_message("hex:02 41")
