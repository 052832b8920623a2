"""Log lines that a flood of events must not multiply: :class:`LogThrottle`, and :class:`KeyedLogThrottle`."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

__all__ = ["KeyedLogThrottle", "LogThrottle"]

Kind = TypeVar("Kind", bound=Hashable)


class LogThrottle:
    """
    Counts events that are logged at most once in an interval.

    Args:
        interval: seconds between two lines.
    """

    __slots__ = ("_interval", "_told_at", "untold")

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._told_at: float | None = None
        self.unreported = 0
        """Events that no line has told of."""

    def count_due(self, now: float) -> int:
        """Count an event; return how many a line has to tell of now, or 0 if there is to be none."""
        self.unreported += 1
        if self._told_at is not None and now - self._told_at < self._interval:
            return 0
        self._told_at = now
        count, self.unreported = self.unreported, 0
        return count


class KeyedLogThrottle(Generic[Kind]):
    """
    The same for events of several kinds, each of which is told of apart.

    Args:
        interval: seconds between two lines about one kind. There must not be many kinds.
    """

    __slots__ = ("_interval", "_kinds")

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._kinds: dict[Kind, LogThrottle] = {}

    def count_due(self, kind: Kind, now: float) -> int:
        """Count an event; return how many of its kind a line has to tell of now, or 0."""
        throttle = self._kinds.get(kind)
        if throttle is None:
            throttle = self._kinds[kind] = LogThrottle(self._interval)
        return throttle.count_due(now)

    def unreported(self) -> Iterator[tuple[Kind, int]]:
        """How many events of which kind no line has told of."""
        return ((kind, throttle.unreported) for kind, throttle in self._kinds.items() if throttle.unreported)
