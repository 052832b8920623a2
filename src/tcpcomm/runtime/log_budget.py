"""
A limit on the log, for each kind of event and for all together: :class:`LogBudget`.

It is sans-I/O: the caller says the time and the cost of each line, in lines or in bytes.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from math import inf
from threading import RLock
from typing import Final

MAX_KINDS: Final = 200
"""Kinds of events that are told apart. All further ones count as one kind."""

FRESH_AFTER: Final = 10.0
"""
Seconds without a line of a kind. Then its next event is logged, although other kinds have used up the
limit.
"""

FORGET_AFTER: Final = 60.0
"""Seconds after which a kind without events is forgotten."""

REPORT_INTERVAL: Final = 10.0
"""
Seconds between two log lines about the events of one kind that were left out. The second line counts
those between.
"""

OTHERS: Final = "other events"
"""The kind of all events for which there was no room in the table of kinds."""


class _Kind:
    __slots__ = ("left_out", "logged_at", "reported_at", "tokens", "updated_at")

    def __init__(self, tokens: float, now: float) -> None:
        self.tokens = tokens
        self.updated_at = now
        self.logged_at = -inf
        self.reported_at = now
        self.left_out = 0


class LogBudget:
    """
    Decides which events are logged, and counts the others. It may be used by several threads.

    Args:
        burst: the cost of the lines that one kind of event may have at once.
        rate: the cost a second that it may have after that.
        total_burst: the cost of the lines that all kinds together may have at once.
        total_rate: the cost a second that they may have after that. A kind that was quiet for a while gets
            one line all the same, as long as these exceed the total by no more than half of its burst.
    """

    def __init__(
        self, burst: float, rate: float, *, total_burst: float = inf, total_rate: float = inf
    ) -> None:
        self._burst = burst
        self._rate = rate
        self._total_burst = total_burst
        self._total_rate = total_rate
        self._lifted = 0
        self.renew_lock()
        _budgets.add(self)
        self.clear()

    def renew_lock(self) -> None:
        """Use a new lock, because a thread that is not in this process may hold the old one."""
        self._lock = RLock()  # a signal handler may log, too

    def clear(self) -> None:
        """Forget all events."""
        self._kinds: dict[Hashable, _Kind] = {}
        self._forgot_at = -inf
        self._total = self._total_burst
        self._updated_at = -inf

    @contextmanager
    def lifted(self) -> Iterator[None]:
        """Have every event logged meanwhile, because a test looks for each."""
        self._lifted += 1
        try:
            yield
        finally:
            self._lifted -= 1

    def take(self, kind: Hashable, now: float) -> int | None:
        """
        Count an event.

        Returns:
            None if it must not be logged. Otherwise the number of events of its kind that were left out
            since the last line or report of that kind.
        """
        if self._lifted:
            return 0
        with self._lock:
            found = self._find(kind, now)
            found.tokens = min(self._burst, found.tokens + (now - found.updated_at) * self._rate)
            found.updated_at = now
            self._refill(now)
            fresh = now - found.logged_at >= FRESH_AFTER and self._total > -self._total_burst / 2
            if found.tokens <= 0 or not (self._total > 0 or fresh):
                found.left_out += 1
                return None
            found.logged_at = found.reported_at = now
            left_out, found.left_out = found.left_out, 0
            return left_out

    def charge(self, kind: Hashable, cost: float) -> None:
        """Charge the cost of the line of an event that was to be logged."""
        if self._lifted:
            return
        with self._lock:
            found = self._kinds.get(kind) or self._kinds.get(OTHERS)
            if found is not None:
                found.tokens -= cost
            self._total -= cost

    def reports(self, now: float, *, at_the_end: bool = False) -> list[tuple[Hashable, int]]:
        """
        Return each kind with events that no line has reported, and their number, and count these no longer.

        Args:
            now: the time.
            at_the_end: True to return also the kinds that were reported a moment ago.
        """
        with self._lock:
            due = [
                (kind, each)
                for kind, each in self._kinds.items()
                if each.left_out and (at_the_end or now - each.reported_at >= REPORT_INTERVAL)
            ]
            found = [(kind, each.left_out) for kind, each in due]
            for _, each in due:
                each.left_out, each.reported_at = 0, now
            return found

    def _refill(self, now: float) -> None:
        if self._total_burst < inf:
            passed = max(0.0, now - self._updated_at)
            self._total = min(self._total_burst, self._total + passed * self._total_rate)
            self._updated_at = now

    def _find(self, kind: Hashable, now: float) -> _Kind:
        found = self._kinds.get(kind)
        if found is None and len(self._kinds) >= MAX_KINDS:
            self._forget(now)
            if len(self._kinds) >= MAX_KINDS:
                kind = OTHERS
                found = self._kinds.get(kind)
        if found is None:
            found = self._kinds[kind] = _Kind(self._burst, now)
        return found

    def _forget(self, now: float) -> None:
        """Forget the kinds that had no events for a while. Look for them once a second only."""
        if now - self._forgot_at < 1.0:
            return
        self._forgot_at = now
        for kind, each in list(self._kinds.items()):
            if now - each.updated_at >= FORGET_AFTER and not each.left_out:
                del self._kinds[kind]


_budgets: Final[weakref.WeakSet[LogBudget]] = weakref.WeakSet()


def _renew_locks() -> None:
    for each in _budgets:
        each.renew_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)
