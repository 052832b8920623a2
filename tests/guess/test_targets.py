"""A small sample of the bench reaches the targets of its page: always the same captures."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conftest import needs_module
from tests.guess.__main__ import judge_foreign
from tests.guess.cuts import CUTS, Cut
from tests.guess.families.every_family import FAMILIES
from tests.guess.foreign import FOREIGN, Foreign
from tests.guess.measure import Judged, measured, samples_of, tally
from tests.guess.one_mib import capture_of_size, cost_of
from tests.guess.page import LEAST_FOUND, MOST_INVENTED, MOST_MEMORY, TARGETS

SEED = 1000
"""All captures of these tests come from this seed and the next."""

WITH_FRAMING = [each for each in FAMILIES if each.cuts]
WITHOUT = [each for each in FAMILIES if not each.cuts]

OTHER_CUTS: dict[str, tuple[Cut, ...]] = {
    "pipelined": CUTS[2:5],
    "pieces": CUTS[5:7],
    "bulk": CUTS[7:8],
    "in part": CUTS[8:],
    "without times": CUTS[1:2],
}
"""The ways that are tried on some families, and judged together."""

TRIED = 12
"""The captures of each of these; the families differ from way to way."""


def shown(several: Sequence[Judged]) -> str:
    """Return the captures of which the answer is not right, for the text of a failure."""
    wrong = [each for each in several if each.is_wrong_though_confident or not each.ruling.is_right]
    return "\n".join(f"{each.sample}: {each.answer}: {each.ruling.problem}" for each in wrong)


def misleading(several: Sequence[Judged]) -> list[str]:
    """Return the captures of which the answer is confident and wrong, or with which the guesser fails."""
    return [
        f"{each.sample}: {each.raised or each.answer}"
        for each in several
        if each.is_wrong_though_confident or each.raised
    ]


def test_turn_by_turn_the_first_answer_is_right_and_finds_the_checksums() -> None:
    judged = [*measured(samples_of([SEED], CUTS[:1], WITH_FRAMING[::2]))]
    found = tally(judged)

    assert [] == misleading(judged)
    assert found.right >= TARGETS["turn by turn"] * found.count, shown(judged)
    assert found.found >= LEAST_FOUND * found.checks, shown(judged)
    assert found.invented <= MOST_INVENTED * found.plain, shown(judged)


@pytest.mark.parametrize("name", OTHER_CUTS)
def test_cut_in_another_way_the_first_answer_is_seldom_wrong_and_never_misleads(name: str) -> None:
    cuts = OTHER_CUTS[name]
    step = len(WITH_FRAMING) // (TRIED // len(cuts))
    judged: list[Judged] = []
    for number, cut in enumerate(cuts):
        judged += measured(samples_of([SEED + 1], [cut], WITH_FRAMING[number::step]))
    found = tally(judged)

    assert [] == misleading(judged)
    assert found.right >= min(TARGETS.get(cut.name, 0.0) for cut in cuts) * found.count, shown(judged)
    assert found.invented <= MOST_INVENTED * found.plain, shown(judged)


def test_nothing_is_confident_of_a_stream_that_no_notation_cuts() -> None:
    samples = samples_of([SEED], CUTS, WITHOUT)
    assert [] == misleading([*measured(samples[::7])])


def test_nothing_is_confident_after_two_exchanges() -> None:
    judged = [*measured(samples_of([SEED], CUTS[:1], WITH_FRAMING[::12], exchanges=2))]
    assert [] == [str(each.sample) for each in judged if each.ruling.is_confident]


@pytest.mark.parametrize("foreign", FOREIGN[1:2], ids=lambda foreign: foreign.name)
def test_programs_of_others_are_recognised_through_the_tap(foreign: Foreign) -> None:
    needs_module(foreign.module, "pip install '.[interop]'")
    judged = judge_foreign(foreign)

    assert "" == judged.ruling.problem
    assert judged.ruling.is_confident
    assert not any(each.is_invented for each in judged.ruling.checks)


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of the memory is read from /proc")
@pytest.mark.parametrize(
    ("family", "way"),
    [("private-check-and-tail", "turn by turn"), ("zeros", "chunks of 64 KiB")],
    ids=["messages", "zeros"],
)
def test_one_mib_needs_little_memory(family: str, way: str, tmp_path: Path) -> None:
    cost = cost_of(capture_of_size(family, way), tmp_path)

    assert cost.memory <= MOST_MEMORY
