"""
Read ten registers with a proxy of tcpcomm: of a short declaration, or with ``--device`` of the ready one.

``--native`` does it on uvloop, else it is on Twisted's own transports.
"""

from __future__ import annotations

import sys
from typing import Any

from twisted.internet import task

from tcpcomm import link_of, remote
from tcpcomm.devices.modbus import Modbus
from tests.bench.peers.asking import measure_requests
from tests.bench.peers.modbus_tcpcomm import Device


async def main(reactor: Any, port: str, count: str, *_: str) -> None:
    at = f"{'native' if '--native' in sys.argv else 'tcp'}:127.0.0.1:{port}"
    proxy: Any = remote(Modbus if "--device" in sys.argv else Device, at=at, reactor=reactor)

    async def ask_plc() -> object:
        return await proxy.holding[0:10]

    async def ask_device() -> object:
        return await proxy.read_holding(0, 10)

    ask = ask_plc if "--device" in sys.argv else ask_device
    await measure_requests(ask, int(count), list(range(100, 110)))
    await link_of(proxy).stopService()


if __name__ == "__main__":
    if "--native" in sys.argv:
        from tcpcomm.transports import uvloop_reactor

        uvloop_reactor.install()
    task.react(main, sys.argv[1:])
