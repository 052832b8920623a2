"""Timers: :class:`DeadlineTimer` for the deadlines of one object, :class:`SharedTimers` for idle ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import ceil, inf
from operator import itemgetter
from typing import Any, ClassVar, Final, Generic, TypeVar, cast

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.monotonic_time import the_reactor

Owner = TypeVar("Owner")

Deadline = tuple[float, Callable[[Owner], object]]
"""A time by the clock, and the function to call then with the owner of the deadline."""

_NEVER: Final = -inf

LATE: Final = 0.005
"""Seconds: a timer that fires later than this shows that this process was busy, not the peer silent."""

FAR: Final = 60.0
"""Seconds: a deadline at least this far away is kept to the second only, so that it can share a timer."""


@define(eq=False, weakref_slot=False)
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

    _clock: IReactorTime
    _deadlines: Callable[[Owner], Iterable[Deadline[Owner]]]
    _owner: Owner
    _shared_timers: SharedTimers | None = None
    _call: IDelayedCall | _SharedTimer | None = field(default=None, init=False)
    _due: float = field(default=inf, init=False)  # when it fires; _NEVER after cancel()
    _recheck_until: float = field(default=_NEVER, init=False)
    _rechecked: float | None = field(default=None, init=False)  # the deadline for which it fires once more
    _fired_at: float = field(default=_NEVER, init=False)

    @property
    def is_set(self) -> bool:
        """True while the timer is going to fire."""
        return self._call is not None

    def update(self) -> None:
        """Read the deadlines again: one may now be earlier than the timer."""
        self.expect(min((time for time, _ in self._deadlines(self._owner)), default=inf))

    def expect(self, due: float) -> None:
        """Add one new deadline, without reading the others."""
        if due < self._due:
            self._set(due)

    def cancel(self) -> None:
        """Stop the timer for good: later deadlines do not set it again."""
        self._due = _NEVER
        self._unset()

    def _set(self, due: float) -> None:
        self._unset()  # reset() to an earlier time would have Twisted search all its timers
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
        """Act on the deadline that is due."""
        now = self._clock.seconds()
        late = now - self._due
        self._call, self._due = None, inf
        due, act = min(self._deadlines(self._owner), key=itemgetter(0), default=(inf, None))
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

    All of them fire at the end of that second. An idle session then needs no timer of its own.

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

    log: ClassVar[BoundedLogger] = BoundedLogger()

    call: IDelayedCall

    def __init__(self, by_second: dict[int, _SharedTimer], second: int) -> None:
        self._by_second = by_second
        self._second = second
        self.timers: dict[DeadlineTimer[Any], None] = {}  # a set takes more memory

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
    """Return the factory's clock or, if it has none, the reactor; a reactor is on monotonic time."""
    return cast("IReactorTime", the_reactor(getattr(factory, "clock", None)))
