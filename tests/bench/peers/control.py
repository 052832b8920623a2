"""What every peer in Python shares: it tells its port and its CPU time, and ends when it is told to."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Coroutine
from threading import Thread
from typing import Any

__all__ = ["run_asyncio", "serve_made", "serve_reactor", "tell"]


def tell(port: int) -> None:
    """Print the port; from now on answer each line of input with the CPU seconds of this process."""
    print(port, flush=True)
    Thread(target=_answer, daemon=True).start()


def _answer() -> None:
    for _ in sys.stdin:
        print(f"{time.process_time():.9f}", flush=True)
    os._exit(0)  # whatever the event loop is doing: nobody wants this server any more


def serve_reactor(factory: Any) -> None:
    """Serve a Twisted factory: ``--at-once``, or ``--native`` on uvloop, or as Twisted does by itself."""
    serve_made(lambda: factory)


def serve_made(make: Callable[[], Any]) -> None:
    """The same for a factory that wants to be made when the reactor has been chosen."""
    if "--native" in sys.argv[1:]:
        from tcpcomm.transports import uvloop_reactor

        uvloop_reactor.install()
    from twisted.internet import reactor

    loop: Any = reactor
    if "--at-once" in sys.argv[1:]:
        from tcpcomm.transports import AtOnce

        loop = AtOnce(reactor)
    port = loop.listenTCP(0, make(), backlog=1024, interface="127.0.0.1")
    loop.callWhenRunning(tell, port.getHost().port)
    loop.run()


def run_asyncio(make_server: Callable[[], Coroutine[Any, Any, asyncio.Server]]) -> None:
    """Serve on asyncio's own event loop, or with ``--uvloop`` on that one."""

    async def serve() -> None:
        server = await make_server()
        tell(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    if "--uvloop" in sys.argv[1:]:
        import uvloop

        uvloop.run(serve())
    else:
        asyncio.run(serve())
