"""Images with tcpcomm: a short frame requests an image, a long one is an image and is acknowledged."""

from __future__ import annotations

from attrs import evolve

from tcpcomm import FrameFactory, FrameProtocol
from tcpcomm.framing import LengthPrefixed
from tests.bench.large import ACKNOWLEDGED, LONGEST, SHORT
from tests.bench.peers.control import serve_reactor


class Images(FrameProtocol):
    framing = LengthPrefixed(4, max_frame=LONGEST)
    limits = evolve(FrameProtocol.limits, partial=60.0)

    def frameReceived(self, frame: bytes) -> None:
        self.sendFrame(b"x" * int.from_bytes(frame, "big") if len(frame) <= SHORT else ACKNOWLEDGED)


if __name__ == "__main__":
    serve_reactor(FrameFactory(Images))
