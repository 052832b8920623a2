"""The price of the figures for Prometheus: servers with ``Metrics`` beside the same ones without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.bench.echo import EchoResults, Load, measure
from tests.bench.peers import Peer
from tests.bench.section import Section, exchanges

__all__ = ["ECHO", "TITLE", "TYPED", "measure_metrics"]

TITLE = "What Metrics costs"

PLAIN = "tcpcomm, frames"
COUNTED = "tcpcomm, frames, with Metrics"
DECLARED = "tcpcomm, declared"
DECLARED_COUNTED = "tcpcomm, declared, with Metrics"
DECLARED_FRAMES = "tcpcomm, declared, with Metrics(commands=False)"

ECHO: Final = (
    Peer(PLAIN, "tcpcomm_frames", ("--at-once",)),
    Peer(COUNTED, "tcpcomm_frames", ("--at-once", "--metrics")),
)
TYPED: Final = (
    Peer(DECLARED, "typed_tcpcomm", ("--at-once",)),
    Peer(DECLARED_COUNTED, "typed_tcpcomm", ("--at-once", "--metrics")),
    Peer(DECLARED_FRAMES, "typed_tcpcomm", ("--at-once", "--frames")),
)

_JOBS = tuple((b"TRG,%d\r\n" % job, b"OK,1.000,2.000,%d.000\r\n" % job) for job in range(1, 10))
_ECHOED = Load("20 connections, ping-pong, 64-byte frames", 20, 1, 500)
_ASKED = Load("20 connections, ping-pong, typed commands", 20, 1, 500, exchanges=_JOBS)
_IN_FLIGHT = Load("1 connection, 64 typed commands in flight", 1, 64, 20_000, exchanges=_JOBS)

_TEXT = """\
The same servers as above, without an observer and with `Metrics`.
It reads the frames from the counters of the sessions when Prometheus asks, and counts bytes by chunks.
A declared command is decoded into a message for it, so that its time is counted, too.
CPU is the server's alone; in brackets: how many times that without `Metrics`.
Medians, {rounds} rounds.

```
python -m tests.bench --only metrics --write
```
"""


def measure_metrics(*, rounds: int, shrink: int = 1, progress: Callable[[str], None]) -> Section:
    """Measure the servers under their loads."""
    echoed = measure(ECHO, [_ECHOED], rounds=rounds, shrink=shrink, progress=progress)
    asked = measure(TYPED, [_ASKED, _IN_FLIGHT], rounds=rounds, shrink=shrink, progress=progress)
    tables = [*_tables(echoed, "frame", PLAIN), *_tables(asked, "command", DECLARED)]
    return Section(TITLE, _TEXT.format(rounds=rounds), tables)


def _tables(results: EchoResults, unit: str, baseline: str) -> list[str]:
    tables = []
    for title, figures in results.figures.items():
        text, _ = exchanges(figures, unit, baseline)
        tables += [f"### {title}\n", text]
    return tables
