"""
The frames of FINS/TCP are those of Omron's manuals.

W342 is "Communications Commands Reference Manual", W420 "Ethernet Units, Construction of Networks".
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm import CodecError, Fault, declaration_of
from tcpcomm.codec import Request
from tcpcomm.codec.base import Answer, Event
from tcpcomm.devices.fins import EndCode, Fins, FrameError, Mode
from tcpcomm.devices.fins.addresses import BIT_CODES, WORD_CODES
from tcpcomm.devices.fins.commands import Clock, CpuStatus, Element, Nodes, Place
from tcpcomm.testing import check_equipment

DIALECT = declaration_of(Fins).dialect
TO_NODE_1 = {"node": 1, "client": 0xEF}
ASKED = "46494E53 0000{:04X} 00000002 00000000 800002 00 01 00 00 EF 00 07 "
ANSWERED = "46494E53 0000{:04X} 00000002 00000000 C00002 00 EF 00 00 01 00 07 "


def unhex(text: str) -> bytes:
    return bytes.fromhex(text)


def command(text: str) -> bytes:
    """Return the frame of a command from client EF to node 1 with service id 7."""
    body = unhex(text)
    return unhex(ASKED.format(18 + len(body))) + body


def response(text: str) -> bytes:
    """Return the frame of its response."""
    body = unhex(text)
    return unhex(ANSWERED.format(18 + len(body))) + body


def asked_for(frame: bytes) -> Request:
    """Return the request that a controller reads in a frame."""
    request = DIALECT.read_at_equipment(frame).requests[0]
    assert isinstance(request, Request)
    return request


def answer_in(frame: bytes) -> Answer:
    """Return the answer that a host reads in a frame."""
    (answer,) = DIALECT.read_at_host(frame)
    assert isinstance(answer, Answer)
    return answer


GOLDEN: list[tuple[str, dict[str, Any], str, Any, str]] = [
    (  # W342, section 3-4-1, page 35: ten words from D00010 on
        "memory_area_read",
        {"area": 0x82, "word": 10, "bit": 0, "count": 10},
        "0101 82 000A 00 000A",
        [*range(10)],
        "0101 0000 0000 0001 0002 0003 0004 0005 0006 0007 0008 0009",
    ),
    (  # W342, section 5-2-1, page 163: bit 13 of CIO 0010
        "memory_area_read",
        {"area": 0x30, "word": 10, "bit": 13, "count": 1},
        "0101 30 000A 0D 0001",
        [True],
        "0101 0000 01",
    ),
    (  # the same page: W005
        "memory_area_read",
        {"area": 0xB1, "word": 5, "bit": 0, "count": 1},
        "0101 B1 0005 00 0001",
        [0x1234],
        "0101 0000 1234",
    ),
    (
        "memory_area_write",
        {"area": 0x82, "word": 100, "bit": 0, "values": [0x1234, 0xFFFF]},
        "0102 82 0064 00 0002 1234 FFFF",
        None,
        "0102 0000",
    ),
    (
        "memory_area_write",
        {"area": 0x31, "word": 3, "bit": 5, "values": [True, False]},
        "0102 31 0003 05 0002 01 00",
        None,
        "0102 0000",
    ),
    (
        "memory_area_fill",
        {"area": 0x82, "word": 0, "bit": 0, "count": 100, "value": 0xABCD},
        "0103 82 0000 00 0064 ABCD",
        None,
        "0103 0000",
    ),
    (
        "multiple_memory_area_read",
        {"places": [Place(0x82, 100), Place(0x31, 3, 5), Place(0x89, 0x8005)]},
        "0104 82 0064 00 31 0003 05 89 8005 00",
        [Element(0x82, 7), Element(0x31, True), Element(0x89, 99)],
        "0104 0000 82 0007 31 01 89 0063",
    ),
    (
        "memory_area_transfer",
        {"source": Place(0x82, 100), "target": Place(0xB2, 0), "count": 3},
        "0105 82 0064 00 B2 0000 00 0003",
        None,
        "0105 0000",
    ),
    ("enter_run_mode", {"program": 0xFFFF, "mode": Mode.RUN}, "0401 FFFF 04", None, "0401 0000"),
    ("enter_run_mode", {"program": None, "mode": None}, "0401", None, "0401 0000"),
    ("enter_program_mode", {"program": 0xFFFF}, "0402 FFFF", None, "0402 0000"),
    (  # W342, section 5-3-17, page 193
        "cpu_unit_status_read",
        {},
        "0601",
        CpuStatus(5, Mode.MONITOR, 0, 0x10, 0, 0xF7, ""),
        "0601 0000 05 02 0000 0010 0000 00F7" + "20" * 16,
    ),
    (  # Sunday, 2 March 2025, 15:04:59
        "clock_read",
        {},
        "0701",
        Clock(0x25, 0x03, 0x02, 0x15, 0x04, 0x59, 0),
        "0701 0000 25 03 02 15 04 59 00",
    ),
    (
        "clock_write",
        {"time": Clock(0x25, 0x03, 0x02, 0x15, 0x04)},
        "0702 25 03 02 15 04",
        None,
        "0702 0000",
    ),
]


@pytest.mark.parametrize(
    ("name", "values", "asked", "result", "answered"),
    GOLDEN,
    ids=[f"{each[0]} {index}" for index, each in enumerate(GOLDEN)],
)
def test_a_command_and_its_response_are_those_of_the_manual(
    name: str, values: dict[str, Any], asked: str, result: Any, answered: str
) -> None:
    frame, reader = DIALECT.ask(name, values, 7, TO_NODE_1, {})
    assert command(asked).hex(" ") == frame.hex(" ")
    request = asked_for(frame)
    assert (name, values) == (request.name, request.values)
    (reply,) = DIALECT.reply(request, result)
    assert response(answered).hex(" ") == reply.hex(" ")
    answer = answer_in(reply)
    assert 7 == answer.id
    assert reader is not None
    assert result == reader.take(answer.body)


def outcome(frame: bytes) -> Any:
    """Return what a host takes a frame for that answers a read of one word."""
    values = {"area": 0x82, "word": 0, "bit": 0, "count": 1}
    _, reader = DIALECT.ask("memory_area_read", values, 7, TO_NODE_1, {})
    assert reader is not None
    answer = answer_in(frame)
    try:
        return reader.take(answer.body)
    except (Fault, CodecError) as error:
        return error


@pytest.mark.parametrize(
    ("end_code", "text"),
    [
        ("1103", "4355: 1103 hex, first address is out of range"),
        ("1143", "4419: 1103 hex, first address is out of range"),  # beside it, a low battery
        ("8501", "34049: 0501 hex, destination is not in routing tables"),  # told by a relay
        ("7777", "30583"),
    ],
)
def test_an_end_code_is_told_in_words(end_code: str, text: str) -> None:
    fault = outcome(response(f"0101 {end_code}"))
    assert (Fault, text) == (type(fault), str(fault))


def test_a_low_battery_does_not_make_a_response_a_fault() -> None:
    assert [0x1234] == outcome(response("0101 0040 1234"))


def test_the_address_of_a_relay_is_the_data_of_its_fault() -> None:
    assert b"\x02\x05" == outcome(response("0101 8205 0205")).data


@pytest.mark.parametrize("gateways", ["0002", "0007", "0001"])
def test_the_number_of_gateways_in_a_response_does_not_matter(gateways: str) -> None:
    frame = response("0101 0000 1234").hex()
    changed = frame.replace("c00002", f"c0{gateways}")
    assert [0x1234] == outcome(unhex(changed))


def test_a_response_of_another_node_is_refused() -> None:
    frame = response("0101 0000 1234").replace(unhex("00 EF 00 00 01 00"), unhex("00 EF 00 00 02 00"))
    assert "node: must be 1, as in the request, not 2" == str(outcome(frame))


def test_a_command_of_the_controller_is_not_taken_for_a_response() -> None:
    with pytest.raises(CodecError):
        DIALECT.read_at_host(command("0101 0000 1234"))


def test_the_handshake_is_that_of_the_manual() -> None:
    asked = unhex("46494E53 0000000C 00000000 00000000 00000000")  # W420, section 7-4, page 177
    answered = unhex("46494E53 00000010 00000001 00000000 000000EF 00000001")  # page 178
    frame, reader = DIALECT.ask("node_address_data_send", {"client": 0}, 1, {}, {})
    assert asked == frame
    assert reader is not None
    request = asked_for(asked)
    assert [answered] == DIALECT.reply(request, Nodes(0xEF, 1))
    answer = answer_in(answered)
    assert Nodes(0xEF, 1) == reader.take(answer.body)


def test_a_refused_handshake_is_told_in_words() -> None:
    _, reader = DIALECT.ask("node_address_data_send", {"client": 5}, 1, {}, {})
    assert reader is not None
    frame = unhex("46494E53 00000010 00000001 00000021 00000005 00000001")
    answer = answer_in(frame)
    with pytest.raises(Fault, match="33: this node is connected already"):
        reader.take(answer.body)


def test_an_error_in_a_frame_is_an_event() -> None:
    frame = unhex("46494E53 00000008 00000003 00000002")  # W420, section 7-4, page 179
    (event,) = DIALECT.read_at_host(frame)
    assert isinstance(event, Event)
    assert {"error": FrameError.DATA_IS_TOO_LONG} == event.values
    assert frame == DIALECT.event("frame_error", event.values)


def test_a_command_that_wants_no_response_says_so() -> None:
    asked = command("0102 82 0064 00 0001 1234").replace(unhex("800002"), unhex("810002"))
    assert not DIALECT.read_at_equipment(asked).requests[0].wants_reply


@given(st.sampled_from(WORD_CODES), st.integers(0, 0xFFFF), st.lists(st.integers(0, 0xFFFF), max_size=30))
def test_words_come_back_as_they_were_written(area: int, word: int, values: list[int]) -> None:
    sent = {"area": area, "word": word, "bit": 0, "values": values}
    assert sent == asked_for(DIALECT.request("memory_area_write", sent, 1)).values


@given(st.sampled_from(BIT_CODES), st.integers(0, 15), st.lists(st.booleans(), max_size=30))
def test_bits_come_back_as_they_were_written(area: int, bit: int, values: list[bool]) -> None:
    sent = {"area": area, "word": 7, "bit": bit, "values": values}
    assert sent == asked_for(DIALECT.request("memory_area_write", sent, 1)).values


def test_the_declaration_keeps_the_laws() -> None:
    check_equipment(Fins, max_examples=5)


def test_each_end_code_is_an_error_without_its_flags() -> None:
    assert all(code & ~0x7F3F == 0 for code in EndCode)
