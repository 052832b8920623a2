"""
Virtual time: a clock that jumps from one event to the next, so that each callback sees its own time.

During ``advance(10)``, :class:`twisted.internet.task.Clock` shows the final time to every callback. So code
that measures silence cannot be tested with it in large steps.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from typing import Any, Final

from attrs import define
from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

_ENDLESS: Final = 100_000
"""The number of calls at one time from which they count as an endless loop."""


@implementer(IDelayedCall)
@define(eq=False, repr=False)
class Timer:
    """One planned call."""

    _clock: VirtualClock
    owner: Program | None
    time: float | None
    """The time of the call in seconds, or None after it was made or cancelled."""
    queued: float
    """The time at which the clock examines this timer, in seconds."""
    _function: Callable[[], object]
    _cancelled: bool = False

    def getTime(self) -> float:
        return self._clock.now if self.time is None else self.time

    def active(self) -> bool:
        return self.time is not None and (self.owner is None or self.owner.alive)

    def cancel(self) -> None:
        self._check()
        self.time = None
        self._cancelled = True

    def reset(self, secondsFromNow: float) -> None:
        self._check()
        self._clock.move(self, self._clock.now + secondsFromNow)

    def delay(self, secondsLater: float) -> None:
        self._check()
        self._clock.move(self, self.getTime() + secondsLater)

    def _check(self) -> None:
        if self._cancelled:
            raise AlreadyCancelled
        if self.time is None:
            raise AlreadyCalled

    def __repr__(self) -> str:
        return f"<Timer at {self.time}: {getattr(self._function, '__qualname__', self._function)}>"


@implementer(IReactorTime)
class VirtualClock:
    """
    The time of a test. Calls for the same time are made in the order in which they were planned.

    Use it like :class:`twisted.internet.task.Clock`.
    """

    def __init__(self) -> None:
        self.now = 0.0
        """The seconds since the start."""
        self._queue: list[tuple[float, int, Timer]] = []
        self._count = 0
        self._calls_at_now = 0

    def seconds(self) -> float:
        return self.now

    def callLater(self, delay: float, callable: Callable[..., object], *args: Any, **kw: Any) -> Timer:
        return self.schedule(None, delay, callable, *args, **kw)

    def schedule(
        self, owner: Program | None, delay: float, function: Callable[..., object], *args: Any, **kw: Any
    ) -> Timer:
        """Plan a call in ``delay`` seconds: later if its owner hangs then, never if it is dead."""
        if not delay >= 0:
            raise ValueError(f"a call cannot be planned for {delay} seconds from now")
        time = self.now + delay
        timer = Timer(self, owner, time, time, partial(function, *args, **kw) if args or kw else function)
        self.push(timer, time)
        return timer

    def getDelayedCalls(self) -> list[Timer]:
        return [timer for timer in {each[2]: None for each in self._queue} if timer.active()]

    def push(self, timer: Timer, time: float) -> None:
        """Examine a timer at this time."""
        timer.queued = time
        self._count += 1
        heappush(self._queue, (time, self._count, timer))

    def move(self, timer: Timer, time: float) -> None:
        timer.time = time
        if time < timer.queued:
            self.push(timer, time)

    def step(self, until: float = float("inf")) -> bool:
        """Make the next call before ``until``, at its time. Return False if there is none."""
        queue = self._queue
        while queue and queue[0][0] <= until:
            time, _, timer = heappop(queue)
            due, owner = timer.time, timer.owner
            if due is None or time != timer.queued or (owner is not None and not owner.alive):
                continue
            if due > time:
                self.push(timer, due)
                continue
            if time > self.now:
                self.now = time
                self._calls_at_now = 0
            else:
                self._calls_at_now += 1
                if self._calls_at_now > _ENDLESS:
                    raise RuntimeError(f"endless loop at {time} s: {timer} is always due")
            if owner is not None and owner.hung:
                timer.queued = -1.0
                owner.postponed.append(timer)
                continue
            timer.time = None
            timer._function()
            return True
        return False

    def advance(self, amount: float) -> None:
        """Let ``amount`` seconds pass, event by event."""
        until = self.now + amount
        while self.step(until):
            pass
        self.now = until

    def run_until(self, condition: Callable[[], bool], within: float) -> bool:
        """
        Let time pass until a condition is true, which is tested after each event.

        Returns:
            True if it became true within ``within`` seconds, False after all of them have passed.
        """
        until = self.now + within
        while not condition():
            if not self.step(until):
                self.now = until
                return condition()
        return True


@implementer(IReactorTime)
class Program:
    """
    One run of a machine's program, and the clock of that program.

    Its timers fire late if it hangs, and never after it has ended.
    """

    def __init__(self, clock: VirtualClock) -> None:
        self.alive = True
        self.hung = False
        self.postponed: list[Timer] = []
        """The timers that became due while the program hung."""
        self._clock = clock

    def seconds(self) -> float:
        return self._clock.now

    def callLater(self, delay: float, callable: Callable[..., object], *args: Any, **kw: Any) -> Timer:
        return self._clock.schedule(self, delay, callable, *args, **kw)

    def getDelayedCalls(self) -> list[Timer]:
        return [timer for timer in self._clock.getDelayedCalls() if timer.owner is self]
