"""The programs whose wall clock is set. Each prints ``ready``, and ends when its standard input ends."""

from __future__ import annotations

import sys
from typing import Any

from twisted.application.reactors import installReactor

__all__ = ["HEARTBEAT", "in_a_script", "link_and_servers"]

HEARTBEAT = (b"PING", b"PONG")
"""What a link sends, and what its peer answers."""


def link_and_servers() -> None:
    """
    Run a lan link and servers on a reactor.

    The arguments are the reactor's name, and the port to which the link connects.
    """
    name, port = sys.argv[1:]
    installReactor(name)
    from twisted.internet import reactor as _reactor

    from tcpcomm import FrameFactory, FrameProtocol, Heartbeat, Heartbeats, Limits, Link
    from tcpcomm.framing import Lines
    from tests.system.programs import end_with_stdin

    class Echo(FrameProtocol):
        framing = Lines()

        def frameReceived(self, frame: bytes) -> None:
            self.sendFrame(frame)

    reactor: Any = _reactor
    beat = Heartbeat(*HEARTBEAT)
    link = Link(connect=f"tcp:127.0.0.1:{port}", framing=Lines(), heartbeat=beat, policy="lan")
    reactor.callWhenRunning(link.startService)
    servers = {
        "watching": FrameFactory(Echo, heartbeats=Heartbeats(0.1, 0.3)),
        "idle": FrameFactory(Echo, limits=Limits(idle=0.3)),
        "partial": FrameFactory(Echo, limits=Limits(partial=0.3)),
        "patient": FrameFactory(Echo),
    }
    for server, factory in servers.items():
        listening = reactor.listenTCP(0, factory, interface="127.0.0.1")
        print(f"{server} listens on {listening.getHost().port}", flush=True)
    print("ready", flush=True)
    end_with_stdin(reactor)
    reactor.run()


def in_a_script() -> None:
    """Run a lan link without a reactor in sight; the argument is the port to which it connects."""
    from tcpcomm import Equipment, blocking, command
    from tcpcomm.codec import Template

    class Camera(Equipment):
        codec = Template()
        heartbeat = "ping"

        @command("PING", reply="PONG")
        def ping(self) -> None:
            """Show life."""

    (port,) = sys.argv[1:]
    camera = blocking.remote(Camera, at=f"tcp:127.0.0.1:{port}")
    print("ready", camera is not None, flush=True)
    sys.stdin.read()
