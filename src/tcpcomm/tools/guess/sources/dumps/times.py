"""Times in dumps: :data:`TIME`, a pattern, and :class:`Clock`, which makes seconds of its matches."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

TIME: Final = (
    r"(?:(?:(?P<year>[0-9]{4})[-/.](?P<month>[0-9]{2})[-/.](?P<day>[0-9]{2})|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{2,4})"
    r"[T ,]+)?(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(?:[.,:](?P<part>[0-9]{1,9}))?"
    r"(?:Z|[+-][0-9]{2}:?[0-9]{2}| ?[AP]M)?"
)
"""A time of the day, with or without a date before it."""

SECONDS: Final = r"(?P<seconds>[0-9]{1,12}[.,][0-9]{1,9})"
"""Seconds from any origin."""

_DAY: Final = 86400


class Clock:
    """Makes seconds of the times of one dump, over midnight too."""

    def __init__(self) -> None:
        self._days = 0
        self._last = 0.0

    def read(self, match: re.Match[str]) -> float | None:
        """Return the seconds of a match of :data:`TIME` or :data:`SECONDS`, or None if it has no time."""
        groups = match.groupdict()
        if groups.get("seconds"):
            return float(groups["seconds"].replace(",", "."))
        if not groups.get("hour"):
            return None
        at = int(groups["hour"]) * 3600 + int(groups["minute"]) * 60 + float(groups["second"])
        part = groups["part"]
        if part:
            at += int(part) / 10 ** len(part)
        if groups.get("year"):
            try:
                day = date(int(groups["year"]), int(groups["month"]), int(groups["day"]))
            except ValueError:
                return at
            return day.toordinal() * _DAY + at
        if at < self._last - _DAY / 2:
            self._days += 1
        self._last = at
        return self._days * _DAY + at
