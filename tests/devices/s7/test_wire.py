"""
The bytes of S7 communication are those of its sources.

Sources: RFC 1006, 6; ITU-T X.224, 13.3 to 13.7; the dissector "s7comm" of Wireshark.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm import Fault, declaration_of
from tcpcomm.codec.base import Answer, Request
from tcpcomm.devices.s7 import (
    S7,
    Area,
    Confirm,
    ErrorCode,
    Item,
    Option,
    ReturnCode,
    Size,
    StatusQuery,
    StatusReply,
    Values,
)
from tcpcomm.devices.s7.items import data, parameters, read_values, write_values
from tcpcomm.errors import CodecError
from tcpcomm.testing import check_equipment

DIALECT = declaration_of(S7).dialect
OPTIONS = [Option(0xC0, b"\x0a"), Option(0xC1, b"\1\0"), Option(0xC2, b"\1\2")]
BYTES = Item(Size.BYTE, 4, 1, Area.BLOCKS, 0)
BIT = Item(Size.BIT, 1, 0, Area.MERKERS, 3)
WORD = Item(Size.WORD, 1, 0, Area.OUTPUTS, 80)


def unhex(text: str) -> bytes:
    return bytes.fromhex(text)


VECTORS = {
    "connect": (
        "connect",
        {"kind": 0, "options": OPTIONS},
        "0300 0016 11 E0 0000 0001 00 C0010A C1020100 C2020102",
        Confirm(2, 0, OPTIONS),
        "0300 0016 11 D0 0001 0002 00 C0010A C1020100 C2020102",
    ),
    "set up": (
        "set_up",
        {},
        "0300 0019 02F080 32010000 0200 0008 0000 F0 00 0001 0001 03C0",
        None,
        "0300 001B 02F080 32030000 0200 0008 0000 0000 F0 00 0001 0001 0000",
    ),
    "read 4 bytes": (
        "read_variables",
        {"items": [BYTES]},
        "0300 001F 02F080 32010000 0200 000E 0000 04 01 120A1002 0004 0001 84 000000",
        Values(1, unhex("FF 04 0020 DEADBEEF")),
        "0300 001D 02F080 32030000 0200 0002 0008 0000 04 01 FF 04 0020 DEADBEEF",
    ),
    "read a bit and a word, of which one is not there": (
        "read_variables",
        {"items": [BIT, WORD]},
        "0300 002B 02F080 32010000 0200 001A 0000 04 02"
        "120A1001 0001 0000 83 000003 120A1004 0001 0000 82 000050",
        Values(2, unhex("FF 03 0001 01 00 0A 00 0000")),
        "0300 001F 02F080 32030000 0200 0002 000A 0000 04 02 FF 03 0001 01 00 0A 00 0000",
    ),
    "read the operating mode": (
        "read_system_status",
        {"query": StatusQuery(0x0424, 0)},
        "0300 0021 02F080 32070000 0200 0008 0008 000112041144 01 00 FF09 0004 0424 0000",
        StatusReply(0xFF, 9, unhex("0424 0000 0014 0001 0251FF08 00000000 00000000 94022310 08205216")),
        "0300 003D 02F080 32070000 0200 000C 0020 000112081284 01 000000 0000"
        "FF09 001C 0424 0000 0014 0001 0251FF08 00000000 00000000 94022310 08205216",
    ),
    "write a bit and a word": (
        "write_variables",
        {"items": [BIT, WORD], "values": unhex("00 03 0001 01 00 00 04 0010 1234")},
        "0300 0037 02F080 32010000 0200 001A 000C 05 02"
        "120A1001 0001 0000 83 000003 120A1004 0001 0000 82 000050"
        "00 03 0001 01 00 00 04 0010 1234",
        b"\xff\x05",
        "0300 0017 02F080 32030000 0200 0002 0002 0000 05 02 FF 05",
    ),
}


@pytest.mark.parametrize(("name", "values", "asked", "result", "answered"), VECTORS.values(), ids=VECTORS)
def test_commands_and_replies_have_the_bytes_of_the_sources(
    name: str, values: dict[str, Any], asked: str, result: Any, answered: str
) -> None:
    sent, received = declaration_of(S7).sent, declaration_of(S7).received
    (frame,) = received.decoder().feed(unhex(asked))
    assert frame == DIALECT.request(name, values, 0x0200)
    assert unhex(asked) == received.encode(frame)
    (request,) = DIALECT.read_at_equipment(frame).requests
    assert isinstance(request, Request)
    assert (name, values) == (request.name, request.values)
    (reply,) = DIALECT.reply(request, result)
    assert unhex(answered) == sent.encode(reply)
    _, reader = DIALECT.ask(name, values, 0x0200, {}, {})
    (answer,) = DIALECT.read_at_host(reply)
    assert reader is not None
    assert result == reader.take(answer.body)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("02F080 32020000 0200 0000 0000 8104", ErrorCode.SERVICE_NOT_IMPLEMENTED_OR_FRAME_ERROR),
        ("02F080 32030000 0200 0000 0000 8500", ErrorCode.WRONG_FRAME_OR_PDU_SIZE),
        ("02F080 32030000 0200 0002 0000 8703 04 00", ErrorCode.ACCESS_REFUSED),
    ],
    ids=["acknowledge", "acknowledge with data", "with parameters"],
)
def test_an_error_class_and_code_are_told_in_words_in_each_form(answer: str, code: int) -> None:
    _, reader = DIALECT.ask("read_variables", {"items": [BYTES]}, 0x0200, {}, {})
    (found,) = DIALECT.read_at_host(unhex(answer))
    assert reader is not None
    with pytest.raises(Fault) as caught:
        reader.take(found.body)  # type: ignore[union-attr]
    assert code == caught.value.code
    assert f"(error class {code >> 8:02X}, code {code & 255:02X})" in str(caught.value)


def test_a_disconnect_request_tells_why_there_is_no_connection() -> None:
    _, reader = DIALECT.ask("connect", {"kind": 0, "options": OPTIONS}, 0, {}, {})
    (found,) = DIALECT.read_at_host(unhex("06 80 0001 0000 03"))
    assert reader is not None
    with pytest.raises(Fault, match="3: this TSAP is unknown: check rack, slot and connection type"):
        reader.take(found.body)  # type: ignore[union-attr]


def test_every_command_arrives_as_it_was_sent() -> None:
    check_equipment(S7, max_examples=3)


def of_size(size: Size) -> st.SearchStrategy[tuple[int, Size, bytes]]:
    longest = 1 if size is Size.BIT else 9
    return st.tuples(st.just(0xFF), st.just(size), st.binary(max_size=longest))


@given(st.lists(st.sampled_from(list(Size)).flatmap(of_size), max_size=5))
def test_values_behind_each_other_are_read_as_they_were_written(
    values: list[tuple[int, Size, bytes]],
) -> None:
    found = read_values(len(values), write_values(values))
    assert [each[2] for each in values] == [content for _, _, content in found]


@given(st.binary(max_size=40))
def test_the_lengths_of_parameters_and_data_cover_any_bytes(body: bytes) -> None:
    assert len(body) == parameters(body) + data(body)
    assert 0 <= data(body)


@given(st.integers(0, 5), st.binary(max_size=40))
def test_data_that_make_no_sense_are_refused(count: int, content: bytes) -> None:
    try:
        found = list(read_values(count, content))
    except CodecError:
        return
    assert count == len(found)


def test_a_variable_that_is_not_there_has_no_value_whatever_its_length_says() -> None:
    content = unhex("0A 00 0004 FF 04 0008 07")
    assert [(ReturnCode.OBJECT_DOES_NOT_EXIST, 0, b""), (ReturnCode.SUCCESS, 4, b"\7")] == list(
        read_values(2, content)
    )


@pytest.mark.parametrize("kind", ["02", "03"], ids=["ack", "ack with data"])
def test_a_cpu_without_put_and_get_is_told_in_words(kind: str) -> None:
    """An S7-1200 answers so to a read if PUT/GET is not allowed."""
    refused = bytes.fromhex(f"02f080 32{kind}0000 0001 0000 0000 8104")
    (answer,) = DIALECT.read_at_host(refused)
    reader = DIALECT.reply_reader("read_variables")
    assert isinstance(answer, Answer)
    assert reader is not None
    with pytest.raises(Fault, match="if access with PUT/GET is not allowed"):
        reader.take(answer.body)
