"""
A gateway: it holds links to devices. Each client has a device of its own, and gets that device's replies.

``gateway PORT COUNT`` holds COUNT links to the echo server at PORT, which answers as these devices do: with
the request. It prints its own port when all links are up.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from itertools import cycle
from typing import Any

from twisted.internet import defer, reactor

from tcpcomm import Equipment, command, link_of, remote
from tcpcomm.codec import Template
from tcpcomm.framing import Delimited
from tcpcomm.server.serving import EquipmentFactory, per_session
from tcpcomm.transports import AtOnce
from tests.bench.peers.control import report_port


class Device(Equipment):
    framing = Delimited(b"\r\n")
    codec = Template()

    @command("READ,{value}", reply="READ,{value}")
    async def read(self, value: int) -> int:
        raise NotImplementedError


class Gateway(Device):
    def __init__(self, devices: Iterator[Device]) -> None:
        self._device = next(devices)

    async def read(self, value: int) -> int:
        return await self._device.read(value)


async def _serve(port: str, count: int) -> None:
    devices = [remote(Device, at=f"tcp:127.0.0.1:{port}", policy="fleet") for _ in range(count)]
    await defer.gatherResults([link_of(each).whenReady() for each in devices])
    factory = EquipmentFactory(per_session(Gateway, cycle(devices)), max_sessions_per_address=None)
    listening = AtOnce(reactor).listenTCP(0, factory, backlog=1024, interface="127.0.0.1")
    report_port(listening.getHost().port)


if __name__ == "__main__":
    loop: Any = reactor
    loop.callWhenRunning(
        lambda: defer.Deferred.fromCoroutine(_serve(sys.argv[1], int(sys.argv[2]))).addErrback(
            lambda failure: (failure.printTraceback(sys.stderr), os._exit(1))
        )
    )
    loop.run()
