"""Many small frames with length fields in one chunk, which are cut by structs."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.errors import BadLength, FrameTooLong, UnexpectedBytes
from tcpcomm.framing import LengthPrefixed
from tcpcomm.framing.length_decoder import SMALL
from tests.framing.reading import Fault, feed, read, read_chunks

sizes_in_runs = st.lists(
    st.tuples(st.sampled_from([0, 1, 2, 60, 250]), st.integers(1, 200)), max_size=8
).map(lambda runs: [size for size, repeat in runs for _ in range(repeat)])


@pytest.mark.parametrize(
    "framing",
    [
        LengthPrefixed(1),
        LengthPrefixed(2, adjust=-2),
        LengthPrefixed(3),
        LengthPrefixed(4, form="little", adjust=1),
        LengthPrefixed(4, form="hex"),
        LengthPrefixed(1, offset=1, sync=b"!"),
    ],
    ids=str,
)
@given(sizes=sizes_in_runs, cut=st.integers(0, 1000), half=st.integers(0, 2))
def test_many_small_frames_are_cut_as_one_by_one(
    framing: LengthPrefixed, sizes: list[int], cut: int, half: int
) -> None:
    frames = [bytes([index % 256]) * (size + max(0, framing.adjust)) for index, size in enumerate(sizes)]
    wire = b"".join(map(framing.encode, frames)) + framing.encode(b"abcde")[:half]
    assert frames == framing.decoder().feed(wire)
    assert frames == read_chunks(framing, [wire[:cut], wire[cut:]])


@pytest.mark.parametrize("adjust", [-4, -2, -1, 0, 1, 2, 300])
def test_frames_of_the_size_at_which_the_quick_way_ends_are_cut_too(adjust: int) -> None:
    framing = LengthPrefixed(2, adjust=adjust)
    sizes = [size for size in range(SMALL - 310, SMALL + 310) if size >= max(0, adjust)]
    frames = [bytes(size) for size in sizes for _ in range(5)]
    assert frames == framing.decoder().feed(b"".join(map(framing.encode, frames)))


@given(sizes=sizes_in_runs)
def test_many_small_frames_that_keep_their_headers_are_cut_as_one_by_one(sizes: list[int]) -> None:
    framing = LengthPrefixed(2, offset=2)
    frames = [
        index.to_bytes(2, "big") + size.to_bytes(2, "big") + bytes([index % 256]) * size
        for index, size in enumerate(sizes)
    ]
    assert frames == framing.decoder().feed(b"".join(frames))


@pytest.mark.parametrize("framing", [LengthPrefixed(4), LengthPrefixed(2, offset=2)], ids=str)
def test_runs_of_every_length_between_other_frames_are_cut_as_one_by_one(framing: LengthPrefixed) -> None:
    header = b"ab" if framing.strip == 0 else b""
    frames = []
    for repeat in range(1, 90):
        for size, count in ((30, repeat), (31, 2), (32, 1), (31, repeat % 7)):
            field = size.to_bytes(2, "big") if header else b""
            frames += [header + field + bytes([repeat]) * size] * count
    wire = b"".join(map(framing.encode, frames))
    for end in range(len(wire) - 31, len(wire)):
        assert frames[:-1] == framing.decoder().feed(wire[:end])
    assert frames == framing.decoder().feed(wire)


@pytest.mark.parametrize("count", [2, 3, 4, 5, 16, 63, 64, 65, 200])
@pytest.mark.parametrize(
    ("framing", "header"),
    [
        (LengthPrefixed(4), b"\0\0\0\x09"),
        (LengthPrefixed(1, adjust=-1), b"\x0a"),
        (LengthPrefixed(2, offset=1), b"?\0\x09"),
        (LengthPrefixed(2, offset=1, sync=b"!"), b"!\0\x09"),
        (LengthPrefixed(2, form="hex"), b"09"),
    ],
)
def test_a_chunk_that_only_looks_like_a_run_is_cut_as_others(
    framing: LengthPrefixed, header: bytes, count: int
) -> None:
    frame = (b"" if framing.strip else header) + b"*" * 9
    wire = (header + b"*" * 9) * count
    assert [frame] * count == framing.decoder().feed(wire)
    last = len(wire) - len(header) - 9
    for at in range(len(header)):  # a last frame with another header, as long as the others
        other = wire[: last + at] + bytes([wire[last + at] ^ 0x40]) + wire[last + at + 1 :]
        assert read_chunks(framing, [bytes([byte]) for byte in other]) == read_chunks(framing, [other])


@pytest.mark.parametrize("before", [0, 1, 5, 100, 300])
@pytest.mark.parametrize(
    ("framing", "bad", "fault"),
    [
        (
            LengthPrefixed(2, max_frame=10),
            b"\0\x0b",
            Fault(FrameTooLong, "a frame of 11 bytes exceeds max_frame=10", recoverable=False),
        ),
        (
            LengthPrefixed(2, adjust=-2),
            b"\0\x01",
            Fault(
                BadLength,
                "the length field says 1: with adjust=-2 that is less than the header's own 2 bytes",
                recoverable=False,
            ),
        ),
    ],
    ids=["too long", "too short"],
)
def test_a_bad_length_after_many_small_frames_is_found(
    framing: LengthPrefixed, bad: bytes, fault: Fault, before: int
) -> None:
    good = framing.encode(b"abc") * before
    more = framing.encode(b"abc") * 20
    expected = [b"abc"] * before + [evolve(fault, offset=len(good))]
    assert expected == feed(framing.decoder(), good + bad + more)


def test_a_run_of_equal_lengths_ends_at_a_wrong_sync_word() -> None:
    framing = LengthPrefixed(2, offset=2, sync=b"\xaa\x55")
    good = framing.encode(b"abcd")
    wire = good * 70 + b"\xab" + good[1:] + good * 2
    reason = r"a frame must begin with b'\xaaU', not with b'\xabU'"
    expected = [b"abcd"] * 70 + [Fault(UnexpectedBytes, reason, 560)] + [b"abcd"] * 2
    assert expected == read(framing, wire)
