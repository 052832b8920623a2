"""The page on the volume of the log: ``python -m tests.system.log_volume --write``."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.conftest import ROOT
from tests.system.figures import machine, machine_table, table, verdict
from tests.system.log_volume.measure import BEHAVIOURS, LIMIT, Volume, measure

__all__ = ["main", "page"]

PAGE: Final = ROOT / "docs" / "reference" / "log-volume.md"
SECONDS: Final = 60.0

_IN_JSON_TOO: Final = ("fail", "log", "storm", "mixed")

_HEAD: Final = """\
# The volume of the log

This page shows the bytes that four peers make a program log, whatever they do.
It is written by the measurement itself, so that no figure in it is typed by hand:

```text
{command}
```

The program is `twistd tcpcomm --app` with its default limits, and handlers that fail and log as they can.
For the last row it is a script with four links.
The peers are plain sockets in another process, each in a thread.
A cause is a message or a connection for which the program could log a line; the peers count them.
[Options](options.md#--log-limit) says what bounds the log; [Limits](limits.md#of-the-log) has the figures.

"""


def page(volumes: Sequence[Volume], facts: Mapping[str, str], command: str) -> str:
    """Return the page."""
    head = ["four peers, each for", "format", "causes", "lines", "KiB of log", "target", ""]
    rows = [
        [
            f"{each.seconds:g} s: {BEHAVIOURS[each.behaviour]}",
            each.log_format,
            f"{each.causes:,}",
            f"{each.lines:,}",
            f"{each.size / 1024:,.0f}",
            f"≤ {LIMIT // 1024:,}",
            verdict(each.size <= LIMIT),
        ]
        for each in volumes
    ]
    return "\n".join(
        [_HEAD.format(command=command) + machine_table(facts), "## Figures\n", table(head, rows)]
    )


def main(given: Sequence[str] | None = None) -> None:
    """Measure, print the page, and write it if ``--write`` is given."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.system.log_volume", description="Measure the log that four peers cause."
    )
    parser.add_argument("--seconds", type=float, default=SECONDS, help="the time of each measurement")
    parser.add_argument(
        "--write", nargs="?", const=PAGE, type=Path, help=f"write docs/reference/{PAGE.name}, or this file"
    )
    arguments = parser.parse_args(given)
    facts = machine()
    volumes: list[Volume] = []
    for behaviour in BEHAVIOURS:
        for log_format in ("text", "json") if behaviour in _IN_JSON_TOO else ("text",):
            print(behaviour, log_format, file=sys.stderr, flush=True)
            volumes.append(measure(behaviour, log_format, arguments.seconds))
            print(volumes[-1], file=sys.stderr, flush=True)
    command = shlex.join(["python", "-m", "tests.system.log_volume", *(given or sys.argv[1:])])
    text = page(volumes, facts, command)
    print(text, end="")
    if arguments.write:
        arguments.write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
