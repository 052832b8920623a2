"""
One timer for all that a session waits for, :class:`DeadlineTimer`; one for many sessions, where that is far off,
:class:`SharedTimers`; and whose time it is: :func:`clock_of`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import ceil, inf
from operator import itemgetter
from typing import Any, ClassVar, Final, Generic, TypeVar, cast

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

__all__ = ["FAR", "DeadlineTimer", "SharedTimers", "clock_of"]

Owner = TypeVar("Owner")

Deadline = tuple[float, Callable[[Owner], object]]
"""When something is to be done, and what: a function of whose deadline it is."""

_NEVER: Final = -inf

LATE: Final = 0.005
"""Seconds: a timer that rings so late says that this process was busy, not that the peer was silent."""

FAR: Final = 60.0
"""Seconds: a deadline that is not nearer is kept to the second."""


class DeadlineTimer(Generic[Owner]):
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
        rounds: where it waits with others for what is far off; None: it always has a timer of its own.
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
        "_rounds",
    )

    def __init__(
        self,
        clock: IReactorTime,
        deadlines: Callable[[Owner], Iterable[Deadline[Owner]]],
        owner: Owner,
        shared_timers: SharedTimers | None = None,
    ) -> None:
        self._clock = clock
        self._deadlines = deadlines
        self._owner = owner
        self._rounds = shared_timers
        self._call: IDelayedCall | _SharedTimer | None = None
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
        self._unset()

    def _set(self, due: float) -> None:
        self._unset()  # not reset(): to an earlier time, Twisted searches all its timers then
        self._due = due
        delay = max(0.0, due - self._clock.seconds())
        if self._rounds is not None and delay >= FAR:
            self._call = self._rounds.join(due, self)
        else:
            self._call = self._clock.callLater(delay, self)

    def _unset(self) -> None:
        if isinstance(self._call, _SharedTimer):
            self._call.leave(self)
        elif self._call is not None:
            self._call.cancel()
        self._call = None

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


class SharedTimers:
    """
    Timers that alarms share: those that are due within the same second ring together, at its end.

    It spares each of thousands of idle sessions a timer of its own, which is 0.2 KiB.

    Args:
        clock: the reactor, or a test's clock.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._by_due: dict[int, _SharedTimer] = {}

    def join(self, due: float, alarm: DeadlineTimer[Any]) -> _SharedTimer:
        """Have an alarm ring when that second is over."""
        second = ceil(due)
        found = self._by_due.get(second)
        if found is None:
            found = self._by_due[second] = _SharedTimer(self._by_due, second)
            found.call = self._clock.callLater(second - self._clock.seconds(), found.ring)
        found.alarms[alarm] = None
        return found


class _SharedTimer:
    """The alarms that ring at the end of one second."""

    __slots__ = ("_all", "_second", "alarms", "call")

    log: ClassVar[Logger] = Logger()

    call: IDelayedCall

    def __init__(self, all_rounds: dict[int, _SharedTimer], second: int) -> None:
        self._all = all_rounds
        self._second = second
        self.alarms: dict[DeadlineTimer[Any], None] = {}  # a set of thousands takes twice the memory

    def leave(self, alarm: DeadlineTimer[Any]) -> None:
        """Have it not ring; the last one takes the timer with it."""
        self.alarms.pop(alarm, None)
        if not self.alarms and self._all.pop(self._second, None) is not None:
            self.call.cancel()

    def ring(self) -> None:
        """Ring them all. What one does may cancel others, and if it fails, the others ring all the same."""
        del self._all[self._second]
        alarms, self.alarms = self.alarms, {}
        for alarm in alarms:
            if alarm._call is self:
                alarm._due = self._second
                try:
                    alarm()
                except Exception:
                    self.log.failure("what was to be done after a time failed")


def clock_of(factory: object) -> IReactorTime:
    """The factory's clock or, where it names none, the reactor."""
    clock = getattr(factory, "clock", None)
    if clock is None:
        from twisted.internet import reactor as clock  # noqa: PLC0415 - never at import time
    return cast("IReactorTime", clock)
