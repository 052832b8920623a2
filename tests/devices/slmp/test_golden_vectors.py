"""
Messages of the manuals, in both directions: bytes to values, and values to bytes.

The pages are those of "SLMP Reference Manual", SH(NA)-080956ENG-M, chapter 5, and of "MELSEC Communication
Protocol Reference Manual", SH(NA)-080008, chapter 8. A request of the manual is shown from its command on,
so that the tests put its frame around it.
"""

from __future__ import annotations

from typing import Any

import pytest

from tcpcomm import Fault, declaration_of
from tcpcomm.codec import Request
from tcpcomm.devices.slmp import (
    Address,
    ClearMode,
    ErrorInfo,
    LongAddress,
    Slmp,
    Slmp4E,
    SlmpAscii,
    SlmpAscii4E,
    TypeName,
)
from tcpcomm.devices.slmp.commands import (
    BitAt,
    Block,
    BlockOfWords,
    DoubleAt,
    RandomValues,
    WordAt,
)

BINARY = bytes.fromhex("5000 00 FF FF03 00")
ASCII = b"500000FF03FF00"
SERIAL = 0x1234


def in_frame(body: bytes, *, ascii: bool) -> bytes:
    """Return a request of the manual in a 3E frame with a monitoring timer of 4 s."""
    if ascii:
        return ASCII + b"%04X0010" % (len(body) + 4) + body
    return BINARY + (len(body) + 2).to_bytes(2, "little") + b"\x10\0" + body


def in_reply(body: bytes, *, ascii: bool) -> bytes:
    """Return a response of the manual in a 3E frame, from its end code on."""
    if ascii:
        return b"D00000FF03FF00%04X" % len(body) + body
    return bytes.fromhex("D000 00 FF FF03 00") + len(body).to_bytes(2, "little") + body


READ_BITS = {"device": Address("M", 100), "count": 8}
WRITE_BITS = {"device": Address("M", 100), "values": [True, True, False, False, True, True, False, False]}
RANDOM = {
    "devices": [Address("D", 0), Address("TN", 0), Address("M", 100), Address("X", 0x20)],
    "double_devices": [Address("D", 1500), Address("Y", 0x160), Address("M", 1111)],
}
RANDOM_VALUES = RandomValues([0x1995, 0x1202, 0x2030, 0x4849], [0x4F4E544C, 0xC3DEB9AF, 0xBADDBCB7])
RANDOM_WRITE = {
    "words": [
        WordAt(Address("D", 0), 0x0550),
        WordAt(Address("D", 1), 0x0575),
        WordAt(Address("M", 100), 0x0540),
        WordAt(Address("X", 0x20), 0x0583),
    ],
    "doubles": [
        DoubleAt(Address("D", 1500), 0x04391202),
        DoubleAt(Address("Y", 0x160), 0x23752607),
        DoubleAt(Address("M", 1111), 0x04250475),
    ],
}

