"""The command ``python -m tests.system.cluster``: the proof with a cluster of brokers, and its page."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from tests.conftest import ROOT
from tests.system.cluster.run import ALL_FAULTS, RATE, SHORT_FAULTS, TICKTIME, Outcome, run
from tests.system.figures import machine, machine_table, table

PAGE: Final = ROOT / "docs" / "reference" / "cluster.md"

_PAGE: Final = """\
# A cluster of brokers and its faults

Three RabbitMQ nodes run on one machine, with a quorum queue.
`net_ticktime` is {ticktime}, and `cluster_partition_handling` is `pause_minority`.
Two programs post {rate:g} messages a second each into a real [outbox](../howto/send-to-rabbitmq.md),
which delivers them to the queue; each has four sources.
Two more programs share one link by `RabbitOwnership`, and use it ten times a second while they own it.
A receiver at the other end records each message.

All connections pass a proxy for each node, which is the cable.
A fault comes when everything works; the next one comes when everything works again.

These promises are checked:

- a message that the outbox acknowledged to its program arrives;
- messages of one source arrive in their order, after duplicates are removed by their ids;
- a message that arrives twice has the same id both times, and no two messages have one id;
- no message is set aside, and no post is refused;
- no gateway uses a link after another has gained it.

This page is written by the command itself, so that nobody types a figure:

```text
{command}
```

The three nodes, the four programs and the receiver share the cores of one machine, so the pauses are rather
too long than too short.

{machine}
## What was found

{figures}
## Each fault

A pause is the longest time in which a program's outbox delivered nothing.
The last column is the longest time in which no gateway used the link.

{rows}"""


def page(outcome: Outcome, command: str, facts: Mapping[str, str]) -> str:
    """
    Return the whole page.

    Args:
        outcome: the result of a run.
        command: the command that made it.
        facts: the machine.
    """
    rows = outcome.rows
    figures = [
        ["faults", str(len(rows))],
        ["messages posted", f"{sum(each.posted for each in rows):,}"],
        ["acknowledged by the outbox", f"{sum(each.acknowledged for each in rows):,}"],
        ["acknowledged and lost", str(sum(each.lost for each in rows))],
        ["duplicates, found by their ids", f"{sum(each.duplicates for each in rows):,}"],
        ["uses of a link after another gateway had gained it", str(outcome.stale_acts)],
        ["promises broken", "; ".join(outcome.violations) or "0"],
    ]
    lines = [
        [
            each.fault,
            f"{each.posted:,}",
            f"{each.acknowledged:,}",
            str(each.lost),
            str(each.duplicates),
            f"{each.pause:.1f}",
            f"{each.without_owner:.1f}",
        ]
        for each in rows
    ]
    head = ["fault", "posted", "acknowledged", "lost", "duplicates", "longest pause, s", "link unused, s"]
    return _PAGE.format(
        ticktime=TICKTIME,
        rate=RATE,
        command=command,
        machine=machine_table(facts),
        figures=table(["", ""], figures),
        rows=table(head, lines),
    )


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(given: Sequence[str] | None = None) -> None:
    """Run the proof, print its page, and exit with 1 if a promise was broken."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.system.cluster",
        description="Deliver messages through a cluster of brokers that meets faults.",
    )
    parser.add_argument("--short", action="store_true", help=f"only {len(SHORT_FAULTS)} faults")
    parser.add_argument("--write", action="store_true", help=f"write docs/reference/{PAGE.name}")
    arguments = parser.parse_args(given)
    outcome = run(SHORT_FAULTS if arguments.short else ALL_FAULTS, _progress)
    command = shlex.join(["python", "-m", "tests.system.cluster", *(given or sys.argv[1:])])
    text = page(outcome, command, machine())
    print(text)
    if arguments.write:
        PAGE.write_text(text)
    if outcome.violations or outcome.stale_acts:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
