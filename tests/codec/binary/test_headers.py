"""Headers of binary messages: the golden bytes of real protocols, and what a fault keeps of its request."""

from __future__ import annotations

from random import Random
from typing import Annotated, Any

import pytest
from attrs import evolve, frozen

from tcpcomm.codec import Binary, Field, MessageSpec
from tcpcomm.codec.base import Answer, Dialect, ProtocolErrorKind, Refusal, Request
from tcpcomm.codec.binary.header import ID, OPCODE, STATUS, Check, Length
from tcpcomm.codec.binary.statuses import Mask
from tcpcomm.codec.binary.types import F32, U8, U16, U32, Counted, Fixed, Rest, Skip
from tcpcomm.codec.binary.variables import Echo, WantsReply
from tcpcomm.errors import CodecError, ConfigurationError, Fault
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


def one_more_than_listed(body: bytes) -> int:
    return 1 + 2 * body[0] if body else 0


def values(body: bytes) -> int:
    return len(body) - one_more_than_listed(body)


def test_lengths_count_the_parts_of_a_message() -> None:
    head = (Length(U16, of=one_more_than_listed, adjust=1), Length(U16, of=values), OPCODE)
    codec = Binary(head=head, reply_head=(OPCODE,))
    items = Annotated[list[U16], Counted(U8)]
    fields = (Field("items", items), Field("values", Annotated[bytes, Rest()]))
    dialect = codec.bind([MessageSpec("write", "Plc.write", 5, parameters=fields)])
    frame = unhex("0006 0003 05 02 0007 0008 AABBCC")
    given = {"items": [7, 8], "values": unhex("AABBCC")}
    assert frame == dialect.request("write", given, 0)
    assert [Request("write", given, None)] == list(dialect.read_at_equipment(frame).requests)
    shown = dialect.notation("write").request
    assert "one_more_than_listed:u16be+1 values:u16be 05 items:(u16be)[u8] values:bytes[...]" == shown

    wrong = refused(dialect, unhex("0006 0002 05 02 0007 0008 AABBCC"))
    assert "values: must be 3, not 2" == str(wrong.problem)


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
    fault = dialect.fault_for(ProtocolErrorKind.INTERNAL, "")
    frames = [dialect.fault(Request(name, {}, id), fault) for id in (0, 0x7F7F7F7F & dialect.largest_id)]
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
    "case", [each for each in CASES if not getattr(each.codec, "reason", "?")], ids=lambda case: case.name
)
def test_a_host_that_declares_no_data_keeps_the_data_of_a_fault_as_bytes(case: Case) -> None:
    """The equipment declares data, and the host does not. On the code before, it dropped the session."""
    codec: Any = case.codec
    sender = evolve(codec, data=Annotated[bytes, Rest()]).bind(case.specs)
    host = evolve(codec, data=None).bind(case.specs)
    code = host.fault_for(ProtocolErrorKind.INTERNAL, "").code
    for spec in case.answered:
        request = sender.read_at_equipment(
            sender.request(spec.name, sender.draw_values(spec.name, Random(1)), 7)
        ).requests[0]
        frame = sender.fault(request, Fault(code, "", b"\x01\x02\x03"))
        assert (code, b"\x01\x02\x03") == (
            (fault := fault_in(host, spec.name, frame)).code,
            fault.data,
        )


def result_of(dialect: Dialect, name: str, frame: bytes) -> Any:
    """Return the result that a host reads in a reply."""
    (answer,) = dialect.read_at_host(frame)
    assert isinstance(answer, Answer)
    reader = dialect.reply_reader(name)
    assert reader is not None
    return reader.take(answer.body)


def asked(dialect: Dialect, frame: bytes) -> Request:
    (request,) = dialect.read_at_equipment(frame).requests
    assert isinstance(request, Request), request
    return request


@frozen
class Reading:
    value: U16
    warning: Annotated[int, STATUS] = 0


MEASURE = MessageSpec("measure", "Gauge.measure", 0x20, result=Reading)


def gauge(ok: Any, status: Any = U16) -> Dialect:
    return Binary(status=status, ok=ok, codes=dict.fromkeys(ProtocolErrorKind, 0x8001)).bind([MEASURE])


