"""A server beside floods, with Twisted's own receiver of lines."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineOnlyReceiver

from tests.bench.peers.control import serve_reactor
from tests.bench.peers.fair_by_hand import answer


class Server(LineOnlyReceiver):
    delimiter = b"\n"
    MAX_LENGTH = 2 * 1024 * 1024

    def connectionMade(self) -> None:
        cast("Any", self.transport).setTcpNoDelay(True)

    def lineReceived(self, line: bytes) -> None:
        self.sendLine(answer(line))  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    factory = Factory.forProtocol(Server)
    factory.noisy = False
    serve_reactor(factory)
