"""
A wall clock that a test sets: ``python -m …clock_steps.wall_clock FILE MODULE:FUNCTION [ARGUMENT…]``.

It replaces :func:`time.time` before Twisted is imported, and then calls the function. The file holds the
seconds that are added to the time of the machine, as one double, so that the test sets the clock at once,
in every thread of the program.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from importlib import import_module
from mmap import mmap
from pathlib import Path
from struct import Struct
from typing import Final

__all__ = ["WallClock", "command"]

_SECONDS: Final = Struct("d")
_WALL_TIME: Final = time.time


class WallClock:
    """
    The wall clock of a program, seen by the test or by the program.

    Args:
        file: the file with the seconds that are added; the test makes it.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        if not file.exists():
            file.write_bytes(_SECONDS.pack(0.0))
        with file.open("r+b") as opened:
            self._added = mmap(opened.fileno(), _SECONDS.size)

    def time(self) -> float:
        """Return what :func:`time.time` returns in the program."""
        return _WALL_TIME() + self._step()

    def step(self, seconds: float) -> None:
        """Set the clock forward, or back."""
        _SECONDS.pack_into(self._added, 0, self._step() + seconds)

    def _step(self) -> float:
        (seconds,) = _SECONDS.unpack_from(self._added)
        return float(seconds)

    def close(self) -> None:
        self._added.close()


def command(clock: WallClock, function: str, *arguments: str) -> Sequence[str]:
    """Return the command that calls ``module:function`` in a process with this clock."""
    return [sys.executable, "-m", __name__, str(clock.file), function, *arguments]


def _main() -> None:
    file, function, *arguments = sys.argv[1:]
    assert "twisted" not in sys.modules
    time.time = WallClock(Path(file)).time
    sys.argv = [function, *arguments]
    module, _, name = function.partition(":")
    getattr(import_module(module), name)()


if __name__ == "__main__":
    _main()
