"""Limits on log lines, so that a flood of events does not flood the log."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class LogThrottle:
    """
    A counter of events that are logged at most once in an interval.

    Args:
        interval: seconds between two log lines.
    """

    __slots__ = ("_interval", "_logged_at", "unreported")

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._logged_at: float | None = None
        self.unreported = 0
        """Events that no log line has reported yet."""

    def count_due(self, now: float) -> int:
        """Count one event; return how many events to report in a log line now, or 0 to log nothing."""
        self.unreported += 1
        if self._logged_at is not None and now - self._logged_at < self._interval:
            return 0
        self._logged_at = now
        count, self.unreported = self.unreported, 0
        return count


class KeyedLogThrottle(Generic[Key]):
    """
    A :class:`LogThrottle` for each of a few keys, such as the kinds of an error.

    Args:
        interval: seconds between two log lines about one key.
    """

    __slots__ = ("_interval", "_throttles")

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._throttles: dict[Key, LogThrottle] = {}

    def count_due(self, key: Key, now: float) -> int:
        """Count one event of this key; return how many to report in a log line now, or 0 to log nothing."""
        throttle = self._throttles.get(key)
        if throttle is None:
            throttle = self._throttles[key] = LogThrottle(self._interval)
        return throttle.count_due(now)

    def unreported(self) -> Iterator[tuple[Key, int]]:
        """Yield each key that has events which no log line has reported, and their number."""
        return ((key, each.unreported) for key, each in self._throttles.items() if each.unreported)
