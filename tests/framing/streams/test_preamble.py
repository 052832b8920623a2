"""Bytes before the first frame of a connection: Preamble."""

from __future__ import annotations

from typing import Any

import pytest

from tcpcomm.equipment.ended_framing import EndedFraming
from tcpcomm.errors import ConfigurationError, FrameTooLong, UnexpectedBytes
from tcpcomm.framing import (
    Checked,
    Delimited,
    Framing,
    HexText,
    LengthPrefixed,
    Lines,
    Nested,
    Preamble,
    Telnet,
    checksum,
    parse_framing,
)
from tests.framing.reading import Fault, read

MAC = bytes.fromhex("0090E8 0A0D0A")
SERIAL_SERVER = Preamble(LengthPrefixed(2, max_frame=100), 6)


def test_the_mac_address_that_a_serial_server_sends_first_is_skipped() -> None:
    wire = MAC + b"\0\x02\x03\x28" + b"\0\x01a"
    assert [b"\x03\x28", b"a"] == read(SERIAL_SERVER, wire)
    assert 808 == int.from_bytes(read(SERIAL_SERVER, wire)[0], "big")  # type: ignore[arg-type]


def test_known_bytes_are_checked() -> None:
    framing = Preamble(Delimited(b"\n"), b"RFB 003.008\n")
    assert [b"a", b""] == read(framing, b"RFB 003.008\na\n\n")
    fault = Fault(UnexpectedBytes, "a connection must begin with b'RFB 003.008\\n'", recoverable=False)
    assert [fault] == read(framing, b"RFB 004")


def test_faults_count_from_the_first_frame() -> None:
    fault = Fault(FrameTooLong, "a frame of 101 bytes exceeds max_frame=100", 3, recoverable=False)
    assert [b"a", fault] == read(SERIAL_SERVER, MAC + b"\0\x01a\0\x65")


@pytest.mark.parametrize(
    ("framing", "opening"),
    [
        (SERIAL_SERVER, bytes(6)),
        (Preamble(Lines(), b"HELLO"), b"HELLO"),
        (Preamble(Preamble(Lines(), b"b"), b"a"), b"ab"),
        (Telnet(Preamble(Lines(), 1)), b"\0"),
        (Checked(Preamble(Lines(), b"HELLO"), checksum("xor")), b"HELLO"),
        (HexText(Preamble(Lines(), b"HELLO")), b"HELLO"),
        (Nested(Preamble(LengthPrefixed(2), b"HELLO")), b"HELLO"),
        (EndedFraming(Preamble(Lines(), b"HELLO")), b"HELLO"),
        (Lines(), b""),
    ],
)
def test_a_framing_tells_what_is_sent_first(framing: Framing, opening: bytes) -> None:
    assert opening == framing.opening


@pytest.mark.parametrize("preamble", [0, -1, b"", True, "HELLO", None])
def test_a_preamble_has_bytes(preamble: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^a preamble (must have at least 1 byte|is a number of)"):
        Preamble(Lines(), preamble)


@pytest.mark.parametrize(
    ("text", "framing"),
    [
        ("length:2,max=100,preamble=6", SERIAL_SERVER),
        (r"lines,preamble=\x48ELLO", Preamble(Lines(), b"HELLO")),
        (r"lines,preamble=\x36", Preamble(Lines(), b"6")),
        (r"lines,telnet,preamble=3", Preamble(Telnet(Lines()), 3)),
    ],
)
def test_it_has_a_text_form(text: str, framing: Framing) -> None:
    assert framing == parse_framing(text)
