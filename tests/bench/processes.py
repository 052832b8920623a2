"""Child processes that exchange lines over their pipes, each within a time limit."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Self

__all__ = ["ROOT", "BenchmarkFailed", "Child", "child_environment"]

ROOT = Path(__file__).resolve().parents[2]


class BenchmarkFailed(Exception):
    """A peer or a load generator did not work as it should, so there is no result."""


def child_environment(folder: Path = ROOT, packages: Sequence[str] | None = None) -> dict[str, str]:
    """
    Return the environment in which a child imports what this process imports, from that checkout.

    Args:
        folder: the checkout.
        packages: folders of packages, for a child under another Python; None: all that this one imports.
    """
    own = [str(folder / "src"), str(folder)]
    paths = filter(None, sys.path) if packages is None else packages
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*own, *paths])}


class Child:
    """
    A process that answers lines on its standard output.

    The end of its standard input ends it, so that it also ends when this process dies.

    Args:
        name: its name in errors.
        command: the program and its arguments.
        folder: the checkout that it runs from.
        environment: its environment; None: the one in which it imports what this process imports.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        folder: Path = ROOT,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=child_environment(folder) if environment is None else environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: SimpleQueue[str] = SimpleQueue()
        self._errors: list[str] = []
        self._readers = [Thread(target=target, daemon=True) for target in (self._read, self._read_errors)]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put("")

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        self._errors.extend(self._process.stderr)

    def line(self, timeout: float) -> str:
        """
        Return the next line that the process prints.

        Raises:
            BenchmarkFailed: the process printed no line within ``timeout`` seconds, or it ended.
        """
        try:
            line = self._lines.get(timeout=timeout)
        except Empty:
            raise BenchmarkFailed(f"{self.name} printed nothing for {timeout:g} s") from None
        if not line:
            self._readers[1].join(timeout=60)
            raise BenchmarkFailed(f"{self.name} ended: {''.join(self._errors).strip() or 'no message'}")
        return line

    def ask(self, question: str, timeout: float) -> str:
        """Write one line to the process; return its answer."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # the process has ended, and line() gives the reason
            self._process.stdin.write(question + "\n")
            self._process.stdin.flush()
        return self.line(timeout)

    def stop(self) -> int:
        """Let the process end, or kill it; return its exit status."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it ended before it read everything
            self._process.stdin.close()
        try:
            self._process.wait(timeout=60)  # as long as a busy machine may need
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for reader in self._readers:
            reader.join(timeout=5)
        for pipe in (self._process.stdout, self._process.stderr):
            assert pipe is not None
            pipe.close()
        return self._process.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
