"""
Figures of the last minute: frames per second, and the times of round trips: :class:`Figures`.

A figure is counted in the second of its event. Round trips are counted in buckets that are 4 % wide, so
that a minute of any rate takes little memory, and a percentile little time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import log2
from typing import Any, Final

MINUTE: Final = 60
"""Seconds of figures that are kept."""

_LEAST: Final = 1e-7
_PER_OCTAVE: Final = 16
_RATE_SECONDS: Final = 3


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
        "_frames", "_second", "_trips", "bytes_in", "bytes_out", "faults", "frames_in", "frames_out",
    )  # fmt: skip

    def __init__(self, now: float) -> None:
        self._second = int(now)
        self._frames = [0] * MINUTE
        self._trips: list[Counter[int]] = [Counter() for _ in range(MINUTE)]
        self.frames_in = self.frames_out = self.bytes_in = self.bytes_out = self.faults = 0

    def count_frame(self, now: float, size: int, *, sent: bool) -> None:
        """Count a frame."""
        if sent:
            self.frames_out += 1
            self.bytes_out += size
        else:
            self.frames_in += 1
            self.bytes_in += size
        self._frames[self._place(now)] += 1

    def count_trip(self, now: float, seconds: float) -> None:
        """Count the time of an answer."""
        self._trips[self._place(now)][_bucket(seconds)] += 1

    def _place(self, now: float) -> int:
        """Return the place of the second of a time, and clear the seconds between."""
        second = int(now)
        if second > self._second:
            for each in range(max(self._second, second - MINUTE) + 1, second + 1):
                self._frames[each % MINUTE] = 0
                if self._trips[each % MINUTE]:
                    self._trips[each % MINUTE] = Counter()
            self._second = second
        return self._second % MINUTE

    def rate(self, now: float) -> float:
        """Return the frames per second, over the last whole seconds."""
        last = self._place(now)
        newest = [self._frames[(last - back) % MINUTE] for back in range(1, _RATE_SECONDS + 1)]
        return sum(newest) / _RATE_SECONDS

    def facts(self, now: float, *, history: bool) -> dict[str, Any]:
        """Return all figures in types that JSON has. The history has a point for each whole second."""
        last = self._place(now)
        minute: Counter[int] = Counter()
        for each in self._trips:
            if each:
                minute.update(each)
        facts: dict[str, Any] = {
            "rate": round(self.rate(now), 2),
            "frames_in": self.frames_in,
            "frames_out": self.frames_out,
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "faults": self.faults,
            "p50": _brief(percentile(minute, 0.5)),
            "p99": _brief(percentile(minute, 0.99)),
        }
        if history:
            places = [(last + offset) % MINUTE for offset in range(1, MINUTE)]
            facts["history"] = {
                "rate": [self._frames[place] for place in places],
                "p50": self._history(places, 0.5),
                "p99": self._history(places, 0.99),
            }
        return facts

    def _history(self, places: Iterable[int], share: float) -> list[float | None]:
        return [_brief(percentile(self._trips[place], share)) for place in places]


def _brief(seconds: float | None) -> float | None:
    return None if seconds is None else float(f"{seconds:.3g}")
