"""Declared equipment with a monitor, or with ``--alone`` without one. It prints both ports."""

from __future__ import annotations

import sys
from typing import Any

from tcpcomm import Equipment, Monitor, command
from tcpcomm.codec import Template
from tcpcomm.framing import Delimited
from tcpcomm.server.serving import EquipmentFactory
from tests.bench.peers.control import report_port


class Camera(Equipment):
    framing = Delimited(b"\r\n")
    codec = Template()

    @command("TRG,{job}", reply="OK,{x:.3f}")
    def locate(self, job: int) -> float:
        return job * 0.5


if __name__ == "__main__":
    from twisted.internet import reactor

    loop: Any = reactor
    monitor = None if "--alone" in sys.argv else Monitor(0)
    factory = EquipmentFactory(Camera(), observers=[] if monitor is None else [monitor])
    port = loop.listenTCP(0, factory, interface="127.0.0.1")
    if monitor is not None:
        monitor.listen()
    print(0 if monitor is None else monitor.port, flush=True)
    loop.callWhenRunning(report_port, port.getHost().port)
    loop.run()
