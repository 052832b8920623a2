"""Large frames, which are collected outside of the normal buffer."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from tcpcomm.errors import BadChecksum, TruncatedFrame
from tcpcomm.framing import Checked, Framing, HeaderFramed, LengthPrefixed, base, checksum, decode
from tcpcomm.framing.large_frame import LARGE
from tcpcomm.testing import LAWS, Law, payloads_for
from tests.conftest import stable_id

MIB = 1024 * 1024
PREFIXED = LengthPrefixed(4, max_frame=16 * MIB)


def chunks(wire: bytes, size: int) -> list[bytes]:
    return [wire[start : start + size] for start in range(0, len(wire), size)]


def size_of(header: bytes) -> int:
    return 2 + int.from_bytes(header, "big")


def sized(frame: bytes) -> bytes:
    return len(frame).to_bytes(2, "big")


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize(
    "framing",
    [
        LengthPrefixed(1),
        LengthPrefixed(2, form="little", adjust=-2),
        LengthPrefixed(1, offset=2, sync=b"\x55\xaa", strip=0),
        LengthPrefixed(2, form="hex", offset=1, sync=b"#"),
        Checked(LengthPrefixed(1), checksum("CRC-8/SMBUS")),
        HeaderFramed(2, size_of, strip=2, pack=sized),
    ],
    ids=stable_id,
)
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_laws_hold_if_every_frame_is_treated_as_a_large_one(
    framing: Framing, law: Law, data: DataObject
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base, "LARGE", 1)
        law(framing, payloads_for(framing), data.draw)


@pytest.mark.parametrize("size", [100, 1460, 65536, 5 * MIB])
def test_a_large_frame_is_followed_by_the_small_ones_after_it(size: int) -> None:
    frames = [b"first", bytes(range(256)) * 9000, b"", b"last"]
    decoder = PREFIXED.decoder()
    found = [frame for chunk in chunks(PREFIXED.encode_many(frames), size) for frame in decoder.feed(chunk)]
    assert frames == found
    assert (0, False, b"") == (decoder.buffered, decoder.mid_frame, decoder.trailing)


def test_the_bytes_of_an_unfinished_large_frame_are_counted_and_can_be_handed_over() -> None:
    wire = PREFIXED.encode(bytes(MIB))
    decoder = PREFIXED.decoder()
    for chunk in chunks(wire[: LARGE + 700], 300):
        decoder.feed(chunk)
    assert (LARGE + 700, True) == (decoder.buffered, decoder.mid_frame)
    assert wire[: LARGE + 700] == decoder.trailing


def test_silence_drops_a_large_frame_that_is_half_there() -> None:
    decoder = PREFIXED.decoder()
    decoder.feed(PREFIXED.encode(bytes(MIB))[:LARGE])
    with pytest.raises(TruncatedFrame, match="the line fell silent"):
        decoder.flush()
    assert [b"next"] == decoder.feed(PREFIXED.encode(b"next"))


def test_the_stream_goes_on_after_a_large_frame_that_is_faulty() -> None:
    framing = Checked(PREFIXED, checksum("CRC-32/ISO-HDLC"))
    good = framing.encode(b"good")
    bad = bytearray(framing.encode(bytes(2 * LARGE)))
    bad[LARGE] ^= 1
    decoder = framing.decoder()
    pieces = chunks(good + bytes(bad) + good + good, LARGE)
    results = [result for piece in pieces for result in decode(decoder, piece)]
    assert [[b"good"], [b"good", b"good"]] == [each for each in results if isinstance(each, list)]
    (fault,) = (each for each in results if isinstance(each, BadChecksum))
    assert len(good) == fault.offset


@pytest.mark.parametrize("size", [1, 100, 1460, 65536])
def test_receiving_a_large_frame_takes_little_more_than_its_own_memory(size: int) -> None:
    frame = bytes(2 * MIB)
    wire = PREFIXED.encode(frame)
    tracemalloc.start()
    try:
        decoder = PREFIXED.decoder()
        before = tracemalloc.get_traced_memory()[0]
        for start in range(0, len(wire), size):
            found = decoder.feed(wire[start : start + size])
        most = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert [frame] == found
    assert most < 1.2 * len(frame)


@pytest.mark.parametrize(
    "framing",
    [
        LengthPrefixed(4),
        LengthPrefixed(2, form="little", adjust=-2),
        LengthPrefixed(2, offset=2, sync=b"#!"),
        Checked(LengthPrefixed(4), checksum("CRC-8/SMBUS")),
        HeaderFramed(2, size_of, strip=2, pack=sized),
    ],
    ids=stable_id,
)
def test_encode_large_gives_the_same_bytes_as_encode(framing: Framing) -> None:
    frame = bytes(range(200)) * 300
    assert framing.encode(frame) == b"".join(framing.encode_large(frame))


def test_a_large_frame_that_has_begun_is_reported_as_mid_frame() -> None:
    decoder = LengthPrefixed(4, max_frame=10 * LARGE).decoder()
    decoder.feed((2 * LARGE).to_bytes(4, "big"))
    for _ in range(3):
        decoder.feed(b"x" * 1000)
        assert decoder.mid_frame
    with pytest.raises(TruncatedFrame):
        decoder.close()
