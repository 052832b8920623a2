"""The messages of HSMS in their bytes, in both directions, and what answers a message that is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm import ConfigurationError, Fault, command, declaration_of, event
from tcpcomm.codec.base import Answer, Event, Refusal, Request
from tcpcomm.devices.hsms import U2, Code, Commanded, Established, Gem, GemHost, Hsms, Value
from tcpcomm.errors import CodecError

EQUIPMENT: Any = declaration_of(Gem).dialect
HOST: Any = declaration_of(GemHost).dialect
SYSTEM = 0x07

GOLDEN = [
    # name, values, result, request, reply (SEMI E37, section 8; SEMI E5, section 10)
    ("select", {}, None, "FFFF 00 00 00 01 00000007", "FFFF 00 00 00 02 00000007"),
    ("deselect", {}, None, "FFFF 00 00 00 03 00000007", "FFFF 00 00 00 04 00000007"),
    ("linktest", {}, None, "FFFF 00 00 00 05 00000007", "FFFF 00 00 00 06 00000007"),
    ("separate", {}, None, "FFFF 00 00 00 09 00000007", None),
    (
        "s1f1",
        {},
        ["LK", "1.0"],
        "0000 81 01 00 00 00000007",
        "0000 01 02 00 00 00000007 01 02 41 02 4C4B 41 03 312E30",
    ),
    (
        "s1f3",
        {"svids": [U2(1), "T"]},
        [25.0, []],
        "0000 81 03 00 00 00000007 01 02 A9 02 0001 41 01 54",
        "0000 01 04 00 00 00000007 01 02 81 08 4039000000000000 01 00",
    ),
    (
        "s1f13",
        {"identity": []},
        Established(0, ["LK", "1.0"]),
        "0000 81 0D 00 00 00000007 01 00",
        "0000 01 0E 00 00 00000007 01 02 21 01 00 01 02 41 02 4C4B 41 03 312E30",
    ),
    (
        "s2f41",
        {"rcmd": "START", "parameters": [["LOT", "A7"]]},
        Commanded(4, []),
        "0000 82 29 00 00 00000007 01 02 41 05 5354415254 01 01 01 02 41 03 4C4F54 41 02 4137",
        "0000 02 2A 00 00 00000007 01 02 21 01 04 01 00",
    ),
    (
        "ask",
        {"message": "S2F17", "item": None},
        "20261128170000",
        "0000 82 11 00 00 00000007",
        "0000 02 12 00 00 00000007 41 0E 3230323631313238313730303030",
    ),
    ("tell", {"message": "S6F3", "item": 1}, None, "0000 06 03 00 00 00000007 B1 04 00000001", None),
]


@pytest.mark.parametrize(("name", "values", "result", "request_hex", "reply_hex"), GOLDEN)
def test_messages_have_the_bytes_of_the_standard(
    name: str, values: dict[str, Any], result: Any, request_hex: str, reply_hex: str | None
) -> None:
    request = bytes.fromhex(request_hex)
    assert request == EQUIPMENT.request(name, values, SYSTEM)
    asked = EQUIPMENT.read_at_equipment(request)
    assert (name, values, reply_hex is not None) == (asked.name, asked.values, asked.wants_reply)
    if reply_hex is None:
        return
    reply = bytes.fromhex(reply_hex)
    assert [reply] == EQUIPMENT.reply(asked, result)
    (answer,) = EQUIPMENT.read_at_host(reply)
    assert SYSTEM == answer.id
    assert result == EQUIPMENT.reader_for(name, values).take(answer.body)


def test_an_event_has_no_w_bit() -> None:
    values = {"alcd": 0x85, "alid": 5, "altx": "door"}
    frame = bytes.fromhex("0000 05 01 00 00 00000000 01 03 21 01 85 B1 04 00000005 41 04 646F6F72")
    assert frame == EQUIPMENT.event("alarm", values)
    assert (Event("alarm", values),) == EQUIPMENT.read_at_host(frame)
    asked = HOST.read_at_equipment(frame)
    assert ("s5f1", values, False) == (asked.name, asked.values, asked.wants_reply)


REFUSED = [
    # what came at equipment, its answer: each with the system bytes of the message
    ("0000 83 05 00 00 00000007", "0000 09 05 00 00 00000007 21 0A 0000 83 05 00 00 00000007", "S9F5"),
    (
        "0000 81 01 00 00 00000007 01 00",
        "0000 09 07 00 00 00000007 21 0A 0000 81 01 00 00 00000007",
        "S9F7",
    ),
    (
        "0000 81 03 00 00 00000007 41 05",
        "0000 09 07 00 00 00000007 21 0A 0000 81 03 00 00 00000007",
        "S9F7",
    ),
    ("FFFF 00 00 00 0B 00000007", "FFFF 0B 01 00 07 00000007", "Reject 1"),
    ("0000 81 01 05 00 00000007", "0000 05 02 00 07 00000007", "Reject 2"),
]


@pytest.mark.parametrize(
    ("came", "answer", "code"), REFUSED, ids=[each[2] + " " + each[0] for each in REFUSED]
)
def test_what_is_wrong_is_answered_as_the_standard_says(came: str, answer: str, code: str) -> None:
    asked = EQUIPMENT.read_at_equipment(bytes.fromhex(came))
    fault = (
        EQUIPMENT.fault_for(asked.error_kind, "")
        if isinstance(asked, Refusal)
        else Fault("S9F5")  # what Hsms.ask says by default
    )
    frame = EQUIPMENT.fault(asked, fault)
    assert bytes.fromhex(answer).hex() == frame.hex()
    (read,) = EQUIPMENT.read_at_host(frame)
    assert (SYSTEM, code) == (read.id, read.body.fault.code)
    assert read.body.fault.reason


def test_a_host_aborts_by_function_0_because_only_equipment_sends_stream_9() -> None:
    asked = HOST.read_at_equipment(bytes.fromhex("0000 86 0B 00 00 00000007 01 00"))
    frame = HOST.fault(asked, HOST.fault_for(asked.error_kind, ""))
    assert bytes.fromhex("0000 06 00 00 00 00000007") == frame
    (read,) = HOST.read_at_host(frame)
    assert ("F0", "the peer aborted the transaction (S6F0)") == (
        read.body.fault.code,
        read.body.fault.reason,
    )


def test_a_data_message_before_the_selection_is_rejected() -> None:
    request = EQUIPMENT.read_at_equipment(bytes.fromhex("0000 81 01 00 00 00000007"))
    assert isinstance(request, Request)
    assert bytes.fromhex("0000 00 04 00 07 00000007") == EQUIPMENT.fault(request, Fault("Reject 4"))


@pytest.mark.parametrize("status", [1, 2, 3])
def test_a_refused_selection_says_why(status: int) -> None:
    request = EQUIPMENT.read_at_equipment(bytes.fromhex("FFFF 00 00 00 01 00000007"))
    frame = EQUIPMENT.fault(request, Fault(f"Select {status}"))
    assert bytes.fromhex(f"FFFF 00 0{status} 00 02 00000007") == frame
    (answer,) = EQUIPMENT.read_at_host(frame)
    with pytest.raises(Fault) as caught:
        EQUIPMENT.reply_reader("select").take(answer.body)
    assert f"Select {status}" == caught.value.code
    assert caught.value.reason


def test_the_timeout_of_the_equipment_answers_no_command_of_the_host() -> None:
    with pytest.raises(CodecError):
        EQUIPMENT.read_at_host(bytes.fromhex("0000 09 09 00 00 00000001 21 0A 0000 86 0B 00 00 00000007"))


@pytest.mark.parametrize("frame", ["", "FFFF 00 00 00 05 000000", "FFFF 00 00 00 05 00000007 00"])
def test_a_message_of_the_wrong_size_is_not_answered(frame: str) -> None:
    asked = EQUIPMENT.read_at_equipment(bytes.fromhex(frame))
    assert (Refusal, False) == (type(asked), asked.wants_reply)


def test_a_reply_from_another_device_is_not_the_reply() -> None:
    frame, reader = EQUIPMENT.ask("s1f1", {}, SYSTEM, {"device": 3}, {})
    assert bytes.fromhex("0003 81 01 00 00 00000007") == frame
    (answer,) = EQUIPMENT.read_at_host(bytes.fromhex("0000 01 02 00 00 00000007 01 00"))
    assert isinstance(answer, Answer)
    with pytest.raises(CodecError) as caught:
        reader.take(answer.body)
    assert "device: it is from device 0, and device 3 was asked: set device_id" == str(caught.value)


def test_a_fault_that_secs_cannot_carry_is_refused_with_what_to_do() -> None:
    with pytest.raises(CodecError) as caught:
        EQUIPMENT.fault(Request("s1f1", {}, 1), Fault(5, "busy"))
    assert (
        "code: SECS-II carries no fault 5: return an acknowledge code such as HCACK, "
        "or raise Fault('F0') to abort the transaction"
    ) == str(caught.value)


def test_the_declaration_of_a_message_is_checked() -> None:
    def declare(wire: Any, **options: Any) -> None:
        class Wrong(Hsms):
            @command(wire, **options)
            async def go(self, item: Value) -> Value:
                """Go."""

    for wire, problem in (
        ("S1F2", "S1F2 is a reply: a command or event has an odd function"),
        ("S200F1", "S200F1: streams go to 127, and functions to 255"),
        (7, "a message is named by stream and function, as in S1F3, not 7"),
        ("Select.req", "Select.req has no parameters and no result"),
        ("SxFy", "SxFy is a command with two parameters: the message and its item"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            declare(wire)
        assert str(caught.value).startswith(f"Wrong.go: {problem}")
    with pytest.raises(ConfigurationError) as caught:
        declare("S1F3", reply="S1F6")
    assert "Wrong.go: the reply to S1F3 is S1F4" == str(caught.value)


def test_a_message_of_ones_own_is_declared_by_its_name() -> None:
    class Sorter(Hsms):
        @command("S2F31", timeout="t3", needs="selected")
        async def set_clock(self, time: str) -> Code:
            """Set the clock."""
            raise NotImplementedError

        @event("S6F1", needs="selected")
        def traced(self, trid: U2, values: list[float]) -> None:
            """A trace."""

    dialect = declaration_of(Sorter).dialect
    assert ("S2F31 W A", ("S2F32 B[1]",)) == (
        dialect.notation("set_clock").request,
        dialect.notation("set_clock").replies,
    )
    frame = bytes.fromhex("0000 06 01 00 00 00000000 01 02 A9 02 0007 01 01 81 08 3FF0000000000000")
    assert frame == dialect.event("traced", {"trid": 7, "values": [1.0]})
    with pytest.raises(CodecError) as caught:
        dialect.request("set_clock", {"time": 5}, 1)
    assert "time: must be text, not 5" == str(caught.value)


@given(st.binary(max_size=40), st.sampled_from([0, 1, 5, 7]))
def test_any_frame_is_read_or_refused_at_both_ends(body: bytes, stype: int) -> None:
    for frame in (body, bytes.fromhex("0000 81 03 00") + bytes([stype]) + b"\0\0\0\7" + body):
        for dialect in (EQUIPMENT, HOST):
            asked = dialect.read_at_equipment(frame)
            if isinstance(asked, Refusal) and asked.wants_reply:
                assert dialect.fault(asked, dialect.fault_for(asked.error_kind, ""))
            try:
                arrivals = dialect.read_at_host(frame)
            except CodecError:
                continue
            assert 1 == len(arrivals)


def test_an_error_about_a_reply_answers_no_command() -> None:
    with pytest.raises(CodecError) as caught:
        EQUIPMENT.read_at_host(bytes.fromhex("0000 09 07 00 00 00000001 21 0A 0000 06 0C 00 00 00000007"))
    assert "S9F7 is about the reply S6F12" == str(caught.value)
