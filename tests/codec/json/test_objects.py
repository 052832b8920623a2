"""Json: the messages of several programs, byte for byte, and the options that it refuses."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from attrs import frozen

from tcpcomm.codec import Field, Json, MessageSpec
from tcpcomm.codec.base import MISSING, Answer, Dialect, Event, ProtocolErrorKind, Refusal, Request
from tcpcomm.errors import CodecError, ConfigurationError, Fault

pytestmark = pytest.mark.usefixtures("json_engine")

PARAMETERS = (Field("job", int), Field("speed", float, 1.0))


@frozen
class Position:
    x: float
    angle_deg: float


LOCATE = MessageSpec("locate", "Camera.locate", parameters=PARAMETERS, result=Position)
RESET = MessageSpec("reset", "Camera.reset")
ALARM = MessageSpec("alarm", "Camera.alarm", parameters=(Field("code", int),), is_event=True)
FORMS = (LOCATE, RESET, ALARM)


def conversation(codec: Json, *, id: Any = 7, name: str | None = "locate") -> list[str]:
    """Return a request, its reply, a fault and an event as text."""
    dialect = codec.bind(FORMS)
    request = Request("locate", {}, id)
    return [
        frame.decode()
        for frame in (
            dialect.request("locate", {"job": 3, "speed": 1.5}, 7),
            *dialect.reply(request, Position(1.0, 2.0)),
            dialect.fault(request, Fault(3, "no part")),
            dialect.event("alarm", {"code": 5}),
        )
    ]


STYLES: dict[str, tuple[Json, list[str]]] = {
    "the default": (
        Json(),
        [
            '{"cmd":"locate","job":3,"speed":1.5}',
            '{"result":{"x":1.0,"angle_deg":2.0}}',
            '{"error":{"code":3,"reason":"no part"}}',
            '{"event":"alarm","code":5}',
        ],
    ),
    "flat, with a word that shows success": (
        Json(result=None, fault=None, success={"result": "OK"}, failure={"result": "NG"}),
        [
            '{"cmd":"locate","job":3,"speed":1.5}',
            '{"result":"OK","x":1.0,"angle_deg":2.0}',
            '{"result":"NG","code":3,"reason":"no part"}',
            '{"event":"alarm","code":5}',
        ],
    ),
    "with ids": (
        Json(id="id", parameters="params"),
        [
            '{"cmd":"locate","id":7,"params":{"job":3,"speed":1.5}}',
            '{"id":7,"result":{"x":1.0,"angle_deg":2.0}}',
            '{"id":7,"error":{"code":3,"reason":"no part"}}',
            '{"event":"alarm","params":{"code":5}}',
        ],
    ),
    "a type and its data, as C# writes them": (
        Json(
            "Type",
            parameters="Data",
            result="Data",
            fault="Error",
            event="Type",
            echo=True,
            naming="pascal",
        ),
        [
            '{"Type":"Locate","Data":{"Job":3,"Speed":1.5}}',
            '{"Type":"Locate","Data":{"X":1.0,"AngleDeg":2.0}}',
            '{"Type":"Locate","Error":{"code":3,"reason":"no part"}}',
            '{"Type":"Alarm","Data":{"Code":5}}',
        ],
    ),
    "an error number that is 0 when all is well": (
        Json(
            "Command",
            result=None,
            fault=None,
            code="ErrorID",
            reason=None,
            success={"ErrorID": 0},
            echo=True,
        ),
        [
            '{"Command":"locate","job":3,"speed":1.5}',
            '{"Command":"locate","ErrorID":0,"x":1.0,"angle_deg":2.0}',
            '{"Command":"locate","ErrorID":3}',
            '{"event":"alarm","code":5}',
        ],
    ),
    "a fault that is just a number": (
        Json(reason=None),
        [
            '{"cmd":"locate","job":3,"speed":1.5}',
            '{"result":{"x":1.0,"angle_deg":2.0}}',
            '{"error":3}',
            '{"event":"alarm","code":5}',
        ],
    ),
}


@pytest.mark.parametrize(("codec", "expected"), STYLES.values(), ids=STYLES)
def test_messages_have_the_keys_that_the_options_say(codec: Json, expected: list[str]) -> None:
    assert expected == conversation(codec)


@pytest.fixture
def dialect() -> Dialect:
    return Json(id="id", parameters="params").bind(FORMS)


def refusal(dialect: Dialect, frame: str) -> Refusal:
    (found,) = dialect.read_at_equipment(frame.encode()).requests
    assert isinstance(found, Refusal), found
    return found


REFUSED: dict[str, tuple[ProtocolErrorKind, str]] = {
    "{": (
        ProtocolErrorKind.UNREADABLE,
        "not JSON: Expecting property name enclosed in double quotes at character 1",
    ),
    "[]": (ProtocolErrorKind.MALFORMED, "must be an object, not []"),
    '{"id":1}': (ProtocolErrorKind.MALFORMED, "cmd: is missing"),
    '{"cmd":"locate","id":[1]}': (
        ProtocolErrorKind.MALFORMED,
        "id: must be a whole number or text, not [1]",
    ),
    '{"cmd":"Locate","id":1}': (ProtocolErrorKind.UNKNOWN_COMMAND, "cmd: there is no command 'Locate'"),
    '{"cmd":["locate"],"id":1}': (ProtocolErrorKind.UNKNOWN_COMMAND, "cmd: there is no command ['locate']"),
    '{"cmd":"locate","id":1}': (ProtocolErrorKind.BAD_PARAMETERS, "params.job: is missing"),
    '{"cmd":"locate","params":[3]}': (
        ProtocolErrorKind.BAD_PARAMETERS,
        "params: must be an object, not [3]",
    ),
    '{"cmd":"locate","params":{"job":"3"}}': (
        ProtocolErrorKind.BAD_PARAMETERS,
        "params.job: must be a whole number, not '3'",
    ),
    '{"cmd":"locate","params":{"job":3,"sped":3}}': (
        ProtocolErrorKind.BAD_PARAMETERS,
        "params.sped: is not known here",
    ),
    '{"cmd":"locate","job":3}': (ProtocolErrorKind.BAD_PARAMETERS, "job: is not known here"),
    '{"cmd":"reset","params":{},"x":1}': (ProtocolErrorKind.BAD_PARAMETERS, "x: is not known here"),
}


@pytest.mark.parametrize(("frame", "expected"), REFUSED.items(), ids=REFUSED)
def test_a_bad_request_is_refused_with_its_error_kind_and_place(
    dialect: Dialect, frame: str, expected: tuple[ProtocolErrorKind, str]
) -> None:
    found = refusal(dialect, frame)
    assert expected == (found.error_kind, str(found.problem))


def test_a_refusal_keeps_the_id(dialect: Dialect) -> None:
    assert 9 == refusal(dialect, '{"cmd":"nonsense","id":9}').id


def test_a_parameter_with_a_default_may_be_left_out(dialect: Dialect) -> None:
    (request,) = dialect.read_at_equipment(b'{"cmd":"locate","id":1,"params":{"job":3}}').requests
    assert Request("locate", {"job": 3, "speed": 1.0}, 1) == request


def test_a_whole_number_is_read_as_a_float(dialect: Dialect) -> None:
    (request,) = dialect.read_at_equipment(b'{"cmd":"locate","id":1,"params":{"job":3,"speed":2}}').requests
    assert isinstance(request, Request)
    assert "2.0" == repr(request.values["speed"])


def test_a_request_without_an_id_is_answered_without_one(dialect: Dialect) -> None:
    (request,) = dialect.read_at_equipment(b'{"cmd":"reset"}').requests
    assert isinstance(request, Request)
    assert [b'{"result":null}'] == dialect.reply(request, None)


@pytest.mark.parametrize("frame", [b'{"result":null}', b'{"event":"alarm"}', b'{"error":{"code":1}}'])
def test_a_message_from_equipment_is_foreign_to_equipment(frame: bytes) -> None:
    (found,) = Json().bind(FORMS).read_at_equipment(frame).requests
    assert isinstance(found, Refusal)
    assert found.foreign


@pytest.mark.parametrize("frame", [b'{"cmd":"reset","result":null}', b'{"cmd":"alarm","code":3}'])
def test_a_message_from_equipment_under_the_key_of_commands_is_foreign_too(frame: bytes) -> None:
    (found,) = Json(event="cmd", echo=True).bind(FORMS).read_at_equipment(frame).requests
    assert isinstance(found, Refusal)
    assert found.foreign


FLAT_STATUS = Json(result=None, fault=None, success={"status": "OK"}, failure={"status": "NG"})
ROBOT = Json(
    "Command", result=None, fault=None, code="ErrorID", reason=None, success={"ErrorID": 0}, echo=True
)


@pytest.mark.parametrize(
    "codec",
    [Json(), Json(id="id"), Json(event="cmd", echo=True), FLAT_STATUS, ROBOT],
    ids=["plain", "id", "echo", "flat", "robot"],
)
def test_answers_and_events_are_never_answered(codec: Json) -> None:
    """Two servers that are connected with each other must not send faults for ever."""
    dialect = codec.bind((RESET, ALARM))
    fault = dialect.fault_for(ProtocolErrorKind.MALFORMED, "what is this?")
    refusal = Refusal(ProtocolErrorKind.MALFORMED, CodecError("x"), id=3)
    for frame in (
        dialect.fault(refusal, fault),
        dialect.fault(Request("reset", {}, 3), fault),
        *dialect.reply(Request("reset", {}, 3), None),
        dialect.event("alarm", dialect.draw_values("alarm", Random(1))),
    ):
        (found,) = dialect.read_at_equipment(frame).requests
        assert isinstance(found, Refusal), frame
        assert (True, False) == (found.foreign, found.wants_reply), frame


def result_of(codec: Json, frame: bytes, name: str = "locate") -> Any:
    """Return the result that a host reads in a reply."""
    dialect = codec.bind(FORMS)
    (answer,) = dialect.read_at_host(frame)
    assert isinstance(answer, Answer)
    answers = dialect.reply_reader(name)
    assert answers is not None
    return answers.take(answer.body)


FLAT = Json(result=None, fault=None, success={"ok": True}, failure={"ok": False}, echo=True)
NOT_ANSWERS: dict[bytes, tuple[Json, str]] = {
    b'{"result":{"x":1}}': (Json(), "result.angle_deg: is missing"),
    b'{"result":{"x":1,"angle_deg":"2"}}': (Json(), "result.angle_deg: must be a number, not '2'"),
    b'{"result":{"x":1,"angle_deg":2},"y":1}': (Json(), "y: is not known here"),
    b"{}": (Json(), "result: is missing"),
    b'{"error":3}': (Json(), "error: must be an object, not 3"),
    b'{"error":{"reason":"x"}}': (Json(), "error.code: is missing"),
    b'{"error":{"code":true}}': (Json(), "error.code: must be a whole number or text, not True"),
    b'{"error":{"code":3,"reason":4}}': (Json(), "error.reason: must be text, not 4"),
    b'{"error":{"code":3,"x":4}}': (Json(), "error.x: is not known here"),
    b'{"error":{"code":3},"x":4}': (Json(), "x: is not known here"),
    b'{"ok":1,"cmd":"locate"}': (FLAT, "ok: must be False, not 1"),
    b'{"cmd":"locate","x":1,"angle_deg":2}': (FLAT, "ok: is missing"),
    b'{"ok":true,"x":1,"angle_deg":2}': (FLAT, "cmd: is missing"),
    b'{"ok":true,"cmd":"reset"}': (FLAT, "cmd: is 'reset', so this is not a reply to 'locate'"),
    b'{"ok":false,"cmd":"reset","code":1}': (FLAT, "cmd: is 'reset', so this is not a reply to 'locate'"),
}


@pytest.mark.parametrize(("frame", "expected"), NOT_ANSWERS.items(), ids=map(repr, NOT_ANSWERS))
def test_a_bad_reply_is_refused_with_its_place(frame: bytes, expected: tuple[Json, str]) -> None:
    with pytest.raises(CodecError) as caught:
        result_of(expected[0], frame)
    assert expected[1] == str(caught.value)


def test_a_reply_may_hold_null_beside_its_result_or_fault() -> None:
    assert Position(1.0, 2.0) == result_of(Json(), b'{"result":{"x":1,"angle_deg":2},"error":null}')
    with pytest.raises(Fault, match="3: no part"):
        result_of(Json(), b'{"result":null,"error":{"code":3,"reason":"no part"}}')


@pytest.mark.parametrize("frame", [b"{}", b'{"result":null}'])
def test_a_command_without_a_result_succeeds_with_null_or_nothing(frame: bytes) -> None:
    assert result_of(Json(), frame, "reset") is None


@pytest.mark.parametrize(
    ("options", "reply", "fault", "event"),
    [
        (
            {},
            b'{"result":[1.0,2.0],"new":1}',
            b'{"error":{"code":3,"reason":"r","new":1},"new":1}',
            b'{"event":"alarm","code":7,"new":1}',
        ),
        (
            {"parameters": "p", "fault": None, "success": {"ok": 1}},
            b'{"ok":1,"result":[1.0,2.0],"new":1}',
            b'{"code":3,"reason":"r","new":1}',
            b'{"event":"alarm","p":{"code":7},"new":1}',
        ),
    ],
    ids=["fault inside", "all flat"],
)
def test_unknown_keys_of_equipment_can_be_ignored(
    options: Any, reply: bytes, fault: bytes, event: bytes
) -> None:
    specs = [
        MessageSpec("locate", "locate", parameters=(Field("job", int),), result=list[float]),
        MessageSpec("alarm", "alarm", parameters=(Field("code", int),), is_event=True),
    ]

    def taken(dialect: Any, frame: bytes) -> Any:
        (answer,) = dialect.read_at_host(frame)
        return dialect.reply_reader("locate").take(answer.body)

    dialect = Json(ignore_unknown=True, **options).bind(specs)
    assert [1.0, 2.0] == taken(dialect, reply)
    with pytest.raises(Fault, match="3: r"):
        taken(dialect, fault)
    assert [Event("alarm", {"code": 7})] == [*dialect.read_at_host(event)]
    assert dialect.rules()["ignore_unknown"] is True
    refusal = dialect.read_at_equipment(dialect.request("locate", {"job": 1}, 0)[:-1] + b',"new":1}')
    assert isinstance(refusal, Refusal)
    strict = Json(**options).bind(specs)
    for frame in (reply, fault):
        with pytest.raises(CodecError, match="new"):
            taken(strict, frame)
    with pytest.raises(CodecError, match="new"):
        strict.read_at_host(event)


def test_ignored_keys_are_ignored_at_both_ends() -> None:
    dialect = Json(ignore=("time",)).bind(FORMS)
    assert (Request("reset", {}),) == tuple(dialect.read_at_equipment(b'{"cmd":"reset","time":3}').requests)
    assert [Event("alarm", {"code": 1})] == [*dialect.read_at_host(b'{"event":"alarm","code":1,"time":3}')]


def test_an_unknown_event_is_refused_by_a_host() -> None:
    with pytest.raises(CodecError, match="event: there is no event 'fire'"):
        Json().bind(FORMS).read_at_host(b'{"event":"fire"}')


def test_the_code_that_means_success_cannot_be_a_fault() -> None:
    codec = Json(result=None, fault=None, code="ErrorID", reason=None, success={"ErrorID": 0})
    with pytest.raises(CodecError, match="code: 0 means success"):
        codec.bind(FORMS).fault(Request("locate", {}), Fault(0))


def test_protocol_errors_have_the_codes_that_are_given() -> None:
    dialect = Json(codes={ProtocolErrorKind.INTERNAL: "E99"}).bind(FORMS)
    assert "E99" == dialect.fault_for(ProtocolErrorKind.INTERNAL, "").code
    assert -32601 == dialect.fault_for(ProtocolErrorKind.UNKNOWN_COMMAND, "").code


def test_replies_carry_ids_exactly_if_there_is_a_key_for_the_id() -> None:
    assert [False, True] == [Json().bind(FORMS).by_id, Json(id="id").bind(FORMS).by_id]


CONTRADICTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "a fault that nothing shows": ({"fault": None}, "with fault=None a host cannot tell a fault"),
    "a key for two things": ({"id": "cmd"}, "two parts of a command have the key 'cmd'"),
    "a result that looks like a fault": (
        {"result": "error", "fault": "error"},
        "results and faults both have the key 'error'",
    ),
    "a key of faults that is ignored": (
        {"reason": "errorMsg", "fault": None, "success": {"code": 0}, "ignore": ("errorMsg",)},
        "^ignore has 'errorMsg', which is a key of a fault: remove it there$",
    ),
    "a key that is ignored twice": ({"ignore": ("t", "t")}, "^ignore has a key twice: \\('t', 't'\\)$"),
    "an optional key that is none of a reply": (
        {"optional": ("word",)},
        "^optional has 'word', which is not a key of success, nor that of an echo: remove it there$",
    ),
    "no key that tells a good reply": (
        {"success": {"status": "OK"}, "optional": ("status",)},
        "^all keys of success are optional, so nothing tells a good reply from a fault: remove one of them "
        "from optional$",
    ),
    "a reply that looks like an event": ({"result": "event"}, "two parts of a reply have the key 'event'"),
    "an unknown naming": (
        {"naming": "kebab"},
        "naming must be one of as written, camel, pascal, not 'kebab'",
    ),
    "an unknown encoding": ({"encoding": "klingon"}, "no encoding is called 'klingon'"),
    "an encoding that JSON cannot be written in": (
        {"encoding": "utf-16"},
        "JSON cannot be written in utf-16",
    ),
}


@pytest.mark.parametrize(("options", "problem"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_options_that_contradict_each_other_are_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        Json(**options)


FLAT_RESULTS = Json(result=None, fault=None, success={"x": "OK"})
BAD_SPECS: dict[str, tuple[Json, MessageSpec, str]] = {
    "a parameter with the key of the command": (
        Json(),
        MessageSpec("f", "A.f", parameters=(Field("cmd", int),)),
        "A.f: parameter cmd: the key 'cmd' has another meaning",
    ),
    "two parameters with one key": (
        Json(naming="camel"),
        MessageSpec("f", "A.f", parameters=(Field("a_b", int), Field("aB", int))),
        "A.f: parameter a_b: another parameter has the key 'aB' already",
    ),
    "a result without fields, flat": (
        FLAT_RESULTS,
        MessageSpec("f", "A.f", result=int),
        "A.f: its result, int, has no fields",
    ),
    "a result with a field that success uses": (
        FLAT_RESULTS,
        MessageSpec("f", "A.f", result=Position),
        "A.f: its result's field x has a key with another meaning",
    ),
    "a result under a key that success uses": (
        FLAT_RESULTS,
        MessageSpec("f", "A.f", reply="x", result=int),
        "A.f: the key 'x' of its result has another meaning",
    ),
    "a reply that is not a key": (
        Json(),
        MessageSpec("f", "A.f", reply=3),
        "A.f: reply must be the key of its result, not 3",
    ),
    "a word that is neither text nor a number": (
        Json(),
        MessageSpec("f", "A.f", wire=1.5),
        "A.f: its word in JSON must be text",
    ),
    "True as a word": (Json(), MessageSpec("f", "A.f", wire=True), "A.f: its word in JSON must be text"),
}


@pytest.mark.parametrize(("codec", "spec", "problem"), BAD_SPECS.values(), ids=BAD_SPECS)
def test_a_message_that_json_cannot_carry_is_refused(codec: Json, spec: MessageSpec, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        codec.bind([spec])
    assert str(caught.value).startswith(problem)


def test_the_notation_shows_the_types() -> None:
    dialect = Json(id="id", parameters="params").bind(FORMS)
    assert '{"cmd": "locate", "id": id, "params": {"job": whole number, "speed": number}}' == (
        dialect.notation("locate").request
    )
    assert ('{"id": id, "result": {"x": number, "angle_deg": number}}',) == dialect.notation(
        "locate"
    ).replies
    assert '{"id": id, "error": {"code": number or text, "reason": "text", "data": any, or left out}}' == (
        dialect.fault_notation()
    )
    assert MISSING is RESET.wire
