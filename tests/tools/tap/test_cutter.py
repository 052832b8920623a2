"""The cutter finds where frames end, and returns all bytes of the stream in order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcpcomm.framing import Framing, Lines
from tcpcomm.framing.notation import parse_framing
from tcpcomm.testing import chunkings, payloads_for
from tcpcomm.tools.tap.cutter import FrameCutter, Part

FRAMINGS = [
    "lines",
    r"delimited:\r\n",
    "length:4",
    "length:2,little,adjust=-3",
    "stx-etx,bcc=xor",
    "slip",
    "cobs",
    "netstring",
    "fixed:5",
    "json",
    r"enclosed:$|*,bcc=xor:hex,no-cover-end,tail=\r\n",
    "lines,check=crc-16/modbus",
    "lines,preamble=3",
    "content-length",
]
each_framing = pytest.mark.parametrize("framing", [*map(parse_framing, FRAMINGS)], ids=FRAMINGS)


@each_framing
@settings(max_examples=20)
@given(data=st.data())
def test_each_frame_is_a_part_with_all_its_bytes(framing: Framing, data: st.DataObject) -> None:
    frames = data.draw(st.lists(payloads_for(framing), max_size=6))
    wires = [framing.encode(frame) for frame in frames]
    stream = framing.opening + b"".join(wires)
    cutter = FrameCutter(framing)

    parts = [part for chunk in data.draw(chunkings(stream)) for part in cutter.feed(chunk)]

    assert stream == b"".join(part.data for part in parts)
    assert frames == [frame for part in parts for frame in part.frames]
    assert all(len(part.frames) <= 1 for part in parts)
    assert not cutter.mid_frame
    found: list[bytes] = []
    wire = b""
    for part in parts:
        if found and not part.frames and not part.is_half:
            found[-1] += part.data  # the LF of a CR LF that came in two chunks
            continue
        wire += part.data
        if part.frames:
            found.append(wire.removeprefix(framing.opening) if not found else wire)
            wire = b""
    assert wires == found


@each_framing
@settings(max_examples=20)
@given(chunks=st.lists(st.tuples(st.binary(max_size=12), st.booleans()), max_size=12))
def test_no_byte_is_lost_or_invented_whatever_comes(
    framing: Framing, chunks: list[tuple[bytes, bool]]
) -> None:
    cutter = FrameCutter(framing)

    for chunk, apart in chunks:
        parts = cutter.feed(chunk, apart=apart)
        assert chunk == b"".join(part.data for part in parts)
        assert apart or len(parts) == 1


@settings(max_examples=20)
@given(data=st.data())
def test_frames_are_found_again_after_a_time_in_which_they_were_not_sought(data: st.DataObject) -> None:
    framing = Lines()
    frames = data.draw(st.lists(payloads_for(framing), min_size=1, max_size=6))
    chunks = data.draw(chunkings(b"".join(map(framing.encode, frames))))
    sought = data.draw(st.lists(st.booleans(), min_size=len(chunks), max_size=len(chunks)))
    cutter = FrameCutter(framing)

    found = [
        frame
        for chunk, apart in zip(chunks, sought, strict=True)
        for part in cutter.feed(chunk, apart=apart)
        for frame in part.frames
    ]

    assert frames == found


def test_frames_with_an_unusual_end_are_cut_where_the_decoder_ends_them() -> None:
    cutter = FrameCutter(Lines())

    assert [Part(b"a\n", (b"a",)), Part(b"b\r\n", (b"b",)), Part(b"c", is_half=True)] == cutter.feed(
        b"a\nb\r\nc"
    )
    assert [Part(b"\r\n", (b"c",))] == cutter.feed(b"\r\n")


def test_after_a_fault_without_a_next_frame_each_chunk_is_a_frame() -> None:
    cutter = FrameCutter(parse_framing("length:4"))

    assert [Part(b"\xff\xff\xff\xffabc", (b"\xff\xff\xff\xffabc",))] == cutter.feed(b"\xff\xff\xff\xffabc")
    assert [Part(b"more", (b"more",))] == cutter.feed(b"more")
    assert not cutter.knows_frames


def test_a_frame_that_is_discarded_is_not_kept() -> None:
    cutter = FrameCutter(parse_framing("lines,max=10"))

    for _ in range(100):
        assert [b"x" * 50] == [part.data for part in cutter.feed(b"x" * 50)]
    cutter.feed(b"\n")
    assert [Part(b"ok\n", (b"ok",))] == cutter.feed(b"ok\n")
