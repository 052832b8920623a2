"""Binary: real messages byte for byte, every kind of field, and what cannot be declared."""

from __future__ import annotations

import math
import struct
from typing import Annotated, Any, Literal

import pytest
from attrs import frozen

from tcpcomm.codec import Binary, Field, MessageSpec
from tcpcomm.codec.base import Answer, Dialect, Event, ProtocolErrorKind, Refusal, Request
from tcpcomm.codec.binary.header import ID, OPCODE, STATUS, Length
from tcpcomm.codec.binary.types import (
    F32,
    F64,
    I8,
    I16,
    I24,
    I32,
    U8,
    U16,
    U24,
    U32,
    U64,
    After,
    Before,
    Bits,
    Counted,
    CountedBy,
    Encoded,
    Fixed,
    Float,
    Int,
    Rest,
    Skip,
)
from tcpcomm.errors import CodecError, ConfigurationError, Fault
from tests.codec.binary.cases import Axis, Door, LinkState, Point
from tests.codec.cases import Opaque


@frozen
class Registers:
    values: Annotated[list[U16], Counted(U8, in_bytes=True)]


READ_REGISTERS = MessageSpec(
    "read_registers",
    "Plc.read_registers",
    3,
    parameters=(Field("start", U16), Field("size", U16)),
    result=Registers,
)
WRITE_REGISTER = MessageSpec(
    "write_register", "Plc.write_register", 6, parameters=(Field("at", U16), Field("value", U16))
)


def result_of(dialect: Dialect, name: str, frame: bytes) -> Any:
    """Return the result that a host reads in the frame of a reply."""
    (answer,) = dialect.read_at_host(frame)
    assert isinstance(answer, Answer)
    answers = dialect.reply_reader(name)
    assert answers is not None
    return answers.take(answer.body)


def test_modbus_reads_holding_registers() -> None:
    """The example of the Modbus Application Protocol Specification V1.1b3, section 6.3."""
    dialect = Binary().bind([READ_REGISTERS])
    assert bytes.fromhex("03 006B 0003") == dialect.request("read_registers", {"start": 0x6B, "size": 3}, 0)
    reply = bytes.fromhex("03 06 022B 0000 0064")
    assert [reply] == dialect.reply(Request("read_registers", {}), Registers([0x22B, 0, 0x64]))
    assert Registers([0x22B, 0, 0x64]) == result_of(dialect, "read_registers", reply)


def test_modbus_answers_an_unknown_function_with_exception_1() -> None:
    dialect = Binary().bind([READ_REGISTERS])
    (refusal,) = dialect.read_at_equipment(bytes.fromhex("2B 0E 01 00")).requests
    assert isinstance(refusal, Refusal)
    assert ProtocolErrorKind.UNKNOWN_COMMAND is refusal.error_kind
    assert bytes.fromhex("AB 01") == dialect.fault(
        refusal, dialect.fault_for(refusal.error_kind, "no such function")
    )


def test_modbus_tcp_sends_the_transaction_number_and_the_length() -> None:
    """The framing leaves the header in the frame: LengthPrefixed(2, offset=4, strip=0)."""
    dialect = Binary(id=U16, head=(ID, b"\0\0", Length(U16), b"\x11", OPCODE)).bind([READ_REGISTERS])
    assert (True, 65535) == (dialect.by_id, dialect.largest_id)
    sent = bytes.fromhex("0001 0000 0006 11 03 006B 0003")
    assert sent == dialect.request("read_registers", {"start": 0x6B, "size": 3}, 1)
    (request,) = dialect.read_at_equipment(sent).requests
    assert Request("read_registers", {"start": 0x6B, "size": 3}, 1) == request
    assert bytes.fromhex("0001 0000 0003 11 83 02") == dialect.fault(request, Fault(2))


