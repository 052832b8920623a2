"""Template: whole messages, including messages of real equipment, from its manuals."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

import pytest
from attrs import frozen

from tcpcomm.codec import Acknowledged, CountedLines, Field, Json, MessageSpec, Template
from tcpcomm.codec.base import MISSING, MORE, Event, Notation, ProtocolErrorKind, Refusal, Request
from tcpcomm.errors import CodecError, ConfigurationError, Fault
from tests.codec.template.templates import (
    Checked,
    Judgement,
    Point,
    Position,
    Scan,
    bound,
    replied,
    results_of,
)

LOCATE = MessageSpec(
    "locate",
    "VisionCamera.locate",
    "TRG,{job}",
    "OK,{x:.3f},{y:.3f},{angle:.3f}",
    (Field("job", int),),
    Position,
)
ALARM = MessageSpec(
    "alarm", "VisionCamera.alarm", "ALM,{code}", parameters=(Field("code", int),), is_event=True
)
CAMERA = Template(encoding="ascii", fault="NG,{code:d},{reason}").bind([LOCATE, ALARM])


def do(wire: Any = MISSING, reply: Any = "OK", result: Any = None, **types: Any) -> MessageSpec:
    """Return a command ``do`` with parameters of these types."""
    return MessageSpec("do", "Device.do", wire, reply, tuple(map(Field, types, types.values())), result)


def refusal(frame: bytes) -> Refusal:
    """Return the camera's refusal of a frame that is not a request."""
    (found,) = CAMERA.read_at_equipment(frame).requests
    assert isinstance(found, Refusal)
    return found


def test_a_command_and_its_reply_are_written_and_read() -> None:
    frame = CAMERA.request("locate", {"job": 3}, 0)
    assert b"TRG,3" == frame
    assert (Request("locate", {"job": 3}),) == CAMERA.read_at_equipment(frame).requests
    assert [b"OK,1.000,2.000,3.000"] == replied(CAMERA, Position(1.0, 2.0, 3.0), "locate")
    assert [Position(1.0, 2.0, 3.0)] == results_of(CAMERA, b"OK,1.000,2.000,3.000", name="locate")


def test_an_event_is_not_read_as_an_answer() -> None:
    assert b"ALM,7" == CAMERA.event("alarm", {"code": 7})
    assert (Event("alarm", {"code": 7}),) == CAMERA.read_at_host(b"ALM,7")


def test_a_fault_is_raised_at_the_host() -> None:
    request = Request("locate", {"job": 3})
    frame = CAMERA.fault(request, Fault(12, "no part, or no light"))
    assert b"NG,12,no part, or no light" == frame
    with pytest.raises(Fault) as caught:
        results_of(CAMERA, frame, name="locate")
    assert (12, "no part, or no light") == (caught.value.code, caught.value.reason)


def test_parameters_arrive_in_the_order_of_the_method_whatever_the_order_on_the_wire() -> None:
    dialect = bound("SET {unit}:{value}", "OK", value=int, unit=str)
    (request,) = dialect.read_at_equipment(b"SET mm:4").requests
    assert isinstance(request, Request)
    assert [("value", 4), ("unit", "mm")] == [*request.values.items()]


@pytest.mark.parametrize(
    ("frame", "kind", "name", "problem"),
    [
        (
            b"\xff",
            ProtocolErrorKind.UNREADABLE,
            None,
            "not text in ascii: ordinal not in range(128), at byte 0",
        ),
        (b"", ProtocolErrorKind.MALFORMED, None, "the request is empty"),
        (b"FOO,1", ProtocolErrorKind.UNKNOWN_COMMAND, None, "there is no command 'FOO'"),
        (b"TRG", ProtocolErrorKind.BAD_PARAMETERS, "locate", "the text ends before ','"),
        (b"TRG;1", ProtocolErrorKind.BAD_PARAMETERS, "locate", "expected ',', not ';1'"),
        (b"TRG,", ProtocolErrorKind.BAD_PARAMETERS, "locate", "job: the text ends before a whole number"),
        (
            b"TRG,x",
            ProtocolErrorKind.BAD_PARAMETERS,
            "locate",
            "job: 'x' does not begin with a whole number",
        ),
        (
            b"TRG,3x",
            ProtocolErrorKind.BAD_PARAMETERS,
            "locate",
            "job: '3x' is not a whole number followed by the end",
        ),
        (
            b"TRG," + b"9" * 5000,
            ProtocolErrorKind.BAD_PARAMETERS,
            "locate",
            "job: the number has too many digits",
        ),
    ],
)
def test_a_frame_that_is_not_a_request_is_refused_with_the_problem_and_its_place(
    frame: bytes, kind: ProtocolErrorKind, name: str | None, problem: str
) -> None:
    found = refusal(frame)
    assert (kind, name, True, False) == (found.error_kind, found.name, found.wants_reply, found.foreign)
    assert problem in str(found.problem)


