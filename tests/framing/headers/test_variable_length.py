"""Frames behind a length that is written in as many bytes as it needs: VariableLength."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.errors import BadLength, ConfigurationError, EncodeError, FrameTooLong
from tcpcomm.framing import Checked, VariableLength, checksum
from tests.framing.reading import Fault, read

VARINT = VariableLength()
BER = VariableLength("ber", offset=1)
DECIMAL = VariableLength("decimal", max_frame=1000)
MQTT = VariableLength(offset=1)
CHECKED = Checked(VariableLength("decimal", offset=4, end=b" ", adjust=1), checksum("xor"))


def test_strings_of_a_csharp_binary_writer_are_frames() -> None:
    wire = b"\x05hello" + b"\x80\x02" + b"x" * 256 + b"\x03abc" + b"\0"
    frames = [b"hello", b"x" * 256, b"abc", b""]
    assert frames == read(VARINT, wire)
    assert wire == VARINT.encode_many(frames)


def test_an_mqtt_packet_keeps_its_type_and_its_length() -> None:
    connect = bytes.fromhex("10 0C 0004 4D515454 04 02 003C 0000")
    publish = b"\x30\x83\x02\x00\x01a" + b"x" * 256
    assert [connect, publish, b"\xc0\0"] == read(MQTT, connect + publish + b"\xc0\0")
    assert publish == MQTT.encode(publish)


def test_a_ber_element_keeps_its_tag_and_its_length() -> None:
    bind = bytes.fromhex("30 0C 02 01 01 60 07 02 01 03 04 00 80 00")
    long = b"\x30\x82\x01\x2c" + bytes(300)
    assert [bind, long, b"\x05\0"] == read(BER, bind + long + b"\x05\0")
    assert long == BER.encode(long)


def test_digits_may_be_of_any_number() -> None:
    assert [b"hello", b"", b"x" * 12] == read(DECIMAL, b"5:hello0:012:" + b"x" * 12)
    assert b"12:xxxxxxxxxxxx" == DECIMAL.encode(b"x" * 12)
    assert [b"0123456789"] == read(VariableLength("hex", end=b"\r\n"), b"a\r\n0123456789")


def test_a_text_length_may_stand_behind_a_field_and_a_checksum_behind_the_data() -> None:
    wire = b"PUT 3 abc" + checksum("xor").encode(b"PUT 3 abc")
    assert wire == CHECKED.encode(b"PUT 3 abc")
    assert [b"PUT 3 abc", b"GET 0 "] == read(CHECKED, wire + CHECKED.encode(b"GET 0 "))


@given(st.sampled_from(("varint", "ber")), st.integers(0, 70_000))
def test_every_size_is_read_as_it_was_written(form: Any, size: int) -> None:
    framing = VariableLength(form)
    wire = framing.encode(bytes(size))
    assert [bytes(size)] == framing.decoder().feed(wire)


@pytest.mark.parametrize(
    ("framing", "wire", "kind", "reason"),
    [
        (VARINT, b"\xff" * 10, BadLength, "is not valid: a varint of more than 10 bytes"),
        (VARINT, b"\x80\x80\x80\x01", FrameTooLong, "a frame of 2097152 bytes exceeds max_frame=1048576"),
        (
            BER,
            b"\x30\x80",
            BadLength,
            "is not valid: an indefinite length does not say where the frame ends",
        ),
        (BER, b"\x30\x89", BadLength, "is not valid: a length of 9 bytes"),
        (DECIMAL, b"x", BadLength, "the header b'x' is not valid: digits and b':' must stand there"),
        (DECIMAL, b":", BadLength, "the header b':' is not valid: digits and b':' must stand there"),
        (DECIMAL, b"1;", BadLength, "the header b'1;' is not valid: digits and b':' must stand there"),
        (DECIMAL, b"0" * 16, BadLength, "is not valid: a length of more than 15 digits"),
        (DECIMAL, b"1001:", FrameTooLong, "a frame of 1001 bytes exceeds max_frame=1000"),
        (VariableLength("ber", adjust=-2), b"\x01", BadLength, "announces 0 bytes, fewer than its own 1"),
    ],
)
def test_a_length_that_cannot_be_ends_the_stream(
    framing: VariableLength, wire: bytes, kind: Any, reason: str
) -> None:
    (fault,) = read(framing, wire)
    assert isinstance(fault, Fault)
    assert (kind, False) == (fault.kind, fault.recoverable)
    assert fault.reason.endswith(reason)


@pytest.mark.parametrize(
    ("framing", "frame", "reason"),
    [
        (DECIMAL, b"x" * 1001, "a frame of 1001 bytes exceeds max_frame=1000"),
        (VariableLength(adjust=2), b"x", "a frame of 1 bytes has no length with adjust=2"),
        (
            MQTT,
            b"\x30\x05abc",
            "the length in the frame, at byte 1, makes 7 bytes in all, but the frame has 5",
        ),
        (MQTT, b"\x30", "1 bytes are fewer than the header's 2"),
    ],
)
def test_a_frame_that_the_length_cannot_express_is_refused(
    framing: VariableLength, frame: bytes, reason: str
) -> None:
    with pytest.raises(EncodeError, match=f"^{re.escape(reason)}"):
        framing.encode(frame)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"form": "leb"}, "form must be one of varint, ber, decimal, hex, not 'leb'"),
        ({"form": "decimal", "end": b""}, "the digits of decimal need an end, such as end=b':'"),
        ({"end": b":"}, "a length as varint shows its own end: leave end=b':' out"),
        ({"form": "hex", "end": b"A"}, "the end of the digits cannot begin with a digit: b'A'"),
        ({"offset": -1}, "offset cannot be negative: -1"),
    ],
)
def test_values_that_contradict_each_other_are_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{re.escape(reason)}$"):
        VariableLength(**options)
