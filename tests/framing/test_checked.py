"""Another framing with a checksum in each frame: Checked."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tcpcomm.errors import (
    BadChecksum,
    ConfigurationError,
    EncodeError,
    FrameTooLong,
    TruncatedFrame,
    UnexpectedBytes,
)
from tcpcomm.framing import (
    Checked,
    Cobs,
    Definite,
    Delimited,
    DleStuffed,
    Enclosed,
    FixedSize,
    HeaderFramed,
    HexText,
    LengthPrefixed,
    Lines,
    Netstring,
    Stuffed,
    checksum,
)
from tests.framing.reading import Fault, feed, outcome_of, read

XOR = checksum("xor")
CRC = checksum("crc-16/modbus")
LINES = Checked(Delimited(b"\r\n"), XOR.written("hex"))


def bad(size: int, name: str, found: str, expected: str, offset: int = 0, *, counted: str = "") -> Fault:
    """Return the fault of a frame. The places that its checksum counts are such as ``0 to 3``."""
    over = f" over bytes {counted}" if counted else ""
    return Fault(BadChecksum, f"{size} bytes came whose {name}{over} is {found}, not {expected}", offset)


@pytest.mark.parametrize(
    "inner",
    [
        Delimited([b";", b"\r\n"]),
        LengthPrefixed(2),
        LengthPrefixed(2, offset=2, sync=b"PK"),
        HeaderFramed(1, lambda header: header[0] + 1, strip=1, pack=lambda frame: bytes([len(frame)])),
        FixedSize(4),
        Netstring(),
        Stuffed(),
        Cobs(),
        DleStuffed(),
        Definite(),
        Enclosed(),
    ],
    ids=lambda inner: type(inner).__name__,
)
def test_a_checksum_at_the_end_is_added_verified_and_taken_off(inner: Any) -> None:
    framing = Checked(inner, CRC)
    wire = framing.encode(b"ab")
    assert inner.encode(b"ab" + CRC.encode(b"ab")) == wire
    wrong = inner.encode(b"ab" + b"??")
    counted = "0 to 1 behind the header" if isinstance(inner, LengthPrefixed | HeaderFramed) else "0 to 1"
    fault = bad(4, "crc-16/modbus", "3F3F", CRC.encode(b"ab").hex().upper(), len(wire), counted=counted)
    assert [b"ab", fault, b"ab", b"ab"] == read(framing, wire + wrong + wire * 2)


def test_a_wrong_checksum_after_a_block_that_ends_its_frame_costs_one_frame() -> None:
    framing = Checked(Definite(block_ends=True), XOR)
    good, wrong = b"#12aA", b"#12aB"
    assert [b"#12a", bad(5, "xor", "42", "41", 5, counted="0 to 3"), b"#12a"] == read(
        framing, good + wrong + good
    )


def test_a_frame_that_is_too_short_for_its_checksum_is_faulty() -> None:
    fault = Fault(BadChecksum, "1 bytes are too few to hold the xor checksum")
    assert [fault, b"a"] == read(LINES, b"x\r\na61\r\n")


def test_a_frame_may_consist_of_its_checksum_only() -> None:
    assert [b""] == read(LINES, b"00\r\n")
    assert b"00\r\n" == LINES.encode(b"")


def test_a_checksum_may_count_a_part_of_the_frame() -> None:
    framing = Checked(Delimited(b"\n"), XOR.written("hex"), cover_from=1, cover_to=3)
    assert b"abcd" + b"01" + b"\n" == framing.encode(b"abcd")
    assert [b"abcd"] == read(framing, b"abcd01\n")


def test_a_checksum_inside_a_frame_stays_there() -> None:
    framing = Checked(FixedSize(4), XOR, at=2)
    fault = bad(4, "xor", "04", "03", 4, counted="0 to 1")
    assert [b"ab\x03z", fault, b"ab\x03z"] == read(framing, b"ab\x03zab\x04zab\x03z")
    assert b"ab\x03z" == framing.encode(b"ab\x03z")


def test_a_checksum_may_stand_before_the_bytes_that_it_counts() -> None:
    framing = Checked(FixedSize(4), XOR, at=0, cover_from=1, cover_to=4)
    assert [b"\x03ab\0"] == read(framing, b"\x03ab\0")


def test_a_frame_that_ends_before_its_checksum_is_faulty() -> None:
    framing = Checked(Delimited(b"\n"), CRC, at=2)
    fault = Fault(BadChecksum, "3 bytes are too few to hold the crc-16/modbus checksum")
    assert [fault] == read(framing, b"abc\n")


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"abc", "the frame of 3 bytes ends before its checksum"),
        (b"ab\0\0", r"the crc-16/modbus checksum in the frame, at byte 2, is b'\x00\x00': it must be "),
    ],
)
def test_a_frame_without_its_own_checksum_is_refused(frame: bytes, reason: str) -> None:
    with pytest.raises(EncodeError, match=f"^{re.escape(reason)}"):
        Checked(Delimited(b"\n"), CRC, at=2).encode(frame)


def test_a_checksum_of_zero_bytes_may_mean_that_there_is_none() -> None:
    framing = Checked(FixedSize(4), CRC, at=2, zero_is_unchecked=True)
    fault = bad(4, "crc-16/modbus", "0001", CRC.encode(b"ab").hex().upper(), 4, counted="0 to 1")
    assert [b"ab\0\0", fault] == read(framing, b"ab\0\0" + b"ab\0\1")
    assert b"ab\0\0" == framing.encode(b"ab\0\0")


def test_checksums_can_be_nested() -> None:
    framing = Checked(Checked(Delimited(b"\n"), XOR.written("hex")), XOR.written("decimal"))
    assert b"a" + b"097" + b"5F" + b"\n" == framing.encode(b"a")
    assert [b"a"] == read(framing, b"a0975F\n")


def test_the_faults_of_the_inner_framing_keep_their_place() -> None:
    framing = Checked(Delimited(b"\n", max_frame=5), XOR.written("hex"))
    too_long = Fault(FrameTooLong, "a frame exceeds max_frame=5 and is discarded up to its end", 4)
    assert [b"a", too_long, bad(3, "xor", "60", "61", 13), b"a"] == read(
        framing, b"a61\n" + b"12345678\n" + b"a60\n" + b"a61\n"
    )


def test_the_limit_leaves_room_for_the_checksum() -> None:
    framing = Checked(Delimited(b"\n", max_frame=5), XOR.written("hex"))
    assert 3 == framing.max_frame
    assert b"abc60\n" == framing.encode(b"abc")
    with pytest.raises(EncodeError, match="a frame of 6 bytes exceeds max_frame=5"):
        framing.encode(b"abcd")


def test_a_checksum_inside_a_frame_needs_no_extra_room() -> None:
    assert 4 == Checked(FixedSize(4), XOR, at=2).max_frame


def test_a_frame_whose_checksum_holds_the_delimiter_is_refused() -> None:
    with pytest.raises(EncodeError, match="the delimiter would be found at byte 2 of the frame"):
        Checked(Delimited(b"\x03"), XOR).encode(b"ab")


def test_silence_in_mid_frame_drops_it_and_is_reported() -> None:
    decoder = LINES.decoder()
    feed(decoder, b"a61\r\nhalf")
    fault = Fault(TruncatedFrame, "the line fell silent in the middle of a frame", 5)
    assert [fault] == outcome_of(decoder.flush)
    assert [b"a"] == feed(decoder, b"a61\r\n")


@pytest.mark.parametrize(
    ("inner", "options", "reason"),
    [
        (FixedSize(2), {}, "the inner framing's max_frame=2 leaves no room for the 2 bytes of the"),
        (FixedSize(3), {"at": 2}, "the inner framing's max_frame=3 leaves no room for the 2 bytes"),
        (FixedSize(9), {"at": -1}, "at, cover_from and cover_to count from the start: not negative"),
        (FixedSize(9), {"cover_from": -1}, "at, cover_from and cover_to count from the start"),
        (FixedSize(9), {"cover_to": -1}, "at, cover_from and cover_to count from the start"),
        (FixedSize(9), {"at": 2, "cover_to": 3}, "the checksum at byte 2 would count itself"),
        (FixedSize(9), {"at": 2, "cover_from": 3, "cover_to": 5}, "the checksum at byte 2 would count"),
        (FixedSize(9), {"at": 0}, "the checksum would count nothing"),
        (FixedSize(9), {"at": 4, "cover_from": 4}, "the checksum would count nothing"),
        (FixedSize(9), {"cover_from": 3, "cover_to": 3}, "the checksum would count nothing"),
    ],
)
def test_values_that_contradict_each_other_are_refused(
    inner: FixedSize, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"^{re.escape(reason)}"):
        Checked(inner, CRC, **options)


M_BUS = Checked(
    LengthPrefixed(1, offset=1, sync=b"\x68", adjust=4, strip=0),
    checksum("sum8"),
    cover_from=4,
    tail=b"\x16",
)
WITH_HEADER = Checked(
    LengthPrefixed(2, offset=1, sync=b"\x02"), checksum("xor"), cover_header=True, cover_from=1, tail=b"\r"
)
ASCII = Checked(HexText(Enclosed(b":", b"\r\n", max_frame=20)), checksum("lrc"))


def test_a_constant_byte_behind_the_checksum_must_be_there() -> None:
    good, wrong = bytes.fromhex("68030368 53FEBD 0E 16"), bytes.fromhex("68030368 53FEBD 0E 17")
    reason = "a frame must end with b'\\x16' behind its checksum, not with b'\\x17'"
    assert [good[:-2], Fault(UnexpectedBytes, reason, 9), good[:-2]] == read(M_BUS, good + wrong + good)


def test_a_frame_without_room_for_checksum_and_tail_is_a_fault() -> None:
    framing = Checked(LengthPrefixed(1), checksum("xor"), tail=b"\r\n")
    fault = Fault(BadChecksum, "2 bytes are too few to hold the xor checksum")
    assert [fault, b""] == read(framing, b"\x02\r\n\x03\0\r\n")


def test_a_checksum_counts_a_header_that_frames_do_not_hold() -> None:
    wire = b"\x02\x00\x05abc" + bytes([0x05 ^ ord("a") ^ ord("b") ^ ord("c")]) + b"\r"
    assert (wire, [b"abc", b"abc"]) == (WITH_HEADER.encode(b"abc"), read(WITH_HEADER, wire * 2))
    wrong = b"\x02\x00\x05abd" + wire[6:]
    fault = Fault(BadChecksum, "8 bytes came whose xor over bytes 1 to 5 is 65, not 62")
    assert [fault, b"abc"] == read(WITH_HEADER, wrong + wire)


def test_a_checksum_counts_the_header_of_a_function_too() -> None:
    framing = Checked(
        HeaderFramed(1, lambda header: header[0], strip=1, pack=lambda frame: bytes([len(frame) + 1])),
        checksum("sum8"),
        cover_header=True,
    )
    assert (b"\x04ab\xc7", [b"ab"]) == (framing.encode(b"ab"), read(framing, b"\x04ab\xc7"))


def test_bytes_are_sent_as_hexadecimal_text_and_received_in_either_case() -> None:
    assert b":010300000001FB\r\n" == ASCII.encode(b"\x01\x03\0\0\0\x01")
    assert [b"\xab", b"\xab"] == read(ASCII, b":AB55\r\n:ab55\r\n")
    assert b"ab\r\n" == HexText(Lines(), lower=True).encode(b"\xab")


@pytest.mark.parametrize("text", [b"0", b"0g", b"0 0 ", b"+1"])
def test_what_is_not_hexadecimal_text_costs_one_frame(text: bytes) -> None:
    fault = Fault(UnexpectedBytes, f"{text!r} are not pairs of hexadecimal digits")
    assert [fault, b"\xab"] == read(ASCII, b":" + text + b"\r\n:AB55\r\n")


def test_hexadecimal_text_halves_the_longest_frame() -> None:
    framing = HexText(Lines(max_frame=5))
    assert (2, b"0102\r\n") == (framing.max_frame, framing.encode(b"\1\2"))
    with pytest.raises(EncodeError, match="a frame of 3 bytes exceeds max_frame=2"):
        framing.encode(b"\1\2\3")
    with pytest.raises(ConfigurationError, match="no room for two hexadecimal digits"):
        HexText(Lines(max_frame=1))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"at": 1, "tail": b"a"}, "tail and cover_header are for a checksum at the end: leave out at"),
        ({"cover_header": True}, "cover_header needs a LengthPrefixed or HeaderFramed that strips"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{reason}$"):
        Checked(Lines(), checksum("xor"), **options)