def test_simple_message_distinguishes_requests_replies_and_topics() -> None:
    """ROS-Industrial: message type, communication type (1 topic, 2 request, 3 reply), reply code."""
    codec = Binary(
        U32,
        status=U32,
        ok=1,
        head=(OPCODE, b"\0\0\0\x02", STATUS),
        reply_head=(OPCODE, b"\0\0\0\x03", STATUS),
        event_head=(OPCODE, b"\0\0\0\x01", STATUS),
        codes=dict.fromkeys(ProtocolErrorKind, 2),
    )
    joints = Annotated[list[F32], Fixed(2)]
    dialect = codec.bind(
        [
            MessageSpec(
                "point", "Robot.point", 11, parameters=(Field("sequence", I32), Field("joints", joints))
            ),
            MessageSpec("joints", "Robot.joints", 10, parameters=(Field("joints", joints),), is_event=True),
        ]
    )
    sent = dialect.request("point", {"sequence": 1, "joints": [0.5, -1.0]}, 0)
    assert bytes.fromhex("0000000B 00000002 00000000 00000001 3F000000 BF800000") == sent
    (request,) = dialect.read_at_equipment(sent).requests
    assert isinstance(request, Request)
    assert [bytes.fromhex("0000000B 00000003 00000001")] == dialect.reply(request, None)
    with pytest.raises(Fault, match="2"):
        result_of(dialect, "point", bytes.fromhex("0000000B 00000003 00000002"))
    topic = bytes.fromhex("0000000A 00000001 00000000 3F000000 BF800000")
    assert [Event("joints", {"joints": [0.5, -1.0]})] == [*dialect.read_at_host(topic)]


def test_slmp_4e_has_a_serial_number_and_an_end_code() -> None:
    """
    Little endian; the length counts the fields behind it: monitoring timer, command, subcommand, data.
    """
    codec = Binary(
        U16,
        id=U16,
        status=U16,
        byte_order="little",
        head=(b"\x54\0", ID, b"\0\0\0\xff\xff\x03\0", Length(U16), b"\x10\0", OPCODE, Skip(2)),
        reply_head=(b"\xd4\0", ID, b"\0\0\0\xff\xff\x03\0", Length(U16), STATUS),
    )
    words = Annotated[list[U16], Rest()]
    read = MessageSpec(
        "read",
        "Plc.read",
        0x0401,
        parameters=(Field("at", U24), Field("device", U8), Field("size", U16)),
        result=words,
    )
    dialect = codec.bind([read])
    sent = dialect.request("read", {"at": 100, "device": 0xA8, "size": 2}, 0x1234)
    assert bytes.fromhex("5400 3412 0000 00 FF FF03 00 0C00 1000 0104 0000 640000 A8 0200") == sent
    reply = bytes.fromhex("D400 3412 0000 00 FF FF03 00 0600 0000 3412 0200")
    (answer,) = dialect.read_at_host(reply)
    assert isinstance(answer, Answer)
    assert 0x1234 == answer.id
    assert [0x1234, 2] == result_of(dialect, "read", reply)
    with pytest.raises(Fault) as caught:
        result_of(dialect, "read", bytes.fromhex("D400 3412 0000 00 FF FF03 00 0200 59C0"))
    assert 0xC059 == caught.value.code


def test_replies_and_faults_may_have_opcodes_of_their_own() -> None:
    codec = Binary(fault_opcode=0xEE, code=U16, reason=Annotated[str, Counted(U8)])
    dialect = codec.bind([MessageSpec("go", "Axis.go", 0x10, reply=0x90, result=U8)])
    assert [bytes.fromhex("90 07")] == dialect.reply(Request("go", {}), 7)
    assert bytes.fromhex("EE 0003 04") + b"door" == dialect.fault(Request("go", {}), Fault(3, "door"))


def several(*parameters: Field, codec: Binary | None = None) -> Dialect:
    """Return a dialect with one command, which has these parameters."""
    return (codec or Binary()).bind([MessageSpec("f", "Device.f", 1, parameters=parameters)])


def one(annotation: Any, codec: Binary | None = None) -> Dialect:
    """Return a dialect with one command, which has one parameter."""
    return several(Field("value", annotation), codec=codec)


