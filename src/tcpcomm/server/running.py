"""Run services in a program of their own, without twistd: :func:`run`."""

from __future__ import annotations

import re
import sys
from typing import Any, Final, Protocol

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
)
from zope.interface import implementer

from tcpcomm.errors import ConfigurationError
from tcpcomm.runtime.log_writer import plain_writer, stream_writer
from tcpcomm.runtime.logs import LineObserver, text_line
from tcpcomm.runtime.monotonic_time import the_reactor
from tcpcomm.server.service import CannotListen


class Face(Protocol):
    """Takes the terminal while the reactor runs."""

    def run(self) -> None:
        """Run the reactor until it ends."""

    def write(self, text: str) -> None:
        """Show lines of the log. It is called in any thread."""


_PORT_MESSAGE: Final = re.compile(r"\S+ starting on \S+|\(.* Port .* Closed\)")


def run(*services: Service, reactor: Any = None) -> None:
    """
    Run services until Ctrl-C or SIGTERM, with the log on standard error, and stop them in order.

    Args:
        services: services that :func:`~tcpcomm.serve` made, or any Twisted services.
        reactor: the reactor, if it is not the usual one.

    Raises:
        SystemExit: a service cannot start for a reason outside the program, for example because its port is
            in use. The script ends with that reason as its last line, and with the exit code 1. No service
            keeps running. Other exceptions of a start are raised unchanged.
    """
    try:
        run_until_stopped(*services, reactor=reactor)
    except (CannotListen, ConfigurationError) as error:
        raise SystemExit(str(error)) from error


def run_until_stopped(*services: Service, reactor: Any = None, face: Face | None = None) -> None:
    """
    Do the same as :func:`run`, but raise the errors of a start unchanged.

    Args:
        services: the services.
        reactor: the reactor, if it is not the usual one.
        face: runs the reactor and gets the lines of the log, in place of standard error.
    """
    reactor = the_reactor(reactor)
    write = face.write if face is not None else stream_writer(sys.stderr) or plain_writer(sys.stderr)
    # Debug lines would hide the others: a link writes one each time that it tries to connect.
    lines = LineObserver(text_line, write)
    log_observer = FilteringLogObserver(lines, [LogLevelFilterPredicate(LogLevel.info), _WithoutPorts()])
    globalLogBeginner.beginLoggingTo([log_observer], redirectStandardIO=False)
    started: list[Service] = []
    errors: list[Exception] = []

    def start() -> None:
        # The reactor handles signals now. Before, Ctrl-C raises an exception anywhere in the program.
        try:
            for each in services:
                each.privilegedStartService()
                each.startService()
                started.append(each)
        except Exception as error:
            errors.append(error)
            reactor.stop()

    reactor.callWhenRunning(start)
    reactor.addSystemEventTrigger(
        "before", "shutdown", lambda: DeferredList([maybeDeferred(each.stopService) for each in started])
    )
    if face is None:
        reactor.run()
    else:
        face.run()
    lines.finish()
    if errors:
        raise errors[0]


@implementer(ILogFilterPredicate)
class _WithoutPorts:
    """Drops the log lines of Twisted's ports, because a service logs where it listens, and for what."""

    def __call__(self, event: LogEvent) -> Any:
        text = event.get("log_text", "") if event.get("log_namespace") == "log_legacy" else ""
        return PredicateResult.no if _PORT_MESSAGE.fullmatch(text) else PredicateResult.maybe
