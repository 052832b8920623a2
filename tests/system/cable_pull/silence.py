"""
The time that TCP alone keeps a dead connection: ``python -m tests.system.cable_pull.silence``.

Each fault is made once, on a network of its own, all at the same time, and is never mended. On each network
the same program holds one connection of each kind of :mod:`tests.system.cable_pull.connections`, and
reports
when it loses a connection. TCP needs a quarter of an hour, if it notices at all, so this waits for half an
hour. It uses nearly no CPU.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from typing import Final

from tests.docs.parts import with_part
from tests.system.cable_pull.connections import KINDS, LINKS
from tests.system.cable_pull.faults import FAULTS, PORT, Fault, Scene
from tests.system.cable_pull.network import CLIENT, SERVER_ADDRESS, Network, obstacle
from tests.system.figures import machine, table
from tests.system.programs import ROOT, Program

__all__ = ["Noticed", "measure", "part"]

PAGE: Final = ROOT / "docs" / "explanation" / "why-tcp-does-not-notice.md"
LINKS_PAGE: Final = ROOT / "docs" / "howto" / "choose-a-heartbeat.md"
PART: Final = "measured"
PATIENCE: Final = 1600.0
START_TIMEOUT: Final = 60.0
SETTLED_AFTER: Final = 2.0
"""
Seconds from the last connection to the fault, so that all idle connections have been idle for a while.
"""

Noticed = Mapping[str, Mapping[str, float | None]]
"""By fault's name, by kind of connection: seconds until it was lost; None: it was not lost."""


def measure(faults: Sequence[Fault], kinds: Collection[str], patience: float) -> Noticed:
    """Make the faults, each on a network of its own; wait until all are noticed or the time is over."""
    with ExitStack() as stack:
        scenes: dict[str, tuple[Fault, Scene, Program]] = {}
        for fault in faults:
            network = stack.enter_context(Network())
            scene = stack.enter_context(Scene(network, [f"{__package__}.connections", "serve", str(PORT)]))
            scene.listening()
            module = ["-m", f"{__package__}.connections", "hold", SERVER_ADDRESS, str(PORT), *kinds]
            holder = Program(fault.name, [*network.within(CLIENT), sys.executable, *module])
            scenes[fault.name] = fault, scene, stack.enter_context(holder)
        for _, _, holder in scenes.values():
            for kind in kinds:
                holder.wait_for("up", connection=kind, timeout=START_TIMEOUT)
        time.sleep(SETTLED_AFTER)
        made = {}
        for name, (fault, scene, _) in scenes.items():
            made[name] = time.monotonic()
            fault.make(scene)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if all(len(holder.events("lost")) == len(kinds) for _, _, holder in scenes.values()):
                break
            time.sleep(min(1.0, patience / 10))
        return {name: _noticed(holder, kinds, made[name]) for name, (_, _, holder) in scenes.items()}


def _noticed(holder: Program, kinds: Collection[str], made: float) -> dict[str, float | None]:
    noticed: dict[str, float | None] = dict.fromkeys(kinds)
    for event in holder.events("lost"):
        assert event.time >= made, f"{event.about} was lost before there was a fault"
        noticed[event.about["connection"]] = event.time - made
    return noticed


def part(noticed: Noticed, patience: float, command: str, facts: Mapping[str, str]) -> str:
    """Return the part of the page."""
    titles = {fault.name: fault.title.partition(", and ")[0] for fault in FAULTS}
    kinds = next(iter(noticed.values()))
    rows = [
        [titles[name], *(_seconds(seconds, patience) for seconds in each.values())]
        for name, each in noticed.items()
    ]
    legend = "".join(f"- *{kind}*: {KINDS[kind].title}\n" for kind in kinds)
    where = "; ".join(facts[name] for name in ("CPU", "System", "Python", "Date"))
    return (
        f"{table(['Fault', *kinds], rows)}\n{legend}\n"
        f"Measured by `{command}` (Linux, root), Twisted {facts['Twisted']}: {where}.\n"
    )


def _seconds(seconds: float | None, patience: float) -> str:
    if seconds is None:
        return f"> {patience:.0f}"
    return f"{seconds:.2f}" if seconds < 10 else f"{seconds:.0f}"


def main(given: Sequence[str] | None = None) -> None:
    """Measure, print the part of the page, and write it if ``--write`` is given."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.system.cable_pull.silence",
        description="Measure how long TCP believes in dead connections. Needs root, iproute2 and iptables.",
    )
    parser.add_argument(
        "--patience", type=float, default=PATIENCE, help="seconds to wait at most (default: %(default)g)"
    )
    parser.add_argument(
        "--links", action="store_true", help="measure tcpcomm's links without heartbeats, instead of TCP"
    )
    parser.add_argument("--write", action="store_true", help="write it into the page that shows it")
    arguments = parser.parse_args(given)
    problem = obstacle()
    if problem is not None:
        sys.exit(problem)
    facts = machine()
    command = shlex.join(["python", "-m", f"{__package__}.silence", *(given or sys.argv[1:])])
    kinds = LINKS if arguments.links else [name for name in KINDS if name not in LINKS]
    text = part(measure(FAULTS, kinds, arguments.patience), arguments.patience, command, facts)
    print(text, end="")
    if arguments.write:
        page = LINKS_PAGE if arguments.links else PAGE
        page.write_text(with_part(page.read_text("utf-8"), PART, text), "utf-8")


if __name__ == "__main__":
    main()
