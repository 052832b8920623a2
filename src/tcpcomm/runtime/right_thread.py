"""
Advice for programs that mix Twisted with threads or asyncio: :func:`check_thread`, :func:`asyncio_advice`.
"""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Final

from twisted.python.threadable import isInIOThread

from tcpcomm.errors import ConfigurationError

_ASYNCIO_PROBLEMS: Final = ("no running event loop", "await wasn't used with future")
"""The texts of the RuntimeError that asyncio raises outside of its tasks."""


def check_thread(reactor: Any, called: str) -> None:
    """
    Raise ConfigurationError if a function was called where the reactor cannot serve it.

    That is another thread than that of the running reactor, or a thread with a running asyncio loop that is
    not the reactor's, as in Jupyter, because the reactor cannot run there.

    Args:
        reactor: the reactor, or a test's clock, for which nothing is checked.
        called: the name of the function, which is also in :mod:`tcpcomm.blocking`.
    """
    if not hasattr(reactor, "callFromThread"):
        return
    if getattr(reactor, "running", False):
        if not isInIOThread():
            here = threading.current_thread().name
            raise ConfigurationError(
                f"{called}() was called in the thread {here!r}, but the reactor runs in another one: use "
                f"tcpcomm.blocking.{called}, which works in every thread"
            )
        return
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return
    if getattr(reactor, "_asyncioEventloop", None) is not loop:
        raise ConfigurationError(
            f"{called}() was called where an asyncio loop runs, as in Jupyter, and Twisted's reactor does "
            f"not run on it: use tcpcomm.blocking.{called}, which works there, without await, or install "
            "Twisted's asyncioreactor on the loop first, as docs/howto/use-from-asyncio.md shows"
        )


def asyncio_advice(error: BaseException | None) -> str:
    """Return the advice for code that waited with asyncio where Twisted runs it; else an empty text."""
    if not isinstance(error, RuntimeError) or str(error) not in _ASYNCIO_PROBLEMS:
        return ""
    return (
        "; asyncio's functions, such as asyncio.sleep, do not work here: write "
        "await deferLater(reactor, 0.1), from twisted.internet.task"
    )
