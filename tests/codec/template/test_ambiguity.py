"""Ambiguity: exact decisions with an example text, and linear reading time without ambiguity."""

from __future__ import annotations

import re
from collections import Counter
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcpcomm.codec import CountedLines, Field, MessageSpec, Template
from tcpcomm.codec.template.ambiguity import START, Automaton, Readings, common_text, two_readings
from tcpcomm.codec.template.regex_tree import (
    ANY,
    EMPTY,
    CharSet,
    Choice,
    Many,
    Maybe,
    Named,
    Run,
    Seq,
    TextPattern,
    chars,
    literal,
)
from tcpcomm.errors import ConfigurationError
from tests.codec.template.templates import Judgement, Mode, Point, compiled_template

ALPHABET = "ab,"
LONGEST = 5


def never_empty(pattern: TextPattern) -> bool:
    return common_text(pattern, EMPTY) is None


char_sets = st.sampled_from(
    [chars("a"), chars("b"), chars(","), chars("ab"), CharSet(frozenset(","), True), ANY]
)
runs = st.builds(
    lambda members, low, more: Run(members, low, None if more is None else low + more),
    char_sets,
    st.integers(0, 2),
    st.none() | st.integers(0, 1),
).filter(lambda run: run.high != 0)
patterns = st.recursive(
    runs,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(Seq)
        | st.lists(inner.filter(never_empty), min_size=1, max_size=2).map(Choice)
        | st.builds(Maybe, inner.filter(never_empty))
        | st.builds(Many, inner.filter(never_empty), st.sampled_from(["", ",", "a"]))
    ),
    max_leaves=5,
)


def texts(pattern: TextPattern) -> set[str]:
    """Return all short texts of a pattern, found by its regular expression."""
    matches = re.compile(pattern.regex(), re.DOTALL).fullmatch
    every = ("".join(each) for size in range(LONGEST + 1) for each in product(ALPHABET, repeat=size))
    return {text for text in every if matches(text)}


def ways(pattern: TextPattern, text: str) -> int:
    """Return the number of paths of a text through the automaton of a pattern."""
    automaton = Automaton.of(pattern)
    states = Counter([START])
    for each in text:
        next_states: Counter[int] = Counter()
        for state, count in states.items():
            for after in automaton.follow[state]:
                if automaton.sets[after] & chars(each):
                    next_states[after] += count
        states = next_states
    return sum(count for state, count in states.items() if state in automaton.ends)


@given(pattern=patterns)
@settings(max_examples=60)
def test_the_automaton_and_the_regular_expression_match_the_same_texts(pattern: TextPattern) -> None:
    every = ("".join(each) for size in range(4) for each in product(ALPHABET, repeat=size))
    found = texts(pattern)
    for text in every:
        assert (text in found) == (ways(pattern, text) > 0)


@given(one=patterns, other=patterns)
@settings(max_examples=60)
def test_a_shortest_common_text_is_found_if_there_is_one(one: TextPattern, other: TextPattern) -> None:
    both = texts(one) & texts(other)
    found = common_text(one, other)
    if found is None:
        assert not both
    else:
        assert re.fullmatch(one.regex(), found, re.DOTALL)
        assert re.fullmatch(other.regex(), found, re.DOTALL)
        assert not both or len(found) == min(map(len, both))


@given(pattern=patterns)
@settings(max_examples=60)
def test_two_readings_are_found_if_there_are_two(pattern: TextPattern) -> None:
    ambiguous = {text for text in texts(pattern) if ways(pattern, text) > 1}
    found = two_readings(pattern)
    if found is None:
        assert not ambiguous
    else:
        assert ways(pattern, found.text) > 1
        assert not ambiguous or len(found.text) == min(map(len, ambiguous))


def test_both_readings_are_given_by_field() -> None:
    pattern = Seq(
        [literal("x"), Named("a", Run(chars("0"), 1, None)), Named("b", Run(chars("0"), 1, None))]
    )
    assert Readings("x000", {"": "x", "a": "00", "b": "0"}, {"": "x", "a": "0", "b": "00"}) == two_readings(
        pattern
    )


AMBIGUOUS: list[tuple[str, dict[str, Any], str]] = [
    ("{a}{b}", {"a": int, "b": int}, "'000' can be read as a='00', b='0', or as a='0', b='00'"),
    ("{a}{b}", {"a": str, "b": str}, "can be read as a='a', no b, or as no a, b='a'"),
    ("{a}{b}", {"a": str, "b": int}, "can be read as"),
    ("{a:d}{b:.1f}", {"a": int, "b": float}, "can be read as"),
    ("{a}{b:<4}{c}", {"a": int, "b": str, "c": int}, "can be read as"),
    ("A[,{a}][,{b}]", {"a": int | None, "b": int | None}, "'A,0' can be read as a='0', no b, or as"),
    ("{a*,},{b*,}", {"a": list[int], "b": list[int]}, "can be read as"),
    ("{a*}", {"a": list[int]}, "a: '{a*}' is ambiguous: '00' can be read as"),
    ("{a*,:{x},{y}[,{z}]}", {"a": list[Any]}, "exactly one field"),
    ("{a*,:{v}[,{w}]}", {"a": list[int]}, "exactly one field"),
    ("A[{a}]", {"a": str | None}, "an optional part can be empty, and then nobody sees it"),
    ("{a*;:{b*,}}", {"a": list[list[int]]}, "an item of the list can be empty"),
]  # fmt: skip


