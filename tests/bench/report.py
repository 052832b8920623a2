"""
Reports of the results: Markdown tables, the targets, and the cases where another tool is cheaper.

The same text goes to the terminal and to the reference page; nobody types a figure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from attrs import frozen

from tests.bench import decode, echo, peers
from tests.bench.decode import DecodeResults
from tests.bench.echo import EchoFigures, EchoResults

__all__ = ["Target", "page", "table", "target_table", "targets"]

_HEAD = """\
# Benchmarks

The cost of a frame, measured side by side with the tools that tcpcomm replaces.
The benchmark itself writes this page, so that nobody types a figure:

```
pip install -e '.[bench]'
python -m tests.bench --write
```

It takes about 15 minutes, and draws the picture below with matplotlib.
A program in C, compiled for the run, makes the load on the echo servers.
Without a C compiler, a program in Python makes it.
`--quick` takes a first look in a minute or two.
`--only` runs one part, such as `decode`, `host` or `modbus`.
`--python /usr/bin/python3` runs the main servers under another build of Python, too.
All traffic stays on the loopback interface.

A figure depends on the machine and its other work; a ratio depends on them much less.
So all peers take turns within each round, and a ratio is taken within a round.
The tables show the median over the rounds.
"""

_DECODE = """\
## Decoding

CPU time for each frame, in one process, without sockets; medians, {rounds} rounds.
The frames come in chunks of 64 KiB.
Each frame is passed to an empty method of the user; the call is included.
In brackets: how many times cheaper than the baseline.
*Decoder* is the bare decoder in a `for` loop.
*Protocol* is the whole `FrameProtocol`, with `frameReceived`, on a transport that does nothing.
"""

_ECHO = """\
## Echo

Echo servers over loopback, each in a process of its own.
The load comes from {generator}, which compares every byte.
The frames have a 4-byte length prefix and, unless a title says otherwise, 64 bytes of payload.
CPU is the server's alone, for one frame there and back; in brackets, its share of the baseline's CPU.
Medians, {rounds} rounds; the client measures the latency.
*Native* and *at once* are the transports of `tcpcomm.transports`; plain tcpcomm sends at once.
*Frame by frame* is a usual handler: `frameReceived` calls `sendFrame`.
*In batches* overrides `framesReceived` and answers with `sendFrames`.

![The cost of a frame to each server, against the number of connections](benchmarks.svg)
"""

_QUICK = """\
**A first look**: one round with few frames, and smaller ones where they are large.
Do not rely on these figures; no target is judged.
"""

_TARGETS = """\
## Targets

If a decoder has a target, the protocol has the same one.
"""

_LOSSES = """\
## Where something else is cheaper

