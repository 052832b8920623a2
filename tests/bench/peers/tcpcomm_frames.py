"""An echo server with tcpcomm, as its users write it: one frame in, one frame out."""

from __future__ import annotations

import sys
from typing import Any

from tcpcomm import FrameFactory, LengthPrefixedProtocol, Recorder, SessionObserver
from tests.bench.peers.control import serve_reactor


class Echo(LengthPrefixedProtocol):
    def frameReceived(self, frame: bytes) -> None:
        self.sendFrame(frame)


if __name__ == "__main__":
    options: dict[str, Any] = {"max_sessions": 10_000, "max_sessions_per_address": None}
    if "--observed" in sys.argv:
        options["observers"] = [SessionObserver()]
    if "--record" in sys.argv:
        options["observers"] = [Recorder(sys.argv[sys.argv.index("--record") + 1])]
    if "--metrics" in sys.argv:
        from tcpcomm.plant import Metrics  # an optional package

        options["observers"] = [Metrics()]
    serve_reactor(FrameFactory(Echo, **options))
