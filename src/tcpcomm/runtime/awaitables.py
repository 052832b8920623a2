"""Wait for what a user's function returned: :func:`as_deferred`."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from twisted.internet.defer import Deferred

T = TypeVar("T")


def as_deferred(awaitable: Awaitable[T]) -> Deferred[T]:
    """Return a Deferred of the result of an awaitable. If it is a Deferred, that is returned."""
    if isinstance(awaitable, Deferred):
        return awaitable
    return Deferred.fromCoroutine(_result_of(awaitable))


async def _result_of(awaitable: Awaitable[T]) -> T:
    return await awaitable
