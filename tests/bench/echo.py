"""
Echo servers over loopback: the cost of one frame to the server, and the time that the client waits for it.

All servers run at the same time, each in a process of its own, and one of them is loaded at a time. CPU
time is read while the connections are open, so that it includes neither the start nor accepting.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import evolve, frozen

from tests.bench.measure import Series, interleaved
from tests.bench.native import Toolchain
from tests.bench.peers import PEERS, Peer
from tests.bench.processes import Child

__all__ = [
    "HUNDRED",
    "IN_FLIGHT",
    "LOADS",
    "PING_PONG",
    "EchoFigures",
    "EchoResults",
    "Load",
    "measure",
    "measure_echo",
    "start",
]

START_TIMEOUT = 60.0
LOAD_TIMEOUT = 60.0
ANSWER_TIMEOUT = 60.0


@frozen
class Load:
    """The load that the clients put on a server."""

    title: str
    connections: int
    window: int
    """Frames that each connection sends before it waits for replies."""

    frames: int
    """Frames that each connection sends."""

    sizes: tuple[int, ...] = (64,)
    """Bytes of the payloads, repeated in this order."""

    exchanges: tuple[tuple[bytes, bytes], ...] = ()
    """For servers of other protocols: requests, repeated in this order, and their expected replies."""

    @property
    def content(self) -> list[str]:
        """Return the content of the frames, as arguments for the load generator."""
        if self.exchanges:
            return [text.hex() for exchange in self.exchanges for text in exchange]
        return [",".join(map(str, self.sizes))]


def _mixed_sizes() -> tuple[int, ...]:
    chosen = random.Random(1)
    return tuple(chosen.randint(32, 96) for _ in range(256))


IN_FLIGHT = Load("1 connection, 64 frames in flight", 1, 64, 40_000)
PING_PONG = Load("1 connection, ping-pong", 1, 1, 6_000)
HUNDRED = Load("100 connections, ping-pong", 100, 1, 200)
LOADS = (
    PING_PONG,
    IN_FLIGHT,
    Load("1 connection, 64 frames in flight, 32 to 96 bytes", 1, 64, 40_000, _mixed_sizes()),
    HUNDRED,
    Load("1000 connections, ping-pong", 1000, 1, 20),
)


@frozen
class _Sample:
    cpu: float
    rate: float
    p50: float | None
    p99: float | None


@frozen
class EchoFigures:
    """The results of one peer under one load."""

    cpu: Series
    """Microseconds of the server's CPU time for each frame."""

    rate: Series
    """Frames per second, there and back."""

    p50: Series | None
    """Microseconds from sending a frame to receiving it: the median of each round. In ping-pong only."""

    p99: Series | None

    @classmethod
    def of(cls, samples: Sequence[_Sample]) -> EchoFigures:
        """Combine the samples of all rounds."""
        p50 = [sample.p50 for sample in samples if sample.p50 is not None]
        p99 = [sample.p99 for sample in samples if sample.p99 is not None]
        return cls(
            cpu=Series([sample.cpu for sample in samples]),
            rate=Series([sample.rate for sample in samples]),
            p50=Series(p50) if p50 else None,
            p99=Series(p99) if p99 else None,
        )


@frozen
class EchoResults:
    """All results of echo servers."""

    rounds: int
    generator: str
    """The name of the load generator."""

    skipped: Mapping[str, str]
    """Peers that could not run, and the reason."""

    figures: Mapping[str, Mapping[str, EchoFigures]]
    """Results by the title of the load, then by the name of the peer."""


def load_command(load: Load, port: int, tools: Toolchain) -> list[str]:
    """Return the command of the load generator for this load and port."""
    if tools.compiler is not None:
        program = [str(tools.build(Path(__file__).with_name("load.c")))]
    else:
        program = [sys.executable, "-m", "tests.bench.load"]
    numbers = (port, load.connections, load.window, load.frames, LOAD_TIMEOUT)
    return [*program, *map(str, numbers), *load.content]


def start(peer: Peer, tools: Toolchain | None = None) -> Child:
    """Start an echo server; its first line of output is its port."""
    return Child(peer.name, peer.command(tools), peer.folder, peer.environment())


def put_load(server: Child, port: int, load: Load, tools: Toolchain) -> _Sample:
    """Put one load on one server, once."""
    with Child(f"the load on {server.name}", load_command(load, port, tools)) as generator:
        generator.line(LOAD_TIMEOUT)
        before = float(server.ask("cpu", ANSWER_TIMEOUT))
        result = json.loads(generator.ask("go", LOAD_TIMEOUT + ANSWER_TIMEOUT))
        after = float(server.ask("cpu", ANSWER_TIMEOUT))
    frames = result["frames"]
    return _Sample(
        cpu=(after - before) / frames * 1e6,
        rate=frames / result["seconds"],
        p50=result.get("p50"),
        p99=result.get("p99"),
    )


def measure_echo(
    *, rounds: int, shrink: int = 1, progress: Callable[[str], None], tools: Toolchain | None = None
) -> EchoResults:
    """
    Measure every echo server that can run here under every load. The arguments are those of
    :func:`measure`.
    """
    return measure(PEERS, LOADS, rounds=rounds, shrink=shrink, progress=progress, tools=tools)


def measure(
    peers: Sequence[Peer],
    loads: Sequence[Load],
    *,
    rounds: int,
    shrink: int = 1,
    progress: Callable[[str], None],
    tools: Toolchain | None = None,
) -> EchoResults:
    """
    Measure every peer that can run here under every load.

    Args:
        peers: servers, which all answer alike.
        loads: the loads.
        rounds: rounds of each peer with each load.
        shrink: divides the number of frames, for a quick look.
        progress: called with a text at each step.
        tools: the compiler to use; None: the one that is found.
    """
    with ExitStack() as stack:
        if tools is None:
            directory = stack.enter_context(TemporaryDirectory(prefix="tcpcomm-bench-"))
            tools = Toolchain.find(Path(directory))
        reasons = {peer.name: peer.missing(tools) for peer in peers}
        skipped = {name: reason for name, reason in reasons.items() if reason is not None}
        servers = [stack.enter_context(start(peer, tools)) for peer in peers if peer.name not in skipped]
        ports = [int(server.line(START_TIMEOUT)) for server in servers]
        figures = {}
        for load in loads:
            progress(f"{load.title}, {rounds} rounds of {len(servers)} servers")
            shrunk = evolve(load, frames=max(10, load.frames // shrink))
            samples = interleaved(
                {
                    server.name: partial(put_load, server, port, shrunk, tools)
                    for server, port in zip(servers, ports, strict=True)
                },
                rounds=rounds,
            )
            figures[load.title] = {name: EchoFigures.of(each) for name, each in samples.items()}
    generator = "a C program" if tools.compiler else f"a Python program, for {tools.missing}"
    return EchoResults(rounds, generator, skipped, figures)
