"""
Typed commands over loopback: ``TRG,3`` is read, carried out and answered with ``OK,1.000,2.000,3.000``.

Each server is the same camera, written with another tool as its users would write it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from tests.bench.echo import EchoResults, Load, measure
from tests.bench.peers import Peer
from tests.bench.report import Target
from tests.bench.section import Section, exchanges

__all__ = ["LOADS", "PEERS", "TITLE", "measure_typed", "section", "targets"]

TITLE = "Typed commands"

OURS = "tcpcomm, declared"
PLAIN = f"{OURS}, a plain def"
NATIVE = f"{OURS}, native on uvloop"
TWISTEDS = f"{OURS}, Twisted's transport"
BY_HAND = "LineReceiver, by hand"
AT_ONCE_BY_HAND = f"{BY_HAND}, at once"
NATIVE_BY_HAND = f"{BY_HAND}, native on uvloop"
SINSTRUMENTS = "sinstruments"
LEWIS = "Lewis"

PEERS = (
    Peer(OURS, "typed_tcpcomm", ("--at-once",)),
    Peer(PLAIN, "typed_tcpcomm", ("--at-once", "--plain")),
    Peer(NATIVE, "typed_tcpcomm", ("--native",), needs="uvloop"),
    Peer(TWISTEDS, "typed_tcpcomm"),
    Peer(BY_HAND, "typed_by_hand"),
    Peer(AT_ONCE_BY_HAND, "typed_by_hand", ("--at-once",)),
    Peer(NATIVE_BY_HAND, "typed_by_hand", ("--native",), needs="uvloop"),
    Peer(SINSTRUMENTS, "typed_sinstruments", needs="sinstruments"),
    Peer(LEWIS, "typed_lewis", needs="lewis"),
)

_JOBS = tuple((b"TRG,%d\r\n" % job, b"OK,1.000,2.000,%d.000\r\n" % job) for job in range(1, 10))

IN_FLIGHT = Load("1 connection, 64 commands in flight", 1, 64, 20_000, exchanges=_JOBS)
PING_PONG = Load("20 connections, ping-pong", 20, 1, 500, exchanges=_JOBS)
LOADS = (IN_FLIGHT, PING_PONG)

SAME_TRANSPORT: Final[Mapping[str, str]] = {
    OURS: AT_ONCE_BY_HAND,
    NATIVE: NATIVE_BY_HAND,
    TWISTEDS: BY_HAND,
}
"""The receiver by hand on the transport of each of our servers."""

BASELINES: Final = {
    **SAME_TRANSPORT,
    PLAIN: AT_ONCE_BY_HAND,
    SINSTRUMENTS: BY_HAND,
    LEWIS: BY_HAND,
}

BY_HAND_BOUNDS: Final = {IN_FLIGHT.title: 0.95, PING_PONG.title: 1.2}
"""The most that each of our servers should take, in times the receiver by hand on its transport."""

SINSTRUMENTS_BOUNDS: Final = {IN_FLIGHT.title: 0.67, PING_PONG.title: 1.0}
"""The most of sinstruments' CPU that our server should take."""

_SECTION = """\
`TRG,3` is read as a whole number, carried out, and answered with three floats, `OK,1.000,2.000,3.000`.
The servers are the same camera, each in a process of its own, over loopback; every byte is compared.
CPU is the server's alone, for one command.
In brackets: how many times the CPU of the receiver by hand on the same transport.
sinstruments and Lewis are compared with the one on Twisted's own transport.
Medians, {rounds} rounds.
The client measures the latency.
*Declared* is a `Template`, and an `async def` that returns an attrs class; it listens as `serve` does.
*By hand* cuts the line at its comma; it has no types, events, limits or logs.
It uses Twisted's own transport, unless its name says one of `tcpcomm.transports`.
tcpcomm sends at once, unless its name says another transport.
Lewis reads commands every 10 ms, so its frames per second show that cycle, and its CPU shows its work.
"""


def measure_typed(*, rounds: int, shrink: int = 1, progress: Callable[[str], None]) -> Section:
    """Measure every server that can run here under every load."""
    return section(measure(PEERS, LOADS, rounds=rounds, shrink=shrink, progress=progress))


def targets(results: EchoResults) -> Iterator[Target]:
    """Yield the targets that have results."""
    for title, figures in results.figures.items():
        ours = figures[OURS].cpu
        for kind, by_hand in SAME_TRANSPORT.items():
            if kind in figures and by_hand in figures:
                text = f"{title}, {kind}: times the CPU of {by_hand}"
                measured = figures[kind].cpu.over(figures[by_hand].cpu)
                yield Target(text, measured, BY_HAND_BOUNDS[title], at_least=False)
        if SINSTRUMENTS in figures:
            text = f"{title}, {OURS}: share of the CPU of {SINSTRUMENTS}"
            measured = ours.over(figures[SINSTRUMENTS].cpu)
            yield Target(text, measured, SINSTRUMENTS_BOUNDS[title], at_least=False)
        if LEWIS in figures:
            yield Target(f"{title}: times cheaper than {LEWIS}", figures[LEWIS].cpu.over(ours), 3.0)


def section(results: EchoResults) -> Section:
    """Return the part of the page about typed commands."""
    tables, cheaper = [], []
    for title, figures in results.figures.items():
        text, lost = exchanges(figures, "command", BASELINES)
        tables += [f"### Typed: {title}\n", text]
        cheaper += [f"{title}, {each}" for each in lost]
    skipped = [f"{name} did not take part: {reason}" for name, reason in results.skipped.items()]
    return Section(
        TITLE, _SECTION.format(rounds=results.rounds), tables, [*targets(results)], cheaper, skipped
    )
