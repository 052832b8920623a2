"""One timer for all that a session waits for, :class:`Alarm`, and whose time it is: :func:`clock_of`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf
from operator import itemgetter
from typing import Final, Generic, TypeVar, cast

from twisted.internet.interfaces import IDelayedCall, IReactorTime

__all__ = ["Alarm", "clock_of"]

Owner = TypeVar("Owner")

Deadline = tuple[float, Callable[[Owner], object]]
"""When something is to be done, and what: a function of whose deadline it is."""

_NEVER: Final = -inf

LATE: Final = 0.005
"""Seconds: a timer that rings so late says that this process was busy, not that the peer was silent."""


class Alarm(Generic[Owner]):
    """
    Calls what is due at the earliest of some deadlines.

    Deadlines that move on with every byte cost nothing: the timer stays where it is, and when it rings
    too early it is set again.

    When it rings late, what it waits for may lie unread in the socket. It then rings once more after the
    reactor has looked there, and again while that moves the deadline, for as long as it was late.

    Args:
        clock: the reactor, or a test's clock.
        deadlines: tells of the owner what there will be to do, and when, if nothing else happens before.
        owner: whose deadlines they are.
    """

    __slots__ = (
        "_call",
        "_clock",
        "_deadlines",
        "_due",
        "_forgiving_until",
        "_looked_at",
        "_owner",
        "_rang",
    )

    def __init__(
        self,
        clock: IReactorTime,
        deadlines: Callable[[Owner], Iterable[Deadline[Owner]]],
        owner: Owner,
    ) -> None:
        self._clock = clock
        self._deadlines = deadlines
        self._owner = owner
        self._call: IDelayedCall | None = None
        self._due = inf  # when it rings; after its end, before all time
        self._forgiving_until = _NEVER
        self._looked_at: float | None = None  # the deadline for which it rings once more
        self._rang = _NEVER

    @property
    def is_set(self) -> bool:
        """Whether it will ring."""
        return self._call is not None

    def update(self) -> None:
        """Look at the deadlines again: one may be earlier than the timer."""
        due = min((time for time, _ in self._deadlines(self._owner)), default=inf)
        if due < self._due:
            self._set(due)

    def expect(self, due: float) -> None:
        """There is a new deadline: as :meth:`update`, without looking at the others."""
        if due < self._due:
            self._set(due)

    def cancel(self) -> None:
        """Never ring again."""
        self._due = _NEVER
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _set(self, due: float) -> None:
        self._due = due
        delay = max(0.0, due - self._clock.seconds())
        if self._call is not None:
            self._call.cancel()  # not reset(): to an earlier time, Twisted searches all its timers then
        self._call = self._clock.callLater(delay, self)

    def __call__(self) -> None:
        """Ring: only the timer calls this."""
        now = self._clock.seconds()
        late = now - self._due
        self._call, self._due = None, inf
        nothing = (inf, None)
        due, act = min(self._deadlines(self._owner), key=itemgetter(0), default=nothing)
        if late > LATE and (self._looked_at is None or due > self._rang):
            self._forgiving_until = now + late
        self._rang = now
        if due <= now <= self._forgiving_until and due != self._looked_at:
            self._looked_at = due
            self._set(now)
            return
        self._looked_at = None
        if act is not None and due <= now:
            act(self._owner)
        self.update()


def clock_of(factory: object) -> IReactorTime:
    """The factory's clock or, where it names none, the reactor."""
    clock = getattr(factory, "clock", None)
    if clock is None:
        from twisted.internet import reactor as clock  # noqa: PLC0415 - never at import time
    return cast("IReactorTime", clock)
