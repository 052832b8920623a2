"""The command ``python -m tests.bench``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench import (
    against,
    echo,
    fairness,
    fanout,
    host,
    json_engines,
    large,
    many,
    metrics,
    modbus,
    monitor,
    other_build,
    outbox,
    plot,
    record,
    secs,
    typed,
    workers,
)
from tests.bench.decode import measure_decode
from tests.bench.interpreter import Interpreter
from tests.bench.measure import machine
from tests.bench.processes import BenchmarkFailed
from tests.bench.report import page
from tests.bench.section import Section, with_section

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "benchmarks.md"

ROUNDS = 7
QUICK_ROUNDS = 1
QUICK_SHRINK = 25

SECTIONS: Mapping[str, Callable[..., Section]] = {
    "typed": typed.measure_typed,
    "host": host.measure_host,
    "modbus": modbus.measure_modbus,
    "json": json_engines.measure_json,
    "secs": secs.measure_secs,
    "fanout": fanout.measure_fanout,
    "fairness": fairness.measure_fairness,
    "large": large.measure_large,
    "many": many.measure_many,
    "record": record.measure_record,
    "monitor": monitor.measure_monitor,
    "outbox": outbox.measure_outbox,
    "metrics": metrics.measure_metrics,
    "workers": workers.measure_workers,
}
"""The parts of the page that are measured and written alone, in their order."""


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description="Measure what a frame costs, side by side with others."
    )
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument(
        "--quick", action="store_true", help="a first look: few frames and one round, so nothing to rely on"
    )
    extent.add_argument(
        "--write", action="store_true", help=f"write docs/reference/{PAGE.name} as well, or its part"
    )
    parser.add_argument(
        "--against", type=Path, metavar="FOLDER", help="compare with another checkout, such as an older one"
    )
    parser.add_argument("--only", choices=("decode", "echo", *SECTIONS), help="run one part")
    parser.add_argument("--rounds", type=int, default=None, help=f"how many rounds (default: {ROUNDS})")
    two_builds = ", ".join(other_build.PARTS)
    parser.add_argument(
        "--python",
        metavar="PATH",
        help=f"run the main servers of {two_builds} under this build of Python, too, "
        "such as /usr/bin/python3; it uses the packages of this one",
    )
    arguments = parser.parse_args(given)
    if arguments.write and arguments.only in ("decode", "echo"):
        parser.error(f"--write needs all figures, or those of one of {', '.join(SECTIONS)}")
    if arguments.write and arguments.only is None and (problem := plot.missing()):
        parser.error(f"--write draws a picture, and {problem}: pip install -e '.[bench]'")
    if arguments.rounds is not None and arguments.rounds < 1:
        parser.error("--rounds must be at least 1")
    if arguments.python is not None:
        if arguments.against is not None or arguments.only not in (None, *other_build.PARTS):
            parser.error(f"--python runs servers of {two_builds}: leave out --against and other parts")
        try:
            arguments.python = other_build.find_interpreter(arguments.python)
        except BenchmarkFailed as error:
            parser.error(f"--python: {error}")
    return arguments


def main(given: Sequence[str] | None = None) -> None:
    """Run the parts that the command line selects, and print the page."""
    arguments = _arguments(given)
    rounds = arguments.rounds or (QUICK_ROUNDS if arguments.quick else ROUNDS)
    shrink = QUICK_SHRINK if arguments.quick else 1
    extent: dict[str, Any] = {"rounds": rounds, "shrink": shrink, "progress": _progress}
    if arguments.against is not None:
        print(against.compare(arguments.against.resolve(), **extent), end="")
        return
    facts = machine()
    decoded = measure_decode(**extent) if arguments.only in (None, "decode") else None
    echoed = echo.measure_echo(**extent) if arguments.only in (None, "echo") else None
    found = [measure(**extent) for name, measure in SECTIONS.items() if arguments.only in (None, name)]
    if arguments.python is not None:
        python: Interpreter = arguments.python
        parts = [name for name in other_build.PARTS if arguments.only in (None, name)]
        found.append(other_build.measure_other_build(python, parts, **extent))
    if arguments.only in SECTIONS:
        text = PAGE.read_text(encoding="utf-8") if arguments.write else ""
        print(*[each.page(quick=arguments.quick) for each in found], sep="\n", end="")
    else:
        text = page(facts, decoded, echoed, quick=arguments.quick)
    for each in found:
        text = with_section(text, each.title, each.page(quick=arguments.quick))
    if arguments.only not in SECTIONS:
        print(text, end="")
    if arguments.write:
        PAGE.write_text(text, encoding="utf-8")
        if echoed is not None:
            plot.draw(echoed, echo.LOADS, plot.PICTURE)
        _progress(f"written: {PAGE}")


def _progress(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
