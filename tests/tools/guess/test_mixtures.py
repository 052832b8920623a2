"""Two protocols that share one stream are both named, and neither of them is claimed to be the framing."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from tcpcomm.framing import parse_framing
from tcpcomm.tools.guess.answer import Guess, Verdict
from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Capture
from tcpcomm.tools.guess.mixtures import MIXED
from tcpcomm.tools.guess.search import guess_framing
from tests.guess.cuts import CUTS, Cut
from tests.guess.families.every_family import family_named
from tests.guess.measure import Sample, capture_of
from tests.tools.guess.talks import Said, in_pieces, one_side, records, talk, texts, turn_by_turn

LINES = r"delimited:\r\n"


def mixed(count: int, other: str, share: float = 0.5, frames: Sequence[bytes] | None = None) -> list[bytes]:
    """Return messages on the wire: lines, and this share of others between them."""
    random = Random(other)
    lines, others = iter(texts(count)), iter(records(count) if frames is None else frames)
    plain, framing = parse_framing(LINES), parse_framing(other)
    return [
        framing.encode(next(others)) if random.random() < share else plain.encode(next(lines))
        for _ in range(count)
    ]


def told(guess: Guess) -> list[str]:
    """Return the doubts that tell of two protocols."""
    return [each for each in guess.doubts if each.startswith(MIXED)]


@pytest.mark.parametrize("notation", ["length:2", "length:2,little,check=crc-16/modbus", "slip"])
def test_lines_between_binary_messages_are_named_with_them(notation: str) -> None:
    said = mixed(60, notation)
    lines = sum(each.endswith(b"\r\n") and each[:1].isalpha() for each in said)

    guess = guess_framing(turn_by_turn([(ANSWERER, each) for each in said]))

    assert Verdict.NOTHING is guess.verdict
    (doubt,) = told(guess)
    assert doubt == (
        f"two protocols share what < sends: {LINES} explains {lines} of 60 chunks, and {notation} "
        f"explains {60 - lines} others: no framing reads both, so capture them apart, or give "
        "each its own connection"
    )


def test_a_console_that_prints_between_the_replies_is_told() -> None:
    random, said = Random(2), []
    for number, (side, data) in enumerate(talk("length:2", records(60))):
        said.append((side, data))
        if side == ANSWERER:
            said += [(ANSWERER, b"[%d] state %d\n" % (number, random.randrange(99)))] * random.randrange(3)

    guess = guess_framing(turn_by_turn(said))

    assert Verdict.NOTHING is guess.verdict
    (doubt,) = told(guess)
    assert r"what < sends: delimited:\n explains" in doubt
    assert "what > sends" not in doubt
    assert "length:2 explains 30 others" in doubt


def test_both_sides_may_mix() -> None:
    said: Said = []
    for number, data in enumerate(mixed(100, "length:2")):
        said.append((ANSWERER if number % 2 else OPENER, data))

    (doubt,) = told(guess_framing(in_pieces(said, 5)))

    assert "what > sends" in doubt
    assert "two protocols share what < sends" in doubt


def test_chunks_that_hold_both_are_counted() -> None:
    said = mixed(120, "length:2")
    joined = [b"".join(said[at : at + 2]) for at in range(0, 30, 2)] + said[30:]

    (doubt,) = told(guess_framing(turn_by_turn([(OPENER, each) for each in joined])))

    assert "may hold parts of both" in doubt


def test_a_few_lines_between_messages_are_not_named_as_a_protocol() -> None:
    said = mixed(60, "length:4", share=0.9)

    assert [] == told(guess_framing(turn_by_turn([(OPENER, each) for each in said])))


def test_two_ends_that_one_framing_reads_are_one_protocol() -> None:
    said = mixed(60, "stx-etx", frames=texts(60, 9))

    guess = guess_framing(turn_by_turn([(OPENER, each) for each in said]))

    assert [] == told(guess)
    assert guess.best is not None
    assert r"delimited:\x03|\n,keep-ends" == guess.best.framings[OPENER]


@pytest.mark.parametrize("cut", [CUTS[5]], ids=lambda cut: cut.name)
def test_the_two_protocols_of_the_bench_are_named(cut: Cut) -> None:
    device = family_named("both-protocols").device(0)

    assert told(guess_framing(cut.capture(device.talk(0, 24), 0)))


@pytest.mark.parametrize("family", ["counted-body", "blocks"])
def test_families_with_one_protocol_are_not_told_to_mix(family: str) -> None:
    device = family_named(family).device(1)
    for cut in CUTS[2:9:5]:
        assert [] == told(guess_framing(cut.capture(device.talk(1, 15), 1))), cut.name


def test_messages_of_two_sizes_are_one_protocol() -> None:
    device = family_named("private-check-in-header").device(2)

    assert [] == told(guess_framing(CUTS[2].capture(device.talk(2, 30), 2)))


def test_one_side_with_different_messages_of_one_framing_is_no_mixture() -> None:
    chunks = turn_by_turn(talk("length:2", [*records(20), *texts(20)])).chunks
    half = Capture(chunks[1:], from_start=False)

    assert [] == told(guess_framing(half)) == told(guess_framing(one_side(chunks, OPENER)))


def test_zeros_in_binary_messages_are_not_surely_ends_beside_those_of_lines() -> None:
    """All messages of this capture end with CR LF or with a zero, as it happens."""
    guess = guess_framing(capture_of(Sample("both-protocols", "turn by turn", 3, 10)))

    assert guess.best is not None
    assert r"delimited:\r\n|\0,keep-ends" == guess.best.framings[0]
    assert Verdict.CONFIDENT is not guess.verdict
    assert any("it may be of another protocol" in each for each in guess.doubts)
