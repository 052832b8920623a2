"""
Figures of the last minute: frames per second, and the times of round trips: :class:`Figures`.

A figure is counted in the second of its event. Round trips are counted in buckets that are 4 % wide, so
that a minute of any rate takes little memory, and a percentile little time. A :class:`Tally` counts the
events as they come, and adds them to the figures once a second, or when somebody looks.
"""

from __future__ import annotations

from collections import Counter
from math import log2
from typing import Any, Final

MINUTE: Final = 60
"""Seconds of figures that are kept."""

_LEAST: Final = 1e-7
_PER_OCTAVE: Final = 16
_RATE_SECONDS: Final = 3
_MOST_TRIPS: Final = 100
"""Round trips that a tally keeps until it adds them."""


def _bucket(seconds: float) -> int:
    return int(log2(max(seconds, _LEAST) / _LEAST) * _PER_OCTAVE)


def _middle(bucket: int) -> float:
    return float(2.0 ** ((bucket + 0.5) / _PER_OCTAVE) * _LEAST)


def percentile(counts: Counter[int], share: float) -> float | None:
    """Return the seconds that this share of the round trips does not exceed, or None without any."""
    left = share * counts.total()
    for bucket in sorted(counts):
        left -= counts[bucket]
        if left <= 0:
            return _middle(bucket)
    return None


class Figures:
    """
    The figures of one source or session.

    Args:
        now: the time, in seconds. Times must not run backwards; one that does counts as the newest.
    """

    __slots__ = (
        "_frames", "_minute", "_p50", "_p99", "_second", "_trips", "bytes_in", "bytes_out", "faults",
        "frames_in", "frames_out",
    )  # fmt: skip

    def __init__(self, now: float) -> None:
        self._second = int(now)
        self._frames = [0] * MINUTE
        self._trips: list[Counter[int]] = [Counter() for _ in range(MINUTE)]
        self._minute: Counter[int] = Counter()  # the sum of these
        self._p50: list[float | None] = [None] * MINUTE  # of each whole second
        self._p99: list[float | None] = [None] * MINUTE
        self.frames_in = self.frames_out = self.bytes_in = self.bytes_out = self.faults = 0

    def add(self, tally: Tally, trips: Counter[int]) -> None:
        """Add what was counted in one second, with the buckets of its round trips."""
        self.frames_in += tally.frames_in
        self.frames_out += tally.frames_out
        self.bytes_in += tally.bytes_in
        self.bytes_out += tally.bytes_out
        self._place(tally.second)
        if tally.second <= self._second - MINUTE:
            return  # this second is forgotten
        place = tally.second % MINUTE
        self._frames[place] += tally.frames_in + tally.frames_out
        if trips:
            self._trips[place].update(trips)
            self._minute.update(trips)
            if tally.second != self._second:
                self._end_second(place)

    def _place(self, now: float) -> int:
        """Return the place of the second of a time, and clear the seconds between."""
        second = int(now)
        if second > self._second:
            self._end_second(self._second % MINUTE)
            for each in range(max(self._second, second - MINUTE) + 1, second + 1):
                self._clear(each % MINUTE)
            self._second = second
        return self._second % MINUTE

    def _end_second(self, place: int) -> None:
        if self._trips[place]:
            self._p50[place] = _brief(percentile(self._trips[place], 0.5))
            self._p99[place] = _brief(percentile(self._trips[place], 0.99))

    def _clear(self, place: int) -> None:
        self._frames[place] = 0
        self._p50[place] = self._p99[place] = None
        if self._trips[place]:
            self._minute -= self._trips[place]
            self._trips[place] = Counter()

    def rate(self, now: float) -> float:
        """Return the frames per second, over the last whole seconds."""
        last = self._place(now)
        newest = [self._frames[(last - back) % MINUTE] for back in range(1, _RATE_SECONDS + 1)]
        return sum(newest) / _RATE_SECONDS

    def facts(self, now: float, *, history: bool) -> dict[str, Any]:
        """Return all figures in types that JSON has. The history has a point for each whole second."""
        last = self._place(now)
        facts: dict[str, Any] = {
            "rate": round(self.rate(now), 2),
            "frames_in": self.frames_in,
            "frames_out": self.frames_out,
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "faults": self.faults,
            "p50": _brief(percentile(self._minute, 0.5)),
            "p99": _brief(percentile(self._minute, 0.99)),
        }
        if history:
            places = [(last + offset) % MINUTE for offset in range(1, MINUTE)]
            facts["history"] = {
                "rate": [self._frames[place] for place in places],
                "p50": [self._p50[place] for place in places],
                "p99": [self._p99[place] for place in places],
            }
        return facts


class Tally:
    """
    Counts the events of one second, and adds them to figures.

    Args:
        now: the time, in seconds. One that runs backwards counts as the newest.
        figures: all figures that get the events.
    """

    __slots__ = (
        "_ends", "_figures", "bytes_in", "bytes_out", "frames_in", "frames_out", "second", "trips",
    )  # fmt: skip

    def __init__(self, now: float, *figures: Figures) -> None:
        self._figures = figures
        self._begin(int(now))

    def _begin(self, second: int) -> None:
        self.second = second
        self._ends = second + 1.0
        self.frames_in = self.frames_out = self.bytes_in = self.bytes_out = 0
        self.trips: list[float] = []

    def count(self, now: float, size: int, *, sent: bool, took: float | None = None) -> None:
        """Count a frame, and the time of the round trip that it ends."""
        if now >= self._ends:
            self.flush()
            self._begin(int(now))
        if sent:
            self.frames_out += 1
            self.bytes_out += size
        else:
            self.frames_in += 1
            self.bytes_in += size
        if took is not None:
            self.trips.append(took)
            if len(self.trips) == _MOST_TRIPS:
                self.flush()

    def flush(self) -> None:
        """Add all that was counted to the figures."""
        if self.frames_in or self.frames_out:
            trips = Counter(map(_bucket, self.trips))
            for each in self._figures:
                each.add(self, trips)
            self._begin(self.second)


def _brief(seconds: float | None) -> float | None:
    return None if seconds is None else float(f"{seconds:.3g}")
