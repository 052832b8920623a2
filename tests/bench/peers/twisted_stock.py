"""Twisted's own receiver for this framing."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.protocol import Factory
from twisted.protocols.basic import Int32StringReceiver

from tests.bench.peers.control import serve_reactor


class Echo(Int32StringReceiver):
    def connectionMade(self) -> None:
        cast("Any", self.transport).setTcpNoDelay(True)

    def stringReceived(self, string: bytes) -> None:
        self.sendString(string)  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    serve_reactor(Factory.forProtocol(Echo))
