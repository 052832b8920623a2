"""
The results of the simulation, as a page: ``python -m tests.link.proof --write``.

The tests run the same faults and mutants, and fail where this page would show a violation or a survivor.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final

from tests.conftest import ROOT
from tests.link.mutant import Mutant
from tests.link.simulation import NEW_SEEDS, Outcome, run
from tests.link.test_mutants import MUTANTS, is_found_out
from tests.system.figures import machine, machine_table, table

__all__ = ["page", "simulate"]

PAGE: Final = ROOT / "docs" / "reference" / "simulated-faults.md"
FAULTS: Final = 100_000
EACH: Final = 250
"""Faults of one seed."""

PROCESSES: Final = 2
FIRST_SEED: Final = NEW_SEEDS

_PAGE: Final = """\
# Simulated faults

A host and its equipment, both with real links, on a network in memory where everything goes wrong.
Each run draws its faults from a seed:
cables pulled or loose for a moment, one direction lost, connections reset or ended on the way,
programs that hang or are killed, machines without power, slow ways, second connections,
and, where the other machine is known by name only, a name server that is slow, dead, or knows nothing.
Bytes arrive in other pieces than they were sent.
Meanwhile the host sends numbered commands, and these promises are checked all the time:

- a command that was answered was carried out, with that answer;
- no command is carried out twice, or out of order, or before the login;
- a command that was reported as not sent was never carried out;
- each command is answered or reported;
- a dead peer is noticed within the heartbeat's timeout and two intervals, and what the slowest way takes;
- when the faults end, all is ready again within 30 s of virtual time, and stays so;
- a stop ends within its grace, and leaves no timer, socket, attempt or port;
- nothing is logged as an error.

This page is written by the measurement itself, so that no figure in it is typed by hand:

```text
{command}
```

{machine}
## What was found

{figures}
## Mutants

To show that the tests would notice, the rules of the link are broken one by one.
Each of these mutants has to be found out.

{mutants}"""


def simulate(faults: int) -> tuple[list[Outcome], float]:
    """Run so many faults, from the same seeds each time; return also the CPU time that they took."""
    seeds = range(FIRST_SEED, FIRST_SEED - (-faults // EACH))
    if faults <= 2 * EACH * PROCESSES:
        results = list(map(_timed, seeds))
    else:
        with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
            results = list(pool.map(_timed, seeds, chunksize=4))
    return [outcome for outcome, _ in results], sum(cpu for _, cpu in results)


def _timed(seed: int) -> tuple[Outcome, float]:
    begun = time.process_time()
    return run(seed, EACH), time.process_time() - begun


def page(
    outcomes: Sequence[Outcome],
    cpu: float,
    mutants: Sequence[tuple[Mutant, bool]],
    command: str,
    facts: Mapping[str, str],
) -> str:
    """
    Return the whole page.

    Args:
        outcomes: what came of each seed.
        cpu: seconds of CPU time that all took together.
        mutants: each with whether it was found out.
        command: what measured it.
        facts: where.
    """
    faults = sum(each.faults for each in outcomes)
    violations = [f"seed {each.seed}: {each.violations[0]}" for each in outcomes if each.violations]
    figures = [
        ["faults", f"{faults:,}"],
        ["violations", "; ".join(violations) or "0"],
        ["commands answered", f"{sum(each.answered for each in outcomes):,}"],
        ["times that a dead peer had to be noticed", f"{sum(each.judged for each in outcomes):,}"],
        ["virtual time", f"{sum(each.virtual for each in outcomes) / 3600:.1f} h"],
        ["faults a second of CPU time", f"{faults / cpu:,.0f}"],
    ]
    rows = [
        [each.what, _killer(each), "found out" if found else "**not found out**"] for each, found in mutants
    ]
    return _PAGE.format(
        command=command,
        machine=machine_table(facts),
        figures=table(["", ""], figures),
        mutants=table(["broken rule", "found out by", ""], rows),
    )


def _killer(mutant: Mutant) -> str:
    return "the simulation" if mutant.killer is None else f"`{mutant.killer.__name__}`"


def _found_out(mutant: Mutant) -> bool:
    with mutant.at_work():
        return is_found_out(mutant)


def main(given: Sequence[str] | None = None) -> None:
    """Simulate, print the page, and write it if asked to."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.link.proof", description="Show what the simulation finds."
    )
    parser.add_argument("--faults", type=int, default=FAULTS, help="how many (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help=f"write docs/reference/{PAGE.name}")
    arguments = parser.parse_args(given)
    facts = machine()
    outcomes, cpu = simulate(arguments.faults)
    mutants = [(each, _found_out(each)) for each in MUTANTS]
    command = shlex.join(["python", "-m", "tests.link.proof", *(given or sys.argv[1:])])
    text = page(outcomes, cpu, mutants, command, facts)
    print(text, end="")
    if arguments.write:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
