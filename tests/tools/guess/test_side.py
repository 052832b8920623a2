"""A side knows its bytes, the ends of its chunks in three classes, and its gaps."""

from __future__ import annotations

from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Capture, CapturedChunk
from tcpcomm.tools.guess.side import Stretch, side_of


def test_an_end_is_a_turn_a_pause_or_a_join() -> None:
    chunks = (
        CapturedChunk(OPENER, b"ab", 0.0),
        CapturedChunk(OPENER, b"c", 0.001),
        CapturedChunk(OPENER, b"d", 0.5),
        CapturedChunk(ANSWERER, b"x", 0.6),
        CapturedChunk(OPENER, b"e", 0.7),
    )

    side = side_of(Capture(chunks, from_start=True), OPENER)

    assert b"abcde" == side.data
    assert (frozenset({4, 5}), frozenset({3}), frozenset({2})) == side.ends
    assert (2, 3, 4, 5) == side.chunks
    assert (Stretch(0, 5),) == side.stretches


def test_without_times_there_are_no_pauses() -> None:
    chunks = (CapturedChunk(OPENER, b"ab"), CapturedChunk(OPENER, b"c"), CapturedChunk(ANSWERER, b"x"))

    turns, pauses, joins = side_of(Capture(chunks), OPENER).ends

    assert ({3}, set(), {2}) == (set(turns), set(pauses), set(joins))


def test_the_end_before_a_gap_says_nothing_and_a_frame_may_not_begin_behind_it() -> None:
    chunks = (
        CapturedChunk(OPENER, b"ab"),
        CapturedChunk(ANSWERER, b"x"),
        CapturedChunk(OPENER, b"cd", after_gap=True),
        CapturedChunk(ANSWERER, b"y"),
    )

    side = side_of(Capture(chunks, from_start=True), OPENER)

    assert (Stretch(0, 2), Stretch(2, 4, begins=False)) == side.stretches
    assert {4} == set(side.turns)


def test_a_capture_that_may_begin_late_begins_in_the_middle_of_a_frame() -> None:
    side = side_of(Capture((CapturedChunk(OPENER, b"ab"),)), OPENER)

    assert (Stretch(0, 2, begins=False),) == side.stretches


def test_a_sample_ends_where_a_chunk_ends() -> None:
    chunks = tuple(CapturedChunk(number % 2, b"%d" % number * 10) for number in range(10))  # type: ignore[arg-type]
    side = side_of(Capture(chunks, from_start=True), OPENER)

    sample = side.first(25)

    assert side.data[:20] == sample.data
    assert (10, 20) == sample.chunks
    assert {10, 20} == set(sample.turns)
    assert side is side.first(50)


def test_a_chunk_that_is_longer_than_the_sample_is_cut() -> None:
    side = side_of(Capture((CapturedChunk(OPENER, b"a" * 100),)), OPENER)

    assert b"a" * 30 == side.first(30).data


def test_a_side_that_sent_nothing_is_empty() -> None:
    side = side_of(Capture((CapturedChunk(OPENER, b"ab"),)), ANSWERER)

    assert b"" == side.data
    assert () == side.bursts


def test_another_connection_begins_a_frame_and_ends_the_one_before() -> None:
    chunks = (
        CapturedChunk(OPENER, b"ab", 0.0),
        CapturedChunk(ANSWERER, b"xy", 0.1),
        CapturedChunk(ANSWERER, b"z", 0.1),
        CapturedChunk(ANSWERER, b"uv", 0.1, begins=True),
        CapturedChunk(OPENER, b"c", 0.1),
        CapturedChunk(OPENER, b"d", 0.1, begins=True),
    )
    capture = Capture(chunks, from_start=True)

    opener, answerer = side_of(capture, OPENER), side_of(capture, ANSWERER)

    assert (Stretch(0, 2), Stretch(2, 3), Stretch(3, 4)) == opener.stretches
    assert {2, 3, 4} == opener.turns
    assert (Stretch(0, 3), Stretch(3, 5)) == answerer.stretches
    assert (frozenset({3, 5}), frozenset(), frozenset({2})) == answerer.ends


def test_a_connection_without_its_beginning_may_begin_in_a_frame() -> None:
    chunks = (CapturedChunk(OPENER, b"ab"), CapturedChunk(OPENER, b"c", after_gap=True, begins=True))

    side = side_of(Capture(chunks, from_start=True), OPENER)

    assert (Stretch(0, 2), Stretch(2, 3, begins=False)) == side.stretches
    assert {2, 3} == side.turns


def test_a_connection_whose_first_chunk_is_empty_begins_with_the_next_one() -> None:
    chunks = (
        CapturedChunk(OPENER, b"a"),
        CapturedChunk(ANSWERER, b"", begins=True),
        CapturedChunk(OPENER, b"b"),
    )

    assert [False, True] == [each.begins for each in Capture(chunks).chunks]
