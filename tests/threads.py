"""A clock whose threads work when a test says so: :class:`ClockWithThreads`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.task import Clock
from twisted.python.failure import Failure

__all__ = ["ClockWithThreads", "LazyThreads"]


class LazyThreads:
    """Threads that begin no work before :meth:`work`, and then do it in the thread of the test."""

    def __init__(self) -> None:
        self._jobs: list[Callable[[], None]] = []

    def __len__(self) -> int:
        return len(self._jobs)

    def work(self) -> None:
        """Do all work that waits."""
        jobs, self._jobs = self._jobs, []
        for job in jobs:
            job()

    def callInThreadWithCallback(
        self, on_result: Callable[[bool, Any], object], function: Callable[..., Any], *args: Any, **kw: Any
    ) -> None:
        def job() -> None:
            try:
                result, is_good = function(*args, **kw), True
            except Exception:
                result, is_good = Failure(), False
            on_result(is_good, result)

        self._jobs.append(job)


class ClockWithThreads(Clock):
    """A clock with threads, as a reactor has them."""

    def __init__(self) -> None:
        super().__init__()
        self.threads = LazyThreads()

    def getThreadPool(self) -> LazyThreads:
        return self.threads

    def callFromThread(self, function: Callable[..., Any], *args: Any, **kw: Any) -> None:
        function(*args, **kw)
