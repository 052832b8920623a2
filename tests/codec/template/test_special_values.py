"""A form without a field wins over one with a number that could be the same text, at both ends."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.codec import Acknowledged, CountedLines, MessageSpec, OneOf, Range, Template, Unit, Until
from tcpcomm.codec.base import MORE, Dialect, Request
from tcpcomm.errors import CodecError, ConfigurationError, Fault


@frozen
class Optional:
    x: int = 0


NUMBER, NOTHING = "MS,0,{mm:+09.4f}", "MS,0,-999.9999"
BOTH_ORDERS = pytest.mark.parametrize(
    "reply", [OneOf(NUMBER, NOTHING), OneOf(NOTHING, NUMBER)], ids=["number first", "special first"]
)
REQUEST = Request("ask", {})


def bound(reply: Any, result: Any, faults: Any = None, fault: Any = "ER,{code:02d}") -> Dialect:
    spec = MessageSpec("ask", "Laser.ask", "MS,0", reply, (), result, faults=faults)
    return Template(fault=fault).bind([spec])


def read(dialect: Dialect, *frames: str) -> Any:
    reader = dialect.reply_reader("ask")
    assert reader is not None
    *first, last = [reader.take(each) for each in frames]
    assert [MORE] * len(first) == first
    return last


def refusal(dialect: Dialect, result: Any) -> str:
    """Return why a result cannot be sent, by the careful and by the generated way."""
    problems = []
    for write in (dialect.reply, dialect.replier("ask")):
        with pytest.raises(CodecError) as caught:
            write(REQUEST, result)
        problems.append(str(caught.value))
    assert problems[0] == problems[1]
    return problems[0]


@BOTH_ORDERS
@pytest.mark.parametrize("result", [float, Annotated[float, Unit("mm"), Range(-1000, 1000)]])
def test_a_special_value_of_a_reply_is_none(reply: Any, result: Any) -> None:
    dialect = bound(reply, result | None)
    assert [b"MS,0,+012.3456"] == dialect.reply(REQUEST, 12.3456)
    assert [b"MS,0,-999.9999"] == dialect.reply(REQUEST, None)
    assert (12.3456, None) == (read(dialect, "MS,0,+012.3456"), read(dialect, "MS,0,-999.9999"))
    with pytest.raises(Fault, match="2"):
        read(dialect, "ER,02")


@BOTH_ORDERS
def test_a_value_that_would_be_read_as_the_special_one_is_not_sent(reply: Any) -> None:
    dialect = bound(reply, float | None)
    told = "mm: 'MS,0,-999.9999' has another meaning, so no value can be sent as this text"
    assert told == refusal(dialect, -999.9999)
    assert told == refusal(dialect, -999.99991)
    assert [b"MS,0,-999.9998"] == dialect.reply(REQUEST, -999.9998)


@BOTH_ORDERS
@given(value=st.none() | st.floats(-999.9999, 999.9999))
def test_each_value_arrives_with_its_own_meaning_or_is_not_sent(reply: Any, value: float | None) -> None:
    dialect = bound(reply, float | None)
    try:
        (frame,) = dialect.reply(REQUEST, value)
    except CodecError:
        assert value == pytest.approx(-999.9999)
        return
    arrived = read(dialect, frame.decode())
    assert arrived is None if value is None else arrived == pytest.approx(value, abs=1e-4)


@pytest.mark.parametrize(
    ("faults", "fault"),
    [
        ({NOTHING: "nothing"}, "ER,{code:02d}"),
        (None, {"ER,{code:02d}": None, NOTHING: "nothing"}),
        ({NOTHING: "nothing"}, None),
    ],
    ids=["of the command", "of all commands", "alone"],
)
def test_a_special_value_is_a_fault(faults: Any, fault: Any) -> None:
    dialect = bound(NUMBER, float, faults, fault)
    assert b"MS,0,-999.9999" == dialect.fault(REQUEST, Fault("nothing"))
    with pytest.raises(Fault) as caught:
        read(dialect, "MS,0,-999.9999")
    assert "nothing" == caught.value.code
    assert 12.3456 == read(dialect, "MS,0,+012.3456")
    assert "has another meaning" in refusal(dialect, -999.9999)


def test_a_number_beside_a_special_value_is_read_in_the_written_form_only() -> None:
    dialect = bound(OneOf("{mm:.1f}", "-1.0"), float | None)
    assert (None, -1.5) == (read(dialect, "-1.0"), read(dialect, "-1.5"))
    for other in ("-1.00", "-1", "-1e0", "+2.0"):
        with pytest.raises(CodecError):
            read(dialect, other)


def test_a_number_of_any_form_is_special_only_as_that_text() -> None:
    dialect = bound(OneOf("{mm}", "-1.0"), float | None)
    assert (None, -1.0, -1.0) == tuple(read(dialect, each) for each in ("-1.0", "-1", "-1.00"))
    assert "has another meaning" in refusal(dialect, -1.0)


class Judgement(Enum):
    GOOD = "OK"
    BAD = "NG"
    UNSURE = "--"


def test_several_values_may_be_special() -> None:
    dialect = bound("{judgement}", Judgement, {"--": "dark", "NG": "open"})
    assert [b"OK"] == dialect.reply(REQUEST, Judgement.GOOD)
    for text, code in (("--", "dark"), ("NG", "open")):
        with pytest.raises(Fault, match=code):
            read(dialect, text)
    assert "'--' has another meaning" in refusal(dialect, Judgement.UNSURE)


def test_a_later_frame_and_an_item_and_an_end_may_be_special() -> None:
    later = bound(("1", OneOf("{x:d}", "-1")), int | None)
    assert [b"1", b"-1"] == later.reply(REQUEST, None)
    assert (None, 5) == (read(later, "1", "-1"), read(later, "1", "5"))

    begun = bound(Acknowledged("TA", OneOf("{x:d}", "-1")), int | None)
    assert (None, 5) == (read(begun, "TA", "-1"), read(begun, "TA", "5"))

    items = bound(CountedLines("{#}", OneOf("{x:d}", "-1")), list[int | None])
    assert [b"2", b"-1", b"7"] == items.reply(REQUEST, [None, 7])
    assert [None, 7] == read(items, "2", "-1", "7")
    assert "'-1' has another meaning" in refusal(items, [-1])

    ended = bound(Until("-1", "{x:d}"), list[int], {"-2": "stuck"})
    assert [1, -3] == read(ended, "1", "-3", "-1")
    with pytest.raises(Fault, match="stuck"):
        read(ended, "1", "-2")
    assert "'-2' has another meaning" in refusal(ended, [-2])
    assert "'-1' has another meaning" in refusal(ended, [-1])


@pytest.mark.parametrize(
    ("reply", "result"),
    [
        (OneOf("S {text}", "S I"), str | None),
        (OneOf("A {x:d}", "A {x:02d}"), int),
        (OneOf("A {x:1d}", "A {y}"), int | str),
        (OneOf("A[ {x:d}]", "A"), Optional),
        (OneOf("A{items*,:d}", "A"), list[int] | None),
    ],
    ids=["a text", "two numbers", "a number and a text", "a part that is left out", "an empty list"],
)
def test_other_forms_that_can_be_the_same_text_are_refused(reply: Any, result: Any) -> None:
    with pytest.raises(ConfigurationError, match="can both be the frame"):
        bound(reply, result)


def test_a_choice_with_nothing_but_the_special_value_is_refused() -> None:
    class Only(Enum):
        ONE = "-1"

    with pytest.raises(ConfigurationError, match="can both be the frame '-1'"):
        bound("{x}", Only, {"-1": "stuck"})


def test_the_data_of_a_form_tell_its_special_values() -> None:
    layout = bound(OneOf(NUMBER, NOTHING), float | None).layout("ask")
    assert layout is not None
    number, special = (each["frames"][0] for each in layout["reply"]["forms"])
    assert ["MS,0,-999.9999"] == number["except"]
    assert "except" not in special