@pytest.mark.parametrize("frame", [b"NG,1,no", b"ALM,7", b"OK,1.000,2.000,3.000"])
def test_frames_that_only_equipment_sends_are_foreign_at_the_equipment(frame: bytes) -> None:
    assert refusal(frame).foreign


def test_a_reply_that_can_be_any_text_does_not_make_unknown_commands_foreign() -> None:
    dialect = bound("ASK", "{text}!", str, codec=Template(fault="NG,{code:d}"))
    (found,) = dialect.read_at_equipment(b"FOO!").requests
    assert isinstance(found, Refusal)
    assert not found.foreign


@pytest.mark.parametrize("frame", [b"NG,1,no", b"ALM,7"])
def test_a_fault_or_an_event_is_not_answered_with_a_fault(frame: bytes) -> None:
    assert not refusal(frame).wants_reply


def test_a_wrong_request_of_a_command_without_a_reply_is_not_answered() -> None:
    dialect = bound("GO,{speed}", None, speed=int)
    assert dialect.reply_reader("do") is None
    (request,) = dialect.read_at_equipment(b"GO,3").requests
    assert not request.wants_reply
    (found,) = dialect.read_at_equipment(b"GO,x").requests
    assert not found.wants_reply
    assert [] == dialect.reply(Request("do", {}), None)


def test_the_error_of_a_wrong_reply_names_the_problem() -> None:
    with pytest.raises(CodecError, match="y: 'b,3' does not begin with a number with 3 decimals, as in OK"):
        results_of(CAMERA, b"OK,1,b,3", name="locate")


def test_validators_of_a_class_refuse_values_from_a_peer() -> None:
    dialect = bound("DO", "{level}", Checked)
    with pytest.raises(CodecError, match="this cannot be a Checked: 'level' must be >= 0: -1"):
        results_of(dialect, b"-1")


def test_keyence_cv_x_triggers_reads_its_mode_and_sends_faults() -> None:
    # Non-procedural communication: TA is acknowledged and its result follows; faults are ER,command,code.
    dialect = Template(fault="ER,{command},{code:02d}", codes={ProtocolErrorKind.UNKNOWN_COMMAND: 2}).bind(
        [
            MessageSpec("trigger", "CvX.trigger", "TA", Acknowledged("TA", "{value:+09.3f}"), (), float),
            MessageSpec("mode", "CvX.mode", "RM", "RM,{mode:d}", (), int),
        ]
    )
    assert [b"TA", b"+0012.500"] == replied(dialect, 12.5, "trigger")
    assert [MORE, 12.5] == results_of(dialect, b"TA", b"+0012.500", name="trigger")
    assert [1] == results_of(dialect, b"RM,1", name="mode")
    assert b"ER,RM,22" == dialect.fault(Request("mode", {}), Fault(22))
    with pytest.raises(Fault) as caught:
        results_of(dialect, b"ER,TA,03", name="trigger")
    assert 3 == caught.value.code
    with pytest.raises(CodecError):
        results_of(dialect, b"ER,RM,03", name="trigger")
    (unknown,) = dialect.read_at_equipment(b"XY,1").requests
    assert isinstance(unknown, Refusal)
    assert b"ER,XY,02" == dialect.fault(
        unknown, dialect.fault_for(unknown.error_kind, str(unknown.problem))
    )


def test_cognex_in_sight_sends_a_status_line_and_as_many_lines_as_it_says() -> None:
    dialect = bound(
        "Get Filelist", CountedLines(("1", "{#}"), "{name}"), list[str], codec=Template(fault="-{code:d}")
    )
    assert [b"1", b"2", b"a.job", b"b.job"] == replied(dialect, ["a.job", "b.job"])
    assert [MORE, MORE, MORE, ["a.job", "b.job"]] == results_of(dialect, b"1", b"2", b"a.job", b"b.job")
    assert [MORE, []] == results_of(dialect, b"1", b"0")
    with pytest.raises(Fault, match="2"):
        results_of(dialect, b"-2")


