"""
A router in user space that loses, delays and reorders packets: it stands for netem.

It makes two TUN devices, which its parent moves into two network namespaces, and carries IP packets between
them. Each packet is lost or delayed on its own, so packets overtake each other, as with netem.
"""

from __future__ import annotations

import fcntl
import os
import selectors
import struct
import sys
import time
from heapq import heappop, heappush
from random import Random
from threading import Thread
from typing import Final

from tests.system.programs import report

TUNSETIFF: Final = 0x400454CA
IFF_TUN: Final = 0x0001
IFF_NO_PI: Final = 0x1000
LONGEST_PACKET: Final = 65536
REPORT_EVERY: Final = 1.0


def make_device(name: str) -> int:
    """Make a TUN device. Return the file descriptor through which its packets pass."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return descriptor


class Router:
    """
    Carries packets between two devices.

    Args:
        devices: their file descriptors.
        loss: the share of packets that are lost.
        delay: the mean delay, in seconds.
        jitter: the most seconds from the mean.
    """

    def __init__(self, devices: tuple[int, int], loss: float, delay: float, jitter: float) -> None:
        self._to = {devices[0]: devices[1], devices[1]: devices[0]}
        self._loss, self._delay, self._jitter = loss, delay, jitter
        self._random = Random(1)
        self._queue: list[tuple[float, int, int, bytes]] = []
        self._newest = dict.fromkeys(devices, 0)
        self.counts = {"packets": 0, "lost": 0, "overtaken": 0}

    def run(self) -> None:
        """Carry packets until the process ends."""
        selector = selectors.DefaultSelector()
        for device in self._to:
            selector.register(device, selectors.EVENT_READ)
        next_report = time.monotonic()
        while True:
            now = time.monotonic()
            if now >= next_report:
                report("packets", **self.counts)
                next_report = now + REPORT_EVERY
            due = min(self._queue[0][0] if self._queue else next_report, next_report)
            for key, _ in selector.select(max(0.0, due - now)):
                self._take(key.fd)
            self._send_due()

    def _take(self, device: int) -> None:
        while True:
            try:
                packet = os.read(device, LONGEST_PACKET)
            except BlockingIOError:
                return
            self.counts["packets"] += 1
            if self._random.random() < self._loss:
                self.counts["lost"] += 1
                continue
            at = time.monotonic() + self._delay + self._random.uniform(-self._jitter, self._jitter)
            heappush(self._queue, (at, self.counts["packets"], self._to[device], packet))

    def _send_due(self) -> None:
        while self._queue and self._queue[0][0] <= time.monotonic():
            _, number, device, packet = heappop(self._queue)
            if number < self._newest[device]:
                self.counts["overtaken"] += 1
            self._newest[device] = max(number, self._newest[device])
            try:
                os.write(device, packet)
            except OSError:  # the device is down, or full: this packet is lost, as on any network
                self.counts["lost"] += 1


def _end_with_stdin() -> None:
    sys.stdin.read()
    os._exit(0)


def main(first: str, second: str, loss: str, delay: str, jitter: str) -> None:
    """Route until standard input ends."""
    devices = make_device(first), make_device(second)
    Thread(target=_end_with_stdin, daemon=True).start()
    report("ready")
    Router(devices, float(loss), float(delay), float(jitter)).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
