"""Frames between DLE STX and DLE ETX, in which DLE is doubled: DleStuffed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.errors import (
    BadEscape,
    ConfigurationError,
    EncodeError,
    FrameTooLong,
    TruncatedFrame,
    UnexpectedBytes,
)
from tcpcomm.framing import DleStuffed
from tests.framing.reading import CountedBytes, Fault, feed, outcome_of, read

DLE = DleStuffed()
TSIP = DleStuffed(start=b"")

soups = st.lists(st.sampled_from(b"\x10\x10\x02\x03a"), max_size=24).map(bytes)


def garbage(found: bytes, offset: int, start: bytes = b"\x10\x02") -> Fault:
    reason = f"a frame must begin with {start!r}; bytes from {found!r} on are ignored"
    return Fault(UnexpectedBytes, reason, offset)


def cut_short(offset: int) -> Fault:
    return Fault(TruncatedFrame, "a new frame begins in the middle of a frame", offset)


def reference_decode(wire: bytes, *, start: int | None) -> list[bytes]:
    """Decode with a state machine, byte by byte. ``start`` is None for TSIP."""
    frames: list[bytes] = []
    frame: bytearray | None = None
    escaped = False
    for byte in wire:
        if not escaped:
            if byte == 0x10:
                escaped = True
            elif frame is not None:
                frame.append(byte)
            continue
        escaped = False
        if byte == 0x10:
            if frame is not None:
                frame.append(byte)
        elif byte == start or (start is None and byte != 0x03):
            frame = bytearray() if byte == start else bytearray([byte])
        else:
            if byte == 0x03 and frame is not None:
                frames.append(bytes(frame))
            frame = None
    return frames


def test_the_bytes_between_dle_stx_and_dle_etx_are_a_frame() -> None:
    assert [b"one", b""] == read(DLE, b"\x10\x02one\x10\x03\x10\x02\x10\x03\x10\x02half")


def test_a_dle_in_a_frame_is_doubled() -> None:
    assert [b"\x10a\x10\x10"] == read(DLE, b"\x10\x02\x10\x10a\x10\x10\x10\x10\x10\x03")
    assert b"\x10\x02\x10\x10a\x10\x10\x10\x10\x10\x03" == DLE.encode(b"\x10a\x10\x10")


def test_a_doubled_dle_before_an_etx_is_not_the_end() -> None:
    assert [b"\x10\x03\x10\x02"] == read(DLE, b"\x10\x02\x10\x10\x03\x10\x10\x02\x10\x03")


def test_stx_and_etx_alone_are_data() -> None:
    assert [b"\x02\x03"] == read(DLE, b"\x10\x02\x02\x03\x10\x03")


def test_without_a_start_byte_the_first_byte_follows_dle_at_once() -> None:
    assert [b"\x8f\x20", b"\x02"] == read(TSIP, b"\x10\x8f\x20\x10\x03\x10\x02\x10\x03")
    assert b"\x10\x8f\x20\x10\x03" == TSIP.encode(b"\x8f\x20")


def test_other_bytes_may_be_the_markers() -> None:
    framing = DleStuffed(escape=b"/", start=b"<", end=b">")
    assert [b"a/b"] == read(framing, b"/<a//b/>")
    assert b"/<a//b/>" == framing.encode(b"a/b")


@given(soups)
def test_good_frames_are_those_of_a_state_machine(wire: bytes) -> None:
    frames = [each for each in read(DLE, wire) if isinstance(each, bytes)]
    assert reference_decode(wire, start=0x02) == frames


@given(soups)
def test_good_tsip_frames_are_those_of_a_state_machine(wire: bytes) -> None:
    frames = [each for each in read(TSIP, wire) if isinstance(each, bytes)]
    assert reference_decode(wire, start=None) == frames


@given(soups)
def test_any_frame_can_be_sent(frame: bytes) -> None:
    assert [frame, frame] == read(DLE, DLE.encode(frame) * 2)


def test_an_invalid_escape_costs_one_frame() -> None:
    fault = Fault(BadEscape, r"b'x' cannot follow the escape byte b'\x10'")
    assert [fault, b"b"] == read(DLE, b"\x10\x02a\x10xrest\x10\x03\x10\x02b\x10\x03")


def test_a_start_inside_a_frame_shows_that_it_was_cut_short() -> None:
    assert [cut_short(0), b"two"] == read(DLE, b"\x10\x02half\x10\x02two\x10\x03")


def test_a_tsip_start_inside_a_frame_shows_that_it_was_cut_short() -> None:
    assert [cut_short(0), b"\x42two"] == read(TSIP, b"\x10\x41half\x10\x42two\x10\x03")


@pytest.mark.parametrize("noise", [b"noise", b"\x10\x10", b"\x10\x03", b"\x10x", b"\x03"])
def test_garbage_is_reported_once_and_skipped_up_to_the_next_start(noise: bytes) -> None:
    wire = noise + b"\x10\x02a\x10\x03" + noise + noise + b"\x10\x02b\x10\x03"
    found, second = noise[:1], len(noise) + 5
    assert [garbage(found, 0), b"a", garbage(found, second), b"b"] == read(DLE, wire)


def test_a_frame_of_max_frame_bytes_is_delivered_even_if_all_are_escaped() -> None:
    framing = DleStuffed(max_frame=5)
    assert [b"12345", b"\x10" * 5] == read(framing, framing.encode(b"12345") + framing.encode(b"\x10" * 5))


@pytest.mark.parametrize("body", [b"123456", b"\x10" * 6, b"1" * 40, b"\x10" * 40, b"1" * 12 + b"\x10"])
def test_a_longer_frame_is_reported_once_and_discarded(body: bytes) -> None:
    fault = Fault(FrameTooLong, "a frame exceeds max_frame=5 and is discarded", 6)
    wire = DLE.encode(b"ok") + DLE.encode(body) + DLE.encode(b"ok")
    assert [b"ok", fault, b"ok"] == read(DleStuffed(max_frame=5), wire)


@pytest.mark.parametrize("noise", [b"1234567", b"\x10\x10", b"1\x10\x10"])
def test_a_peer_that_never_ends_its_frame_needs_no_memory(noise: bytes) -> None:
    decoder = DleStuffed(max_frame=10).decoder()
    feed(decoder, b"\x10\x02")
    faults = 0
    for _ in range(1000):
        faults += len(feed(decoder, noise))
        assert decoder.buffered <= 2 * 10 + 4
    assert 1 == faults


def test_endless_garbage_needs_no_memory() -> None:
    decoder = DLE.decoder()
    faults = 0
    for _ in range(1000):
        faults += len(feed(decoder, b"noise\x10"))
        assert decoder.buffered <= 1
    assert 1 == faults


def test_a_chunk_full_of_faults_is_not_copied_for_each_of_them() -> None:
    chunk = CountedBytes(b"\x10\x02\x10\x03x" * 1000)
    assert 2000 == len(feed(DLE.decoder(), chunk))
    assert chunk.copied <= 3 * len(chunk)


def test_silence_in_mid_frame_drops_it_and_is_reported() -> None:
    decoder = DLE.decoder()
    feed(decoder, b"\x10\x02a\x10\x03\x10\x02half\x10")
    fault = Fault(TruncatedFrame, "the line fell silent in the middle of a frame", 5)
    assert [fault] == outcome_of(decoder.flush)
    assert [b"b"] == feed(decoder, b"\x10\x02b\x10\x03")


def test_silence_ends_garbage() -> None:
    decoder = DLE.decoder()
    assert [garbage(b"n", 0)] == feed(decoder, b"noise\x10")
    assert [] == outcome_of(decoder.flush)
    assert [garbage(b"m", 6), b"b"] == feed(decoder, b"more\x10\x02b\x10\x03")


def test_the_end_of_the_stream_in_mid_frame_is_reported() -> None:
    fault = Fault(TruncatedFrame, "the stream ended in the middle of a frame", 5, recoverable=False)
    assert [b"a", fault] == read(DLE, b"\x10\x02a\x10\x03\x10\x02b\x10", then="end of stream")


def test_a_frame_beyond_max_frame_is_refused() -> None:
    with pytest.raises(EncodeError, match="a frame of 6 bytes exceeds max_frame=5"):
        DleStuffed(max_frame=5).encode(b"123456")


@pytest.mark.parametrize("frame", [b"", b"\x10a", b"\x03a"])
def test_a_tsip_frame_whose_first_byte_would_be_misread_is_refused(frame: bytes) -> None:
    reason = (
        r"the frame must begin with a byte that is neither b'\x10' nor b'\x03', "
        "because that byte follows the start"
    )
    with pytest.raises(EncodeError, match=f"^{re.escape(reason)}$"):
        TSIP.encode(frame)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"escape": b""}, "escape must be exactly one byte, not b''"),
        ({"end": b"\r\n"}, r"end must be exactly one byte, not b'\r\n'"),
        ({"start": b"ab"}, "start must be one byte or none, not b'ab'"),
        ({"start": b"\x10"}, "escape, start and end must differ"),
        ({"start": b"\x03"}, "escape, start and end must differ"),
        ({"start": b"", "end": b"\x10"}, "escape, start and end must differ"),
        ({"max_frame": 0}, "max_frame must be at least 1 byte, not 0"),
    ],
)
def test_ambiguous_markers_are_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{re.escape(reason)}$"):
        DleStuffed(**options)
