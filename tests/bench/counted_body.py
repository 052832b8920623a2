"""
Pictures of 50 MiB behind a line of text, taken by a typed command: the rate beside that of ``recv_into``.

    python -m tests.bench.counted_body [ROUNDS]

Another process sends ``IMG 52428800`` and so many bytes for each ``GRAB``. They are received in turn by a
blocking socket with ``recv_into``, into a new buffer each time, and by a host of tcpcomm, as a
``memoryview`` and as ``bytes``, which are copied once more. It prints the medians, and the rates as parts
of that of ``recv_into``: at least 0.7 for a ``memoryview``.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from subprocess import PIPE, Popen
from typing import Final

from attrs import evolve
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import react

from tcpcomm import Equipment, FrameProtocol, command, remote
from tcpcomm.codec import Template
from tcpcomm.framing import CountedBody, Delimited

MIB: Final = 1024 * 1024
SIZE: Final = 50 * MIB

_SENDER: Final = """
import socket, sys
size = int(sys.argv[1])
image = b"IMG %d\\r\\n" % size + b"x" * size
with socket.create_server(("127.0.0.1", 0)) as listener:
    print(listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        with connection:
            while connection.recv(100):
                connection.sendall(image)
"""


class Camera(Equipment):
    """A camera that sends a picture behind a line with its size."""

    framing = Delimited(b"\r\n")
    reply_framing = CountedBody(b"IMG {count}", max_frame=SIZE + 100)
    codec = Template()

    @command("GRAB", reply="IMG {#image}\r\n{image:raw}", timeout=60.0)
    async def grab(self) -> memoryview:
        """Take a picture."""
        raise NotImplementedError

    @command("GRAB ", reply="IMG {#image}\r\n{image:raw}", timeout=60.0)
    async def grab_bytes(self) -> bytes:
        """Take a picture, and copy it out of its frame."""
        raise NotImplementedError


@contextmanager
def sender(size: int) -> Iterator[int]:
    """Run the process that sends pictures. Yield its port."""
    with Popen([sys.executable, "-c", _SENDER, str(size)], stdout=PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def by_recv_into(port: int, size: int, count: int) -> list[float]:
    """Receive pictures with a blocking socket. Return the seconds for each."""
    taken = []
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        for _ in range(count):
            began = time.perf_counter()
            connection.sendall(b"GRAB\r\n")
            line = b"IMG %d\r\n" % size
            assert line == connection.recv(len(line), socket.MSG_WAITALL)
            rest = memoryview(bytearray(size))
            while rest:
                rest = rest[connection.recv_into(rest) :]
            taken.append(time.perf_counter() - began)
    return taken


async def compare(_reactor: object, ports: tuple[int, int], rounds: int) -> None:
    """Receive pictures in turn, and print the rates."""
    limits = evolve(FrameProtocol.limits, partial=60.0)
    camera = remote(Camera, at=f"tcp:127.0.0.1:{ports[0]}", limits=limits)
    taken: dict[str, list[float]] = {"recv_into": [], "memoryview": [], "bytes": []}
    for _ in range(rounds):
        taken["recv_into"] += by_recv_into(ports[1], SIZE, 2)[1:]
        for name, grab in (("memoryview", camera.grab), ("bytes", camera.grab_bytes)):
            for _ in range(2):  # the first one warms the caches up
                began = time.perf_counter()
                image = await grab()
                seconds = time.perf_counter() - began
                assert SIZE == len(image)
                del image
            taken[name].append(seconds)
    plain = median(taken["recv_into"])
    for name, all_seconds in taken.items():
        middle = median(all_seconds)
        print(f"{name:11} {SIZE / MIB / middle:6.0f} MiB/s  {plain / middle:5.2f}")


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    with sender(SIZE) as one, sender(SIZE) as other:
        react(lambda reactor: ensureDeferred(compare(reactor, (one, other), count)))
