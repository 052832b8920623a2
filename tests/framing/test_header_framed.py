"""Frames with a header from which a function computes the total length: HeaderFramed."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tcpcomm.errors import BadLength, ConfigurationError, EncodeError, FrameTooLong, TruncatedFrame
from tcpcomm.framing import HeaderFramed
from tests.framing.reading import Fault, feed, outcome_of, read

SIZES = {ord("P"): 1, ord("S"): 5}


def size_of_type(header: bytes) -> int:
    """Return the size that the type byte fixes: P is a ping without data, S a status with four bytes."""
    try:
        return SIZES[header[0]]
    except KeyError:
        raise ValueError("no such type") from None


def two_sizes(header: bytes) -> int:
    """Return the sum of the sizes of a name and of data."""
    return 3 + header[0] + int.from_bytes(header[1:3], "big")


def announced(header: bytes) -> int:
    return 2 + int.from_bytes(header, "little")


def announce(frame: bytes) -> bytes:
    return len(frame).to_bytes(2, "little")


BY_TYPE = HeaderFramed(1, size_of_type)
STRIPPED = HeaderFramed(2, announced, strip=2, pack=announce, max_frame=10)


def test_a_type_may_fix_the_size() -> None:
    assert [b"P", b"S1234", b"P"] == read(BY_TYPE, b"PS1234PS12")


def test_two_sizes_may_be_added() -> None:
    assert [b"\x01\0\x02nab", b"\0\0\0"] == read(HeaderFramed(3, two_sizes), b"\x01\0\x02nab\0\0\0\x05")


def test_a_header_that_pack_makes_again_is_taken_off() -> None:
    assert [b"abc", b""] == read(STRIPPED, b"\x03\0abc\0\0")
    assert b"\x03\0abc\0\0" == STRIPPED.encode_many([b"abc", b""])


def test_a_frame_that_holds_its_header_is_sent_unchanged() -> None:
    assert b"S1234" == BY_TYPE.encode(b"S1234")


def test_a_header_that_the_function_refuses_ends_the_stream() -> None:
    fault = Fault(BadLength, "the header b'X' is not valid: no such type", 1, recoverable=False)
    assert [b"P", fault] == read(BY_TYPE, b"PXP")


def test_a_total_that_is_less_than_the_header_ends_the_stream() -> None:
    framing = HeaderFramed(2, lambda header: header[0])
    fault = Fault(
        BadLength, r"the header b'\x01a' announces 1 bytes, fewer than its own 2", 3, recoverable=False
    )
    assert [b"\x03ab", fault] == read(framing, b"\x03ab\x01abc")


def test_a_total_that_does_not_grow_ends_the_stream() -> None:
    framing = HeaderFramed(2, lambda header: 0)
    fault = Fault(BadLength, "the header b'ab' announces 0 bytes, fewer than its own 2", recoverable=False)
    assert [fault] == read(framing, b"abab")


def test_a_frame_beyond_max_frame_ends_the_stream_before_its_bytes_arrive() -> None:
    fault = Fault(FrameTooLong, "a frame of 65535 bytes exceeds max_frame=10", 5, recoverable=False)
    assert [b"abc", fault] == read(STRIPPED, b"\x03\0abc\xff\xff")


@pytest.mark.parametrize(("length", "delivered"), [(10, True), (11, False)])
def test_the_limit_counts_the_delivered_frame(length: int, delivered: bool) -> None:
    fault = Fault(FrameTooLong, "a frame of 11 bytes exceeds max_frame=10", recoverable=False)
    wire = bytes([length, 0]) + b"x" * length
    assert [b"x" * length if delivered else fault] == read(STRIPPED, wire)


def test_after_a_bad_header_every_call_raises_the_same_fault() -> None:
    decoder = BY_TYPE.decoder()
    fault = Fault(BadLength, "the header b'X' is not valid: no such type", recoverable=False)
    assert [fault] == feed(decoder, b"XP")
    assert [fault] == feed(decoder, b"P")
    assert [fault] == outcome_of(decoder.close)


def test_silence_in_mid_frame_drops_it_and_is_reported() -> None:
    decoder = BY_TYPE.decoder()
    feed(decoder, b"PS12")
    fault = Fault(TruncatedFrame, "the line fell silent in the middle of a frame", 1)
    assert [fault] == outcome_of(decoder.flush)
    assert [b"P"] == feed(decoder, b"P")


def test_the_end_of_the_stream_in_mid_frame_is_reported() -> None:
    fault = Fault(TruncatedFrame, "the stream ended in the middle of a frame", 1, recoverable=False)
    assert [b"P", fault] == read(BY_TYPE, b"PS12", then="end of stream")


@pytest.mark.parametrize(
    ("framing", "frame", "reason"),
    [
        (BY_TYPE, b"S12", "the header b'S' announces 5 bytes, but the frame has 3"),
        (BY_TYPE, b"X", "the header b'X' cannot be sent: no such type"),
        (BY_TYPE, b"", "0 bytes are fewer than the header's 1"),
        (HeaderFramed(3, two_sizes), b"\0\0", "2 bytes are fewer than the header's 3"),
        (STRIPPED, b"x" * 11, "a frame of 11 bytes exceeds max_frame=10"),
        (
            HeaderFramed(2, announced, strip=2, pack=lambda frame: b"\0"),
            b"ab",
            "pack made 1 header bytes where strip takes off 2",
        ),
        (
            HeaderFramed(2, announced, strip=2, pack=lambda frame: b"\x09\0"),
            b"ab",
            r"the header b'\t\x00' announces 11 bytes, but the frame has 4",
        ),
    ],
)
def test_a_frame_that_its_header_does_not_describe_is_refused(
    framing: HeaderFramed, frame: bytes, reason: str
) -> None:
    with pytest.raises(EncodeError, match=f"^{re.escape(reason)}"):
        framing.encode(frame)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"header": 0}, "the header must have at least 1 byte, not 0"),
        ({"header": 2, "strip": 3}, "strip=3 must lie between 0 and the header's 2 bytes"),
        ({"header": 2, "strip": -1}, "strip=-1 must lie between 0 and the header's 2 bytes"),
        ({"header": 2, "strip": 2}, "strip and pack go together"),
        ({"header": 2, "pack": announce}, "strip and pack go together"),
        ({"header": 2, "max_frame": 0}, "max_frame must be at least 1 byte, not 0"),
        ({"header": 3, "max_frame": 2}, "max_frame=2 is less than the 3 header bytes that stay in each"),
    ],
)
def test_values_that_contradict_each_other_are_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(reason)):
        HeaderFramed(total=announced, **options)
