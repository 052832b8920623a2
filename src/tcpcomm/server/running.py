"""Run services as a program of their own: :func:`run`, for scripts that are not started by twistd."""

from __future__ import annotations

import re
import sys
from typing import Any, Final

from twisted.application.service import Service
from twisted.internet.defer import DeferredList, maybeDeferred
from twisted.logger import (
    FilteringLogObserver,
    ILogFilterPredicate,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    PredicateResult,
    globalLogBeginner,
    textFileLogObserver,
)
from zope.interface import implementer

from tcpcomm.errors import ConfigurationError
from tcpcomm.server.service import CannotListen

__all__ = ["run", "run_until_stopped"]

_OF_A_PORT: Final = re.compile(r"\S+ starting on \S+|\(.* Port .* Closed\)")


def run(*services: Service, reactor: Any = None) -> None:
    """
    Run services until Ctrl-C or SIGTERM, with the log on standard error; then let them stop in order.

    Args:
        services: what :func:`~tcpcomm.serve` made, or any of Twisted's services.
        reactor: the reactor, where it is not the usual one.

    Raises:
        SystemExit: a service cannot start for a reason outside of the program, as when its port is in use:
            uncaught, it ends the script with that reason as its last line, and with the exit code 1. None
            is left running. Any other exception of a service that starts is raised as it is.
    """
    try:
        run_until_stopped(*services, reactor=reactor)
    except (CannotListen, ConfigurationError) as trouble:
        raise SystemExit(str(trouble)) from trouble


def run_until_stopped(*services: Service, reactor: Any = None) -> None:
    """
    As :func:`run`, for programs that tell by themselves what is wrong.

    Raises:
        TcpcommError: a service cannot start, as when its port is in use. None is left running.
    """
    if reactor is None:
        from twisted.internet import reactor  # noqa: PLC0415 - never at import time
    # What is less than news would bury it: a link says there each time that it tries to connect.
    news = FilteringLogObserver(
        textFileLogObserver(sys.stderr), [LogLevelFilterPredicate(LogLevel.info), _WithoutPorts()]
    )
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


@implementer(ILogFilterPredicate)
class _WithoutPorts:
    """Drops what Twisted's ports log of themselves: a service tells where it listens, and for what."""

    def __call__(self, event: LogEvent) -> Any:
        text = event.get("log_text", "") if event.get("log_namespace") == "log_legacy" else ""
        return PredicateResult.no if _OF_A_PORT.fullmatch(text) else PredicateResult.maybe