BYTES: list[tuple[Any, Any, str]] = [
    (U8, 255, "FF"),
    (I8, -1, "FF"),
    (I16, -2, "FFFE"),
    (I24, -3, "FFFFFD"),
    (U64, 1, "0000000000000001"),
    (Annotated[int, Int(2, order="little")], 1, "0100"),
    (Annotated[int, Int(3, signed=True, order="little")], -2, "FEFFFF"),
    (F32, 1.5, "3FC00000"),
    (F64, 1.5, "3FF8000000000000"),
    (Annotated[float, Float(4, order="little")], 1.5, "0000C03F"),
    (bool, True, "01"),
    (Annotated[bool, U16], True, "0001"),
    (Annotated[Axis, U8], Axis.Y, "02"),
    (Annotated[Door, U16], Door.LEFT | Door.RIGHT, "8001"),
    (Annotated[Door, U16], Door(2), "0002"),
    (Annotated[Literal[3, 7], U8], 7, "07"),
    (Annotated[LinkState, U8], LinkState(True, 5, Axis.Y, False), "2B"),
    (Annotated[str, Fixed(4)], "AB", "41420000"),
    (Annotated[str, Fixed(4, pad=" ")], "AB", "41422020"),
    (Annotated[str, Counted(U8)], "AB", "024142"),
    (Annotated[str, Counted(U8), Encoded("cp949")], "작업", "04C0DBBEF7"),
    (Annotated[str, Fixed(6), Encoded("utf-16-be")], "A", "004100000000"),
    (Annotated[str, Rest()], "AB", "4142"),
    (Annotated[bytes, Fixed(2)], b"\x01\x02", "0102"),
    (Annotated[bytes, Counted(U16)], b"\x01\x02", "00020102"),
    (Annotated[list[U16], Fixed(2)], [1, 2], "00010002"),
    (Annotated[list[U16], Counted(U8)], [1, 2], "0200010002"),
    (Annotated[list[U16], Counted(U8, in_bytes=True)], [1, 2], "0400010002"),
    (Annotated[list[Point], Rest()], [Point(1, 1.5)], "00013FC00000"),
    (Annotated[list[Annotated[str, Counted(U8)]], Counted(U8)], ["A", ""], "02014100"),
    (Annotated[U8, Before(b"\xaa\xbb"), After(2)], 1, "AABB010000"),
    (Point, Point(1, 1.5), "00013FC00000"),
    (U16 | None, 1, "0001"),
    (U16 | None, None, ""),
]


@pytest.mark.parametrize(("annotation", "value", "expected"), BYTES)
def test_a_value_is_written_as_these_bytes_and_read_again(
    annotation: Any, value: Any, expected: str
) -> None:
    dialect = one(annotation)
    frame = dialect.request("f", {"value": value}, 0)
    assert expected == frame[1:].hex().upper()
    assert (Request("f", {"value": value}),) == tuple(dialect.read_at_equipment(frame).requests)


WRONG_POINT = Point(2, "3")  # type: ignore[arg-type]

NOT_SENT: list[tuple[Any, Any, str]] = [
    (U8, 256, "value: must be a whole number from 0 to 255, not 256"),
    (U8, -1, "value: must be a whole number from 0 to 255, not -1"),
    (I24, 2**23, "value: must be a whole number from -8388608 to 8388607, not 8388608"),
    (U8, True, "value: must be a whole number, not True"),
    (U8, 1.0, "value: must be a whole number, not 1.0"),
    (U8, "1", "value: must be a whole number, not '1'"),
    (F32, "1", "value: must be a number, not '1'"),
    (F32, True, "value: must be a number, not True"),
    (F32, 1e39, "value: must be a number that 32 bits can hold, not 1e+39"),
    (F64, 10**400, "value: must be a number that 64 bits can hold, not a number of 1329 bits"),
    (bool, 1, "value: must be one of False | True, not 1"),
    (Annotated[Axis, U8], 1, "value: must be one of Axis.X | Axis.Y, not 1"),
    (Annotated[Door, U8], Door.RIGHT, "value: must be a whole number from 0 to 255, not 32768"),
    (
        Annotated[LinkState, U8],
        LinkState(True, 8, Axis.X, False),
        "value.mode: must be a whole number from 0 to 7, not 8",
    ),
    (Annotated[str, Fixed(4)], "ABCDE", "value: 'ABCDE' has 5 bytes, but the field has 4"),
    (Annotated[str, Fixed(4)], "A\0B", "value: 'A\\x00B' would arrive as 'A'"),
    (Annotated[str, Fixed(4, pad=" ")], "A ", "value: 'A ' would arrive as 'A'"),
    (Annotated[str, Fixed(4)], "é", "value: 'é' cannot be written in ascii (in 'é')"),
    (
        Annotated[str, Rest(), Encoded("shift_jis")],
        "¥",
        "value: '¥' cannot be written in shift_jis (in '¥')",
    ),
    (Annotated[str, Counted(U8)], "A" * 256, "value: has a length of 256, too much for u8"),
    (Annotated[bytes, Fixed(2)], b"1", "value: must be 2 bytes, not b'1'"),
    (Annotated[list[U16], Fixed(2)], [1], "value: must be a list of 2, not [1]"),
    (
        Annotated[list[U16], Counted(U8)],
        [1, -1],
        "value[1]: must be a whole number from 0 to 65535, not -1",
    ),
    (
        Annotated[list[Point], Rest()],
        [Point(1, 1.0), WRONG_POINT],
        "value[1].y: must be a number, not '3'",
    ),
    (Point, (1, 2.0), "value: must be a Point, not (1, 2.0)"),
]


