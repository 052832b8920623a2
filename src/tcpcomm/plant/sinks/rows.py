"""A message as one row of a table, for files and databases: :class:`ReportRow`."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite
from typing import Any, Self

from attrs import frozen

from tcpcomm.plant.message import BINARY, JSON, OutboxMessage
from tcpcomm.plant.report import Report
from tcpcomm.tools.export.texts import json_text


@frozen(kw_only=True)
class ReportRow:
    """
    A message as a row. Texts hold no lone surrogates, so that every database takes them as UTF-8.

    Attributes:
        id: the id of the message, by which duplicates are found.
        at: the time of the report, or the time when another message was posted.
        link, kind, name, seconds, problem: as in a report; empty for other messages.
        values: JSON text: the values of a report, or all of another JSON message. None: there are none.
        body: the bytes of a message that is not JSON, or None.
    """

    id: str
    at: datetime
    source: str
    topic: str
    link: str = ""
    kind: str = ""
    name: str = ""
    seconds: float | None = None
    problem: str = ""
    values: str | None = None
    content_type: str
    body: bytes | None = None

    @classmethod
    def of(cls, message: OutboxMessage) -> Self:
        """
        Return a message as a row.

        Raises:
            ValueError: its body is not what its content type says.
        """
        common: dict[str, Any] = {
            "id": message.id,
            "source": _clean(message.source),
            "topic": _clean(message.topic),
        }
        report = Report.of(message)
        at = None if report is None else _time(report.at)
        if report is not None and at is not None and _is_typed(report):
            return cls(
                **common,
                at=at,
                link=_clean(report.link),
                kind=report.kind,
                name=_clean(report.name),
                seconds=None if report.seconds is None else float(report.seconds),
                problem=_clean(report.problem),
                values=_clean(json_text(dict(report.values))) if report.values else None,
                content_type=message.content_type,
            )
        value = message.value()
        is_json = message.content_type == JSON
        return cls(
            **common,
            at=time_of(message.posted_at),
            values=_clean(json_text(value)) if is_json else None,
            content_type=_clean(message.content_type or BINARY),
            body=None if is_json else message.body,
        )

    @property
    def at_text(self) -> str:
        """The time as ISO 8601 in UTC, to the microsecond."""
        return iso_text(self.at)


def iso_text(at: datetime) -> str:
    """Return a time in UTC as ISO 8601, to the microsecond, so that texts sort as times do."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ").zfill(27)


def time_of(seconds: float) -> datetime:
    """Return seconds since 1970 as a time in UTC. A time that no calendar has becomes 1970."""
    return _time(seconds) or datetime.fromtimestamp(0, UTC)


def _time(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _is_typed(report: Report) -> bool:
    """Return True if the attributes of a report have the types that its class says."""
    texts = (report.link, report.name, report.problem)
    seconds = report.seconds
    return (
        all(isinstance(each, str) for each in texts)
        and isinstance(report.values, dict)
        and (seconds is None or (type(seconds) in (int, float) and _is_finite(seconds)))
    )


def _is_finite(number: float) -> bool:
    """Return False also for a whole number that is too large for a float."""
    try:
        return isfinite(number)
    except OverflowError:
        return False


def _clean(text: str) -> str:
    """Return a text with escapes in place of lone surrogates, which UTF-8 cannot have."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
