"""
False alarms: ``python -m tests.system.cable_pull.busy``.

Links work without any fault while other processes use the CPU: no link may be taken for dead.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from typing import Final

from attrs import frozen

from tests.docs.parts import with_part
from tests.system.cable_pull.network import obstacle
from tests.system.cable_pull.trials import TITLES, set_stage
from tests.system.figures import machine, table, verdict
from tests.system.programs import ROOT, Program

__all__ = ["BURNERS", "CLIENTS", "LoadResult", "load_run", "part", "section"]

PAGE: Final = ROOT / "docs" / "reference" / "cable-pull.md"
PART: Final = "false alarms"
SECONDS: Final = 600.0
CLIENTS: Final = ("tcpcomm", "tcpcomm-blocking")
BURNERS: Final = 2 * (os.cpu_count() or 1)
EVERY: Final = 60.0
"""Seconds between two messages about progress."""


@frozen
class LoadResult:
    """The result of a run without any fault."""

    seconds: float
    burners: int
    answered: Mapping[str, int]
    kills: Mapping[str, Sequence[str]]
    """By client: the reason for each time that it took the connection for dead."""


def load_run(
    clients: Collection[str], *, seconds: float, burners: int, progress: Callable[[str], None]
) -> LoadResult:
    """
    Let clients work without any fault while other processes use the CPU.

    Args:
        clients: the names of the clients.
        seconds: the time to work.
        burners: the number of processes that only compute.
        progress: called with a text at each step.
    """
    with ExitStack() as stack:
        stage = set_stage(stack, clients, None)
        for _ in range(burners):
            stack.enter_context(Program("a burner", [sys.executable, "-c", _BURN]))
        stage.settle()
        started = time.monotonic()
        while (left := started + seconds - time.monotonic()) > 0:
            progress(f"{left:.0f} s of load left")
            time.sleep(min(EVERY, left))
        stage.settle()
        ended = time.monotonic()
        stage.finish()
        return LoadResult(
            seconds,
            burners,
            {name: len(client.events("answered", since=started)) for name, client in stage.clients.items()},
            {
                name: [
                    str(each.about["reason"])
                    for each in client.events("down", since=started)
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

_SECTION: Final = """\
## False alarms

A false alarm is a healthy link that is taken for dead.
Here links with the profile `lan`, which takes a peer for dead after 0.3 s of silence, work without any fault, while other processes compute without pause.
One of the programs also blocks its own reactor again and again, as a program does that processes images.
The target is none in ten minutes.

<!-- written by python -m tests.system.cable_pull.busy --write: {part} -->
{text}<!-- end of {part} -->
"""  # noqa: E501 - one sentence per line


def section(result: LoadResult, command: str, facts: Mapping[str, str]) -> str:
    """Return the section of the cable pulls' page about this result."""
    return _SECTION.format(part=PART, text=part(result, command, facts))


def part(result: LoadResult, command: str, facts: Mapping[str, str]) -> str:
    """Return the table of the results."""
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
    where = "; ".join(facts[name] for name in ("CPU", "System", "Python", "Date"))
    return (
        f"{table(['', 'commands answered', 'false alarms', 'their reasons', ''], rows)}\n"
        f"{result.seconds:.0f} s, with {result.burners} processes that compute, by `{command}`: {where}.\n"
    )


def main(given: Sequence[str] | None = None) -> None:
    """Measure, print the page, and write it if ``--write`` is given."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.system.cable_pull.busy",
        description="Count false alarms on a busy machine. Needs root, iproute2 and iptables.",
    )
    parser.add_argument("--seconds", type=float, default=SECONDS, help="seconds to work (%(default)g)")
    parser.add_argument("--write", action="store_true", help=f"write it into docs/reference/{PAGE.name}")
    arguments = parser.parse_args(given)
    problem = obstacle()
    if problem is not None:
        sys.exit(problem)
    facts = machine()
    result = load_run(CLIENTS, seconds=arguments.seconds, burners=BURNERS, progress=_progress)
    command = shlex.join(["python", "-m", f"{__package__}.busy", *(given or sys.argv[1:])])
    text = part(result, command, facts)
    print(text, end="")
    if arguments.write:
        PAGE.write_text(with_part(PAGE.read_text("utf-8"), PART, text), "utf-8")


def _progress(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
