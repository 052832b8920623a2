"""The errors that Twisted logs during a test, as texts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogPublisher
from zope.interface import provider

from tcpcomm.runtime.bounded_logger import peer_events


@contextmanager
def logged_errors() -> Iterator[list[str]]:
    """Collect the errors that are logged inside the ``with`` block. Each text ends with the traceback."""
    errors: list[str] = []

    @provider(ILogObserver)
    def observe(event: LogEvent) -> None:
        if event.get("log_level", LogLevel.info) >= LogLevel.error:
            failure = event.get("log_failure")
            text = formatEvent(event)
            errors.append(text if failure is None else f"{text}\n{failure.getTraceback()}")

    globalLogPublisher.addObserver(observe)
    try:
        with peer_events.lifted():
            yield errors
    finally:
        globalLogPublisher.removeObserver(observe)
