"""The command ``python -m tests.system.rough_network``."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

from tests.system.figures import machine
from tests.system.programs import ROOT
from tests.system.rough_network.links import LINKS, roughen
from tests.system.rough_network.medium import obstacle
from tests.system.rough_network.report import page

PAGE: Final = ROOT / "docs" / "reference" / "rough-network.md"
MINUTES: Final = 20.0


def main(given: Sequence[str] | None = None) -> None:
    """Measure, print the page, and write it if ``--write`` is given."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.system.rough_network",
        description="Let links work over a network that loses, delays and reorders packets. Needs root.",
    )
    parser.add_argument("--minutes", type=float, default=MINUTES, help="(default: %(default)g)")
    parser.add_argument(
        "--write", nargs="?", const=PAGE, type=Path, help=f"write docs/reference/{PAGE.name}, or this file"
    )
    arguments = parser.parse_args(given)
    problem = obstacle()
    if problem is not None:
        sys.exit(problem)
    signal.signal(signal.SIGTERM, _end)
    facts = machine()
    result = roughen(LINKS, seconds=60 * arguments.minutes, progress=_progress)
    command = shlex.join(["python", "-m", "tests.system.rough_network", *(given or sys.argv[1:])])
    text = page(result, command, facts)
    print(text, end="")
    if arguments.write:
        arguments.write.write_text(text, encoding="utf-8")
        _progress(f"written: {arguments.write}")


def _end(number: int, frame: object) -> NoReturn:
    """End as Ctrl-C does, so that the namespaces are removed."""
    sys.exit(128 + number)


def _progress(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
