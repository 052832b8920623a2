"""Kill the program at each step, start it again, and compare what arrived with what was acknowledged."""

from __future__ import annotations

import json
import socket
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Final

from attrs import define, field

from tests.conftest import ROOT
from tests.system.running import environment

__all__ = ["STEPS", "Kills", "kill_at_each_step"]

STEPS: Final = {"posting": 400, "committing": 60, "delivering": 20, "deleting": 20, "setting aside": 3}
"""The steps, and the times of each among which the kill is drawn."""

POISON: Final = 199
"""Each message in so many is refused by the receiver, always."""

DEADLINE: Final = 120.0


@define
class Kills:
    """The results of all kills."""

    kills: Counter[str] = field(factory=Counter)
    acknowledged: int = 0
    lost: list[str] = field(factory=list)
    arrived: int = 0
    duplicates: int = 0
    set_aside: int = 0
    not_acknowledged: int = 0
    """The messages that arrived although the kill came before the program heard that they were stored."""
    damage: list[str] = field(factory=list)
    disorder: list[str] = field(factory=list)
    altered: list[str] = field(factory=list)


class Receiver:
    """Keeps what arrives, and refuses poison."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str, str]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._ends = False
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._ends:
                connection.close()
                return
            with connection, connection.makefile("rwb") as file:
                try:
                    for line in file:
                        self._take(line, file.write)
                        file.flush()
                except (OSError, ValueError):  # the program was killed, perhaps within a line
                    continue

    def _take(self, line: bytes, write: Callable[[bytes], object]) -> None:
        rows = [(id, source, body) for id, source, body in json.loads(line)]
        bad = {id: "poison" for id, _, body in rows if int(body.split()[1]) % POISON == 0}
        self.got += [row for row in rows if row[0] not in bad]
        write(json.dumps(bad).encode() + b"\r\n")

    def close(self) -> None:
        """Stop receiving."""
        self._ends = True
        socket.create_connection(("127.0.0.1", self.port), DEADLINE).close()  # wakes the thread
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive(), "the receiver does not end"
        self._listener.close()


def kill_at_each_step(
    folder: Path, times: int, *, seed: int, progress: Callable[[str], None] = lambda text: None
) -> Kills:
    """Kill the program so many times at each step, and return what happened to the messages."""
    random = Random(seed)
    path = folder / "killed.outbox"
    found = Kills()
    acknowledged: dict[str, str] = {}
    receiver = Receiver()
    try:
        plan = [step for step in STEPS for _ in range(times)]
        random.shuffle(plan)
        for number, step in enumerate(plan, start=1):
            count = random.randint(1, STEPS[step])
            for line in _run(path, receiver.port, number, step, count=count, seed=random.randrange(2**30)):
                id, source, place = line.split()
                acknowledged[id] = f"{source} {place}"
            found.kills[step] += 1
            with closing(sqlite3.connect(path)) as db:
                (integrity,) = db.execute("PRAGMA integrity_check").fetchone()
            if integrity != "ok":
                found.damage.append(f"after kill {number}: {integrity}")
            progress(f"{number} of {len(plan)}: killed while {step}, {len(acknowledged):,} acknowledged")
        _run(path, receiver.port, 0, "finish")
    finally:
        receiver.close()
    _compare(found, path, acknowledged, receiver.got)
    return found


def _run(path: Path, port: int, number: int, step: str, *, count: int = 0, seed: int = 0) -> list[str]:
    """Run the program until it is killed. Return its whole lines."""
    words = [str(each) for each in (path, port, number, step, count, seed)]
    ended = subprocess.run(
        [sys.executable, "-m", "tests.system.outbox_kills.program", *words],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    if (ended.returncode == 0) != (step == "finish"):
        raise AssertionError(f"while {step} the program ended with {ended.returncode}: {ended.stderr}")
    if ended.returncode > 0:
        raise AssertionError(f"while {step} the program failed: {ended.stderr}")
    return [line for line in ended.stdout.splitlines(keepends=True) if line.endswith("\n")]


def _compare(
    found: Kills, path: Path, acknowledged: dict[str, str], got: list[tuple[str, str, str]]
) -> None:
    with closing(sqlite3.connect(path)) as db:
        (outbox,) = db.execute("SELECT value FROM facts WHERE name = 'id'").fetchone()
        aside = {f"{outbox}-{number}" for (number,) in db.execute("SELECT number FROM aside")}
    bodies: dict[str, str] = {}
    last: dict[str, int] = {}
    for id, source, body in got:
        if id in bodies:
            found.duplicates += 1
            if bodies[id] != body:
                found.altered.append(id)
            continue
        bodies[id] = body
        number = int(id.partition("-")[2])
        if number <= last.get(source, 0):
            found.disorder.append(id)
        last[source] = number
    places: dict[str, list[int]] = {}
    for id, body in bodies.items():
        if id in acknowledged and not body.startswith(f"{acknowledged[id]} "):
            found.altered.append(id)
        source, place = body.split()[:2]
        places.setdefault(source, []).append(int(place))
    found.disorder += [source for source, each in places.items() if each != sorted(set(each))]
    found.acknowledged = len(acknowledged)
    found.lost = sorted(acknowledged.keys() - bodies.keys() - aside)
    found.arrived = len(bodies)
    found.set_aside = len(aside)
    found.not_acknowledged = len(bodies.keys() - acknowledged.keys())
