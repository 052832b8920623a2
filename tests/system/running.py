"""
The real server in a process of its own, observed through its log: :class:`Server`.

No test sleeps for a time that may be enough. Each waits for a line of the log, for bytes or for the end of
the process, with a deadline far beyond the usual time.
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

DEADLINE: Final = 60.0
"""Seconds to wait for a condition; long enough for a busy machine."""

ON_LOOPBACK: Final = ("--listen", "tcp:0:interface=127.0.0.1")
"""Options to listen on a port that the system chooses."""

_LISTENING: Final = r"listening on (?:127\.0\.0\.1|0\.0\.0\.0|\[.*\]):(\d+) "
_ON_WINDOWS: Final = sys.platform == "win32"


def twistd() -> str:
    """Return the path of the twistd that belongs to this Python."""
    return str(Path(sysconfig.get_path("scripts")) / ("twistd.exe" if _ON_WINDOWS else "twistd"))


def environment() -> dict[str, str]:
    """Return an environment in which a process imports the modules of the tests, and prints UTF-8."""
    path = [str(ROOT / "src"), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path), "PYTHONUTF8": "1"}


def _command(options: Sequence[str]) -> list[str]:
    foreground = ["-n"] if _ON_WINDOWS else ["-n", "--pidfile="]
    return [twistd(), *foreground, "tcpcomm", *options]


def run_to_its_end(*options: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run ``twistd -n tcpcomm`` with options with which it must end without a signal."""
    return subprocess.run(
        _command(options),
        cwd=cwd,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE,
    )


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for a condition that sends no notice, such as the content of a file."""
    deadline = monotonic() + DEADLINE
    while not condition():
        assert monotonic() < deadline, f"it did not come true within {DEADLINE:g} s"
        sleep(0.01)


class Server:
    """
    A running ``twistd -n tcpcomm`` with some options.

    Args:
        options: the options of tcpcomm.
        cwd: its current folder, with the modules for ``--app``.
        command: another command to run; None: twistd.
        variables: environment variables to add.
        pass_fds: file descriptors that it inherits.
        stdin: its standard input.
    """

    def __init__(
        self,
        *options: str,
        cwd: Path | None = None,
        command: Sequence[str] | None = None,
        variables: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
        stdin: int = subprocess.DEVNULL,
    ) -> None:
        self._process = subprocess.Popen(
            _command(options) if command is None else command,
            cwd=cwd,
            env={**environment(), **(variables or {})},
            stdin=stdin,
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
        Wait until this many lines of the log, new or old, match a regular expression.

        Returns:
            These lines or, if the expression has a group, the text of the group in each.
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
        """Return the number of lines of the log so far that match a regular expression."""
        return sum(re.search(pattern, line) is not None for line in self.lines)

    @property
    def ports(self) -> list[int]:
        """The TCP ports that it listens on; this waits for the first one."""
        return [int(port) for port in self.wait_for(_LISTENING)]

    @property
    def port(self) -> int:
        """The first TCP port that it listens on."""
        return self.ports[0]

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def memory(self) -> int:
        """The peak bytes of RAM of the process so far; skip if the system does not report it."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            skip("this system does not report the memory of a process in /proc")
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
        """End the process in any state."""
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