@pytest.mark.parametrize(("annotation", "value", "problem"), NOT_SENT)
def test_a_value_that_does_not_fit_is_refused_with_its_path(
    annotation: Any, value: Any, problem: str
) -> None:
    with pytest.raises(CodecError) as caught:
        one(annotation).request("f", {"value": value}, 0)
    assert problem == str(caught.value)


NOT_READ: list[tuple[Any, str, str]] = [
    (U16, "01", "value: needs 2 bytes, but the frame has 1 left"),
    (U16, "010203", "the frame has 1 bytes too many at its end"),
    (bool, "02", "value: must be one of 0 | 1, not 2"),
    (Annotated[Axis, U8], "03", "value: must be one of 1 | 2, not 3"),
    (Annotated[LinkState, U8], "00", "value.axis: must be one of 1 | 2, not 0"),
    (
        Annotated[str, Fixed(2)],
        "FF41",
        "value: this is not text in ascii: ordinal not in range(128), at byte 0 of b'\\xffA'",
    ),
    (Annotated[str, Counted(U8)], "0341", "value: needs 3 bytes, but the frame has 1 left"),
    (
        Annotated[list[U16], Counted(U32)],
        "FFFFFFFF",
        "value: needs 8589934590 bytes, but the frame has 0 left",
    ),
    (
        Annotated[list[U16], Counted(U8, in_bytes=True)],
        "03010203",
        "value: has a length of 3 bytes, which is not a multiple of 2",
    ),
    (Annotated[list[U16], Rest()], "010203", "value: the last element has 1 bytes and not 2"),
    (
        Annotated[list[Annotated[str, Counted(U8)]], Counted(U32)],
        "FFFFFFFF",
        "value: needs 4294967295 bytes, but the frame has 0 left",
    ),
    (
        Annotated[list[Annotated[str, Counted(U8)]], Rest()],
        "014101",
        "value[1]: needs 1 bytes, but the frame has 0 left",
    ),
    (Annotated[U8, Before(b"\xaa")], "BB01", "value: must have the bytes AA beside it, not BB"),
    (Point, "0001", "value.y: needs 4 bytes, but the frame has 0 left"),
]


@pytest.mark.parametrize(("annotation", "body", "problem"), NOT_READ)
def test_bytes_that_do_not_fit_are_refused_with_the_path(annotation: Any, body: str, problem: str) -> None:
    (refusal,) = one(annotation).read_at_equipment(b"\x01" + bytes.fromhex(body)).requests
    assert isinstance(refusal, Refusal)
    assert (ProtocolErrorKind.BAD_PARAMETERS, problem) == (refusal.error_kind, str(refusal.problem))


def test_nan_and_infinity_pass_unchanged() -> None:
    dialect = one(F32)
    (request,) = dialect.read_at_equipment(b"\x01" + struct.pack(">f", math.nan)).requests
    assert isinstance(request, Request)
    assert math.isnan(request.values["value"])
    assert b"\x01" + struct.pack(">f", -math.inf) == dialect.request("f", {"value": -math.inf}, 0)


def test_bytes_behind_the_zero_that_ends_a_text_are_skipped() -> None:
    (request,) = one(Annotated[str, Fixed(6)]).read_at_equipment(b"\x01AB\0\xff\xffX").requests
    assert Request("f", {"value": "AB"}) == request


def test_bits_without_a_field_and_skipped_bytes_are_ignored() -> None:
    (request,) = one(Annotated[LinkState, U16, After(1)]).read_at_equipment(b"\x01\xff\x10\xee").requests
    assert Request("f", {"value": LinkState(False, 0, Axis.X, False)}) == request


def counted_by() -> Dialect:
    return several(
        Field("n", U8),
        Field("xs", Annotated[list[U16], CountedBy("n")]),
        Field("s", Annotated[str, Rest()]),
    )


def test_a_list_may_be_counted_by_a_field_before_it() -> None:
    dialect = counted_by()
    frame = dialect.request("f", {"n": 2, "xs": [1, 2], "s": "ok"}, 0)
    assert b"\x01\x02\x00\x01\x00\x02ok" == frame
    assert (Request("f", {"n": 2, "xs": [1, 2], "s": "ok"}),) == tuple(
        dialect.read_at_equipment(frame).requests
    )


