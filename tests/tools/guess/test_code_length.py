"""The score is a length in bits, so right frames shorten it and wrong ones do not."""

from __future__ import annotations

from random import Random

import pytest

from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Capture, CapturedChunk
from tcpcomm.tools.guess.code_length import (
    Columns,
    Frequencies,
    choice_bits,
    ends_bits,
    lengths_bits,
)
from tcpcomm.tools.guess.side import Side, side_of


def side_with(*chunks: bytes) -> Side:
    pairs = [(CapturedChunk(OPENER, chunk), CapturedChunk(ANSWERER, b"ok")) for chunk in chunks]
    return side_of(Capture(tuple(each for pair in pairs for each in pair), from_start=True), OPENER)


def test_a_choice_costs_the_logarithm_of_its_ways() -> None:
    assert 0 == pytest.approx(choice_bits(10, 0))
    assert 5.491853 == pytest.approx(choice_bits(10, 8))
    assert choice_bits(5, 6) > 1e6


def test_ten_ends_among_ten_frames_cost_nearly_nothing() -> None:
    side = side_with(*[b"x" * 100] * 10)

    assert 77 < ends_bits(side) < 78
    assert 3 < ends_bits(side, frozenset(range(100, 1001, 100))) < 4


def test_ends_that_fall_anywhere_cost_about_as_much_as_without_frames() -> None:
    side = side_with(*[b"x" * 100] * 10)

    assert ends_bits(side) < ends_bits(side, frozenset(range(50, 1000, 100)))


def test_a_class_without_ends_costs_nothing() -> None:
    assert 0 == ends_bits(side_of(Capture(()), OPENER), frozenset({1, 2}))


def test_right_frames_have_columns_and_wrong_ones_have_not() -> None:
    random = Random(1)
    frames = [b"\xaa\x55\x00\x0c" + random.randbytes(8) for _ in range(30)]
    data = b"".join(frames)
    frequencies = Frequencies(data)
    wrong = [data[at : at + 11] for at in range(0, len(data), 11)]

    right = Columns(frames, frequencies).gain(frames)

    assert right > 300
    assert Columns(wrong, frequencies).gain(wrong) < right / 4


def test_a_told_column_costs_nothing() -> None:
    frames = [bytes([size]) + b"x" * size for size in range(1, 20)]
    columns = Columns(frames, Frequencies(b"".join(frames)))

    assert columns.gain(frames, (0,)) > columns.gain(frames)


def test_lengths_cost_little_if_they_repeat() -> None:
    assert lengths_bits([20] * 50) < lengths_bits([20, 21] * 25) < lengths_bits([*range(1, 51)])
    assert 0 == lengths_bits([])
