"""
Decoding in one process, without sockets: CPU time per frame, with the call of the user's function.

Every peer gets the same chunks and calls the same function with each frame. tcpcomm is measured twice: the
bare decoder in a ``for`` loop, and the protocol on a transport that does nothing.
"""

from __future__ import annotations

import asyncio
import gc
import random
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

from attrs import evolve, frozen
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.protocols.basic import Int32StringReceiver, LineOnlyReceiver, LineReceiver, NetstringReceiver

from tcpcomm import FrameProtocol
from tcpcomm.framing import Delimited, Framing, LengthPrefixed, Lines, Netstring
from tests.bench.measure import Series, interleaved
from tests.bench.processes import BenchmarkFailed

__all__ = ["DELIMITERS", "LARGE", "LENGTH_PREFIX", "DecodeResults", "Family", "measure_decode"]

Take = Callable[[bytes], object]
Drive = Callable[[Sequence[bytes], Take], None]
"""A function that feeds chunks to a decoder, and calls another function with each frame."""

MIB = 1024 * 1024
CHUNK = 64 * 1024
SEGMENT = 1460
"""Bytes: the payload of one TCP segment in an Ethernet frame."""


# -- the ways to drive ------------------------------------------------------------------------------------


def bare(framing: Framing) -> Drive:
    """Return a function that runs one of our decoders in a ``for`` loop."""

    def drive(chunks: Sequence[bytes], take: Take) -> None:
        decoder = framing.decoder()
        for chunk in chunks:
            for frame in decoder.feed(chunk):
                take(frame)

    return drive


def session(framing: Framing) -> Drive:
    """Return a function that runs one of our framings within :class:`FrameProtocol`."""

    def drive(chunks: Sequence[bytes], take: Take) -> None:
        protocol: Any = FrameProtocol()
        protocol.factory = SimpleNamespace(clock=(clock := _Clock()))
        protocol.framing = framing
        protocol.frameReceived = take
        protocol.makeConnection(StringTransport())
        received = protocol.dataReceived
        for chunk in chunks:
            received(chunk)
            while protocol.waits_turn:  # a reactor reads no more until it had its turn
                clock.advance(0)
        protocol.connectionLost()

    return drive


class _Clock(Clock):
    """The real time. :meth:`advance` makes the calls that are due."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = time.monotonic  # type: ignore[method-assign]


def stock(receiver: Callable[[], Any], hook: str, limit: int = CHUNK) -> Drive:
    """Return a function that runs one of Twisted's own receivers."""

    def drive(chunks: Sequence[bytes], take: Take) -> None:
        protocol = receiver()
        protocol.MAX_LENGTH = limit
        setattr(protocol, hook, take)
        protocol.makeConnection(StringTransport())
        received = protocol.dataReceived
        for chunk in chunks:
            received(chunk)
        protocol.connectionLost()

    return drive


async def _read_lengths(reader: asyncio.StreamReader, take: Take) -> None:
    while True:
        header = await reader.readexactly(4)
        take(await reader.readexactly(int.from_bytes(header, "big")))


async def _read_lines(reader: asyncio.StreamReader, take: Take) -> None:
    while True:
        take((await reader.readuntil(b"\r\n"))[:-2])


def streams(read: Callable[[asyncio.StreamReader, Take], Any]) -> Drive:
    """Return a function that runs asyncio's StreamReader; its task wakes up for each chunk."""

    async def feed(chunks: Sequence[bytes], take: Take) -> None:
        reader = asyncio.StreamReader(limit=2 * CHUNK)
        task = asyncio.ensure_future(read(reader, take))
        for chunk in chunks:
            reader.feed_data(chunk)
            await asyncio.sleep(0)
        reader.feed_eof()
        await asyncio.gather(task, return_exceptions=True)

    def drive(chunks: Sequence[bytes], take: Take) -> None:
        asyncio.run(feed(chunks, take))

    return drive


# -- what is decoded --------------------------------------------------------------------------------------


@frozen
class Workload:
    """Frames, and the sizes of the chunks that carry them."""

    title: str
    sizes: tuple[int, int]
    """Bytes of the shortest and of the longest payload."""

    frames: int
    chunk: int | None = CHUNK
    """Bytes of each chunk; None: each frame is a chunk."""

    def payloads(self) -> list[bytes]:
        """Return the payloads, the same ones each time."""
        chosen = random.Random(1)
        return [bytes([97 + index % 26]) * chosen.randint(*self.sizes) for index in range(self.frames)]

    def chunks(self, framing: Framing, payloads: Sequence[bytes]) -> list[bytes]:
        """Return the payloads as encoded chunks."""
        if self.chunk is None:
            return [framing.encode(payload) for payload in payloads]
        wire = framing.encode_many(payloads)
        return [wire[start : start + self.chunk] for start in range(0, len(wire), self.chunk)]


@frozen
class Family:
    """Decoders that do the same work."""

    title: str
    framing: Framing
    """The framing that encodes the frames."""

    baseline: str
    peers: Mapping[str, Drive]
    workloads: tuple[Workload, ...]
    once: tuple[str, ...] = ()
    """Peers that are too slow for more than one round."""


