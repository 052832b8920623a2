"""Values of types of the user, by ``Via`` or by ``Binary(types=…)``, and the data of faults without any."""

from __future__ import annotations

from ipaddress import IPv4Address
from operator import attrgetter
from random import Random
from typing import Annotated, Any

import pytest
from attrs import frozen

from tcpcomm.codec import OPCODE, U8, U16, Binary, Counted, Echo, Field, Fixed, Request, Rest, Via
from tcpcomm.codec.binary.header import STATUS
from tcpcomm.errors import CodecError, ConfigurationError, Fault
from tests.codec.binary.wires import bound, check, one, problem_of, written

ADDRESS = Via(Annotated[bytes, Fixed(4)], IPv4Address, attrgetter("packed"))
LOCAL = IPv4Address("127.0.0.1")


@frozen
class Line:
    """A line of text, which is sent without its spaces."""

    words: tuple[str, ...]


LINE = Via(
    Annotated[str, Counted(U8)],
    lambda text: Line(tuple(text.split())),
    lambda line: " ".join(line.words),
)


def test_a_value_of_a_fixed_size_is_converted() -> None:
    check(Annotated[IPv4Address, ADDRESS], LOCAL, "7F 00 00 01")
    check(Annotated[list[Annotated[IPv4Address, ADDRESS]], Counted(U8)], [LOCAL], "01 7F 00 00 01")


def test_a_value_of_any_size_is_converted() -> None:
    check(Annotated[Line, LINE], Line(("a", "b")), "03 61 20 62")


def test_a_codec_knows_the_types_of_its_user() -> None:
    codec = Binary(types={IPv4Address: ADDRESS, Line: LINE})
    check(Annotated[list[IPv4Address], Counted(U8)], [LOCAL], "01 7F 00 00 01", codec)
    assert "01 61" == written(Line, Line(("a",)), codec)


def test_a_conversion_that_fails_tells_its_reason_and_the_place() -> None:
    def read(number: int) -> int:
        if number == 7:
            raise LookupError("there is no valve 7")
        return number

    valve = Via(U8, read, lambda value: value)
    assert "value: there is no valve 7" == problem_of(Annotated[object, valve], "07")
    with pytest.raises(CodecError, match="value: 'int' object has no attribute 'packed'"):
        written(Annotated[IPv4Address, ADDRESS], 5)


def test_drawn_values_are_values_of_the_type() -> None:
    drawn_values = one(Annotated[IPv4Address, ADDRESS]).draw_values("f", Random(1))
    assert isinstance(drawn_values["value"], IPv4Address)
    drawn = Via(U8, LOCAL.__add__, int, lambda random: LOCAL)
    assert {"value": LOCAL} == one(Annotated[IPv4Address, drawn]).draw_values("f", Random(1))


def test_the_manual_shows_what_is_on_the_wire() -> None:
    assert "01 value:bytes[4]" == one(Annotated[IPv4Address, ADDRESS]).notation("f").request


def test_a_second_mark_beside_it_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"Fixed\(4\) has no meaning for IPv4Address"):
        one(Annotated[IPv4Address, ADDRESS, Fixed(4)])


@frozen
class Details:
    unit: U8
    command: U16


DETAILED = Binary(
    U16,
    status=U16,
    data=Details,
    default_data=lambda opcode, header: Details(header.get("unit", 0), opcode),
    head=(OPCODE,),
    reply_head=(STATUS,),
)


def test_a_fault_without_data_gets_those_of_its_request() -> None:
    dialect = bound([Field("value", U8)], codec=DETAILED)
    asked: Any = dialect.read_at_equipment(b"\x00\x01\x07")
    assert b"\x00\x05\x00\x00\x01" == dialect.fault(asked, Fault(5))
    assert b"\x00\x05\x09\x00\x02" == dialect.fault(asked, Fault(5, "", Details(9, 2)))
    unknown: Any = dialect.read_at_equipment(b"\x12\x34")
    assert b"\x00\x05\x00\x12\x34" == dialect.fault(unknown, Fault(5))
    unreadable: Any = dialect.read_at_equipment(b"\x12")
    assert b"\x00\x05\x00\x00\x00" == dialect.fault(unreadable, Fault(5))


def test_the_default_data_of_a_fault_know_the_header_of_the_request() -> None:
    unit = Echo(U8, 1, name="unit")
    codec = Binary(
        U16,
        status=U16,
        data=Details,
        default_data=lambda opcode, header: Details(header["unit"], opcode),
        head=(unit, OPCODE),
        reply_head=(unit, STATUS),
    )
    dialect = bound([Field("value", U8)], codec=codec)
    for request, code in ((b"\x09\x00\x01\x07", "00 01"), (b"\x09\x12\x34", "12 34")):
        asked: Any = dialect.read_at_equipment(request)
        fault = dialect.fault(asked, Fault(5))
        assert f"09 00 05 09 {code}" == fault.hex(" ").upper()


def test_default_data_need_data() -> None:
    with pytest.raises(ConfigurationError, match="default_data needs data="):
        Binary(default_data=lambda opcode, header: b"")
    assert isinstance(Binary(data=Annotated[bytes, Rest()], default_data=lambda *_: b""), Binary)
    assert Request("f", {"value": 1}) == one(U8).read_at_equipment(b"\x01\x01")
