"""Limits on log lines, so that a flood of events does not flood the log."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from math import inf
from typing import Generic, TypeVar

from attrs import define, field

Key = TypeVar("Key", bound=Hashable)


@define(eq=False)
class LogThrottle:
    """A counter of events that are logged at most once in an interval, in seconds."""

    _interval: float
    _logged_at: float = field(default=-inf, init=False)
    unreported: int = field(default=0, init=False)
    """Events that no log line has reported yet."""

    def count_due(self, now: float) -> int:
        """Count one event; return how many events to report in a log line now, or 0 to log nothing."""
        self.unreported += 1
        if now - self._logged_at < self._interval:
            return 0
        self._logged_at = now
        count, self.unreported = self.unreported, 0
        return count


@define(eq=False)
class KeyedLogThrottle(Generic[Key]):
    """A :class:`LogThrottle` for each of a few keys, such as the kinds of an error."""

    _interval: float
    _throttles: dict[Key, LogThrottle] = field(factory=dict, init=False)

    def count_due(self, key: Key, now: float) -> int:
        """Count one event of this key; return how many to report in a log line now, or 0 to log nothing."""
        return self._throttles.setdefault(key, LogThrottle(self._interval)).count_due(now)

    def unreported(self) -> Iterator[tuple[Key, int]]:
        """Yield each key that has events which no log line has reported, and their number."""
        return ((key, each.unreported) for key, each in self._throttles.items() if each.unreported)
