"""The examples of the JSON-RPC 2.0 specification, section 7, and the rules of its other sections."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tcpcomm.codec import Field, JsonRpc, MessageSpec
from tcpcomm.codec.base import Answer, Batch, Dialect, Event, ProtocolErrorKind, Refusal, Request
from tcpcomm.errors import CodecError, ConfigurationError, Fault

pytestmark = pytest.mark.usefixtures("json_engine")

FORMS = (
    MessageSpec(
        "subtract",
        "Calculator.subtract",
        parameters=(Field("minuend", int), Field("subtrahend", int)),
        result=int,
    ),
    MessageSpec("update", "Calculator.update", parameters=(Field("values", list[int]),), reply=None),
    MessageSpec(
        "sum", "Calculator.sum", parameters=tuple(Field(name, int, 0) for name in "abc"), result=int
    ),
    MessageSpec("notify_hello", "Calculator.notify_hello", parameters=(Field("number", int),), reply=None),
    MessageSpec("get_data", "Calculator.get_data", result=list[str | int]),
    MessageSpec("alarm", "Calculator.alarm", parameters=(Field("code", int),), is_event=True),
)

ANSWERS: dict[str, Any] = {
    "subtract": lambda minuend, subtrahend: minuend - subtrahend,
    "sum": lambda a, b, c: a + b + c,
    "get_data": lambda: ["hello", 5],
}


@pytest.fixture
def dialect() -> Dialect:
    return JsonRpc().bind(FORMS)


def served(dialect: Dialect, frame: str) -> Any:
    """Return the JSON with which equipment answers a frame, or None if it answers nothing."""
    asked = dialect.read_at_equipment(frame.encode())
    replies = []
    for each in asked.requests:
        if not each.wants_reply:
            continue
        if isinstance(each, Refusal):
            replies.append(dialect.fault(each, dialect.fault_for(each.error_kind, "")))
        else:
            replies += dialect.reply(each, ANSWERS[each.name](**each.values))
    if not replies:
        return None
    return json.loads(dialect.join(replies) if isinstance(asked, Batch) else replies[0])


def result(value: Any, id: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "result": value, "id": id}


def error(code: int, id: Any = None) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "error": {"code": code, "message": ""}, "id": id}


SECTION_7 = {
    "positional parameters": (
        '{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}',
        result(19, 1),
    ),
    "positional parameters, the other way round": (
        '{"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}',
        result(-19, 2),
    ),
    "named parameters": (
        '{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}',
        result(19, 3),
    ),
    "named parameters, the other way round": (
        '{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": 4}',
        result(19, 4),
    ),
    "a notification": ('{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}', None),
    "a notification of an unknown method": ('{"jsonrpc": "2.0", "method": "foobar"}', None),
    "an unknown method": (
        '{"jsonrpc": "2.0", "method": "foobar", "id": "1"}',
        error(-32601, "1"),
    ),
    "invalid JSON": (
        '{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]',
        error(-32700),
    ),
    "an invalid request": ('{"jsonrpc": "2.0", "method": 1, "params": "bar"}', error(-32600)),
    "a batch of invalid JSON": (
        '[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"}, {"jsonrpc": "2.0", "method"]',
        error(-32700),
    ),
    "an empty batch": ("[]", error(-32600)),
    "an invalid batch": ("[1]", [error(-32600)]),
    "a longer invalid batch": ("[1,2,3]", [error(-32600), error(-32600), error(-32600)]),
    "a mixed batch": (
        """[
        {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
        {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
        {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
        {"foo": "boo"},
        {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
        {"jsonrpc": "2.0", "method": "get_data", "id": "9"}
        ]""",
        [
            result(7, "1"),
            result(19, "2"),
            error(-32600),
            error(-32601, "5"),
            result(["hello", 5], "9"),
        ],
    ),
    "a batch of notifications": (
        """[
        {"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},
        {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}
        ]""",
        None,
    ),
}


@pytest.mark.parametrize(("sent", "answered"), SECTION_7.values(), ids=SECTION_7)
def test_an_example_of_the_specification_is_answered_as_it_says(
    dialect: Dialect, sent: str, answered: Any
) -> None:
    assert answered == served(dialect, sent)


@pytest.mark.parametrize(
    "frame",
    [
        '{"jsonrpc":"2.0","method":"subtract","id":1}',
        '{"jsonrpc":"2.0","method":"subtract","params":[1],"id":1}',
        '{"jsonrpc":"2.0","method":"subtract","params":[1,2,3],"id":1}',
        '{"jsonrpc":"2.0","method":"subtract","params":["1",2],"id":1}',
        '{"jsonrpc":"2.0","method":"subtract","params":{"minuend":1,"subtrahend":2,"x":3},"id":1}',
    ],
)
def test_parameters_that_do_not_fit_are_invalid_params(dialect: Dialect, frame: str) -> None:
    assert error(-32602, 1) == served(dialect, frame)


def test_a_parameter_that_does_not_fit_is_named_with_its_path(dialect: Dialect) -> None:
    frame = b'{"jsonrpc":"2.0","method":"subtract","params":{"minuend":1,"subtrahend":"2"},"id":1}'
    (refusal,) = dialect.read_at_equipment(frame).requests
    assert isinstance(refusal, Refusal)
    assert "params.subtrahend: must be a whole number, not '2'" == str(refusal.problem)


@pytest.mark.parametrize("id", ["1", '"seven"', "null", "1.5", '""', "-1"])
def test_an_id_of_any_allowed_kind_comes_back(dialect: Dialect, id: str) -> None:
    answered = served(dialect, f'{{"jsonrpc":"2.0","method":"get_data","id":{id}}}')
    assert json.loads(id) == answered["id"]


@pytest.mark.parametrize("id", ["true", "[]", "{}", "1e999"])
def test_an_id_of_another_kind_is_an_invalid_request(dialect: Dialect, id: str) -> None:
    assert error(-32600) == served(dialect, f'{{"jsonrpc":"2.0","method":"get_data","id":{id}}}')


@pytest.mark.parametrize("version", ["", '"jsonrpc":"1.0",', '"jsonrpc":2.0,', '"jsonrpc":null,'])
def test_another_version_is_an_invalid_request(dialect: Dialect, version: str) -> None:
    assert error(-32600) == served(dialect, f'{{{version}"method":"get_data","id":1}}')


def test_an_answer_is_foreign_to_equipment(dialect: Dialect) -> None:
    (refusal,) = dialect.read_at_equipment(b'{"jsonrpc":"2.0","result":3,"id":1}').requests
    assert isinstance(refusal, Refusal)
    assert refusal.foreign


def test_an_event_is_foreign_to_equipment_and_wants_no_reply(dialect: Dialect) -> None:
    (refusal,) = dialect.read_at_equipment(dialect.event("alarm", {"code": 3})).requests
    assert isinstance(refusal, Refusal)
    assert (True, False) == (refusal.foreign, refusal.wants_reply)


def test_members_that_the_standard_does_not_know_are_skipped(dialect: Dialect) -> None:
    frame = b'{"jsonrpc":"2.0","method":"get_data","id":1,"traceparent":"00-0af7"}'
    assert (Request("get_data", {}, 1),) == tuple(dialect.read_at_equipment(frame).requests)


def test_parameters_are_sent_by_name_or_by_position() -> None:
    values = {"minuend": 42, "subtrahend": 23}
    by_name = JsonRpc().bind(FORMS).request("subtract", values, 1)
    by_position = JsonRpc(by_position=True).bind(FORMS).request("subtract", values, 1)
    assert (
        b'{"jsonrpc":"2.0","method":"subtract","params":{"minuend":42,"subtrahend":23},"id":1}' == by_name
    )
    assert b'{"jsonrpc":"2.0","method":"subtract","params":[42,23],"id":1}' == by_position


def test_a_host_reads_a_batch_of_answers_and_events(dialect: Dialect) -> None:
    frame = b"""[{"jsonrpc":"2.0","result":19,"id":1},{"jsonrpc":"2.0","method":"alarm","params":[3]}]"""
    answer, event = dialect.read_at_host(frame)
    assert isinstance(answer, Answer)
    assert 1 == answer.id
    assert Event("alarm", {"code": 3}) == event


def test_data_of_an_error_arrives(dialect: Dialect) -> None:
    frame = b'{"jsonrpc":"2.0","error":{"code":-32000,"message":"busy","data":{"axis":1}},"id":1}'
    (answer,) = dialect.read_at_host(frame)
    answers = dialect.reply_reader("get_data")
    assert answers is not None
    assert isinstance(answer, Answer)
    with pytest.raises(Fault) as caught:
        answers.take(answer.body)
    assert (-32000, "busy", {"axis": 1}) == (caught.value.code, caught.value.reason, caught.value.data)


@pytest.mark.parametrize(
    "error",
    [
        b"3",
        b"null",
        b"{}",
        b'{"code":"3","message":""}',
        b'{"code":3,"message":null}',
        b'{"code":3,"message":"","x":1}',
    ],
)
def test_a_wrong_error_object_is_refused(dialect: Dialect, error: bytes) -> None:
    (answer,) = dialect.read_at_host(b'{"jsonrpc":"2.0","error":' + error + b',"id":1}')
    answers = dialect.reply_reader("get_data")
    assert answers is not None
    assert isinstance(answer, Answer)
    with pytest.raises(CodecError, match=r"^error"):
        answers.take(answer.body)


@pytest.mark.parametrize(
    "frame",
    [
        b"[]",
        b"3",
        b'{"jsonrpc":"2.0","id":1}',
        b'{"jsonrpc":"2.0","result":1,"error":{"code":1,"message":""},"id":1}',
        b'{"jsonrpc":"2.0","method":"subtract","params":[1,2],"id":1}',
        b'{"jsonrpc":"2.0","method":"alarm","params":[1],"id":1}',
        b'{"jsonrpc":"2.0","method":"alarm","params":3}',
        b'[{"jsonrpc":"2.0","result":1,"id":1},3]',
    ],
)
def test_a_host_refuses_a_frame_that_is_neither_answer_nor_event(dialect: Dialect, frame: bytes) -> None:
    with pytest.raises(CodecError):
        dialect.read_at_host(frame)


def test_a_code_that_is_not_a_number_cannot_be_sent(dialect: Dialect) -> None:
    with pytest.raises(CodecError, match=r"^code: must be a whole number"):
        dialect.fault(Request("sum", {}, 1), Fault("E3"))


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        (MessageSpec("f", "A.f", wire="rpc.f"), "A.f: 'rpc.f': JSON-RPC reserves"),
        (MessageSpec("f", "A.f", wire=3), "A.f: a method of JSON-RPC must be text, not 3"),
        (MessageSpec("f", "A.f", reply="OK"), "A.f: JSON-RPC defines the form of replies"),
    ],
)
def test_a_message_that_the_standard_forbids_is_refused(spec: MessageSpec, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        JsonRpc().bind([spec])
    assert str(caught.value).startswith(problem)


def test_a_protocol_error_has_the_code_that_the_standard_reserves(dialect: Dialect) -> None:
    codes = {kind: dialect.fault_for(kind, "").code for kind in ProtocolErrorKind}
    assert {
        ProtocolErrorKind.UNREADABLE: -32700,
        ProtocolErrorKind.MALFORMED: -32600,
        ProtocolErrorKind.UNKNOWN_COMMAND: -32601,
        ProtocolErrorKind.BAD_PARAMETERS: -32602,
        ProtocolErrorKind.WRONG_STATE: -32000,
        ProtocolErrorKind.INTERNAL: -32603,
    } == codes
