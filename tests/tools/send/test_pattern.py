"""Patterns of messages, and rules that answer them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm import ConfigurationError
from tcpcomm.tools.send.notation import text_of
from tcpcomm.tools.send.pattern import Pattern, Reply, Rule, answer


@pytest.mark.parametrize(
    ("pattern", "message", "parts"),
    [
        ("OK,*", b"OK,1,2", (b"1,2",)),
        ("OK,*,*", b"OK,1,2", (b"1", b"2")),
        ("OK,?", b"OK,1", (b"1",)),
        (r"*\r\n", b"OK\r\n", (b"OK",)),
        ("*", b"any\nbytes\0", (b"any\nbytes\0",)),
        ("", b"", ()),
        (r"re:^OK,(\d+)", b"OK,12,x", (b"12",)),
        ("re:12", b"OK,12", ()),
        ("re:(a)|b", b"b", (b"",)),
        ("hex:02 ?? 03", b"\x02A\x03", (b"A",)),
        ("hex:02 * 03", b"\x02A\x03B\x03", (b"A\x03B",)),
    ],
)
def test_a_message_that_fits_gives_the_parts(
    pattern: str, message: bytes, parts: tuple[bytes, ...]
) -> None:
    assert (message, *parts) == Pattern.parse(pattern).match(message)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("OK", b"OK,1"),  # the whole message
        ("OK,?", b"OK,12"),
        (r"a\x2ab", b"axb"),  # an escape is no wildcard
        ("re:^OK", b"NOT OK"),
        ("hex:02 03", b"\x02A\x03"),
    ],
)
def test_a_message_that_does_not_fit_gives_none(pattern: str, message: bytes) -> None:
    assert None is Pattern.parse(pattern).match(message)


@given(st.binary())
def test_the_text_of_a_message_is_a_pattern_of_it_alone(message: bytes) -> None:
    text = text_of(message).replace("*", r"\x2a").replace("?", r"\x3f")
    if not text.startswith(("re:", "hex:")):
        pattern = Pattern.parse(text)
        assert (message,) == pattern.match(message)
        assert None is pattern.match(message + b"x")


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        (r"O\K", r"position 2 of 'O\\K'"),
        ("hex:02 ?", "position 8 of 'hex:02 ?'"),
        ("re:OK(", "position 6 of 're:OK('"),
        ("x" * 5000, "a pattern has at most 4096 characters, this one 5000"),
    ],
)
def test_a_mistake_in_a_pattern_is_shown_with_its_position(pattern: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        Pattern.parse(pattern)
    assert str(refusal.value).startswith(problem)


@pytest.mark.parametrize(
    ("rule", "message", "reply"),
    [
        ("TRG,*=>OK,{1}", b"TRG,7", b"OK,7"),
        (r"re:^(\w+),(\d+)=>{2} of {1} in {0}", b"TRG,7", b"7 of TRG in TRG,7"),
        ("hex:02 ?? 03=>hex:06 {1}", b"\x02A\x03", b"\x06A"),
        ("PING=>", b"PING", b""),
        ('STATE=>{"ok": 1}', b"STATE", b'{"ok": 1}'),
        ("A=>B=>C", b"A", b"B=>C"),
    ],
)
def test_a_rule_answers(rule: str, message: bytes, reply: bytes) -> None:
    assert reply == answer([Rule.parse(rule)], message)


def test_the_first_rule_that_fits_answers() -> None:
    rules = [Rule.parse("A*=>1"), Rule.parse("AB=>2"), Rule.always("{0}!")]
    assert [b"1", b"C!"] == [answer(rules, message) for message in (b"AB", b"C")]
    assert None is answer(rules[:1], b"C")


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("TRG", "'TRG' has no =>: write PATTERN=>REPLY, as in 'TRG,*=>OK'"),
        ("TRG,*=>OK,{2}", "'OK,{2}' has {2}, but its pattern has 1 parts: write one * or group for each"),
        (r"TRG=>\q", r"position 1 of '\\q'"),
    ],
)
def test_a_mistake_in_a_rule_is_refused(rule: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        Rule.parse(rule)
    assert str(refusal.value).startswith(problem)


def test_a_reply_without_a_pattern_has_no_parts() -> None:
    with pytest.raises(ConfigurationError):
        Reply.parse("{1}")