@pytest.mark.parametrize(("template", "types", "message"), AMBIGUOUS, ids=str)
def test_a_template_that_can_be_read_in_two_ways_is_refused(
    template: str, types: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        compiled_template(template, **types)
    assert message in str(caught.value)


CLEAR: list[tuple[str, dict[str, Any]]] = [
    ("{a:.3f}{b:.3f}", {"a": float, "b": float}),
    ("{a}{b:03d}", {"a": int, "b": int}),
    ("{a}{b}", {"a": Judgement, "b": int}),
    ("{a}{b:+d}", {"a": float, "b": int}),
    ("{a}mm{b:x}", {"a": float, "b": int}),
    ("{a:<4}{b}", {"a": str, "b": str}),
    ("{a*;:{x},{y}}!{b}", {"a": list[Point], "b": str}),
    ("A[,{a}][;{b}[,{c}]]", {"a": int | None, "b": str | None, "c": int | None}),
    ("{a:8d}{b:<8d}{c:+010.3f}", {"a": int, "b": int, "c": float}),
    ("{a},{b},{c},{d}", {"a": str, "b": str, "c": str, "d": str}),
    ("{a*,:{b*-}!}", {"a": list[list[float]]}),
    ("{a}{b*}", {"a": Mode, "b": list[Mode]}),
]


def steps(pattern: TextPattern, text: str) -> int:
    """Return the steps of a search that tries one path after the other, as regular expressions do."""
    automaton = Automaton.of(pattern)
    count = 0
    waiting = [(START, 0)]
    while waiting:
        state, at = waiting.pop()
        count += 1
        if at < len(text):
            for after in automaton.follow[state]:
                if automaton.sets[after] & chars(text[at]):
                    waiting.append((after, at + 1))
    return count


@pytest.mark.parametrize(("template", "types"), CLEAR, ids=str)
@pytest.mark.parametrize("stuff", ["1", "a", ",", " ", "1,", "1;", "OK", "-", "0.0,"])
def test_reading_takes_linear_time_even_if_the_text_does_not_match(
    template: str, types: dict[str, Any], stuff: str
) -> None:
    pattern = compiled_template(template, **types).pattern
    text = stuff * 200 + "\0"
    places = len(Automaton.of(pattern).sets) + 1
    assert steps(pattern, text) <= places * (len(text) + 1)


def test_an_ambiguous_pattern_would_take_exponential_time() -> None:
    pattern = Many(Run(chars("a"), 1, None), "")
    assert two_readings(pattern) is not None
    assert steps(pattern, "a" * 14 + "b") >= 2**14


def command(name: str, wire: str, reply: Any = "OK", result: Any = None, **types: Any) -> MessageSpec:
    return MessageSpec(
        name, f"Camera.{name}", wire, reply, tuple(map(Field, types, types.values())), result
    )


def event(name: str, wire: str, **types: Any) -> MessageSpec:
    return MessageSpec(
        name, f"Camera.{name}", wire, parameters=tuple(map(Field, types, types.values())), is_event=True
    )


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        (
            [command("one", "TRG,{a}", a=int), command("two", "TRG,{a:03d}", a=int)],
            "Camera.two: the command Camera.two, 'TRG,{a:03d}', and "
            "the command Camera.one, 'TRG,{a}', can both be the frame 'TRG,000'",
        ),
        (
            [command("one", "{a},{b}", a=str, b=int), command("two", "SET,{a}", a=int)],
            "can both be the frame 'SET,0'",
        ),
        ([command("one", "A[,{a}]", a=int | None), command("two", "A")], "can both be the frame 'A'"),
        (
            [event("one", "ALM,{a}", a=str), event("two", "ALM,{a}", a=int)],
            "Camera.two: the event Camera.two, 'ALM,{a}', and "
            "the event Camera.one, 'ALM,{a}', can both be the frame 'ALM,0'",
        ),
        (
            [event("one", "NG,1,{a}", a=str)],
            "Camera.one: the event Camera.one, 'NG,1,{a}', and "
            "the fault 'NG,{code},{reason}' can both be the frame 'NG,1,'",
        ),
        (
            [command("do", "DO", "OK,{a}", str), event("done", "OK,{a}", a=int)],
            "Camera.do: its reply 'OK,{a}' and the event Camera.done, 'OK,{a}', "
            "can both be the frame 'OK,0'",
        ),
        (
            [command("do", "DO", ("ALM,1", "{a}"), float), event("alarm", "ALM,{a}", a=int)],
            "Camera.do: its reply 'ALM,1' and the event Camera.alarm",
        ),
        (
            [command("do", "DO", CountedLines("{#}", "{a}"), list[str]), event("alarm", "ALM")],
            "Camera.do: its reply '{a}' and the event Camera.alarm, 'ALM'",
        ),
        (
            [command("do", "DO", "{a}", str)],
            "Camera.do: its reply '{a}' and the fault 'NG,{code},{reason}' can both be the frame 'NG,,'",
        ),
    ],
)
def test_two_messages_that_can_be_one_frame_are_refused_with_the_frame(
    specs: list[MessageSpec], message: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Template().bind(specs)
    assert message in str(caught.value)
    assert str(caught.value).startswith("Camera.")


def test_a_fault_with_the_command_is_compared_with_the_replies_of_that_command() -> None:
    specs = [command("one", "A", "ER,B,{n:d}", int), command("two", "B", "OK")]
    Template(fault="ER,{command},{code:d}").bind(specs)
    with pytest.raises(ConfigurationError, match="can both be the frame 'ER,A,0'"):
        Template(fault="ER,{command},{code:d}").bind([command("one", "A", "ER,A,{n:d}", int)])
