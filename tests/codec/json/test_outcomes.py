"""Json with several good statuses, several kinds of messages, and faults that do not know their command."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from attrs import frozen

from tcpcomm.codec import Field, Json, MessageSpec
from tcpcomm.codec.base import Answer, Dialect, Event, Notation, ProtocolErrorKind, Refusal, Request
from tcpcomm.errors import CodecError, ConfigurationError, Fault
from tests.codec.cases import reader

pytestmark = pytest.mark.usefixtures("json_engine")


@frozen
class Connection:
    PortNumber: int
    MajorVersion: int


@frozen
class Moved:
    SequenceID: int


@frozen
class Weight:
    grams: float
    status: str = "OK"


@frozen
class Coded:
    x: float
    code: int = 0


RMI = Json(
    "Command",
    event="Command",
    result=None,
    fault=None,
    code="ErrorID",
    reason=None,
    success={"ErrorID": 0},
    echo=True,
)
CONNECT = MessageSpec("connect", "Robot.connect", {"Communication": "FRC_Connect"}, result=Connection)
INITIALIZE = MessageSpec(
    "initialize", "Robot.initialize", "FRC_Initialize", parameters=(Field("GroupMask", int),)
)
MOVE = MessageSpec(
    "move",
    "Robot.move",
    {"Instruction": "FRC_LinearMotion"},
    parameters=(Field("SequenceID", int),),
    result=Moved,
)
RESET = MessageSpec("reset", "Robot.reset", {"Instruction": "FRC_Initialize"})
TERMINATED = MessageSpec(
    "terminated", "Robot.terminated", {"Communication": "FRC_Terminate"}, is_event=True
)


@pytest.fixture
def rmi() -> Dialect:
    """FANUC's Remote Motion Interface."""
    return RMI.bind((CONNECT, INITIALIZE, MOVE, RESET, TERMINATED))


def result_of(dialect: Dialect, spec: MessageSpec, frame: str) -> Any:
    """Return the result that a host reads in a reply, or the Fault or CodecError."""
    (answer,) = dialect.read_at_host(frame.encode())
    assert isinstance(answer, Answer)
    try:
        return reader(dialect, spec).take(answer.body)
    except (Fault, CodecError) as error:
        return error


def test_each_kind_of_command_has_its_key(rmi: Dialect) -> None:
    frames = [
        rmi.request("connect", {}, 1),
        rmi.request("initialize", {"GroupMask": 1}, 1),
        rmi.request("move", {"SequenceID": 7}, 1),
        rmi.request("reset", {}, 1),
    ]
    assert [
        b'{"Communication":"FRC_Connect"}',
        b'{"Command":"FRC_Initialize","GroupMask":1}',
        b'{"Instruction":"FRC_LinearMotion","SequenceID":7}',
        b'{"Instruction":"FRC_Initialize"}',
    ] == frames
    asked = [each for frame in frames for each in rmi.read_at_equipment(frame).requests]
    assert ["connect", "initialize", "move", "reset"] == [each.name for each in asked]
    assert all(isinstance(each, Request) for each in asked)


def test_each_kind_of_reply_repeats_its_key(rmi: Dialect) -> None:
    frame = '{"Communication":"FRC_Connect","ErrorID":0,"PortNumber":16002,"MajorVersion":5}'
    assert Connection(16002, 5) == result_of(rmi, CONNECT, frame)
    assert [frame.encode()] == rmi.reply(Request("connect", {}), Connection(16002, 5))
    assert Moved(7) == result_of(rmi, MOVE, '{"Instruction":"FRC_LinearMotion","ErrorID":0,"SequenceID":7}')
    notation = Notation(
        '{"Communication": "FRC_Connect"}',
        (
            '{"Communication": "FRC_Connect", "ErrorID": 0, "PortNumber": whole number, '
            '"MajorVersion": whole number}',
        ),
    )
    assert notation == rmi.notation("connect")


def test_an_event_may_have_the_key_of_a_kind_of_commands(rmi: Dialect) -> None:
    assert b'{"Communication":"FRC_Terminate"}' == rmi.event("terminated", {})
    assert (Event("terminated", {}),) == tuple(rmi.read_at_host(b'{"Communication":"FRC_Terminate"}'))


