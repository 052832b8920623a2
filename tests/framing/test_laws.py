"""
Every kind of framing, with many options, obeys the laws of ``tcpcomm.testing``.

A run tests six examples of each law for each framing below. Set ``TCPCOMM_EXAMPLES=500`` for a long run.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from math import inf

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from tcpcomm.framing import (
    COTP,
    ETX,
    STX,
    Checked,
    Cobs,
    ContentLength,
    CountedBody,
    Definite,
    Delimited,
    DleStuffed,
    Enclosed,
    FixedSize,
    Fragments,
    Framing,
    HeaderFramed,
    HexText,
    JsonValues,
    LengthPrefixed,
    Lines,
    More,
    Nested,
    Netstring,
    Preamble,
    Stuffed,
    Telnet,
    Unframed,
    VariableLength,
    XmlDocuments,
    checksum,
    modbus_rtu_reply,
    modbus_rtu_request,
)
from tcpcomm.testing import LAWS, Law, check_framing_laws, framings, payloads_for
from tcpcomm.testing.laws import laws

EXAMPLES = int(os.environ.get("TCPCOMM_EXAMPLES", "6"))


def two_sizes(header: bytes) -> int:
    """Return the total length for a header without a plain length field: the sizes of two parts."""
    return 2 + header[0] + header[1]


def by_type(header: bytes) -> int:
    """Return the total length, which the type in the first byte fixes."""
    try:
        return {ord("A"): 4, ord("B"): 9}[header[0]]
    except KeyError:
        raise ValueError(f"no type {header!r}") from None


def sized(frame: bytes) -> bytes:
    return len(frame).to_bytes(2, "big")


def size_of(header: bytes) -> int:
    return 2 + int.from_bytes(header, "big")


def escaped(header: bytes) -> int | More:
    """Return the total length for a size of one byte or, behind FF, of two bytes."""
    if header[0] < 0xFF:
        return 1 + header[0]
    return More(2) if len(header) == 1 else 3 + int.from_bytes(header[1:], "big")


def escape(frame: bytes) -> bytes:
    return bytes([len(frame)]) if len(frame) < 0xFF else b"\xff" + sized(frame)


TPKT = LengthPrefixed(2, offset=2, sync=b"\x03\x00", adjust=-4)
PPP = {0x7E: 0x5E, 0x7D: 0x5D}

FRAMINGS: list[Framing] = [
    Delimited(b"\r\n"),
    Delimited(b"\r\n", max_frame=5),
    Delimited(b"\0", max_frame=1),
    Delimited((b"\r\n", b";", b"aab"), max_frame=20),
    Lines(),
    Lines(send=b"\n", max_frame=6),
    Lines(send=b"\r", max_frame=3),
    Lines(keep_ends=True, max_frame=5),
    LengthPrefixed(1),
    LengthPrefixed(4),
    LengthPrefixed(2, form="little", adjust=-2, max_frame=20),
    LengthPrefixed(3, form="decimal", adjust=3, max_frame=50),
    LengthPrefixed(2, form="hex", max_frame=20),
    LengthPrefixed(8, max_frame=9),
    LengthPrefixed(2, offset=4, strip=0, max_frame=30),
    LengthPrefixed(2, offset=2, sync=b"\x03\x00", adjust=-4, max_frame=300),
    LengthPrefixed(2, offset=4, sync=b"PK", form="little", max_frame=30),
    LengthPrefixed(2, offset=2, sync=b"\0\0", max_frame=10),
    HeaderFramed(2, two_sizes, max_frame=40),
    HeaderFramed(1, by_type),
    HeaderFramed(2, size_of, strip=2, pack=sized, max_frame=12),
    HeaderFramed(1, escaped, strip="header", pack=escape, max_frame=300),
    VariableLength(max_frame=200),
    VariableLength("varint", offset=1, max_frame=200),
    VariableLength("ber", offset=2),
    VariableLength("decimal", end=b"\r\n", max_frame=20),
    Checked(VariableLength("hex", end=b":", offset=3, adjust=1, max_frame=40), checksum("xor")),
    ContentLength(max_frame=30, max_header=60),
    Checked(HeaderFramed(2, modbus_rtu_request), checksum("crc-16/modbus")),
    HeaderFramed(2, modbus_rtu_reply),
    CountedBody((b"IMG {count}", b"I,{w},{count:x}"), max_frame=40),
    CountedBody(b"${count}", end=b"\n", tail=b"\r\n"),
    JsonValues(max_frame=60),
    XmlDocuments(end=b"\r\n", max_frame=80),
    FixedSize(1),
    FixedSize(7),
    Enclosed(max_frame=8),
    Enclosed(b"$", b"*", checksum=checksum("xor").written("hex"), cover_end=False, tail=b"\r\n"),
    Enclosed(b"<<", b">>", checksum=checksum("crc-16/modbus"), between=b"\r\n ", max_frame=12),
    Enclosed(b"'", b"'", between=b" ", max_frame=4),
    Enclosed(b"\r", b"\x03", tail=b"\r", max_frame=3),
    Delimited((b":", b"?"), keep_ends=True, max_frame=8),
    Delimited(b"</Robot>", keep_ends=True),
    Enclosed(STX, (ETX, b"\x17"), keep_ends=True, alone=(b"\x05", b"\x04"), tail=b"\r\n", max_frame=9),
    Enclosed(b"\x10\x02", b"\x10\x03", escape=b"\x10", checksum=checksum("lrc"), alone=b"\x10\x06"),
    Enclosed(STX, b"\x10\x03", escape=b"\x10", cover_escapes=True, checksum=checksum("xor"), max_frame=9),
    Enclosed(escape=b"\x1b", checksum=checksum("crc-16/arc"), alone=(b"\x06", b"\x15"), max_frame=7),
    Stuffed(),
    Stuffed(end=b"\x7e", escape=b"\x7d", codes=PPP, lead=True, max_frame=6),
    DleStuffed(max_frame=6),
    DleStuffed(start=b""),
    Cobs(max_frame=3),
    Cobs(max_frame=600),
    Netstring(max_frame=12),
    Definite(),
    Definite(block_ends=True, terminator=b"\r\n", max_frame=20),
    Definite(terminator=b"\r\n\r\n", max_frame=30),
    Checked(Delimited(b"\r\n", max_frame=30), checksum("crc-16/modbus")),
    Checked(LengthPrefixed(2, max_frame=30), checksum("crc-32/iso-hdlc")),
    Checked(FixedSize(8), checksum("sum8").written("hex")),
    Checked(LengthPrefixed(2, offset=2, sync=b"AB", strip=0), checksum("sum8"), at=4, cover_to=4),
    Checked(HexText(Enclosed(b":", b"\r\n", max_frame=40)), checksum("lrc")),
    Checked(
        LengthPrefixed(1, offset=1, sync=b"h", adjust=4, strip=0),
        checksum("sum8"),
        cover_from=4,
        tail=b"\x16",
    ),
    Checked(LengthPrefixed(1, offset=1, sync=STX), checksum("crc-16/modbus"), cover_header=True, tail=ETX),
    Checked(HeaderFramed(2, modbus_rtu_reply, max_frame=256), checksum("crc-16/modbus"), resync=True),
    Checked(HeaderFramed(2, size_of, strip=2, pack=sized, max_frame=20), checksum("xor"), resync=True),
    Checked(Nested(TPKT, max_fragment=12, max_frame=50), checksum("lrc")),
    Nested(TPKT, COTP, max_fragment=10, max_frame=60),
    Nested(Lines(keep_ends=True, max_frame=70), Fragments(1, 0, 0x80), max_frame=60),
    Nested(Checked(LengthPrefixed(2, max_frame=20), checksum("xor")), Fragments(1, 0, 1), max_frame=60),
    Preamble(LengthPrefixed(2, max_frame=30), 6),
    Telnet(Lines(max_frame=20)),
    Unframed(max_frame=20),
    Unframed(join=True, max_frame=20),
    Checked(Unframed(max_frame=20), checksum("xor")),
]

UNTIMED = [law for law in LAWS if law is not laws.linear_time]
"""The laws that are cheap enough to be tested with many framings."""


@pytest.mark.parametrize("framing", FRAMINGS, ids=lambda framing: type(framing).__name__)
def test_a_framing_obeys_the_laws(framing: Framing) -> None:
    check_framing_laws(framing, max_examples=EXAMPLES)


@pytest.mark.parametrize("law", UNTIMED, ids=lambda law: law.__name__)
@settings(max_examples=4 * EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_framing_obeys_the_law(law: Law, data: DataObject) -> None:
    framing = data.draw(framings())
    if framing.self_delimiting:
        law(framing, payloads_for(framing), data.draw)


@pytest.mark.parametrize("slow", [0, 2, 7])
def test_short_times_that_the_machine_made_long_are_measured_again(
    slow: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first two times, new memory costs more than to decode. Others run beside busy programs."""
    taken: list[float] = []

    def seconds(framing: Framing, chunks: Sequence[bytes], *, at_most: float = inf) -> float:
        if at_most == inf:
            return 0.001
        taken.append(0.05 if len(taken) < slow else 0.016)
        return taken[-1]

    monkeypatch.setattr(laws, "seconds", seconds)
    laws._check_growth(Lines(), [b"a\n"], [b"a\n" * 16])
    assert slow + 1 == len(taken)
