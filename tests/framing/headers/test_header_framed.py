"""Frames with a header from which a function computes the total length: HeaderFramed."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import pytest

from tcpcomm.errors import BadLength, ConfigurationError, EncodeError, FrameTooLong, TruncatedFrame
from tcpcomm.framing import Checked, HeaderFramed, More, checksum
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
        ({"header": 3, "max_header": 2}, "max_header=2 is less than the header's 3 bytes"),
        ({"header": 3, "max_frame": 2}, "max_frame=2 is less than the 3 header bytes that stay in each"),
    ],
)
def test_values_that_contradict_each_other_are_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(reason)):
        HeaderFramed(total=announced, **options)


def text_length(header: bytes) -> int | More:
    """Return the length that digits behind a word say: ``PUT,12,`` and 12 bytes."""
    match = re.fullmatch(rb"[A-Z]{1,8},([0-9]+),", header)
    if match is not None:
        return len(header) + int(match[1])
    if header[-1:] == b"," and header.count(b",") > 1:
        raise ValueError("the second field must be a number")
    return More(until=b",")


def escaped_size(header: bytes) -> int | More:
    """Return the length for a size of one byte or, behind FF, of two bytes."""
    if header[0] < 0xFF:
        return 1 + header[0]
    return More(2) if len(header) == 1 else 3 + int.from_bytes(header[1:], "big")


def escape_size(frame: bytes) -> bytes:
    return bytes([len(frame)]) if len(frame) < 0xFF else b"\xff" + len(frame).to_bytes(2, "big")


TEXT = HeaderFramed(1, text_length, max_header=12, max_frame=100)
ESCAPED = HeaderFramed(1, escaped_size, strip="header", pack=escape_size, max_frame=1000)
CHECKED = Checked(HeaderFramed(1, lambda header: plus_two(text_length(header))), checksum("crc-16/xmodem"))


def plus_two(size: int | More) -> int | More:
    """Count a checksum of two bytes, which the digits do not count."""
    return size if isinstance(size, More) else size + 2


def test_the_function_may_ask_for_the_header_up_to_a_mark() -> None:
    assert [b"PUT,4,,,,,", b"A,0,", b"LONGWORD,10,0123456789"] == read(
        TEXT, b"PUT,4,,,,,A,0,LONGWORD,10,0123456789"
    )


def test_the_function_may_ask_for_a_number_of_bytes_and_the_whole_header_is_taken_off() -> None:
    wire = b"\x03abc" + b"\0" + b"\xff\x01\x00" + b"x" * 256
    assert [b"abc", b"", b"x" * 256] == read(ESCAPED, wire)
    assert wire == ESCAPED.encode_many([b"abc", b"", b"x" * 256])


def test_a_checksum_may_follow_the_data_that_digits_count() -> None:
    wire = CHECKED.encode(b"PUT,9,123456789")
    assert b"PUT,9,123456789" == wire[:-2]
    assert [b"PUT,9,123456789", b"A,1,x"] == read(CHECKED, wire + CHECKED.encode(b"A,1,x"))


def test_a_header_that_does_not_end_ends_the_stream() -> None:
    reason = "a header that begins with b'PUT,00000000' goes on beyond max_header=12"
    assert [b"A,0,", Fault(BadLength, reason, 4, recoverable=False)] == read(TEXT, b"A,0,PUT,000000000,")
    endless = HeaderFramed(1, lambda header: More(1), max_header=5)
    reason = "a header that begins with b'abcde' goes on beyond max_header=5"
    assert [Fault(BadLength, reason, recoverable=False)] == read(endless, b"abcdefg")


def test_a_mark_is_found_though_it_began_in_the_bytes_shown_before() -> None:
    framing = HeaderFramed(3, lambda header: len(header) if len(header) > 3 else More(until=b"\r\n\r\n"))
    assert [b"a\r\n\r\n", b"\r\n\r\n", b"xyz\r\n\r\n"] == read(framing, b"a\r\n\r\n\r\n\r\nxyz\r\n\r\n")


def test_a_large_frame_behind_a_long_header_is_collected_without_a_copy_for_each_chunk() -> None:
    body = bytes(200_000)
    wire = ESCAPED_LARGE.encode(body) + ESCAPED_LARGE.encode(b"next")
    assert [body, b"next"] == read(ESCAPED_LARGE, wire)


ESCAPED_LARGE = HeaderFramed(
    1,
    lambda header: More(4) if len(header) == 1 else 5 + int.from_bytes(header[1:], "big"),
    strip="header",
    pack=lambda frame: b"L" + len(frame).to_bytes(4, "big"),
)


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"PUT", "the header needs b',', which b'PUT' does not hold"),
        (b"PUT,x,", "the header b'PUT,x,' cannot be sent: the second field must be a number"),
        (b"PUT,4,abc", "the header b'PUT,4,' announces 10 bytes, but the frame has 9"),
        (b"", "0 bytes are fewer than the header's 1"),
    ],
)
def test_a_frame_whose_long_header_does_not_fit_is_refused(frame: bytes, reason: str) -> None:
    with pytest.raises(EncodeError, match=f"^{re.escape(reason)}$"):
        TEXT.encode(frame)


def test_a_packed_header_that_the_peer_would_not_take_off_whole_is_refused() -> None:
    framing = HeaderFramed(1, escaped_size, strip="header", pack=lambda frame: b"\xff" + bytes(2))
    with pytest.raises(
        EncodeError, match=r"^the header b'\\xff\\x00\\x00' announces 3 bytes, but the frame"
    ):
        framing.encode(b"abc")
    framing = HeaderFramed(1, escaped_size, strip="header", pack=lambda frame: b"\0\0")
    with pytest.raises(EncodeError, match=r"^pack made 2 header bytes, but the peer would take off 1$"):
        framing.encode(b"abc")


@pytest.mark.parametrize("more", [{}, {"count": -1}, {"count": 1, "until": b";"}])
def test_more_is_a_number_of_bytes_or_a_mark(more: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"^ask for a number of bytes, or for a mark, unlike More"):
        More(**more)


class Measure:
    def __call__(self, header: bytes) -> int:
        return len(header)


@pytest.mark.parametrize(
    ("total", "name"),
    [
        (two_sizes, "two_sizes"),
        (partial(two_sizes), "two_sizes"),
        (len, "len"),
        (Measure(), "Measure"),
    ],
)
def test_its_text_has_the_name_of_the_function_which_is_the_same_in_each_run(total: Any, name: str) -> None:
    """It had the address of the function, so that manuals differed from run to run."""
    framing = HeaderFramed(2, total, strip=2, pack=total)
    assert f"total={name}, strip=2, pack={name}," in str(framing)
    assert "pack=None" in str(HeaderFramed(2, total))
