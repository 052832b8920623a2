"""One timer for all that one session waits for: :class:`Alarm`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf
from operator import itemgetter

from twisted.internet.interfaces import IDelayedCall, IReactorTime

__all__ = ["Alarm"]

Deadline = tuple[float, Callable[[], None]]


class Alarm:
    """
    Calls what is due at the earliest of some deadlines.

    Deadlines that move on with every byte cost nothing: the timer stays where it is, and when it rings
    too early it is set again.

    Args:
        clock: the reactor, or a test's clock.
        deadlines: tells what there will be to do, and when, if nothing else happens before.
    """

    __slots__ = ("_call", "_clock", "_deadlines", "_due", "_over")

    def __init__(self, clock: IReactorTime, deadlines: Callable[[], Iterable[Deadline]]) -> None:
        self._clock = clock
        self._deadlines = deadlines
        self._call: IDelayedCall | None = None
        self._due = inf
        self._over = False

    @property
    def is_set(self) -> bool:
        """Whether it will ring."""
        return self._call is not None

    def update(self) -> None:
        """Look at the deadlines again: one may be earlier than the timer."""
        due = min((time for time, _ in self._deadlines()), default=inf)
        if due < self._due:
            self._set(due)

    def ring_again(self) -> None:
        """Ring as soon as the reactor has looked at its sockets."""
        self._set(self._clock.seconds())

    def cancel(self) -> None:
        """Never ring again."""
        self._over = True
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _set(self, due: float) -> None:
        if self._over:
            return
        self._due = due
        delay = max(0.0, due - self._clock.seconds())
        if self._call is None:
            self._call = self._clock.callLater(delay, self._ring)
        else:
            self._call.reset(delay)

    def _ring(self) -> None:
        self._call, self._due = None, inf
        now = self._clock.seconds()
        due, act = min(self._deadlines(), key=itemgetter(0), default=(inf, self.update))
        if now >= due:
            act()
        self.update()
