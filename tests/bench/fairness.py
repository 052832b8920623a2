"""
The time that a peer waits beside others that flood the same server.

The bystander is this process: it asks one PING every few milliseconds, and each waits for its PONG. The
floods are a process of their own. Each server is a third process, which both share.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from attrs import frozen

from tests.bench.echo import start
from tests.bench.measure import Series, interleaved
from tests.bench.peers import Peer
from tests.bench.processes import BenchmarkFailed, Child
from tests.bench.report import Target
from tests.bench.section import Column, Section, comparison

__all__ = ["FLOODERS", "KINDS", "PEERS", "TITLE", "Waits", "beside_floods", "measure_fairness"]

TITLE = "A peer beside floods"
FLOODERS: Final = (1, 4, 15)
SECONDS: Final = 1.5
MOST_ROUNDS: Final = 3
INTERVAL: Final = 0.003
TIMEOUT: Final = 60.0
WORST: Final = 15.0
"""Seconds after which a PING counts as lost."""

OURS = "tcpcomm"
STOCK = "Twisted LineOnlyReceiver"
PEERS = (
    Peer(OURS, "fair_tcpcomm", ("--at-once",)),
    Peer("tcpcomm, native on uvloop", "fair_tcpcomm", ("--native",), needs="uvloop"),
    Peer(STOCK, "fair_stock"),
    Peer("asyncio.Protocol", "fair_asyncio"),
)

KINDS: Mapping[str, str] = {
    "pings": "pipelined PINGs",
    "empty": "empty lines",
    "typed": "pipelined commands of declared equipment",
    "batches": "JSON-RPC batches of 500 commands",
    "large": "lines of 1 MiB, which are echoed",
    "storm": "connections that are opened and reset",
}

_PING = b"PING\n", b"PONG\n"
_RPC_PING = b'{"jsonrpc":"2.0","method":"ping","id":1}\n', b"}\n"

_TEXT = """\
A peer asks one `PING` every {interval:.0f} ms, and waits for each `PONG`.
Beside it, others flood the same server as fast as it reads: 1, 4 or 15 connections, of six kinds.
They read all replies.
The times are milliseconds that a `PING` waits, with the network and both programs.
The servers of Twisted and asyncio are the usual loop, by hand: it handles all lines of a chunk before it
returns to the reactor. They carry out the same commands, and check nothing.
A connection costs tcpcomm more than them.
Medians, {rounds} rounds of {seconds:g} s; the largest is the worst of all rounds.

```
python -m tests.bench --only fairness --write
```
"""


@frozen
class Waits:
    """The times that the bystander waited, in milliseconds."""

    p50: float
    p99: float
    longest: float


def beside_floods(peer: Peer, kind: str, floods: int, seconds: float) -> Waits:
    """Measure one bystander beside floods of one server."""
    ask, end = _RPC_PING if kind == "batches" else _PING
    with start(_serving(peer, kind)) as server:
        port = server.line(TIMEOUT)
        command = [sys.executable, "-m", "tests.bench.peers.flooding", port, str(floods), kind]
        with socket.create_connection(("127.0.0.1", int(port)), timeout=WORST) as bystander:
            bystander.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _ask(bystander, ask, end)
            with Child(f"floods of {kind}", command) as flooding:
                flooding.line(TIMEOUT)
                waits = []
                over = time.perf_counter() + seconds
                while time.perf_counter() < over:
                    waits.append(_ask(bystander, ask, end) * 1e3)
                    time.sleep(INTERVAL)
    waits.sort()
    return Waits(waits[len(waits) // 2], waits[int(len(waits) * 0.99)], waits[-1])


def _serving(peer: Peer, kind: str) -> Peer:
    return Peer(peer.name, peer.program, (*peer.arguments, kind), peer.needs, peer.folder)


def _ask(bystander: socket.socket, ask: bytes, end: bytes) -> float:
    began = time.perf_counter()
    bystander.sendall(ask)
    received = b""
    while not received.endswith(end):
        try:
            data = bystander.recv(4096)
        except TimeoutError:
            return WORST
        if not data:
            raise BenchmarkFailed("the server closed the bystander's connection")
        received += data
    return time.perf_counter() - began


def measure_fairness(*, rounds: int, shrink: int = 1, progress: Callable[[str], None]) -> Section:
    """Measure every peer beside every kind of flood."""
    seconds, rounds = SECONDS / min(shrink, 4), min(rounds, MOST_ROUNDS)
    present = [peer for peer in PEERS if peer.missing() is None]
    found: dict[tuple[str, int], Mapping[str, list[Waits]]] = {}
    for kind, title in KINDS.items():
        for floods in FLOODERS if shrink == 1 else FLOODERS[:1]:
            progress(f"{TITLE}: {floods} of {title}, {rounds} rounds of {len(present)} peers")
            runs = {peer.name: partial(beside_floods, peer, kind, floods, seconds) for peer in present}
            found[kind, floods] = interleaved(runs, rounds=rounds)
    return _section(found, rounds, seconds)


def _section(
    found: Mapping[tuple[str, int], Mapping[str, Sequence[Waits]]], rounds: int, seconds: float
) -> Section:
    tables = []
    targets = []
    for kind, title in KINDS.items():
        columns = []
        for floods in FLOODERS:
            if (kind, floods) not in found:
                continue
            waits = found[kind, floods]
            series = {
                "p50": {name: Series([each.p50 for each in met]) for name, met in waits.items()},
                "p99": {name: Series([each.p99 for each in met]) for name, met in waits.items()},
                "max": {name: Series([max(each.longest for each in met)]) for name, met in waits.items()},
            }
            columns += [Column(f"{floods}: {what}", figures, 1) for what, figures in series.items()]
            for name in (each.name for each in PEERS if each.name.startswith(OURS)):
                if name in waits and floods in (1, 15):
                    bound = 20.0 if floods == 1 else 50.0
                    text = f"Beside {floods} × {title}, {name}: p99 in ms"
                    targets.append(Target(text, series["p99"][name].median, bound, at_least=False))
        tables.append(f"### Beside {title}\n\n{comparison('Server', columns)}")
    text = _TEXT.format(interval=INTERVAL * 1e3, rounds=rounds, seconds=seconds)
    return Section(TITLE, text, tables, targets)