def low_codes(status: int) -> bool:
    return status < 0x100


@pytest.mark.parametrize(
    "ok",
    [(0, 4), {0, 4}, range(0x10), Mask(0x8000), low_codes],
    ids=["some", "set", "range", "mask", "function"],
)
def test_a_warning_is_a_good_status_and_the_result_contains_it(ok: Any) -> None:
    dialect = gauge(ok)
    assert Reading(0x55, 4) == result_of(dialect, "measure", unhex("20 0004 0055"))
    assert [unhex("20 0004 0055")] == dialect.reply(Request("measure", {}), Reading(0x55, 4))
    assert [unhex("20 0000 0055")] == dialect.reply(Request("measure", {}), Reading(0x55))
    assert 0x8001 == fault_in(dialect, "measure", unhex("20 8001")).code
    with pytest.raises(CodecError, match=r"status: 32769 is not a good status: raise Fault\(32769\)"):
        dialect.reply(Request("measure", {}), Reading(1, 0x8001))
    with pytest.raises(CodecError, match="code: 4 means success"):
        dialect.fault(Request("measure", {}), Fault(4))


def test_a_result_may_be_the_status_alone() -> None:
    home = MessageSpec("home", "Axis.home", 0x30, result=Annotated[int, STATUS])
    dialect = Binary(status=U8, ok=range(0x10), codes=dict.fromkeys(ProtocolErrorKind, 0xFF)).bind([home])
    assert 7 == result_of(dialect, "home", unhex("30 07"))
    assert [unhex("30 07")] == dialect.reply(Request("home", {}), 7)
    assert 0x10 == fault_in(dialect, "home", unhex("30 10")).code


def test_the_notation_of_a_reply_shows_the_good_statuses() -> None:
    assert ("20 status:u16be(0|4) value:u16be",) == gauge((0, 4)).notation("measure").replies
    assert ("20 status:u16be(&8000=0) value:u16be",) == gauge(Mask(0x8000)).notation("measure").replies
    assert ("20 status:u16be(0..15) value:u16be",) == gauge(range(16)).notation("measure").replies
    assert "20 status:u16be" == gauge(0).fault_notation().replace("opcode", "20")


WRONG_OK: list[tuple[dict[str, Any], str]] = [
    ({"ok": ()}, "ok must be a status, several such as"),
    ({"ok": "0"}, "ok must be a status, several such as"),
    ({"ok": lambda status: False}, "ok must be a status, several such as"),
    ({"status": U8, "ok": range(16)}, "status 1 means success"),
    ({"status": U8, "status_last": True, "head": (OPCODE, STATUS)}, "status_last needs a status"),
    ({"status_last": True}, "status_last needs a status"),
    ({"opcode": Annotated[str, Fixed(8)]}, "text opcodes have no bit for a fault"),
    ({"opcode": Annotated[str, Counted(U8)], "status": U8}, "opcode must be a whole number with its width"),
    ({"opcode": (U8,)}, "needs two or more"),
    ({"wants_reply_bit": 0x100}, "wants_reply_bit must be a bit of the opcode, which has 8"),
]


