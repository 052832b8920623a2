"""Chunks as frames: Unframed."""

from __future__ import annotations

import pytest

from tcpcomm.errors import BadChecksum, EncodeError, FrameTooLong
from tcpcomm.framing import Checked, Nested, Unframed, checksum
from tests.framing.reading import Fault, feed, outcome_of, read, read_chunks


def test_each_chunk_is_a_frame() -> None:
    assert [b"one", b"two\n"] == read_chunks(Unframed(), [b"one", b"", b"two\n"])


def test_nothing_in_the_bytes_shows_where_a_frame_ends() -> None:
    assert not Unframed().self_delimiting
    assert not Checked(Unframed(), checksum("xor")).self_delimiting
    assert not Nested(Unframed()).self_delimiting


def test_nothing_is_buffered() -> None:
    decoder = Unframed().decoder()
    feed(decoder, b"one")
    assert (0, b"", []) == (decoder.buffered, decoder.trailing, outcome_of(decoder.close))


def test_a_chunk_beyond_max_frame_is_reported_and_discarded() -> None:
    fault = Fault(FrameTooLong, "a frame exceeds max_frame=3 and is discarded", 3)
    assert [b"abc", fault, b"x"] == read_chunks(Unframed(max_frame=3), [b"abc", b"abcd", b"x"])


@pytest.mark.parametrize("join", [False, True])
def test_an_empty_frame_is_refused(join: bool) -> None:
    with pytest.raises(EncodeError, match=r"^an empty frame cannot be sent: it has no bytes at all$"):
        Unframed(join=join).encode(b"")


@pytest.mark.parametrize("join", [False, True])
def test_a_frame_is_sent_as_it_is(join: bool) -> None:
    assert b"a\r\nb" == Unframed(join=join).encode(b"a\r\nb")


def test_a_frame_beyond_max_frame_is_refused() -> None:
    with pytest.raises(EncodeError, match="a frame of 4 bytes exceeds max_frame=3"):
        Unframed(max_frame=3).encode(b"abcd")


def test_joined_chunks_are_a_frame_after_silence() -> None:
    assert [b"one two"] == read(Unframed(join=True), b"one two", then="silence")


def test_joined_chunks_are_a_frame_when_the_stream_ends() -> None:
    assert [b"one two"] == read(Unframed(join=True), b"one two", then="end of stream")


def test_silence_without_chunks_is_not_a_frame() -> None:
    assert [] == read(Unframed(join=True), b"", then="silence")


def test_joined_chunks_beyond_max_frame_are_reported_once_and_discarded_up_to_silence() -> None:
    decoder = Unframed(join=True, max_frame=3).decoder()
    fault = Fault(FrameTooLong, "a frame exceeds max_frame=3 and is discarded")
    assert [fault] == feed(decoder, b"ab") + feed(decoder, b"cd") + feed(decoder, b"ef")
    assert (0, True) == (decoder.buffered, decoder.mid_frame)
    assert [] == decoder.flush()
    assert [] == feed(decoder, b"abc")
    assert [b"abc"] == decoder.flush()


def test_the_offset_of_a_fault_counts_all_earlier_chunks() -> None:
    decoder = Unframed(join=True, max_frame=3).decoder()
    feed(decoder, b"abc")
    decoder.flush()
    fault = Fault(FrameTooLong, "a frame exceeds max_frame=3 and is discarded", 3)
    assert [fault] == feed(decoder, b"abcd")


def test_the_checksum_of_joined_chunks_is_verified() -> None:
    framing = Checked(Unframed(join=True), checksum("xor"))
    decoder = framing.decoder()
    feed(decoder, b"ab" + b"\x03")
    assert [b"ab"] == outcome_of(decoder.flush)
    feed(decoder, b"ab" + b"\x04")
    fault = Fault(BadChecksum, "3 bytes came whose xor over bytes 0 to 1 is 04, not 03", 3)
    assert [fault] == outcome_of(decoder.flush)
    feed(decoder, b"c" + b"c")
    assert [b"c"] == outcome_of(decoder.close)
