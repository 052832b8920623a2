"""A process that serves, as seen by the supervisor: its log, its standard input, and its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from threading import Thread
from typing import Any, Final, Protocol

from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.server.relayed_log import log_again
from tcpcomm.server.reload.child import GO, LOADED, VARIABLE

LONGEST_LINE: Final = 64 * 1024
"""Bytes of a line from the process that are read at once. The rest counts as a further line."""

LAST_LINES: Final = 1.0
"""Seconds in which the last lines of a process that has ended must come."""

_MISTAKE: Final = "twistd tcpcomm: "


class Owner(Protocol):
    """The supervisor. All is called in the thread of the reactor."""

    def loaded(self, program: Program) -> None:
        """The process has imported the program, and waits for :meth:`Program.go`."""

    def ended(self, program: Program) -> None:
        """The process has ended; :attr:`Program.reason` says why."""


class Program:
    """
    A process with the program.

    Threads read from it, because reactors on Windows can wait for sockets only.

    Args:
        owner: hears of it.
        command: the process and its arguments.
        folder: its current folder at the start.
        reactor: calls the owner.

    Raises:
        OSError: the process cannot be started.
    """

    log = BoundedLogger()

    def __init__(self, owner: Owner, command: Sequence[str], *, folder: str, reactor: Any) -> None:
        self._owner = owner
        self._reactor = reactor
        self._status: int | None = None
        self._last: list[str] = []
        self._mistakes: list[str] = []
        variables = {"PYTHONIOENCODING": "utf-8:backslashreplace", **os.environ}
        variables |= {
            VARIABLE: "1",
            "PYTHONUNBUFFERED": "1",
            # Python compares the times of compiled files in seconds, which is too coarse for quick changes.
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **_apart(),
        )
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()
        Thread(target=self._wait, daemon=True).start()

    @property
    def reason(self) -> str:
        """The mistakes that the process printed, or its last line, with the way in which it ended."""
        status = self._status
        how = f"by signal {-status}" if status is not None and status < 0 else f"with exit status {status}"
        if self._mistakes:
            return "; ".join(dict.fromkeys(self._mistakes))
        return f"it ended {how}{''.join(f': {each}' for each in self._last)}"

    def go(self) -> None:
        """Let the process serve."""
        self._write(GO)

    def stop(self) -> None:
        """Let the process drain its sessions and end."""
        with suppress(OSError):
            self._stdin.close()

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def hang_up(self) -> None:
        """Let the process load its certificates and keys again. Windows has no signal for that."""
        number = getattr(signal, "SIGHUP", None)
        if number is not None:
            self._process.send_signal(number)

    @property
    def _stdin(self) -> Any:
        return self._process.stdin

    def _write(self, data: bytes) -> None:
        with suppress(OSError, ValueError):  # it has ended, and the owner hears of that
            self._stdin.write(data)
            self._stdin.flush()

    def _read(self) -> None:
        stdout: Any = self._process.stdout
        with stdout:
            while line := stdout.readline(LONGEST_LINE):
                text = line.decode("utf-8", "backslashreplace").rstrip("\r\n")
                self._reactor.callFromThread(self._line, text)

    def _wait(self) -> None:
        status = self._process.wait()
        self._reader.join(LAST_LINES)  # a program that it has started may hold its output open
        self._reactor.callFromThread(self._over, status)

    def _line(self, text: str) -> None:
        if text == LOADED:
            self._last.clear()
            self._owner.loaded(self)
        elif text.startswith(_MISTAKE):
            self._mistakes.append(text.removeprefix(_MISTAKE))
        elif not log_again(text) and text.strip():
            self._last[:] = [text]
            self.log.warn("{text}", text=text)

    def _over(self, status: int) -> None:
        self._status = status
        self.stop()
        self._owner.ended(self)


def _apart() -> dict[str, Any]:
    """Return the options with which Ctrl-C and the end of a terminal reach only the supervisor."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}
