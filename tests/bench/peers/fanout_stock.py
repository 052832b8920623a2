"""An event to all sessions with Twisted, by hand: the frame is made once, and written to each transport."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.protocol import Factory
from twisted.protocols.basic import Int32StringReceiver

from tests.bench.peers.control import serve_reactor

_SESSIONS: set[Any] = set()


class Teller(Int32StringReceiver):
    def connectionMade(self) -> None:
        cast("Any", self.transport).setTcpNoDelay(True)
        _SESSIONS.add(self)

    def connectionLost(self, reason: object = None) -> None:
        _SESSIONS.discard(self)

    def stringReceived(self, string: bytes) -> None:
        for session in _SESSIONS:
            session.transport.write(b"\0\0\0\5ALM,7")


if __name__ == "__main__":
    serve_reactor(Factory.forProtocol(Teller))
