"""Two peers that have one name: :class:`Rivals` keeps them from evicting each other for ever."""

from __future__ import annotations

from typing import Final

from attrs import define, field

from tcpcomm.session.admission import Abuse, Refusal
from tcpcomm.session.heartbeat import Heartbeats

FIRST_SILENCE: Final = 1.0
"""
Seconds for which a session must have been silent to be evicted, soon after another eviction. They double
with each eviction; with heartbeats, two intervals are enough. Otherwise the newcomer is refused, and gets
the reason.
"""

LONGEST_SILENCE: Final = 8.0
"""Seconds of silence that evict a session in any case. The silence that is needed doubles up to this."""

SERIES_ENDS: Final = 10.0
"""
Seconds after the eviction of a session. Then the next session of the same name evicts the older one at
once again.
"""

FIGHT_ENDS: Final = 60.0
"""
Seconds after a newcomer was refused. Then the next session of the same name evicts the older one at once
again.
"""


REFUSAL_DELAY: Final = 1.0
"""
Seconds for which a refused newcomer waits for its end, if it cannot get the reason, as with a
certificate. Then it is closed; meanwhile it takes the place of an unproven connection.
"""


def same_name(peer: str) -> Refusal:
    """Return the refusal of a newcomer that has the same name as a peer which is alive."""
    return Refusal(Abuse.FIGHT, f"{peer} has the same name and is alive: give each peer a name of its own")


@define
class _Series:
    """The evictions of one name that followed each other quickly."""

    evictions: int = 0
    ends_at: float = 0.0


@define(eq=False)
class Rivals:
    """
    Decides whether a new session of a peer may evict the older one.

    The first eviction is free, because the older session is usually a zombie: its cable was pulled, and it
    would last for hours. If the name comes again within 10 s, the older session must have been silent: for
    1 s, then 2 s, and so on, at most 8 s. A peer that is alive is heard meanwhile, so it stays, and the one
    with the same name is refused. A name that nobody else claims for a minute is free again.

    Where there are heartbeats, a peer that is alive is heard in each interval. So a session that was silent
    for two intervals may always be evicted: a cable with a loose contact keeps no robot waiting.
    """

    _series: dict[str, _Series] = field(factory=dict, init=False)
    _most_series: int = field(default=64, init=False)  # more than these: forget those that are over

    def may_evict(
        self, name: str, now: float, heard_at: float, heartbeats: Heartbeats | None = None
    ) -> bool:
        """
        Return whether a newcomer may evict the session of this name. If so, count the eviction.

        Args:
            name: the name that both peers have.
            now: the time.
            heard_at: the time at which the older session's peer was heard.
            heartbeats: the heartbeats of the older session; None: its peer may be alive and silent.
        """
        series = self._series.get(name)
        if series is None or now >= series.ends_at:
            if len(self._series) >= self._most_series:
                self._forget(now)
            series = self._series[name] = _Series()
        silence = FIRST_SILENCE * 2.0 ** (series.evictions - 1) if series.evictions else 0.0
        longest = LONGEST_SILENCE if heartbeats is None else 2 * heartbeats.interval
        if now - heard_at < min(silence, longest):
            series.ends_at = now + FIGHT_ENDS
            return False
        series.evictions += 1
        series.ends_at = now + SERIES_ENDS
        return True

    def _forget(self, now: float) -> None:
        """Forget the series that are over, so that the memory does not grow with the names."""
        for name in [name for name, series in self._series.items() if now >= series.ends_at]:
            del self._series[name]
        self._most_series = 64 + 2 * len(self._series)
