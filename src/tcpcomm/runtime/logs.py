"""
Log events as lines, in text or in JSON for log collectors, and the observer that writes them.

Each event is one line. In text, the lines of a traceback follow it, and are indented. No line holds a
control character, so no peer can write a line of its own, or move the cursor of a terminal.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from time import monotonic, time
from typing import Any, Final

from twisted.logger import ILogObserver, LogLevel, formatEvent, formatTime
from twisted.python.failure import Failure
from zope.interface import implementer

from tcpcomm.runtime.bounded_logger import LEFT_OUT_BEFORE, peer_events
from tcpcomm.runtime.log_budget import LogBudget
from tcpcomm.runtime.log_writer import LogWriter, Write, lost_text
from tcpcomm.runtime.safe_text import one_line, safe_json

DEFAULT_LIMIT: Final = 1024 * 1024
"""
Bytes of log in a minute, of all kinds together, where tcpcomm writes the log. Further lines are left out
and counted. Change it with ``--log-limit``.
"""

LONGEST_MESSAGE: Final = 4000
"""Characters of a message in the log. The rest is cut."""

FIRST_TRACEBACK_LINES: Final = 10
LAST_TRACEBACK_LINES: Final = 30
"""Lines at the end of a traceback that are logged. With the first ones, and not those between."""

LONGEST_TRACEBACK_LINE: Final = 500
"""
Characters of a line of a traceback. The rest is cut; of a long traceback, the first 10 and the last 30
lines are logged.
"""

INDENT: Final = "    "

LEFT_OUT: Final = "{left_out} more events of this kind were not logged: {kind}"

EXTRA_FIELDS: Final = ("peer", "reason", "protocol", "worker")
"""Values of an event that are fields of its line in JSON."""

LineFormat = Callable[[dict[str, Any]], str | None]
"""Returns an event as a line with its line end, or None if there is nothing to log."""


def _message(event: dict[str, Any]) -> str:
    try:  # formatEvent also knows calls and bad formats, and takes many times as long
        text: str = event["log_format"].format_map(event)
    except Exception:
        text = formatEvent(event)
    return text


def _left_out(event: dict[str, Any]) -> str:
    """Return a note about the events that were left out, unless the message tells of them."""
    count = event.get("left_out")
    told = not count or "{left_out}" in str(event.get("log_format"))
    return "" if told else LEFT_OUT_BEFORE.format(left_out=count)


def _traceback(event: dict[str, Any]) -> list[str]:
    """Return the lines of the traceback of an event, each of them safe to show."""
    failure = event.get("log_failure")
    if failure is None:
        return []
    try:
        text = failure.getTraceback() if isinstance(failure, Failure) else str(failure)
    except Exception:
        text = "(the traceback cannot be shown)"
    lines = [one_line(each, LONGEST_TRACEBACK_LINE) for each in text.rstrip().splitlines()]
    left_out = len(lines) - FIRST_TRACEBACK_LINES - LAST_TRACEBACK_LINES
    if left_out > 0:
        lines[FIRST_TRACEBACK_LINES:-LAST_TRACEBACK_LINES] = [f"  … {left_out} lines are not shown"]
    return lines


_format_second = lru_cache(maxsize=1)(formatTime)


def text_line(event: dict[str, Any]) -> str | None:
    """
    Return an event as a line like those of Twisted's own text log: time, logger and level, message.

    It is ten times as fast as Twisted's function, because thousands of clients may connect at once. None is
    returned if the event has neither a message nor a failure.
    """
    message = _message(event)
    traceback = _traceback(event)
    if not (message or traceback):
        return None
    when = event.get("log_time")
    system = event.get("log_system")
    if system is None:
        system = f"{event.get('log_namespace', '-')}#{getattr(event.get('log_level'), 'name', '-')}"
    head = f"{'-' if when is None else _format_second(int(when))} [{one_line(str(system), 200)}]"
    line = f"{head} {one_line(message, LONGEST_MESSAGE)}{_left_out(event)}\n"
    return "".join([line, *(f"{INDENT}{each}\n" for each in traceback)])


def json_line(event: dict[str, Any]) -> str | None:
    """
    Return an event as one line of JSON, or None if it has neither a message nor a failure.

    Its fields are ``time`` (ISO 8601, UTC), ``level``, ``logger`` and ``message``. If the event has them,
    ``peer``, ``reason``, ``protocol`` and ``worker`` follow, ``left_out`` if events of this kind before it
    were not logged, and ``traceback`` if something failed.
    """
    message = _message(event)
    traceback = _traceback(event)
    if not (message or traceback):
        return None
    fields: dict[str, Any] = {
        "time": datetime.fromtimestamp(event.get("log_time", 0.0), UTC).isoformat(timespec="milliseconds"),
        "level": getattr(event.get("log_level"), "name", "info"),
        "logger": event.get("log_namespace", ""),
        "message": _cut(message),
    }
    fields.update({name: _cut(str(event[name])) for name in EXTRA_FIELDS if name in event})
    if event.get("left_out"):
        fields["left_out"] = event["left_out"]
    if traceback:
        fields["traceback"] = "\n".join(traceback)
    line = json.dumps(fields, ensure_ascii=False)
    return f"{safe_json(line)}\n"


def _cut(text: str) -> str:
    long = len(text) > LONGEST_MESSAGE
    return f"{text[:LONGEST_MESSAGE]} … {len(text):,} characters in all" if long else text


@implementer(ILogObserver)
class LineObserver:
    """
    A log observer that never blocks, and that limits each kind of event, and all events together.

    The limit does not hold for events that were asked for one by one (``log_asked_for``), such as frames.

    Args:
        line_format: :func:`text_line` or :func:`json_line`.
        write: writes text, in a thread of its own.
        limit: the bytes of log in a minute; None: no limit.
    """

    def __init__(self, line_format: LineFormat, write: Write, *, limit: int | None = DEFAULT_LIMIT) -> None:
        self._format = line_format
        self._writer = LogWriter(write, lost=self._lost, idle=self._reports)
        self._budget = None if limit is None else _budget(limit)

    def __call__(self, event: dict[str, Any]) -> None:
        budget = self._budget
        if budget is None or "log_asked_for" in event:
            line = self._format(event)
            if line:
                self._writer.put(line)
            return
        kind = event.get("log_kind") or (event.get("log_namespace"), event.get("log_format"))
        kind = (*kind, event.get("log_level"))  # all calls of Twisted's old log have one format
        left_out = budget.take(kind, monotonic())
        if left_out is None:
            return
        if left_out:
            event = {**event, "left_out": left_out + event.get("left_out", 0)}
        line = self._format(event)
        if line:
            budget.charge(kind, len(line))
            self._writer.put(line)

    def finish(self) -> None:
        """Write what waits, within a moment. Later lines are waited for, too: the program ends."""
        self._writer.finish()

    def _lost(self, count: int) -> str:
        return self._own_line(LogLevel.warn, "{text}", text=lost_text(count))

    def _reports(self, at_the_end: bool) -> Iterable[str]:
        """Yield the lines that tell of events which were not logged."""
        counts: dict[Hashable, int] = {}
        for budget in (self._budget, peer_events):
            for kind, count in () if budget is None else budget.reports(monotonic(), at_the_end=at_the_end):
                shown = kind[:2] if isinstance(kind, tuple) else kind
                counts[shown] = counts.get(shown, 0) + count
        for kind, count in counts.items():
            text = " ".join(str(each) for each in kind) if isinstance(kind, tuple) else kind
            line = self._own_line(LogLevel.info, LEFT_OUT, kind=text, left_out=count)
            if self._budget is not None:
                self._budget.charge(kind, len(line))
            yield line

    def _own_line(self, level: Any, log_format: str, **values: Any) -> str:
        own = {"log_time": time(), "log_namespace": __name__, "log_level": level, "log_format": log_format}
        return self._format({**own, **values}) or ""


def _budget(limit: int) -> LogBudget:
    """Return the budget for a limit in bytes a minute, also for the first minute."""
    a_second = limit / 60
    return LogBudget(limit / 8, a_second / 8, total_burst=limit / 4, total_rate=a_second / 2)
