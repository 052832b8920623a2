"""An echo server with tcpcomm; its handler takes all frames that came together."""

from __future__ import annotations

from tcpcomm import FrameFactory, LengthPrefixedProtocol
from tests.bench.peers.control import serve_reactor


class Echo(LengthPrefixedProtocol):
    def framesReceived(self, frames: list[bytes]) -> None:
        self.sendFrames(frames)


if __name__ == "__main__":
    serve_reactor(FrameFactory(Echo, max_sessions=10_000, max_sessions_per_address=None))
