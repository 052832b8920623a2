"""Headers of binary messages: the golden bytes of real protocols, and what a fault keeps of its request."""

from __future__ import annotations

from random import Random
from typing import Annotated, Any

import pytest
from attrs import evolve

from tcpcomm.codec import Binary, Field, MessageSpec
from tcpcomm.codec.base import Answer, Dialect, ProtocolErrorKind, Refusal, Request
from tcpcomm.codec.binary.header import ID, OPCODE, STATUS, Length, Skip
from tcpcomm.codec.binary.types import U16, Rest
from tcpcomm.errors import CodecError, Fault
from tcpcomm.framing import LengthPrefixed
from tests.codec.binary.cases import CASES
from tests.codec.cases import Case

MODBUS = Binary(id=U16, head=(ID, b"\0\0", Length(U16), b"\x01", OPCODE))
"""Modbus/TCP, as unit 1."""

WRITE = MessageSpec(
    "write_register", "Plc.write_register", 3, parameters=(Field("at", U16), Field("value", U16))
)

SLMP = Binary(
    U16,
    status=U16,
    byte_order="little",
    head=(b"\x50\0", b"\0\xff\xff\x03\0", Length(U16), b"\x10\0", OPCODE, Skip(2)),
    reply_head=(b"\xd0\0", b"\0\xff\xff\x03\0", Length(U16), STATUS),
)

READ = MessageSpec("read", "Plc.read", 0x0401, result=Annotated[list[U16], Rest()])


def unhex(text: str) -> bytes:
    return bytes.fromhex(text)


def cut_everywhere(framing: LengthPrefixed, stream: bytes) -> list[list[bytes]]:
    """Return the frames of a stream that comes whole, and of one that is cut at each byte."""
    found = []
    for at in range(len(stream) + 1):
        decoder = framing.decoder()
        found.append([*decoder.feed(stream[:at]), *decoder.feed(stream[at:])])
    return found


def refused(dialect: Dialect, frame: bytes) -> Refusal:
    (refusal,) = dialect.read_at_equipment(frame).requests
    assert isinstance(refusal, Refusal)
    return refusal


def fault_in(dialect: Dialect, name: str, frame: bytes) -> Fault:
    (answer,) = dialect.read_at_host(frame)
    assert isinstance(answer, Answer)
    reader = dialect.reply_reader(name)
    assert reader is not None
    with pytest.raises(Fault) as caught:
        reader.take(answer.body)
    return caught.value


def fault_for(dialect: Dialect, frame: bytes) -> bytes:
    """Return the frame by which equipment refuses a frame."""
    refusal = refused(dialect, frame)
    return dialect.fault(refusal, dialect.fault_for(refusal.error_kind, str(refusal.problem)))


def test_modbus_refuses_another_unit_with_the_transaction_and_the_unit_of_the_request() -> None:
    dialect = MODBUS.bind([WRITE])
    asked = unhex("0007 0000 0006 02 03 0005 0001")
    for frames in cut_everywhere(LengthPrefixed(2, offset=4, strip=0), asked):
        assert [unhex("0007 0000 0003 02 83 03")] == [fault_for(dialect, frame) for frame in frames]


def test_modbus_refuses_a_wrong_length_and_an_unknown_function_with_the_transaction_number() -> None:
    dialect = MODBUS.bind([WRITE])
    assert unhex("0007 0000 0003 01 83 03") == fault_for(dialect, unhex("0007 0000 0009 01 03 0005 0001"))
    assert unhex("0007 0000 0003 01 AB 01") == fault_for(dialect, unhex("0007 0000 0006 01 2B 0005 0001"))


def test_a_header_that_ends_too_early_is_refused_with_zeros() -> None:
    assert unhex("0000 0000 0003 01 80 03") == fault_for(MODBUS.bind([WRITE]), unhex("0007 0000 0001 01"))


def test_slmp_keeps_its_route_in_the_fault_for_another_station() -> None:
    dialect = SLMP.bind([READ])
    asked = unhex("5000 02 FF FF03 00 0600 1000 0104 0000")
    assert unhex("D000 02 FF FF03 00 0200 0300") == fault_for(dialect, asked)


