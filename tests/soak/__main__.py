"""The command ``python -m tests.soak``: one soak, and its page."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Final

from twisted.logger import globalLogBeginner

from tests.conftest import ROOT
from tests.soak.run import FAULTS, STORMS, Outcome, run
from tests.system.figures import machine, machine_table, table

PAGE: Final = ROOT / "docs" / "reference" / "soak.md"
DAYS: Final = 30.0
SEED: Final = 1

_PAGE: Final = """\
# Thirty days of faults

Hosts and their equipment, with real links and proxies, live through virtual days on a network in memory.
There are lines without ids, JSON-RPC with ids, bytes, and frames of a program's own.
In some cells the host connects, in others the equipment; some have heartbeats, some have keys.

Each virtual day has {storms} storms of {faults} faults, and quiet hours between them.
Besides the [simulated faults](simulated-faults.md) of the links there are loose plugs, late timers,
a wall clock that is set by up to an hour, a name server that is slow, dead or ignorant,
orderly restarts of either end, and floods of strangers' bytes and connections.
Hosts cancel commands, and equipment refuses, answers late, twice or never, and says what nobody asked for.

These promises are checked all the time:

- a command that was answered was carried out, with that answer; without ids, a reply that equipment sends
  twice, or a true reply that it or another line displaces, may answer one other command each, as
  [the page on what a caller may believe](../explanation/what-a-caller-may-believe.md) says;
  how many in a row that may concern is checked by the model of conversations, in `tests/conversation`;
- no command is carried out twice, or out of order;
- a command that was reported as not sent was never carried out;
- each command has its outcome within the time for its turn and its reply;
- after each storm every host gets answers again within 30 virtual s, and no command fails after that;
- an orderly stop leaves no command without its outcome;
- events come in order;
- nothing is logged as an error.

At times everything is counted, while nothing happens:
the objects of each type, the entries of all containers, timers, and open files.
None of these may grow.

This page is written by the command itself, so that nobody types a figure:

```text
{command}
```

`TCPCOMM_SOAK` sets the virtual days for `pytest tests/soak`.

{machine}
## What was found

{figures}
## Faults by kind

{kinds}
## What became of the commands

{commands}"""


def page(outcome: Outcome, seconds: float, command: str, facts: Mapping[str, str]) -> str:
    """
    Return the whole page.

    Args:
        outcome: the result of the soak.
        seconds: the seconds of CPU time that it took.
        command: the command that measured it.
        facts: the machine.
    """
    at_first, at_last = outcome.objects
    leaks = [each for each in outcome.violations if "it leaks" in each]
    figures = [
        ["virtual days", f"{outcome.days:.1f}"],
        ["faults", f"{sum(outcome.faults.values()):,}"],
        ["violations", "; ".join(outcome.violations) or "0"],
        ["leaks", str(len(leaks))],
        ["times that everything was counted", str(outcome.samples)],
        ["Python objects after the first count", f"{at_first:,}"],
        ["Python objects at the end", f"{at_last:,}"],
        ["seed", str(outcome.seed)],
        ["minutes of CPU time", f"{seconds / 60:.1f}"],
    ]
    return _PAGE.format(
        storms=STORMS,
        faults=FAULTS,
        command=command,
        machine=machine_table(facts),
        figures=table(["", ""], figures),
        kinds=table(["fault", "times"], _rows(outcome.faults)),
        commands=table(["outcome", "commands"], _rows(outcome.commands)),
    )


def _rows(counts: Mapping[str, int]) -> list[list[str]]:
    return [[name, f"{count:,}"] for name, count in sorted(counts.items(), key=lambda item: -item[1])]


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(given: Sequence[str] | None = None) -> None:
    """Run a soak, print its page, and exit with 1 if a promise was broken."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak", description="Let links live through virtual days of faults."
    )
    parser.add_argument("--days", type=float, default=DAYS, help="virtual days (default: %(default)g)")
    parser.add_argument("--seed", type=int, default=SEED, help="the same seed, the same run (%(default)s)")
    parser.add_argument("--write", action="store_true", help=f"write docs/reference/{PAGE.name}")
    arguments = parser.parse_args(given)
    # Until logging begins, Twisted keeps events, and with them every session that logged one.
    globalLogBeginner.beginLoggingTo([], redirectStandardIO=False, discardBuffer=True)
    facts = machine()
    begun = time.process_time()
    outcome = run(arguments.seed, arguments.days, progress=_progress)
    command = shlex.join(["python", "-m", "tests.soak", *(given or sys.argv[1:])])
    text = page(outcome, time.process_time() - begun, command, facts)
    print(text, end="")
    if arguments.write:
        PAGE.write_text(text, encoding="utf-8")
    if outcome.violations:
        again = f"python -m tests.soak --seed {outcome.seed} --days {arguments.days:g}"
        sys.exit(f"{again} shows it again; after the repair, add it to tests/soak/regression_seeds.py")


if __name__ == "__main__":
    main()