EQUAL = Workload("64 bytes", (64, 64), 20_000)
MIXED = Workload("32 to 96 bytes", (32, 96), 20_000)
SMALL = (
    EQUAL,
    MIXED,
    Workload("1 KiB", (1024, 1024), 5_000),
    Workload("512 to 1536 bytes", (512, 1536), 5_000),
    Workload("64 bytes, one in each chunk", (64, 64), 10_000, chunk=None),
)

_LENGTH = LengthPrefixed(4)
_LONG = evolve(_LENGTH, max_frame=16 * MIB)
_CRLF = Delimited(b"\r\n")

LENGTH_PREFIX = Family(
    "Length prefix, 4 bytes big endian",
    _LENGTH,
    "Int32StringReceiver",
    {
        "tcpcomm decoder": bare(_LENGTH),
        "tcpcomm protocol": session(_LENGTH),
        "Int32StringReceiver": stock(Int32StringReceiver, "stringReceived"),
        "asyncio readexactly": streams(_read_lengths),
    },
    SMALL,
)
DELIMITERS = Family(
    "Lines that end with CR LF",
    _CRLF,
    "LineReceiver",
    {
        "tcpcomm decoder, Delimited": bare(_CRLF),
        "tcpcomm protocol, Delimited": session(_CRLF),
        "tcpcomm decoder, Lines": bare(Lines()),
        "tcpcomm protocol, Lines": session(Lines()),
        "LineReceiver": stock(LineReceiver, "lineReceived"),
        "LineOnlyReceiver": stock(LineOnlyReceiver, "lineReceived"),
        "asyncio readuntil": streams(_read_lines),
    },
    SMALL,
)
NETSTRINGS = Family(
    "Netstrings",
    Netstring(),
    "NetstringReceiver",
    {
        "tcpcomm decoder": bare(Netstring()),
        "tcpcomm protocol": session(Netstring()),
        "NetstringReceiver": stock(NetstringReceiver, "stringReceived"),
    },
    SMALL,
)
LARGE = Family(
    "One large frame in chunks of 1460 bytes",
    _LONG,
    "Int32StringReceiver",
    {
        "tcpcomm decoder": bare(_LONG),
        "tcpcomm protocol": session(_LONG),
        "Int32StringReceiver": stock(Int32StringReceiver, "stringReceived", limit=16 * MIB),
        "asyncio readexactly": streams(_read_lengths),
    },
    (
        Workload("1 MiB", (MIB, MIB), 1, chunk=SEGMENT),
        Workload("16 MiB", (16 * MIB, 16 * MIB), 1, chunk=SEGMENT),
    ),
    once=("Int32StringReceiver",),
)
FAMILIES = (LENGTH_PREFIX, DELIMITERS, NETSTRINGS, LARGE)


# -- the measurement --------------------------------------------------------------------------------------


class _User:
    def take(self, frame: bytes) -> None:
        """Do nothing: the least that a user's method can cost."""


def cpu_per_frame(drive: Drive, chunks: Sequence[bytes], frames: int) -> float:
    """Return the CPU time of one frame, in nanoseconds."""
    take = _User().take
    gc.collect()
    began = time.process_time_ns()
    drive(chunks, take)
    return (time.process_time_ns() - began) / frames


@frozen
class DecodeResults:
    """All results without sockets."""

    rounds: int
    figures: Mapping[str, Mapping[str, Mapping[str, Series]]]
    """CPU nanoseconds per frame: by family's title, then workload's title, then peer's name."""

    def ratio(self, family: Family, workload: Workload, peer: str, baseline: str) -> float:
        """Return how many times the peer's CPU time the baseline takes."""
        figures = self.figures[family.title][workload.title]
        return figures[baseline].over(figures[peer])


def measure_decode(*, rounds: int, shrink: int = 1, progress: Callable[[str], None]) -> DecodeResults:
    """
    Measure every family.

    Args:
        rounds: rounds of each decoder with each workload.
        shrink: divides the number of frames, and the size of the large one, for a quick look.
        progress: called with a text at each step.
    """
    figures = {}
    for family in FAMILIES:
        progress(f"decode: {family.title}, {rounds} rounds of {len(family.peers)} decoders")
        figures[family.title] = {
            workload.title: _measure(family, _shrunk(workload, shrink), rounds)
            for workload in family.workloads
        }
    return DecodeResults(rounds, figures)


def _shrunk(workload: Workload, shrink: int) -> Workload:
    if workload.frames == 1:
        return evolve(workload, sizes=(workload.sizes[0] // shrink, workload.sizes[1] // shrink))
    return evolve(workload, frames=workload.frames // shrink)


def _measure(family: Family, workload: Workload, rounds: int) -> dict[str, Series]:
    payloads = workload.payloads()
    chunks = workload.chunks(family.framing, payloads)
    for name, drive in family.peers.items():
        if name not in family.once:
            delivered: list[bytes] = []
            drive(chunks, delivered.append)  # also warms up
            if delivered != payloads:
                raise BenchmarkFailed(f"{name} delivered other frames than were sent")
    runs = {
        name: partial(cpu_per_frame, drive, chunks, len(payloads)) for name, drive in family.peers.items()
    }
    results = interleaved(runs, rounds=rounds, once=family.once)
    return {name: Series(values) for name, values in results.items()}
