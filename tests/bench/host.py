"""
A command at the host, ``await camera.locate(job)``: the cost of the client, alone and with 64 in flight.

All clients ask the same quick server, one after another. Its CPU does not count.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from attrs import frozen

from tests.bench.echo import ANSWER_TIMEOUT, LOAD_TIMEOUT, START_TIMEOUT, start
from tests.bench.measure import Series, interleaved
from tests.bench.peers import Peer
from tests.bench.processes import Child
from tests.bench.report import Target
from tests.bench.section import Column, Section, comparison

__all__ = ["ALONE", "CLIENTS", "IN_FLIGHT", "LOADS", "SERVER", "TITLE", "Spent", "ask", "measure_host"]

TITLE = "A command at the host"
OURS = "tcpcomm, remote"
TWISTEDS = f"{OURS}, Twisted's transport"
NATIVE = f"{OURS}, native on uvloop"
BY_HAND = "LineReceiver, by hand"

SERVER = Peer("a quick camera", "host_camera")
CLIENTS = (
    Peer(OURS, "host_tcpcomm"),
    Peer(TWISTEDS, "host_tcpcomm", ("--twisted",)),
    Peer(NATIVE, "host_tcpcomm", ("--native",), needs="uvloop"),
    Peer(BY_HAND, "host_by_hand"),
    Peer(f"{BY_HAND}, with timeouts", "host_by_hand", ("--timeouts",)),
)


@frozen
class Load:
    """The commands that a client sends."""

    title: str
    in_flight: int
    """Coroutines that each await one command after another."""

    commands: int


IN_FLIGHT = Load("64 commands in flight", 64, 20_000)
ALONE = Load("one command at a time", 1, 3000)
LOADS = (IN_FLIGHT, ALONE)

MOST: Final = 1.3
"""The most that our clients should take with 64 in flight, in times the client by hand."""

_TEXT = """\
`await camera.locate(job)` sends `TRG,3`, and makes an object of the reply, `OK,1.000,2.000,3.000`.
All clients ask the same server over loopback, one after another.
CPU is the client's alone, for one command.
With 64 in flight, 64 coroutines each await one command after another.
*remote* is a proxy of the declaration of the typed commands, with `pipeline = 64` for 64 in flight.
It sends at once, as `remote` does with `tcp:`, unless its name says another transport.
*By hand* is a `LineReceiver` with a deque of Deferreds, on Twisted's own transport.
It cuts the reply at its commas; it has no checks of values, timeouts, limits or new connections.
*With timeouts*, each command has a `callLater`.
In brackets: how many times the CPU of the client by hand.
Medians, {rounds} rounds.

```
python -m tests.bench --only host --write
```
"""


@frozen
class Spent:
    """What one command takes."""

    cpu: float
    """Microseconds of the client's CPU time."""

    wall: float
    """Microseconds of the clock."""


def ask(peer: Peer, port: str, load: Load) -> Spent:
    """Let one client send its commands to the server."""
    program, module, name, *options = peer.command()
    command = [program, module, name, port, str(load.commands), str(load.in_flight), *options]
    with Child(f"the client {peer.name}", command) as client:
        client.line(START_TIMEOUT)
        result = json.loads(client.ask("go", LOAD_TIMEOUT + ANSWER_TIMEOUT))
    return Spent(result["cpu"] / result["frames"] * 1e6, result["seconds"] / result["frames"] * 1e6)


def measure_host(*, rounds: int, shrink: int = 1, progress: Callable[[str], None]) -> Section:
    """Measure every client that can run here, with every load."""
    reasons = {peer.name: peer.missing() for peer in CLIENTS}
    present = [peer for peer in CLIENTS if reasons[peer.name] is None]
    found = {}
    with start(SERVER) as server:
        port = server.line(START_TIMEOUT)
        for load in LOADS:
            progress(f"{TITLE}, {load.title}, {rounds} rounds of {len(present)} clients")
            shrunk = Load(load.title, load.in_flight, max(20, load.commands // shrink))
            runs = {peer.name: partial(ask, peer, port, shrunk) for peer in present}
            found[load.title] = interleaved(runs, rounds=rounds)
    notes = [f"{name} did not take part: {reason}" for name, reason in reasons.items() if reason]
    return _section(found, rounds, notes)


def _section(found: Mapping[str, Mapping[str, list[Spent]]], rounds: int, notes: list[str]) -> Section:
    tables, targets, cheaper = [], [], []
    for title, samples in found.items():
        cpus = {name: Series([each.cpu for each in spent]) for name, spent in samples.items()}
        walls = {name: Series([each.wall for each in spent]) for name, spent in samples.items()}
        cpu = Column("CPU µs per command", cpus, 1, BY_HAND)
        tables += [f"### Host: {title}\n", comparison("Client", [cpu, Column("µs of the clock", walls, 1)])]
        cheaper += [f"{title}, {each}" for each in cpu.cheaper((OURS, TWISTEDS, NATIVE))]
        if title == IN_FLIGHT.title:
            for ours in (OURS, TWISTEDS):
                text = f"{title}, {ours}: times the CPU of {BY_HAND}"
                targets.append(Target(text, cpus[ours].over(cpus[BY_HAND]), MOST, at_least=False))
    return Section(TITLE, _TEXT.format(rounds=rounds), tables, targets, cheaper, notes)
