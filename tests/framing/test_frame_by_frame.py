"""
Chunks that are one frame each, as a peer sends them that waits for each answer: decoders see that first.

Where they do, a decoder is idle, and what comes next must be the same as if all had come at once.
"""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.framing import (
    Checked,
    Cobs,
    Definite,
    Delimited,
    DleStuffed,
    Enclosed,
    FixedSize,
    Fragments,
    Framing,
    HeaderFramed,
    LengthPrefixed,
    Lines,
    Nested,
    Netstring,
    Step,
    Stuffed,
    checksum,
)
from tests.conftest import stable_id
from tests.framing.reading import feed, read_chunks

QUICK = [
    (LengthPrefixed(1, max_frame=4), b"\2ab"),
    (LengthPrefixed(2, form="little", adjust=-2, max_frame=4), b"\4\0ab"),
    (LengthPrefixed(1, adjust=1, max_frame=4), b"\1ab"),
    (LengthPrefixed(1, offset=1, max_frame=6), b"!\2ab"),
    (LengthPrefixed(3, max_frame=4), b"\0\0\2ab"),
    (LengthPrefixed(1, form="decimal", max_frame=4), b"2ab"),
    (LengthPrefixed(1, form="decimal", adjust=2, max_frame=4), b"0ab"),
    (LengthPrefixed(1, form="hex", offset=1, sync=b"!", max_frame=4), b"!2ab"),
    (FixedSize(3), b"abc"),
    (Delimited(b";", max_frame=4), b"ab;"),
    (Delimited(b"\r\n", max_frame=4), b"ab\r\n"),
    (Delimited(b"aa", max_frame=4), b"1baa"),
    (Delimited(b"aba", max_frame=4), b"1aba"),
    (Delimited([b"\r\n", b";"], max_frame=4), b"ab;"),
    (Lines(max_frame=4), b"ab\n"),
    (Netstring(max_frame=4), b"2:ab,"),
    (Enclosed(b"1", b"2", max_frame=4), b"1ab2"),
    (Enclosed(b"1", b"1", between=b"\r\n", max_frame=4), b"1ab1"),
    (Enclosed(b"^", b"]", checksum=checksum("xor"), tail=b";", max_frame=4), b"^ab]\x5e;"),
    (Lines(max_frame=4, keep_ends=True), b"ab\n"),
]
"""Framings whose decoders can be idle, each with the bytes of a frame."""

FRAMINGS = [
    *(framing for framing, _ in QUICK),
    Checked(LengthPrefixed(1, max_frame=4), checksum("xor")),
    Cobs(max_frame=4),
    Definite(max_frame=4, block_ends=True),
    DleStuffed(max_frame=4, escape=b"a", start=b"1", end=b"2"),
    Enclosed(b"12", b"3", max_frame=4),
    HeaderFramed(1, total=lambda header: header[0] % 8),
    Nested(LengthPrefixed(1), Fragments(header=1, flag=0, last=1), max_frame=8),
    Stuffed(max_frame=4),
]

BYTES = b"ab\r\n;:,!#\0\1\2\3123\xc0\xdb"
pieces = st.lists(st.sampled_from(BYTES), max_size=6).map(bytes)


def on_the_wire(framing: Framing, piece: bytes) -> bytes:
    """The piece in a frame, even in one that is too long; as it is, where no frame can hold it."""
    sender = framing if isinstance(framing, Checked | FixedSize) else evolve(framing, max_frame=8)
    try:
        return sender.encode(piece)
    except ValueError:
        return piece


@st.composite
def streams(draw: st.DrawFn, framing: Framing) -> list[bytes]:
    """Chunks most of which are one frame; among them halves of frames, and garbage."""
    chunks: list[bytes] = []
    for piece in draw(st.lists(pieces, max_size=12)):
        wire = on_the_wire(framing, piece)
        place = draw(st.integers(0, len(wire)))
        match draw(st.sampled_from(["whole", "whole", "whole", "in two", "damaged"])):
            case "whole":
                chunks.append(wire)
            case "in two":
                chunks += wire[:place], wire[place:]
            case "damaged":
                chunks.append(wire[:place] + draw(pieces) + wire[place + 1 :])
    return chunks


@pytest.mark.parametrize("framing", FRAMINGS, ids=stable_id)
@given(data=st.data())
def test_frame_by_frame_a_stream_yields_what_it_does_at_once(framing: Framing, data: st.DataObject) -> None:
    chunks = data.draw(streams(framing))
    at_once = read_chunks(framing, [b"".join(chunks)], "end of stream")
    assert at_once == read_chunks(framing, chunks, "end of stream")


@pytest.mark.parametrize("framing", FRAMINGS, ids=stable_id)
@given(data=st.data())
def test_no_decoder_is_idle_that_holds_something(framing: Framing, data: st.DataObject) -> None:
    decoder = framing.decoder()
    for chunk in data.draw(streams(framing)):
        feed(decoder, chunk)
        assert not decoder.idle or (False, 0) == (decoder.mid_frame, decoder.buffered)


@pytest.mark.parametrize(("framing", "wire"), QUICK, ids=str)
def test_a_decoder_is_idle_between_frames_and_not_within_one(framing: Framing, wire: bytes) -> None:
    decoder = framing.decoder()
    seen = []
    for chunk in (wire, wire, wire[:-1], wire[-1:], wire):
        feed(decoder, chunk)
        seen.append(decoder.idle)
    assert [True, True, False, True, True] == seen


def test_a_decoder_with_steps_is_never_idle() -> None:
    decoder = Delimited(b";").decoder()
    feed(decoder, b"a;")
    assert [] == decoder.steps
    feed(decoder, b"a;")
    decoder.steps = [Decimals()]
    assert [b"1"] == feed(decoder, b"a1;")
    assert not decoder.idle


class Decimals(Step):
    """Passes on the digits of a frame."""

    def take(self, piece: bytes) -> bytes | None:
        return bytes(each for each in piece if each in b"0123456789")


@pytest.mark.parametrize("framing", [LengthPrefixed(2), Netstring()], ids=str)
def test_frames_of_more_sizes_than_are_learned_are_cut_all_the_same(framing: Framing) -> None:
    frames = [bytes(size) for size in (*range(600), *range(600), 5000)]
    assert frames == read_chunks(framing, map(framing.encode, frames))
