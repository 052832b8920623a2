"""
Many links in one process, each with heartbeats of the profile ``fleet``, to devices in another process.

``links serve`` is the devices. ``links PORT COUNT`` holds the links and prints "ready" when all are up. It
answers each line with its CPU seconds, and with ``--traced`` the bytes of all Python objects too.
"""

from __future__ import annotations

import json
import os
import sys
import time
import tracemalloc
from threading import Thread
from typing import Any

from twisted.internet import defer, reactor

from tcpcomm import Equipment, command, link_of, remote
from tcpcomm.codec import Template
from tcpcomm.server.serving import EquipmentFactory
from tests.bench.peers.control import serve_made


class Device(Equipment):
    codec = Template()
    heartbeat = "ping"

    @command("PING", reply="PONG")
    async def ping(self) -> None:
        return None


def _answer() -> None:
    for _ in sys.stdin:
        traced = tracemalloc.get_traced_memory()[0] if tracemalloc.is_tracing() else 0
        print(json.dumps({"cpu": time.process_time(), "memory": traced}), flush=True)
    os._exit(0)


async def _hold(port: str, count: int) -> None:
    traced = "--traced" in sys.argv
    first = remote(Device, at=f"tcp:127.0.0.1:{port}", policy="fleet")
    await link_of(first).whenReady()  # imports of the first link are not part of its cost
    if traced:
        tracemalloc.start()
    links: list[Any] = [
        link_of(remote(Device, at=f"tcp:127.0.0.1:{port}", policy="fleet")) for _ in range(count)
    ]
    await defer.gatherResults([link.whenReady() for link in links])
    print("ready", flush=True)
    Thread(target=_answer, daemon=True).start()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve_made(lambda: EquipmentFactory(Device(), max_sessions=10_000, max_sessions_per_address=None))
    else:
        loop: Any = reactor
        loop.callWhenRunning(
            lambda: defer.Deferred.fromCoroutine(_hold(sys.argv[1], int(sys.argv[2]))).addErrback(
                lambda failure: (failure.printTraceback(), os._exit(1))
            )
        )
        loop.run()
