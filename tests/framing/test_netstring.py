"""Frames as netstrings: Netstring."""

from __future__ import annotations

import pytest

from tcpcomm.errors import (
    BadLength,
    EncodeError,
    FrameTooLong,
    FramingError,
    TruncatedFrame,
    UnexpectedBytes,
)
from tcpcomm.framing import Netstring
from tests.framing.reading import Fault, feed, outcome_of, read, read_chunks

SHORT = Netstring(max_frame=100)


def test_a_length_a_colon_the_data_and_a_comma_are_a_frame() -> None:
    assert [b"hello", b"", b",:\0"] == read(Netstring(), b"5:hello,0:,3:,:\0,2:a")


def test_a_frame_is_sent_with_its_length() -> None:
    assert b"0:,11:hello,world," == Netstring().encode_many([b"", b"hello,world"])


@pytest.mark.parametrize(
    ("wire", "kind", "reason"),
    [
        (b"00:,", BadLength, "a netstring's length cannot begin with 0"),
        (b"05:hello,", BadLength, "a netstring's length cannot begin with 0"),
        (b":,", BadLength, "a netstring begins with its length and a colon, but b':' came there"),
        (b"-1:,", BadLength, "a netstring begins with its length and a colon, but b'-' came there"),
        (b" 1:a,", BadLength, "a netstring begins with its length and a colon, but b' ' came there"),
        (b"1 :a,", BadLength, "a netstring begins with its length and a colon, but b' ' came there"),
        (b"1,a,", BadLength, "a netstring begins with its length and a colon, but b',' came there"),
        (b"1:ab", UnexpectedBytes, "a netstring of 1 bytes must be followed by a comma, not by b'b'"),
        (b"0:0", UnexpectedBytes, "a netstring of 0 bytes must be followed by a comma, not by b'0'"),
        (b"101:", FrameTooLong, "a frame of 101 bytes exceeds max_frame=100"),
        (b"1000", FrameTooLong, "a length of more than 3 digits exceeds max_frame=100"),
        (b"9" * 99, FrameTooLong, "a length of more than 3 digits exceeds max_frame=100"),
    ],
)
def test_any_other_byte_ends_the_stream(wire: bytes, kind: type[FramingError], reason: str) -> None:
    fault = Fault(kind, reason, 4, recoverable=False)
    assert [b"x", fault] == read(SHORT, b"1:x," + wire + b"1:y,")


def test_a_length_of_max_frame_bytes_is_accepted() -> None:
    assert [b"x" * 100] == read(SHORT, b"100:" + b"x" * 100 + b",")


def test_digits_without_a_colon_are_not_collected_without_end() -> None:
    decoder = SHORT.decoder()
    assert [] == feed(decoder, b"123")
    assert 3 == decoder.buffered
    fault = Fault(FrameTooLong, "a length of more than 3 digits exceeds max_frame=100", recoverable=False)
    assert [fault] == feed(decoder, b"4")
    assert 0 == decoder.buffered


def test_after_a_fault_every_call_raises_it_again() -> None:
    decoder = SHORT.decoder()
    seen = feed(decoder, b"x")
    assert seen == feed(decoder, b"1:a,") == outcome_of(decoder.flush) == outcome_of(decoder.close)


def test_silence_in_mid_frame_drops_it_and_is_reported() -> None:
    decoder = SHORT.decoder()
    feed(decoder, b"1:a,5:he")
    fault = Fault(TruncatedFrame, "the line fell silent in the middle of a frame", 4)
    assert [fault] == outcome_of(decoder.flush)
    assert [b"b"] == feed(decoder, b"1:b,")


def test_the_end_of_the_stream_in_mid_frame_is_reported() -> None:
    fault = Fault(TruncatedFrame, "the stream ended in the middle of a frame", 4, recoverable=False)
    assert [b"a", fault] == read(SHORT, b"1:a,1:b", then="end of stream")


def test_a_frame_beyond_max_frame_is_refused() -> None:
    with pytest.raises(EncodeError, match="a frame of 101 bytes exceeds max_frame=100"):
        SHORT.encode(b"x" * 101)


def test_a_wrong_end_is_found_in_a_chunk_that_looks_like_one_frame() -> None:
    reason = "a netstring of 2 bytes must be followed by a comma, not by b';'"
    fault = Fault(UnexpectedBytes, reason, 10, recoverable=False)
    assert [b"ab", b"ab", fault] == read_chunks(Netstring(), [b"2:ab,", b"2:ab,", b"2:ab;"])