Every case above in which a peer takes less CPU than tcpcomm's protocol.
The bare loop in C does not read frames: it shows the cost of the system itself.
"""


@frozen
class Target:
    """One target, and its result."""

    text: str
    measured: float
    bound: float
    at_least: bool = True

    @property
    def reached(self) -> bool:
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound


def targets(decoded: DecodeResults | None, echoed: EchoResults | None) -> list[Target]:
    """Return the targets that have results."""
    found = []
    if decoded is not None:
        for text, family, workload, ours, baseline, bound in _decode_targets():
            measured = decoded.ratio(family, workload, ours, baseline)
            found.append(Target(f"{text}, {ours}", measured, bound))
    if echoed is not None:
        found += _echo_targets(echoed.figures)
    return found


def _decode_targets() -> Iterator[tuple[str, decode.Family, decode.Workload, str, str, float]]:
    lengths, lines, large = decode.LENGTH_PREFIX, decode.DELIMITERS, decode.LARGE
    for ours in ("tcpcomm decoder", "tcpcomm protocol"):
        for workload, bound in ((decode.MIXED, 2.5), (decode.EQUAL, 5.5)):
            text = f"Length prefix, {workload.title}: times {lengths.baseline}"
            yield text, lengths, workload, ours, lengths.baseline, bound
    for ours in ("tcpcomm decoder, Delimited", "tcpcomm protocol, Delimited"):
        for baseline, bound in (("LineReceiver", 8.0), ("LineOnlyReceiver", 1.4)):
            text = f"Delimiters, {decode.EQUAL.title}: times {baseline}"
            yield text, lines, decode.EQUAL, ours, baseline, bound
    for ours in ("tcpcomm decoder", "tcpcomm protocol"):
        workload = large.workloads[-1]
        text = f"A frame of {workload.title} in chunks of {decode.SEGMENT} bytes: times {large.baseline}"
        yield text, large, workload, ours, large.baseline, 50.0


def _echo_targets(figures: Mapping[str, Mapping[str, EchoFigures]]) -> Iterator[Target]:
    for load, ours, other, bound in (
        (echo.IN_FLIGHT, peers.OURS, peers.BASELINE, 0.6),
        (echo.IN_FLIGHT, peers.NATIVE, peers.BASELINE, 0.5),
        (echo.IN_FLIGHT, peers.NATIVE, peers.UVLOOP, 1.3),
        (echo.HUNDRED, peers.OURS, peers.BASELINE, 0.75),
        (echo.HUNDRED, peers.NATIVE, peers.BASELINE, 0.4),
        (echo.HUNDRED, peers.NATIVE, peers.UVLOOP, 1.15),
        (echo.HUNDRED, peers.NATIVE, peers.LIMIT, 2.0),
    ):
        met = figures[load.title]
        if ours in met and other in met:
            text = f"Echo, {load.title}, {ours}: share of the CPU of {other}"
            yield Target(text, met[ours].cpu.over(met[other].cpu), bound, at_least=False)
    alone = figures[echo.PING_PONG.title]
    if peers.NATIVE in alone and peers.UVLOOP in alone:
        ours_alone, other_alone = alone[peers.NATIVE], alone[peers.UVLOOP]
        for what, ours_took, other_took in (
            ("median", ours_alone.p50, other_alone.p50),
            ("99th percentile", ours_alone.p99, other_alone.p99),
        ):
            if ours_took is not None and other_took is not None:
                text = f"Round trip, {peers.NATIVE}: {what}, times that of {peers.UVLOOP}"
                yield Target(text, ours_took.over(other_took), 1.0, at_least=False)


def page(
    machine: Mapping[str, str],
    decoded: DecodeResults | None,
    echoed: EchoResults | None,
    *,
    quick: bool = False,
) -> str:
    """Return the whole page in Markdown."""
    parts = [_HEAD, table(("Machine", ""), list(machine.items()))]
    if quick:
        parts.append(_QUICK)
    else:
        parts += [_TARGETS, target_table(targets(decoded, echoed))]
    if decoded is not None:
        parts.append(_DECODE.format(rounds=decoded.rounds))
        for family in decode.FAMILIES:
            parts += _family(family, decoded)
    if echoed is not None:
        parts.append(_ECHO.format(rounds=echoed.rounds, generator=echoed.generator))
        for title, figures in echoed.figures.items():
            parts += [f"### {title}\n", _echo_table(figures)]
        parts += [f"{name} did not take part: {reason}.\n" for name, reason in echoed.skipped.items()]
    if losses := [*_decode_losses(decoded), *_echo_losses(echoed)]:
        parts += [_LOSSES, table(("Case", "Cheaper than tcpcomm", "Its share of our CPU"), losses)]
    return "\n".join(parts)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; all columns but the first are aligned to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, rule, *rows))


def target_table(found: Sequence[Target]) -> str:
    """Return a table of targets: the bound, the result, and the verdict."""
    rows = [
        (
            target.text,
            f"{'≥' if target.at_least else '≤'} {target.bound:g}",
            f"{target.measured:.2f}",
            "reached" if target.reached else "**missed**",
        )
        for target in found
    ]
    return table(("Target", "Bound", "Measured", ""), rows)


def _family(family: decode.Family, decoded: DecodeResults) -> Iterator[str]:
    yield f"### {family.title}\n"
    unit, scale = ("ms", 1e6) if family is decode.LARGE else ("ns", 1.0)
    rows = []
    for name in family.peers:
        row = [f"{name} (baseline)" if name == family.baseline else name]
        for workload in family.workloads:
            series = decoded.figures[family.title][workload.title][name]
            cell = f"{series.median / scale:,.{0 if unit == 'ns' else 1}f}"
            if name != family.baseline:
                cell += f" ({decoded.ratio(family, workload, name, family.baseline):.2f} ×)"
            row.append(cell)
        rows.append(row)
    yield table((f"CPU {unit} per frame", *[each.title for each in family.workloads]), rows)
    if family.once:
        yield f"{' and '.join(family.once)} took part in the first round only, because of its time.\n"


def _echo_table(figures: Mapping[str, EchoFigures]) -> str:
    timed = any(each.p50 is not None for each in figures.values())
    head = ["Server", "CPU µs per frame", "Frames per second", *(["p50 µs", "p99 µs"] if timed else [])]
    rows = []
    for name, each in figures.items():
        cpu = f"{each.cpu.median:.2f}"
        if name != peers.BASELINE:
            cpu += f" ({each.cpu.over(figures[peers.BASELINE].cpu):.2f})"
        row = [f"{name} (baseline)" if name == peers.BASELINE else name, cpu, f"{each.rate.median:,.0f}"]
        row += [f"{series.median:,.0f}" for series in (each.p50, each.p99) if series is not None]
        rows.append(row)
    return table(head, rows)


def _decode_losses(decoded: DecodeResults | None) -> Iterator[Sequence[str]]:
    for family in decode.FAMILIES if decoded is not None else ():
        assert decoded is not None
        ours = next(name for name in family.peers if name.startswith("tcpcomm protocol"))
        others = [name for name in family.peers if not name.startswith("tcpcomm")]
        for workload in family.workloads:
            for other in others:
                share = decoded.ratio(family, workload, ours, other)
                if share < 1:
                    yield f"{family.title}: {workload.title}", other, f"{share:.2f}"


def _echo_losses(echoed: EchoResults | None) -> Iterator[Sequence[str]]:
    for title, figures in echoed.figures.items() if echoed is not None else ():
        others = [name for name in figures if not name.startswith("tcpcomm")]
        for ours in (each for each in (peers.OURS, peers.NATIVE) if each in figures):
            for name in others:
                share = figures[name].cpu.over(figures[ours].cpu)
                if share < 1:
                    native = " (native)" if ours == peers.NATIVE else ""
                    yield f"Echo: {title}{native}", name, f"{share:.2f}"
