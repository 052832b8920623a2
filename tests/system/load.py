"""
The cost and the limits of the real ``twistd tcpcomm``: ``python -m tests.system.load``.

Each measurement is a function that starts its own server; :func:`main` runs them one after another and
prints a page. The tests run the same functions with smaller numbers.
"""

from __future__ import annotations

import argparse
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from math import ceil, inf
from pathlib import Path
from typing import Final

from attrs import frozen

from tcpcomm.runtime.socket_options import BACKLOG
from tests.conftest import ROOT
from tests.system.crowd import PATIENCE, Crowd, allow_files
from tests.system.figures import machine, machine_table, table, verdict
from tests.system.peer import Peer
from tests.system.running import ON_LOOPBACK, Server, twistd

__all__ = ["Figure", "idle", "non_reader", "out_of_files", "page", "reconnecting", "stopped", "terminated"]

PAGE: Final = ROOT / "docs" / "reference" / "load.md"
MEASURED: Final = ("--app", "tests.system.measured:Equipment")
BULK: Final = ("--app", "tests.system.applications:Bulk")
STOCK_LINES: Final = ("--app", "tests.system.measured:StockEquipment")
STOCK: Final = ("--app", "tests.system.measured:StockEcho")
MIB: Final = 1024 * 1024
BATCH: Final = 500
TWISTED_BACKLOG: Final = 50

ANSWER_TIMEOUT: Final = 10.0


@frozen
class Figure:
    """
    One result.

    Args:
        what: a description.
        value: the result.
        unit: its unit.
        bound: the target; None: there is none.
        at_least: True if the bound is a lower one.
    """

    what: str
    value: float
    unit: str
    bound: float | None = None
    at_least: bool = False

    @property
    def reached(self) -> bool:
        """True if the target is reached, or there is none."""
        if self.bound is None:
            return True
        return self.value >= self.bound if self.at_least else self.value <= self.bound


def _unlimited(count: int) -> tuple[str, ...]:
    """Return options that admit this many clients from one address."""
    return ("--max-sessions", str(count + 10), "--max-sessions-per-address", str(count + 10))


def idle(count: int) -> list[Figure]:
    """Measure idle connections: Python memory, and memory of the process, for each."""
    allow_files(count + 200)
    ours = (*MEASURED, *_unlimited(count))
    traced, stock = (
        _each(count, app, {"PYTHONTRACEMALLOC": "1"}, lambda server, peer: int(peer.ask(b"MEMORY")))
        for app in (ours, STOCK_LINES)
    )
    resident = _each(count, ours, {}, lambda server, peer: server.memory())
    return [
        Figure(f"Python memory of each of {count:,} idle connections", traced, "KiB", 2),
        Figure("the same with stock Twisted's `LineReceiver`, without any limit", stock, "KiB"),
        Figure("the process's memory for each of them, without tracing", resident, "KiB"),
    ]


def _each(
    count: int, app: Sequence[str], variables: Mapping[str, str], used: Callable[[Server, Peer], int]
) -> float:
    """Return the KiB of memory that each of this many clients takes."""
    with (
        Server(*ON_LOOPBACK, *app, variables=variables) as server,
        Peer(server.port) as observer,
        Crowd(server.port) as crowd,
    ):
        used(server, observer)  # not counted: the first request has costs of its own
        before = used(server, observer)
        _gather(crowd, count)
        return (used(server, observer) - before) / count / 1024


def reconnecting(count: int, *, backlog: int | None = None, bound: float | None = None) -> list[Figure]:
    """Kill and restart a server, and measure its clients, which all connect again at the same instant."""
    allow_files(count + 200)
    with Server(*ON_LOOPBACK, *MEASURED, *_unlimited(count)) as server, Crowd(server.port) as crowd:
        first = len(crowd.connect(count))
        port = server.port
        server.signal(signal.SIGKILL)
        server.wait()
        crowd.leave()
        listen = f"tcp:{port}:interface=127.0.0.1" + (f":backlog={backlog}" if backlog else "")
        with Server("--listen", listen, *MEASURED, *_unlimited(count)) as restarted:
            times = [] if restarted.port != port else crowd.connect(count)
            crowd.leave()
    if first != count or len(times) < count / 2:
        raise AssertionError(f"{first}, then {len(times)} of {count} clients were answered")
    everyone = max(times) if len(times) == count else inf
    words = f"backlog {backlog}" if backlog else f"default backlog ({BACKLOG})"
    if backlog == TWISTED_BACKLOG:
        words = f"Twisted's default backlog ({backlog})"
    return [
        Figure(
            f"{count:,} clients at once, {words}: half are answered after",
            sorted(times)[ceil(count / 2) - 1],
            "s",
        ),
        Figure(f"{count:,} clients at once, {words}: all are answered after", everyone, "s", bound),
    ]


