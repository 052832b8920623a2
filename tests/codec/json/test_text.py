"""Frames of JSON: the texts that are read or refused, and the bytes of characters."""

from __future__ import annotations

import pytest

from tcpcomm.codec.json.text import JsonText
from tcpcomm.errors import CodecError, ConfigurationError

pytestmark = pytest.mark.usefixtures("json_engine")

KOREAN = "작업 시작 ¥ é \U0001f600"


@pytest.mark.parametrize("encoding", ["utf-8", "UTF8", "cp949", "euc-kr", "shift_jis", "latin-1", "ascii"])
@pytest.mark.parametrize("ascii", [True, False])
def test_every_character_comes_back_in_every_encoding(encoding: str, ascii: bool) -> None:
    text = JsonText(encoding, ascii)
    assert KOREAN == text.read(text.write(KOREAN))


def test_a_character_of_the_encoding_is_written_in_it() -> None:
    assert '"작업"'.encode("cp949") == JsonText("cp949", False).write("작업")


def test_a_character_outside_the_encoding_is_escaped() -> None:
    assert b'"\\u00a5"' == JsonText("shift_jis", False).write("¥")
    assert b'"\\ud83d\\ude00"' == JsonText("latin-1", False).write("\U0001f600")


def test_one_byte_order_mark_is_removed() -> None:
    text = JsonText("utf-8", False)
    assert {} == text.read(b"\xef\xbb\xbf{}")
    with pytest.raises(CodecError):
        text.read(b"\xef\xbb\xbf\xef\xbb\xbf{}")


REFUSED = {
    b"": "not JSON: Expecting value at character 0",
    b"{} {}": "not JSON: Extra data at character 3",
    b'{"a":1,"b":2,"a":1}': "a: appears twice",
    b"NaN": "NaN is not JSON",
    b"-Infinity": "-Infinity is not JSON",
    b"1" * 5000: "a number in the JSON has too many digits",
    b"[" * 50_000: "the JSON is nested too deeply",
    b'"\xff"': "byte 1 is not utf-8: invalid start byte",
    b'"\xed\xa0\x80"': "byte 1 is not utf-8: invalid continuation byte",
    b'"\n"': "not JSON: Invalid control character at at character 1",
}


@pytest.mark.parametrize(("frame", "problem"), REFUSED.items(), ids=lambda each: repr(each[:12]))
def test_a_frame_that_is_not_json_is_refused_with_a_reason(frame: bytes, problem: str) -> None:
    with pytest.raises(CodecError) as caught:
        JsonText("utf-8", False).read(frame)
    assert problem == str(caught.value)


NOT_WRITTEN = {
    "nan": float("nan"),
    "infinity": float("inf"),
    "an object": object(),
    "bytes": b"x",
    "half a character": "\ud800",
    "a number of 5001 digits": 10**5000,
}


@pytest.mark.parametrize("value", NOT_WRITTEN.values(), ids=NOT_WRITTEN)
def test_a_value_that_json_cannot_carry_is_not_written(value: object) -> None:
    with pytest.raises(CodecError):
        JsonText("utf-8", False).write(value)


def test_a_value_that_contains_itself_is_not_written() -> None:
    value: list[object] = []
    value.append(value)
    with pytest.raises(CodecError):
        JsonText("utf-8", False).write(value)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-7", "utf-8-sig", "cp037", "rot13", "nonsense"])
def test_an_encoding_that_json_cannot_be_written_in_is_refused(encoding: str) -> None:
    with pytest.raises(ConfigurationError):
        JsonText(encoding, False)


def test_text_of_windows_is_told_with_its_encoding() -> None:
    with pytest.raises(CodecError) as caught:
        JsonText("utf-8", ascii=False).read('{"부품": 1}'.encode("cp949"))
    assert ('byte 2 is not utf-8: invalid start byte; it may be cp949: write encoding="cp949"') == str(
        caught.value
    )
