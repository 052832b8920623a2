"""
Virtual time: a clock that jumps from one event to the next, and shows each callback its own time.

:class:`twisted.internet.task.Clock` shows the final time of an ``advance(10)`` to every callback on the
way, so that nothing that measures silence can be tested with it in large steps. Here time never passes
but between two events.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from heapq import heappop, heappush
from typing import Any, Final, Protocol

from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

__all__ = ["Owner", "Timer", "VirtualClock"]

ENDLESS: Final = 100_000
"""So many calls at one and the same time are a loop without end."""


class Owner(Protocol):
    """Whose timers these are: what is not alive has none, and what hangs is called when it goes on."""

    alive: bool
    hung: bool
    postponed: list[Timer]


@implementer(IDelayedCall)
class Timer:
    """One call that is to come."""

    __slots__ = ("_cancelled", "_clock", "_function", "owner", "queued", "time")

    def __init__(
        self, clock: VirtualClock, owner: Owner | None, time: float, function: Callable[[], object]
    ) -> None:
        self._clock = clock
        self._function = function
        self._cancelled = False
        self.owner = owner
        self.time: float | None = time
        """When it is due; None once it was called or cancelled."""
        self.queued = time
        """Under which time the clock will look at it."""

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

    def call(self) -> None:
        """It is due."""
        self.time = None
        self._function()

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
    Time for a test. Calls of the same time are made in the order in which they were asked for.

    It may be used wherever :class:`twisted.internet.task.Clock` can.
    """

    def __init__(self) -> None:
        self.now = 0.0
        """Seconds since the beginning."""
        self._queue: list[tuple[float, int, Timer]] = []
        self._count = 0
        self._without_progress = 0

    def seconds(self) -> float:
        return self.now

    def callLater(self, delay: float, callable: Callable[..., object], *args: Any, **kw: Any) -> Timer:
        return self.schedule(None, delay, partial(callable, *args, **kw) if args or kw else callable)

    def schedule(self, owner: Owner | None, delay: float, function: Callable[[], object]) -> Timer:
        """Plan a call that its owner makes: later if that hangs, never if it dies."""
        if not delay >= 0:
            raise ValueError(f"a call cannot be planned for {delay} seconds from now")
        timer = Timer(self, owner, self.now + delay, function)
        self.push(timer, timer.queued)
        return timer

    def getDelayedCalls(self) -> Sequence[IDelayedCall]:
        return [timer for timer in {each[2]: None for each in self._queue} if timer.active()]

    def push(self, timer: Timer, time: float) -> None:
        """Have a timer looked at."""
        timer.queued = time
        self._count += 1
        heappush(self._queue, (time, self._count, timer))

    def move(self, timer: Timer, time: float) -> None:
        """Have a timer due at another time."""
        timer.time = time
        if time < timer.queued:
            self.push(timer, time)

    def step(self, until: float = float("inf")) -> bool:
        """Make the next call that is due by then, at its time; False if there is none."""
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
                self._without_progress = 0
            else:
                self._without_progress += 1
                if self._without_progress > ENDLESS:
                    raise RuntimeError(f"time stands still at {time}: it is always {timer} that is due")
            if owner is not None and owner.hung:
                timer.queued = -1.0
                owner.postponed.append(timer)
                continue
            timer.call()
            return True
        return False

    def advance(self, amount: float) -> None:
        """Let so many seconds pass, event by event."""
        until = self.now + amount
        while self.step(until):
            pass
        self.now = until

    def run_until(self, condition: Callable[[], bool], within: float) -> bool:
        """
        Let time pass until something is true; look after each event.

        Returns:
            Whether it came true within so many seconds. If it did not, they have all passed.
        """
        until = self.now + within
        while not condition():
            if not self.step(until):
                self.now = until
                return condition()
        return True
