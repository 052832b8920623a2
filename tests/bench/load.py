"""
The load generator for machines without a C compiler: ``load.c`` in Python.

It has the same arguments, sends the same frames and prints the same lines. It is slower than a good server,
so that frames per second and latencies measure the generator. The server's CPU time per frame stays true.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from collections.abc import Sequence
from itertools import accumulate

WARM_UP = 64  # frames on each connection, and fewer if there are more connections
FEW = 100


class _Stream:
    """The frames of one cycle, repeated without end."""

    def __init__(self, cycle: Sequence[bytes], window: int) -> None:
        self._starts = [0, *accumulate(map(len, cycle))]
        self.length = self._starts[-1]
        needed = self.length + (window + 1) * max(map(len, cycle))
        self.data = b"".join(cycle) * (needed // self.length + 1)

    def start_of(self, frame: int) -> int:
        cycles, index = divmod(frame, len(self._starts) - 1)
        return cycles * self.length + self._starts[index]


def _echoed(sizes: Sequence[int]) -> list[bytes]:
    """Return frames for an echo server."""
    return [
        size.to_bytes(4, "big") + bytes([ord("a") + index % 26]) * size for index, size in enumerate(sizes)
    ]


class _Connection:
    def __init__(self, port: int, requests: _Stream, replies: _Stream, window: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self._requests = requests
        self._replies = replies
        self._window = window
        self.begin()

    def begin(self) -> None:
        self.received_frames = self._sent = self._received = 0
        self.sent_at = time.perf_counter()

    def send(self, frames: int) -> None:
        """
        Send as many frames as the window allows; bytes that the socket does not accept follow the next
        reply.
        """
        target = self._requests.start_of(min(self.received_frames + self._window, frames))
        start = self._sent % self._requests.length
        try:
            self._sent += self.socket.send(self._requests.data[start : start + target - self._sent])
        except BlockingIOError:
            return

    def receive(self) -> int:
        """Receive the available bytes; return the number of frames that they complete."""
        data = self.socket.recv(1 << 18)
        if not data:
            raise SystemExit("the server closed the connection")
        if self._received + len(data) > self._replies.start_of(self.received_frames + self._window):
            raise SystemExit("the server sent more than it was asked for")
        if not self._replies.data.startswith(data, self._received % self._replies.length):
            raise SystemExit("the server sent other bytes than expected")
        self._received += len(data)
        before = self.received_frames
        while self._replies.start_of(self.received_frames + 1) <= self._received:
            self.received_frames += 1
        return self.received_frames - before


def _run(
    connections: Sequence[_Connection], selector: selectors.BaseSelector, frames: int, deadline: float
) -> tuple[float, list[float]]:
    """Exchange this many frames on each connection; return the seconds, and each latency."""
    latencies = []
    began = time.perf_counter()
    for connection in connections:
        connection.begin()
        connection.send(frames)
    unfinished = len(connections)
    while unfinished:
        ready = selector.select(timeout=0.1)
        if time.monotonic() > deadline:
            raise SystemExit("the load took too long")
        for key, _ in ready:
            connection = key.data
            completed = connection.receive()
            now = time.perf_counter()
            if completed:
                latencies.append(now - connection.sent_at)
                connection.sent_at = now
            if completed and connection.received_frames == frames:
                unfinished -= 1
            else:
                connection.send(frames)
    return time.perf_counter() - began, latencies


def main(arguments: Sequence[str]) -> None:
    """Connect, warm up, wait for a line, send the load, and print the results."""
    port, count, window, frames = map(int, arguments[:4])
    deadline = time.monotonic() + float(arguments[4])
    if len(arguments) == 6:
        sizes = [int(size) for size in arguments[5].split(",")]
        requests = replies = _Stream(_echoed(sizes), window)
    else:
        texts = [bytes.fromhex(text) for text in arguments[5:]]
        requests, replies = _Stream(texts[::2], window), _Stream(texts[1::2], window)
    connections = [_Connection(port, requests, replies, window) for _ in range(count)]
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        warm_up = WARM_UP if count <= FEW else WARM_UP * FEW // count + 1
        _run(connections, selector, min(warm_up, frames), deadline)  # slow commands are few
        print("ready", flush=True)
        if not sys.stdin.readline():
            return
        seconds, latencies = _run(connections, selector, frames, deadline)
    result: dict[str, float] = {"frames": count * frames, "seconds": seconds}
    if window == 1:
        latencies.sort()
        result["p50"] = latencies[len(latencies) // 2] * 1e6
        result["p99"] = latencies[len(latencies) * 99 // 100] * 1e6
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1:])
