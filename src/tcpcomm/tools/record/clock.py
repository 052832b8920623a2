"""The time of recorded values: :class:`RecordingClock`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

_FOLLOWS: Final = 1_000_000
"""Microseconds that the wall clock must be ahead before its time is taken over."""


class RecordingClock:
    """
    A clock that returns the time of day, and never goes back.

    It counts by the monotonic clock from the time of day when it began. If the wall clock is set forward,
    :meth:`follow` takes its time over. If that is set back, this clock goes on.

    Args:
        least: the earliest time that it may return, in microseconds since 1970.
        wall, monotonic: return nanoseconds.
    """

    def __init__(
        self,
        least: int = 0,
        *,
        wall: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._ahead = max(wall(), least * 1000) - monotonic()

    def now(self) -> int:
        """Return the time in microseconds since 1970."""
        return (self._ahead + self._monotonic()) // 1000

    def follow(self) -> None:
        """Take over the time of the wall clock, if it was set forward."""
        ahead = self._wall() - self._monotonic()
        if ahead - self._ahead > _FOLLOWS * 1000:
            self._ahead = ahead
