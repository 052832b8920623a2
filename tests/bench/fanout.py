"""
One event to 1,000 sessions: its cost to the server, and the time until the last session has it.

The sessions are plain sockets of this process. One of them triggers an event, and all receive it.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Final

from attrs import frozen

from tests.bench.echo import start
from tests.bench.measure import Series, interleaved
from tests.bench.peers import Peer
from tests.bench.processes import BenchmarkFailed, Child
from tests.bench.section import Column, Section, comparison
from tests.system.crowd import allow_files

__all__ = ["EVENT", "PEERS", "TITLE", "FanoutFigures", "connected", "measure_fanout", "send_events"]

TITLE = "Fan-out"
EVENT: Final = b"\0\0\0\5ALM,7"
TRIGGER: Final = b"\0\0\0\3TRG"
SESSIONS: Final = 1000
EVENTS: Final = 20
TIMEOUT: Final = 30.0

BY_HAND = "Twisted, by hand"
PEERS = (
    Peer("tcpcomm, declared event", "fanout_tcpcomm", ("--at-once", "--declared")),
    Peer(
        "tcpcomm, declared event, native on uvloop", "fanout_tcpcomm", ("--native", "--declared"), "uvloop"
    ),
    Peer("tcpcomm, frame by frame", "fanout_tcpcomm", ("--at-once",)),
    Peer(BY_HAND, "fanout_stock"),
    Peer("asyncio.Protocol, by hand", "fanout_asyncio"),
    Peer("asyncio.Protocol on uvloop, by hand", "fanout_asyncio", ("--uvloop",), "uvloop"),
)

_TEXT = """\
One event of 9 bytes to {sessions:,} sessions over loopback, {events} times one after another.
CPU is the server's, for each session; in brackets, how many times the CPU of a loop by hand.
*All received* is the time from the trigger until the last session has it, with the clients' work.
Medians, {rounds} rounds.
"""


@frozen
class FanoutFigures:
    """The results of one peer."""

    cpu: float
    """Microseconds of the server's CPU time for each event and session."""
    last_received: float
    """Milliseconds from the trigger until the last session has the event, the median of the events."""


@contextmanager
def connected(port: int, count: int) -> Iterator[list[socket.socket]]:
    """Connect this many sessions to a server."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT))
            for _ in range(count)
        ]


def send_events(server: Child, sessions: Sequence[socket.socket], events: int) -> FanoutFigures:
    """Trigger events one after another, each when the last session has the one before."""
    times = []
    with selectors.DefaultSelector() as selector:
        for session in sessions:
            selector.register(session, selectors.EVENT_READ)
        _send_event(sessions, selector)
        before = float(server.ask("cpu", TIMEOUT))
        for _ in range(events):
            began = time.perf_counter()
            _send_event(sessions, selector)
            times.append(time.perf_counter() - began)
        used = float(server.ask("cpu", TIMEOUT)) - before
    return FanoutFigures(used / events / len(sessions) * 1e6, sorted(times)[len(times) // 2] * 1e3)


def _send_event(sessions: Sequence[socket.socket], selector: selectors.BaseSelector) -> None:
    sessions[-1].sendall(TRIGGER)  # the server accepted it last, so all others are sessions too
    waiting = len(sessions) * len(EVENT)
    while waiting:
        ready = selector.select(timeout=TIMEOUT)
        if not ready:
            raise BenchmarkFailed(f"{waiting} bytes of an event did not come")
        for key, _ in ready:
            data = key.fileobj.recv(4096)  # type: ignore[union-attr]
            if data != EVENT:
                raise BenchmarkFailed(f"{data!r} came instead of one event")
            waiting -= len(data)


def measure_fanout(*, rounds: int, shrink: int = 1, progress: Callable[[str], None]) -> Section:
    """Measure every peer that can run here."""
    count = max(10, SESSIONS // shrink)
    allow_files(count * len(PEERS) + 200)
    present = [peer for peer in PEERS if peer.missing() is None]
    progress(f"{TITLE}, {rounds} rounds of {len(present)} peers")
    with ExitStack() as stack:
        runs = {}
        for peer in present:
            server = stack.enter_context(start(peer))
            sessions = stack.enter_context(connected(int(server.line(TIMEOUT)), count))
            runs[peer.name] = partial(send_events, server, sessions, EVENTS)
        found = interleaved(runs, rounds=rounds)
    return _section(found, rounds, count)


def _section(found: Mapping[str, list[FanoutFigures]], rounds: int, count: int) -> Section:
    cpus = {name: Series([each.cpu for each in results]) for name, results in found.items()}
    times = {name: Series([each.last_received for each in results]) for name, results in found.items()}
    cpu = Column("CPU µs per session", cpus, 2, BY_HAND)
    last_received = Column("All received, ms", times, 1)
    text = _TEXT.format(sessions=count, events=EVENTS, rounds=rounds)
    ours = [name for name in found if name.startswith("tcpcomm")]
    return Section(TITLE, text, [comparison("Server", [cpu, last_received])], cheaper=cpu.cheaper(ours))
