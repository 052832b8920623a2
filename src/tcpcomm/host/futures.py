"""Futures of asyncio for Deferreds of tcpcomm: :func:`as_future`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable
from typing import Any, TypeVar

from twisted.internet.defer import ensureDeferred

from tcpcomm.errors import ConfigurationError

T = TypeVar("T")


def as_future(awaitable: Awaitable[T]) -> asyncio.Future[T]:
    """
    Turn a Deferred, or a coroutine that waits for Deferreds, into a future of the running asyncio loop.

    A coroutine of asyncio cannot await a Deferred. Cancelling the future cancels the Deferred.

    Args:
        awaitable: the result of a proxy's command, of ``whenReady`` or of ``stopService``.

    Raises:
        ConfigurationError: Twisted's reactor does not run on this loop, so the future would never be
            done.
        RuntimeError: no asyncio loop is running here.
    """
    loop = asyncio.get_running_loop()
    reactor: Any = sys.modules.get("twisted.internet.reactor")
    if getattr(reactor, "_asyncioEventloop", None) is not loop:
        raise ConfigurationError(
            "Twisted's reactor does not run on this asyncio loop: before anything else of Twisted is "
            "imported, call twisted.internet.asyncioreactor.install(loop)"
        )
    future: asyncio.Future[T] = ensureDeferred(awaitable).asFuture(loop)  # type: ignore[arg-type]
    return future
