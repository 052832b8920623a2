"""A test's clock that takes calls from threads: :class:`ThreadedClock`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from queue import SimpleQueue
from typing import Any, Final, TypeVar

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

T = TypeVar("T")

LONG: Final = 60.0
"""Seconds within which a thread has its turn, also on a busy machine."""


class ThreadedClock(Clock):
    """Its calls from threads run when the test says so, in the thread of the test."""

    def __init__(self) -> None:
        super().__init__()
        self.from_threads: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def callFromThread(self, function: Callable[..., None], *args: Any) -> None:
        self.from_threads.put(lambda: function(*args))

    def turn(self) -> None:
        """Wait for a call of a thread, and run it."""
        self.from_threads.get(timeout=LONG)()

    def wait(self, awaitable: Awaitable[T]) -> T:
        """Wait for a coroutine or a Deferred. Return its result, or raise its error."""
        outcome: list[Any] = []
        deferred: Any = awaitable if isinstance(awaitable, Deferred) else ensureDeferred(awaitable)  # type: ignore[arg-type]
        deferred.addBoth(outcome.append)
        while not outcome:
            self.turn()
        (found,) = outcome
        if isinstance(found, Failure):
            found.raiseException()
        result: T = found
        return result
