"""
The logger for all events that a peer can cause: :class:`BoundedLogger`.

A peer must not fill the disk, hide other events, or write what it likes into a log or on a terminal.

A plain script sets up no log of Twisted. Then the events go to Python's :mod:`logging`, by the name
``tcpcomm``. If the script set up none there either, warnings and errors are lines on standard error, as
those of ``logging`` itself would be. Critical events, such as a handler that fails, have their traceback.
Twisted shows them on standard error, so ``logging`` gets them only if it writes to another place, too.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Hashable
from functools import lru_cache
from time import monotonic
from typing import Any, Final

from twisted.logger import Logger, LogLevel, formatEvent, globalLogBeginner, globalLogPublisher
from twisted.python.failure import Failure

from tcpcomm.runtime.log_budget import LogBudget
from tcpcomm.runtime.log_writer import LogWriter, plain_writer, stream_writer
from tcpcomm.runtime.safe_text import one_line

LOG_BURST: Final = 500
"""Lines about one kind of event of tcpcomm at once, in any program. Then ``LOG_RATE`` holds."""

LOG_RATE: Final = 10.0
"""Lines a second about one kind of event, after ``LOG_BURST``. The next line counts those between."""

TRACEBACK_COST: Final = 10
"""Lines for which a line with a traceback counts. It has as many lines."""

_CAUSES: Final = ("link", "command", "handler", "event", "observer", "protocol")
"""Values that tell kinds of events apart. They come from the program; no peer can make up new ones."""

LEFT_OUT_BEFORE: Final = " ({left_out} more of this kind before it were not logged)"
"""The end of a line whose kind of event was left out before."""

peer_events: Final = LogBudget(LOG_BURST, LOG_RATE)
"""The budget of all loggers of this process. Its costs are lines."""


python_log: Final = logging.getLogger("tcpcomm")
"""Gets the events of a program that set up no log of Twisted. Its level and its handlers count."""

_SHOWN_LINES: Final = 40
"""Lines of a traceback that Python's logging gets: the last ones, which have the error."""

_PYTHON_LEVELS: Final = {
    LogLevel.debug: logging.DEBUG,
    LogLevel.info: logging.INFO,
    LogLevel.warn: logging.WARNING,
    LogLevel.error: logging.ERROR,
    LogLevel.critical: logging.CRITICAL,
}
"""The levels of Python's logging."""


class BoundedLogger(Logger):
    """
    A Logger that limits how often an event of one kind is logged, and makes texts in it safe to show.

    Events are of one kind if they have the same format, and are about the same link, command or handler.
    The next line of a kind tells how many events were left out. A text is cut and made one line.
    """

    def emit(self, level: LogLevel, format: str | None = None, **values: Any) -> None:
        failure = values.get("log_failure")
        error = type(failure.value) if isinstance(failure, Failure) else None
        kind: Hashable = (self.namespace, format, error, *(values.get(name) for name in _CAUSES))
        left_out = peer_events.take(kind, monotonic())
        if left_out is None:
            return
        peer_events.charge(kind, 1 if failure is None else TRACEBACK_COST)
        for name, value in values.items():
            if type(value) is str:
                values[name] = one_line(value)
        if left_out:
            values.update(left_out=left_out, log_kind=(self.namespace, format))
            format = f"{format}{LEFT_OUT_BEFORE}"
        super().emit(level, format, **values)
        number = _PYTHON_LEVELS[level]
        if python_log.isEnabledFor(number) and not _has_log():
            text = one_line(formatEvent({**values, "log_format": format}))
            _tell_python(number, text if failure is None else f"{text}\n{_traceback(failure)}")


def _has_log() -> bool:
    """Return True if the program has set up a log of Twisted, or may still do so when its reactor runs."""
    reactor = sys.modules.get("twisted.internet.reactor")
    temporary = getattr(globalLogBeginner, "_temporaryObserver", None)  # None from when a log has begun
    if temporary is None or not getattr(reactor, "running", False):
        return True
    return any(each is not temporary for each in getattr(globalLogPublisher, "_observers", ()))


def _tell_python(level: int, text: str) -> None:
    if level == logging.CRITICAL and not _python_writes_elsewhere():
        return  # Twisted shows it on standard error
    if python_log.hasHandlers():
        python_log.log(level, "%s", text)
    elif level >= logging.WARNING and sys.stderr is not None:
        _last_resort().put(f"tcpcomm: {text}\n")


def _traceback(failure: Any) -> str:
    """Return the end of a traceback. No line of it can be taken for an event, because it is indented."""
    text = failure.getTraceback() if isinstance(failure, Failure) else str(failure)
    return "\n".join(f"    {one_line(each)}" for each in text.rstrip().splitlines()[-_SHOWN_LINES:])


def _python_writes_elsewhere() -> bool:
    """Return True if Python's logging writes to another place than standard error."""
    logger: logging.Logger | None = python_log
    while logger is not None:
        for each in logger.handlers:
            if type(each) is not logging.StreamHandler or each.stream is not sys.stderr:
                return True
        logger = logger.parent if logger.propagate else None
    return False


@lru_cache(maxsize=1)
def _last_resort() -> LogWriter:
    """Return the writer for standard error. The handler of ``logging`` would block if nobody reads it."""
    return LogWriter(stream_writer(sys.stderr) or plain_writer(sys.stderr))
