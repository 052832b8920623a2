"""A fault keeps the last bytes that the decoder held, for those who look for a better framing."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.errors import FramingError
from tcpcomm.framing import Checked, Delimited, Framing, LengthPrefixed, checksum, decode

KEPT: Final = 4096

FRAMINGS: Final = {
    "delimited": Delimited(b"\r", max_frame=10),
    "length": LengthPrefixed(2, max_frame=100),
    "checked": Checked(Delimited(b"\r"), checksum("sum8")),
}


def faults(framing: Framing, *chunks: bytes) -> list[FramingError]:
    """Return the faults that a stream has, up to the one that ends it."""
    decoder = framing.decoder()
    found = []
    for chunk in chunks:
        found += [each for each in decode(decoder, chunk) if isinstance(each, FramingError)]
        if found and not found[-1].recoverable:
            break
    return found


@pytest.mark.parametrize("framing", FRAMINGS.values(), ids=FRAMINGS)
@given(st.lists(st.binary(min_size=1, max_size=6000), min_size=1, max_size=4))
def test_they_are_the_last_bytes_of_the_stream_so_far(framing: Framing, chunks: list[bytes]) -> None:
    stream = b"".join(chunks)
    for fault in faults(framing, *chunks):
        assert 1 <= len(fault.received) <= KEPT
        assert fault.received in stream


def test_they_hold_the_faulty_frame_and_what_stands_around_it() -> None:
    good = FRAMINGS["checked"].encode(b"good")
    [fault] = faults(FRAMINGS["checked"], good[:3], good[3:] + b"bad\x00\rmore")
    assert good + b"bad\x00\rmore" == fault.received


def test_the_repeated_error_of_a_dead_stream_keeps_none() -> None:
    decoder = FRAMINGS["length"].decoder()
    received = []
    for _ in range(2):
        with pytest.raises(FramingError) as raised:
            decoder.feed(b"\xff\xffx")
        received.append(raised.value.received)
    assert [b"\xff\xffx", b""] == received
