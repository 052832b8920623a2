"""Log lines that a flood of events must not multiply: :class:`Seldom`."""

from __future__ import annotations

__all__ = ["Seldom"]


class Seldom:
    """
    Counts events that are logged at most once in an interval.

    Args:
        interval: seconds between two lines.
    """

    __slots__ = ("_interval", "_told_at", "untold")

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._told_at: float | None = None
        self.untold = 0
        """Events that no line has told of."""

    def happened(self, now: float) -> int:
        """Count an event; return how many a line has to tell of now, or 0 if there is to be none."""
        self.untold += 1
        if self._told_at is not None and now - self._told_at < self._interval:
            return 0
        self._told_at = now
        count, self.untold = self.untold, 0
        return count
