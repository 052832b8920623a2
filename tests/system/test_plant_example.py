"""The example plant runs, and reports of all its 20 devices arrive."""

from __future__ import annotations

import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests import process_number
from tests.conftest import ROOT, skip
from tests.system.running import Server, wait_until

PLANT = ROOT / "docs/examples/plant"
LINKS = set(tomllib.loads((PLANT / "plant.toml").read_text("utf-8"))["links"])


def free_ports(count: int) -> int:
    """
    Return the first of so many free ports in a row, below those that the system gives to clients.

    Each of up to ten processes of pytest-xdist has 200 of its own.
    """
    lowest = 30_000 + 200 * process_number()
    for first in range(lowest, lowest + 200, count):
        probes = [socket.socket() for _ in range(count)]
        try:
            for number, probe in enumerate(probes):
                probe.bind(("127.0.0.1", first + number))
        except OSError:
            continue
        else:
            return first
        finally:
            for probe in probes:
                probe.close()
    return skip("this machine has no free ports in a row")


@contextmanager
def running(folder: Path, *options: str) -> Iterator[Server]:
    """The example plant, with its results in a folder."""
    place = ["--results", str(folder), "--port", str(free_ports(20))]
    with Server(command=[sys.executable, str(PLANT / "run.py"), *place, *options]) as plant:
        plant.wait_for("^results: ")
        yield plant


def reported(file: Path) -> set[str]:
    """Return the links that have a result of a poll in the file."""
    if not file.exists():
        return set()
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
        try:
            query = 'SELECT DISTINCT link FROM reports WHERE "values" IS NOT NULL'
            found = database.execute(query).fetchall()
        except sqlite3.OperationalError:  # the table is not there yet
            return set()
    return {link for (link,) in found}


def test_results_of_all_20_devices_are_in_the_file(tmp_path: Path) -> None:
    assert 20 == len(LINKS)
    with running(tmp_path) as plant:
        wait_until(lambda: reported(tmp_path / "results.sqlite") == LINKS)
        again = [sys.executable, str(PLANT / "run.py"), "--results", str(tmp_path), "--port", "0"]
        second = subprocess.run(again, capture_output=True, encoding="utf-8", timeout=120)
        assert 1 == second.returncode
        assert re.fullmatch(r".*outbox.db is used already by process \d+: .*\n", second.stderr)
        checks = [sys.executable, "-m", "tcpcomm", "check", str(tmp_path / "plant.toml")]
        checked = subprocess.run(checks, capture_output=True, encoding="utf-8", timeout=120)
        assert 0 == checked.returncode, checked.stderr
        if sys.platform != "win32":
            plant.signal(signal.SIGINT)
            assert 0 == plant.wait()
            plant.wait_for("gateway line-3: stopped")
    assert [] == [line for line in plant.lines if re.search("#(error|critical)", line)]


def test_both_configurations_describe_the_same_plant() -> None:
    texts = [(PLANT / name).read_text("utf-8") for name in ("plant.toml", "plant-rabbitmq.toml")]
    tables = [tomllib.loads(text.replace('["results"]', '["mes"]')) for text in texts]
    assert tables[0]["links"] == tables[1]["links"]
