"""Frames with a header that holds their length: LengthPrefixed."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tcpcomm.errors import (
    BadLength,
    ConfigurationError,
    EncodeError,
    FrameTooLong,
    TruncatedFrame,
    UnexpectedBytes,
)
from tcpcomm.framing import DEFAULT_MAX_FRAME, LengthPrefixed, decode
from tests.framing.reading import Fault, feed, outcome_of, read

SYNC = LengthPrefixed(2, offset=2, sync=b"\xaa\x55", max_frame=100)


def test_the_default_is_four_big_endian_bytes_that_count_the_bytes_after_them() -> None:
    assert [b"abc", b"", b"d"] == read(LengthPrefixed(), b"\0\0\0\x03abc\0\0\0\0\0\0\0\x01d\0\0")


@pytest.mark.parametrize("width", range(1, 9))
def test_a_big_endian_length_may_have_one_to_eight_bytes(width: int) -> None:
    framing = LengthPrefixed(width)
    wire = b"\0" * (width - 1) + b"\x03abc"
    assert ([b"abc", b"abc"], wire) == (read(framing, wire * 2), framing.encode(b"abc"))


@pytest.mark.parametrize("width", range(1, 9))
def test_a_little_endian_length_may_have_one_to_eight_bytes(width: int) -> None:
    framing = LengthPrefixed(width, form="little")
    wire = b"\x03" + b"\0" * (width - 1) + b"abc"
    assert ([b"abc", b"abc"], wire) == (read(framing, wire * 2), framing.encode(b"abc"))


def test_byte_order_matters() -> None:
    assert [b"x" * 258] == read(LengthPrefixed(2), b"\x01\x02" + b"x" * 258)
    assert [b"x" * 513] == read(LengthPrefixed(2, form="little"), b"\x01\x02" + b"x" * 513)


@pytest.mark.parametrize("width", range(1, 9))
def test_a_length_may_be_decimal_digits(width: int) -> None:
    framing = LengthPrefixed(width, form="decimal")
    wire = b"0" * (width - 1) + b"3abc"
    assert ([b"abc"], wire) == (read(framing, wire), framing.encode(b"abc"))


def test_a_length_may_be_hex_digits_in_either_case_and_is_sent_in_upper_case() -> None:
    framing = LengthPrefixed(2, form="hex")
    assert [b"x" * 10, b"x" * 10] == read(framing, b"0ax" + b"x" * 9 + b"0Ax" + b"x" * 9)
    assert b"0Ax" + b"x" * 9 == framing.encode(b"x" * 10)


def test_a_length_that_counts_its_whole_header_has_a_negative_adjust() -> None:
    framing = LengthPrefixed(2, adjust=-2)
    assert [b"abc", b""] == read(framing, b"\0\x05abc\0\x02")
    assert b"\0\x05abc" == framing.encode(b"abc")


def test_a_length_that_does_not_count_bytes_after_it_has_a_positive_adjust() -> None:
    framing = LengthPrefixed(1, adjust=2)
    assert [b"id", b"idabc"] == read(framing, b"\0id\x03idabc")
    assert b"\x03idabc" == framing.encode(b"idabc")


def test_a_header_that_only_the_application_knows_stays_in_the_frame() -> None:
    framing = LengthPrefixed(2, offset=4)
    assert [b"\0\x07\0\0\0\x02ab"] == read(framing, b"\0\x07\0\0\0\x02ab")


def test_a_header_of_constant_bytes_is_taken_off() -> None:
    assert [b"abc"] == read(SYNC, b"\xaa\x55\0\x03abc")
    assert b"\xaa\x55\0\x03abc" == SYNC.encode(b"abc")


def test_constant_bytes_alone_can_be_taken_off() -> None:
    framing = LengthPrefixed(2, offset=4, sync=b"PK", strip=2)
    assert [b"id\0\x03abc"] == read(framing, b"PKid\0\x03abc")
    assert b"PKid\0\x03abc" == framing.encode(b"id\0\x03abc")


def test_constant_bytes_as_wide_as_the_length_are_not_taken_for_it() -> None:
    framing = LengthPrefixed(2, offset=2, sync=b"PK", strip=2)
    assert b"PK\0\x03abc" == framing.encode(b"\0\x03abc")


def test_a_header_can_be_kept_whole() -> None:
    framing = LengthPrefixed(2, strip=0)
    assert [b"\0\x01a"] == read(framing, b"\0\x01a")
    assert b"\0\x01a" == framing.encode(b"\0\x01a")


@pytest.mark.parametrize("width", [1, 2, 4, 8])
def test_a_length_beyond_max_frame_ends_the_stream_before_its_bytes_arrive(width: int) -> None:
    framing = LengthPrefixed(width, max_frame=10)
    length = 256**width - 1
    fault = Fault(FrameTooLong, f"a frame of {length} bytes exceeds max_frame=10", 1 + width, False)
    assert [b"", b"x"] == read(framing, bytes(width) + b"\x01".rjust(width, b"\0") + b"x")
    wire = b"\x01".rjust(width, b"\0") + b"x" + length.to_bytes(width, "big")
    assert [b"x", fault] == read(framing, wire)


@pytest.mark.parametrize(("length", "delivered"), [(10, True), (11, False)])
def test_the_limit_counts_the_delivered_frame(length: int, delivered: bool) -> None:
    framing = LengthPrefixed(1, offset=1, max_frame=12)
    wire = b"i" + bytes([length]) + b"x" * length
    fault = Fault(FrameTooLong, "a frame of 13 bytes exceeds max_frame=12", recoverable=False)
    assert [wire if delivered else fault] == read(framing, wire)


@pytest.mark.parametrize(("length", "delivered"), [(0, True), (8, True), (9, False)])
def test_the_limit_is_checked_after_the_adjustment(length: int, delivered: bool) -> None:
    framing = LengthPrefixed(1, adjust=2, max_frame=10)
    fault = Fault(FrameTooLong, "a frame of 11 bytes exceeds max_frame=10", recoverable=False)
    body = b"x" * (length + 2)
    assert [body if delivered else fault] == read(framing, bytes([length]) + body)


@pytest.mark.parametrize("length", [0, 1, 3])
def test_a_length_that_is_less_than_the_header_it_counts_ends_the_stream(length: int) -> None:
    reason = f"the length field says {length}: with adjust=-4 that is less than the header's own 4 bytes"
    fault = Fault(BadLength, reason, recoverable=False)
    assert [fault] == read(LengthPrefixed(4, adjust=-4), length.to_bytes(4, "big") + b"rest")


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ("decimal", b"12x4"),
        ("decimal", b" 123"),
        ("decimal", b"-123"),
        ("decimal", b"+123"),
        ("decimal", b"1_23"),
        ("decimal", b"000A"),
        ("hex", b"0x12"),
        ("hex", b"12G4"),
        ("hex", b"\0\0\0\0"),
    ],
)
def test_a_length_that_is_not_a_number_ends_the_stream(form: Any, field: bytes) -> None:
    reason = f"the length field holds {field!r}, which is not a {form} number"
    fault = Fault(BadLength, reason, recoverable=False)
    assert [fault] == read(LengthPrefixed(4, form=form), field + b"rest")


def test_after_a_bad_length_every_call_raises_the_same_fault() -> None:
    decoder = LengthPrefixed(1, max_frame=10).decoder()
    fault = Fault(FrameTooLong, "a frame of 255 bytes exceeds max_frame=10", 2, recoverable=False)
    assert [b"a", fault] == feed(decoder, b"\x01a\xff\x01b")
    assert [fault] == feed(decoder, b"\x01c")
    assert [fault] == outcome_of(decoder.flush)
    assert [fault] == outcome_of(decoder.close)
    assert 0 == decoder.buffered


def test_garbage_before_a_sync_word_is_reported_once_and_skipped() -> None:
    reason = r"a frame must begin with b'\xaaU', not with b'no'"
    wire = b"noise\xaa\xaa\x55\0\x01anoise\xaa\x55\0\x01b"
    assert [
        Fault(UnexpectedBytes, reason),
        b"a",
        Fault(UnexpectedBytes, reason, 11),
        b"b",
    ] == read(SYNC, wire)


def test_a_length_that_is_no_number_after_a_sync_word_costs_no_later_frame() -> None:
    framing = LengthPrefixed(2, form="decimal", offset=1, sync=b"$")
    fault = Fault(BadLength, "the length field holds b'xx', which is not a decimal number")
    assert [fault, b"good"] == read(framing, b"$xx" + framing.encode(b"good"))


FINS = LengthPrefixed(4, offset=4, sync=b"FINS", max_frame=64)


def test_nothing_in_a_frame_that_is_too_long_is_a_frame() -> None:
    """The law of oversize once finds this, because it hides good frames in frames that are too long."""
    body = b"x" * 30 + FINS.encode(b"STOP") + b"x" * 38
    fault = Fault(FrameTooLong, "a frame of 80 bytes exceeds max_frame=64 and is discarded")
    assert [fault, b"good"] == read(FINS, b"FINS\0\0\0\x50" + body + FINS.encode(b"good"))


def test_nothing_in_a_frame_that_is_too_long_is_a_frame_when_garbage_came_before() -> None:
    slmp = LengthPrefixed(2, form="little", offset=7, sync=b"\xd0\x00", max_frame=40)
    good = bytes.fromhex("D000 00 FF FF03 00 0400 0000 3412")
    long = bytes.fromhex("D000 00 FF FF03 00 2200") + good * 2 + bytes(8)
    faults = [
        Fault(UnexpectedBytes, "a frame must begin with b'\\xd0\\x00', not with b'\\x99\\x99'"),
        Fault(FrameTooLong, "a frame of 43 bytes exceeds max_frame=40 and is discarded", 2),
    ]
    assert [*faults, good] == read(slmp, b"\x99\x99" + long + good)


def test_a_frame_that_is_too_long_is_dropped_as_it_comes() -> None:
    decoder = FINS.decoder()
    feed(decoder, b"FINS\0\0\x04\0")
    for _ in range(1023):
        assert [] == decoder.feed(b"F")
        assert (0, True) == (decoder.buffered, decoder.mid_frame)
    assert [] == decoder.feed(b"F")
    assert not decoder.mid_frame
    assert [b"good"] == decoder.feed(FINS.encode(b"good"))


def test_a_frame_of_more_than_16_times_max_frame_ends_the_stream() -> None:
    longest = b"FINS\0\0\x04\0" + bytes(1024)
    reason = "a frame of 1024 bytes exceeds max_frame=64 and is discarded"
    assert [Fault(FrameTooLong, reason), b"good"] == read(FINS, longest + FINS.encode(b"good"))
    fault = Fault(FrameTooLong, "a frame of 1025 bytes exceeds max_frame=64", recoverable=False)
    assert [fault] == read(FINS, b"FINS\0\0\x04\x01" + bytes(1024) + FINS.encode(b"good"))


def test_silence_ends_the_discarding_of_a_frame_that_is_too_long() -> None:
    decoder = FINS.decoder()
    feed(decoder, b"FINS\0\0\0\x50x")
    assert [] == outcome_of(decoder.flush)
    assert [b"good"] == feed(decoder, FINS.encode(b"good"))


def test_endless_garbage_needs_no_memory() -> None:
    decoder = SYNC.decoder()
    faults = 0
    for _ in range(1000):
        faults += len(feed(decoder, b"\xaa\x00" * 50))
        assert decoder.buffered < SYNC.header
    assert 1 == faults


def test_a_frame_in_many_small_chunks_needs_only_its_own_size() -> None:
    decoder = LengthPrefixed(4).decoder()
    assert [] == decoder.feed(b"\xff".rjust(4, b"\0"))
    for held in range(1, 255):
        assert [] == decoder.feed(b"x")
        assert 4 + held == decoder.buffered
    assert [b"x" * 255] == decoder.feed(b"x")
    assert 0 == decoder.buffered


def test_silence_in_mid_frame_drops_it_and_is_reported() -> None:
    decoder = LengthPrefixed(1).decoder()
    feed(decoder, b"\x01a\x05bc")
    fault = Fault(TruncatedFrame, "the line fell silent in the middle of a frame", 2)
    assert [fault] == outcome_of(decoder.flush)
    assert [b"d"] == feed(decoder, b"\x01d")


def test_silence_between_frames_has_no_effect() -> None:
    assert [b"a"] == read(LengthPrefixed(1), b"\x01a", then="silence")


def test_silence_ends_the_search_for_a_sync_word() -> None:
    decoder = SYNC.decoder()
    feed(decoder, b"noise\xaa")
    assert [] == outcome_of(decoder.flush)
    assert [b"a"] == feed(decoder, SYNC.encode(b"a"))


def test_the_end_of_the_stream_in_mid_frame_is_reported() -> None:
    fault = Fault(TruncatedFrame, "the stream ended in the middle of a frame", 2, recoverable=False)
    assert [b"a", fault] == read(LengthPrefixed(1), b"\x01a\x05bc", then="end of stream")


def test_the_end_of_the_stream_inside_garbage_is_not_a_second_fault() -> None:
    fault = Fault(UnexpectedBytes, r"a frame must begin with b'\xaaU', not with b'ga'")
    assert [fault] == read(SYNC, b"garbage", then="end of stream")


def test_the_bytes_after_the_last_frame_are_trailing() -> None:
    decoder = LengthPrefixed(1).decoder()
    feed(decoder, b"\x01a\x09rest")
    assert b"\x09rest" == decoder.trailing


@pytest.mark.parametrize(
    ("framing", "frame", "reason"),
    [
        (LengthPrefixed(max_frame=3), b"abcd", "a frame of 4 bytes exceeds max_frame=3"),
        (LengthPrefixed(1, adjust=2), b"a", "a frame of 1 bytes has no length that this header can"),
        (LengthPrefixed(2, offset=2), b"abc", "a frame of 3 bytes has no length that this header can"),
        (
            LengthPrefixed(2, offset=2),
            b"id\0\x02a",
            r"the length field in the frame, at byte 2, holds b'\x00\x02': for 5 bytes it must",
        ),
        (
            LengthPrefixed(1, offset=2, sync=b"P", strip=1),
            b"i\x02a",
            r"the length field in the frame, at byte 1, holds b'\x02': for 3 bytes it must be b'\x01'",
        ),
        (
            LengthPrefixed(1, offset=3, sync=b"PK"),
            b"PXi\x00",
            "the frame must begin with b'PK', unlike b'PX'",
        ),
    ],
)
def test_a_frame_that_the_peer_could_not_read_is_refused(
    framing: LengthPrefixed, frame: bytes, reason: str
) -> None:
    with pytest.raises(EncodeError, match=f"^{re.escape(reason)}"):
        framing.encode(frame)
    with pytest.raises(EncodeError, match=f"^{re.escape(reason)}"):
        framing.encode_many([frame])


def test_a_kept_hex_length_may_be_sent_in_either_case() -> None:
    framing = LengthPrefixed(2, form="hex", strip=0)
    assert b"0a0123456789" == framing.encode(b"0a0123456789")


@pytest.mark.parametrize(
    ("options", "max_frame"),
    [
        ({"width": 1}, 255),
        ({"width": 1, "adjust": -1}, 254),
        ({"width": 1, "strip": 0}, 256),
        ({"width": 2, "form": "decimal"}, 99),
        ({"width": 2, "form": "hex"}, 255),
        ({"width": 4}, DEFAULT_MAX_FRAME),
        ({"width": 8}, DEFAULT_MAX_FRAME),
    ],
)
def test_the_default_limit_is_a_mebibyte_or_what_the_length_can_express(
    options: dict[str, Any], max_frame: int
) -> None:
    assert max_frame == LengthPrefixed(**options).max_frame


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"width": 0}, "width must be 1 to 8 bytes, not 0"),
        ({"width": 9}, "width must be 1 to 8 bytes, not 9"),
        ({"width": 999_999_999_999}, "width must be 1 to 8 bytes, not 999999999999"),
        ({"form": "middle"}, "form must be one of big, little, decimal, hex, not 'middle'"),
        ({"offset": -1}, "offset cannot be negative: -1"),
        ({"strip": -1}, "strip=-1 must lie between 0 and the header's 4 bytes"),
        ({"strip": 5}, "strip=5 must lie between 0 and the header's 4 bytes"),
        ({"strip": 2}, "strip=2 would take off header bytes that the encoder cannot know again"),
        ({"offset": 2, "strip": 6}, "strip=6 would take off header bytes that the encoder cannot"),
        (
            {"offset": 2, "sync": b"PKX"},
            "sync b'PKX' has 3 bytes, but the length field begins at offset=2",
        ),
        ({"max_frame": 0}, "max_frame must be at least 1 byte, not 0"),
        (
            {"width": 1, "max_frame": 256},
            "max_frame=256 does not fit the length field: it can announce 255 bytes at most",
        ),
        (
            {"width": 1, "adjust": -1, "max_frame": 255},
            "max_frame=255 does not fit the length field: it can announce 254 bytes at most",
        ),
        ({"offset": 4, "max_frame": 7}, "max_frame=7 is less than the 8 bytes of the shortest frame"),
        ({"adjust": 20, "max_frame": 19}, "max_frame=19 is less than the 20 bytes of the shortest frame"),
        ({"width": 1, "adjust": -300}, "max_frame=1 does not fit the length field"),
    ],
)
def test_values_that_contradict_each_other_are_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(reason)):
        LengthPrefixed(**options)


def test_all_contradictions_are_reported_together() -> None:
    with pytest.raises(ConfigurationError) as caught:
        LengthPrefixed(9, strip=-1)
    reason = "width must be 1 to 8 bytes, not 9; strip=-1 must lie between 0 and the header's 9 bytes"
    assert reason == str(caught.value)


def test_the_frames_before_a_fault_are_delivered_first() -> None:
    decoder = LengthPrefixed(1, max_frame=10).decoder()
    kinds = [type(each).__name__ for each in decode(decoder, b"\x01a\x01b\xff")]
    assert ["list", "FrameTooLong"] == kinds
