"""Good frames after garbage, found by their header and their checksum: Checked with resync."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.errors import (
    BadChecksum,
    BadLength,
    ConfigurationError,
    FrameTooLong,
    TruncatedFrame,
    UnexpectedBytes,
)
from tcpcomm.framing import (
    Checked,
    HeaderFramed,
    LengthPrefixed,
    Lines,
    checksum,
    modbus_rtu_reply,
    modbus_rtu_request,
)
from tcpcomm.framing.headers.resync import MOST_CHECKED
from tests.framing.reading import End, Fault, feed, outcome_of, read, read_chunks

MODBUS = checksum("crc-16/modbus")
RTU = Checked(HeaderFramed(2, modbus_rtu_reply, max_frame=256), MODBUS, resync=True)
REQUESTS = Checked(HeaderFramed(2, modbus_rtu_request, max_frame=256), MODBUS, resync=True)
GOOD = bytes.fromhex("01 04 02 03 28 B9 DE")
FRAME = GOOD[:-2]
COUNTED = Checked(LengthPrefixed(1, max_frame=20), checksum("crc-16/arc"), resync=True)
BEHIND = "; bytes up to the next good frame are ignored"


def no_function(code: int, found: str, offset: int) -> Fault:
    header = bytes.fromhex(found)
    reason = f"the header {header!r} is not valid: a reply with function {code} has no known length"
    return Fault(BadLength, reason + BEHIND, offset)


def test_garbage_before_good_frames_is_told_once() -> None:
    words = "9 bytes came whose crc-16/modbus over bytes 0 to 6 is DE01, not C51B"
    fault = Fault(BadChecksum, words + BEHIND)
    assert [fault, FRAME, FRAME] == read(RTU, b"\0" + GOOD * 2)


def test_garbage_between_good_frames_is_told_once() -> None:
    assert [FRAME, no_function(0, "00 00", 7), FRAME, FRAME] == read(RTU, GOOD + bytes(3) + GOOD * 2)


@pytest.mark.parametrize("recoverable", [True, False])
def test_silence_and_the_end_show_that_a_long_frame_that_was_announced_was_garbage(
    recoverable: bool,
) -> None:
    event = "the line fell silent" if recoverable else "the stream ended"
    fault = Fault(TruncatedFrame, f"{event} in the middle of a frame", recoverable=recoverable)
    wire = bytes.fromhex("00 04 83 02 D0 F0 00") + GOOD * 2
    exception = b"\x04\x83\x02"
    then: End = "silence" if recoverable else "end of stream"
    assert [exception, FRAME, FRAME, fault] == read(RTU, wire, then)


def test_further_frames_show_it_too() -> None:
    wire = bytes.fromhex("00 04 83 02 D0 F0 00") + GOOD * 25
    frames = [each for each in read(RTU, wire) if isinstance(each, bytes)]
    assert [b"\x04\x83\x02", *[FRAME] * 25] == frames


def test_requests_are_found_too() -> None:
    good = REQUESTS.encode(bytes.fromhex("11 10 0001 0002 04 000A0102"))
    seen = read(REQUESTS, b"\xff\xff\x03" + good + b"\x63" + good)
    assert 2 == seen.count(good[:-2])


def test_a_length_prefix_is_enough() -> None:
    wire = b"\x03\xff" + COUNTED.encode(b"one") * 2
    assert [b"one", b"one"] == [each for each in read(COUNTED, wire, "silence") if isinstance(each, bytes)]


def test_a_frame_in_order_that_is_too_long_is_dropped_whole() -> None:
    hidden = COUNTED.encode(b"STOP")
    fault = Fault(FrameTooLong, "a frame of 48 bytes exceeds max_frame=20 and is discarded")
    assert [fault, b"ok"] == read(COUNTED, b"\x30" + (hidden * 7)[:48] + COUNTED.encode(b"ok"))


def test_garbage_without_end_ends_the_stream() -> None:
    decoder = COUNTED.decoder()
    seen = []
    for _ in range(1000):
        seen += feed(decoder, b"\x01" * 7)
        if seen and not getattr(seen[-1], "recoverable", True):
            break
    assert Fault(UnexpectedBytes, "no good frame came in 321 bytes", 320, recoverable=False) == seen[-1]
    assert 2 == len(seen)


def test_garbage_that_costs_too_much_ends_the_stream() -> None:
    """Each byte announces a frame of 4 KiB, whose checksum must be computed: 16 s for 64 KiB before."""
    long = Checked(LengthPrefixed(2, max_frame=4096), checksum("crc-16/xmodem"), resync=True)
    candidates = MOST_CHECKED // (2 + 0x0F0F) + 1
    fault = f"no good frame came in {candidates} bytes"
    seen = feed(long.decoder(), b"\x0f" * 20_000)
    assert Fault(UnexpectedBytes, fault, candidates - 1, recoverable=False) == seen[-1]
    assert 2 == len(seen)


@given(
    st.lists(st.one_of(st.just(GOOD), st.binary(max_size=5), st.just(b"\x01\x04")), max_size=8).map(
        b"".join
    )
)
def test_what_is_found_is_the_same_in_any_chunks(wire: bytes) -> None:
    assert read(RTU, wire, "silence") == read_chunks(RTU, [wire], "silence")


def test_after_silence_the_decoder_begins_again() -> None:
    decoder = RTU.decoder()
    feed(decoder, bytes.fromhex("00 04 83"))
    fault = Fault(TruncatedFrame, "the line fell silent in the middle of a frame")
    assert [fault] == outcome_of(decoder.flush)
    assert ([FRAME], 0) == (feed(decoder, GOOD), decoder.buffered)


@pytest.mark.parametrize("framing", [Lines(), HeaderFramed(2, modbus_rtu_reply)])
def test_a_framing_without_a_header_or_with_long_frames_is_refused(framing: Lines | HeaderFramed) -> None:
    reason = (
        "resync needs a LengthPrefixed or HeaderFramed with max_frame of 4096 bytes at most, "
        "because each byte of garbage may cost a checksum"
    )
    with pytest.raises(ConfigurationError, match=f"^{reason}$"):
        Checked(framing, MODBUS, resync=True)
