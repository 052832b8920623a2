"""
Idle connections: each line of input is answered with the bytes of all Python objects.

The argument selects the kind of each connection: ``plain``, Twisted's own ``Protocol``; ``framed``, a
``FrameProtocol``; ``declared``, a session of equipment.
"""

from __future__ import annotations

import gc
import os
import sys
import tracemalloc
from threading import Thread
from typing import Any

from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol

from tcpcomm import FrameFactory, FrameProtocol
from tcpcomm.server.serving import EquipmentFactory
from tests.bench.peers.fanout_tcpcomm import LIMITS, Alarms


def _factory(kind: str) -> Any:
    if kind == "plain":
        return Factory.forProtocol(Protocol)
    if kind == "framed":
        return FrameFactory(FrameProtocol, **LIMITS)
    return EquipmentFactory(Alarms(), **LIMITS)


def _answer() -> None:
    for _ in sys.stdin:
        gc.collect()
        print(tracemalloc.get_traced_memory()[0], flush=True)
    os._exit(0)


if __name__ == "__main__":
    loop: Any = reactor
    factory = _factory(sys.argv[1])
    tracemalloc.start()
    port = loop.listenTCP(0, factory, backlog=1024, interface="127.0.0.1")
    print(port.getHost().port, flush=True)
    Thread(target=_answer, daemon=True).start()
    loop.run()
