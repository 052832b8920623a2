"""
Ten holding registers, read over Modbus/TCP: servers under the same load, and clients of the same server.

The servers are written as their users would write them; every byte of a reply is compared.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.echo import ANSWER_TIMEOUT, LOAD_TIMEOUT, START_TIMEOUT, EchoResults, Load, measure, start
from tests.bench.measure import Series, interleaved
from tests.bench.native import Toolchain
from tests.bench.peers import Peer
from tests.bench.processes import Child
from tests.bench.report import Target
from tests.bench.section import Column, Section, comparison, exchanges

__all__ = ["CLIENTS", "DECLARED", "OURS", "SERVERS", "TITLE", "measure_modbus"]

TITLE = "Modbus/TCP"
OURS = "tcpcomm.devices"
NATIVE = "tcpcomm.devices, native on uvloop"
DECLARED = "tcpcomm, declared"
NATIVE_DECLARED = "tcpcomm, declared, native on uvloop"
THEIRS = "pymodbus"

SERVERS = (
    Peer(OURS, "modbus_tcpcomm", ("--at-once", "--device")),
    Peer(NATIVE, "modbus_tcpcomm", ("--native", "--device"), needs="uvloop"),
    Peer(DECLARED, "modbus_tcpcomm", ("--at-once",)),
    Peer(NATIVE_DECLARED, "modbus_tcpcomm", ("--native",), needs="uvloop"),
    Peer(THEIRS, "modbus_pymodbus", needs="pymodbus"),
    Peer("pymodbus, its simulator's data", "modbus_pymodbus", ("--simulator",), needs="pymodbus"),
    Peer("pymodbus on uvloop", "modbus_pymodbus", ("--uvloop",), needs="pymodbus"),
)
CLIENTS = (
    Peer(OURS, "modbus_ask_tcpcomm", ("--device",)),
    Peer(NATIVE, "modbus_ask_tcpcomm", ("--native", "--device"), needs="uvloop"),
    Peer(DECLARED, "modbus_ask_tcpcomm"),
    Peer(NATIVE_DECLARED, "modbus_ask_tcpcomm", ("--native",), needs="uvloop"),
    Peer(THEIRS, "modbus_ask_pymodbus", needs="pymodbus"),
    Peer("pymodbus on uvloop", "modbus_ask_pymodbus", ("--uvloop",), needs="pymodbus"),
)


def _exchange(transaction: int) -> tuple[bytes, bytes]:
    values = b"".join(value.to_bytes(2, "big") for value in range(100, 110))
    head = transaction.to_bytes(2, "big") + b"\0\0"
    return head + b"\0\6\1\3\0\0\0\x0a", head + b"\0\x17\1\3\x14" + values


LOAD = Load(
    "20 connections, ping-pong", 20, 1, 400, exchanges=tuple(_exchange(number) for number in range(1, 65))
)
QUESTIONS = 3000

SERVER_SHARES = {OURS: 0.6, NATIVE: 0.6, DECLARED: 0.36, NATIVE_DECLARED: 0.28}
"""The most of pymodbus's CPU that each server of ours should take."""

CLIENT_SHARES = {OURS: 0.6, NATIVE: 0.6}

_TEXT = """\
Reading ten holding registers: a request of 12 bytes and a reply of 29 bytes, over loopback.
{loads} connections send requests in ping-pong; CPU is the server's alone, for one request.
Then each client in turn sends requests to tcpcomm's server, one at a time; CPU is the client's alone.
`tcpcomm.devices` is `Memory` as the server, and `plc.holding[0:10]` at the host.
*Declared* is a declaration of five lines with the codec `Binary`, and the proxy that `remote` makes of it.
In brackets: how many times pymodbus's CPU.
Medians, {rounds} rounds.

```
python -m tests.bench --only modbus --write
```
"""


def measure_modbus(
    *, rounds: int, shrink: int = 1, progress: Callable[[str], None], tools: Toolchain | None = None
) -> Section:
    """Measure servers and clients that can run here."""
    with ExitStack() as stack:
        if tools is None:
            directory = stack.enter_context(TemporaryDirectory(prefix="tcpcomm-bench-"))
            tools = Toolchain.find(Path(directory))
        served = measure(SERVERS, (LOAD,), rounds=rounds, shrink=shrink, progress=progress, tools=tools)
        progress(f"Modbus clients, {rounds} rounds")
        asked = _measure_clients(rounds, max(20, QUESTIONS // shrink), tools)
    return _section(served, asked)


def _measure_clients(rounds: int, count: int, tools: Toolchain) -> dict[str, tuple[Series, Series]]:
    """Return the CPU and wall-clock microseconds of one request, by the client's name."""
    present = [peer for peer in CLIENTS if peer.missing(tools) is None]
    with start(SERVERS[0], tools) as server:
        port = server.line(START_TIMEOUT)

        def ask(peer: Peer) -> tuple[float, float]:
            program, module, name, *options = peer.command(tools)
            command = [program, module, name, port, str(count), *options]
            with Child(f"the client {peer.name}", command) as client:
                client.line(START_TIMEOUT)
                result = json.loads(client.ask("go", LOAD_TIMEOUT + ANSWER_TIMEOUT))
            return result["cpu"] / count * 1e6, result["seconds"] / count * 1e6

        samples = interleaved({peer.name: partial(ask, peer) for peer in present}, rounds=rounds)
    return {
        name: (Series([cpu for cpu, _ in each]), Series([wall for _, wall in each]))
        for name, each in samples.items()
    }


def _targets(what: str, cpu: Mapping[str, Series], shares: Mapping[str, float]) -> list[Target]:
    """Return the targets of the peers that took part, if pymodbus did."""
    if THEIRS not in cpu:
        return []
    found = []
    for name, most in shares.items():
        if name in cpu:
            text = f"{what}, {name}: share of {THEIRS}'s CPU"
            found.append(Target(text, cpu[name].over(cpu[THEIRS]), most, at_least=False))
    return found


def _section(served: EchoResults, asked: Mapping[str, tuple[Series, Series]]) -> Section:
    figures = served.figures[LOAD.title]
    servers, cheaper = exchanges(figures, "request", THEIRS)
    clients = {name: each[0] for name, each in asked.items()}
    cpu = Column("CPU µs per request", clients, 1, THEIRS)
    wall = Column("µs from request to reply", {name: each[1] for name, each in asked.items()}, 0)
    targets = [
        *_targets("Server", {name: each.cpu for name, each in figures.items()}, SERVER_SHARES),
        *_targets("Client", clients, CLIENT_SHARES),
    ]
    lost = [f"as a server, {each}" for each in cheaper]
    lost += [f"as a client, {each}" for each in cpu.cheaper((OURS, NATIVE))]
    return Section(
        TITLE,
        _TEXT.format(loads=LOAD.connections, rounds=served.rounds),
        ["### Modbus servers\n", servers, "### Modbus clients\n", comparison("Client", [cpu, wall])],
        targets,
        lost,
        [f"{name} did not take part: {reason}" for name, reason in served.skipped.items()],
    )
