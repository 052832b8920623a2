"""The command ``python -m tests.system.outbox_kills``: kills at each step, and their page."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.conftest import ROOT
from tests.system.figures import machine, machine_table, table
from tests.system.outbox_kills.trial import STEPS, Kills, kill_at_each_step

PAGE: Final = ROOT / "docs" / "reference" / "outbox-kills.md"
TIMES: Final = 20
SEED: Final = 1

_PAGE: Final = """\
# An outbox that is killed

A program posts messages of 5 sources under load, and its outbox delivers them over TCP to a receiver in
another process.
The program kills itself as `kill -9` does, {times} times at each of the steps below.
The moment is drawn: just before the step, up to 3 ms after its beginning, or just after it.
The next run goes on with the same file.
The receiver refuses one message in 199, always, so that such messages are set aside.

Afterwards the last run delivers all that is left, and everything is compared:

- each message whose id the program had heard arrived, or is set aside because the receiver refused it;
- an id always came with the same content;
- messages of one source came in the order of their numbers, once duplicates are left out;
- the database was whole after each kill, by SQLite's `integrity_check`.

A `kill -9` proves that a crash of the program costs nothing.
A power cut needs more: that the disk has what it acknowledged, which `synchronous=FULL` asks of it.

This page is written by the command itself, so that nobody types a figure:

```text
{command}
```

`pytest tests/system/test_outbox_kills.py` does the same with a few kills.

## Results

{results}
{machine}"""


def _results(found: Kills, seconds: float) -> str:
    rows = [[f"killed while {step}", f"{found.kills[step]:,}"] for step in STEPS]
    rows += [
        ["messages acknowledged", f"{found.acknowledged:,}"],
        ["**acknowledged and lost**", f"**{len(found.lost):,}**"],
        ["messages that arrived", f"{found.arrived:,}"],
        ["duplicates, each with the id of the first", f"{found.duplicates:,}"],
        ["ids that came with another content", f"{len(found.altered):,}"],
        ["messages out of order in their source", f"{len(found.disorder):,}"],
        ["messages set aside", f"{found.set_aside:,}"],
        ["stored, but killed before the program heard it", f"{found.not_acknowledged:,}"],
        ["databases that were not whole", f"{len(found.damage):,}"],
        ["seconds", f"{seconds:,.0f}"],
    ]
    return table(["", ""], rows)


def main(given: Sequence[str] | None = None) -> int:
    """Kill the program, and print the page or write it. Return 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.system.outbox_kills", description=__doc__)
    parser.add_argument("--times", type=int, default=TIMES, help=f"kills at each step (default: {TIMES})")
    parser.add_argument("--seed", type=int, default=SEED, help=f"seed of the moments (default: {SEED})")
    parser.add_argument("--write", action="store_true", help=f"write docs/reference/{PAGE.name} as well")
    arguments = parser.parse_args(given)
    began = time.monotonic()
    with TemporaryDirectory(prefix="tcpcomm-kills-") as folder:
        found = kill_at_each_step(
            Path(folder),
            arguments.times,
            seed=arguments.seed,
            progress=lambda text: print(text, file=sys.stderr),
        )
    page = _PAGE.format(
        times=arguments.times,
        command="python -m tests.system.outbox_kills --write",
        results=_results(found, time.monotonic() - began),
        machine=machine_table(machine()),
    )
    print(page)
    if arguments.write:
        PAGE.write_text(page, encoding="utf-8")
    problems = [*found.lost, *found.altered, *found.disorder, *found.damage]
    for each in problems:
        print(each, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
