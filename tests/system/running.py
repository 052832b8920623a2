"""
The real server in a process of its own, read through its log: :class:`Server`.

No test sleeps for a time that it hopes is enough: it waits for a line of the log, for bytes, or for the
end of the process, each until a deadline that is far beyond what it takes.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Condition, Thread
from time import monotonic, sleep
from types import TracebackType
from typing import Final, Self

from tests.conftest import ROOT, skip

__all__ = ["DEADLINE", "ON_LOOPBACK", "Server", "environment", "run_to_its_end", "twistd", "wait_until"]

DEADLINE: Final = 20.0
"""Seconds after which what did not happen will not: generous, for a machine that is busy."""

ON_LOOPBACK: Final = ("--listen", "tcp:0:interface=127.0.0.1")
"""Listen at a port that the system chooses."""

_LISTENING: Final = r"listening on (?:127\.0\.0\.1|0\.0\.0\.0|\[.*\]):(\d+) "
_ON_WINDOWS: Final = sys.platform == "win32"


def twistd() -> str:
    """The path of the twistd that belongs to this Python."""
    return str(Path(sysconfig.get_path("scripts")) / ("twistd.exe" if _ON_WINDOWS else "twistd"))


def environment() -> dict[str, str]:
    """An environment in which a process imports what the tests import, and prints UTF-8."""
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    return {**os.environ, "PYTHONPATH": path, "PYTHONUTF8": "1"}


def _command(options: Sequence[str]) -> list[str]:
    foreground = ["-n"] if _ON_WINDOWS else ["-n", "--pidfile="]
    return [twistd(), *foreground, "tcpcomm", *options]


def run_to_its_end(*options: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run ``twistd -n tcpcomm`` with options with which it is to end by itself."""
    return subprocess.run(
        _command(options),
        cwd=cwd,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE,
    )


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for something that can only be looked at, as a file can."""
    deadline = monotonic() + DEADLINE
    while not condition():
        assert monotonic() < deadline, f"it did not come true within {DEADLINE:g} s"
        sleep(0.01)


class Server:
    """
    ``twistd -n tcpcomm`` with some options, running.

    Args:
        options: those of tcpcomm.
        cwd: the folder to run in, where modules for ``--app`` lie.
        command: what to run instead.
        variables: environment variables to add.
        pass_fds: file descriptors for it to inherit.
    """

    def __init__(
        self,
        *options: str,
        cwd: Path | None = None,
        command: Sequence[str] | None = None,
        variables: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self._process = subprocess.Popen(
            _command(options) if command is None else command,
            cwd=cwd,
            env={**environment(), **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            pass_fds=pass_fds,
        )
        self._news = Condition()
        self._lines: list[str] = []
        self._ended = False
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                self._lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    @property
    def lines(self) -> list[str]:
        """The lines of the log so far."""
        with self._news:
            return self._lines.copy()

    def wait_for(self, pattern: str, *, count: int = 1) -> list[str]:
        """
        Wait until so many lines of the log, new or old, match a regular expression.

        Returns:
            These lines, or where the expression has a group, what that matched.
        """
        deadline = monotonic() + DEADLINE
        found: list[str] = []
        searched = 0
        with self._news:
            while True:
                for line in self._lines[searched:]:
                    if match := re.search(pattern, line):
                        found.append(match[1] if match.re.groups else line)
                searched = len(self._lines)
                if len(found) >= count:
                    return found
                if self._ended or not self._news.wait(deadline - monotonic()):
                    break
        why = "the server ended" if self._ended else f"{DEADLINE:g} s went by"
        raise AssertionError(f"{why}, and no {pattern!r} in its log:\n" + "\n".join(self.lines))

    def count(self, pattern: str) -> int:
        """How many lines of the log so far match a regular expression."""
        return sum(re.search(pattern, line) is not None for line in self.lines)

    @property
    def ports(self) -> list[int]:
        """The TCP ports it listens at, as soon as there is one."""
        return [int(port) for port in self.wait_for(_LISTENING)]

    @property
    def port(self) -> int:
        """The first TCP port it listens at."""
        return self.ports[0]

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def memory(self) -> int:
        """The most bytes that the process has held in RAM so far (skips where the system does not tell)."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            skip("this system tells no process's memory in /proc")
        peak = re.search(r"VmHWM:\s*(\d+) kB", status)
        assert peak is not None
        return int(peak[1]) * 1024

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        if _ON_WINDOWS:
            skip("Windows has no signals that a program could heed")
        self._process.send_signal(number)

    def wait(self) -> int:
        """Wait for the end; return the exit status."""
        status = self._process.wait(DEADLINE)
        self._reader.join(DEADLINE)
        return status

    def stop(self) -> None:
        """End the process, however it is."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        finally:
            self._reader.join(DEADLINE)
            assert self._process.stdout is not None
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        if kind is None:
            failures = [line for line in self.lines if "Traceback" in line or "Unhandled" in line]
            assert [] == failures, "\n".join(self.lines)
