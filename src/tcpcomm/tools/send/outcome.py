"""The ends of an exchange, with their exit codes: :class:`Outcome`. Counts of many: :class:`Tally`."""

from __future__ import annotations

from collections import Counter
from enum import Enum
from statistics import median
from typing import Final

from attrs import Factory, define

_MOST_ROUND_TRIPS: Final = 100_000
"""Round trips of which the figures are made; later ones are counted only."""


class Outcome(Enum):
    """The end of one exchange. The value is the exit code of ``tcpcomm send``."""

    OK = 0
    NO_MATCH = 3
    TIMEOUT = 4
    NO_LINK = 5


@define
class Tally:
    """Counts exchanges, and keeps the first outcome that is not OK."""

    outcome: Outcome = Outcome.OK
    counts: Counter[Outcome] = Factory(Counter)
    round_trips: list[float] = Factory(list)

    def add(self, outcome: Outcome, seconds: float | None = None) -> None:
        """Count one exchange. ``seconds`` is the time to its first reply, or None without one."""
        self.counts[outcome] += 1
        if self.outcome is Outcome.OK:
            self.outcome = outcome
        if seconds is not None and len(self.round_trips) < _MOST_ROUND_TRIPS:
            self.round_trips.append(seconds)

    def text(self) -> str:
        """Return the figures as one line."""
        names = {
            Outcome.OK: "answered",
            Outcome.NO_MATCH: "without a match",
            Outcome.TIMEOUT: "without an answer",
            Outcome.NO_LINK: "without a link",
        }
        parts = [f"{self.counts.total()} sent"]
        parts += [f"{self.counts[each]} {name}" for each, name in names.items() if self.counts[each]]
        if self.round_trips:
            times = [min(self.round_trips), median(self.round_trips), max(self.round_trips)]
            shown = "/".join(f"{each * 1000:.3f}" for each in times)
            parts.append(f"round trip min/median/max {shown} ms")
        return ", ".join(parts)
