"""The bytes of log that four peers cause, for each of their behaviours: :func:`measure`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from attrs import frozen

from tests.system.log_volume.peers import BEHAVIOURS
from tests.system.running import DEADLINE, ON_LOOPBACK, environment, twistd, wait_until

__all__ = ["BEHAVIOURS", "LIMIT", "Volume", "measure"]

LIMIT: Final = 1024 * 1024
"""Bytes of log in 60 s, at most."""


@frozen
class Volume:
    """
    One result.

    Args:
        behaviour: the peers' behaviour, by its name.
        log_format: the format of the log.
        seconds: the time for which the peers went on.
        causes: the number of messages or connections that gave a cause for a line.
        size: the bytes of the log.
        lines: the lines of the log.
    """

    behaviour: str
    log_format: str
    seconds: float
    causes: int
    size: int
    lines: int


def measure(behaviour: str, log_format: str, seconds: float) -> Volume:
    """Run the program and the peers for so many seconds. Return the volume of the log."""
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        if behaviour == "links":
            causes = _links(log, seconds)
        else:
            causes = _server(log, behaviour, log_format, seconds)
        size = sum(each.stat().st_size for each in Path(folder).iterdir())
        lines = sum(each.read_bytes().count(b"\n") for each in Path(folder).iterdir())
        return Volume(behaviour, log_format, seconds, causes, size, lines)


def _peers(*words: str) -> list[str]:
    return [sys.executable, "-m", "tests.system.log_volume.peers", *words]


def _server(log: Path, behaviour: str, log_format: str, seconds: float) -> int:
    allow = ("--allow", "10.9.8.7") if behaviour == "refused" else ()
    options = ("--app", "tests.system.log_volume.programs:Noisy", "--log-format", log_format)
    command = [twistd(), "-n", "--pidfile=", f"--logfile={log}", "tcpcomm", *ON_LOOPBACK, *options, *allow]
    server = subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL)
    try:
        for _ in range(3):  # the machine may be busy
            with suppress(AssertionError):
                wait_until(lambda: log.exists() and "listening on 127.0.0.1:" in log.read_text())
                break
        port = log.read_text().partition("listening on 127.0.0.1:")[2].partition(" ")[0]
        done = subprocess.run(
            _peers(behaviour, port, str(seconds)),
            env=environment(),
            capture_output=True,
            encoding="utf-8",
            check=True,
            timeout=seconds + DEADLINE,
        )
        return int(done.stdout)
    finally:
        server.kill()  # it may have much to do yet
        server.wait(DEADLINE)


def _links(log: Path, seconds: float) -> int:
    command: Sequence[str] = _peers("links", str(seconds))
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, encoding="utf-8") as peers:
        assert peers.stdout is not None
        ports = peers.stdout.readline().split()
        with log.open("w") as file:
            program = subprocess.Popen(
                [sys.executable, "-m", "tests.system.log_volume.programs", *ports],
                env=environment(),
                stdin=subprocess.DEVNULL,
                stderr=file,
            )
        try:
            return int(peers.stdout.readline())
        finally:
            program.terminate()
            program.wait(DEADLINE)
