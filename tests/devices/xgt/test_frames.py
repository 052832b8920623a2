"""
The frames of XGT FEnet are those of the manuals of LS Electric.

XGL-EFMT is "XGT FEnet I/F module", chapter 8; XGL-EFMF is its successor, chapter 7.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm import Fault, declaration_of
from tcpcomm.codec import Request
from tcpcomm.codec.base import Answer, Refusal
from tcpcomm.devices.xgt import ErrorCode, Xgt
from tcpcomm.testing import check_equipment

DIALECT = declaration_of(Xgt).dialect
COMPANY = "4C5349532D5847540000"
OLD_COMPANY = "4C4749532D474C4F4641"


def unhex(text: str) -> bytes:
    return bytes.fromhex(text)


def frame(source: str, instruction: str, *, company: str = COMPANY, check: str | None = None) -> bytes:
    """Return a frame with invoke id 1 and the sum of its header, or another check."""
    body = unhex(instruction)
    header = unhex(f"{company} 0000 A0 {source} 0100") + len(body).to_bytes(2, "little") + b"\0"
    return header + (bytes([sum(header) & 0xFF]) if check is None else unhex(check)) + body


def asked_for(request: bytes) -> Request:
    """Return the request that a controller reads in a frame."""
    found = DIALECT.read_at_equipment(request).requests[0]
    assert isinstance(found, Request), found
    return found


def outcome(name: str, reply: bytes, values: dict[str, Any]) -> Any:
    """Return what a host takes a reply for."""
    _, reader = DIALECT.ask(name, values, 1, {}, {})
    (answer,) = DIALECT.read_at_host(reply)
    assert isinstance(answer, Answer)
    assert reader is not None
    try:
        return reader.take(answer.body)
    except Fault as fault:
        return fault


NAME = "0600 25 4D 57 31 30 30"  # %MW100
GOLDEN: list[tuple[str, dict[str, Any], str, Any, str]] = [
    (  # XGL-EFMT, section 8.2: one word
        "read_words",
        {"names": ["%MW100"]},
        f"5400 0200 0000 0100 {NAME}",
        [0x1234],
        "5500 0200 0000 0000 0100 0200 3412",
    ),
    (
        "read_words",
        {"names": ["%MW100", "%DW7"]},
        f"5400 0200 0000 0200 {NAME} 0400 25 44 57 37",
        [0x1234, 0xFFFF],
        "5500 0200 0000 0000 0200 0200 3412 0200 FFFF",
    ),
    (
        "read_bits",
        {"names": ["%MX2764"]},
        "5400 0000 0000 0100 0700 25 4D 58 32 37 36 34",
        [True],
        "5500 0000 0000 0000 0100 0100 01",
    ),
    (
        "read_bytes",
        {"names": ["%DB7"]},
        "5400 0100 0000 0100 0400 25 44 42 37",
        [0x7F],
        "5500 0100 0000 0000 0100 0100 7F",
    ),
    (
        "read_dwords",
        {"names": ["%DD7"]},
        "5400 0300 0000 0100 0400 25 44 44 37",
        [0x12345678],
        "5500 0300 0000 0000 0100 0400 78563412",
    ),
    (
        "read_lwords",
        {"names": ["%DL7"]},
        "5400 0400 0000 0100 0400 25 44 4C 37",
        [0x1122334455667788],
        "5500 0400 0000 0000 0100 0800 8877665544332211",
    ),
    (
        "read_continuously",
        {"name": "%DB200", "count": 4},
        "5400 1400 0000 0100 0600 25 44 42 32 30 30 0400",
        b"\1\2\3\4",
        "5500 1400 0000 0000 0100 0400 01020304",
    ),
    (
        "write_words",
        {"names": ["%MW100"], "values": [0x1234]},
        f"5800 0200 0000 0100 {NAME} 0200 3412",
        1,
        "5900 0200 0000 0000 0100",
    ),
    (
        "write_bits",
        {"names": ["%MX1", "%MX2"], "values": [True, False]},
        "5800 0000 0000 0200 0400 25 4D 58 31 0400 25 4D 58 32 0100 01 0100 00",
        2,
        "5900 0000 0000 0000 0200",
    ),
    (
        "write_continuously",
        {"name": "%DB200", "data": b"\1\2\3\4"},
        "5800 1400 0000 0100 0600 25 44 42 32 30 30 0400 01020304",
        1,
        "5900 1400 0000 0000 0100",
    ),
]


@pytest.mark.parametrize(
    ("name", "values", "asked", "result", "answered"),
    GOLDEN,
    ids=[f"{each[0]} {index}" for index, each in enumerate(GOLDEN)],
)
def test_a_request_and_its_response_are_those_of_the_manual(
    name: str, values: dict[str, Any], asked: str, result: Any, answered: str
) -> None:
    request = DIALECT.request(name, values, 1)
    assert frame("33", asked).hex(" ") == request.hex(" ")
    read = asked_for(request)
    assert (name, values) == (read.name, read.values)
    (reply,) = DIALECT.reply(read, result)
    assert frame("11", answered).hex(" ") == reply.hex(" ")
    assert result == outcome(name, reply, values)


def test_the_sum_of_the_header_is_that_of_a_captured_frame() -> None:
    captured = "4C5349532D58475400000000 A0 33 0100 1000 00 3F 5400 0200 0000 0100 0600 254457313030"
    assert unhex(captured) == DIALECT.request("read_words", {"names": ["%DW100"]}, 1)


@pytest.mark.parametrize("check", [None, "00"], ids=["sum", "zero"])
@pytest.mark.parametrize("company", [COMPANY, OLD_COMPANY])
def test_both_habits_of_the_check_and_both_company_ids_are_read(check: str | None, company: str) -> None:
    read = asked_for(frame("33", f"5400 0200 0000 0100 {NAME}", company=company, check=check))
    assert ["%MW100"] == read.values["names"]
    (reply,) = DIALECT.reply(read, [7])
    assert frame("11", "5500 0200 0000 0000 0100 0200 0700", company=company) == reply


def test_a_wrong_check_is_refused_with_its_code() -> None:
    wrong = frame("33", f"5400 0200 0000 0100 {NAME}", check="99")
    refusal = DIALECT.read_at_equipment(wrong).requests[0]
    assert isinstance(refusal, Refusal)
    assert "sum_of_bytes: must be 63, not 153" == str(refusal.problem)
    fault = DIALECT.fault(refusal, DIALECT.fault_for(refusal.error_kind, ""))
    assert frame("11", "5500 0200 0000 FFFF 7700") == fault


@pytest.mark.parametrize("end", ["FFFF 0400", "FF00 0400", "0100 0400", "FFFF 04"])
def test_a_nak_is_told_in_words(end: str) -> None:
    fault = outcome("read_words", frame("11", f"5500 0200 0000 {end}"), {"names": ["%DW0"]})
    assert (Fault, "4: 0004 hex, address is out of range") == (type(fault), str(fault))


def test_a_fault_is_written_as_a_nak() -> None:
    read = asked_for(DIALECT.request("write_words", {"names": ["%MW100"], "values": [1]}, 1))
    assert frame("11", "5900 0200 0000 FFFF 0300") == DIALECT.fault(
        read, Fault(ErrorCode.DEVICE_IS_NOT_SERVED)
    )


def test_a_request_that_says_another_number_of_bytes_for_its_values_is_read_by_its_data_type() -> None:
    read = asked_for(frame("33", f"5800 0200 0000 0100 {NAME} 2000 3412"))
    assert [0x1234] == read.values["values"]


@pytest.mark.parametrize(
    "instruction",
    [
        f"5400 0200 0000 0200 {NAME}",
        f"5400 0200 0000 0100 {NAME} 00",
        f"5800 0200 0000 0100 {NAME} 0200 34",
        "5400 1400 0000 0200 0600 25 44 42 32 30 30 0400",
        "5800 1400 0000 0100 0600 25 44 42 32 30 30 0400 010203",
        "5400 0200 0000 0100 0900 25 44 42 32 30 30",
    ],
)
def test_a_request_whose_length_is_wrong_is_refused_whole(instruction: str) -> None:
    refusal = DIALECT.read_at_equipment(frame("33", instruction)).requests[0]
    assert isinstance(refusal, Refusal)
    fault = DIALECT.fault(refusal, DIALECT.fault_for(refusal.error_kind, ""))
    assert fault.endswith(unhex("0000 FFFF 7600"))


@given(st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=16))
def test_words_come_back_as_they_were_written(words: list[int]) -> None:
    values = {"names": [f"%DW{at}" for at in range(len(words))], "values": words}
    assert values == asked_for(DIALECT.request("write_words", values, 1)).values


@given(st.binary(max_size=1400))
def test_bytes_come_back_as_they_were_written(data: bytes) -> None:
    values = {"name": "%DB0", "data": data}
    assert values == asked_for(DIALECT.request("write_continuously", values, 1)).values


def test_the_declaration_keeps_the_laws() -> None:
    check_equipment(Xgt, max_examples=3)
