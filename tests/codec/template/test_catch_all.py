"""An event that can be any text, beside commands, their replies and faults."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from tcpcomm.codec import Field, MessageSpec, Template
from tcpcomm.codec.base import MISSING, Answer, Dialect, Event, Notation, ProtocolErrorKind, Refusal
from tcpcomm.errors import CodecError, ConfigurationError, Fault


def reads(name: str = "code", wire: str = "{code}", kind: Any = str) -> MessageSpec:
    return MessageSpec(name, f"Reader.{name}", wire, MISSING, (Field("code", kind),), is_event=True)


ON = MessageSpec("on", "Reader.on", "LON", "OK")
COUNT = MessageSpec("count", "Reader.count", "N?", "N,{n}", (), int)
LOW = MessageSpec("low", "Reader.low", "BAT,{code}", MISSING, (Field("code", int),), is_event=True)


def reader(*specs: MessageSpec, fault: str | None = None) -> Dialect:
    return Template(fault=fault).bind([ON, COUNT, LOW, reads(), *specs])


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (b"4006381333931", Event("code", {"code": "4006381333931"})),
        (b"N,x", Event("code", {"code": "N,x"})),
        (b"", Event("code", {"code": ""})),
        (b"BAT,3", Event("low", {"code": 3})),
        (b"OK", Answer("OK")),
        (b"N,3", Answer("N,3")),
    ],
)
def test_the_event_is_every_text_that_nothing_else_is(frame: bytes, expected: Event | Answer) -> None:
    assert (expected,) == reader().read_at_host(frame)


def test_a_fault_with_leading_text_is_not_the_event() -> None:
    assert (Answer("NG,1,dark"),) == reader(fault="NG,{code},{reason}").read_at_host(b"NG,1,dark")


def test_a_reply_without_a_request_is_the_event() -> None:
    assert Event("code", {"code": "OK"}) == reader().unmatched_event(b"OK")
    assert Template().bind([ON]).unmatched_event(b"OK") is None


def test_an_unknown_command_is_not_an_event() -> None:
    (found,) = reader(fault="NG,{code},{reason}").read_at_equipment(b"FOO").requests
    assert isinstance(found, Refusal)
    assert (ProtocolErrorKind.UNKNOWN_COMMAND, True, False) == (
        found.error_kind,
        found.wants_reply,
        found.foreign,
    )


def test_the_event_is_written_unchanged_unless_it_would_be_another_event() -> None:
    dialect = reader()
    assert b"A17" == dialect.event("code", {"code": "A17"})
    assert b"BAT,3" == dialect.event("low", {"code": 3})
    with pytest.raises(CodecError, match="b'BAT,3' would be read as the event low"):
        dialect.event("code", {"code": "BAT,3"})


def test_the_event_has_drawn_values_and_a_notation() -> None:
    dialect, random = reader(), Random(1)
    for name in ("code", "low"):
        values = dialect.draw_values(name, random)
        assert (Event(name, values),) == dialect.read_at_host(dialect.event(name, values))
    assert [Notation("{code}"), Notation("BAT,{code}")] == [*map(dialect.notation, ("code", "low"))]


@pytest.mark.parametrize(
    ("spec", "fault", "message"),
    [
        (
            MessageSpec("weigh", "Reader.weigh", "W", "{grams}", (), float),
            None,
            "the reply '{grams}' of Reader.weigh does not begin with a literal text",
        ),
        (ON, "{code} {reason}", "the fault '{code} {reason}' does not begin with a literal text"),
        (reads("other"), None, "Reader.other: it can be any text, and so can Reader.code"),
    ],
)
def test_replies_and_faults_without_leading_text_are_refused(
    spec: MessageSpec, fault: str | None, message: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Template(fault=fault).bind([reads(), spec])
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "event", [reads(wire="{code"), reads(wire="{code:<8}"), reads(kind=int), reads(wire="{code}!")]
)
def test_only_an_event_of_one_text_can_be_any_text(event: MessageSpec) -> None:
    weigh = MessageSpec("weigh", "Reader.weigh", "W", "{grams}", (), float)
    with pytest.raises(ConfigurationError) as caught:
        Template(fault="{code}").bind([weigh, event])
    assert "can be any text" not in str(caught.value)


def test_the_error_of_an_event_like_the_fault_names_the_solutions() -> None:
    event = reads(wire="{code:<20}")
    with pytest.raises(ConfigurationError) as caught:
        Template().bind([event])
    assert str(caught.value).endswith(
        "put a literal text in front of one of them that the other cannot begin with, or write fault=None "
        "if the equipment has no faults"
    )
    assert Template(fault=None).bind([event])


def test_equipment_without_faults_sends_none() -> None:
    dialect = reader()
    (unknown,) = dialect.read_at_equipment(b"FOO").requests
    assert not dialect.has_faults
    assert "" == dialect.fault_notation()
    assert (
        Fault("UNKNOWN_COMMAND", "what").code
        == dialect.fault_for(ProtocolErrorKind.UNKNOWN_COMMAND, "what").code
    )
    with pytest.raises(CodecError, match="the equipment has no faults: fault=None is declared"):
        dialect.fault(unknown, Fault(3))
    answers = dialect.reply_reader("on")
    assert answers is not None
    with pytest.raises(CodecError, match="expected 'OK', not 'NG,3,dark'"):
        answers.take("NG,3,dark")
