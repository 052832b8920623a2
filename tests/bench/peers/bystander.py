"""
A link with the profile ``lan`` to the server at PORT: it prints "ready", and each state that follows.

After SECONDS it prints "over", and ends.
"""

from __future__ import annotations

import sys
from typing import Any

from twisted.internet import reactor

from tcpcomm import Heartbeat, Link
from tcpcomm.framing import Delimited
from tcpcomm.link.states import LinkState

loop: Any = reactor


def _over() -> None:
    print("over", flush=True)
    loop.stop()


def _told(state: LinkState, reason: str) -> None:
    if state is LinkState.READY:
        print("ready", flush=True)
    elif state not in (LinkState.CONNECTING, LinkState.HANDSHAKING):
        print(f"{state.name}: {reason}", flush=True)


if __name__ == "__main__":
    link = Link(
        connect=f"tcp:127.0.0.1:{sys.argv[1]}",
        framing=Delimited(b"\n"),
        heartbeat=Heartbeat(b"PING", b"PONG"),
        policy="lan",
        reactor=loop,
    )
    link.observe(_told)
    loop.callWhenRunning(link.startService)
    loop.callLater(float(sys.argv[2]), _over)
    loop.run()
