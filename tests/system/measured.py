"""Equipment for ``--app`` that reports its own cost, for the load figures."""

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
    A protocol that answers ``PING``, ``MEMORY`` and ``OPEN``, and anything else with itself.

    The reply to ``MEMORY`` is the bytes of all Python objects; the program must then run with
    ``PYTHONTRACEMALLOC=1``. The reply to ``OPEN`` is ``OPENED`` if a handler can open a file, else the
    error.
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
    """An echo server in stock Twisted, as its documentation shows it."""

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
