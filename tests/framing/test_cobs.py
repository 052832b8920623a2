"""Frames that are encoded without zero bytes and end with one: Cobs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.errors import BadEscape, EncodeError, FrameTooLong, TruncatedFrame
from tcpcomm.framing import Cobs
from tests.framing.reading import Fault, feed, outcome_of, read

RUN = bytes(range(1, 255))  # 254 bytes, none of them zero: one full block


def reference_encode(frame: bytes) -> bytes:
    """Encode as in the paper: each code counts the bytes up to the next zero; 255 means none."""
    wire, block = bytearray(), bytearray()
    full_at_the_end = False
    for byte in frame:
        full_at_the_end = False
        if byte:
            block.append(byte)
            if len(block) == 254:
                wire += b"\xff" + block
                block.clear()
                full_at_the_end = True
        else:
            wire += bytes([len(block) + 1]) + block
            block.clear()
    if not full_at_the_end:
        wire += bytes([len(block) + 1]) + block
    return bytes(wire) + b"\0"


@pytest.mark.parametrize(
    ("frame", "wire"),
    [
        (b"", b"\x01\0"),
        (b"\0", b"\x01\x01\0"),
        (b"\0\0", b"\x01\x01\x01\0"),
        (b"\0\x11\0", b"\x01\x02\x11\x01\0"),
        (b"\x11\x22\0\x33", b"\x03\x11\x22\x02\x33\0"),
        (b"\x11\0\0\0", b"\x02\x11\x01\x01\x01\0"),
        (b"\x01", b"\x02\x01\0"),
        (b"\x05\x01", b"\x03\x05\x01\0"),
        (RUN, b"\xff" + RUN + b"\0"),
        (b"\0" + RUN, b"\x01\xff" + RUN + b"\0"),
        (RUN + b"\xff", b"\xff" + RUN + b"\x02\xff\0"),
        (RUN + b"\0", b"\xff" + RUN + b"\x01\x01\0"),
        (RUN[1:] + b"\0", b"\xfe" + RUN[1:] + b"\x01\0"),
        (RUN * 2, (b"\xff" + RUN) * 2 + b"\0"),
    ],
    ids=lambda value: value[:6].hex() + f"({len(value)})",
)
def test_a_frame_is_sent_in_blocks_without_zeros(frame: bytes, wire: bytes) -> None:
    assert wire == Cobs().encode(frame)
    assert [frame] == read(Cobs(), wire)


@given(st.lists(st.sampled_from([b"\0", b"\x01", b"ab", RUN, RUN[1:], RUN[2:]]), max_size=6).map(b"".join))
def test_a_frame_is_sent_as_the_paper_says(frame: bytes) -> None:
    wire = reference_encode(frame)
    assert wire == Cobs().encode(frame)
    assert [frame] == feed(Cobs().decoder(), wire)


@given(st.binary())
def test_any_bytes_can_be_sent(frame: bytes) -> None:
    assert reference_encode(frame) == Cobs().encode(frame)


def test_an_empty_block_after_a_full_one_is_accepted() -> None:
    assert [RUN] == read(Cobs(max_frame=254), b"\xff" + RUN + b"\x01\0")


def test_zeros_in_a_row_are_ignored() -> None:
    assert [b"a"] == read(Cobs(), b"\0\0\x02a\0\0", then="end of stream")


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (b"\x02", "a COBS block of 2 bytes begins where only 1 bytes are left"),
        (b"\x02a\x05ab", "a COBS block of 5 bytes begins where only 3 bytes are left"),
        (b"\xffab", "a COBS block of 255 bytes begins where only 3 bytes are left"),
    ],
)
def test_a_block_that_is_cut_short_costs_one_frame(block: bytes, reason: str) -> None:
    assert [b"a", Fault(BadEscape, reason, 3), b"b"] == read(Cobs(), b"\x02a\0" + block + b"\0\x02b\0")


@pytest.mark.parametrize("max_frame", [1, 253, 254, 255, 508])
def test_a_frame_of_max_frame_bytes_is_delivered(max_frame: int) -> None:
    framing = Cobs(max_frame=max_frame)
    for frame in (b"x" * max_frame, bytes(max_frame)):
        assert [frame] == feed(framing.decoder(), framing.encode(frame))


@pytest.mark.parametrize("max_frame", [1, 253, 254, 255, 508])
def test_a_longer_frame_is_reported_once_and_discarded(max_frame: int) -> None:
    framing = Cobs(max_frame=max_frame)
    for frame in (b"x" * (max_frame + 1), bytes(max_frame + 1), b"x" * 3 * (max_frame + 3)):
        fault, *rest = read(framing, Cobs().encode(frame) + Cobs().encode(b"a"))
        assert isinstance(fault, Fault)
        assert (FrameTooLong, 0, True) == (fault.kind, fault.offset, fault.recoverable)
        assert f"exceeds max_frame={max_frame}" in fault.reason
        assert [b"a"] == rest


def test_a_peer_that_sends_no_zero_without_end_needs_no_memory() -> None:
    decoder = Cobs(max_frame=10).decoder()
    seen = [each for _ in range(1000) for each in feed(decoder, b"1234567")]
    reason = "a frame exceeds max_frame=10 and is discarded up to its end"
    assert [Fault(FrameTooLong, reason)] == seen
    assert 0 == decoder.buffered


def test_silence_in_mid_frame_drops_it_and_is_reported() -> None:
    decoder = Cobs().decoder()
    feed(decoder, b"\x02a\0\x05ab")
    fault = Fault(TruncatedFrame, "the line fell silent in the middle of a frame", 3)
    assert [fault] == outcome_of(decoder.flush)
    assert [b"b"] == feed(decoder, b"\x02b\0")


def test_the_end_of_the_stream_in_mid_frame_is_reported() -> None:
    fault = Fault(TruncatedFrame, "the stream ended in the middle of a frame", 3, recoverable=False)
    assert [b"a", fault] == read(Cobs(), b"\x02a\0\x02b", then="end of stream")


def test_a_frame_beyond_max_frame_is_refused() -> None:
    with pytest.raises(EncodeError, match="a frame of 6 bytes exceeds max_frame=5"):
        Cobs(max_frame=5).encode(b"123456")
