"""Text: words and the rest of the frame, as in a chat."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from tcpcomm.codec import Dialect, Field, MessageSpec, Text
from tcpcomm.codec.base import Event, Notation, ProtocolErrorKind, Refusal, Request
from tcpcomm.errors import CodecError, ConfigurationError, Fault
from tests.codec.template.templates import replied, results_of

TEXT = Field("text", str)
SPECS = (
    MessageSpec("start", "Line.start", "작업 시작"),
    MessageSpec("send", "Line.send", "좌표 전송", parameters=(TEXT,)),
    MessageSpec("proceed", "Line.proceed", "다음 단계로 진행", "진행"),
    MessageSpec("status", "Line.status", result=str),
    MessageSpec("beep", "Line.beep", reply=None),
    MessageSpec("finished", "Line.finished", "끝", parameters=(TEXT,), is_event=True),
)
LINE = Text().bind(SPECS)


def asked(frame: str, dialect: Dialect = LINE) -> Any:
    (found,) = dialect.read_at_equipment(frame.encode()).requests
    return found


@pytest.mark.parametrize(
    ("name", "values", "text"),
    [
        ("start", {}, "작업 시작"),
        ("send", {"text": "x=1.5 y=2"}, "좌표 전송 x=1.5 y=2"),
        ("send", {"text": ""}, "좌표 전송 "),
        ("status", {}, "STATUS"),
    ],
)
def test_a_command_is_its_words_and_the_rest_of_the_frame(
    name: str, values: dict[str, Any], text: str
) -> None:
    assert text.encode() == LINE.request(name, values, 0)
    assert Request(name, values) == asked(text)


def test_an_event_is_not_read_as_a_reply() -> None:
    assert "끝 all".encode() == LINE.event("finished", {"text": "all"})
    assert (Event("finished", {"text": "all"}),) == LINE.read_at_host("끝 all".encode())


def test_a_reply_is_a_fixed_text_or_the_whole_frame() -> None:
    assert [b"OK"] == replied(LINE, None, "start")
    assert ["진행".encode()] == replied(LINE, None, "proceed")
    assert [b"running, job 3"] == replied(LINE, "running, job 3", "status")
    assert [None] == results_of(LINE, b"OK", name="start")
    assert ["running, job 3"] == results_of(LINE, b"running, job 3", name="status")
    assert LINE.reply_reader("beep") is None
    with pytest.raises(CodecError, match="expected 'OK', not 'KO'"):
        results_of(LINE, b"KO", name="start")


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault("NG"), "NG"),
        (Fault("NG", "문이 열려 있다"), "NG 문이 열려 있다"),
        (Fault(5, "too dark"), "NG 5: too dark"),
        (Fault(5), "NG 5"),
    ],
)
def test_a_fault_is_its_word_and_the_reason(fault: Fault, text: str) -> None:
    assert text.encode() == LINE.fault(Request("start", {}), fault)
    for name in ("start", "status"):
        with pytest.raises(Fault) as caught:
            results_of(LINE, text.encode(), name=name)
        assert "NG" == caught.value.code
        assert text[3:] == caught.value.reason


@pytest.mark.parametrize("reply", ["NG", "NG again", "끝 all"])
def test_a_reply_that_would_be_read_as_a_fault_or_an_event_is_refused(reply: str) -> None:
    with pytest.raises(CodecError, match="would be read as a fault or an event"):
        replied(LINE, reply, "status")
    assert [b"NGX"] == replied(LINE, "NGX", "status")


@pytest.mark.parametrize(
    ("text", "kind", "problem"),
    [
        ("STATUS now", ProtocolErrorKind.BAD_PARAMETERS, "expected the end, not ' now', as in STATUS"),
        ("좌표 전송", ProtocolErrorKind.BAD_PARAMETERS, "the text ends before ' '"),
        ("status", ProtocolErrorKind.UNKNOWN_COMMAND, "there is no command 'status'"),
        ("", ProtocolErrorKind.MALFORMED, "the request is empty"),
    ],
)
def test_a_text_that_is_not_a_command_is_refused(text: str, kind: ProtocolErrorKind, problem: str) -> None:
    found = asked(text)
    assert isinstance(found, Refusal)
    assert kind == found.error_kind
    assert problem in str(found.problem)
    assert not found.foreign


def test_faults_and_events_are_foreign_at_the_equipment() -> None:
    assert asked("NG door open").foreign
    assert asked("끝 all").foreign


def test_words_can_contain_any_character_and_options_can_be_set() -> None:
    text = Text("cp949", separator="::", done="[확인]", fault="실패")
    dialect = text.bind([MessageSpec("set", "Line.set", "{값}", parameters=(TEXT,))])
    assert "{값}::7".encode("cp949") == dialect.request("set", {"text": "7"}, 0)
    assert ["[확인]".encode("cp949")] == replied(dialect, None, "set")
    assert "실패::문".encode("cp949") == dialect.fault(Request("set", {}), Fault("실패", "문"))
    assert Notation("{{값}}::{text}", ("[[확인]]",)) == dialect.notation("set")
    assert "실패[::{reason}]" == dialect.fault_notation()


def test_a_drawn_reply_is_never_refused() -> None:
    dialect = Text(fault="a").bind([MessageSpec("ask", "Line.ask", result=str)])
    for seed in range(200):
        reply = dialect.draw_result("ask", Random(seed))
        assert [reply] == results_of(dialect, *replied(dialect, reply, "ask"), name="ask")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            MessageSpec("do", "Line.do", parameters=(Field("n", int),)),
            "at most one parameter, a str, but this one has n: int",
        ),
        (MessageSpec("do", "Line.do", parameters=(TEXT, TEXT)), "but this one has text: str, text: str"),
        (MessageSpec("do", "Line.do", result=int), "with Text a command returns str"),
        (MessageSpec("do", "Line.do", result=str, reply="OK"), "with Text a command returns str"),
        (MessageSpec("do", "Line.do", 5), "what is sent must be a text, not 5"),
        (MessageSpec("do", "Line.do", ""), "what is sent must be a text, not ''"),
        (MessageSpec("do", "Line.do", reply=5), "its reply must be a text, not 5"),
        (MessageSpec("do", "Line.do", reply=None, result=str), "it returns str, but with reply=None"),
    ],
)
def test_a_declaration_that_text_cannot_carry_is_refused(spec: MessageSpec, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Text().bind([spec])
    assert str(caught.value).startswith("Line.do: ")
    assert message in str(caught.value)


def test_words_that_begin_other_words_are_refused_with_an_example() -> None:
    specs = [
        MessageSpec("one", "Line.one", "작업", parameters=(TEXT,)),
        MessageSpec("two", "Line.two", "작업 시작"),
    ]
    with pytest.raises(ConfigurationError) as caught:
        Text().bind(specs)
    assert "can both be the frame '작업 시작'" in str(caught.value)


@pytest.mark.parametrize("option", ["separator", "done", "fault"])
def test_an_empty_option_is_refused(option: str) -> None:
    options: dict[str, Any] = {option: ""}
    with pytest.raises(ConfigurationError, match=f"{option}= must not be empty"):
        Text(**options)
