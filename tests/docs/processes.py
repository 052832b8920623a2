"""Processes that the documentation starts: servers that keep running, and their output."""

from __future__ import annotations

import doctest
import os
import random
import signal
import socket
import subprocess
import sysconfig
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests import ROOT, process_number

__all__ = ["INSTALLED", "ROOT", "SECONDS", "Server", "environment", "free_port", "is_shown"]

INSTALLED: Final = "TCPCOMM_TEST_INSTALLED"
"""The environment variable that makes pages use the installed package instead of this source tree."""

SECONDS: Final = 90
"""Seconds that a command may take, or a server until it prints an expected line."""


def environment() -> dict[str, str]:
    """
    Return the environment of a process of a page, in a terminal of 80 columns.

    The process uses this source tree. If the variable INSTALLED is set, it uses what is installed beside
    the Python that runs this, as a user has it.
    """
    if os.environ.get(INSTALLED):
        path = []
    else:
        path = [str(ROOT / "src"), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ,
        "PATH": os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")]),
        "PYTHONPATH": os.pathsep.join(path),
        "PYTHONUNBUFFERED": "1",
        "COLUMNS": "80",
    }


def free_port() -> str:
    """
    Return a TCP port without a listener, which nothing else takes before the caller's server uses it.

    Systems give connections, and servers that ask for any port, higher ones. Each process of pytest-xdist
    has a thousand ports of its own.
    """
    process = process_number()
    for port in random.sample(range(20_000 + 1000 * process, 21_000 + 1000 * process), 100):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return str(port)
    raise AssertionError("100 ports are taken")


def is_shown(expected: str, actual: str) -> bool:
    """Return True if the expected text, in which ``...`` stands for any text, matches the actual one."""
    return doctest.OutputChecker().check_output(expected, actual, doctest.ELLIPSIS)


class Server:
    """
    A process that keeps running, and its output.

    Args:
        command: the command to run.
        folder: its current folder.
        port: its port, which the output shows as 9999.
        second_port: another port, which the output shows as 9998.
    """

    def __init__(self, command: str, folder: Path, port: str = "9999", second_port: str = "9998") -> None:
        self._port = port
        self._second_port = second_port
        self._process = subprocess.Popen(
            f"exec {command}",
            shell=True,
            cwd=folder,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )

    def say(self, line: str) -> None:
        """Type a line into the process."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def wait_for(self, expected: str) -> str:
        """Read until the expected line comes, and return the line."""
        assert self._process.stdout is not None
        watchdog = threading.Timer(SECONDS, self._process.kill)
        watchdog.start()
        seen = []
        try:
            for line in self._process.stdout:
                shown = line.replace(self._port, "9999").replace(self._second_port, "9998")
                if is_shown(f"{expected}\n", shown):
                    return line
                seen.append(line)
        finally:
            watchdog.cancel()
        raise AssertionError(f"the server did not print {expected!r}, but:\n{''.join(seen)}")

    def end(self) -> int:
        """Wait until the process ends; return its exit code."""
        return self._process.wait(SECONDS)

    def stop(self) -> None:
        """Stop the process as Ctrl-C does, or by force if that fails."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise
