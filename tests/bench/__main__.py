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
    parser.add_argument("--only", choices=("decode", "echo"), help="run one half")
    parser.add_argument("--rounds", type=int, default=None, help=f"how many rounds (default: {ROUNDS})")
    arguments = parser.parse_args(given)
    if arguments.write and arguments.only:
        parser.error("--write needs all figures: run it without --only")
    if arguments.rounds is not None and arguments.rounds < 1:
        parser.error("--rounds must be at least 1")
    return arguments


def main(given: Sequence[str] | None = None) -> None:
    """Run what the command line asks for and print the page."""
    arguments = _arguments(given)
    rounds = arguments.rounds or (QUICK_ROUNDS if arguments.quick else ROUNDS)
    shrink = QUICK_SHRINK if arguments.quick else 1
    facts = machine()
    decoded = echoed = None
    if arguments.only != "echo":
        decoded = measure_decode(rounds=rounds, shrink=shrink, progress=_progress)
    if arguments.only != "decode":
        echoed = measure_echo(rounds=rounds, shrink=shrink, progress=_progress)
    text = page(facts, decoded, echoed, quick=arguments.quick)
    print(text, end="")
    if arguments.write:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(text, encoding="utf-8")
        _progress(f"written: {PAGE}")


def _progress(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