@pytest.mark.parametrize(
    ("spec", "key"),
    [
        (CONNECT, "Command"),
        (CONNECT, "Communication"),
        (INITIALIZE, "Command"),
        (MOVE, "Command"),
        (MOVE, "Instruction"),
    ],
)
def test_a_failing_status_wins_over_a_wrong_word(rmi: Dialect, spec: MessageSpec, key: str) -> None:
    found = result_of(rmi, spec, f'{{"{key}":"Unknown","ErrorID":2556941}}')
    assert (Fault, 2556941) == (type(found), found.code)


def test_a_good_status_does_not_win_over_a_wrong_word(rmi: Dialect) -> None:
    with pytest.raises(CodecError, match="there is no event 'Unknown'"):
        result_of(rmi, INITIALIZE, '{"Command":"Unknown","ErrorID":0}')
    found = result_of(rmi, MOVE, '{"Command":"FRC_Initialize","ErrorID":5}')
    assert "Command: is 'FRC_Initialize', so this is not a reply to 'FRC_LinearMotion'" == str(found)


def test_a_word_under_no_key_is_refused(rmi: Dialect) -> None:
    (found,) = rmi.read_at_equipment(b'{"Other":"FRC_Connect"}').requests
    assert isinstance(found, Refusal)
    assert "Command: is missing" == str(found.problem)


SEVERAL = Json(
    result=None,
    fault=None,
    success={"status": ("OK", "WARNING")},
    failure={"status": ("NG", "ERR")},
)
WEIGH = MessageSpec("weigh", "Scale.weigh", result=Weight)
ZERO = MessageSpec("zero", "Scale.zero")


def test_each_of_several_good_statuses_carries_good_data_and_can_be_read() -> None:
    dialect = SEVERAL.bind((WEIGH, ZERO))
    assert Weight(2.5) == result_of(dialect, WEIGH, '{"status":"OK","grams":2.5}')
    assert Weight(2.5, "WARNING") == result_of(dialect, WEIGH, '{"status":"WARNING","grams":2.5}')
    assert result_of(dialect, ZERO, '{"status":"WARNING"}') is None
    assert [b'{"status":"WARNING","grams":2.5}'] == dialect.reply(
        Request("weigh", {}), Weight(2.5, "WARNING")
    )
    assert [b'{"status":"OK"}'] == dialect.reply(Request("zero", {}), None)
    for status in ("NG", "ERR"):
        found = result_of(dialect, WEIGH, f'{{"status":"{status}","code":3,"reason":"dark"}}')
        assert (Fault, 3) == (type(found), found.code)
    assert b'{"status":"NG","code":3,"reason":"dark"}' == dialect.fault(
        Request("weigh", {}), Fault(3, "dark")
    )


def test_a_status_that_is_neither_good_nor_bad_is_refused() -> None:
    dialect = SEVERAL.bind((WEIGH, ZERO))
    found = result_of(dialect, ZERO, '{"status":"BUSY"}')
    assert "status: must be 'NG' | 'ERR', not 'BUSY'" == str(found)
    with pytest.raises(CodecError) as caught:
        dialect.reply(Request("weigh", {}), Weight(1.0, "BUSY"))
    assert "status: must be 'OK' | 'WARNING' in a good reply, not 'BUSY'" == str(caught.value)


def test_good_statuses_may_be_a_range_of_numbers() -> None:
    ask = MessageSpec("ask", "Device.ask", result=Coded)
    dialect = Json(result=None, fault=None, reason=None, success={"code": range(100)}).bind((ask, ZERO))
    assert Coded(1.5, 7) == result_of(dialect, ask, '{"code":7,"x":1.5}')
    assert [b'{"code":7,"x":1.5}'] == dialect.reply(Request("ask", {}), Coded(1.5, 7))
    found = result_of(dialect, ask, '{"code":100}')
    assert (Fault, 100) == (type(found), found.code)
    with pytest.raises(CodecError, match="99 means success: give the fault another code"):
        dialect.fault(Request("ask", {}), Fault(99))
    assert '{"code": 0 to 99}' == dialect.notation("zero").replies[0]


