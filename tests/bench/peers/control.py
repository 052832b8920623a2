"""The shared part of all peers in Python: they print their port and CPU time, and end with their input."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Coroutine
from threading import Thread
from typing import Any

__all__ = ["report_port", "run_asyncio", "serve_made", "serve_reactor"]


def report_port(port: int) -> None:
    """Print the port; from now on answer each line of input with the CPU seconds of this process."""
    print(port, flush=True)
    Thread(target=_answer, daemon=True).start()


def _answer() -> None:
    for _ in sys.stdin:
        print(f"{time.process_time():.9f}", flush=True)
    os._exit(0)  # whatever the event loop does: nobody needs this server now


def serve_reactor(factory: Any) -> None:
    """Serve a Twisted factory: ``--at-once``, ``--native`` on uvloop, or Twisted's own transports."""
    serve_made(lambda: factory)


def serve_made(make: Callable[[], Any]) -> None:
    """Serve the factory that this function makes after the reactor is chosen."""
    if "--native" in sys.argv[1:]:
        from tcpcomm.transports import uvloop_reactor

        uvloop_reactor.install()
    from twisted.internet import reactor

    loop: Any = reactor
    if "--at-once" in sys.argv[1:]:
        from tcpcomm.transports import AtOnce

        loop = AtOnce(reactor)
    port = loop.listenTCP(0, make(), backlog=1024, interface="127.0.0.1")
    loop.callWhenRunning(report_port, port.getHost().port)
    loop.run()


def run_asyncio(make_server: Callable[[], Coroutine[Any, Any, asyncio.Server]]) -> None:
    """Serve on asyncio's own event loop, or with ``--uvloop`` on uvloop."""

    async def serve() -> None:
        server = await make_server()
        report_port(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    if "--uvloop" in sys.argv[1:]:
        import uvloop

        uvloop.run(serve())
    else:
        asyncio.run(serve())
