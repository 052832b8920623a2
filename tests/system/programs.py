"""
Child processes of the system tests that report their events with times.

A program prints one JSON object a line: ``time`` in seconds of the machine's monotonic clock, ``kind``, and
further fields. It ends when its standard input ends, so also when its parent process dies. :func:`report`
and :func:`end_with_stdin` are the child's side, :class:`Program` is the parent's.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from threading import Condition, Thread
from typing import Any, TypeVar

from attrs import frozen

__all__ = ["ROOT", "Event", "Program", "ProgramFailed", "child_environment", "end_with_stdin", "report"]

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]


class ProgramFailed(AssertionError):
    """A program ended, or did not report the expected event in time."""


@frozen
class Event:
    """One event that a program reported."""

    time: float
    kind: str
    about: Mapping[str, Any]


def report(kind: str, **about: Any) -> None:
    """Report an event to the parent, with the time."""
    line = json.dumps({"time": time.monotonic(), "kind": kind, **about})
    os.write(1, line.encode() + b"\n")


def end_with_stdin(reactor: Any) -> None:
    """Stop the reactor when standard input ends: the parent wants this, or has died."""

    def wait() -> None:
        sys.stdin.read()
        reactor.callFromThread(reactor.stop)

    Thread(target=wait, daemon=True).start()


def child_environment() -> dict[str, str]:
    """Return the environment in which a child imports the modules of this process."""
    path = [str(ROOT / "src"), str(ROOT), *filter(None, sys.path)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path), "PYTHONUNBUFFERED": "1"}


class Program(AbstractContextManager["Program"]):
    """
    A child process and the events that it has reported.

    Args:
        name: its name in error messages.
        command: the program and its arguments.
        prepare: called in the child before the program starts, for example to set a limit.
        cwd: its current folder.
        environment: variables to add to its environment.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        prepare: Callable[[], None] | None = None,
        cwd: Path = ROOT,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.lines: list[str] = []
        """Lines of output that are not events."""
        self._events: list[Event] = []
        self._changed = Condition()
        self._ended = False
        self._process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**child_environment(), **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # Ctrl-C is for the parent, which then ends the child
            preexec_fn=prepare,  # noqa: PLW1509 - only before the parent has started threads that hold locks
        )
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            event = _parsed(line)
            with self._changed:
                if event is None:
                    self.lines.append(line.rstrip("\n"))
                else:
                    self._events.append(event)
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def events(self, *kinds: str, since: float = 0.0) -> list[Event]:
        """Return the events of these kinds so far, from that time on."""
        with self._changed:
            return [each for each in self._events if each.time >= since and each.kind in kinds]

    def wait_for(self, *kinds: str, since: float = 0.0, timeout: float, **about: Any) -> Event:
        """
        Wait for the first event of these kinds from that time on, and return it.

        Raises:
            ProgramFailed: no such event came within ``timeout`` seconds, or the program ended.
        """

        def fits(event: Event) -> bool:
            return (
                event.time >= since
                and event.kind in kinds
                and all(event.about.get(name) == value for name, value in about.items())
            )

        def found() -> Event | None:
            return next(filter(fits, self._events), None)

        return self._wait(found, f"did not report {kinds} {about}", timeout)

    def wait_for_line(self, text: str, *, timeout: float, count: int = 1) -> str:
        """
        Wait for the ``count``-th line that contains ``text``, and return it.

        Raises:
            ProgramFailed: no such line came within ``timeout`` seconds, or the program ended.
        """

        def found() -> str | None:
            lines = [line for line in self.lines if text in line]
            return lines[count - 1] if len(lines) >= count else None

        return self._wait(found, f"printed no {text!r}", timeout)

    def _wait(self, found: Callable[[], T | None], what: str, timeout: float) -> T:
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                result = found()
                if result is not None:
                    return result
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    why = "it ended" if self._ended else f"in {timeout:g} s"
                    last = "\n".join(self.lines[-20:])
                    raise ProgramFailed(f"{self.name} {what}: {why}\n{last}")
                self._changed.wait(left)

    def signal(self, number: int) -> None:
        """Send a signal to the process."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """Kill the process with SIGKILL, and wait until it has ended."""
        self._process.kill()
        self._process.wait()

    def wait(self, timeout: float) -> int:
        """Wait until the process has ended; return its exit status."""
        return self._process.wait(timeout)

    def close(self) -> int:
        """Let the process end, or kill it; return its exit status."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended already
            self._process.stdin.close()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)  # a stopped process ends only after it continues
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.kill()
        self._reader.join(timeout=5)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return self._process.returncode

    def __exit__(self, *_: object) -> None:
        self.close()


def _parsed(line: str) -> Event | None:
    if not line.startswith('{"time": '):
        return None
    about = json.loads(line)
    return Event(about.pop("time"), about.pop("kind"), about)