def test_an_nmea_sentence_is_written_with_its_widths() -> None:
    spec = MessageSpec(
        "depth",
        "Sounder.depth",
        "SDDPT,{metres:.1f},{offset:+.1f}[,{range:d}]",
        parameters=(Field("metres", float), Field("offset", float), Field("range", int | None)),
        is_event=True,
    )
    dialect = Template().bind([spec])
    assert b"SDDPT,2.4,-0.3" == dialect.event("depth", {"metres": 2.4, "offset": -0.3, "range": None})
    values = {"metres": 76.1, "offset": 0.0, "range": 100}
    assert (Event("depth", values),) == dialect.read_at_host(b"SDDPT,76.1,+0.0,100")


def test_a_scpi_query_is_answered_with_an_exponent() -> None:
    dialect = bound("MEAS:VOLT?", "{value:+.6E}", float)
    assert [b"+1.250000E-03"] == replied(dialect, 0.00125)
    assert [0.00125] == results_of(dialect, b"+1.250000E-03")


def test_a_result_can_have_a_list_of_points_after_its_count() -> None:
    dialect = bound(
        "SCAN",
        "{judgement},{#points:02d}[,{score}];{points*;:{x:.1f},{y:.1f}}",
        Scan,
        codec=Template(fault="ERR{code}"),
    )
    scan = Scan(Judgement.GOOD, [Point(1.0, 2.0), Point(-3.5, 0.0)], 7)
    assert [b"OK,02,7;1.0,2.0;-3.5,0.0"] == replied(dialect, scan)
    assert [scan] == results_of(dialect, b"OK,02,7;1.0,2.0;-3.5,0.0")
    assert [Scan(Judgement.BAD, [])] == results_of(dialect, b"NG,00;")
    with pytest.raises(CodecError, match="points: the count says 3 items, but there are 1"):
        results_of(dialect, b"OK,03;1.0,2.0")


def test_the_notation_is_the_text_of_the_templates() -> None:
    assert Notation("TRG,{job}", ("OK,{x:.3f},{y:.3f},{angle:.3f}",)) == CAMERA.notation("locate")
    assert Notation("ALM,{code}") == CAMERA.notation("alarm")
    assert "NG,{code:d},{reason}" == CAMERA.fault_notation()
    counted = bound("DIR", CountedLines("{#}", "{name}"), list[str])
    assert Notation("DIR", ("{#}", "{name} ({#} times)")) == counted.notation("do")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (do(MISSING, a=int), "its template is missing: write one, such as 'DO,{a}'"),
        (do(3), "its template cannot be 3"),
        (do("DO", MISSING), "its reply is missing: write reply='OK', or reply=None"),
        (do("DO", None, int), "it returns int, but with reply=None no reply is sent"),
        (do("DO", 3), "the reply cannot be 3: write a template"),
        (do("DO", ()), "the reply cannot be (): write a template"),
        (do("DO,{a}"), "'DO,{a}' has the field {a}, which is not declared; there are: none"),
        (do("DO", a=int), "the parameter 'a' is not in 'DO'"),
        (do("DO,{a},{a}", a=int), "has the field {a} twice"),
        (do(""), "its template must not be empty"),
        (do("DO", "OK,{x}", Point), "Point.y is in no template"),
        (do("DO", "OK,{x},{y},{z}", Point), "has the field {z}, which is not declared; there are: x, y"),
        (do("DO", ("{x}", "{x},{y}"), Point), "Point.x is twice in the templates"),
        (do("DO", "OK", int), "for int there must be exactly one field, and the template has none"),
        (do("DO", "{a},{b}", int), "exactly one field, and the template has 2: a, b"),
        (do("DO", "{a}"), "the reply has the field {a}, but the command returns None: annotate its result"),
        (do("DO,{a}", a=complex), "a: a template cannot write complex"),
        (do("DO,{a}", a=Point), "a: Point has several fields"),
        (do("DO,{a}", a=list[int]), "a: list[int] is written as a list, as in {name*,}"),
        (do("DO,{a*,}", a=int), "a: int is not a list: write {a}, without '*'"),
        (do("DO,{a}", a=int | None), "a can be None, so it must be in an optional part, as in [,{a}]"),
        (
            do("DO[,{a}]", a=int),
            "a: it is in an optional part, so make it Optional, or give it",
        ),
        (do("DO[,1]"), "an optional part needs a field"),
        (do("DO,{#}", a=int), "{#} must name a list, a text or bytes; the lists: none"),
        (
            do("DO", CountedLines("OK", "{a}"), list[int]),
            "the head of a counted reply must have the field {#} once",
        ),
        (do("DO", CountedLines("{#}", "{a}"), int), "a counted reply needs a list"),
        (do("작업"), "'작업' cannot be written in ascii"),
        (do("DO", "됨"), "'됨' cannot be written in ascii"),
    ],
)
def test_a_declaration_that_cannot_work_is_refused_by_name(spec: MessageSpec, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Template().bind([spec])
    assert str(caught.value).startswith("Device.do: ")
    assert message in str(caught.value)


class Plain:
    x: int
    y: int


class Named(NamedTuple):
    x: int
    y: int


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (Plain, "Plain is neither an attrs class nor a dataclass: write @frozen (from attrs) above it"),
        (Named, "Named is neither an attrs class nor a dataclass: write @frozen (from attrs) above it"),
        (tuple[int, int], "tuple[int, int] has no names for the fields of a template: make a class of it"),
        (dict[str, int], "dict[str, int] has no names for the fields of a template: make a class of it"),
        (list, "list has no type for its items: write for example list[float]"),
        (date, "for date there must be exactly one field, and the template has 2: x, y"),
    ],
)
def test_a_result_with_unnamed_fields_is_refused_with_the_solution(result: Any, message: str) -> None:
    assert message in refused_form(do("DO", "{x},{y}", result))


