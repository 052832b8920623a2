"""
Timers: :class:`DeadlineTimer` for the deadlines of one object, :class:`SharedTimers` for many idle objects.

:func:`clock_of` returns the clock that a factory uses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import ceil, inf
from operator import itemgetter
from typing import Any, ClassVar, Final, Generic, TypeVar, cast

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

Owner = TypeVar("Owner")

Deadline = tuple[float, Callable[[Owner], object]]
"""A time by the clock, and the function to call then with the owner of the deadline."""

_NEVER: Final = -inf

LATE: Final = 0.005
"""Seconds: a timer that fires later than this shows that this process was busy, not the peer silent."""

FAR: Final = 60.0
"""Seconds: a deadline at least this far away is kept to the second only, so that it can share a timer."""


class DeadlineTimer(Generic[Owner]):
    """
    A timer that acts on the earliest of several deadlines.

    A deadline that moves on with every byte costs nothing: the timer stays set, and when it fires too
    early it is set again.

    When the timer fires late, the data that it waits for may lie unread in the socket. The timer then fires
    once more after the reactor has read the socket. It repeats this while the deadline moves on, for at
    most the time that it was late.

    Args:
        clock: the reactor, or a test's clock.
        deadlines: returns the deadlines of the owner.
        owner: the object that has the deadlines.
        shared_timers: timers to share for far deadlines; None: this timer never shares one.
    """

    __slots__ = (
        "_call",
        "_clock",
        "_deadlines",
        "_due",
        "_fired_at",
        "_owner",
        "_recheck_until",
        "_rechecked",
        "_shared_timers",
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
        self._shared_timers = shared_timers
        self._call: IDelayedCall | _SharedTimer | None = None
        self._due = inf  # when it fires; _NEVER after cancel(), so that no deadline is earlier
        self._recheck_until = _NEVER
        self._rechecked: float | None = None  # the deadline for which it fires once more
        self._fired_at = _NEVER

    @property
    def is_set(self) -> bool:
        """True while the timer is going to fire."""
        return self._call is not None

    def update(self) -> None:
        """Read the deadlines again: one may now be earlier than the timer."""
        due = min((time for time, _ in self._deadlines(self._owner)), default=inf)
        if due < self._due:
            self._set(due)

    def expect(self, due: float) -> None:
        """Add one new deadline, without reading the others."""
        if due < self._due:
            self._set(due)

    def cancel(self) -> None:
        """Stop the timer for good: later deadlines do not set it again."""
        self._due = _NEVER
        self._unset()

    def _set(self, due: float) -> None:
        self._unset()  # not reset(): for an earlier time, that has Twisted search all its timers
        self._due = due
        delay = max(0.0, due - self._clock.seconds())
        if self._shared_timers is not None and delay >= FAR:
            self._call = self._shared_timers.join(due, self)
        else:
            self._call = self._clock.callLater(delay, self)

    def _unset(self) -> None:
        if isinstance(self._call, _SharedTimer):
            self._call.leave(self)
        elif self._call is not None:
            self._call.cancel()
        self._call = None

    def __call__(self) -> None:
        """Act on the deadline that is due. Only the clock and a shared timer call this."""
        now = self._clock.seconds()
        late = now - self._due
        self._call, self._due = None, inf
        nothing = (inf, None)
        due, act = min(self._deadlines(self._owner), key=itemgetter(0), default=nothing)
        if late > LATE and (self._rechecked is None or due > self._fired_at):
            self._recheck_until = now + late
        self._fired_at = now
        if due <= now <= self._recheck_until and due != self._rechecked:
            self._rechecked = due
            self._set(now)
            return
        self._rechecked = None
        if act is not None and due <= now:
            act(self._owner)
        self.update()


class SharedTimers:
    """
    Timers of the clock, each shared by all deadline timers that are due within the same second.

    All of them fire at the end of that second. An idle session then needs no timer of its own (0.2 KiB).

    Args:
        clock: the reactor, or a test's clock.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._by_second: dict[int, _SharedTimer] = {}

    def join(self, due: float, timer: DeadlineTimer[Any]) -> _SharedTimer:
        """Let the timer fire at the end of the second in which it is due."""
        second = ceil(due)
        shared = self._by_second.get(second)
        if shared is None:
            shared = self._by_second[second] = _SharedTimer(self._by_second, second)
            shared.call = self._clock.callLater(second - self._clock.seconds(), shared.fire)
        shared.timers[timer] = None
        return shared


class _SharedTimer:
    """The deadline timers that fire at the end of one second."""

    __slots__ = ("_by_second", "_second", "call", "timers")

    log: ClassVar[Logger] = Logger()

    call: IDelayedCall

    def __init__(self, by_second: dict[int, _SharedTimer], second: int) -> None:
        self._by_second = by_second
        self._second = second
        self.timers: dict[DeadlineTimer[Any], None] = {}  # a set of thousands takes twice the memory

    def leave(self, timer: DeadlineTimer[Any]) -> None:
        """Remove a timer; without the last one, nothing fires."""
        self.timers.pop(timer, None)
        if not self.timers and self._by_second.pop(self._second, None) is not None:
            self.call.cancel()

    def fire(self) -> None:
        """Fire each timer that no other has cancelled. If one raises, log the error and go on."""
        del self._by_second[self._second]
        timers, self.timers = self.timers, {}
        for timer in timers:
            if timer._call is self:
                timer._due = self._second
                try:
                    timer()
                except Exception:
                    self.log.failure("a timer failed to act on its deadline")


def clock_of(factory: object) -> IReactorTime:
    """Return the factory's clock or, if it has none, the reactor."""
    clock = getattr(factory, "clock", None)
    if clock is None:
        from twisted.internet import reactor as clock  # noqa: PLC0415 - never at import time
    return cast("IReactorTime", clock)
