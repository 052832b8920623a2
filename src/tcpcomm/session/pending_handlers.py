"""Handlers that have started and not finished: :class:`PendingHandlers`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import iscoroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure


class PendingHandlers:
    """
    The coroutines and Deferreds that the handlers of one session returned, because their work takes longer.

    Args:
        finished: called when one of them has finished, with its failure, or with None if it succeeded.
    """

    __slots__ = ("_finished", "_unfinished")

    def __init__(self, finished: Callable[[Failure | None], None]) -> None:
        self._finished = finished
        self._unfinished: dict[Deferred[Any], None] = {}  # in the order in which they began

    def __len__(self) -> int:
        """Return how many have not finished."""
        return len(self._unfinished)

    def add(self, later: Awaitable[None]) -> None:
        """
        Wait for a coroutine or a Deferred. One that has succeeded already is not counted.

        Raises:
            TypeError: it is neither.
        """
        if iscoroutine(later):
            deferred = Deferred.fromCoroutine(later)
        elif isinstance(later, Deferred):
            deferred = later
        else:
            raise TypeError(f"a handler must return None, a coroutine or a Deferred, not {later!r}")
        if deferred.called and not deferred.paused and not isinstance(deferred.result, Failure):
            return
        self._unfinished[deferred] = None
        deferred.addBoth(self._remove, deferred)

    def cancel(self) -> None:
        """Cancel all that have not finished, the oldest first."""
        for deferred in list(self._unfinished):
            deferred.cancel()

    def _remove(self, result: object, deferred: Deferred[Any]) -> None:
        self._unfinished.pop(deferred, None)
        self._finished(result if isinstance(result, Failure) else None)
