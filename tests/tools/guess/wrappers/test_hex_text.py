"""Digits that may stand for bytes are a variant of the text: only a checksum tells which it is."""

from __future__ import annotations

import pytest

from tcpcomm.tools.guess.search import guess_framing
from tests.tools.guess.talks import records, talk, texts, turn_by_turn

LINES = r"delimited:\r\n"


@pytest.mark.parametrize(
    ("option", "frames"),
    [
        ("hex-text", [each.hex().upper().encode() for each in records(30)]),
        ("hex-text-lower", [each.hex().encode() for each in records(30)]),
    ],
)
def test_pairs_of_digits_may_be_bytes_and_the_text_is_the_plain_answer(
    option: str, frames: list[bytes]
) -> None:
    guess = guess_framing(turn_by_turn(talk(LINES, frames)))

    assert guess.best is not None
    assert (LINES, LINES) == guess.best.framings
    assert (f"{LINES},{option}",) * 2 == guess.best.variants[0]
    assert any("hexadecimal digits" in each for each in guess.best.evidence)


@pytest.mark.parametrize(
    "frames",
    [
        texts(30),
        [b"%04d" % (number * 37) for number in range(30)],
        [b"%X" % (number * 3701) for number in range(30)],
        [(b"FF%02x" if number % 4 < 2 else b"FF%02X") % (200 + number) for number in range(30)],
    ],
    ids=["text", "decimal", "odd", "both cases"],
)
def test_other_text_is_no_hexadecimal_text(frames: list[bytes]) -> None:
    guess = guess_framing(turn_by_turn(talk(LINES, frames)))

    assert guess.best is not None
    assert not [each for pair in guess.best.variants for each in pair if "hex-text" in str(each)]
