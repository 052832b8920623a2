"""Files in hexadecimal lines, prompts and status lines of native mode are frames, however they are cut."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm import EncodeError, FramingError
from tcpcomm.devices.cognex.framing import Answers, Orders, checksum_of
from tcpcomm.framing import Framing, decode
from tcpcomm.testing import check_framing_laws

LOGIN = Answers(prompts=(b"User:", b"Password:"))


@pytest.mark.parametrize(
    "framing",
    [Orders(), LOGIN, Answers(1), Answers(file=True), Answers(1, file=True, max_frame=60)],
    ids=["orders", "login", "value", "image", "job"],
)
def test_the_framings_obey_the_laws(framing: Framing) -> None:
    check_framing_laws(framing, max_examples=2)


def test_the_checksum_is_that_of_the_digits_in_the_manual() -> None:
    # In-Sight help, "Native Mode Checksum": AB CD EF 01 are the bytes "ABCDEF01"; the CRC is XMODEM's.
    word = 0
    for byte in b"ABCDEF01":
        high = byte << 8
        for _ in range(8):
            word = ((word << 1) ^ 4129 if (high ^ word) & 0x8000 else word << 1) & 0xFFFF
            high <<= 1
    assert b"%04X" % word == checksum_of(b"ABCDEF01")


def test_an_image_is_lines_of_eighty_digits_with_its_size_and_checksum() -> None:
    digits = b"AB" * 50
    wire = b"1\r\n100\r\n" + digits[:80] + b"\r\n" + digits[80:] + b"\r\n" + checksum_of(digits) + b"\r\n"
    assert wire == Answers(file=True).encode(b"1\r\n" + b"\xab" * 50)
    assert [b"1\r\n" + b"\xab" * 50] == Answers(file=True).decoder().feed(wire)


@given(st.binary(max_size=300))
def test_a_size_that_counts_bytes_is_read_too(data: bytes) -> None:
    framing = Answers(file=True)
    wire = framing.encode(b"1\r\n" + data)
    in_bytes = wire.replace(b"1\r\n%d\r\n" % (2 * len(data)), b"1\r\n%d\r\n" % len(data), 1)
    assert [b"1\r\n" + data] == framing.decoder().feed(in_bytes)


def test_lower_case_digits_are_read() -> None:
    wire = Orders().encode(b"WB\r\n\xab\xcd").replace(b"ABCD", b"abcd")
    assert [b"WB\r\n\xab\xcd"] == Orders().decoder().feed(wire)


def test_a_failed_command_has_a_status_line_only() -> None:
    assert [b"-2", b"1\nvalue"] == Answers(1).decoder().feed(b"-2\r\n1\r\nvalue\r\n")


def test_a_value_may_be_any_line_also_one_that_reads_like_a_status() -> None:
    assert [b"1\n-2", b"1\n", b"0"] == Answers(1).decoder().feed(b"1\r\n-2\r\n1\r\n\r\n0\r\n")


@pytest.mark.parametrize("behind", [b"", b" ", b"\r\n", b" \r\n"], ids=["nothing", "blank", "end", "both"])
def test_a_prompt_is_a_frame_whatever_stands_behind_it(behind: bytes) -> None:
    wire = b"Welcome\r\nUser:" + behind + b"Password:" + behind + b"User Logged In\r\n1\r\n"
    decoder = LOGIN.decoder()
    frames = [frame for byte in wire for frame in decoder.feed(bytes([byte]))]
    assert [b"Welcome", b"User:", b"Password:", b"User Logged In", b"1"] == frames


def test_a_damaged_file_is_told_by_the_line_of_its_command() -> None:
    wire = Orders().encode(b"WF\na.job\r\nabc")
    assert [b"!WF", b"GO"] == Orders().decoder().feed(wire.replace(b"616263", b"616264") + b"GO\r\n")
    assert [b"!WF", b"GO"] == Orders().decoder().feed(wire.replace(b"616263", b"61626X") + b"GO\r\n")


def told(framing: Framing, wire: bytes) -> list[str]:
    """Return the frames, as texts, and the reasons of the faults."""
    results = decode(framing.decoder(), wire)
    return [
        text
        for each in results
        for text in ([each.reason] if isinstance(each, FramingError) else [repr(frame) for frame in each])
    ]


def test_a_damaged_image_is_a_fault_and_the_stream_goes_on() -> None:
    wire = Answers(file=True).encode(b"1\r\nabc").replace(b"616263", b"616264")
    first, second = told(Answers(file=True), wire + b"-4\r\n")
    assert first.startswith("a file of 3 bytes has the checksum")
    assert repr(b"-4") == second


def test_a_file_that_is_too_large_is_dropped_as_it_comes() -> None:
    wire = Answers(file=True).encode(b"1\r\n" + bytes(300))
    small = Answers(file=True, max_frame=100)
    decoder, kept = small.decoder(), []
    for byte in wire[:-1]:
        assert [] == decoder.feed(bytes([byte]))
        kept.append(decoder.buffered)
    assert 160 < max(kept) < 400
    with pytest.raises(FramingError, match="a file exceeds 100 bytes"):
        decoder.feed(wire[-1:])


@pytest.mark.parametrize("line", [b"\r\n", b"00\r\n"], ids=["empty", "short"])
def test_many_short_lines_of_a_file_take_no_more_memory_than_its_digits(line: bytes) -> None:
    decoder = Orders(max_frame=1_000_000).decoder()
    decoder.feed(b"WB\r\n2000000\r\n")
    chunk = line * 20_000
    tracemalloc.start()
    try:
        decoder.feed(chunk)
        decoder.feed(chunk)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 2 * len(line) * 40_000


def test_a_line_that_is_too_long_is_discarded_up_to_its_end() -> None:
    first, *others = told(Orders(), b"x" * 4097 + b"\r\n" + b"y" * 4096 + b"\r\nGO\r\n")
    assert "a line exceeds 4096 bytes and is discarded up to its end" == first
    assert [repr(b"y" * 4096), repr(b"GO")] == others
    with pytest.raises(EncodeError, match="more than 4096 bytes"):
        Orders().encode(b"x" * 4097)


def test_a_size_that_is_not_a_number_is_a_fault() -> None:
    assert ["the size of a file must be a number"] == told(Answers(file=True), b"1\r\nabc\r\n")


@pytest.mark.parametrize(
    ("framing", "frame"),
    [
        (Orders(), b"WF"),
        (Orders(), b"WB\n\r\nabc"),
        (Orders(), b"GV\r\n"),
        (LOGIN, b"User: x"),
        (Answers(1), b"1"),
    ],
    ids=["no file", "a name", "a line end", "a prompt", "no value"],
)
def test_what_could_not_be_read_back_is_refused(framing: Framing, frame: bytes) -> None:
    with pytest.raises(EncodeError):
        framing.encode(frame)
