"""
This checkout side by side with another one, such as the commit before a change.

::

    git worktree add ../before HEAD~1
    python -m tests.bench --against ../before

Both take turns in every round, so that they meet the same noise. The result is the ratio.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from attrs import evolve

from tests.bench import echo, modbus, typed
from tests.bench.echo import HUNDRED, IN_FLIGHT, Load
from tests.bench.many import KINDS, idle_memory, seconds_to_listen
from tests.bench.measure import Series, interleaved
from tests.bench.peers import NATIVE, OURS, PEERS, Peer
from tests.bench.report import table

__all__ = ["compare"]

NOW: Final = "now"
BEFORE: Final = "before"
WATCHED: Final = "now, with an observer that does nothing"
CONNECTIONS: Final = 1000


def compare(other: Path, *, rounds: int, shrink: int = 1, progress: Callable[[str], None]) -> str:
    """
    Measure both checkouts.

    Args:
        other: the folder of the other checkout.
        rounds: rounds of each measurement.
        shrink: divides the number of frames, for a quick look.
        progress: called with a text at each step.

    Returns:
        A table in Markdown: a line for each measurement, with the ratio of now to before.
    """
    rows = []
    for what, peer, load in _loads():
        peers = {NOW: peer, BEFORE: evolve(peer, folder=other)}
        if peer.program == "tcpcomm_frames":
            peers[WATCHED] = evolve(peer, arguments=(*peer.arguments, "--observed"))
        named = [evolve(each, name=name) for name, each in peers.items() if each.missing() is None]
        progress(what)
        cpu = _cpu(named, load, rounds, shrink)
        rows += [_row(f"{what}: CPU µs", cpu, 2)]
        if WATCHED in cpu:
            watched = {NOW: cpu[WATCHED], BEFORE: cpu[NOW]}
            rows += [_row(f"{what}: CPU µs with an observer that does nothing, over none", watched, 2)]
    for kind, argument in KINDS.items():
        progress(f"Idle connections: {kind}")
        both = {NOW: None, BEFORE: other}
        memory = interleaved(
            {
                name: partial(idle_memory, argument, max(100, CONNECTIONS // shrink), folder)
                for name, folder in both.items()
            },
            rounds=min(rounds, 3),
        )
        rows += [_row(f"{kind}: KiB of an idle connection", _series(memory), 3)]
    progress("Starts")
    with TemporaryDirectory(prefix="tcpcomm-bench-") as compiled:
        runs = {
            NOW: partial(seconds_to_listen, Path(compiled) / NOW),
            BEFORE: partial(seconds_to_listen, Path(compiled) / BEFORE, other),
        }
        for run in runs.values():
            run()  # compiles the modules
        starts = interleaved(runs, rounds=rounds)
    rows += [_row("twistd tcpcomm: seconds to listen", _series(starts), 3)]
    return table(["Measured", NOW, BEFORE, "now / before"], rows)


def _loads() -> Sequence[tuple[str, Peer, Load]]:
    ours, native = (next(each for each in PEERS if each.name == name) for name in (OURS, NATIVE))
    return [
        *(
            (f"Echo, {load.title}{where}", peer, load)
            for load in (HUNDRED, IN_FLIGHT)
            for peer, where in ((ours, ""), (native, ", native on uvloop"))
        ),
        *((f"Typed, {load.title}", typed.PEERS[0], load) for load in typed.LOADS),
        *(
            (f"Modbus, {peer.name}, {modbus.LOAD.title}", peer, modbus.LOAD)
            for peer in modbus.SERVERS
            if peer.name in (modbus.OURS, modbus.DECLARED)
        ),
    ]


def _cpu(peers: Sequence[Peer], load: Load, rounds: int, shrink: int) -> dict[str, Series]:
    """Return the CPU of each peer under one load, in microseconds a frame."""
    found = echo.measure(peers, [load], rounds=rounds, shrink=shrink, progress=lambda _: None)
    return {name: figures.cpu for name, figures in found.figures[load.title].items()}


def _series(values: Mapping[str, Sequence[float]]) -> dict[str, Series]:
    return {name: Series(each) for name, each in values.items()}


def _row(what: str, figures: Mapping[str, Series], digits: int) -> list[str]:
    now, before = figures[NOW], figures[BEFORE]
    return [what, f"{now.median:.{digits}f}", f"{before.median:.{digits}f}", f"{now.over(before):.3f}"]
