"""Frames sent in fragments, each in a frame of another framing: Nested."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tcpcomm.errors import (
    BadChecksum,
    ConfigurationError,
    EncodeError,
    FrameTooLong,
    TcpcommError,
    TruncatedFrame,
    UnexpectedBytes,
)
from tcpcomm.framing import COTP, Checked, Delimited, Fragments, LengthPrefixed, Lines, Nested, checksum
from tests.framing.reading import Fault, Outcome, feed, outcome_of, read, read_chunks

TPKT = LengthPrefixed(2, offset=2, sync=b"\x03\x00", adjust=-4)
S7 = Nested(TPKT)
SMALL = Nested(TPKT, max_fragment=5, max_frame=10)

DATA = b"\x02\xf0\x00"
LAST = b"\x02\xf0\x80"
CONNECT = b"\x06\xe0\0\0\0\x01\0"


def tpkt(*fragments: bytes) -> bytes:
    return TPKT.encode_many(fragments)


def too_long(offset: int) -> Fault:
    reason = "a reassembled frame exceeds max_frame=10; its further fragments are discarded"
    return Fault(FrameTooLong, reason, offset)


def test_a_message_in_one_fragment_is_delivered_with_its_header() -> None:
    assert [LAST + b"abc", LAST] == read(S7, tpkt(LAST + b"abc", LAST))


def test_fragments_are_joined_after_the_header_of_the_last_one() -> None:
    assert [LAST + b"abcdef"] == read(S7, tpkt(DATA + b"ab", DATA + b"cd", DATA, LAST + b"ef"))


LINES = Nested(Lines(), Fragments(header=1, flag=0, last=0x80))
KEPT_LINES = Nested(Lines(keep_ends=True), Fragments(header=1, flag=0, last=0x80))


def test_a_line_ending_in_two_chunks_ends_one_fragment() -> None:
    chunks = [b"\0a\r", b"\n\x80b\r\n"]
    assert [b"\x80ab"] == read_chunks(LINES, chunks, "end of stream") == read(LINES, b"".join(chunks))
    assert [b"\0a", b"\x80b"] == read_chunks(Nested(Lines()), chunks, "end of stream")


def test_the_end_of_the_stream_ends_a_kept_line() -> None:
    assert [b"\x80a\r"] == read(KEPT_LINES, b"\x80a\r", "end of stream")


@pytest.mark.parametrize("half", [b"\0a\r", b"\0a\r\n", b"\0a", b"\x80a", b"\0a\r\n\x80b"])
def test_the_end_of_the_stream_between_two_fragments_in_lines_is_reported(half: bytes) -> None:
    """The law of truncation finds this, because it draws lines around fragments."""
    reason = "the stream ended in the middle of a frame"
    assert [Fault(TruncatedFrame, reason, recoverable=False)] == read(KEPT_LINES, half, "end of stream")


def test_a_frame_that_is_not_a_fragment_is_delivered_as_it_is() -> None:
    assert [CONNECT, b"", b"\x01\xf0"] == read(S7, tpkt(CONNECT, b"", b"\x01\xf0"))


def test_a_frame_that_is_not_a_fragment_may_come_between_fragments() -> None:
    assert [CONNECT, LAST + b"ab"] == read(S7, tpkt(DATA + b"a", CONNECT, LAST + b"b"))


def test_a_long_message_is_sent_in_fragments() -> None:
    assert tpkt(DATA + b"ab", DATA + b"cd", LAST + b"e") == SMALL.encode(LAST + b"abcde")


@pytest.mark.parametrize("data", [b"", b"a", b"ab"])
def test_a_short_message_is_sent_in_one_fragment(data: bytes) -> None:
    assert tpkt(LAST + data) == SMALL.encode(LAST + data)


def test_by_default_a_fragment_is_as_long_as_the_outer_framing_allows() -> None:
    framing = Nested(LengthPrefixed(2, max_frame=7))
    assert b"\0\x07" + DATA + b"abcd" + b"\0\x04" + LAST + b"e" == framing.encode(LAST + b"abcde")


def test_a_frame_that_is_not_a_fragment_is_sent_whole() -> None:
    assert tpkt(CONNECT) == SMALL.encode(CONNECT)


def test_all_frames_may_be_fragments() -> None:
    framing = Nested(Delimited(b"\n"), Fragments(header=1, flag=0, last=0x01), max_fragment=3)
    assert [b"1abc"] == read(framing, b"0ab\n1c\n")
    assert b"0ab\n1c\n" == framing.encode(b"1abc")


def test_other_bits_of_the_flag_byte_are_left_alone() -> None:
    assert tpkt(b"\x02\xf0\x05ab", b"\x02\xf0\x85c") == SMALL.encode(b"\x02\xf0\x85abc")


def test_a_reassembled_frame_of_max_frame_bytes_is_delivered() -> None:
    assert [LAST + b"1234567"] == read(SMALL, tpkt(DATA + b"1234", LAST + b"567"))


def test_a_longer_one_is_reported_once_and_discarded_up_to_its_last_fragment() -> None:
    fragments = [LAST + b"ok", DATA + b"1234", DATA + b"5678", DATA + b"x" * 9, LAST, LAST + b"ok"]
    assert [LAST + b"ok", too_long(9), LAST + b"ok"] == read(SMALL, tpkt(*fragments))


def test_a_message_that_its_last_fragment_makes_too_long_costs_no_other_message() -> None:
    fragments = [DATA + b"1234", LAST + b"5678", LAST + b"ok"]
    assert [too_long(0), LAST + b"ok"] == read(SMALL, tpkt(*fragments))


def test_a_frame_that_is_not_a_fragment_may_be_too_long_too() -> None:
    fault = Fault(FrameTooLong, "a frame exceeds max_frame=10")
    assert [fault, LAST] == read(SMALL, tpkt(CONNECT + b"1234", LAST))


def test_a_peer_that_sends_no_last_fragment_needs_no_memory() -> None:
    decoder = SMALL.decoder()
    seen: Outcome = []
    for _ in range(1000):
        seen += feed(decoder, tpkt(DATA + b"12"))
        assert decoder.buffered <= SMALL.max_frame
    assert [too_long(0)] == seen


def test_a_message_with_a_fragment_that_was_lost_is_not_delivered() -> None:
    wire = tpkt(DATA + b"ab") + b"garbage" + tpkt(DATA + b"ef", LAST + b"gh", LAST + b"ok")
    reason = r"a frame must begin with b'\x03\x00', not with b'ga'"
    assert [Fault(UnexpectedBytes, reason, 9), LAST + b"ok"] == read(S7, wire)


def test_a_message_with_a_fragment_that_was_damaged_is_not_delivered() -> None:
    outer = Checked(Delimited(b"\n"), checksum("xor").written("hex"))
    framing = Nested(outer, Fragments(header=1, flag=0, last=0x01))
    wire = outer.encode_many([b"0a", b"0b", b"1c", b"1ok"]).replace(b"0b", b"0x")
    faults = [each for each in read(framing, wire) if isinstance(each, Fault)]
    assert [b"1ok"] == [each for each in read(framing, wire) if isinstance(each, bytes)]
    assert [BadChecksum] == [each.kind for each in faults]


def test_silence_between_fragments_drops_them_and_is_reported() -> None:
    decoder = S7.decoder()
    feed(decoder, tpkt(LAST, DATA + b"ab"))
    fault = Fault(TruncatedFrame, "the line fell silent in the middle of a frame", 7)
    assert [fault] == outcome_of(decoder.flush)
    assert [LAST + b"ok"] == feed(decoder, tpkt(LAST + b"ok"))


def test_the_end_of_the_stream_between_fragments_is_reported() -> None:
    fault = Fault(TruncatedFrame, "the stream ended in the middle of a frame", 7, recoverable=False)
    assert [LAST, fault] == read(S7, tpkt(LAST, DATA + b"ab"), then="end of stream")


def test_a_fault_is_reported_for_the_pending_message_and_not_for_an_earlier_one() -> None:
    good = tpkt(DATA + b"ab", LAST + b"cd")
    fault = Fault(TruncatedFrame, "the stream ended in the middle of a frame", len(good), recoverable=False)
    expected = [LAST + b"abcd", fault]
    assert expected == read(S7, good + tpkt(DATA + b"ef", DATA + b"gh"), then="end of stream")
    assert expected == read(S7, good + b"\x03", then="end of stream")


def test_a_fault_after_a_lost_message_is_reported_at_its_own_offset() -> None:
    lost = tpkt(DATA + b"1234", LAST + b"5678")
    fault = Fault(TruncatedFrame, "the stream ended in the middle of a frame", len(lost), recoverable=False)
    assert [too_long(0), fault] == read(SMALL, lost + b"\x03", then="end of stream")
    assert [too_long(0), fault] == read(SMALL, lost + tpkt(DATA), then="end of stream")


def test_the_end_of_the_stream_while_fragments_are_discarded_is_not_a_second_fault() -> None:
    assert [too_long(0)] == read(SMALL, tpkt(DATA + b"1234", DATA + b"5678"), then="end of stream")


def test_half_a_message_cannot_be_handed_over() -> None:
    decoder = S7.decoder()
    feed(decoder, tpkt(LAST, DATA + b"ab"))
    with pytest.raises(TcpcommError, match="a frame is half reassembled: its bytes cannot be handed over"):
        _ = decoder.trailing


def test_a_message_without_the_flag_of_the_last_fragment_is_refused() -> None:
    reason = r"the header b'\x02\xf0\x00' does not say that this is the last fragment"
    with pytest.raises(EncodeError, match=f"^{re.escape(reason)}$"):
        S7.encode(DATA + b"a")


def test_a_message_beyond_max_frame_is_refused() -> None:
    with pytest.raises(EncodeError, match="a frame of 11 bytes exceeds max_frame=10"):
        SMALL.encode(LAST + b"12345678")


def test_a_frame_that_is_not_a_fragment_is_refused_where_the_outer_framing_cannot_carry_it() -> None:
    with pytest.raises(EncodeError, match="a frame of 7 bytes exceeds max_frame=5"):
        Nested(LengthPrefixed(2, max_frame=5)).encode(CONNECT)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"max_fragment": 3}, "max_fragment must lie between the header's 3 bytes and the outer"),
        ({"max_fragment": 65532}, "max_fragment must lie between the header's 3 bytes and the outer"),
        ({"max_frame": 0}, "max_frame must be at least 1 byte, not 0"),
    ],
)
def test_limits_that_contradict_each_other_are_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{re.escape(reason)}"):
        Nested(TPKT, COTP, **options)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"header": 3, "flag": 3, "last": 1}, "the flag must be a byte of the header, and last a mask"),
        ({"header": 3, "flag": -1, "last": 1}, "the flag must be a byte of the header"),
        ({"header": 3, "flag": 2, "last": 0}, "the flag must be a byte of the header, and last a mask"),
        ({"header": 3, "flag": 2, "last": 256}, "the flag must be a byte of the header, and last a mask"),
        ({"header": 3, "flag": 2, "last": 1, "mark": (3, 0)}, "the mark must be a byte of the header"),
        ({"header": 3, "flag": 2, "last": 1, "mark": (-1, 0)}, "the mark must be a byte of the header"),
    ],
)
def test_flags_outside_of_the_header_are_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{reason}"):
        Fragments(**options)
