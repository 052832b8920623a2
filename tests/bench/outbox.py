"""
The cost of a message in an outbox: from ``post`` to the deletion, beside SQLite by hand.

Each measurement runs in a process of its own, ``python -m tests.bench.outbox PEER GROUP COUNT``, which
prints its figures as JSON.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Final

from attrs import asdict, frozen
from twisted.internet import defer, task

from tcpcomm.plant import Outbox, OutboxMessage, Sink, SinkConnection
from tests.bench.measure import Series, interleaved
from tests.bench.processes import BenchmarkFailed, child_environment
from tests.bench.report import Target
from tests.bench.section import Column, Section, comparison

__all__ = ["OURS", "PEERS", "TITLE", "Figures", "measure_outbox"]

TITLE = "What an outbox costs"
OURS: Final = "tcpcomm Outbox"
BY_HAND: Final = "sqlite3 by hand"
PEERS: Final = (OURS, BY_HAND)
GROUPS: Final = {1: 500, 10: 3000, 100: 20_000}
"""The messages that are awaited together, and the messages of a round."""

TIMEOUT: Final = 120.0
CONTENT: Final = {"link": "line-3/camera-1", "job": 3, "position": [1.25, -3.5, 90.0], "text": "x" * 380}

_TEXT = """\
A program posts messages of 450 bytes of JSON, and awaits {groups} of them together.
A sink that confirms at once takes them, and the outbox deletes them.
*sqlite3 by hand* is a blocking program with a write-ahead log and `synchronous=FULL`, too.
It inserts each group in one transaction, reads it, and deletes it in another one.
It has no ids, no order, no limits and no retries.
The latency is the time from `post` to the moment at which the last message of the group is on the disk.
CPU is that of the whole process, for one message from `post` to its deletion.
Medians, {rounds} rounds.

```
python -m tests.bench --only outbox --write
```
"""


@frozen
class Figures:
    """The figures of one round: posts and whole deliveries a second, times in microseconds."""

    posts: float
    deliveries: float
    p50: float
    p99: float
    cpu: float


@frozen(kw_only=True)
class _Sink(Sink):
    kind: ClassVar[str] = "nothing"

    def open(self, name: str, reactor: Any) -> SinkConnection:
        return _Connection()


class _Connection(SinkConnection):
    async def deliver(self, messages: Sequence[OutboxMessage]) -> Mapping[str, str]:
        return {}

    async def close(self) -> None:
        pass


def measure_outbox(*, rounds: int, shrink: int = 1, progress: Callable[[str], None]) -> Section:
    """Measure an outbox, and SQLite by hand."""
    progress(f"{TITLE}: {rounds} rounds of {len(PEERS)} programs with {len(GROUPS)} sizes of groups")
    runs = {
        f"{peer} {group}": partial(_run, peer, group, max(group, count // shrink))
        for group, count in GROUPS.items()
        for peer in PEERS
    }
    found = interleaved(runs, rounds=rounds)
    tables = []
    for group in GROUPS:
        series = {peer: found[f"{peer} {group}"] for peer in PEERS}
        take = {
            "posts per second": "posts",
            "deliveries per second": "deliveries",
            "p50 µs": "p50",
            "p99 µs": "p99",
        }
        columns = [Column("CPU µs per message", _series(series, "cpu"), 1, BY_HAND)]
        columns += [Column(title, _series(series, name), 0) for title, name in take.items()]
        words = "one by one" if group == 1 else f"{group} at a time"
        tables.append(f"Posts {words}:\n\n" + comparison("Program", columns))
    cpu = _series({OURS: found[f"{OURS} 100"]}, "cpu")[OURS].median
    target = Target("An outbox, 100 posts at a time: µs of CPU for a message", cpu, 60.0, False)
    groups = ", ".join(map(str, [*GROUPS][:-1])) + f" or {[*GROUPS][-1]}"
    return Section(TITLE, _TEXT.format(groups=groups, rounds=rounds), tables, [target])


def _series(found: Mapping[str, Sequence[Figures]], name: str) -> dict[str, Series]:
    return {peer: Series([getattr(each, name) for each in figures]) for peer, figures in found.items()}


def _run(peer: str, group: int, count: int) -> Figures:
    words = [sys.executable, "-m", "tests.bench.outbox", peer, str(group), str(count)]
    try:
        ended = subprocess.run(
            words, env=child_environment(), capture_output=True, text=True, timeout=TIMEOUT, check=True
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise BenchmarkFailed(f"{peer}: {error}: {error.stderr!r}") from None
    return Figures(**json.loads(ended.stdout))


def _figures(count: int, posted: float, delivered: float, cpu: float, waits: Sequence[float]) -> Figures:
    ordered = sorted(waits)
    return Figures(
        posts=count / posted,
        deliveries=count / delivered,
        p50=ordered[len(ordered) // 2] * 1e6,
        p99=ordered[int(len(ordered) * 0.99)] * 1e6,
        cpu=cpu / count * 1e6,
    )


async def _with_outbox(reactor: Any, path: Path, group: int, count: int) -> Figures:
    waits = []
    async with Outbox(path, {"sink": _Sink()}) as outbox:
        cpu, began = time.process_time(), time.perf_counter()
        for _ in range(0, count, group):
            begun = time.perf_counter()
            posts = [outbox.post(CONTENT, to="sink", topic="a/b", source="a") for _ in range(group)]
            for each in posts:
                await each
            waits.append(time.perf_counter() - begun)
        posted = time.perf_counter() - began
        while outbox.figures().sinks["sink"].depth:
            await task.deferLater(reactor, 0.002, lambda: None)
        return _figures(count, posted, time.perf_counter() - began, time.process_time() - cpu, waits)


def _by_hand(path: Path, group: int, count: int) -> Figures:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE messages(number INTEGER PRIMARY KEY, topic TEXT, body BLOB)")
    waits, posted = [], 0.0
    cpu, began = time.process_time(), time.perf_counter()
    for _ in range(0, count, group):
        begun = time.perf_counter()
        rows = [("a/b", json.dumps(CONTENT).encode()) for _ in range(group)]
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT INTO messages(topic, body) VALUES (?, ?)", rows)
        db.execute("COMMIT")
        waits.append(time.perf_counter() - begun)
        posted += waits[-1]
        taken = db.execute("SELECT number, topic, body FROM messages ORDER BY number").fetchall()
        db.execute("DELETE FROM messages WHERE number <= ?", (taken[-1][0],))
    found = _figures(count, posted, time.perf_counter() - began, time.process_time() - cpu, waits)
    db.close()
    return found


def main() -> None:
    """Measure one program, and print its figures."""
    peer, group, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

    def tell(found: Figures) -> None:
        print(json.dumps(asdict(found)))

    with TemporaryDirectory(prefix="tcpcomm-bench-") as folder:
        path = Path(folder) / "bench.outbox"
        if peer == BY_HAND:
            tell(_by_hand(path, group, count))
            return
        task.react(
            lambda reactor: defer.ensureDeferred(_with_outbox(reactor, path, group, count)).addCallback(
                tell
            )
        )


if __name__ == "__main__":
    main()