def test_a_parameter_of_a_class_without_known_fields_is_refused_with_the_solution() -> None:
    assert "a: Plain is neither an attrs class nor a dataclass:" in refused_form(do("DO,{a}", a=Plain))
    assert "a: list has no type for its items" in refused_form(do("DO,{a*,}", a=list))


def refused_form(spec: MessageSpec) -> str:
    with pytest.raises(ConfigurationError) as caught:
        Template().bind([spec])
    return str(caught.value)


@frozen
class Weight:
    flag: Judgement
    value: float | None = None
    unit: str | None = None


@frozen
class Pair:
    a: int
    b: int


WEIGHT = bound("S", "S {flag}[ {value:>10.2f!} {unit}]", Weight)


@pytest.mark.parametrize(
    ("frame", "problem"),
    [
        (
            b"S OK     12.34 g",
            "value: '    12.34 g' begins with 9 characters, not 10; expected a number with 2 decimals in "
            "10 characters, as in S {flag}[ {value:>10.2f!} {unit}]",
        ),
        (b"S OK      12.34", "the text ends before ' '"),
        (b"S OK      1x.34 g", "value: '     1x.34 g' does not begin with a number with 2 decimals in 10"),
        (b"S OK!", "expected the end, not '!'"),
    ],
)
def test_the_error_names_the_place_of_a_problem_in_an_optional_part(frame: bytes, problem: str) -> None:
    with pytest.raises(CodecError) as caught:
        results_of(WEIGHT, frame)
    assert problem in str(caught.value)


def test_the_error_counts_the_characters_of_a_wrong_width_up_to_the_separator() -> None:
    with pytest.raises(CodecError, match="a: '12,4' begins with 2 characters, not 5; expected"):
        results_of(bound("DO", "OK,{a:5d!},{b:d}", Pair), b"OK,12,4")


def test_the_error_shows_a_template_with_control_characters_in_one_line() -> None:
    with pytest.raises(CodecError) as caught:
        results_of(bound("DO", "A\r\n{n}", int), b"A\r\nx")
    assert r"'x' does not begin with a whole number, as in A\r\n{n}" in str(caught.value)


