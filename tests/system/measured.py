"""What the load figures are measured with: equipment for ``--app`` that tells what it costs."""

from __future__ import annotations

import gc
import tracemalloc
from pathlib import Path

from twisted.protocols.basic import Int32StringReceiver, LineReceiver

from tcpcomm import FrameProtocol
from tcpcomm.framing import Lines

__all__ = ["Equipment", "StockEcho", "StockEquipment"]


class Equipment(FrameProtocol):
    """
    Answers ``PING``, ``MEMORY`` and ``OPEN``, and anything else with itself.

    ``MEMORY`` is answered with the bytes of all Python objects, for which the program has to be started
    with ``PYTHONTRACEMALLOC=1``; ``OPEN`` with ``OPENED`` if a handler can open a file, else with why not.
    """

    framing = Lines()

    def frameReceived(self, frame: bytes) -> None:
        if frame == b"PING":
            self.sendFrame(b"PONG")
        elif frame == b"MEMORY":
            self.sendFrame(_memory())
        elif frame == b"OPEN":
            self.sendFrame(_open().encode())
        else:
            self.sendFrame(frame)


class StockEquipment(LineReceiver):
    """``PING`` and ``MEMORY`` in stock Twisted, without limits and timeouts."""

    def lineReceived(self, line: bytes) -> None:
        self.sendLine(_memory() if line == b"MEMORY" else b"PONG")  # type: ignore[no-untyped-call]


class StockEcho(Int32StringReceiver):
    """The same in stock Twisted, as its documentation shows it."""

    def stringReceived(self, string: bytes) -> None:
        self.sendString(string)  # type: ignore[no-untyped-call]


def _memory() -> bytes:
    gc.collect()
    return b"%d" % tracemalloc.get_traced_memory()[0]


def _open() -> str:
    try:
        with Path("/dev/null").open("rb"):
            return "OPENED"
    except OSError as error:
        return str(error.strerror)
