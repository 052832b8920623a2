"""The time and the memory of a guess from 1 MiB: :func:`measured_streams`, each in a process of its own."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

from attrs import frozen

from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Capture, CapturedChunk, Side
from tests.conftest import ROOT
from tests.guess.cuts import CUTS, Cut
from tests.guess.families.every_family import family_named
from tests.guess.talk import Device, Exchange

__all__ = ["SIZE", "STREAMS", "Cost", "capture_of_size", "cost_of", "measured_streams"]

SIZE: Final = 1 << 20

STREAMS: Final = (
    ("modbus", "turn by turn"),
    ("slmp", "bulk"),
    ("camera-cr-lf", "turn by turn"),
    ("stx-etx-bcc", "pipelined"),
    ("xml", "bulk"),
    ("ber-pictures", "turn by turn"),
    ("private-check-and-tail", "turn by turn"),
    ("cobs", "pieces with pauses"),
    ("random", "turn by turn"),
    ("compressed", "bulk"),
    ("zeros", "chunks of 64 KiB"),
    ("zeros", "chunks of 16 KiB"),
    ("digits", "chunks of 64 KiB"),
    ("16 values", "chunks of 16 KiB"),
)
"""The families and the ways that are measured, and bytes without messages, such as those of a bitmap."""

_BYTES: Final[dict[str, Callable[[int], bytes]]] = {
    "zeros": bytes,
    "digits": lambda size: (b"0123456789" * (size // 10 + 1))[:size],
    "16 values": lambda size: bytes(Random("1 MiB").choices(range(16), k=size)),
}
_CHUNKS: Final = {"chunks of 16 KiB": 1 << 14, "chunks of 64 KiB": 1 << 16}
_PAUSE: Final = 0.01  # seconds

# The peak of getrusage would be that of the parent: a new process inherits it.
_PROGRAM: Final = """
import pickle, re, sys, time
from pathlib import Path
from tcpcomm.tools.guess.search import guess_framing
capture = pickle.load(open(sys.argv[1], "rb"))
began, used = time.perf_counter(), time.process_time()
guess = guess_framing(capture)
took, used = time.perf_counter() - began, time.process_time() - used
most = int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])
print(took, used, most, guess.verdict.value)
"""


@frozen
class Cost:
    """
    The cost of one guess.

    Attributes:
        seconds: the time that passed.
        cpu: the time of the processor in it.
        memory: the most memory of the whole process, in MiB; the interpreter and the capture are in it.
        verdict: how sure the answer was.
    """

    seconds: float
    cpu: float
    memory: float
    verdict: str


def capture_of_size(family: str, way: str, size: int = SIZE) -> Capture:
    """Return a capture of at least so many bytes."""
    if family in _BYTES:
        data, step = _BYTES[family](size), _CHUNKS[way]
        sides: tuple[Side, Side] = (OPENER, ANSWERER)
        chunks = (
            CapturedChunk(sides[number % 2], data[number * step :][:step], number * _PAUSE)
            for number in range(size // step)
        )
        return Capture(tuple(chunks), from_start=True)
    device: Device = family_named(family).device(1)
    cut: Cut = next(each for each in CUTS if each.name == way)
    made, talk, total = device.exchanges(Random("talk 1 MiB")), [], 0
    while total < size:
        exchange: Exchange = next(made)
        talk.append(exchange)
        total += sum(len(each.data) for each in exchange)
    return cut.capture(talk, "1 MiB")


def cost_of(capture: Capture, folder: Path) -> Cost:
    """Let a new process guess from a capture, and measure it."""
    path = folder / "capture"
    path.write_bytes(pickle.dumps(capture))
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(path)],
        env={**os.environ, "PYTHONPATH": os.environ.get("PYTHONPATH", str(ROOT / "src"))},
        capture_output=True,
        check=True,
        text=True,
    )
    seconds, cpu, memory, verdict = done.stdout.split()
    return Cost(float(seconds), float(cpu), float(memory) / 1024, verdict)


def measured_streams(streams: Sequence[tuple[str, str]] = STREAMS) -> Iterator[tuple[str, str, Cost]]:
    """Measure each stream."""
    with TemporaryDirectory() as folder:
        for family, way in streams:
            yield family, way, cost_of(capture_of_size(family, way), Path(folder))
