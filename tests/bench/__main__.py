"""The command ``python -m tests.bench``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.bench.decode import measure_decode
from tests.bench.echo import measure_echo
from tests.bench.measure import machine
from tests.bench.report import page
from tests.bench.typed import measure_typed, section, with_section

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "benchmarks.md"

ROUNDS = 9
QUICK_ROUNDS = 1
QUICK_SHRINK = 25


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description="Measure what a frame costs, side by side with others."
    )
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument(
        "--quick", action="store_true", help="a first look: few frames and one round, so nothing to rely on"
    )
    extent.add_argument("--write", action="store_true", help=f"write docs/reference/{PAGE.name} as well")
    parser.add_argument("--only", choices=("decode", "echo", "typed"), help="run one part")
    parser.add_argument("--rounds", type=int, default=None, help=f"how many rounds (default: {ROUNDS})")
    arguments = parser.parse_args(given)
    if arguments.write and arguments.only not in (None, "typed"):
        parser.error("--write needs all figures, or those of --only typed, which have a part of their own")
    if arguments.rounds is not None and arguments.rounds < 1:
        parser.error("--rounds must be at least 1")
    return arguments


def main(given: Sequence[str] | None = None) -> None:
    """Run what the command line asks for and print the page."""
    arguments = _arguments(given)
    rounds = arguments.rounds or (QUICK_ROUNDS if arguments.quick else ROUNDS)
    shrink = QUICK_SHRINK if arguments.quick else 1
    facts = machine()
    decoded = echoed = typed = None
    if arguments.only in (None, "decode"):
        decoded = measure_decode(rounds=rounds, shrink=shrink, progress=_progress)
    if arguments.only in (None, "echo"):
        echoed = measure_echo(rounds=rounds, shrink=shrink, progress=_progress)
    if arguments.only in (None, "typed"):
        results = measure_typed(rounds=rounds, shrink=shrink, progress=_progress)
        typed = section(results, facts, quick=arguments.quick)
    if typed is not None and arguments.only is not None:
        print(typed, end="")
        text = with_section(PAGE.read_text(encoding="utf-8"), typed) if arguments.write else ""
    else:
        text = page(facts, decoded, echoed, quick=arguments.quick)
        text = text if typed is None else with_section(text, typed)
        print(text, end="")
    if arguments.write:
        PAGE.write_text(text, encoding="utf-8")
        _progress(f"written: {PAGE}")


def _progress(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
