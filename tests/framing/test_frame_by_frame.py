"""
The quick way of decoders for chunks that are one frame, as from a peer that waits for each answer.

A decoder uses it while it is idle. Its results must be those of the whole stream in one chunk.
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
    PieceDecoder,
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
    """Return the piece in a frame, even if that is too long, or the piece itself if it cannot be sent."""
    sender = framing if isinstance(framing, Checked | FixedSize) else evolve(framing, max_frame=8)
    try:
        return sender.encode(piece)
    except ValueError:
        return piece


@st.composite
def streams(draw: st.DrawFn, framing: Framing) -> list[bytes]:
    """Draw chunks, most of them one frame, some of them half frames or garbage."""
    chunks: list[bytes] = []
    for piece in draw(st.lists(pieces, max_size=12)):
        wire = on_the_wire(framing, piece)
        cut = draw(st.integers(0, len(wire)))
        match draw(st.sampled_from(["whole", "whole", "whole", "in two", "damaged"])):
            case "whole":
                chunks.append(wire)
            case "in two":
                chunks += wire[:cut], wire[cut:]
            case "damaged":
                chunks.append(wire[:cut] + draw(pieces) + wire[cut + 1 :])
    return chunks


@pytest.mark.parametrize("framing", FRAMINGS, ids=stable_id)
@given(data=st.data())
def test_a_stream_gives_the_same_frame_by_frame_and_at_once(framing: Framing, data: st.DataObject) -> None:
    chunks = data.draw(streams(framing))
    at_once = read_chunks(framing, [b"".join(chunks)], "end of stream")
    assert at_once == read_chunks(framing, chunks, "end of stream")


@pytest.mark.parametrize("framing", FRAMINGS, ids=stable_id)
@given(data=st.data())
def test_a_decoder_that_buffers_bytes_is_not_idle(framing: Framing, data: st.DataObject) -> None:
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


def test_a_decoder_with_piece_decoders_is_never_idle() -> None:
    decoder = Delimited(b";").decoder()
    feed(decoder, b"a;")
    assert [] == decoder.piece_decoders
    feed(decoder, b"a;")
    decoder.piece_decoders = [Decimals()]
    assert [b"1"] == feed(decoder, b"a1;")
    assert not decoder.idle


class Decimals(PieceDecoder):
    """A piece decoder that keeps only the digits of a frame."""

    def decode(self, piece: bytes) -> bytes | None:
        return bytes(each for each in piece if each in b"0123456789")


@pytest.mark.parametrize("framing", [LengthPrefixed(2), Netstring()], ids=str)
def test_frames_of_more_sizes_than_are_learned_are_cut_too(framing: Framing) -> None:
    frames = [bytes(size) for size in (*range(600), *range(600), 5000)]
    assert frames == read_chunks(framing, map(framing.encode, frames))