@pytest.mark.parametrize(
    ("frame", "kind", "name"),
    [
        (b"TAX", ProtocolErrorKind.UNKNOWN_COMMAND, None),
        (b"TA,X", ProtocolErrorKind.BAD_PARAMETERS, "trigger"),
        (b"MVx", ProtocolErrorKind.BAD_PARAMETERS, "move"),
        (b"SET2 x", ProtocolErrorKind.UNKNOWN_COMMAND, None),
    ],
)
def test_a_word_that_only_begins_like_a_command_is_unknown(
    frame: bytes, kind: ProtocolErrorKind, name: str | None
) -> None:
    dialect = Template(fault="ER,{command},{code:02d}").bind(
        [
            MessageSpec("trigger", "CvX.trigger", "TA", "TA"),
            MessageSpec("set", "CvX.set", "SET {n}", "SET", (Field("n", int),)),
            MessageSpec("move", "CvX.move", "MV{n}", "MV", (Field("n", int),)),
        ]
    )
    (found,) = dialect.read_at_equipment(frame).requests
    assert isinstance(found, Refusal)
    assert (kind, name) == (found.error_kind, found.name)


def test_the_error_of_a_member_value_names_the_member() -> None:
    with pytest.raises(
        CodecError, match=r"must be a value of Judgement \('OK', 'NG'\), not 'OK': use Judgement\.GOOD"
    ):
        replied(bound("DO", "{judgement}", Judgement), "OK")


def test_the_error_of_a_coroutine_or_generator_names_the_mistake() -> None:
    async def measured() -> int:
        return 1

    forgotten = measured()
    for dialect in (bound("DO", "{n}", int), Json().bind([MessageSpec("do", "Device.do", result=int)])):
        with pytest.raises(CodecError, match=r"did you forget await\?"):
            replied(dialect, forgotten)
        with pytest.raises(CodecError, match="write return, not yield"):
            replied(dialect, (each for each in (1, 2)))
    forgotten.close()


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("DO,{a", "at character 6: the field 'a' must continue with ':' and a format, or end with '}'"),
        ("DO,{}", "at character 4: the field has no name"),
        ("DO}", "at character 3: '}' closes nothing"),
        ("DO]", "at character 3: ']' closes nothing"),
        ("DO[,{a}", "at character 8: a ']' is missing"),
        ("{a*,", "at character 5: the list 'a' must continue with ':' and its items, or end with '}'"),
        ("{a*,:{x}", "at character 9: a '}' is missing"),
        ("{a:{b}}", "at character 4: the field 'a' must continue with ':' and a format, or end with '}'"),
    ],
)
def test_a_template_not_in_the_notation_is_refused_with_the_place(template: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        bound(template)
    assert message in str(caught.value)


def test_brackets_and_braces_written_twice_are_text() -> None:
    dialect = bound("A{{[[{n}]]}}", "100%", n=int)
    assert b"A{[5]}" == dialect.request("do", {"n": 5}, 0)
    assert (Request("do", {"n": 5}),) == dialect.read_at_equipment(b"A{[5]}").requests
    assert [b"100%"] == replied(dialect, None)


@pytest.mark.parametrize("encoding", ["utf-8", "cp949", "euc-kr"])
def test_korean_words_and_values_are_written_in_korean_encodings(encoding: str) -> None:
    dialect = bound("작업 시작,{name:<6},{n}", "완료", name=str, n=int, codec=Template(encoding))
    frame = dialect.request("do", {"name": "부품", "n": 3}, 0)
    assert "작업 시작,부품    ,3".encode(encoding) == frame
    assert (Request("do", {"name": "부품", "n": 3}),) == dialect.read_at_equipment(frame).requests


def test_a_second_byte_that_looks_like_a_separator_is_part_of_its_character() -> None:
    dialect = bound("SET {name}\\{n}", "OK", name=str, n=int, codec=Template("shift_jis"))
    frame = dialect.request("do", {"name": "ソ表", "n": 3}, 0)
    assert 3 == frame.count(b"\\")
    assert (Request("do", {"name": "ソ表", "n": 3}),) == dialect.read_at_equipment(frame).requests


@pytest.mark.parametrize(
    ("encoding", "text"), [("ascii", "é"), ("latin-1", "작"), ("cp949", "é"), ("shift_jis", "5¥")]
)
def test_a_character_that_the_encoding_cannot_carry_is_refused(encoding: str, text: str) -> None:
    dialect = bound("SET {name}", "OK", name=str, codec=Template(encoding))
    with pytest.raises(CodecError, match=f"'{text[-1]}' cannot be written in {encoding}"):
        dialect.request("do", {"name": text}, 0)


def test_an_unknown_encoding_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no encoding is called 'klingon'"):
        Template("klingon")
