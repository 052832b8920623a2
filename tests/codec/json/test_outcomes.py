"""Json with several good statuses, several kinds of messages, and faults that do not know their command."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from attrs import frozen

from tcpcomm.codec import Field, Json, MessageSpec
from tcpcomm.codec.base import Answer, Dialect, Event, Notation, Refusal, Request
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
    assert '{"code": one of without_alarm}' == dialect.notation("zero").replies[0]


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
