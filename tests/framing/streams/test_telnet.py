"""Frames in a Telnet connection: Telnet."""

from __future__ import annotations

import pytest

from tcpcomm.errors import TcpcommError, TruncatedFrame
from tcpcomm.framing import Delimited, Lines, Telnet, format_framing, parse_framing
from tests.framing.reading import Fault, feed, outcome_of, read

LINES = Telnet(Lines())
PUTTY = bytes.fromhex("FFFB1F FFFB20 FFFB18 FFFB27 FFFD01 FFFB03 FFFD03")
"""The options that PuTTY offers and asks for when it connects."""


def answered(*chunks: bytes) -> tuple[list[bytes | Fault], bytes]:
    """Return the frames of a stream, and what the framing answers by itself."""
    decoder, answers = LINES.decoder(), bytearray()
    decoder.answer_by(answers.extend)
    return [frame for chunk in chunks for frame in feed(decoder, chunk)], bytes(answers)


@pytest.mark.parametrize("step", [1, 2, 3, 100])
def test_the_options_of_putty_are_refused_and_its_lines_are_read(step: int) -> None:
    wire = PUTTY + b"WHO\r\n"
    refusals = bytes.fromhex("FFFE1F FFFE20 FFFE18 FFFE27 FFFC01 FFFE03 FFFC03")
    chunks = [wire[start : start + step] for start in range(0, len(wire), step)]
    assert ([b"WHO"], refusals) == answered(*chunks)


def test_a_refusal_is_not_answered() -> None:
    assert ([b"a"], b"") == answered(b"\xff\xfc\x01\xff\xfe\x03a\r\n")


@pytest.mark.parametrize(
    ("wire", "frames"),
    [
        (b"a\xff\xf1b\r\n", [b"ab"]),
        (b"a\xff\xffb\r\n", [b"a\xffb"]),
        (b"a\xff\xfa\x18\x00VT100\xff\xf0b\r\n", [b"ab"]),
        (b"a\xff\xfa\x18\xff\xff\xf0\r\n\xff\xf0b\r\n", [b"ab"]),
        (b"a\r\0b\r\n", [b"a", b"b"]),
        (b"\xff\xfb\x01\xff\xfb\x01a\n\xff\xf9b\n", [b"a", b"b"]),
    ],
)
def test_what_telnet_mixes_in_is_taken_out(wire: bytes, frames: list[bytes]) -> None:
    assert frames == read(LINES, wire)


def test_a_lone_return_and_the_byte_ff_are_written_as_telnet_says() -> None:
    framing = Telnet(Delimited(b"\n"))
    wire = framing.encode(b"a\xff\rb\r\0c\r")
    assert b"a\xff\xff\r\0b\r\0\0c\r\n" == wire
    assert [b"a\xff\rb\r\0c\r"] == read(framing, wire)
    assert b"OK\r\0" == Telnet(Lines(send=b"\r")).encode(b"OK")


def test_half_a_command_at_the_end_is_reported() -> None:
    reason = "the stream ended in the middle of a command of Telnet"
    fault = Fault(TruncatedFrame, reason, 3, recoverable=False)
    assert [b"a", fault] == read(LINES, b"a\r\n\xff\xfb", then="end of stream")


def test_bytes_from_which_commands_were_taken_are_not_handed_over() -> None:
    decoder = LINES.decoder()
    assert [b"a"] == feed(decoder, b"a\r\nbc")
    assert b"bc" == decoder.trailing
    feed(decoder, b"\xff\xf1")
    with pytest.raises(TcpcommError, match=r"^commands of Telnet were taken out"):
        _ = decoder.trailing
    assert [b"bc"] == outcome_of(decoder.flush)
    assert b"" == decoder.trailing


def test_it_has_a_text_form() -> None:
    assert LINES == parse_framing("lines,telnet")
    assert "lines,telnet" == format_framing(LINES)
