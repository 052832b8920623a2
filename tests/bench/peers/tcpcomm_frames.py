"""tcpcomm, as its users write it: one frame in, one frame out."""

from __future__ import annotations

from tcpcomm import FrameFactory, LengthPrefixedProtocol
from tests.bench.peers.control import serve_reactor


class Echo(LengthPrefixedProtocol):
    def frameReceived(self, frame: bytes) -> None:
        self.sendFrame(frame)


if __name__ == "__main__":
    serve_reactor(FrameFactory(Echo, max_sessions=10_000, max_sessions_per_address=None))
