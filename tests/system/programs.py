"""
Child processes of the system tests that tell what happens to them, and when.

A program prints one JSON object a line: ``time`` in seconds of the machine's monotonic clock, ``kind``, and
whatever belongs to it. It ends when its standard input does, and so also when the process that started it
dies. :func:`report` and :func:`end_with_stdin` are the child's side, :class:`Program` is the parent's.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Condition, Thread
from types import TracebackType
from typing import Any, Self, TypeVar

from attrs import frozen

__all__ = ["ROOT", "Event", "Program", "ProgramFailed", "child_environment", "end_with_stdin", "report"]

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]


class ProgramFailed(AssertionError):
    """A program ended, or did not say in time what was waited for."""


@frozen
class Event:
    """Something that a program told."""

    time: float
    kind: str
    about: Mapping[str, Any]


def report(kind: str, **about: Any) -> None:
    """Tell the parent what happens, now."""
    line = json.dumps({"time": time.monotonic(), "kind": kind, **about})
    os.write(1, line.encode() + b"\n")


def end_with_stdin(reactor: Any) -> None:
    """Stop the reactor when standard input ends: the parent wants it, or is dead."""

    def wait() -> None:
        sys.stdin.read()
        reactor.callFromThread(reactor.stop)

    Thread(target=wait, daemon=True).start()


def child_environment() -> dict[str, str]:
    """The environment in which a child imports what this process imports."""
    path = [str(ROOT / "src"), str(ROOT), *filter(None, sys.path)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path), "PYTHONUNBUFFERED": "1"}


class Program:
    """
    A child process and what it has told so far.

    Args:
        name: what it is called when it fails.
        command: the program and its arguments.
        prepare: called in the child before the program starts, such as to set a limit.
        cwd: where it runs.
        environment: added to what the child has in its environment.
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
        """What it printed that is no event."""
        self._events: list[Event] = []
        self._told = Condition()
        self._ended = False
        self._process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**child_environment(), **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # Ctrl-C is for the parent, which then ends it
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
            with self._told:
                if event is None:
                    self.lines.append(line.rstrip("\n"))
                else:
                    self._events.append(event)
                self._told.notify_all()
        with self._told:
            self._ended = True
            self._told.notify_all()

    def events(self, *kinds: str, since: float = 0.0) -> list[Event]:
        """What it told so far, of these kinds, from that time on."""
        with self._told:
            return [each for each in self._events if each.time >= since and each.kind in kinds]

    def wait_for(self, *kinds: str, since: float = 0.0, timeout: float, **about: Any) -> Event:
        """
        Return the first event of these kinds from that time on, waiting until it is told.

        Raises:
            ProgramFailed: it did not come in ``timeout`` seconds, or the program ended.
        """

        def fits(event: Event) -> bool:
            return (
                event.time >= since
                and event.kind in kinds
                and all(event.about.get(name) == value for name, value in about.items())
            )

        def found() -> Event | None:
            return next(filter(fits, self._events), None)

        return self._wait(found, f"told no {kinds} {about}", timeout)

    def wait_for_line(self, text: str, *, timeout: float, count: int = 1) -> str:
        """
        Return the ``count``-th line that holds ``text``, waiting until it is printed.

        Raises:
            ProgramFailed: it did not come in ``timeout`` seconds, or the program ended.
        """

        def found() -> str | None:
            lines = [line for line in self.lines if text in line]
            return lines[count - 1] if len(lines) >= count else None

        return self._wait(found, f"printed no {text!r}", timeout)

    def _wait(self, found: Callable[[], T | None], what: str, timeout: float) -> T:
        deadline = time.monotonic() + timeout
        with self._told:
            while True:
                result = found()
                if result is not None:
                    return result
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    why = "it ended" if self._ended else f"in {timeout:g} s"
                    last = "\n".join(self.lines[-20:])
                    raise ProgramFailed(f"{self.name} {what}: {why}\n{last}")
                self._told.wait(left)

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it with SIGKILL, and wait until it is gone."""
        self._process.kill()
        self._process.wait()

    def wait(self, timeout: float) -> int:
        """Wait until it has ended; return its exit status."""
        return self._process.wait(timeout)

    def close(self) -> int:
        """Let it end, or end it; return its exit status."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # where it is gone already
            self._process.stdin.close()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)  # a stopped process ends only when it goes on
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.kill()
        self._reader.join(timeout=5)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return self._process.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _parsed(line: str) -> Event | None:
    if not line.startswith('{"time": '):
        return None
    about = json.loads(line)
    return Event(about.pop("time"), about.pop("kind"), about)
