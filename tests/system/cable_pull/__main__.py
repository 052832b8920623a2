"""The command ``python -m tests.system.cable_pull``."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

from tests.system.cable_pull import busy
from tests.system.cable_pull.faults import FAULTS
from tests.system.cable_pull.network import TUNED_RETRANSMIT, obstacle
from tests.system.cable_pull.report import Results, page
from tests.system.cable_pull.trials import pull
from tests.system.figures import machine
from tests.system.programs import ROOT

PAGE: Final = ROOT / "docs" / "reference" / "cable-pull.md"
PEERS: Final = ("tcpcomm", "clientservice", "reconnectingclientfactory")
SOLICITING: Final = ("local-cable", "interface-down", "far-cable", "address-changed")
"""The faults after which the system asks for the peer's hardware address, so that ARP's timing matters."""

TIMES, OUTAGE, LOAD = 20, 5.0, 20.0
QUICK_TIMES, QUICK_OUTAGE, QUICK_LOAD = 2, 1.5, 5.0
UNTUNED_OUTAGE = 1.5


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.system.cable_pull",
        description="Pull cables, and measure when each client notices. Needs root, iproute2 and iptables.",
    )
    names = [fault.name for fault in FAULTS]
    parser.add_argument("--times", type=int, help=f"pulls of each fault (default: {TIMES})")
    parser.add_argument(
        "--fault", action="append", choices=names, help="only this fault; may be given several times"
    )
    parser.add_argument(
        "--peers", default=",".join(PEERS), help="clients, separated by commas (default: %(default)s)"
    )
    parser.add_argument("--outage", type=float, help=f"seconds that each fault lasts (default: {OUTAGE:g})")
    parser.add_argument(
        "--load", type=float, help=f"seconds under CPU load, without a fault; 0: none (default: {LOAD:g})"
    )
    parser.add_argument("--quick", action="store_true", help="a first look: few, short pulls")
    parser.add_argument(
        "--write", nargs="?", const=PAGE, type=Path, help=f"write docs/reference/{PAGE.name}, or this file"
    )
    arguments = parser.parse_args(given)
    arguments.peers = arguments.peers.split(",")
    unknown = set(arguments.peers) - set(PEERS)
    if unknown:
        parser.error(f"--peers: there is no {', '.join(sorted(unknown))}")
    return arguments


def main(given: Sequence[str] | None = None) -> None:
    """Measure, print the page, and write it if ``--write`` is given."""
    arguments = _arguments(given)
    problem = obstacle()
    if problem is not None:
        sys.exit(problem)
    signal.signal(signal.SIGTERM, _end)
    quick = arguments.quick
    facts = machine()
    faults = [fault for fault in FAULTS if arguments.fault is None or fault.name in arguments.fault]
    times = arguments.times or (QUICK_TIMES if quick else TIMES)
    outage = arguments.outage or (QUICK_OUTAGE if quick else OUTAGE)
    pulls = pull(
        faults, arguments.peers, times=times, outage=outage, retransmit=TUNED_RETRANSMIT, progress=_progress
    )
    untuned = load = None
    soliciting = [fault for fault in faults if fault.name in SOLICITING]
    if soliciting and PEERS[0] in arguments.peers and not quick:
        _progress("the same without tuned ARP")
        untuned = pull(
            soliciting, PEERS[:1], times=times, outage=UNTUNED_OUTAGE, retransmit=None, progress=_progress
        )
    seconds = (QUICK_LOAD if quick else LOAD) if arguments.load is None else arguments.load
    if seconds:
        load = busy.load_run(busy.CLIENTS, seconds=seconds, burners=busy.BURNERS, progress=_progress)
    command = shlex.join(["python", "-m", "tests.system.cable_pull", *(given or sys.argv[1:])])
    text = page(Results(facts, command, faults, pulls, untuned, load))
    print(text, end="")
    if arguments.write:
        arguments.write.parent.mkdir(parents=True, exist_ok=True)
        arguments.write.write_text(text, encoding="utf-8")
        _progress(f"written: {arguments.write}")


def _end(number: int, frame: object) -> NoReturn:
    """End as Ctrl-C does, so that the namespaces are removed."""
    sys.exit(128 + number)


def _progress(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