def id_place(dialect: Dialect, name: str) -> int:
    """Return the place of the id in the faults of a command."""
    frames = [dialect.fault(Request(name, {}, id), Fault(5)) for id in (0, 0x7F7F7F7F & dialect.largest_id)]
    return next(place for place, (one, other) in enumerate(zip(*frames, strict=True)) if one != other)


@pytest.mark.parametrize("case", [each for each in CASES if each.dialect.by_id], ids=lambda case: case.name)
def test_a_fault_has_the_id_of_its_request_whichever_other_byte_is_wrong(case: Case) -> None:
    """
    Each byte of each request is damaged in turn. Only damage in the id itself changes the fault's id.

    On the code before, every wrong constant and every wrong length lost the id.
    """
    dialect = case.dialect
    codec: Any = case.codec
    width, order = (dialect.largest_id.bit_length() + 7) // 8, codec.byte_order
    for spec in case.answered:
        frame = dialect.request(spec.name, dialect.draw_values(spec.name, Random(1)), 7)
        at_id = id_place(dialect, spec.name)
        ids = []
        for place in range(len(frame)):
            damaged = frame[:place] + bytes([frame[place] ^ 0x55]) + frame[place + 1 :]
            (asked,) = dialect.read_at_equipment(damaged).requests
            if isinstance(asked, Refusal):
                fault = dialect.fault(asked, dialect.fault_for(asked.error_kind, ""))
                ids.append(int.from_bytes(fault[at_id : at_id + width], order))
        assert sum(each != 7 for each in ids) <= width


def test_slmp_keeps_the_error_information_behind_its_end_code() -> None:
    """The manual's error reply: the end code, then network, PC, I/O, station, command and subcommand."""
    dialect = SLMP.bind([READ])
    stream = unhex("D000 00 FF FF03 00 0B00 51C0 00 FF FF03 00 0104 0000")
    for frames in cut_everywhere(LengthPrefixed(2, form="little", offset=7, strip=0), stream):
        (fault,) = [fault_in(dialect, "read", frame) for frame in frames]
        assert (0xC051, unhex("00 FF FF03 00 0104 0000")) == (fault.code, fault.data)


def test_an_exception_of_modbus_with_more_bytes_is_a_fault() -> None:
    fault = fault_in(MODBUS.bind([WRITE]), "write_register", unhex("0007 0000 0005 01 83 02 AA BB"))
    assert (2, b"\xaa\xbb") == (fault.code, fault.data)


def test_a_fault_without_more_bytes_has_no_data() -> None:
    assert fault_in(MODBUS.bind([WRITE]), "write_register", unhex("0007 0000 0003 01 83 02")).data is None


def test_data_that_are_declared_still_have_to_fit() -> None:
    dialect = evolve(MODBUS, data=U16).bind([WRITE])
    assert 0xAABB == fault_in(dialect, "write_register", unhex("0007 0000 0005 01 83 02 AA BB")).data
    (answer,) = dialect.read_at_host(unhex("0007 0000 0006 01 83 02 AA BB CC"))
    assert isinstance(answer, Answer)
    reader: Any = dialect.reply_reader("write_register")
    with pytest.raises(CodecError, match="1 bytes too many"):
        reader.take(answer.body)


@pytest.mark.parametrize(
    "case", [each for each in CASES if "ads" not in each.name], ids=lambda case: case.name
)
def test_a_host_that_declares_no_data_keeps_the_data_of_a_fault_as_bytes(case: Case) -> None:
    """The equipment declares data, and the host does not. On the code before, it dropped the session."""
    codec: Any = case.codec
    sender = evolve(codec, data=Annotated[bytes, Rest()]).bind(case.specs)
    host = evolve(codec, data=None).bind(case.specs)
    code = codec.codes.get(ProtocolErrorKind.INTERNAL, 4)
    for spec in case.answered:
        request = sender.read_at_equipment(
            sender.request(spec.name, sender.draw_values(spec.name, Random(1)), 7)
        ).requests[0]
        frame = sender.fault(request, Fault(code, "", b"\x01\x02\x03"))
        assert (code, b"\x01\x02\x03") == (
            (fault := fault_in(host, spec.name, frame)).code,
            fault.data,
        )
