"""Widths in bytes: the fixed telegrams of Korean and Japanese systems, where a character has two bytes."""

from __future__ import annotations

from enum import Enum
from random import Random
from typing import Any

import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from tcpcomm.codec import Dialect, Field, MessageSpec, Template
from tcpcomm.codec.base import Request
from tcpcomm.codec.encoding import Encoding, using
from tcpcomm.codec.template.byte_widths import gathered, sizes_of, spread
from tcpcomm.codec.template.regex_tree import chars
from tcpcomm.errors import CodecError, ConfigurationError, Fault
from tests.codec.template.templates import bound, compiled_template, replied, results_of
from tests.codec.template.test_ambiguity import ways

ENCODINGS = ("cp949", "euc-kr", "shift_jis", "gbk", "utf-8", "latin-1", "gb18030", "euc-jp")
each_encoding = pytest.mark.parametrize("encoding", ENCODINGS)


def texts_in(encoding: str) -> st.SearchStrategy[str]:
    """Return texts of characters of an encoding, of each size that it has."""
    alphabet = [each for each in "ab 1,;가부품뷁作業あé\U0001f600" if Encoding(encoding).carries(each)]
    return st.text(st.sampled_from(alphabet), max_size=8)


class Grade(Enum):
    GOOD = "양품"
    BAD = "불량"
    REWORK = "재작업"


def mes(codec: Template | None = None) -> Dialect:
    return bound(
        "WRK1{name:12b}{count:06d}{lot:8b}",
        "OK",
        codec=codec or Template("cp949"),
        name=str,
        count=int,
        lot=str,
    )


def test_a_korean_telegram_has_its_fields_at_their_bytes() -> None:
    """Widths that count characters made 33 bytes of it, and shifted each field behind the name."""
    values = {"name": "부품가", "count": 12, "lot": "L7"}
    frame = mes().request("do", values, 0)
    assert b"WRK1" + bytes.fromhex("BACEC7B0B0A1") + b" " * 6 + b"000012" + b"L7" + b" " * 6 == frame
    assert 30 == len(frame)
    assert Request("do", values) == mes().read_at_equipment(frame)


def test_a_name_of_14_bytes_is_refused_by_a_field_of_12() -> None:
    problem = "name: '부품부품부품부' does not fit into 12 bytes, because it has 14"
    with pytest.raises(CodecError, match=problem):
        mes().request("do", {"name": "부품부품부품부", "count": 1, "lot": ""}, 0)


def test_a_field_that_ends_within_a_character_is_refused() -> None:
    dialect = bound("A{name:3b}{rest}", "OK", codec=Template("cp949"), name=str, rest=str)
    whole = "A가b나".encode("cp949")
    assert Request("do", {"name": "가b", "rest": "나"}) == dialect.read_at_equipment(whole)
    torn = dialect.read_at_equipment("A가나b".encode("cp949"))
    assert "name: '가나b' begins with 5 bytes, not 3; expected a text in 3 bytes" in str(
        getattr(torn, "problem", "")
    )


def test_the_error_of_a_short_field_counts_bytes() -> None:
    dialect = bound("A{name:6b},{n:d}", "OK", codec=Template("cp949"), name=str, n=int)
    refusal: Any = dialect.read_at_equipment("A가,5".encode("cp949"))
    assert "begins with 2 bytes, not 6; expected a text in 6 bytes, as in A{name:6b}" in str(
        refusal.problem
    )


def test_a_japanese_telegram_is_filled_on_the_left() -> None:
    dialect = bound("名{name:>10b}終", "OK", codec=Template("shift_jis"), name=str)
    frame = dialect.request("do", {"name": "部品ｱ"}, 0)
    assert "名".encode("cp932") + b"     " + "部品ｱ終".encode("cp932") == frame
    assert Request("do", {"name": "部品ｱ"}) == dialect.read_at_equipment(frame)


def test_words_of_an_enumeration_are_filled_up_in_bytes() -> None:
    dialect = bound("Q", "R{grade:8b}{n:02d}", Result, codec=Template("cp949"))
    assert ["R양품    07".encode("cp949")] == replied(dialect, Result(Grade.GOOD, 7))
    assert [Result(Grade.REWORK, 1)] == results_of(dialect, "R재작업  01".encode("cp949"))


@frozen
class Result:
    grade: Grade
    n: int


@frozen
class Part:
    name: str
    count: int


def test_a_list_has_items_with_widths_in_bytes() -> None:
    dialect = bound("Q", "{#:02d}{parts*:{name:6b}{count:03d}}", list[Part], codec=Template("cp949"))
    parts = [Part("볼트", 12), Part("a", 3), Part("너트x", 999)]
    frame = "02볼트  012a     003".encode("cp949")
    assert [frame] == replied(dialect, parts[:2])
    assert [parts[:2]] == results_of(dialect, frame)
    assert [parts] == results_of(dialect, *replied(dialect, parts))
    names = bound("Q", "{names*가:4b}!", list[str], codec=Template("cp949", None))
    assert [["나", "ab"]] == results_of(names, "나  가ab  !".encode("cp949"))


