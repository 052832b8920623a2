"""A candidate cuts a side, finds its way again behind a gap, and notes what is missing."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.tools.guess.candidates.base import Candidate
from tcpcomm.tools.guess.candidates.delimited import DelimitedCandidate
from tcpcomm.tools.guess.candidates.enclosed import EnclosedCandidate
from tcpcomm.tools.guess.candidates.every import proposed
from tcpcomm.tools.guess.candidates.length import LengthCandidate
from tcpcomm.tools.guess.candidates.variable import VariableCandidate
from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Capture, CapturedChunk
from tcpcomm.tools.guess.cutting import Cut, cut_side
from tcpcomm.tools.guess.scoring import score_side
from tcpcomm.tools.guess.side import side_of

LENGTH = LengthCandidate(0, 2, "big", 0)
FRAMES = [
    len(body).to_bytes(2, "big") + body
    for body in (b"body%d" % number * (1 + number % 3) for number in range(12))
]


def capture(*chunks: bytes, gap: int | None = None, from_start: bool = True) -> Capture:
    """Return a capture in which each chunk is answered; bytes are known to be missing before one."""
    made: list[CapturedChunk] = []
    for number, data in enumerate(chunks):
        made += [CapturedChunk(OPENER, data, after_gap=number == gap), CapturedChunk(ANSWERER, b"ok")]
    return Capture(tuple(made), from_start=from_start)


def cut(candidate: Candidate, captured: Capture) -> Cut:
    found = cut_side(candidate, side_of(captured, OPENER))
    assert found is not None
    return found


def test_frames_follow_each_other() -> None:
    found = cut(LENGTH, capture(*FRAMES))

    assert FRAMES == found.frames(b"".join(FRAMES))
    assert (0, None, ()) == (found.moved, found.failed_at, found.losses)


def test_half_a_frame_at_the_end_is_no_failure() -> None:
    found = cut(LENGTH, capture(*FRAMES[:-1], FRAMES[-1][:3]))

    assert FRAMES[:-1] == found.frames(b"".join(FRAMES))
    assert found.failed_at is None


def test_a_capture_that_begins_in_a_frame_is_cut_from_the_next_turn() -> None:
    captured = capture(FRAMES[2][3:], *FRAMES[3:], from_start=False)

    found = cut(LENGTH, captured)

    assert len(FRAMES[2]) - 3 == found.moved
    assert FRAMES[3:] == found.frames(side_of(captured, OPENER).data)


def test_behind_a_known_gap_frames_are_found_again() -> None:
    captured = capture(*FRAMES[:5], FRAMES[5][:3], FRAMES[7][4:], *FRAMES[8:], gap=6)

    found = cut(LENGTH, captured)

    assert [*FRAMES[:5], *FRAMES[8:]] == found.frames(side_of(captured, OPENER).data)
    assert () == found.losses


def test_behind_a_gap_that_nobody_announced_frames_are_found_again_and_the_loss_is_noted() -> None:
    long = (40).to_bytes(2, "big") + bytes(range(200, 240))
    captured = capture(*FRAMES[:5], long[:20], *FRAMES[5:], *FRAMES)

    found = cut(LENGTH, captured)

    assert [*FRAMES[:5], *FRAMES[5:], *FRAMES] == found.frames(side_of(captured, OPENER).data)
    assert (sum(map(len, FRAMES[:5])),) == found.losses


def test_the_first_of_frames_that_begin_anywhere_is_doubtful_if_the_capture_may_begin_late() -> None:
    data = b"rest\nfirst\nsecond\n"
    found = cut(DelimitedCandidate((b"\n",)), Capture((CapturedChunk(OPENER, data),)))

    assert [b"rest\n", b"first\n", b"second\n"] == found.frames(data)
    assert [b"first\n", b"second\n"] == found.sure_frames(data)


def test_a_start_mark_is_found_in_the_middle() -> None:
    data = b"st\x03\x02first\x03\x02second\x03\x02third\x03"

    found = cut(EnclosedCandidate(b"\x02", (b"\x03",)), Capture((CapturedChunk(OPENER, data),)))

    assert [b"\x02first\x03", b"\x02second\x03", b"\x02third\x03"] == found.frames(data)


def test_another_protocol_that_follows_is_a_failure_where_it_begins() -> None:
    lines = [b"login %d\r\n" % number for number in range(6)]
    captured = capture(*FRAMES, *lines)

    assert sum(map(len, FRAMES)) == cut(LENGTH, captured).failed_at


def test_a_candidate_that_explains_little_cuts_nothing() -> None:
    assert cut_side(LENGTH, side_of(capture(b"\xff\xff\xff\xff" * 20), OPENER)) is None


ALIKE = st.lists(
    st.tuples(st.binary(max_size=3), st.sampled_from([1, 3, 5, 6, 260, 600])), min_size=1, max_size=6
)
"""Bodies, each with the number of times that it comes."""


@given(bodies=ALIKE, rest=st.binary(max_size=4))
@pytest.mark.parametrize(
    "candidate",
    [
        LengthCandidate(0, 1, "big", 0),
        LengthCandidate(0, 2, "little", 0),
        LengthCandidate(0, 2, "decimal", 0),
        VariableCandidate("varint"),
        VariableCandidate("decimal", 0, 0, b":"),
    ],
    ids=["length", "little", "decimal", "varint", "digits"],
)
def test_frames_that_repeat_are_cut_as_others_are(
    candidate: LengthCandidate | VariableCandidate, bodies: list[tuple[bytes, int]], rest: bytes
) -> None:
    framing = candidate.framing
    frames = [framing.encode(body) for body, count in bodies for _ in range(count)]

    found = candidate.walk(b"".join(frames) + rest, 0, sum(map(len, frames)))

    assert [*accumulate(map(len, frames))] == found.ends
    assert found.failed_at is None


def test_candidates_that_cut_alike_share_one_cut() -> None:
    side = side_of(capture(bytes(3000), bytes(3000)), OPENER)
    _, found = score_side(side, proposed(side))

    cuts = {id(each.cut): each.cut for each in found.values()}
    assert len(found) > 10 * len(cuts)
    assert len(cuts) == len({each.identity for each in cuts.values()})