def test_a_count_that_differs_from_the_length_is_refused() -> None:
    with pytest.raises(CodecError, match=r"^n: must be 2, the length of xs, not 3$"):
        counted_by().request("f", {"n": 3, "xs": [1, 2], "s": ""}, 0)


def test_only_the_last_values_may_be_missing() -> None:
    dialect = several(Field("a", U8 | None), Field("b", U8 | None))
    assert b"\x01\x05" == dialect.request("f", {"a": 5, "b": None}, 0)
    with pytest.raises(CodecError, match=r"^b: cannot be sent, because a before it is None$"):
        dialect.request("f", {"a": None, "b": 5}, 0)


@frozen
class Endless:
    inner: Endless


@frozen
class Empty:
    pass


NOT_BOUND: list[tuple[Any, str]] = [
    (int, "say how many bytes it has: U8"),
    (float, "say how many bytes it has: F32"),
    (str, "say where str ends"),
    (list[U8], "say where list"),
    (Annotated[list[int], Counted(U8)], "say how many bytes it has: U8"),
    (Annotated[str, U8], "str cannot be encoded in a whole number"),
    (Annotated[int, Float(4)], "int is not a float"),
    (Axis, "bytes cannot carry Axis"),
    (Annotated[Axis, Bits(3)], "bytes cannot carry Axis"),
    (Opaque, "bytes cannot carry Opaque"),
    (dict[str, int], "bytes cannot carry dict"),
    (U8 | F32, "nothing in the bytes would show which of them it is"),
    (Annotated[LinkState, Annotated[int, Int(1, signed=True)]], "use a number without a sign"),
    (Annotated[Literal[256], U8], "each value must be a whole number from 0 to 255, not 256"),
    (Annotated[list[U8], Counted(F32)], "the count of Counted must be a whole number"),
    (Annotated[list[U8], CountedBy("n")], "value is counted by n, but there is no such field before it"),
    (Annotated[list[Annotated[bytes, Rest()]], Counted(U8)], "must take at least one byte each"),
    (Annotated[list[Empty], Counted(U32)], "must take at least one byte each"),
    (Annotated[list[Annotated[bytes, CountedBy("x")]], Rest()], "CountedBy names a field beside this one"),
    (Annotated[str, Fixed(4), Encoded("klingon")], "no encoding is called 'klingon'"),
    (Endless, "Endless contains itself"),
]


