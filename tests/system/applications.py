"""Protocols for ``--app`` that the tests in this folder serve."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet import reactor
from twisted.internet.task import deferLater

from tcpcomm import FrameProtocol
from tcpcomm.framing import Lines
from tcpcomm.server.echo import EchoFactory, EchoProtocol
from tcpcomm.session.limits import Limits

__all__ = ["Bulk", "ImpatientFactory", "Late"]


class Impatient(EchoProtocol):
    """The echo protocol with time limits for which a test can wait."""

    limits = Limits(partial=0.5, stall=0.5)


class ImpatientFactory(EchoFactory):
    """The echo/command server with short time limits."""

    protocol = Impatient


class Bulk(FrameProtocol):
    """Answers a number with so many bytes, and allows them to wait."""

    framing = Lines()
    limits = Limits(unread_abort=64 * 1024 * 1024, stall=60)

    def frameReceived(self, frame: bytes) -> None:
        self.sendBytes(bytes(int(frame)))
        self.log.info("{peer}: {size} bytes sent", peer=self.peer, size=int(frame))

    def sessionLost(self, reason: str) -> None:
        self.log.info("{peer}: lost: {reason}", peer=self.peer, reason=reason)


class Late(FrameProtocol):
    """Answers a line after a while, as equipment does that has to take a picture first."""

    framing = Lines(send=b"\n")

    async def frameReceived(self, frame: bytes) -> None:
        await deferLater(cast("Any", reactor), 0.2)
        self.sendFrame(b"OK " + frame)
