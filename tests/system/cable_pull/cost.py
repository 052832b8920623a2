"""
The cost of heartbeats on idle links: ``python -m tests.system.cable_pull.cost``.

Idle links send heartbeats through a real network interface, whose counters give the packets and bytes. The
CPU time is that of the process with the links.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from attrs import frozen

from tcpcomm.link.policy import PROFILES
from tests.docs.parts import with_part
from tests.system.cable_pull.faults import PORT, Scene
from tests.system.cable_pull.network import CLIENT, SERVER_ADDRESS, Network, obstacle
from tests.system.cable_pull.silence import LINKS_PAGE
from tests.system.figures import machine, table
from tests.system.programs import Program

__all__ = ["Cost", "cost", "part"]

PART: Final = "cost"
LINKS: Final = 20
SECONDS: Final = 20.0
START_TIMEOUT: Final = 30.0
SETTLED_AFTER: Final = 1.0


@frozen
class Cost:
    """The cost of one link in a second; packets and bytes are those of both directions."""

    packets: float
    bytes: float
    cpu: float
    """Seconds of CPU, for the process at one end."""


def cost(policy: str, links: int, seconds: float) -> Cost:
    """Measure this many links of a profile that send only heartbeats."""
    with ExitStack() as stack:
        network = stack.enter_context(Network())
        scene = stack.enter_context(Scene(network, [f"{__package__}.connections", "serve", str(PORT)]))
        scene.listening()
        arguments = [
            "-m",
            f"{__package__}.connections",
            "heartbeats",
            SERVER_ADDRESS,
            str(PORT),
            policy,
            str(links),
        ]
        holder = stack.enter_context(Program(policy, [*network.within(CLIENT), sys.executable, *arguments]))
        holder.wait_for("all up", timeout=START_TIMEOUT)
        time.sleep(SETTLED_AFTER)
        started, before, cpu_before = time.monotonic(), network.traffic(CLIENT), _cpu(holder.pid)
        time.sleep(seconds)
        took = time.monotonic() - started
        after, cpu_after = network.traffic(CLIENT), _cpu(holder.pid)
        assert not holder.events("lost")
    packets, octets = (now - then for now, then in zip(after, before, strict=True))
    share = took * links
    return Cost(packets / share, octets / share, (cpu_after - cpu_before) / share)


def _cpu(pid: int) -> float:
    """Return the seconds of CPU time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def part(costs: Mapping[str, Cost], command: str, facts: Mapping[str, str]) -> str:
    """Return the part of the page."""
    rows = []
    for name, each in costs.items():
        beats = PROFILES[name].heartbeats
        assert beats is not None
        rows.append(
            [
                f"`{name}`",
                f"{beats.interval:g} s / {beats.timeout:g} s",
                f"{each.packets:.1f}",
                f"{each.bytes:.0f}",
                f"{each.cpu:.3%}",
            ]
        )
    head = ["profile", "every / dead after", "packets/s", "bytes/s on Ethernet", "of one core"]
    where = "; ".join(facts[name] for name in ("CPU", "System", "Python", "Date"))
    return f"{table(head, rows)}\nMeasured by `{command}` (Linux, root): {where}.\n"


def main(given: Sequence[str] | None = None) -> None:
    """Measure, print the part of the page, and write it if ``--write`` is given."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.system.cable_pull.cost",
        description="Measure the cost of heartbeats. Needs root.",
    )
    parser.add_argument("--links", type=int, default=LINKS, help="links at once (default: %(default)s)")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, help="seconds for each profile (default: %(default)g)"
    )
    parser.add_argument("--write", action="store_true", help=f"write it into {LINKS_PAGE.name}")
    arguments = parser.parse_args(given)
    problem = obstacle()
    if problem is not None:
        sys.exit(problem)
    facts = machine()
    command = shlex.join(["python", "-m", f"{__package__}.cost", *(given or sys.argv[1:])])
    costs = {name: cost(name, arguments.links, arguments.seconds) for name in PROFILES}
    text = part(costs, command, facts)
    print(text, end="")
    if arguments.write:
        LINKS_PAGE.write_text(with_part(LINKS_PAGE.read_text("utf-8"), PART, text), "utf-8")


if __name__ == "__main__":
    main()
