"""Leaks and growth of the target's process, which need --pid on Linux. Numbers 901 to 949."""

from __future__ import annotations

from contextlib import suppress
from time import monotonic, sleep

from tcpcomm.testing.hostile.case import case
from tcpcomm.testing.hostile.evidence import Evidence, files_settle, read_process
from tcpcomm.testing.hostile.target import CannotConnect, Target
from tcpcomm.testing.hostile.verdict import NotRun, wrong

_MIB = 2**20
_SOME_FILES = 4
"""Files that a program may open at its first use of something, such as a log or a library."""


def _pid(target: Target) -> tuple[int, Evidence]:
    if target.options.pid is None or target.evidence is None:
        raise NotRun("give the process number with --pid, on Linux")
    return target.options.pid, target.evidence


@case(
    901, "files of dropped connections", sends="300 connections that are reset", right="no file stays open"
)
def files(target: Target) -> str:
    """Connect, send half a request and reset, three hundred times: no file descriptor may stay."""
    pid, _ = _pid(target)
    before = read_process(pid).files
    for _ in range(300):
        with suppress(CannotConnect), target.connect() as peer:
            peer.send(b"x")
            peer.reset()
    after = files_settle(pid, before, within=target.options.patience)
    if after > before + _SOME_FILES:
        wrong(f"{after - before} files stay open behind 300 connections that were reset")
    return f"{before} files before, {after} behind"


@case(902, "memory of dropped connections", sends="2,000 connections that are reset", right="memory stays")
def memory(target: Target) -> str:
    """Connect and reset two thousand times: memory must not grow with the number of connections."""
    pid, _ = _pid(target)
    for _ in range(200):
        with suppress(CannotConnect):
            target.connect().reset()
    before = read_process(pid).memory
    for number in range(2000):
        with suppress(CannotConnect):
            target.connect().reset()
        if number % 100 == 0:
            sleep(0.05)  # this is not a storm: the good peers must not stand behind two thousand
    sleep(0.3)
    grown = read_process(pid).memory - before
    if grown > 8 * _MIB:
        wrong(
            f"memory grew by {grown / _MIB:.1f} MiB with 2,000 connections, {grown // 2000} bytes for each"
        )
    return f"{grown / _MIB:+.1f} MiB"


@case(903, "threads", sends="nothing more", right="no thread for each peer stays", last=True)
def threads(target: Target) -> str:
    """Compare the threads behind all cases with those before."""
    pid, before = _pid(target)
    after = read_process(pid).threads
    if after > before.threads + 20:
        wrong(f"{after - before.threads} more threads than before")
    return f"{before.threads} threads before, {after} behind"


@case(904, "all files", sends="nothing more", right="all files of hostile peers are closed", last=True)
def all_files(target: Target) -> str:
    """Compare the open files behind all cases with those before."""
    pid, before = _pid(target)
    expected = before.files + 2  # the long session of the good peer, and one more
    after = files_settle(pid, expected, within=target.options.patience)
    if after > expected + _SOME_FILES:
        wrong(f"{after - before.files} more open files than before")
    return f"{before.files} files before, {after} behind"


@case(905, "all memory", sends="nothing more", right="at most 96 MiB and 16 messages more", last=True)
def all_memory(target: Target) -> str:
    """Compare the memory behind all cases with that before."""
    pid, before = _pid(target)
    grown = read_process(pid).memory - before.memory
    if grown > 96 * _MIB + 16 * target.options.limit:
        wrong(f"memory grew by {grown / _MIB:.0f} MiB")
    return f"{before.memory / _MIB:.0f} MiB before, {grown / _MIB:+.0f} MiB"


@case(906, "rest", sends="nothing", right="the processor is idle when nobody sends", last=True)
def rest(target: Target) -> str:
    """Look at the processor time of one second in which only the good peer asks."""
    pid, _ = _pid(target)
    sleep(0.5)
    began, before = monotonic(), read_process(pid).seconds
    sleep(1.0)
    share = (read_process(pid).seconds - before) / (monotonic() - began)
    if share > 0.3:
        wrong(f"uses {share:.0%} of a processor though nobody sends much: something spins")
    return f"{share:.0%} of a processor"
