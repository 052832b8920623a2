"""Log events as JSON lines, for systemd's journal and log collectors."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from twisted.logger import FileLogObserver, ILogObserver, formatEvent
from twisted.python.failure import Failure

__all__ = ["json_line", "json_log_observer"]

_OWN_FIELDS = ("peer", "reason", "protocol")


def json_line(event: dict[str, Any]) -> str | None:
    """
    One event as one line: ``time`` (ISO 8601, UTC), ``level``, ``logger``, ``message``; where the event
    has them ``peer``, ``reason``, ``protocol``; and ``traceback`` where something failed.
    """
    fields: dict[str, Any] = {
        "time": datetime.fromtimestamp(event["log_time"], UTC).isoformat(timespec="milliseconds"),
        "level": getattr(event.get("log_level"), "name", "info"),
        "logger": event.get("log_namespace", ""),
        "message": formatEvent(event),
    }
    fields.update({name: str(event[name]) for name in _OWN_FIELDS if name in event})
    failure = event.get("log_failure")
    if isinstance(failure, Failure):
        fields["traceback"] = failure.getTraceback()
    if not fields["message"] and failure is None:
        return None
    line = json.dumps(fields, ensure_ascii=False) + "\n"
    return line.encode(errors="backslashreplace").decode()  # a lone surrogate cannot be written as it is


def json_log_observer(stream: Any) -> ILogObserver:
    """A log observer that writes JSON lines to a text stream, or to a log file of Twisted's."""
    observer: ILogObserver = FileLogObserver(stream, json_line)
    return observer
