"""
The main servers under two builds of Python, in turns within each round.

PGO and LTO make a frame cheaper, but not by the same share for every server.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from attrs import evolve, frozen

from tests.bench import echo, modbus, peers, typed
from tests.bench.built import build_flags, python_name
from tests.bench.echo import Load, measure
from tests.bench.interpreter import Interpreter
from tests.bench.measure import Series
from tests.bench.native import Toolchain
from tests.bench.peers import Peer
from tests.bench.section import Column, Section, comparison

__all__ = ["PARTS", "TITLE", "find_interpreter", "measure_other_build"]

TITLE = "On another build of Python"
OTHER: Final = ", the other build"
"""What follows the name of a server that runs under the other build."""


@frozen
class Part:
    """Servers of one part of the page, and what each is compared with."""

    peers: Sequence[Peer]
    loads: Sequence[Load]
    baselines: Mapping[str, str]


def _chosen(servers: Sequence[Peer], names: Collection[str]) -> list[Peer]:
    return [peer for peer in servers if peer.name in names]


PARTS: Final[Mapping[str, Part]] = {
    "typed": Part(
        _chosen(typed.PEERS, {*typed.SAME_TRANSPORT, *typed.SAME_TRANSPORT.values()}),
        typed.LOADS,
        typed.SAME_TRANSPORT,
    ),
    "modbus": Part(
        _chosen(modbus.SERVERS, {modbus.DECLARED, modbus.NATIVE_DECLARED, modbus.THEIRS}),
        (modbus.LOAD,),
        {modbus.DECLARED: modbus.THEIRS, modbus.NATIVE_DECLARED: modbus.THEIRS},
    ),
    "echo": Part(
        _chosen(peers.PEERS, {peers.OURS, peers.NATIVE, peers.BASELINE, peers.UVLOOP}),
        (echo.IN_FLIGHT, echo.HUNDRED),
        {peers.OURS: peers.BASELINE, peers.NATIVE: peers.UVLOOP},
    ),
}
"""The servers, by the name of the part for ``--only``."""

_TEXT = """\
The same servers under two builds of Python; all take turns in each round.
*This build* is that of the rest of the page, {here}: {here_build}.
*The other build* is `{path}`, {there}: {there_build}.
It uses the packages of this build.{unrecorded}
CPU is the server's alone, for one frame or command.
In brackets: how many times the CPU of the server to compare with, on the same build.
That is `LineReceiver` by hand on the same transport, pymodbus, `Int32StringReceiver`, or `asyncio.Protocol`
on uvloop for the echo that is native on uvloop.
*Other by this* is the CPU on the other build in times that on this build.
Medians, {rounds} rounds.

```
python -m tests.bench --python {path} --write
```
"""

_UNRECORDED = "\nDebian's Python is built with PGO and LTO, but its `sysconfig` does not say so."


def find_interpreter(path: str) -> Interpreter:
    """
    Return the Python at this path, which runs the servers of all parts.

    Raises:
        BenchmarkFailed: it cannot run them.
    """
    needed = {peer.needs for part in PARTS.values() for peer in part.peers if peer.needs is not None}
    return Interpreter.find(path, sorted(needed))


def measure_other_build(
    python: Interpreter,
    parts: Collection[str] = tuple(PARTS),
    *,
    rounds: int,
    shrink: int = 1,
    progress: Callable[[str], None],
    tools: Toolchain | None = None,
) -> Section:
    """
    Measure the servers of these parts under this build and the other one.

    Args:
        python: the other build.
        parts: names of parts.
        rounds: rounds of each server with each load.
        shrink: divides the number of frames, for a quick look.
        progress: called with a text at each step.
        tools: the compiler to use; None: the one that is found.
    """
    tables, notes = [], []
    for name in parts:
        part = PARTS[name]
        there = [evolve(peer, name=peer.name + OTHER, python=python) for peer in part.peers]
        found = measure(
            [*part.peers, *there], part.loads, rounds=rounds, shrink=shrink, progress=progress, tools=tools
        )
        for title, figures in found.figures.items():
            cpus = {peer: each.cpu for peer, each in figures.items()}
            tables += [f"### Two builds, {name}: {title}\n", _compared(cpus, part.baselines)]
        notes += [f"{peer} did not take part: {reason}" for peer, reason in found.skipped.items()]
    text = _TEXT.format(
        here=python_name(),
        here_build=build_flags(),
        path=python.path,
        there=python.name,
        there_build=python.build,
        unrecorded=_UNRECORDED if "not recorded" in python.build else "",
        rounds=rounds,
    )
    return Section(TITLE, text, tables, notes=notes)


def _compared(cpus: Mapping[str, Series], baselines: Mapping[str, str]) -> str:
    """Return a table with a line for each server: its CPU on both builds, and their ratio."""
    here = {name: each for name, each in cpus.items() if not name.endswith(OTHER)}
    there = {name: cpus[name + OTHER] for name in here if name + OTHER in cpus}
    ratios = {
        name: Series(other / this for other, this in zip(each.values, here[name].values, strict=True))
        for name, each in there.items()
    }
    return comparison(
        "Server",
        [
            Column("CPU µs, this build", here, 2, baselines),
            Column("CPU µs, the other build", there, 2, baselines),
            Column("Other by this", ratios, 2),
        ],
    )
