"""Frames that all have the same number of bytes: FixedSize."""

from __future__ import annotations

import pytest

from tcpcomm.errors import ConfigurationError, EncodeError, TruncatedFrame
from tcpcomm.framing import FixedSize
from tests.framing.reading import Fault, feed, outcome_of, read


def test_each_frame_has_the_same_number_of_bytes() -> None:
    assert [b"abcd", b"efgh"] == read(FixedSize(4), b"abcdefghij")


def test_a_frame_may_be_one_byte() -> None:
    assert [b"a", b"b"] == read(FixedSize(1), b"ab")


def test_at_most_one_unfinished_frame_is_buffered() -> None:
    decoder = FixedSize(4).decoder()
    feed(decoder, b"abcdef")
    assert (2, b"ef") == (decoder.buffered, decoder.trailing)


def test_silence_in_mid_frame_drops_it_and_is_reported() -> None:
    decoder = FixedSize(4).decoder()
    feed(decoder, b"abcdef")
    fault = Fault(TruncatedFrame, "the line fell silent in the middle of a frame", 4)
    assert [fault] == outcome_of(decoder.flush)
    assert [b"ghij"] == feed(decoder, b"ghij")


def test_the_end_of_the_stream_in_mid_frame_is_reported() -> None:
    fault = Fault(TruncatedFrame, "the stream ended in the middle of a frame", 4, recoverable=False)
    assert [b"abcd", fault] == read(FixedSize(4), b"abcdef", then="end of stream")


def test_a_frame_of_that_size_is_sent_as_it_is() -> None:
    assert b"abcd" == FixedSize(4).encode(b"abcd")


@pytest.mark.parametrize("frame", [b"", b"abc", b"abcde"])
def test_a_frame_of_another_size_is_refused(frame: bytes) -> None:
    with pytest.raises(EncodeError, match=f"must have exactly 4 bytes, not {len(frame)}"):
        FixedSize(4).encode(frame)


def test_the_limit_is_the_size() -> None:
    assert 4 == FixedSize(4).max_frame


@pytest.mark.parametrize("size", [0, -1])
def test_a_size_below_one_byte_is_refused(size: int) -> None:
    with pytest.raises(ConfigurationError, match=f"a fixed frame must have at least 1 byte, not {size}"):
        FixedSize(size)
