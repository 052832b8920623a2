"""The texts of the console: numbers, bytes, wide letters, and both languages."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm import ConfigurationError
from tcpcomm.tools.console import texts
from tcpcomm.tools.console.words import LANGUAGES, Words, language_of

KOREAN = "비전 카메라"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, ""),
        (0.000083, "83 µs"),
        (0.00119, "1.19 ms"),
        (0.0123, "12.3 ms"),
        (0.4, "400 ms"),
        (2.5, "2.50 s"),
    ],
)
def test_a_time_has_three_digits(seconds: float | None, shown: str) -> None:
    assert shown == texts.took(seconds)


@pytest.mark.parametrize(
    ("seconds", "shown"), [(-1, "0.0 s"), (0.42, "0.4 s"), (12.3, "12 s"), (600, "10 min"), (10_000, "3 h")]
)
def test_an_age_is_rounded_to_what_people_need(seconds: float, shown: str) -> None:
    assert shown == texts.age(seconds)


def test_the_highest_point_of_a_sparkline_has_the_highest_bar() -> None:
    assert "▁▅█ " == texts.sparkline([0, 5, 9, None], 4)


def test_a_sparkline_without_room_shows_the_highest_of_several_points() -> None:
    assert "▂█" == texts.sparkline([0, 1, 0, 8], 2)


def test_a_flat_sparkline_is_low() -> None:
    assert "▁▁" == texts.sparkline([0, 0], 2)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["C", "Z"])), st.integers(0, 30))
def test_a_fitted_text_takes_its_columns_exactly(text: str, width: int) -> None:
    assert width == texts.cells(texts.fitted(text, width))


@given(st.lists(st.sampled_from(["locate", KOREAN, "x", "part"])).map(" ".join), st.integers(2, 20))
def test_a_wrapped_text_loses_no_letter(text: str, width: int) -> None:
    lines = texts.wrapped(text, width)
    assert max(map(texts.cells, lines)) <= width
    assert text.replace(" ", "") == "".join(lines).replace(" ", "")


def test_korean_letters_take_two_columns() -> None:
    assert 11 == texts.cells(KOREAN)
    assert "비전 …" == texts.fitted(KOREAN, 6)
    assert "비전… " == texts.fitted("비전카메라", 6)


def test_a_dump_has_offset_hex_and_text() -> None:
    assert [
        "0000  54 52 47 2C 33 0D 0A 00 FF 41 42 43 44 45 46 47  |TRG,3....ABCDEFG|",
        "0010  48                                               |H|",
    ] == texts.dump(b"TRG,3\r\n\0\xffABCDEFGH")


def test_bytes_are_shown_in_the_encoding_of_the_declaration() -> None:
    assert KOREAN == texts.readable(KOREAN.encode("cp949"), "cp949")
    assert r"\xff\x1b[2J" == texts.readable(b"\xff\x1b[2J", "utf-8")


@pytest.mark.parametrize(
    ("kind", "values", "shown"),
    [
        ("command", {"job": 3, "mode": None}, "locate(job=3)"),
        ("reply", {"result": {"x": 12.5, "part": "a"}}, 'x=12.5, part="a"'),
        ("reply", {"result": 7}, "7"),
        ("reply", None, ""),
        ("fault", {"code": 3, "reason": "no part"}, 'Fault(code=3, reason="no part")'),
    ],
)
def test_a_message_is_shown_as_a_call(kind: str, values: Any, shown: str) -> None:
    assert shown == texts.signature(kind, "locate", values)


def test_what_a_peer_sends_gives_no_commands_to_the_terminal() -> None:
    text = texts.signature("reply", "read", {"result": {"\x1b]0;x\x07": "\x1b[2J\u202e"}})
    assert text.isprintable()


def test_both_languages_have_the_same_words_with_the_same_values() -> None:
    english, korean = (Words(language) for language in LANGUAGES)
    assert english.all_keys == korean.all_keys
    for key in english.all_keys:
        assert sorted(re.findall(r"{\w+}", english(key))) == sorted(re.findall(r"{\w+}", korean(key))), key


@pytest.mark.parametrize(
    ("asked", "environment", "language"),
    [
        ("ko", {"LANG": "C"}, "ko"),
        (None, {"LANG": "ko_KR.UTF-8"}, "ko"),
        (None, {"LC_ALL": "en_US.UTF-8", "LANG": "ko_KR.UTF-8"}, "en"),
        (None, {"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_the_language_is_that_of_the_option_or_the_system(
    asked: str | None, environment: dict[str, str], language: str
) -> None:
    assert language == language_of(asked, environment)


def test_another_language_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="--lang fr: write en or ko"):
        language_of("fr")
