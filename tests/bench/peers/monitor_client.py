"""
A client of monitored equipment, or of its monitor: ``load PORT RATE``, ``probe PORT`` or ``page PORT``.

It prints ``ready`` when the first replies or rows came. The first line of its input begins the count, and
the second one ends it, and asks for the figures as JSON. Each client is a process, because threads of one
Python would wait for each other.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from threading import Thread
from typing import Any, Final

TICK: Final = 0.002
PAUSE: Final = 0.003
MOST_AT_ONCE: Final = 500


class Counted:
    """The figures since the count began."""

    def __init__(self) -> None:
        self.is_on = False
        self._is_ready = False
        self.frames = self.dropped = 0
        self.times: list[float] = []

    def ready(self) -> None:
        """Say that the connection works."""
        if not self._is_ready:
            self._is_ready = True
            print("ready", flush=True)

    def facts(self) -> dict[str, Any]:
        ordered = sorted(self.times) or [0.0]
        return {
            "frames": self.frames,
            "rows": len(self.times),
            "dropped": self.dropped,
            "p50": ordered[len(ordered) // 2],
            "p99": ordered[len(ordered) * 99 // 100],
        }


def connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=30.0)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def load(counted: Counted, port: int, rate: int) -> None:
    """Ask commands at half of the rate, because each has a reply."""
    connection = connect(port)
    began, asked, replies = time.perf_counter(), 0, 0
    while True:
        due = min(MOST_AT_ONCE, int((time.perf_counter() - began) * rate / 2) - asked)
        if due > 0:
            connection.sendall(b"".join(b"TRG,%d\r\n" % (asked + each) for each in range(due)))
            asked += due
            while replies < asked:
                replies += connection.recv(65536).count(b"\n")
            counted.ready()
            if counted.is_on:
                counted.frames += 2 * due
        time.sleep(TICK)


def probe(counted: Counted, port: int) -> None:
    """Ask one command after the other, and note the time of each round trip."""
    connection = connect(port)
    while True:
        began = time.perf_counter()
        connection.sendall(b"TRG,1\r\n")
        connection.recv(100)
        counted.ready()
        if counted.is_on:
            counted.times.append(time.perf_counter() - began)
        time.sleep(PAUSE)


def page(counted: Counted, port: int) -> None:
    """Read the stream of a page, and note the time from each frame until its row is here."""
    connection = connect(port)
    connection.sendall(b"GET /api/stream?history=0 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    for line in connection.makefile("rb"):
        if not line.startswith(b'data: {"t":'):
            continue
        counted.ready()
        if counted.is_on:
            batch, now = json.loads(line[6:]), time.time()
            counted.dropped += batch["dropped"]
            counted.times += [now - row[2] for row in batch["rows"]]


if __name__ == "__main__":
    kind, *numbers = sys.argv[1:]
    figures = Counted()
    work: Any = {"load": load, "probe": probe, "page": page}[kind]
    Thread(target=work, args=(figures, *map(int, numbers)), daemon=True).start()
    for _ in sys.stdin:
        if figures.is_on:
            print(json.dumps(figures.facts()), flush=True)
        else:
            print("counting", flush=True)
        figures.is_on = not figures.is_on
    os._exit(0)
