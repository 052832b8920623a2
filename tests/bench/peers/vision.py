"""
A camera whose commands take about 1 ms of work: ``FIND`` in numpy, ``COUNT`` in plain Python.

``--thread`` marks its handlers with ``@in_thread``. ``--processes N`` starts N processes that serve one
port: with ``--share inherited`` they inherit one listening socket, with ``--share port`` each has its own,
with SO_REUSEPORT. The first process then only starts them, and adds up their CPU seconds.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy: one thread for each of its calls

import argparse
import socket
import subprocess
import sys
from typing import Any

import numpy as np
from attrs import frozen
from twisted.internet import reactor

from tcpcomm import Equipment, command, in_thread
from tcpcomm.codec import Template
from tcpcomm.framing import Delimited
from tcpcomm.server.serving import EquipmentFactory
from tcpcomm.transports import AtOnce
from tests.bench.peers.control import report_port

SIZE = 224
PART = 24
READINGS = 15_000
PLACES = 20


@frozen
class Place:
    x: int
    y: int


class Vision(Equipment):
    framing = Delimited(b"\r\n")
    codec = Template()

    @command("FIND,{job}", reply="AT,{x},{y}")
    def find(self, job: int) -> Place:
        raise NotImplementedError

    @command("COUNT,{job}", reply="N,{number}")
    def count(self, job: int) -> int:
        raise NotImplementedError


class Camera(Vision):
    """Finds one part in an image by correlation, and counts readings above a threshold."""

    def __init__(self) -> None:
        pattern = np.random.default_rng(1).random((PART, PART), dtype=np.float32)
        pattern -= pattern.mean()
        whole = np.zeros((SIZE, SIZE), dtype=np.float32)
        whole[:PART, :PART] = pattern
        self._spectrum = np.conj(np.fft.rfft2(whole))
        self._images = []
        for job in range(PLACES):
            image = np.zeros((SIZE, SIZE), dtype=np.float32)
            image[3 * job : 3 * job + PART, 2 * job : 2 * job + PART] = pattern
            self._images.append(image)

    def find(self, job: int) -> Place:
        matches = np.fft.irfft2(np.fft.rfft2(self._images[job]) * self._spectrum)
        y, x = divmod(int(matches.argmax()), SIZE)
        return Place(x, y)

    def count(self, job: int) -> int:
        found = 0
        for reading in range(READINGS):
            if reading * job % 7 > 3:
                found += 1
        return found


class ThreadedCamera(Camera):
    """The same, in threads."""

    @in_thread
    def find(self, job: int) -> Place:  # type: ignore[override] # at runtime it may be either
        return super().find(job)

    @in_thread
    def count(self, job: int) -> int:  # type: ignore[override]
        return super().count(job)


def _listening(shared: bool = False) -> socket.socket:
    """Return a socket at a free port; one whose port is shared listens in the processes that share it."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT if shared else socket.SO_REUSEADDR, 1)
    found.bind(("127.0.0.1", 0))
    if not shared:
        found.listen(1024)
    return found


def _serve(camera: Camera, found: socket.socket) -> None:
    loop: Any = reactor
    factory = EquipmentFactory(camera, max_sessions_per_address=None)
    found.setblocking(False)
    AtOnce(reactor).adoptStreamPort(found.fileno(), socket.AF_INET, factory)
    loop.callWhenRunning(report_port, found.getsockname()[1])
    loop.run()


def _start_others(count: int, share: str) -> None:
    """Start processes that share a port; add up their CPU seconds until the input ends."""
    found = _listening(share == "port")
    port = found.getsockname()[1]
    command_line = [sys.executable, "-m", "tests.bench.peers.vision"]
    command_line += ["--port", str(port)] if share == "port" else ["--socket", str(found.fileno())]
    others = [
        subprocess.Popen(
            command_line,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=[found.fileno()],
        )
        for _ in range(count)
    ]
    pipes = [(each.stdin, each.stdout) for each in others]
    for _, output in pipes:
        assert output is not None
        output.readline()
    print(port, flush=True)
    for line in sys.stdin:
        seconds = []
        for to, output in pipes:
            assert to is not None
            assert output is not None
            to.write(line)
            to.flush()
            seconds.append(float(output.readline()))
        print(sum(seconds), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--thread", action="store_true")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--share", choices=("port", "inherited"))
    parser.add_argument("--port", type=int)
    parser.add_argument("--socket", type=int)
    arguments = parser.parse_args()
    if arguments.processes > 1:
        _start_others(arguments.processes, arguments.share)
        return
    if arguments.socket is not None:
        found = socket.socket(fileno=arguments.socket)
    elif arguments.port is not None:
        found = socket.socket()
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        found.bind(("127.0.0.1", arguments.port))
        found.listen(1024)
    else:
        found = _listening()
    _serve(ThreadedCamera() if arguments.thread else Camera(), found)


if __name__ == "__main__":
    main()
