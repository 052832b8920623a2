"""Encodings: the bytes that other programs, those of Windows above all, write and read by the same name."""

from __future__ import annotations

from typing import Annotated

import pytest

from tcpcomm.codec import Binary, Encoded, Field, Fixed, Json, MessageSpec, Template
from tcpcomm.codec.encoding import Encoding, charset
from tcpcomm.errors import CodecError
from tests.codec.template.templates import bound

WINDOWS = {
    "euc-kr": "cp949",
    "EUC_KR": "cp949",
    "ks_c_5601-1987": "cp949",
    "shift_jis": "cp932",
    "sjis": "cp932",
    "gb2312": "gbk",
    "big5": "cp950",
}


@pytest.mark.parametrize(("name", "page"), WINDOWS.items(), ids=WINDOWS)
def test_every_character_has_the_bytes_of_the_windows_code_page_of_that_name(name: str, page: str) -> None:
    """It goes through all characters of two bytes. Python's own euc_kr fails with 8,822 of them."""
    encoding = Encoding(name)
    for number in (*range(0xD800), *range(0xE000, 0x10000)):
        character = chr(number)
        try:
            expected = character.encode(page)
        except UnicodeError:
            expected = b""
        if expected.decode(page) != character:
            assert not encoding.carries(character)
        else:
            assert expected == encoding.encode(character)
            assert character == encoding.decode(expected)


@pytest.mark.parametrize(
    ("name", "text", "hex"),
    [
        ("euc-kr", "뷁", "94 EE"),
        ("euc-kr", "똠", "8C 63"),
        ("euc-kr", "펲", "BC 84"),
        ("euc-kr", "부품", "BA CE C7 B0"),
        ("shift_jis", "①", "87 40"),
        ("gb2312", "镕", "E9 46"),
        ("big5", "碁", "F9 D6"),
    ],
    ids=str,
)
def test_a_text_is_sent_in_the_bytes_of_windows_and_read_from_them(name: str, text: str, hex: str) -> None:
    wire = bytes.fromhex(hex)
    dialect = bound("SET {name}", "OK", name=str, codec=Template(name))
    assert b"SET " + wire == dialect.request("do", {"name": text}, 0)
    (request,) = dialect.read_at_equipment(b"SET " + wire).requests
    assert {"name": text} == getattr(request, "values", None)


def test_each_codec_means_the_same_by_an_encoding() -> None:
    fields = (Field("name", str),)
    json = Json(encoding="euc-kr").bind([MessageSpec("do", "Device.do", parameters=fields)])
    assert '{"cmd":"do","name":"뷁"}'.encode("cp949") == json.request("do", {"name": "뷁"}, 0)
    text = Annotated[str, Fixed(4), Encoded("euc-kr")]
    layout = Binary().bind([MessageSpec("do", "Device.do", 1, parameters=(Field("name", text),))])
    assert b"\x01\x94\xee\0\0" == layout.request("do", {"name": "뷁"}, 0)


def test_a_character_that_is_not_in_the_encoding_is_refused_by_the_name_that_was_declared() -> None:
    with pytest.raises(CodecError, match=r"'é' cannot be written in euc-kr \(in 'é'\)"):
        Encoding("euc-kr").encode("é")


@pytest.mark.parametrize("name", ["utf-8", "latin-1", "ascii", "cp949", "johab", "utf-16"])
def test_other_encodings_keep_their_names(name: str) -> None:
    assert name == charset(name) == Encoding(name).charset


@pytest.mark.parametrize(
    ("encoding", "data", "told"),
    [
        (
            "utf-8",
            "부품".encode("cp949"),
            "this is not text in utf-8: invalid start byte, at byte 0 of b'\\xba\\xce\\xc7\\xb0'; "
            'it may be cp949: write encoding="cp949"',
        ),
        (
            "ascii",
            "부".encode(),
            "this is not text in ascii: ordinal not in range(128), at byte 0 of b'\\xeb\\xb6\\x80'; "
            'it may be utf-8: write encoding="utf-8"',
        ),
        ("utf-8", b"\xff", "this is not text in utf-8: invalid start byte, at byte 0 of b'\\xff'"),
        (
            "utf-8",
            b"\xb0\xa1\xa2\xe6",
            "this is not text in utf-8: invalid start byte, at byte 0 of b'\\xb0\\xa1\\xa2\\xe6'",
        ),
    ],
    ids=["Korean", "UTF-8", "no text", "signs"],
)
def test_the_likely_encoding_is_told(encoding: str, data: bytes, told: str) -> None:
    with pytest.raises(CodecError) as caught:
        Encoding(encoding).decode(data)
    assert told == str(caught.value)
