"""The size or the type of a reply may be a parameter of its request."""

from __future__ import annotations

from random import Random
from typing import Annotated, Any

import pytest
from attrs import frozen

from tcpcomm import Equipment, command, declaration_of
from tcpcomm.codec import Binary, Field, MessageSpec
from tcpcomm.codec.base import Answer, Dialect, Request
from tcpcomm.codec.binary.header import ID, OPCODE, Length
from tcpcomm.codec.binary.types import (
    F32,
    U8,
    U16,
    U24,
    Bits,
    Counted,
    CountedBy,
    HighestFirst,
    Rest,
    TaggedBy,
)
from tcpcomm.codec.binary.variables import Echo
from tcpcomm.errors import CodecError, ConfigurationError, Fault
from tcpcomm.framing import LengthPrefixed
from tcpcomm.testing import check_equipment

Coils = Annotated[list[Annotated[bool, Bits(1)]], CountedBy("size"), Counted(U8, in_bytes=True)]


class Plc(Equipment):
    """A Modbus PLC with coils."""

    framing = LengthPrefixed(2, offset=4, strip=0)
    unit = Echo(U8, 1)
    codec = Binary(id=U16, head=(ID, b"\0\0", Length(U16), unit, OPCODE))

    @command(1)
    def read_coils(self, start: U16, size: U8) -> Coils:
        """Read coils."""
        raise NotImplementedError


class Slmp(Equipment):
    """A PLC with bit devices in half bytes, and replies without a count."""

    framing = LengthPrefixed(2)
    codec = Binary()

    @command(1)
    def read_bits(
        self, start: U16, size: U8
    ) -> Annotated[list[Annotated[bool, Bits(4)]], CountedBy("size"), HighestFirst()]:
        """Read bit devices."""
        raise NotImplementedError


def bound(result: Any, **options: Any) -> Dialect:
    parameters = (Field("kind", U8), Field("size", U8))
    spec = MessageSpec("f", "Device.f", 1, parameters=parameters, result=result)
    return Binary(**options).bind([spec])


def result_of(dialect: Dialect, name: str, values: dict[str, Any], frame: bytes) -> Any:
    (answer,) = dialect.read_at_host(frame)
    assert isinstance(answer, Answer)
    reader = dialect.reader_for(name, values)
    assert reader is not None
    return reader.take(answer.body)


def test_modbus_reads_as_many_coils_as_were_asked_for() -> None:
    """Function 1 of the Modbus Application Protocol V1.1b3: 10 coils in 2 bytes."""
    dialect = declaration_of(Plc).dialect
    values = {"start": 19, "size": 10}
    coils = [True, False, True, True, False, False, True, True, True, False]
    reply = bytes.fromhex("0007 0000 0005 01 01 02 CD 01")
    assert [reply] == dialect.reply(Request("read_coils", values, 7), coils)
    _, reader = dialect.ask("read_coils", values, 7, {}, {})
    (answer,) = dialect.read_at_host(reply)
    assert isinstance(answer, Answer)
    assert reader is not None
    assert coils == reader.take(answer.body)


def test_slmp_replies_need_no_count() -> None:
    dialect = declaration_of(Slmp).dialect
    values = {"start": 100, "size": 3}
    assert [b"\x01\x10\x10"] == dialect.reply(Request("read_bits", values), [True, False, True])
    assert [True, False, True] == result_of(dialect, "read_bits", values, b"\x01\x10\x10")
    with pytest.raises(CodecError, match="needs 2 bytes, but the frame has 1 left"):
        result_of(dialect, "read_bits", values, b"\x01\x10")
    with pytest.raises(CodecError, match="1 bytes too many"):
        result_of(dialect, "read_bits", values, b"\x01\x10\x10\x10")
    with pytest.raises(Fault):
        result_of(dialect, "read_bits", values, b"\x81\x02")


def test_a_result_of_another_size_than_asked_for_is_refused() -> None:
    dialect = declaration_of(Slmp).dialect
    with pytest.raises(CodecError, match=r"^size: must be 2, the length of the value, not 3$"):
        dialect.reply(Request("read_bits", {"start": 100, "size": 3}), [True, False])


@pytest.mark.parametrize("kind", [Plc, Slmp])
def test_both_ends_agree_in_any_conversation(kind: type[Equipment]) -> None:
    check_equipment(kind, max_examples=20)


@frozen
class Block:
    first: U8
    values: Annotated[list[U16], CountedBy("size")]
    last: Annotated[int | float, TaggedBy("kind", {1: U16, 2: F32})]


@frozen
class Other:
    values: Annotated[list[U16], CountedBy("number")]


def test_a_field_of_a_result_may_have_the_size_or_type_that_was_asked_for() -> None:
    dialect = bound(Block)
    for kind, last, tail in ((1, 7, "0007"), (2, 1.5, "3FC00000")):
        values = {"kind": kind, "size": 2}
        reply = bytes.fromhex("01 09 0001 0002" + tail)
        assert [reply] == dialect.reply(Request("f", values), Block(9, [1, 2], last))
        assert Block(9, [1, 2], last) == result_of(dialect, "f", values, reply)
    request = Request("f", {"kind": 1, "size": 3})
    assert 3 == len(dialect.draw_reply(request, Random(1)).values)


def test_the_manual_says_that_the_request_tells_the_size() -> None:
    dialect = bound(Block)
    values = "values:(u16be)[by size of the request]"
    last = "last:{kind of the request: 1: u16be | 2: f32be}"
    assert (f"01 first:u8 {values} {last}",) == dialect.notation("f").replies


def test_a_size_that_no_request_tells_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="names a field beside this one"):
        bound(Annotated[list[U16], CountedBy("number")])
    with pytest.raises(ConfigurationError, match="is counted by number, but there is no such field"):
        bound(Other)
    with pytest.raises(ConfigurationError, match="status_last cannot have a size that only its request"):
        bound(Annotated[list[U16], CountedBy("size")], status=U8, status_last=True)


def test_a_reply_without_its_request_is_refused() -> None:
    dialect = bound(Annotated[bytes, CountedBy("size")])
    reader = dialect.reply_reader("f")
    (answer,) = dialect.read_at_host(b"\x01ab")
    assert reader is not None
    assert isinstance(answer, Answer)
    with pytest.raises(CodecError, match="its size is known from its request only"):
        reader.take(answer.body)
    assert not bound(Annotated[bytes, Rest()]).reads_by_request


def test_a_request_may_ask_for_more_than_a_reply_can_have() -> None:
    """65535 words have more bytes than the length of the reply can say. Other sizes are fine."""
    parameters = (Field("head", U24), Field("size", U16))
    spec = MessageSpec(
        "f", "Plc.f", 1, parameters=parameters, result=Annotated[list[U16], CountedBy("size")]
    )
    dialect = Binary(head=(Length(U16), OPCODE)).bind([spec])
    assert 65535 == dialect.draw_values("f", Random(0))["size"]

    (asked,) = dialect.read_at_equipment(dialect.request("f", {"head": 1, "size": 2}, 0)).requests
    assert isinstance(asked, Request)
    assert [bytes.fromhex("0005 01 0007 0008")] == [*dialect.reply(asked, [7, 8])]


def test_a_message_of_which_no_example_can_be_written_is_refused() -> None:
    spec = MessageSpec("f", "Plc.f", 1, parameters=(Field("name", Annotated[bytes, Rest()]),))

    with pytest.raises(ConfigurationError, match=r"Plc\.f: an example of its frames .*: length"):
        Binary(head=(Length(U8, adjust=-255), OPCODE)).bind([spec])
