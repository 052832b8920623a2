"""The target's process on Linux: its memory, its open files, its threads and its processor time."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from time import monotonic, sleep

from attrs import frozen

from tcpcomm.testing.hostile.verdict import NotRun


@frozen
class Evidence:
    """
    A reading of a process.

    Attributes:
        memory: bytes of resident memory.
        files: open file descriptors.
        threads: threads.
        seconds: processor time in seconds.
    """

    memory: int
    files: int
    threads: int
    seconds: float

    def __str__(self) -> str:
        return (
            f"{self.memory / 2**20:.0f} MiB, {self.files} files, {self.threads} threads, "
            f"{self.seconds:.1f} s of processor time"
        )


def read_process(pid: int) -> Evidence:
    """
    Read a process.

    Raises:
        NotRun: this system is not Linux, or the process is not there, or it is another user's.
    """
    if not sys.platform.startswith("linux"):
        raise NotRun("--pid needs Linux")
    folder = Path(f"/proc/{pid}")
    try:
        status = dict(
            line.split(":", 1) for line in (folder / "status").read_text().splitlines() if ":" in line
        )
        # The name of the program stands in parentheses and may hold anything; the numbers follow it.
        ticks = (folder / "stat").read_text().rpartition(")")[2].split()[11:13]
        return Evidence(
            memory=int(status["VmRSS"].split()[0]) * 1024,
            files=len(os.listdir(folder / "fd")),
            threads=int(status["Threads"]),
            seconds=sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK"),
        )
    except (OSError, KeyError, ValueError) as error:
        raise NotRun(f"cannot read process {pid}: {error}") from None


def files_settle(pid: int, at_most: int, *, within: float) -> int:
    """Wait until a process has no more open files than this. Return the number that it has then."""
    deadline = monotonic() + within
    while True:
        files = read_process(pid).files
        if files <= at_most or monotonic() > deadline:
            return files
        sleep(0.05)
