"""
What a monitor costs: to the server's CPU, to the round trips beside it, and until a page has a row.

One connection asks commands at a steady rate. Another one asks one command after the other, for the time of
its round trips. A page is a process that reads its stream, or a connection that reads nothing.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Final

from attrs import frozen

from tests.bench.echo import start
from tests.bench.measure import Series, interleaved
from tests.bench.peers import Peer
from tests.bench.processes import BenchmarkFailed, Child
from tests.bench.report import Target
from tests.bench.section import Column, Section, comparison

__all__ = ["TITLE", "Figures", "measure_monitor", "run"]

TITLE = "Monitor"
TIMEOUT: Final = 30.0
RATES: Final = (10_000, 40_000)
SECONDS: Final = 3.0

ALONE = "without a monitor"
NO_PAGE = "a monitor, no page"
ONE_PAGE = "a page that reads"
STUCK = "a page that reads nothing"

_TEXT = """\
Declared commands and replies of one session, at a steady rate over loopback, each of them a frame.
CPU is the server's, in percent of one core.
*Round trip* is that of a second session, which asks one command after the other.
*Lag* is the time from a frame to the page that has it, with the wait for its batch.
Medians, {rounds} rounds of {seconds:g} s.
"""


@frozen
class Figures:
    """The results of one case."""

    cpu: float
    """Percent of one core."""
    p50: float
    """Milliseconds of a round trip, the median."""
    p99: float
    """Milliseconds of a round trip that 99 of 100 do not exceed."""
    rate: float
    """Frames per second that passed."""
    shown: float | None = None
    """Rows per second that the page got."""
    dropped: float | None = None
    """Rows per second that the page did not get."""
    lag: float | None = None
    """Milliseconds from a frame to the page that 99 of 100 rows do not exceed."""


@contextmanager
def _page_that_reads_nothing(port: int) -> Iterator[None]:
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(TIMEOUT)
        connection.connect(("127.0.0.1", port))
        connection.sendall(b"GET /api/stream?history=0 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        if not connection.recv(1024).startswith(b"HTTP/1.1 200"):
            raise BenchmarkFailed("the monitor refused the page")
        yield


def run(server: Child, ports: tuple[int, int], case: str, rate: int, seconds: float) -> Figures:
    """Measure one case."""
    monitor, port = ports
    words: dict[str, tuple[object, ...]] = {"load": ("load", port, rate), "probe": ("probe", port)}
    if case == ONE_PAGE:
        words["page"] = ("page", monitor)
    with ExitStack() as stack:
        if case == STUCK:
            stack.enter_context(_page_that_reads_nothing(monitor))
        clients: dict[str, Child] = {}
        for name, arguments in words.items():
            command = [sys.executable, "-m", "tests.bench.peers.monitor_client", *map(str, arguments)]
            clients[name] = stack.enter_context(Child(name, command))
            clients[name].line(TIMEOUT)
        time.sleep(seconds / 4)
        before, began = float(server.ask("cpu", TIMEOUT)), time.perf_counter()
        for each in clients.values():
            each.ask("begin", TIMEOUT)
        time.sleep(seconds)
        took, used = time.perf_counter() - began, float(server.ask("cpu", TIMEOUT)) - before
        found = {name: json.loads(each.ask("end", TIMEOUT)) for name, each in clients.items()}
    page = found.get("page")
    return Figures(
        cpu=100 * used / took,
        p50=1e3 * found["probe"]["p50"],
        p99=1e3 * found["probe"]["p99"],
        rate=found["load"]["frames"] / took,
        shown=None if page is None else page["rows"] / took,
        dropped=None if page is None else page["dropped"] / took,
        lag=None if page is None else 1e3 * page["p99"],
    )


def measure_monitor(*, rounds: int, shrink: int = 1, progress: Callable[[str], None]) -> Section:
    """Measure all cases at all rates."""
    seconds = max(0.5, SECONDS / shrink)
    tables, targets = [], []
    for rate in RATES:
        progress(f"{TITLE}, {rate:,} frames a second, {rounds} rounds of 4 cases")
        found = _measured(rate, rounds, seconds)
        columns = [
            _column("CPU, %", found, lambda each: each.cpu, 1),
            _column("Round trip p50, ms", found, lambda each: each.p50, 2),
            _column("p99, ms", found, lambda each: each.p99, 2),
            _column("Frames/s", found, lambda each: each.rate, 0),
            _column("Rows/s on the page", found, lambda each: each.shown, 0),
            _column("Left out/s", found, lambda each: each.dropped, 0),
            _column("Lag p99, ms", found, lambda each: each.lag, 1),
        ]
        tables.append(f"### {rate:,} frames a second\n\n{comparison('Case', columns)}")
        if rate == RATES[0]:
            lag = columns[-1].figures[ONE_PAGE].median
            text = f"{rate:,} frames a second on a page, lag p99 in ms"
            targets.append(Target(text, lag, 50.0, at_least=False))
            p99 = columns[2].figures
            text = f"{rate:,} frames a second, a page that reads nothing: p99 over that without a page"
            targets.append(Target(text, p99[STUCK].over(p99[NO_PAGE]), 1.5, at_least=False))
    return Section(TITLE, _TEXT.format(rounds=rounds, seconds=seconds), tables, targets)


def _measured(rate: int, rounds: int, seconds: float) -> Mapping[str, list[Figures]]:
    with ExitStack() as stack:
        runs = {}
        for case in (ALONE, NO_PAGE, ONE_PAGE, STUCK):
            arguments = ("--alone",) if case == ALONE else ()
            server = stack.enter_context(start(Peer(case, "monitored", arguments)))
            ports = int(server.line(TIMEOUT)), int(server.line(TIMEOUT))
            runs[case] = partial(run, server, ports, case, rate, seconds)
        return interleaved(runs, rounds=rounds)


def _column(
    title: str, found: Mapping[str, list[Figures]], take: Callable[[Figures], float | None], digits: int
) -> Column:
    series = {}
    for name, results in found.items():
        values = [value for value in map(take, results) if value is not None]
        if values:
            series[name] = Series(values)
    return Column(title, series, digits)
