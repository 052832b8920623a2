"""
False alarms: ``python -m tests.system.cable_pull.busy``.

Links work without any fault, while other processes burn the CPU: none may be taken for dead.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from attrs import frozen

from tests.system.cable_pull.network import obstacle
from tests.system.cable_pull.report import TITLES
from tests.system.cable_pull.trials import set_stage
from tests.system.figures import machine, machine_table, table, verdict
from tests.system.programs import ROOT, Program

__all__ = ["LoadResult", "load_run", "page"]

PAGE: Final = ROOT / "docs" / "reference" / "false-alarms.md"
SECONDS: Final = 600.0
CLIENTS: Final = ("tcpcomm", "tcpcomm-blocking")
EVERY: Final = 60.0
"""Seconds between two words on how far it is."""


@frozen
class LoadResult:
    """A run without any fault."""

    seconds: float
    burners: int
    answered: Mapping[str, int]
    kills: Mapping[str, Sequence[str]]
    """By client: why it took the connection for dead, each time that it did."""


def load_run(
    clients: Collection[str], *, seconds: float, burners: int, progress: Callable[[str], None]
) -> LoadResult:
    """
    Let clients work without any fault, while other processes burn the CPU.

    Args:
        clients: who.
        seconds: for how long.
        burners: how many processes do nothing but compute.
        progress: told in words what is being done.
    """
    with ExitStack() as stack:
        stage = set_stage(stack, clients, None)
        for _ in range(burners):
            stack.enter_context(Program("a burner", [sys.executable, "-c", _BURN]))
        stage.settle()
        begun = time.monotonic()
        while (left := begun + seconds - time.monotonic()) > 0:
            progress(f"{left:.0f} s of load left")
            time.sleep(min(EVERY, left))
        stage.settle()
        ended = time.monotonic()
        stage.finish()
        return LoadResult(
            seconds,
            burners,
            {name: len(client.events("answered", since=begun)) for name, client in stage.clients.items()},
            {
                name: [
                    str(each.about["reason"])
                    for each in client.events("down", since=begun)
                    if each.time < ended
                ]
                for name, client in stage.clients.items()
            },
        )


_BURN: Final = """
import sys, threading
ended = threading.Thread(target=sys.stdin.read, daemon=True)
ended.start()
while ended.is_alive():
    sum(range(10_000))
"""

_PAGE: Final = """\
# False alarms

A false alarm is a healthy link that is taken for dead.
Links with the profile `lan`, which takes a peer for dead after 0.3 s of silence, work without any fault.
Meanwhile {burners} processes compute without pause, on {cores} cores.
One of the programs also blocks its own reactor again and again, as one does that works on an image.

This page is written by the measurement itself, so that no figure in it is typed by hand:

```text
{command}
```

{machine}
## {seconds:.0f} s under load

Target: no false alarm.

{alarms}"""


def page(result: LoadResult, facts: Mapping[str, str], command: str) -> str:
    """The whole page."""
    rows = [
        [
            TITLES[name],
            str(result.answered[name]),
            str(len(kills)),
            "; ".join(sorted(set(kills))),
            verdict(not kills),
        ]
        for name, kills in result.kills.items()
    ]
    return _PAGE.format(
        burners=result.burners,
        cores=os.cpu_count(),
        command=command,
        machine=machine_table(facts),
        seconds=result.seconds,
        alarms=table(["", "commands answered", "false alarms", "their reasons", ""], rows),
    )


def main(given: Sequence[str] | None = None) -> None:
    """Measure, print the page, and write it where that is asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.system.cable_pull.busy",
        description="Count false alarms on a busy machine. Needs root, iproute2 and iptables.",
    )
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for how long (%(default)g)")
    parser.add_argument(
        "--write", nargs="?", const=PAGE, type=Path, help=f"write docs/reference/{PAGE.name}, or this file"
    )
    arguments = parser.parse_args(given)
    problem = obstacle()
    if problem is not None:
        sys.exit(problem)
    facts = machine()
    burners = 2 * (os.cpu_count() or 1)
    result = load_run(CLIENTS, seconds=arguments.seconds, burners=burners, progress=_progress)
    command = shlex.join(["python", "-m", f"{__package__}.busy", *(given or sys.argv[1:])])
    text = page(result, facts, command)
    print(text, end="")
    if arguments.write:
        arguments.write.write_text(text, encoding="utf-8")


def _progress(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
