"""The page of the figures: ``python -m tests.guess --write``."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import Final

from tcpcomm.runtime.load_object import load_object
from tests.conftest import ROOT
from tests.guess.cuts import CUTS
from tests.guess.families.every_family import FAMILIES
from tests.guess.foreign import FOREIGN, Foreign, device_of, exchanges_in, recorded
from tests.guess.judge import judged
from tests.guess.measure import GUESSER, SIZES, Judged, Sample, measured, samples_of
from tests.guess.one_mib import measured_streams
from tests.guess.page import Figures, page
from tests.system.figures import machine

__all__ = ["judge_foreign", "main"]

PAGE: Final = ROOT / "docs" / "reference" / "guess-figures.md"
_SEEDS: Final = 7
_NEEDED_SEEDS: Final = 2


def judge_foreign(foreign: Foreign, guesser: str = GUESSER) -> Judged:
    """Let programs of others talk twice, and judge the guess from what the tap saw."""
    first, second = recorded(foreign, 1), recorded(foreign, 2)
    guess = load_object(guesser)(first)
    ruling = judged(
        guess, first, device_of(foreign, second), exchanges_in(foreign, first), fresh="second run"
    )
    answer = "nothing" if guess.best is None else " and ".join(map(str, guess.best.framings))
    sample = Sample(foreign.name, "through the tap", 1, len(first.chunks) // 2)
    return Judged(sample, ruling, answer, " and ".join(foreign.framings))


def _all_foreign(guesser: str) -> Iterable[tuple[str, Judged | str]]:
    for each in FOREIGN:
        if find_spec(each.module) is None:
            yield each.ends, f"not measured: {each.module} is not installed"
            continue
        yield each.ends, judge_foreign(each, guesser)


def _told(rows: Iterable[Judged], count: int) -> Iterable[Judged]:
    """Pass captures on, and tell what goes wrong and how far it is."""
    begun = monotonic()
    for number, each in enumerate(rows, 1):
        if each.is_wrong_though_confident or each.raised or (each.family.cuts and not each.ruling.is_right):
            kind = (
                "RAISED"
                if each.raised
                else "WRONG"
                if each.is_wrong_though_confident
                else each.ruling.verdict.value
            )
            problem = each.ruling.problem if each.family.cuts or each.raised else "nothing cuts it"
            _tell(f"{kind}: {each.sample}: {each.answer}; truth: {each.truth or '?'}; {problem}")
        if number % 200 == 0:
            _tell(f"{number} of {count} captures, {monotonic() - begun:.0f} s")
        yield each


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(given: Sequence[str] | None = None) -> None:
    """Measure, print the page, and write it if ``--write`` is given."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.guess", description="Measure how often a guess is right."
    )
    parser.add_argument("--seeds", type=int, default=_SEEDS, help="the captures of each family in each way")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=2, help="the processes that guess")
    parser.add_argument("--family", default="", help="measure only families with this text in their name")
    parser.add_argument("--cut", default="", help="measure only ways with this text in their name")
    parser.add_argument("--guesser", default=GUESSER, help="another guesser, as module:name")
    parser.add_argument(
        "--write", nargs="?", const=PAGE, type=Path, help=f"write docs/reference/{PAGE.name}, or this file"
    )
    arguments = parser.parse_args(given)
    facts = machine()
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    families = [each for each in FAMILIES if arguments.family in each.name]
    samples = samples_of(seeds, [each for each in CUTS if arguments.cut in each.name], families)
    with_framing = [each for each in families if each.cuts]
    needed = [
        sample
        for size in SIZES
        for sample in samples_of(seeds[:_NEEDED_SEEDS], CUTS[:1], with_framing, exchanges=size)
    ]
    rows, sizes = (
        [*_told(measured(each, arguments.guesser, arguments.processes), len(each))]
        for each in (samples, needed)
    )
    is_whole = not arguments.family and not arguments.cut
    figures = Figures(
        rows,
        sizes,
        [*_all_foreign(arguments.guesser)] if is_whole else [],
        [*measured_streams()] if is_whole else [],
    )
    command = shlex.join(["python", "-m", "tests.guess", *(sys.argv[1:] if given is None else given)])
    text = page(figures, facts, command)
    print(text, end="")
    if arguments.write:
        arguments.write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
