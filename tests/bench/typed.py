"""
Typed commands over loopback: ``TRG,3`` is read, carried out and answered with ``OK,1.000,2.000,3.000``.

Each server is the same camera, written with another tool as its users would write it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.bench.echo import EchoResults, Load, measure
from tests.bench.peers import Peer
from tests.bench.report import Target
from tests.bench.section import Section, exchanges

__all__ = ["LOADS", "PEERS", "TITLE", "measure_typed", "section", "targets"]

TITLE = "Typed commands"

OURS = "tcpcomm, declared"
NATIVE = "tcpcomm, declared, native on uvloop"
BY_HAND = "LineReceiver, by hand"
AT_ONCE_BY_HAND = f"{BY_HAND}, at once"
NATIVE_BY_HAND = f"{BY_HAND}, native on uvloop"
OTHERS = ("sinstruments", "Lewis")

PEERS = (
    Peer(OURS, "typed_tcpcomm", ("--at-once",)),
    Peer(f"{OURS}, a plain def", "typed_tcpcomm", ("--at-once", "--plain")),
    Peer(NATIVE, "typed_tcpcomm", ("--native",), needs="uvloop"),
    Peer(BY_HAND, "typed_by_hand"),
    Peer(AT_ONCE_BY_HAND, "typed_by_hand", ("--at-once",)),
    Peer(NATIVE_BY_HAND, "typed_by_hand", ("--native",), needs="uvloop"),
    Peer("sinstruments", "typed_sinstruments", needs="sinstruments"),
    Peer("Lewis", "typed_lewis", needs="lewis"),
)

_JOBS = tuple((b"TRG,%d\r\n" % job, b"OK,1.000,2.000,%d.000\r\n" % job) for job in range(1, 10))

LOADS = (
    Load("1 connection, 64 commands in flight", 1, 64, 20_000, exchanges=_JOBS),
    Load("20 connections, ping-pong", 20, 1, 500, exchanges=_JOBS),
)

_SECTION = """\
`TRG,3` is read as a whole number, carried out, and answered with three floats, `OK,1.000,2.000,3.000`.
The servers are the same camera, each in a process of its own, over loopback; every byte is compared.
CPU is the server's alone, for one command; in brackets, how many times the baseline's CPU.
Medians, {rounds} rounds.
The client measures the latency.
*Declared* is a `Template`, and an `async def` that returns an attrs class; it listens as `serve` does.
*By hand* cuts the line at its comma; it has no types, events, limits or logs.
It uses Twisted's own transport, unless its name says one of `tcpcomm.transports`.
Lewis reads commands every 10 ms, so its frames per second show that cycle, and its CPU shows its work.
"""


def measure_typed(*, rounds: int, shrink: int = 1, progress: Callable[[str], None]) -> Section:
    """Measure every server that can run here under every load."""
    return section(measure(PEERS, LOADS, rounds=rounds, shrink=shrink, progress=progress))


def targets(results: EchoResults) -> Iterator[Target]:
    """Yield the targets that have results."""
    for title, figures in results.figures.items():
        ours = figures[OURS].cpu
        for kind, by_hand, bound in (
            (OURS, BY_HAND, 2.0),
            (OURS, AT_ONCE_BY_HAND, 1.3),
            (NATIVE, NATIVE_BY_HAND, 1.3),
        ):
            if kind in figures and by_hand in figures:
                text = f"{title}, {kind}: times the CPU of {by_hand}"
                yield Target(text, figures[kind].cpu.over(figures[by_hand].cpu), bound, at_least=False)
        for other in OTHERS:
            if other in figures:
                yield Target(f"{title}: times cheaper than {other}", figures[other].cpu.over(ours), 3.0)


def section(results: EchoResults) -> Section:
    """Return the part of the page about typed commands."""
    tables, cheaper = [], []
    for title, figures in results.figures.items():
        text, lost = exchanges(figures, "command", BY_HAND)
        tables += [f"### Typed: {title}\n", text]
        cheaper += [f"{title}, {each}" for each in lost]
    skipped = [f"{name} did not take part: {reason}" for name, reason in results.skipped.items()]
    return Section(
        TITLE, _SECTION.format(rounds=results.rounds), tables, [*targets(results)], cheaper, skipped
    )
