"""
Process groups that end with the tests, also when the tests are killed: :class:`Guard`.

A guard is a process that waits for the end of its standard input. The kernel closes that input when the
process of the tests is gone, however it went. The guard then kills the groups and removes a folder.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from random import randrange
from time import monotonic, sleep

__all__ = ["Guard", "free_port", "wait_for"]

_KILLED_WITHIN = 60.0
_FIRST_PORT, _PORTS_EACH = 12_000, 800  # below those that Linux gives to connections


class Guard:
    """
    Start programs, each in a process group of its own, and end them all.

    Args:
        folder: it is removed at the end.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._started: list[subprocess.Popen[bytes]] = []
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(folder)], stdin=subprocess.PIPE, start_new_session=True
        )

    def start(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        output: Path,
        *,
        user: str | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a program, as another user if one is given; its output is added to a file."""
        with output.open("ab") as file:
            started = subprocess.Popen(
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=user,
            )
        assert self._process.stdin is not None
        self._process.stdin.write(f"{started.pid}\n".encode())
        self._process.stdin.flush()
        self._started.append(started)
        return started

    def end(self) -> None:
        """Kill all groups, wait for their first processes, and remove the folder."""
        if self._process.stdin is None or self._process.stdin.closed:
            return
        self._process.stdin.close()
        self._process.wait(_KILLED_WITHIN)
        for each in self._started:
            each.wait(_KILLED_WITHIN)


def free_port() -> int:
    """
    Return a port of loopback that no program had a moment ago.

    The system gives no connection a port of this range. While a broker is down, a client that tries its
    port would else get that very port in the end, connect to itself, and keep the broker from starting.
    Each of up to ten processes of pytest-xdist has ports of its own.
    """
    from tests import process_number  # the guard's own process cannot import it

    first = _FIRST_PORT + _PORTS_EACH * process_number()
    while True:
        port = randrange(first, first + _PORTS_EACH)
        with socket.socket() as found, suppress(OSError):
            found.bind(("127.0.0.1", port))
            return port


def wait_for(condition: Callable[[], bool], seconds: float, otherwise: Callable[[], str]) -> None:
    """Wait until a function returns True; fail with the text that another returns."""
    end = monotonic() + seconds
    while not condition():
        assert monotonic() < end, otherwise()
        sleep(0.1)


def _main(folder: str) -> None:
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    groups = [int(line) for line in sys.stdin]
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    for _ in range(50):  # a program that was just killed may still have files open
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.exists(folder):
            break
        sleep(0.1)


if __name__ == "__main__":
    _main(sys.argv[1])