def test_an_optional_part_and_a_text_without_width_stand_beside_widths_in_bytes() -> None:
    template = "S{name:4b}{five:<5},{free}[;{note:4b}]"
    with using(Encoding("cp949")):
        compiled = compiled_template(template, name=str, five=str, free=str, note=str | None)
    for values in (
        {"name": "가", "five": "나다라", "free": "품 7", "note": None},
        {"name": "가나", "five": "가나다라마", "free": "", "note": "끝"},
    ):
        assert values == compiled.read(compiled.write(values))


def test_a_reason_is_cut_at_its_bytes() -> None:
    dialect = bound("GO", "OK", codec=Template("cp949", "NG{code:02d}{reason:10b}"))
    frame = dialect.fault(Request("do", {}), Fault(3, "문이 열려 있다"))
    assert "NG03문이 열...".encode("cp949") == frame
    with pytest.raises(Fault, match=r"문이"):
        results_of(dialect, frame)


@each_encoding
@given(data=st.data(), width=st.integers(1, 12), right=st.booleans())
@settings(max_examples=30)
def test_a_field_has_its_bytes_whatever_the_characters_are(
    encoding: str, data: st.DataObject, width: int, right: bool
) -> None:
    """Widths that count characters fail with the first text that is not ASCII."""
    template = f"<{{a:{'>' if right else '<'}{width}b}}{{b:7b}}>"
    dialect = bound(template, "OK", codec=Template(encoding), a=str, b=str)
    charset = Encoding(encoding).charset
    sent = {"a": data.draw(texts_in(encoding)), "b": data.draw(texts_in(encoding))}
    sizes = [len(each.encode(charset)) for each in sent.values()]
    has_filling = sent["a"][:1] == " " if right else sent["a"][-1:] == " "
    if sizes[0] > width or sizes[1] > 7 or has_filling or sent["b"][-1:] == " ":
        with pytest.raises(CodecError):
            dialect.request("do", sent, 0)
        return
    frame = dialect.request("do", sent, 0)
    assert width + 9 == len(frame)
    field = frame[1 : width + 1]
    assert sent["a"].encode(charset) == (field.lstrip(b" ") if right else field.rstrip(b" "))
    assert Request("do", sent) == dialect.read_at_equipment(frame)


@each_encoding
@given(data=st.data(), width=st.integers(1, 6))
@settings(max_examples=30)
def test_the_automaton_and_the_regular_expression_take_the_same_texts(
    encoding: str, data: st.DataObject, width: int
) -> None:
    found, text = Encoding(encoding), data.draw(texts_in(encoding))
    with using(found):
        compiled = compiled_template(f"{{a:{width}b}}{{b}}", a=str, b=str)
    assert ways(compiled.pattern, text) == (compiled.match(text) is not None)
    assert text == gathered(spread(text, found.charset))


def test_ambiguity_is_decided_in_bytes() -> None:
    with using(Encoding("cp949")):
        assert compiled_template("{a}{b:2b}", a=str, b=str).read("가나") == {"a": "가", "b": "나"}
        with pytest.raises(ConfigurationError, match="is ambiguous"):
            compiled_template("{a}{b:2b}[{c:2b}]", a=str, b=str, c=str | None)
    specs = [
        MessageSpec("one", "Device.one", "A{name:4b}", "OK", (Field("name", str),)),
        MessageSpec("two", "Device.two", "A가{name:3b}", "OK", (Field("name", str),)),
        MessageSpec("three", "Device.three", "A가나", "OK"),
    ]
    for pair, can_be_one in ((specs[:2], False), ([specs[0], specs[2]], True), (specs[1:], False)):
        if not can_be_one:
            Template("cp949").bind(pair)
            continue
        with pytest.raises(ConfigurationError, match="can both be the frame 'A가나'"):
            Template("cp949").bind(pair)


@pytest.mark.parametrize(
    ("encoding", "spec", "message"),
    [
        ("utf-16", "4b", "a width in bytes is not possible in utf-16"),
        ("iso2022_kr", "4b", "a width in bytes is not possible in iso2022_kr"),
        ("utf-7", "4b", "a width in bytes is not possible in utf-7"),
        ("cp949", "b", "write the width in bytes before the b, as in 12b"),
        ("cp949", "가<4b", "'가' must have one byte to fill a width in bytes"),
        ("cp949", "4d", "the letter of a text is b, for a width in bytes"),
    ],
)
def test_a_width_in_bytes_that_cannot_be_is_refused(encoding: str, spec: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        bound(f"A{{name:{spec}}}", "OK", codec=Template(encoding), name=str)


def test_a_word_that_does_not_fit_into_its_bytes_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'재작업' does not fit into 4 bytes"):
        bound("Q", "{grade:4b}", Grade, codec=Template("cp949"))


def test_the_sizes_of_characters_are_those_of_the_encoding() -> None:
    for name in ENCODINGS:
        encoding = Encoding(name)
        sizes = dict(sizes_of(encoding))
        for character in "A가é作\U0001f600":
            if encoding.carries(character):
                size = len(character.encode(encoding.charset))
                assert [size] == [each for each, members in sizes.items() if members & chars(character)]


@given(seed=st.integers(0, 1000))
def test_drawn_texts_fit_into_their_bytes(seed: int) -> None:
    dialect = mes()
    values = dialect.draw_values("do", Random(seed))
    assert Request("do", values) == dialect.read_at_equipment(dialect.request("do", values, 0))
