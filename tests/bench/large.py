"""
Images of 50 MiB, each one frame, received and sent over loopback: rate, CPU and peak memory.

The client is this process, with a blocking socket. A peer's memory comes from the system: the difference
between its peak and its memory before.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from attrs import frozen

from tests.bench.measure import Series, interleaved
from tests.bench.peers import Peer
from tests.bench.processes import BenchmarkFailed, Child
from tests.bench.report import Target
from tests.bench.section import Column, Section, comparison

__all__ = ["ACKNOWLEDGED", "LONGEST", "PEERS", "SHORT", "TITLE", "Transfer", "measure_large", "transfer"]

MIB: Final = 1024 * 1024
SIZE: Final = 50 * MIB
LONGEST: Final = 64 * MIB
"""Bytes of the longest frame that the peers take."""
SHORT: Final = 8
"""Bytes of the longest frame that is not an image; its number is the size of the image that it requests."""
ACKNOWLEDGED: Final = b"ok"

TITLE = "Frames of 50 MiB"
OURS = "tcpcomm"
NATIVE = "tcpcomm, native on uvloop"
STOCK = "Twisted Int32StringReceiver"
LIMIT = "recv_into and sendall, blocking"
TIMEOUT = 60.0

PEERS = (
    Peer(OURS, "large_tcpcomm", ("--at-once",)),
    Peer(NATIVE, "large_tcpcomm", ("--native",), needs="uvloop"),
    Peer(STOCK, "large_stock"),
    Peer("asyncio readexactly", "large_asyncio"),
    Peer("asyncio readexactly on uvloop", "large_asyncio", ("--uvloop",), needs="uvloop"),
    Peer(LIMIT, "large_recv_into"),
)

_TEXT = """\
A camera's image as one frame of {size} MiB behind a 4-byte length, over loopback, one at a time.
*Received*: the server has the image in one `bytes`, and acknowledges it.
*Sent*: the server makes an image and sends it.
Memory is the growth of the server to its peak, in multiples of the frame.
Each round is a new process.
In brackets: how many times the rate, or the CPU, of a blocking socket with `recv_into` and `sendall`.
Medians, {rounds} rounds of {count} frames in each direction.
"""


@frozen
class Transfer:
    """The results of one peer for images in one direction."""

    rate: float
    """MiB in a second."""
    cpu: float
    """Milliseconds of the server's CPU time for each image."""
    memory: float | None
    """The most memory that the peer took, in frames; None if the system does not report it."""


def transfer(peer: Peer, command: list[str], *, size: int, count: int, sent: bool) -> Transfer:
    """Start a peer; let it receive this many images, or send them."""
    with Child(peer.name, command) as server:
        port = int(server.line(TIMEOUT))
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _exchange(connection, bytes(SHORT + 1), len(ACKNOWLEDGED))  # not measured
            before, cpu = _memory(server.pid, "VmRSS"), float(server.ask("cpu", TIMEOUT))
            image = b"x" * size
            began = time.perf_counter()
            for _ in range(count):
                if sent:
                    _exchange(connection, size.to_bytes(SHORT, "big"), size)
                else:
                    _exchange(connection, image, len(ACKNOWLEDGED))
            took = time.perf_counter() - began
            used = float(server.ask("cpu", TIMEOUT)) - cpu
            most = _memory(server.pid, "VmHWM")
    memory = None if before is None or most is None else (most - before) / size
    return Transfer(count * size / MIB / took, used / count * 1e3, memory)


def _exchange(connection: socket.socket, frame: bytes, expected: int) -> None:
    """Send a frame, and receive one of this many bytes."""
    connection.sendall(len(frame).to_bytes(4, "big"))
    connection.sendall(frame)
    header = connection.recv(4, socket.MSG_WAITALL)
    if int.from_bytes(header, "big") != expected:
        raise BenchmarkFailed(f"expected a frame of {expected} bytes, but its header is {header!r}")
    buffer = memoryview(bytearray(min(expected, MIB)))
    while expected:
        count = connection.recv_into(buffer[: min(expected, MIB)])
        if not count:
            raise BenchmarkFailed("the server closed the connection")
        expected -= count


def _memory(pid: int, what: str) -> int | None:
    """
    Return bytes of memory of a process by Linux's name, VmRSS (now) or VmHWM (peak); None on other systems.
    """
    if sys.platform != "linux":
        return None
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{what}:"))


def measure_large(*, rounds: int, shrink: int = 1, progress: Callable[[str], None]) -> Section:
    """Measure every peer that can run here."""
    size, count = SIZE // shrink, 4
    present = [peer for peer in PEERS if peer.missing() is None]
    found: dict[bool, Mapping[str, list[Transfer]]] = {}
    for sent in (False, True):
        progress(f"{TITLE}, {'sent' if sent else 'received'}, {rounds} rounds of {len(present)} peers")
        runs = {
            peer.name: partial(
                transfer,
                peer,
                peer.command(),
                size=size,
                count=1 if peer.name == STOCK else count,
                sent=sent,
            )
            for peer in present
        }
        found[sent] = interleaved(runs, rounds=rounds, once=() if sent else (STOCK,))
    return _section(found[False], found[True], rounds, size, count)


def _section(
    received: Mapping[str, list[Transfer]],
    sent: Mapping[str, list[Transfer]],
    rounds: int,
    size: int,
    count: int,
) -> Section:
    tables, cheaper, targets = [], [], []
    for title, found in (("received", received), ("sent", sent)):
        rate = Column("MiB/s", _series(found, lambda each: each.rate), 0, LIMIT)
        cpu = Column("CPU ms per frame", _series(found, lambda each: each.cpu), 1, LIMIT)
        memory = Column("Peak memory, frames", _series(found, lambda each: each.memory), 2)
        tables += [f"### Large frames, {title}\n", comparison("Server", [rate, cpu, memory])]
        cheaper += [f"{title}, {each}" for each in cpu.cheaper((OURS, NATIVE))]
        for ours in (OURS, NATIVE):
            if ours in rate.figures:
                share = rate.figures[ours].over(rate.figures[LIMIT])
                targets.append(Target(f"{ours}, {title}: share of the rate of {LIMIT}", share, 0.7))
            if ours in memory.figures:
                most = memory.figures[ours].median
                targets.append(Target(f"{ours}, {title}: peak memory in frames", most, 2.0, at_least=False))
    text = _TEXT.format(size=size // MIB, rounds=rounds, count=count)
    notes = [f"{STOCK} received one frame, in the first round only, because it is slow"]
    return Section(TITLE, text, tables, targets, cheaper, notes)


def _series(
    found: Mapping[str, list[Transfer]], take: Callable[[Transfer], float | None]
) -> dict[str, Series]:
    values = {name: [value for each in found[name] if (value := take(each)) is not None] for name in found}
    return {name: Series(each) for name, each in values.items() if each}
