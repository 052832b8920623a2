"""
Peers that make a program log, in a process of their own.

::

    python -m tests.system.log_volume.peers BEHAVIOUR PORT SECONDS
    python -m tests.system.log_volume.peers links SECONDS

It prints how often the peers gave a cause for a line of the log. With ``links`` it first prints the ports
on which it waits for links.
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Thread
from time import monotonic
from typing import Final

from tests.system.running import DEADLINE

__all__ = ["BEHAVIOURS", "PEERS"]

PEERS: Final = 4
BATCH: Final = 50

_LINES: Final = {
    "fail": b"FAIL,1\r\n",
    "deep": b"DEEP,1\r\n",
    "log": b"LOG,1\r\n",
    "unknown": b"WHAT,\x1b[2J\r\n",
    "long": b"x" * 1000 + b"\r\n",
    "no text": b"\xff\xfe\r\n",
}
"""Lines that are sent without end, by the name of the behaviour."""

BEHAVIOURS: Final = {
    "fail": "commands whose handler fails, with a forged line in the error",
    "deep": "commands whose handler fails by endless recursion",
    "log": "commands whose handler logs and prints each of them",
    "unknown": "unknown commands, with control characters",
    "long": "lines that are too long",
    "no text": "lines that are not text",
    "storm": "connections that end at once",
    "half": "connections that are reset in the middle of a line",
    "refused": "connections from a network that is not allowed",
    "mixed": "each peer does one of the first three, and the fourth connects",
    "links": "equipment that sends four links what nobody asked for",
}
"""What the peers do, by name."""


def _flood(connection: socket.socket, line: bytes, until: float) -> int:
    """Send a line again and again, and drop the replies. Return the number of lines."""
    count = 0
    connection.setblocking(False)
    data = line * BATCH
    rest = b""
    while monotonic() < until:
        try:
            with suppress(BlockingIOError):
                while connection.recv(1024 * 1024):
                    pass
                return count  # the peer has closed
            rest = rest or data
            with suppress(BlockingIOError):
                rest = rest[connection.send(rest) :]
                count += 0 if rest else BATCH
        except OSError:  # the peer has reset the connection
            return count
    return count


def _connected(port: int, line: bytes, until: float) -> int:
    """Flood, and connect again if the server closes."""
    count = 0
    while monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            count += _flood(connection, line, until)
    return count


def _storm(port: int, until: float, *, half: bool = False) -> int:
    """Connect and end, again and again. Return the number of connections."""
    count = 0
    while monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            count += 1
            if half:
                connection.sendall(b"FAI")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return count


def _accepting(listening: socket.socket, seconds: float) -> int:
    """Flood the links that come, for so many seconds from the first on: its program may start slowly."""
    count, until = 0, monotonic() + DEADLINE
    listening.settimeout(DEADLINE)
    while monotonic() < until:
        with suppress(OSError):
            connection, _ = listening.accept()
            until = min(until, monotonic() + seconds)
            listening.settimeout(1.0)
            with connection:
                count += _flood(connection, b"nobody asked for this\x1b\r\n", until)
    return count


def _work(behaviour: str, port: int, until: float) -> list[Callable[[], int]]:
    if behaviour in _LINES:
        return [partial(_connected, port, _LINES[behaviour], until)] * PEERS
    if behaviour == "mixed":
        floods = [partial(_connected, port, _LINES[each], until) for each in ("fail", "deep", "log")]
        return [*floods, partial(_storm, port, until)]
    return [partial(_storm, port, until, half=behaviour == "half")] * PEERS


def main(behaviour: str, *words: str) -> None:
    """Play the peers, and print the number of causes."""
    seconds = float(words[-1])
    if behaviour == "links":
        listening = [socket.create_server(("127.0.0.1", 0)) for _ in range(PEERS)]
        print(*(each.getsockname()[1] for each in listening), flush=True)
        work: list[Callable[[], int]] = [partial(_accepting, each, seconds) for each in listening]
    else:
        work = _work(behaviour, int(words[0]), monotonic() + seconds)
    counts: list[int] = []
    threads = [Thread(target=lambda each=each: counts.append(each())) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(sum(counts), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
