"""The examples of the standard, from bytes to values and back."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import frozen

from tcpcomm import declaration_of
from tcpcomm.codec.base import Answer, Request
from tcpcomm.devices.modbus import (
    CoilState,
    CoilWritten,
    DeviceIdentification,
    IdentificationObject,
    MaskWritten,
    Modbus,
    ModbusRtu,
    Written,
)
from tcpcomm.framing import checksum


def bits(text: str) -> list[bool]:
    """Return bits, written as the standard does: in bytes, with the highest bit of each first."""
    return [bit == "1" for byte in text.split() for bit in reversed(byte)]


@frozen
class Example:
    """
    One example: what the host sends, and what the device answers.

    The bytes begin with the function code, as those of the standard.
    """

    section: str
    command: str
    values: dict[str, Any]
    request: str
    result: Any
    reply: str


IDENTIFICATION = DeviceIdentification(
    1,
    1,
    0,
    0,
    [
        IdentificationObject(0, b"Company identification"),
        IdentificationObject(1, b"Product code XX"),
        IdentificationObject(2, b"V2.11"),
    ],
)

EXAMPLES = [
    Example(
        "6.1",
        "read_coils",
        {"address": 19, "count": 19},
        "01 00 13 00 13",
        bits("11001101 01101011 101"),
        "01 03 CD 6B 05",
    ),
    Example(
        "6.2",
        "read_discrete_inputs",
        {"address": 196, "count": 22},
        "02 00 C4 00 16",
        bits("10101100 11011011 110101"),
        "02 03 AC DB 35",
    ),
    Example(
        "6.3",
        "read_holding_registers",
        {"address": 107, "count": 3},
        "03 00 6B 00 03",
        [555, 0, 100],
        "03 06 02 2B 00 00 00 64",
    ),
    Example(
        "6.4", "read_input_registers", {"address": 8, "count": 1}, "04 00 08 00 01", [10], "04 02 00 0A"
    ),
    Example(
        "6.5",
        "write_single_coil",
        {"address": 172, "value": CoilState.ON},
        "05 00 AC FF 00",
        CoilWritten(172, CoilState.ON),
        "05 00 AC FF 00",
    ),
    Example(
        "6.6",
        "write_single_register",
        {"address": 1, "value": 3},
        "06 00 01 00 03",
        Written(1, 3),
        "06 00 01 00 03",
    ),
    Example(
        "6.11",
        "write_multiple_coils",
        {"address": 19, "values": bits("11001101 01")},
        "0F 00 13 00 0A 02 CD 01",
        Written(19, 10),
        "0F 00 13 00 0A",
    ),
    Example(
        "6.12",
        "write_multiple_registers",
        {"address": 1, "values": [10, 258]},
        "10 00 01 00 02 04 00 0A 01 02",
        Written(1, 2),
        "10 00 01 00 02",
    ),
    Example(
        "6.16",
        "mask_write_register",
        {"address": 4, "and_mask": 0xF2, "or_mask": 0x25},
        "16 00 04 00 F2 00 25",
        MaskWritten(4, 0xF2, 0x25),
        "16 00 04 00 F2 00 25",
    ),
    Example(
        "6.17",
        "read_write_multiple_registers",
        {"read_address": 3, "count": 6, "write_address": 14, "values": [255, 255, 255]},
        "17 00 03 00 06 00 0E 00 03 06 00 FF 00 FF 00 FF",
        [254, 2765, 1, 3, 13, 255],
        "17 0C 00 FE 0A CD 00 01 00 03 00 0D 00 FF",
    ),
    Example(
        "6.21",
        "read_device_identification",
        {"read_code": 1, "first_object": 0},
        "2B 0E 01 00",
        IDENTIFICATION,
        "2B 0E 01 01 00 00 03"
        f" 00 16 {b'Company identification'.hex(' ')} 01 0F {b'Product code XX'.hex(' ')}"
        f" 02 05 {b'V2.11'.hex(' ')}",
    ),
]
"""Source: MODBUS Application Protocol Specification V1.1b3."""

each_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: each.section)
TCP = declaration_of(Modbus).dialect
RTU = declaration_of(ModbusRtu).dialect
CRC = checksum("crc-16/modbus")


def in_tcp(pdu: str, *, transaction: int = 0x1501, unit: int = 17) -> bytes:
    """Return a message with the header of TCP: transaction, protocol 0, length, unit."""
    content = bytes([unit]) + bytes.fromhex(pdu)
    return transaction.to_bytes(2, "big") + b"\0\0" + len(content).to_bytes(2, "big") + content


@each_example
def test_a_host_sends_the_request_of_the_standard(example: Example) -> None:
    frame, _ = TCP.ask(example.command, example.values, 0x1501, {"unit": 17}, {})
    assert in_tcp(example.request) == frame


@each_example
def test_a_device_reads_the_request_of_the_standard(example: Example) -> None:
    asked = TCP.read_at_equipment(in_tcp(example.request))
    assert isinstance(asked, Request)
    assert (example.command, example.values, 0x1501) == (asked.name, asked.values, asked.id)
    assert {"unit": 17} == asked.header


@each_example
def test_a_device_sends_the_reply_of_the_standard(example: Example) -> None:
    asked = TCP.read_at_equipment(in_tcp(example.request)).requests[0]
    assert isinstance(asked, Request)
    assert [in_tcp(example.reply)] == TCP.reply(asked, example.result)


@each_example
def test_a_host_reads_the_reply_of_the_standard(example: Example) -> None:
    _, reader = TCP.ask(example.command, example.values, 0x1501, {"unit": 17}, {})
    (answer,) = TCP.read_at_host(in_tcp(example.reply))
    assert reader is not None
    assert isinstance(answer, Answer)
    assert example.result == reader.take(answer.body)


def in_rtu(pdu: str, *, unit: int = 17) -> bytes:
    """Return a message of RTU: unit, function and data, and the checksum with its lowest byte first."""
    content = bytes([unit]) + bytes.fromhex(pdu)
    return content + CRC.compute(content).to_bytes(2, "little")


@each_example
def test_a_host_of_rtu_sends_the_request_with_its_checksum(example: Example) -> None:
    frame, _ = RTU.ask(example.command, example.values, 0, {"unit": 17}, {})
    assert in_rtu(example.request) == ModbusRtu.framing.encode(frame)


@each_example
def test_a_device_of_rtu_reads_the_request_and_sends_the_reply(example: Example) -> None:
    (frame,) = ModbusRtu.framing.decoder().feed(in_rtu(example.request))
    asked = RTU.read_at_equipment(frame)
    assert isinstance(asked, Request)
    assert (example.command, example.values) == (asked.name, asked.values)
    (reply,) = RTU.reply(asked, example.result)
    assert ModbusRtu.reply_framing is not None
    assert in_rtu(example.reply) == ModbusRtu.reply_framing.encode(reply)


@each_example
def test_a_host_of_rtu_reads_the_reply(example: Example) -> None:
    _, reader = RTU.ask(example.command, example.values, 0, {"unit": 17}, {})
    assert ModbusRtu.reply_framing is not None
    (frame,) = ModbusRtu.reply_framing.decoder().feed(in_rtu(example.reply))
    (answer,) = RTU.read_at_host(frame)
    assert reader is not None
    assert isinstance(answer, Answer)
    assert example.result == reader.take(answer.body)


def test_reads_may_be_repeated_and_writes_may_not() -> None:
    commands = declaration_of(Modbus).commands
    assert [
        "write_single_coil",
        "write_single_register",
        "write_multiple_coils",
        "write_multiple_registers",
        "mask_write_register",
        "read_write_multiple_registers",
    ] == [name for name, command in commands.items() if not command.idempotent]
