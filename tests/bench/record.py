"""
The price of a recorder: round trips of an echo server that records, beside one that does not.

The load is steady: 10,000 frames a second, so 20,000 chunks, whether the replies come fast or slowly. A
closed loop would hide what a pause costs.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from attrs import frozen

from tcpcomm import Recording
from tests.bench.echo import start
from tests.bench.measure import Series, interleaved
from tests.bench.native import Toolchain
from tests.bench.peers import Peer
from tests.bench.processes import BenchmarkFailed, Child
from tests.bench.report import Target
from tests.bench.section import Column, Section, comparison

__all__ = ["PLAIN", "RECORDED", "TITLE", "Trips", "measure_record", "steady_load"]

TITLE = "What a recorder costs"
PLAIN: Final = "without a recorder"
RECORDED: Final = "with a Recorder"
RATE: Final = 10_000
CONNECTIONS: Final = 50
SECONDS: Final = 3.0
TIMEOUT: Final = 90.0

_TEXT = """\
An echo server gets {rate:,} frames of 64 bytes a second on {connections} connections, whatever it does, and
so passes {chunks:,} chunks a second.
One server has a `Recorder`, which also writes each frame.
A round trip counts from the moment at which the frame was due.
The load comes from a program in C. Medians, {rounds} rounds of {seconds:g} s.
All chunks were found in the file.

```
python -m tests.bench --only record --write
```
"""


@frozen
class Trips:
    """Round trips under a steady load, in microseconds, and the percent of a core that the server took."""

    p50: float
    p99: float
    cpu: float


def steady_load(
    peer: Peer,
    program: Path,
    seconds: float,
    rate: int = RATE,
    *,
    check: Callable[[], None] = lambda: None,
) -> Trips:
    """Put a steady load on one server, once, and call ``check`` before the server is killed."""
    with start(peer) as server:
        port = server.line(TIMEOUT)
        numbers = [str(each) for each in (CONNECTIONS, rate, seconds, 64)]
        with Child(f"the load on {peer.name}", [str(program), port, *numbers]) as load:
            load.line(TIMEOUT)
            before = float(server.ask("cpu", TIMEOUT))
            result = json.loads(load.ask("go", TIMEOUT))
            after = float(server.ask("cpu", TIMEOUT))
        check()
    return Trips(result["p50"], result["p99"], (after - before) / (seconds + 0.5) * 100)


def _recorded(path: Path, program: Path, seconds: float, rate: int) -> Trips:
    peer = Peer(RECORDED, "tcpcomm_frames", ("--at-once", "--record", str(path)))
    wanted = 2 * (int(rate * seconds) + rate // 2)
    trips = steady_load(peer, program, seconds, rate, check=partial(_check, path, wanted))
    for each in path.parent.glob(f"{path.name}*"):
        each.unlink()
    return trips


def _check(path: Path, wanted: int) -> None:
    """Wait until all chunks are in the file. None may be missing."""
    over = time.monotonic() + TIMEOUT
    chunks = gaps = 0
    while chunks < wanted and time.monotonic() < over:
        time.sleep(0.1)
        with Recording(path) as recording:
            chunks, gaps = recording.count("chunks"), recording.count("gaps")
    if chunks != wanted or gaps:
        raise BenchmarkFailed(f"{chunks:,} of {wanted:,} chunks are in the file, with {gaps} gaps")


def measure_record(
    *, rounds: int, shrink: int = 1, progress: Callable[[str], None], tools: Toolchain | None = None
) -> Section:
    """Measure an echo server with and without a recorder."""
    seconds, rate = SECONDS / min(shrink, 6), RATE // min(shrink, 10)
    with TemporaryDirectory(prefix="tcpcomm-bench-") as folder:
        tools = tools or Toolchain.find(Path(folder))
        if tools.compiler is None:
            return Section(
                TITLE, _text(rounds, seconds, rate), [], notes=[f"Not measured: {tools.missing}"]
            )
        program = tools.build(Path(__file__).with_name("paced.c"))
        progress(f"{TITLE}: {rounds} rounds of 2 servers")
        runs = {
            PLAIN: partial(
                steady_load, Peer(PLAIN, "tcpcomm_frames", ("--at-once",)), program, seconds, rate
            ),
            RECORDED: partial(_recorded, Path(folder) / "bench.tcpcomm", program, seconds, rate),
        }
        found = interleaved(runs, rounds=rounds)
    return _section(found, rounds, seconds, rate)


def _text(rounds: int, seconds: float, rate: int) -> str:
    return _TEXT.format(rate=rate, chunks=2 * rate, connections=CONNECTIONS, rounds=rounds, seconds=seconds)


def _section(found: Mapping[str, Sequence[Trips]], rounds: int, seconds: float, rate: int) -> Section:
    series = {
        "p50 µs": {name: Series([each.p50 for each in trips]) for name, trips in found.items()},
        "p99 µs": {name: Series([each.p99 for each in trips]) for name, trips in found.items()},
        "CPU, % of a core": {name: Series([each.cpu for each in trips]) for name, trips in found.items()},
    }
    columns = [Column(title, figures, 0, PLAIN) for title, figures in series.items()]
    p99 = series["p99 µs"]
    target = Target(
        "p99 of round trips with a Recorder: times without", p99[RECORDED].over(p99[PLAIN]), 1.2, False
    )
    return Section(TITLE, _text(rounds, seconds, rate), [comparison("Server", columns)], [target])