def non_reader(seconds: float) -> list[Figure]:
    """Measure the memory that a client costs which sends without end and never reads."""
    with Server(*ON_LOOPBACK, "--framing", "length:4") as server:
        grown = _growth(server.port, server.memory, seconds)
    ours = Figure(f"a client that does not read for {seconds:g} s: growth of memory", grown, "MiB", 8)
    with Server(*ON_LOOPBACK, *STOCK) as server:
        grown = _growth(server.port, server.memory, seconds)
    return [ours, Figure("the same with stock Twisted's `Int32StringReceiver`", grown, "MiB")]


def _growth(port: int, memory: Callable[[], int], seconds: float) -> float:
    """Return the MiB by which a server grows while a client floods it and never reads."""
    frames = (len(body := bytes(1000)).to_bytes(4, "big") + body) * 64
    with Peer(port) as peer:
        peer.send((4).to_bytes(4, "big") + b"PING")
        before = most = memory()
        peer.socket.settimeout(0.1)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                peer.socket.send(frames)
            except TimeoutError:
                pass  # it is not read any more, as intended
            except ConnectionError:
                break
            most = max(most, memory())
    return (most - before) / MIB


def terminated(size: int) -> list[Figure]:
    """Send SIGTERM while this many bytes wait for a client, and count those that arrive."""
    with Server(*ON_LOOPBACK, *BULK) as server, Peer(server.port, receive_buffer=4096) as peer:
        peer.send(b"%d\n" % size)
        server.wait_for(f"{size} bytes sent")
        server.signal(signal.SIGTERM)
        server.wait_for("draining 1 sessions")
        arrived = len(peer.rest())
        server.wait()
    text = f"SIGTERM with {size / MIB:g} MiB queued: of it arrives"
    return [Figure(text, arrived / MIB, "MiB", size / MIB, at_least=True)]


def stopped(count: int) -> list[Figure]:
    """Send SIGTERM with this many idle connections, and measure the time to drain them."""
    allow_files(count + 200)
    with Server(*ON_LOOPBACK, *MEASURED, *_unlimited(count)) as server, Crowd(server.port) as crowd:
        _gather(crowd, count)
        started = time.monotonic()
        server.signal(signal.SIGTERM)
        for _ in range(6):
            with suppress(subprocess.TimeoutExpired):  # a late end is a result too
                server.wait()
                break
        took = time.monotonic() - started
    return [Figure(f"SIGTERM with {count:,} idle connections: the server has ended after", took, "s", 5)]


def _gather(crowd: Crowd, count: int) -> None:
    """Connect this many clients in batches, because a burst is not measured here."""
    answered = 0
    for already in range(0, count, BATCH):
        answered += len(crowd.connect(min(BATCH, count - already)))
    if answered != count:
        raise AssertionError(f"{answered} of {count} clients were answered")


def out_of_files(limit: int, clients: int, *, capped: bool) -> list[Figure]:
    """
    Connect more clients than the process may open files; ``capped``: with the default limit of sessions.
    """
    limited = ["sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh", twistd(), "-n", "--pidfile=", "tcpcomm"]
    sessions = () if capped else ("--max-sessions", str(clients))
    options = (*ON_LOOPBACK, *MEASURED, *sessions, "--max-sessions-per-address", str(clients))
    with Server(command=[*limited, *options]) as server, Peer(server.port) as first:
        first.ask(b"PING")
        with Crowd(server.port, patience=ANSWER_TIMEOUT) as crowd:
            served = len(crowd.connect(clients))
            hanging = crowd.waiting
            opened = first.ask(b"OPEN") == b"OPENED"
        recovered = _is_served(server.port)
    words = f"{clients} clients, {limit} files, {'default' if capped else 'no'} limit on sessions"
    return [
        Figure(f"{words}: served", served, "clients", 1, at_least=True),
        Figure(f"{words}: left waiting for an answer", hanging, "clients", 0),
        Figure(f"{words}: a handler can open a file", opened, "", 1 if capped else None, at_least=True),
        Figure(f"{words}: served again when they have gone", recovered, "", 1, at_least=True),
    ]


