"""Modbus RTU over TCP, whose function codes fix the lengths: modbus_rtu_request and modbus_rtu_reply."""

from __future__ import annotations

import pytest

from tcpcomm.errors import BadLength
from tcpcomm.framing import (
    Checked,
    HeaderFramed,
    checksum,
    modbus_rtu_reply,
    modbus_rtu_request,
    parse_framing,
)
from tests.framing.reading import Fault, read

REQUESTS = Checked(HeaderFramed(2, modbus_rtu_request), checksum("crc-16/modbus"))
REPLIES = Checked(HeaderFramed(2, modbus_rtu_reply), checksum("crc-16/modbus"))


@pytest.mark.parametrize(
    "request_in_hex",
    [
        "11 01 0013 0025", "11 02 00C4 0016", "11 03 006B 0003", "11 04 0008 0001", "11 05 00AC FF00",
        "11 06 0001 0003", "11 07", "11 08 0000 A537", "11 0B", "11 0C", "11 0F 0013 000A 02 CD01",
        "11 10 0001 0002 04 000A 0102", "11 11",
        "11 14 07 06 0004 0001 0002", "11 15 09 06 0004 0007 0001 06AF",
        "11 16 0004 00F2 0025", "11 17 0003 0006 000E 0003 06 00FF 00FF 00FF", "11 18 04DE",
        "11 2B 0E 01 00",
    ],
)  # fmt: skip
def test_each_request_of_the_specification_is_one_frame(request_in_hex: str) -> None:
    frame = bytes.fromhex(request_in_hex)
    wire = REQUESTS.encode(frame)
    assert [frame, frame] == read(REQUESTS, wire + wire)


@pytest.mark.parametrize(
    "reply_in_hex",
    [
        "11 01 05 CD6BB20E1B", "11 03 06 022B 0000 0064", "11 04 02 000A", "11 05 00AC FF00", "11 07 6D",
        "11 08 0000 A537", "11 0B FFFF 0108", "11 0C 08 0000 0108 0121 2000", "11 10 0001 0002",
        "11 11 03 01 FF 41", "11 16 0004 00F2 0025", "11 17 04 00FE 0ACD", "11 18 0006 0002 01B8 1284",
        "11 83 02", "11 2B 0E 01 01 00 00 00", "11 2B 0E 04 83 00 00 01 80 00",
        "11 2B 0E 01 01 FF 02 02 00 04 41434D45 01 03 442D37",
    ],
)  # fmt: skip
def test_each_reply_of_the_specification_is_one_frame(reply_in_hex: str) -> None:
    frame = bytes.fromhex(reply_in_hex)
    wire = REPLIES.encode(frame)
    assert [frame, frame] == read(REPLIES, wire + wire)


def test_the_size_of_a_write_is_counted_at_its_seventh_byte() -> None:
    assert 9 + 4 == modbus_rtu_request(bytes.fromhex("11 10 0001 0002 04"))


def test_an_unknown_function_ends_the_stream() -> None:
    fault = Fault(
        BadLength,
        "the header b'\\x11A' is not valid: a request with function 65 has no known length",
        recoverable=False,
    )
    assert [fault] == read(REQUESTS, b"\x11\x41\0\0")


def test_a_reply_of_another_mei_type_ends_the_stream() -> None:
    fault = Fault(
        BadLength,
        "the header b'\\x11+\\r\\x00\\x00\\x00\\x00\\x00' is not valid: a reply with function 43 and MEI "
        "type 13 has no known length",
        recoverable=False,
    )
    assert [fault] == read(REPLIES, b"\x11\x2b\x0d\0\0\0\0\0")


def test_both_have_a_text_form() -> None:
    assert REQUESTS == parse_framing("modbus-rtu-request,check=crc-16/modbus")
    assert REPLIES == parse_framing("modbus-rtu-reply,check=crc-16/modbus")
