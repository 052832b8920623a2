"""Protocols for ``--app`` that the tests in this folder serve."""

from __future__ import annotations

import os
from typing import Any, Final, cast

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from tcpcomm import FrameFactory, FrameProtocol
from tcpcomm.framing import Lines
from tcpcomm.server.echo import EchoFactory, EchoProtocol
from tcpcomm.session.limits import Limits

__all__ = [
    "Bulk",
    "DiesFactory",
    "HastyFactory",
    "ImpatientFactory",
    "Late",
    "PatientBulkFactory",
    "PatientEchoFactory",
    "ProcessNumberFactory",
    "WaitingFactory",
]

PATIENCE: Final = 60.0
"""Seconds that a patient server drains; long enough for a busy machine."""


class Impatient(EchoProtocol):
    """The echo protocol with short time limits."""

    limits = Limits(partial=0.5, stall=0.5)


class ImpatientFactory(EchoFactory):
    """The echo server with short time limits."""

    protocol = Impatient


class Waiting(EchoProtocol):
    """The echo protocol for peers that send the rest of a frame within two seconds."""

    limits = Limits(partial=2.0)


class WaitingFactory(EchoFactory):
    """The echo server for peers that send the rest of a frame within two seconds."""

    protocol = Waiting


class Hasty(EchoProtocol):
    """The echo protocol with a short time limit for peers that do not read."""

    limits = Limits(stall=0.5)


class HastyFactory(EchoFactory):
    """The echo server for peers that read."""

    protocol = Hasty


class Bulk(FrameProtocol):
    """A protocol that answers a number with this many bytes, and lets them wait."""

    framing = Lines()
    limits = Limits(unread_abort=64 * 1024 * 1024, stall=60)

    def frameReceived(self, frame: bytes) -> None:
        self.sendBytes(bytes(int(frame)))
        self.log.info("{peer}: {size} bytes sent", peer=self.peer, size=int(frame))

    def sessionLost(self, reason: str) -> None:
        self.log.info("{peer}: lost: {reason}", peer=self.peer, reason=reason)


class Patient(FrameFactory):
    """A factory that drains for as long as a busy machine may need, and not for 5 s only."""

    def drain(self, grace: float = 5.0, reason: str = "the server is stopping") -> Deferred[None]:
        return super().drain(PATIENCE, reason)


class PatientBulkFactory(Patient):
    """A server of :class:`Bulk` that waits for a reader whose machine stood still."""

    protocol = Bulk


class PatientEchoFactory(Patient, EchoFactory):
    """The echo server that aborts no session because its machine stood still."""


class Late(FrameProtocol):
    """A protocol that answers a line after a delay, like equipment that must first take a picture."""

    framing = Lines(send=b"\n")

    async def frameReceived(self, frame: bytes) -> None:
        await deferLater(cast("Any", reactor), 0.2)
        self.sendFrame(b"OK " + frame)


class ProcessNumber(FrameProtocol):
    """A protocol that answers each line with the number of its process."""

    framing = Lines()

    def frameReceived(self, frame: bytes) -> None:
        self.sendFrame(b"%d" % os.getpid())


class ProcessNumberFactory(FrameFactory):
    """A server of :class:`ProcessNumber`."""

    protocol = ProcessNumber


class DiesFactory(FrameFactory):
    """A server whose process dies when it is made."""

    def __init__(self, **_options: Any) -> None:
        os._exit(7)
