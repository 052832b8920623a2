"""Run services as a program of their own: :func:`run`, for scripts that are not started by twistd."""

from __future__ import annotations

import sys
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import DeferredList, maybeDeferred
from twisted.logger import (
    FilteringLogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    globalLogBeginner,
    textFileLogObserver,
)

__all__ = ["run"]


def run(*services: Service, reactor: Any = None) -> None:
    """
    Run services until Ctrl-C or SIGTERM, with the log on standard error; then let them stop in order.

    Args:
        services: what :func:`~tcpcomm.serve` made, or any of Twisted's services.
        reactor: the reactor, where it is not the usual one.

    Raises:
        TcpcommError: a service cannot start, as when its port is in use. None is left running.
    """
    if reactor is None:
        from twisted.internet import reactor  # noqa: PLC0415 - never at import time
    # What is less than news would bury it: a link says there each time that it tries to connect.
    news = FilteringLogObserver(textFileLogObserver(sys.stderr), [LogLevelFilterPredicate(LogLevel.info)])
    globalLogBeginner.beginLoggingTo([news], redirectStandardIO=False)
    started: list[Service] = []
    troubles: list[Exception] = []

    def start() -> None:
        # Only now are signals heeded: before, Ctrl-C is an exception wherever the program happens to be.
        try:
            for each in services:
                each.privilegedStartService()
                each.startService()
                started.append(each)
        except Exception as trouble:
            troubles.append(trouble)
            reactor.stop()

    reactor.callWhenRunning(start)
    reactor.addSystemEventTrigger(
        "before", "shutdown", lambda: DeferredList([maybeDeferred(each.stopService) for each in started])
    )
    reactor.run()
    if troubles:
        raise troubles[0]
