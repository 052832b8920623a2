"""Texts from outside become one printable line of limited length."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.runtime.safe_text import LONGEST_TEXT, brief_bytes, one_line, safe_json


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("TRG,3", "TRG,3"),
        ("검사 OK", "검사 OK"),
        ("日本\u3000語", "日本\u3000語"),
        ("a\r\nb\tc", "a\\x0d\\x0ab\\x09c"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\x9b2J", "\\x9b2J"),
        ("\u202eCBA", "\\u202eCBA"),
        ("\U000e0041", "\\U000e0041"),
        ("\udcff", "\\udcff"),
    ],
    ids=repr,
)
def test_what_a_terminal_would_obey_is_escaped(text: str, shown: str) -> None:
    assert shown == one_line(text)


def test_a_long_text_is_cut_and_its_length_is_told() -> None:
    assert "aaaa … 5 characters in all" == one_line("aaaaa", 4)
    assert "aaaa" == one_line("aaaa", 4)
    assert "a" * LONGEST_TEXT == one_line("a" * LONGEST_TEXT)
    assert f"{'a' * LONGEST_TEXT} … 2,001 characters in all" == one_line("a" * (LONGEST_TEXT + 1))


def test_a_long_frame_is_cut_and_its_length_is_told() -> None:
    assert repr(b"\x00" * 80) == brief_bytes(bytes(80))
    assert f"{b'x' * 80!r} … 1,000 bytes in all" == brief_bytes(b"x" * 1000)


@given(st.text())
def test_json_stays_the_same_value(text: str) -> None:
    safe = safe_json(json.dumps(text, ensure_ascii=False))

    assert text == json.loads(safe)
    assert not any(each < " " or "\x7f" <= each <= "\x9f" for each in safe)
