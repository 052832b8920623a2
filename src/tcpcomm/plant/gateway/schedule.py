"""
The times of one poll: :class:`PollSchedule`, without I/O.

Polls stand on a grid of ``every`` seconds that begins at a random moment, so that many polls do not come at
once. The grid does not drift. A poll that cannot begin in its time is left out and counted; none is made up
for, except one that the link missed because it was not ready.
"""

from __future__ import annotations

from math import floor
from random import Random
from typing import Final

MAX_SPREAD: Final = 10.0
"""
Seconds after the start over which the first polls are spread, at most. The first poll of every command
has begun by then.
"""


class PollSchedule:
    """
    Decides when one poll is due. All times are in seconds of a clock that never goes back.

    Args:
        every: the seconds from one poll to the next.
        jitter: the share of ``every``, up to 0.5, by which each poll comes later at random.
        now: the time. The first poll comes within ``every``, but not later than 10 s from now.
        random: the source of the jitter.
    """

    def __init__(self, every: float, jitter: float, now: float, random: Random) -> None:
        self.every = every
        self._jitter = jitter * every
        self._random = random
        self._begin = now + random.uniform(0.0, min(every, MAX_SPREAD))
        self._place = 0  # on the grid
        self._is_owed = False
        self.is_running = False
        """True from when a poll begins until its report is stored."""
        self.next_due = self._time_of(0)
        """The time of the next poll."""
        self.begun = 0
        """The polls that began."""
        self.late = 0
        """The polls that were left out because the last one was not done, or this process was too busy."""
        self.not_ready = 0
        """The polls that were left out because the link was not ready."""

    def due(self, now: float, *, is_ready: bool) -> bool:
        """
        Note that the time :attr:`next_due` has come, and set the next one.

        Args:
            now: the time, which may be later than that.
            is_ready: True if the link is ready.

        Returns:
            True if the poll begins now; :meth:`finished` must follow.
        """
        place = max(self._place, floor((now - self._begin) / self.every))
        self.late += place - self._place
        self._place = place + 1
        self.next_due = max(now, self._time_of(self._place))
        if not is_ready:
            self.not_ready += 1
            self._is_owed = True
            return False
        if self.is_running:
            self.late += 1
            return False
        return self._starts()

    def became_ready(self) -> bool:
        """Note that the link is ready. Return True if a poll that it missed begins now."""
        return self._is_owed and not self.is_running and self._starts()

    def finished(self) -> None:
        """Note that the poll is done, and that its report is stored or lost."""
        self.is_running = False

    def _starts(self) -> bool:
        self.is_running, self._is_owed = True, False
        self.begun += 1
        return True

    def _time_of(self, place: int) -> float:
        return self._begin + place * self.every + self._random.uniform(0.0, self._jitter)
