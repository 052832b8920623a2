"""
One process against two, on two cores: commands with 1 ms of work, and a gateway with 200 links.

The load generator and the devices of the gateway are programs in C, which take little of the two cores.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from attrs import frozen

from tests.bench.echo import EchoFigures, EchoResults, Load, load_command, measure, start
from tests.bench.measure import Series, interleaved
from tests.bench.native import Toolchain
from tests.bench.peers import Peer
from tests.bench.processes import Child
from tests.bench.section import Column, Section, comparison

__all__ = ["LOADS", "PEERS", "TITLE", "GatewayFigures", "measure_gateways", "measure_workers", "section"]

TITLE = "More than one core"
ONE: Final = "one process"
TWO: Final = "two processes"
LINKS: Final = 200
REQUESTS: Final = 60
TIMEOUT: Final = 60.0

PEERS = (
    Peer(ONE, "vision", needs="numpy"),
    Peer(f"{ONE}, @in_thread", "vision", ("--thread",), needs="numpy"),
    Peer(f"{TWO}, SO_REUSEPORT", "vision", ("--processes", "2", "--share", "port"), needs="numpy"),
    Peer(
        f"{TWO}, an inherited socket", "vision", ("--processes", "2", "--share", "inherited"), needs="numpy"
    ),
)

_FINDS = tuple((b"FIND,%d\r\n" % job, b"AT,%d,%d\r\n" % (2 * job, 3 * job)) for job in range(1, 7))
_COUNTS = tuple((b"COUNT,%d\r\n" % job, b"N,6428\r\n") for job in range(1, 4))
_READS = tuple((b"READ,%d\r\n" % value,) * 2 for value in range(10))

LOADS = (
    Load("1 ms of numpy, 100 connections", 100, 1, 8, exchanges=_FINDS),
    Load("1 ms of plain Python, 100 connections", 100, 1, 8, exchanges=_COUNTS),
)

_TEXT = """\
A server that uses two cores against one that uses one, on the machine that this page names.
The load generator is a program in C on the same cores, and so are the devices of the gateway.
In brackets, how many times the rate of one process, within a round; medians, {rounds} rounds.
*1 ms of numpy* finds a part in an image of 224 × 224 by correlation.
*@in_thread* runs the handlers in the threads of one process.
The gateway holds {links} links to devices; each of as many clients asks its own device through it, one
command at a time. Two processes have half of the links each, and a client knows which one to ask.
"""


@frozen
class GatewayFigures:
    """The results of one arrangement of the gateway."""

    rate: Series
    """Commands per second, through the gateway and back."""

    cpu: Series
    """Microseconds of the gateway's CPU time for each command."""


def measure_workers(*, rounds: int, shrink: int = 1, progress: Callable[[str], None]) -> Section:
    """Measure both, and return the part of the page."""
    with ExitStack() as stack:
        directory = stack.enter_context(TemporaryDirectory(prefix="tcpcomm-bench-"))
        tools = Toolchain.find(Path(directory))
        vision = measure(PEERS, LOADS, rounds=rounds, shrink=shrink, progress=progress, tools=tools)
        links = max(4, LINKS // shrink)
        progress(f"A gateway with {links} links, {rounds} rounds")
        gateways = measure_gateways(tools, links=links, requests=REQUESTS, rounds=rounds)
    return section(vision, gateways)


def measure_gateways(
    tools: Toolchain, *, links: int, requests: int, rounds: int
) -> dict[str, GatewayFigures]:
    """
    Measure one gateway with all links and two with half of them, each with the same two generators.

    Args:
        tools: the compiler.
        links: the number of links; there is a client for each.
        requests: the requests of each client.
        rounds: the number of rounds.

    Returns:
        The results by name; none if there is no compiler, because devices in Python would be the limit.
    """
    if tools.compiler is None:
        return {}
    with ExitStack() as stack:
        devices = stack.enter_context(start(Peer("devices", "epoll_echo.c"), tools))
        port = devices.line(TIMEOUT)

        def gateway(count: int) -> Child:
            return stack.enter_context(start(Peer("gateway", "gateway", (port, str(count)))))

        half = links // 2
        whole, halves = gateway(links), [gateway(half), gateway(half)]
        whole_port = int(whole.line(TIMEOUT))
        half_ports = [int(each.line(TIMEOUT)) for each in halves]
        load = Load("gateway", half, 1, requests, exchanges=_READS)
        samples = interleaved(
            {
                ONE: partial(_forwarded, [whole], [whole_port, whole_port], load, tools),
                TWO: partial(_forwarded, halves, half_ports, load, tools),
            },
            rounds=rounds,
        )
    return {
        name: GatewayFigures(Series([rate for rate, _ in found]), Series([cpu for _, cpu in found]))
        for name, found in samples.items()
    }


def _forwarded(
    gateways: Sequence[Child], ports: Sequence[int], load: Load, tools: Toolchain
) -> tuple[float, float]:
    """Put a load on each port at once; return commands per second, and the gateways' CPU µs for each."""

    def used() -> float:
        return sum(float(each.ask("cpu", TIMEOUT)) for each in gateways)

    with ExitStack() as stack:
        generators = [
            stack.enter_context(Child("the load", load_command(load, port, tools))) for port in ports
        ]
        for generator in generators:
            generator.line(TIMEOUT)
        before = used()
        with ThreadPoolExecutor(len(generators)) as pool:
            answers = [*pool.map(lambda each: json.loads(each.ask("go", 2 * TIMEOUT)), generators)]
        after = used()
    frames = sum(each["frames"] for each in answers)
    return frames / max(each["seconds"] for each in answers), (after - before) / frames * 1e6


def section(vision: EchoResults, gateways: dict[str, GatewayFigures]) -> Section:
    """Return the part of the page about more than one core."""
    tables = []
    for title, figures in vision.figures.items():
        tables += [f"### {title}\n", _table("Server", figures)]
    if gateways:
        tables += [f"### A gateway with {LINKS} links\n", _table("Gateway", gateways)]
    skipped = [f"{name} did not take part: {reason}" for name, reason in vision.skipped.items()]
    if not gateways:
        skipped.append("The gateway did not take part: there is no C compiler")
    return Section(TITLE, _TEXT.format(rounds=vision.rounds, links=LINKS), tables, notes=skipped)


def _table(first: str, figures: Mapping[str, EchoFigures] | Mapping[str, GatewayFigures]) -> str:
    rates = {name: each.rate for name, each in figures.items()}
    cpu = {name: each.cpu for name, each in figures.items()}
    return comparison(
        first, [Column("Commands per second", rates, 0, ONE), Column("CPU µs per command", cpu, 1)]
    )