def test_good_statuses_may_be_told_by_a_function() -> None:
    def without_alarm(code: int) -> bool:
        return not code & 0x8000

    ask = MessageSpec("ask", "Device.ask", result=Coded)
    dialect = Json(result=None, fault=None, reason=None, success={"code": without_alarm}).bind((ask, ZERO))
    assert Coded(1.5, 0x21) == result_of(dialect, ask, '{"code":33,"x":1.5}')
    for code in ("32769", '"?"', "null"):
        assert not isinstance(result_of(dialect, ask, f'{{"code":{code},"x":1.5}}'), Coded)
    found = result_of(dialect, ask, '{"code":32769}')
    assert (Fault, 0x8001) == (type(found), found.code)
    assert [b'{"code":0}'] == dialect.reply(Request("zero", {}), None)
    assert '{"code": 0 to 32767}' == dialect.notation("zero").replies[0]


def test_drawn_results_have_a_good_status() -> None:
    dialect = SEVERAL.bind((WEIGH,))
    found = set()
    for seed in range(20):
        result = dialect.draw_result("weigh", Random(seed))
        dialect.reply(Request("weigh", {}), result)
        found.add(result.status)
    assert {"OK", "WARNING"} == found


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            MessageSpec("a", "R.a", {"Command": "x", "More": "y"}),
            "its word under another key is one key with one word",
        ),
        (MessageSpec("a", "R.a", {}), "as in {'Command': 'a'}, not {}"),
        (MessageSpec("a", "R.a", {"ErrorID": "x"}), "the key 'ErrorID' of its word has another meaning"),
        (
            MessageSpec("a", "R.a", {"Other": 1.5}),
            "its word in JSON must be text or a whole number, not 1.5",
        ),
        (
            MessageSpec("a", "R.a", {"Instruction": "FRC_LinearMotion"}),
            "R.move has the word 'FRC_LinearMotion' already",
        ),
        (
            MessageSpec("a", "R.a", {"X": "y"}, parameters=(Field("X", int),)),
            "the key 'X' has another meaning",
        ),
    ],
)
def test_a_word_that_cannot_be_told_from_others_is_refused(spec: MessageSpec, message: str) -> None:
    move = MessageSpec("move", "R.move", {"Instruction": "FRC_LinearMotion"})
    with pytest.raises(ConfigurationError) as caught:
        RMI.bind((move, spec))
    assert message in str(caught.value)


def test_an_empty_choice_of_statuses_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="the key 'status' of replies has no value"):
        Json(result=None, fault=None, success={"status": range(0)})


JAKA = Json(
    "cmdName",
    result=None,
    fault=None,
    code="errorCode",
    reason="errorMsg",
    success={"errorCode": ("0", 0), "errorMsg": ""},
    optional=("errorMsg", "cmdName"),
    echo=True,
)
POWER_ON = MessageSpec("power_on", "Jaka.power_on")


@pytest.mark.parametrize(
    "frame",
    [
        '{"cmdName":"power_on","errorCode":"0","errorMsg":""}',
        '{"errorCode":0,"errorMsg":""}',
        '{"cmdName":"power_on","errorCode":"0"}',
        '{"errorCode":0}',
    ],
)
def test_a_good_reply_may_lack_what_is_optional(frame: str) -> None:
    """JAKA's controllers leave keys out, each version others. The equipment sends all of them."""
    jaka = JAKA.bind([POWER_ON])
    assert result_of(jaka, POWER_ON, frame) is None
    reply = b'{"cmdName":"power_on","errorCode":"0","errorMsg":""}'
    assert [reply] == jaka.reply(Request("power_on", {}), None)
    assert (
        '{"cmdName": "power_on", or left out, "errorCode": "0" | 0, "errorMsg": "", or left out}',
    ) == jaka.notation("power_on").replies


def test_an_optional_key_with_another_value_is_not_a_good_reply() -> None:
    power_off = MessageSpec("power_off", "Jaka.power_off")
    jaka = JAKA.bind([POWER_ON, power_off])
    fault = result_of(jaka, POWER_ON, '{"errorCode":"3","errorMsg":"permission deny"}')
    assert ("3", "permission deny") == (fault.code, fault.reason)
    other = result_of(jaka, POWER_ON, '{"cmdName":"power_off","errorCode":"0"}')
    assert "cmdName: is 'power_off', so this is not a reply to 'power_on'" == str(other)


