"""Frames with an escaped flag byte: Stuffed, which is SLIP by default."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.errors import BadEscape, ConfigurationError, EncodeError, FrameTooLong, TruncatedFrame
from tcpcomm.framing import Stuffed
from tests.framing.reading import Fault, feed, outcome_of, read

SLIP = Stuffed()
PPP_CODES = {0x7E: 0x5E, 0x7D: 0x5D, 0x11: 0x31, 0x13: 0x33}
PPP = Stuffed(end=b"\x7e", escape=b"\x7d", codes=PPP_CODES, lead=True)

soups = st.lists(st.sampled_from(b"\xc0\xdb\xdc\xddab"), max_size=24).map(bytes)


def bad_escape(found: bytes, offset: int) -> Fault:
    return Fault(BadEscape, rf"{found!r} cannot follow the escape byte b'\xdb'", offset)


def slip_encode(frame: bytes) -> bytes:
    """Encode as in RFC 1055, byte by byte."""
    wire = bytearray()
    for byte in frame:
        wire += {0xC0: b"\xdb\xdc", 0xDB: b"\xdb\xdd"}.get(byte, bytes([byte]))
    return bytes(wire) + b"\xc0"


def slip_decode(wire: bytes) -> list[bytes]:
    """Decode as in RFC 1055, byte by byte, without frames that hold a wrong escape."""
    frames, frame, escaped, good = [], bytearray(), False, True
    for byte in wire:
        if byte == 0xC0:
            if frame and good and not escaped:
                frames.append(bytes(frame))
            frame, escaped, good = bytearray(), False, True
        elif escaped:
            good = good and byte in (0xDC, 0xDD)
            frame.append(0xC0 if byte == 0xDC else 0xDB)
            escaped = False
        elif byte == 0xDB:
            escaped = True
        else:
            frame.append(byte)
    return frames


def test_a_flag_ends_a_frame() -> None:
    assert [b"one", b"two"] == read(SLIP, b"one\xc0two\xc0half")


def test_flags_in_a_row_are_not_frames() -> None:
    assert [b"a"] == read(SLIP, b"\xc0\xc0a\xc0\xc0", then="end of stream")


def test_the_flag_and_the_escape_byte_are_escaped_in_a_frame() -> None:
    assert [b"\xc0a\xdb"] == read(SLIP, b"\xdb\xdca\xdb\xdd\xc0")
    assert b"\xdb\xdca\xdb\xdd\xc0" == SLIP.encode(b"\xc0a\xdb")


def test_the_codes_themselves_are_data() -> None:
    assert [b"\xdc\xdd"] == read(SLIP, b"\xdc\xdd\xc0")
    assert b"\xdc\xdd\xc0" == SLIP.encode(b"\xdc\xdd")


def test_with_lead_a_flag_is_sent_before_each_frame_too() -> None:
    assert b"\xc0a\xc0\xc0b\xc0" == Stuffed(lead=True).encode_many([b"a", b"b"])


def test_other_bytes_may_be_escaped_as_with_ppp() -> None:
    wire = b"\x7e\x7d\x5ea\x7d\x5d\x7d\x31\x7d\x33\x7e"
    assert ([b"\x7ea\x7d\x11\x13"], wire) == (read(PPP, wire), PPP.encode(b"\x7ea\x7d\x11\x13"))


def test_the_escape_byte_may_escape_itself() -> None:
    framing = Stuffed(codes={0xC0: 0xDC, 0xDB: 0xDB})
    assert b"\xdb\xdb\xdb\xdc\xc0" == framing.encode(b"\xdb\xc0")
    assert [b"\xdb\xc0"] == read(framing, b"\xdb\xdb\xdb\xdc\xc0")


@given(st.one_of(st.binary(min_size=1), soups.filter(bool)))
def test_a_frame_is_sent_as_rfc_1055_does(frame: bytes) -> None:
    assert slip_encode(frame) == SLIP.encode(frame)


@given(soups)
def test_good_frames_are_those_of_rfc_1055(wire: bytes) -> None:
    assert slip_decode(wire) == [each for each in read(SLIP, wire) if isinstance(each, bytes)]


def test_a_wrong_escape_costs_one_frame() -> None:
    assert [b"a", bad_escape(b"x", 2), b"b"] == read(SLIP, b"a\xc0\xdbx\xc0b\xc0")


def test_an_escape_byte_before_the_flag_costs_one_frame() -> None:
    assert [bad_escape(b"", 0), b"b"] == read(SLIP, b"a\xdb\xc0b\xc0")


def test_a_frame_of_max_frame_bytes_is_delivered_even_if_all_are_escaped() -> None:
    assert [b"12345", b"\xc0" * 5] == read(Stuffed(max_frame=5), b"12345\xc0" + b"\xdb\xdc" * 5 + b"\xc0")


@pytest.mark.parametrize("body", [b"123456", b"1" * 10, b"\xdb\xdc" * 5 + b"1"])
def test_a_longer_frame_is_reported_once_and_discarded(body: bytes) -> None:
    seen = read(Stuffed(max_frame=5), b"ok\xc0" + body + b"\xc0ok\xc0")
    fault = seen.pop(1)
    assert [b"ok", b"ok"] == seen
    assert isinstance(fault, Fault)
    assert (FrameTooLong, 3, True) == (fault.kind, fault.offset, fault.recoverable)
    assert "exceeds max_frame=5" in fault.reason


def test_a_peer_that_sends_no_flag_without_end_needs_no_memory() -> None:
    decoder = Stuffed(max_frame=10).decoder()
    seen = [each for _ in range(1000) for each in feed(decoder, b"1234567")]
    reason = "a frame exceeds max_frame=10 and is discarded up to its end"
    assert [Fault(FrameTooLong, reason)] == seen
    assert 0 == decoder.buffered


def test_silence_in_mid_frame_drops_it_and_is_reported() -> None:
    decoder = SLIP.decoder()
    feed(decoder, b"a\xc0half")
    fault = Fault(TruncatedFrame, "the line fell silent in the middle of a frame", 2)
    assert [fault] == outcome_of(decoder.flush)
    assert [b"b"] == feed(decoder, b"b\xc0")


def test_silence_ends_the_discarding() -> None:
    decoder = Stuffed(max_frame=3).decoder()
    feed(decoder, b"1234567")
    assert [] == outcome_of(decoder.flush)
    assert [b"b"] == feed(decoder, b"b\xc0")


def test_the_end_of_the_stream_in_mid_frame_is_reported() -> None:
    fault = Fault(TruncatedFrame, "the stream ended in the middle of a frame", 2, recoverable=False)
    assert [b"a", fault] == read(SLIP, b"a\xc0half", then="end of stream")


def test_an_empty_frame_is_refused() -> None:
    with pytest.raises(EncodeError, match="an empty frame cannot be sent: two flags in a row mean nothing"):
        SLIP.encode(b"")


def test_a_frame_beyond_max_frame_is_refused() -> None:
    with pytest.raises(EncodeError, match="a frame of 6 bytes exceeds max_frame=5"):
        Stuffed(max_frame=5).encode(b"123456")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"end": b""}, "end must be exactly one byte, not b''"),
        ({"escape": b"ab"}, "escape must be exactly one byte, not b'ab'"),
        ({"end": b"\x7e"}, "codes must escape the end byte and the escape byte"),
        ({"codes": {0xC0: 0xDC}}, "codes must escape the end byte and the escape byte"),
        (
            {"codes": {0xC0: 0xDC, 0xDB: 0xDC}},
            "the codes must differ from each other and from what they escape",
        ),
        (
            {"codes": {0xC0: 0xDC, 0xDB: 0xC0}},
            "the codes must differ from each other and from what they escape",
        ),
        (
            {"codes": {0xC0: 0xDC, 0xDB: 0xDD, 0xDC: 0xDE}},
            "the codes must differ from each other and from what they escape",
        ),
        ({"codes": {0xC0: 0xDC, 0xDB: 0x100}}, "codes map bytes to bytes, numbers from 0 to 255"),
        ({"codes": {0xC0: 0xDC, 0xDB: 0xDD, -1: 0}}, "codes map bytes to bytes, numbers from 0 to 255"),
        ({"end": b"\xdb"}, "the end byte and the escape byte must differ"),
        ({"max_frame": 0}, "max_frame must be at least 1 byte, not 0"),
    ],
)
def test_codes_that_cannot_be_read_back_are_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{re.escape(reason)}$"):
        Stuffed(**options)


def test_the_codes_cannot_be_changed() -> None:
    codes = {0xC0: 0xDC, 0xDB: 0xDD}
    framing = Stuffed(codes=codes)
    codes[0xC0] = 0
    assert b"\xdb\xdc\xc0" == framing.encode(b"\xc0")
