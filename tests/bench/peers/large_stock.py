"""Images with Twisted's own receiver."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.protocol import Factory
from twisted.protocols.basic import Int32StringReceiver

from tests.bench.large import ACKNOWLEDGED, LONGEST, SHORT
from tests.bench.peers.control import serve_reactor


class Images(Int32StringReceiver):
    MAX_LENGTH = LONGEST

    def connectionMade(self) -> None:
        cast("Any", self.transport).setTcpNoDelay(True)

    def stringReceived(self, string: bytes) -> None:
        asked = len(string) <= SHORT
        self.sendString(b"x" * int.from_bytes(string, "big") if asked else ACKNOWLEDGED)  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    serve_reactor(Factory.forProtocol(Images))
