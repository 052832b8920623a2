"""The camera written by hand with Twisted: the words, the numbers, and the fault for bad ones."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineReceiver

from tests.bench.peers.control import serve_reactor


class Camera(LineReceiver):
    delimiter = b"\r\n"

    def connectionMade(self) -> None:
        cast("Any", self.transport).setTcpNoDelay(True)

    def lineReceived(self, line: bytes) -> None:
        word, _, rest = line.decode("ascii").partition(",")
        if word != "TRG":
            self.sendLine(b"NG,92,no such command")  # type: ignore[no-untyped-call]
            return
        try:
            job = int(rest)
        except ValueError:
            self.sendLine(b"NG,93,bad parameters")  # type: ignore[no-untyped-call]
            return
        x, y, angle = self.locate(job)
        self.sendLine(f"OK,{x:.3f},{y:.3f},{angle:.3f}".encode("ascii"))  # type: ignore[no-untyped-call]

    def locate(self, job: int) -> tuple[float, float, float]:
        return 1.0, 2.0, float(job)


if __name__ == "__main__":
    serve_reactor(Factory.forProtocol(Camera))