def _is_served(port: int) -> bool:
    """Return True if a new client is served within the time that a client waits."""
    deadline = time.monotonic() + ANSWER_TIMEOUT
    while time.monotonic() < deadline:
        try:
            with Peer(port) as peer:
                peer.socket.settimeout(ANSWER_TIMEOUT)
                if peer.ask(b"PING") == b"PONG":
                    return True
        except (ConnectionError, TimeoutError):
            pass  # refused: perhaps the others are not all closed yet
        time.sleep(0.05)
    return False


_HEAD = """\
# Load

The cost and the limits of `twistd tcpcomm`: the real program, over loopback, measured from outside.
The measurement itself writes this page, so that nobody types a figure:

```text
{command}
```

The clients are plain sockets in one other process, which works as hard as the server.
An idle connection costs more than in stock Twisted because of its session:
its decoder, its data about the peer, and the timers of its limits.
`--quick` takes a first look with small numbers.
"""


def page(figures: Sequence[Figure], facts: Mapping[str, str], command: str) -> str:
    """Return the whole page."""
    rows = [
        [
            each.what,
            _value(each),
            "" if each.bound is None else f"{'≥' if each.at_least else '≤'} {each.bound:g}",
            "" if each.bound is None else verdict(each.reached),
        ]
        for each in figures
    ]
    head = ["", "measured", "target", ""]
    return "\n".join(
        [_HEAD.format(command=command), machine_table(facts), "## Figures\n", table(head, rows)]
    )


def _value(figure: Figure) -> str:
    if not figure.unit:
        return "yes" if figure.value else "no"
    if figure.value == inf:
        return f"not within {PATIENCE:g} s"
    digits = 2 if figure.unit in ("s", "KiB") else 0 if figure.unit == "clients" else 1
    return f"{figure.value:.{digits}f} {figure.unit}"


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.system.load", description="Measure the cost and the limits of a server."
    )
    parser.add_argument("--quick", action="store_true", help="a first look, with small numbers")
    parser.add_argument(
        "--write", nargs="?", const=PAGE, type=Path, help=f"write docs/reference/{PAGE.name}, or this file"
    )
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Measure, print the page, and write it if ``--write`` is given."""
    arguments = _arguments(given)
    many, crowd, seconds = (1_000, 500, 1.0) if arguments.quick else (10_000, 8_000, 6.0)
    facts = machine()
    measurements: list[tuple[str, Callable[[], list[Figure]]]] = [
        ("idle connections", lambda: idle(many)),
        ("reconnecting at once, Twisted's backlog", lambda: reconnecting(crowd, backlog=TWISTED_BACKLOG)),
        ("reconnecting at once, backlog 1024", lambda: reconnecting(crowd, backlog=1024)),
        ("reconnecting at once, default backlog", lambda: reconnecting(crowd, bound=2.0)),
        ("a client that does not read", lambda: non_reader(seconds)),
        ("SIGTERM with bytes queued", lambda: terminated(20 * MIB)),
        ("SIGTERM with idle connections", lambda: stopped(crowd)),
        ("out of files, capped", lambda: out_of_files(100, 200, capped=True)),
        ("out of files, not capped", lambda: out_of_files(100, 200, capped=False)),
    ]
    figures: list[Figure] = []
    for what, measure in measurements:
        _progress(what)
        figures += measure()
    command = shlex.join(["python", "-m", "tests.system.load", *(given or sys.argv[1:])])
    text = page(figures, facts, command)
    print(text, end="")
    if arguments.write:
        arguments.write.parent.mkdir(parents=True, exist_ok=True)
        arguments.write.write_text(text, encoding="utf-8")
        _progress(f"written: {arguments.write}")


def _progress(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