VECTORS: list[tuple[str, str, str, dict[str, Any], str, Any]] = [
    # section, request in bytes or ASCII, command, values, response from the end code on, result
    (
        "5.2 Read, bits, M100 to M107",
        "0104 0100 640000 90 0800",
        "read_bits",
        READ_BITS,
        "0000 00 01 00 11",
        [False, False, False, True, False, False, True, True],
    ),
    (
        "5.2 Read, bits, M100 to M107, in ASCII",
        "'04010001M*0001000008",
        "read_bits",
        READ_BITS,
        "'000000010011",
        [False, False, False, True, False, False, True, True],
    ),
    (
        "5.2 Read, words, M100 to M131",
        "0104 0000 640000 90 0200",
        "read_words",
        {"device": Address("M", 100), "count": 2},
        "0000 3412 0200",
        [0x1234, 2],
    ),
    (
        "5.2 Read, words, T100 to T102",
        "0104 0000 640000 C2 0300",
        "read_words",
        {"device": Address("TN", 100), "count": 3},
        "0000 3412 0200 EF1D",
        [0x1234, 2, 0x1DEF],
    ),
    (
        "5.2 Read, words, T100 to T102, in ASCII",
        "'04010000TN0001000003",
        "read_words",
        {"device": Address("TN", 100), "count": 3},
        "'0000123400021DEF",
        [0x1234, 2, 0x1DEF],
    ),
    (
        "5.2 Write, bits, M100 to M107",
        "0114 0100 640000 90 0800 11 00 11 00",
        "write_bits",
        WRITE_BITS,
        "0000",
        None,
    ),
    (
        "5.2 Write, bits, M100 to M107, in ASCII",
        "'14010001M*000100000811001100",
        "write_bits",
        WRITE_BITS,
        "'0000",
        None,
    ),
    (
        "5.2 Write, words, D100 to D102",
        "0114 0000 640000 A8 0300 9519 0212 3011",
        "write_words",
        {"device": Address("D", 100), "values": [0x1995, 0x1202, 0x1130]},
        "0000",
        None,
    ),
    (
        "5.2 Write, words, M100 to M131, in ASCII",
        "'14010000M*00010000022347AB96",
        "write_words",
        {"device": Address("M", 100), "values": [0x2347, 0xAB96]},
        "'0000",
        None,
    ),
    (
        "5.2 Read Random",
        "0304 0000 04 03 000000A8 000000C2 64000090 2000009C DC0500A8 6001009D 57040090",
        "read_random",
        RANDOM,
        "0000 9519 0212 3020 4948 4C544E4F AFB9DEC3 B7BCDDBA",
        RANDOM_VALUES,
    ),
    (
        "5.2 Read Random, in ASCII",
        "'040300000403D*000000TN000000M*000100X*000020D*001500Y*000160M*001111",
        "read_random",
        RANDOM,
        "'000019951202203048494F4E544CC3DEB9AFBADDBCB7",
        RANDOM_VALUES,
    ),
    (
        "5.2 Write Random, words",
        "0214 0000 04 03 000000A85005 010000A87505 640000904005 2000009C8305 "
        "DC0500A802123904 6001009D07267523 5704009075042504",
        "write_random",
        RANDOM_WRITE,
        "0000",
        None,
    ),
    (
        "5.2 Write Random, words, in ASCII",
        "'140200000403D*0000000550D*0000010575M*0001000540X*0000200583"
        "D*00150004391202Y*00016023752607M*00111104250475",
        "write_random",
        RANDOM_WRITE,
        "'0000",
        None,
    ),
    (
        "5.2 Write Random, bits: M50 off, Y2F on",
        "0214 0100 02 320000 90 00 2F0000 9D 01",
        "write_random_bits",
        {"bits": [BitAt(Address("M", 50), False), BitAt(Address("Y", 0x2F), True)]},
        "0000",
        None,
    ),
    (
        "5.2 Write Random, bits, in ASCII",
        "'1402000102M*00005000Y*00002F01",
        "write_random_bits",
        {"bits": [BitAt(Address("M", 50), False), BitAt(Address("Y", 0x2F), True)]},
        "'0000",
        None,
    ),
    (
        "5.2 Read Block, shortened: D0 to D3, M0 to M31",
        "0604 0000 01 01 000000 A8 0400 000000 90 0200",
        "read_blocks",
        {"words": [Block(Address("D", 0), 4)], "bits": [Block(Address("M", 0), 2)]},
        "0000 0800 3020 4515 0028 3020 4849",
        [0x0008, 0x2030, 0x1545, 0x2800, 0x2030, 0x4948],
    ),
    (
        "5.2 Write Block, shortened",
        "0614 0000 01 01 000000 A8 0200 0800 0000 000000 90 0100 3020",
        "write_blocks",
        {
            "words": [BlockOfWords(Address("D", 0), [8, 0])],
            "bits": [BlockOfWords(Address("M", 0), [0x2030])],
        },
        "0000",
        None,
    ),
    (
        "5.2 Read, words, the longer addresses of iQ-R",
        "0104 0200 64000000 A800 0100",
        "read_words_iqr",
        {"device": LongAddress("D", 100), "count": 1},
        "0000 0700",
        [7],
    ),
    (
        "5.2 Read, words, the longer addresses of iQ-R, in ASCII",
        "'04010002D***000001000001",
        "read_words_iqr",
        {"device": LongAddress("D", 100), "count": 1},
        "'00000007",
        [7],
    ),
    (
        "5.4 Remote Run",
        "0110 0000 0100 02 00",
        "remote_run",
        {"mode": 1, "clear": ClearMode.ALL, "fixed": 0},
        "0000",
        None,
    ),
    (
        "5.4 Remote Run, in ASCII",
        "'1001000000010200",
        "remote_run",
        {"mode": 1, "clear": ClearMode.ALL, "fixed": 0},
        "'0000",
        None,
    ),
    ("5.4 Remote Stop", "0210 0000 0100", "remote_stop", {"fixed": 1}, "0000", None),
    ("5.4 Remote Pause", "0310 0000 0100", "remote_pause", {"mode": 1}, "0000", None),
    ("5.4 Remote Latch Clear", "0510 0000 0100", "remote_latch_clear", {"fixed": 1}, "0000", None),
    ("5.4 Remote Reset", "0610 0000 0100", "remote_reset", {"fixed": 1}, "0000", None),
    (
        "5.4 Read Type Name",
        "0101 0000",
        "read_type_name",
        {},
        "0000 51303255435055202020202020202020 6302",
        TypeName("Q02UCPU", 0x263),
    ),
    (
        "5.4 Read Type Name, in ASCII",
        "'01010000",
        "read_type_name",
        {},
        "'0000Q02UCPU         0263",
        TypeName("Q02UCPU", 0x263),
    ),
    (
        "5.6 Self Test",
        "1906 0000 0500 4142434445",
        "self_test",
        {"data": b"ABCDE"},
        "0000 0500 4142434445",
        b"ABCDE",
    ),
    (
        "5.6 Self Test, in ASCII",
        "'061900000005ABCDE",
        "self_test",
        {"data": b"ABCDE"},
        "'00000005ABCDE",
        b"ABCDE",
    ),
    ("5.7 Clear Error", "1716 0000", "clear_error", {}, "0000", None),
    ("5.5 Unlock", "3016 0000 0400 31323334", "remote_unlock", {"password": "1234"}, "0000", None),
    ("5.5 Lock, in ASCII", "'1631000000041234", "remote_lock", {"password": "1234"}, "'0000", None),
]