@pytest.mark.parametrize(("options", "problem"), WRONG_OK)
def test_options_of_statuses_and_opcodes_that_cannot_work_are_refused(
    options: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        Binary(**options).bind([])


def test_the_words_of_a_code_are_those_of_the_bits_of_the_mask() -> None:
    codec = Binary(
        status=U16,
        ok=Mask(0x7F3F),
        codes=dict.fromkeys(ProtocolErrorKind, 1),
        meanings={0x1103: "out of range", 0x1143: "out of range, and the battery is low"},
    )
    dialect = codec.bind([MEASURE])
    assert Reading(0x55, 0x40) == result_of(dialect, "measure", unhex("20 0040 0055"))
    assert [
        "4355: out of range",
        "4419: out of range, and the battery is low",
        "37251: out of range",
    ] == [str(fault_in(dialect, "measure", unhex(frame))) for frame in ("20 1103", "20 1143", "20 9183")]


def test_bytes_that_are_skipped_can_be_sent() -> None:
    codec = Binary(head=(Skip(b"\x00\x02"), OPCODE), reply_head=(Skip(b"\x09"), OPCODE))
    dialect = codec.bind([MessageSpec("read", "Plc.read", 0x21, result=U8)])
    assert unhex("00 02 21") == dialect.request("read", {}, 0)
    asked = dialect.read_at_equipment(unhex("FF FF 21")).requests[0]
    assert isinstance(asked, Request)
    assert [unhex("09 21 07")] == dialect.reply(asked, 7)
    assert 7 == result_of(dialect, "read", unhex("AA 21 07"))
    assert "skip(00 02) 21" == dialect.notation("read").request


def low_byte(header: bytes) -> int:
    return sum(header) & 0xFF


def checked(*, zero: bool) -> Dialect:
    head = (b"\x20", OPCODE, Check(U8, low_byte, zero_is_unchecked=zero), Skip(b"\x09"))
    return Binary(head=head).bind([MessageSpec("read", "Plc.read", 0x21, parameters=(Field("at", U8),))])


def test_a_check_in_a_header_follows_from_the_bytes_in_front() -> None:
    dialect = checked(zero=False)
    assert unhex("20 21 41 09 07") == dialect.request("read", {"at": 7}, 0)
    asked = dialect.read_at_equipment(unhex("20 21 41 00 07")).requests[0]
    assert isinstance(asked, Request)
    assert [unhex("20 21 41 09")] == dialect.reply(asked, None)
    for wrong in ("42", "00"):
        refusal = dialect.read_at_equipment(unhex(f"20 21 {wrong} 00 07")).requests[0]
        assert isinstance(refusal, Refusal)
        assert f"low_byte: must be 65, not {int(wrong, 16)}" == str(refusal.problem)
        assert unhex("20 A1 C1 09 03") == dialect.fault(refusal, Fault(3))
    assert "20 21 low_byte:u8 skip(09) at:u8" == dialect.notation("read").request


def test_zero_may_mean_that_a_check_was_not_computed() -> None:
    asked = checked(zero=True).read_at_equipment(unhex("20 21 00 00 07")).requests[0]
    assert isinstance(asked, Request)


def test_the_status_of_a_fault_may_say_only_that_it_is_one() -> None:
    codec = Binary(status=U16, fault_status=0xFFFF, code=U8, reply_bit=0x40, meanings={4: "out of range"})
    dialect = codec.bind([MEASURE])
    asked = dialect.read_at_equipment(unhex("20")).requests[0]
    assert isinstance(asked, Request)
    assert unhex("60 FFFF 04") == dialect.fault(asked, Fault(4))
    assert unhex("60 FFFF 00") == dialect.fault(asked, Fault(0))
    for status in ("FFFF", "00FF"):
        assert "4: out of range" == str(fault_in(dialect, "measure", unhex(f"60 {status} 04")))
    unknown = dialect.read_at_equipment(unhex("21")).requests[0]
    assert isinstance(unknown, Refusal)
    assert unhex("61 FFFF 01") == dialect.fault(unknown, Fault(1))
    for options in ({"fault_status": 0xFFFF}, {"status": U16, "fault_status": 0}):
        with pytest.raises(ConfigurationError, match=r"fault_status|status 0 means success"):
            Binary(**options)


def test_a_mask_without_a_possible_status_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no status has 0x1 in the bits of 0x8000"):
        Mask(0x8000, 1)


def test_a_status_in_a_result_needs_a_status_of_the_codec() -> None:
    with pytest.raises(ConfigurationError, match=r"Gauge\.measure: its result: it contains STATUS, but"):
        Binary().bind([MEASURE])


NANONIS = Binary(
    Annotated[str, Fixed(32)],
    status=U32,
    status_last=True,
    reason=Annotated[str, Counted(U32)],
    head=(OPCODE, Length(U32, adjust=-4), WantsReply(U16), Skip(2)),
    reply_head=(OPCODE, Length(U32, adjust=-4), Skip(4)),
)
"""Nanonis: the name in 32 bytes, the size of the body, "send response back", and two unused bytes."""

BIAS = [
    MessageSpec("bias", "Microscope.bias", "Bias.Get", result=F32),
    MessageSpec("set_bias", "Microscope.set_bias", "Bias.Set", parameters=(Field("volts", F32),)),
    MessageSpec("stop", "Microscope.stop", "Motor.StopMove", reply=None),
]


def named(name: bytes) -> bytes:
    return name.ljust(32, b"\0")


def test_nanonis_has_text_opcodes_and_the_error_at_the_end_of_the_body() -> None:
    dialect = NANONIS.bind(BIAS)
    request = named(b"Bias.Get") + unhex("00000000 0001 0000")
    assert request == dialect.request("bias", {}, 0)
    reply = named(b"Bias.Get") + unhex("0000000C 00000000 3FC00000 00000000 00000000")
    assert [reply] == dialect.reply(asked(dialect, request), 1.5)
    assert 1.5 == result_of(dialect, "bias", reply)
    assert named(b"Bias.Set") + unhex("00000004 0001 0000 3FC00000") == dialect.request(
        "set_bias", {"volts": 1.5}, 0
    )


def test_an_event_wants_no_reply() -> None:
    moved = MessageSpec("moved", "Microscope.moved", "Motor.Moved", is_event=True)
    frame = evolve(NANONIS, event_head=NANONIS.head).bind([*BIAS, moved]).event("moved", {})
    assert named(b"Motor.Moved") + unhex("00000000 0000 0000") == frame


def test_a_nanonis_command_without_a_reply_says_so() -> None:
    dialect = NANONIS.bind(BIAS)
    request = named(b"Motor.StopMove") + unhex("00000000 0000 0000")
    assert request == dialect.request("stop", {}, 0)
    assert not asked(dialect, request).wants_reply
    assert not asked(dialect, named(b"Bias.Get") + unhex("00000000 0000 0000")).wants_reply


@pytest.mark.parametrize("values", ["", "00000000", "3FC00000"], ids=["none", "zeros", "a value"])
def test_a_nanonis_error_is_found_behind_a_value_or_without_one(values: str) -> None:
    dialect = NANONIS.bind(BIAS)
    body = unhex(values) + unhex("00000007 00000004") + b"busy"
    reply = named(b"Bias.Get") + len(body).to_bytes(4, "big") + bytes(4) + body
    fault = fault_in(dialect, "bias", reply)
    assert (7, "busy") == (fault.code, fault.reason)


def test_a_nanonis_fault_has_zeros_for_its_values() -> None:
    dialect = NANONIS.bind(BIAS)
    expected = named(b"Bias.Get") + unhex("00000010 00000000 00000000 00000007 00000004") + b"busy"
    assert expected == dialect.fault(Request("bias", {}), Fault(7, "busy"))


def test_an_unknown_text_opcode_is_refused_under_its_name() -> None:
    dialect = NANONIS.bind(BIAS)
    frame = fault_for(dialect, named(b"Z.Get") + unhex("00000000 0001 0000"))
    assert frame.startswith(named(b"Z.Get"))
    assert frame.endswith(b"no command has the opcode 'Z.Get'")


def test_the_notation_shows_a_text_opcode_and_the_status_at_the_end() -> None:
    notation = NANONIS.bind(BIAS).notation("bias")
    assert "'Bias.Get':text[32] length:u32be" in notation.request
    assert notation.replies[0].endswith("f32be status:u32be(0) reason:text[u32be]")


def test_an_opcode_may_be_bytes() -> None:
    codec = Binary(Annotated[bytes, Fixed(4)], status=U8)
    dialect = codec.bind([MessageSpec("read", "Old.read", b"READ", result=U8)])
    assert b"READ" == dialect.request("read", {}, 0)
    assert 5 == result_of(dialect, "read", b"READ\0\x05")
    with pytest.raises(ConfigurationError, match="its opcode does not fit: must be 4 bytes, not b'READY'"):
        codec.bind([MessageSpec("read", "Old.read", b"READY", result=U8)])


HSMS = Binary(
    (U8, U8),
    id=U32,
    head=(Echo(U16, 0, name="session"), OPCODE, b"\0\0", ID),
    wants_reply_bit=0x8000,
    fault_opcode=lambda opcode: opcode & 0xFF00,
    code=None,
)
"""HSMS data messages: the W bit is the highest of the stream's byte; function 0 aborts."""

ESTABLISH = MessageSpec(
    "establish", "Host.establish", (1, 13), (1, 14), parameters=(Field("items", Annotated[bytes, Rest()]),)
)


def test_hsms_sets_the_w_bit_in_requests_that_want_a_reply() -> None:
    told = MessageSpec("report", "Host.report", (6, 11), None)
    dialect = HSMS.bind([ESTABLISH, told])
    sent = unhex("0000 81 0D 0000 00000007 0100")
    assert sent == dialect.request("establish", {"items": b"\1\0"}, 7)
    assert Request("establish", {"items": b"\1\0"}, 7, True, {"session": 0}) == asked(dialect, sent)
    assert unhex("0000 06 0B 0000 00000008") == dialect.request("report", {}, 8)
    assert not asked(dialect, unhex("0000 01 0D 0000 00000007 0100")).wants_reply
    assert [unhex("0000 01 0E 0000 00000007")] == dialect.reply(asked(dialect, sent), None)
    assert unhex("0000 01 00 0000 00000007") == dialect.fault(asked(dialect, sent), Fault(0))
    assert 0 == fault_in(dialect, "establish", unhex("0000 01 00 0000 00000007")).code
    shown = dialect.notation("establish").request
    assert "session:u16be(default 00 00) 810D 00 00 id:u32be items:bytes[...]" == shown


def test_slmp_has_a_command_and_a_subcommand_in_its_own_byte_order() -> None:
    codec = Binary((U16, U16), status=U16, byte_order="little", reply_head=(STATUS,))
    dialect = codec.bind([MessageSpec("read", "Plc.read", (0x0401, 0x0001), result=U16)])
    assert unhex("0104 0100") == dialect.request("read", {}, 0)
    assert "01040100" == dialect.notation("read").request
    assert "read" == asked(dialect, unhex("0104 0100")).name
    for given in ((1, 2, 3), (0x10000, 0), ("a", 1), 1 << 32):
        with pytest.raises(ConfigurationError, match="or 2 numbers such as"):
            codec.bind([MessageSpec("read", "Plc.read", given, result=U16)])


def test_rtde_of_universal_robots_has_a_letter_for_each_kind_of_package() -> None:
    """The length counts its own two bytes. Data packages come unasked."""
    codec = Binary(head=(Length(U16, adjust=2), OPCODE))
    version = MessageSpec(
        "version", "Robot.version", ord("V"), parameters=(Field("wanted", U16),), result=bool
    )
    package = MessageSpec(
        "package",
        "Robot.package",
        ord("U"),
        parameters=(Field("recipe", U8), Field("values", Annotated[bytes, Rest()])),
        is_event=True,
    )
    dialect = codec.bind([version, package])
    assert unhex("0005 56 0002") == dialect.request("version", {"wanted": 2}, 0)
    assert result_of(dialect, "version", unhex("0004 56 01")) is True
    assert unhex("0006 55 01 AABB") == dialect.event("package", {"recipe": 1, "values": b"\xaa\xbb"})


def test_the_route_of_slmp_is_repeated_as_one_value() -> None:
    route = Echo(Annotated[bytes, Fixed(5)], b"\0\xff\xff\x03\0", name="route")
    codec = Binary(
        U16,
        status=U16,
        byte_order="little",
        head=(b"\x50\0", route, Length(U16), b"\x10\0", OPCODE, Skip(2)),
        reply_head=(b"\xd0\0", route, Length(U16), STATUS),
    )
    dialect = codec.bind([READ])
    frame, reader = dialect.ask("read", {}, 0, {"route": unhex("02 05 FF03 00")}, {})
    assert unhex("5000 02 05 FF03 00 0600 1000 0104 0000") == frame
    reply = unhex("D000 02 05 FF03 00 0400 0000 3412")
    assert [reply] == dialect.reply(asked(dialect, frame), [0x1234])
    (answer,) = dialect.read_at_host(reply)
    assert isinstance(answer, Answer)
    assert reader is not None
    assert [0x1234] == reader.take(answer.body)
    (other,) = dialect.read_at_host(unhex("D000 00 FF FF03 00 0400 0000 3412"))
    assert isinstance(other, Answer)
    with pytest.raises(CodecError, match=r"route: must be .* as in the request, not"):
        reader.take(other.body)