@pytest.mark.parametrize(
    ("success", "frame", "lacking"),
    [
        ({"ErrorID": 0, "status": "OK"}, '{"ErrorID":0}', "status"),
        ({"ErrorID": 0, "status": "OK"}, '{"status":"OK"}', "ErrorID"),
        ({"ErrorID": range(2), "ready": True, "status": "OK"}, '{"ErrorID":1,"status":"OK"}', "ready"),
    ],
)
def test_a_good_reply_that_lacks_a_key_is_bad_and_not_a_fault(
    success: dict[str, Any], frame: str, lacking: str
) -> None:
    """It was a fault with the code that means success."""
    codec = Json(result=None, fault=None, code="ErrorID", reason=None, success=success)
    error = result_of(codec.bind([RESET_ALL]), RESET_ALL, frame)
    assert isinstance(error, CodecError)
    assert f"{lacking}: is missing" == str(error)


RESET_ALL = MessageSpec("reset", "Robot.reset")


def test_a_fault_that_lacks_a_key_of_good_replies_is_a_fault() -> None:
    told_by_both = Json(success={"status": "OK", "ready": True}, failure={"status": "NG"})
    told = '{"status":"NG","error":{"code":3,"reason":"no part"}}'
    nested = Json(success={"status": "OK", "ready": True})
    for codec, frame in ((told_by_both, told), (nested, '{"error":{"code":3}}')):
        fault = result_of(codec.bind([RESET_ALL]), RESET_ALL, frame)
        assert (Fault, 3) == (type(fault), fault.code)


def test_codes_of_texts_are_drawn_as_texts() -> None:
    codes = dict.fromkeys(ProtocolErrorKind, "2")
    assert Json(codes=codes).bind([RESET_ALL]).codes_are_texts
    assert not Json().bind([RESET_ALL]).codes_are_texts


STATE = MessageSpec(
    "state", "Jaka.state", parameters=(Field("x", float), Field("on", bool, False)), is_event=True
)
ALARM = MessageSpec("alarm", "Jaka.alarm", {"type": "alarm"}, is_event=True)
BRAKE = MessageSpec("brake", "Jaka.brake", reply=None)


def test_objects_without_a_word_are_one_event() -> None:
    """It was accepted, and written with the key null."""
    dialect = Json(event=None).bind([STATE, ALARM, BRAKE])
    assert b'{"x":1.5,"on":true}' == dialect.event("state", {"x": 1.5, "on": True})
    assert [Event("state", {"x": 1.0, "on": False})] == [*dialect.read_at_host(b'{"x":1}')]
    assert [Event("alarm", {})] == [*dialect.read_at_host(b'{"type":"alarm"}')]
    assert '{"x": number, "on": true or false}' == dialect.notation("state").request
    (request,) = dialect.read_at_equipment(b'{"cmd":"brake"}').requests
    assert "brake" == request.name
    (refusal,) = dialect.read_at_equipment(b'{"x":1}').requests
    assert isinstance(refusal, Refusal)
    assert refusal.foreign
    assert not refusal.wants_reply


def test_an_event_without_a_word_cannot_be_told_from_replies() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Json(event=None).bind([STATE, RESET_ALL])
    assert (
        "Jaka.state: with event=None every object is this event, so a host cannot find the reply of "
        "Robot.reset: give the event a key and a word, or write reply=None"
    ) == str(caught.value)


def test_two_events_without_a_word_are_refused() -> None:
    other = MessageSpec("pose", "Jaka.pose", is_event=True)
    with pytest.raises(ConfigurationError) as caught:
        Json(event=None).bind([STATE, other])
    assert str(caught.value).startswith(
        "Jaka.pose: with event=None every object is this event, and Jaka.state too: give one of them a key"
    )


def test_a_word_without_a_key_is_refused() -> None:
    worded = MessageSpec("state", "Jaka.state", "STATE", is_event=True)
    with pytest.raises(ConfigurationError, match="with event=None an event has no word, so it cannot have"):
        Json(event=None).bind([worded])