def content(text: str) -> bytes:
    """Return the bytes of a vector: hex digits, or ASCII behind a quote."""
    return text[1:].encode() if text.startswith("'") else bytes.fromhex(text)


@pytest.mark.parametrize("vector", VECTORS, ids=[each[0] for each in VECTORS])
def test_a_message_of_the_manual_goes_both_ways(vector: tuple[Any, ...]) -> None:
    _, asked, name, values, answered, result = vector
    ascii = asked.startswith("'")
    dialect = declaration_of(SlmpAscii if ascii else Slmp).dialect
    request = in_frame(content(asked), ascii=ascii)
    assert request == dialect.request(name, values, 0)
    found = dialect.read_at_equipment(request)
    assert isinstance(found, Request)
    assert (name, values) == (found.name, found.values)
    reply = in_reply(content(answered), ascii=ascii)
    assert [reply] == dialect.reply(found, result)
    (answer,) = dialect.read_at_host(reply)
    reader = dialect.reader_for(name, values)
    assert reader is not None
    assert result == reader.take(answer.body)  # type: ignore[union-attr]


def test_a_frame_4e_has_a_serial_number() -> None:
    """Section 4.2: subheader 5400H, serial number, 0000H, then as in the 3E frame."""
    values = {"device": Address("D", 100), "count": 1}
    binary = declaration_of(Slmp4E).dialect
    request = bytes.fromhex("5400 3412 0000 00 FF FF03 00 0C00 1000 0104 0000 640000 A8 0100")
    assert request == binary.request("read_words", values, SERIAL)
    found: Any = binary.read_at_equipment(request)
    assert SERIAL == found.id
    assert ["D40034120000" + "00FFFF0300" + "0400" + "0000" + "0700"] == [
        each.hex().upper() for each in binary.reply(found, [7])
    ]
    text = declaration_of(SlmpAscii4E).dialect
    request = b"54001234000000FF03FF000018001004010000D*0001000001"
    assert request == text.request("read_words", values, SERIAL)
    found = text.read_at_equipment(request)
    assert [b"D4001234000000FF03FF00000800000007"] == text.reply(found, [7])


@pytest.mark.parametrize("ascii", [False, True], ids=["binary", "ascii"])
def test_a_fault_tells_which_station_refused_what(ascii: bool) -> None:
    """Section 4.2, response message in failure: C051H of the connected station, for Read."""
    dialect = declaration_of(SlmpAscii if ascii else Slmp).dialect
    body = content("'C05100FF03FF0004010001" if ascii else "51C0 00 FF FF03 00 0104 0100")
    reply = in_reply(body, ascii=ascii)
    asked: Any = dialect.read_at_equipment(dialect.request("read_bits", READ_BITS, 0))
    assert reply == dialect.fault(asked, Fault(0xC051))
    (answer,) = dialect.read_at_host(reply)
    reader: Any = dialect.reader_for("read_bits", READ_BITS)
    with pytest.raises(Fault) as caught:
        reader.take(answer.body)  # type: ignore[union-attr]
    assert 0xC051 == caught.value.code
    assert "end code C051, the number of bits is out of range" == caught.value.reason
    assert ErrorInfo(0, 0xFF, 0x3FF, 0, 0x0401, 1) == caught.value.data


def test_a_fault_may_have_no_details() -> None:
    dialect = declaration_of(Slmp).dialect
    (answer,) = dialect.read_at_host(in_reply(b"\x59\xc0", ascii=False))
    reader: Any = dialect.reader_for("read_bits", READ_BITS)
    with pytest.raises(Fault, match="end code C059"):
        reader.take(answer.body)  # type: ignore[union-attr]