@pytest.mark.parametrize(("annotation", "problem"), NOT_BOUND)
def test_an_annotation_that_bytes_cannot_carry_is_refused(annotation: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        one(annotation)
    assert str(caught.value).startswith("Device.f: parameter value: ")
    assert problem in str(caught.value)


def test_no_field_can_follow_one_that_takes_the_rest() -> None:
    with pytest.raises(
        ConfigurationError, match="parameter b: b cannot follow a, which takes the rest of the frame"
    ):
        several(Field("a", Annotated[bytes, Rest()]), Field("b", U8))


def test_a_count_must_be_a_whole_number() -> None:
    with pytest.raises(ConfigurationError, match="parameter xs: n, which counts it, is not a whole number"):
        several(Field("n", F32), Field("xs", Annotated[list[U8], CountedBy("n")]))


@pytest.mark.parametrize(
    ("kind", "values", "problem"),
    [
        (Int, (9,), "1 to 8 bytes"),
        (Int, (2, False, "middle"), "big, little or hex"),
        (Float, (2,), "4 or 8 bytes"),
        (Bits, (0,), "1 to 64 bits"),
        (Fixed, (0,), "at least 1"),
        (Fixed, (4, "ab"), "one character"),
    ],
)
def test_a_type_for_annotations_checks_its_arguments(
    kind: Any, values: tuple[Any, ...], problem: str
) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        kind(*values)


CONTRADICTIONS: list[tuple[dict[str, Any], str]] = [
    ({"opcode": int}, "opcode must be a whole number with its width"),
    ({"byte_order": "middle"}, "byte_order must be big, little or hex"),
    ({"head": ()}, "head and event_head need OPCODE"),
    ({"head": (OPCODE, OPCODE)}, "OPCODE is in a header twice"),
    ({"head": (OPCODE, ID)}, "ID is in a header, but id= does not give its type"),
    ({"id": U8, "head": (OPCODE,)}, "an id needs its type, id=, and ID in head and reply_head"),
    ({"head": (OPCODE, 3)}, "a header is made of"),
    ({"reply_head": (b"\x01",)}, "nothing shows a fault"),
    ({"status": U8, "reply_head": (OPCODE,)}, "reply_head needs STATUS"),
    ({"status": U8, "ok": 3}, "status 3 means success"),
    ({"reason": U8}, "the reason of a fault must be text"),
    ({"code": int}, "Binary: code: say how many bytes"),
    ({"encoding": "klingon", "reason": Annotated[str, Rest()]}, "no encoding is called 'klingon'"),
]


@pytest.mark.parametrize(("options", "problem"), CONTRADICTIONS)
def test_options_that_contradict_each_other_are_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        Binary(**options)


BAD_SPECS: list[tuple[tuple[MessageSpec, ...], str]] = [
    ((MessageSpec("f", "A.f"),), "A.f: its opcode must be a number from 0 to 0xFF"),
    ((MessageSpec("f", "A.f", 256),), "A.f: its opcode must be a number from 0 to 0xFF, not 256"),
    ((MessageSpec("f", "A.f", True),), "A.f: its opcode must be a number from 0 to 0xFF, not True"),
    ((MessageSpec("f", "A.f", 1, "OK"),), "A.f: its opcode must be a number from 0 to 0xFF, not 'OK'"),
    ((MessageSpec("f", "A.f", 0x90),), "A.f: a host would not recognise b'\\x90\\x04' as a fault"),
    ((MessageSpec("f", "A.f", 0x10, 0x90),), "A.f: a host would not recognise b'\\x90\\x04' as a fault"),
    (
        (MessageSpec("f", "A.f", 1), MessageSpec("e", "A.e", 1, is_event=True)),
        "A.f: a host would not recognise b'\\x01' as its reply",
    ),
]


@pytest.mark.parametrize(("specs", "problem"), BAD_SPECS)
def test_a_message_that_a_host_would_not_recognise_is_refused(
    specs: tuple[MessageSpec, ...], problem: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Binary().bind(specs)
    assert str(caught.value).startswith(problem)


def test_a_length_that_a_frame_cannot_have_is_refused_with_the_command() -> None:
    """A fault has no bytes behind its status here, so that its length would be -4."""
    codec = Binary(status=U8, head=(OPCODE, STATUS, Length(U16, adjust=-4)))
    with pytest.raises(ConfigurationError) as caught:
        codec.bind([MessageSpec("f", "A.f", 1)])
    assert str(caught.value).startswith("A.f: an example of its frames cannot be written: length: must be")


def test_a_reply_or_fault_of_another_command_is_refused() -> None:
    dialect = Binary().bind([READ_REGISTERS, WRITE_REGISTER])
    with pytest.raises(CodecError, match="opcode: 0x06 is not a reply to 0x03"):
        result_of(dialect, "read_registers", b"\x06")
    with pytest.raises(CodecError, match="opcode: 0x86 is not a fault of 0x03"):
        result_of(dialect, "read_registers", b"\x86\x01")


def test_a_reason_that_cannot_be_written_is_refused_or_left_out_of_a_protocol_error() -> None:
    dialect = Binary(reason=Annotated[str, Counted(U8)]).bind([WRITE_REGISTER])
    with pytest.raises(CodecError, match="reason: '문' cannot be written in ascii"):
        dialect.fault(Request("write_register", {}), Fault(1, "문"))
    assert "" == dialect.fault_for(ProtocolErrorKind.INTERNAL, "문").reason


def test_the_code_of_a_fault_must_be_a_number_other_than_success() -> None:
    dialect = Binary(status=U8).bind([WRITE_REGISTER])
    with pytest.raises(CodecError, match="code: must be a whole number, not 'E1'"):
        dialect.fault(Request("write_register", {}), Fault("E1"))
    with pytest.raises(CodecError, match="code: 0 means success"):
        dialect.fault(Request("write_register", {}), Fault(0))


def test_the_notation_shows_the_layout_in_one_line() -> None:
    move = MessageSpec(
        "move",
        "Drive.move",
        0x10,
        parameters=(Field("axis", Annotated[Axis, U8]), Field("position", I32)),
        result=Point,
    )
    dialect = Binary(id=U16).bind([move])
    notation = dialect.notation("move")
    assert "10 id:u16be axis:u8(1=X 2=Y) position:i32be" == notation.request
    assert ("10 id:u16be x:i16be y:f32be",) == notation.replies
    assert "opcode|80 id:u16be code:u8" == dialect.fault_notation()
