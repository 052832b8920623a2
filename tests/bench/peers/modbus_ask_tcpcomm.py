"""Read ten registers with tcpcomm's proxy; ``--native`` on uvloop, or on Twisted's own transports."""

from __future__ import annotations

import sys
from typing import Any

from twisted.internet import task

from tcpcomm import link_of, remote
from tests.bench.peers.asking import measure_requests
from tests.bench.peers.modbus_tcpcomm import Device


async def main(reactor: Any, port: str, count: str, *_: str) -> None:
    scheme = "native" if "--native" in sys.argv else "tcp"
    device = remote(Device, at=f"{scheme}:127.0.0.1:{port}", reactor=reactor)

    async def ask() -> object:
        return await device.read_holding(0, 10)  # type: ignore[misc]

    await measure_requests(ask, int(count), list(range(100, 110)))
    await link_of(device).stopService()


if __name__ == "__main__":
    if "--native" in sys.argv:
        from tcpcomm.transports import uvloop_reactor

        uvloop_reactor.install()
    task.react(main, sys.argv[1:])
