"""Wait for several commands that are under way at once: :func:`together`."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar, overload

from twisted.internet.defer import Deferred, DeferredList
from twisted.python.failure import Failure

from tcpcomm.runtime.awaitables import as_deferred

T = TypeVar("T")
T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")
T5 = TypeVar("T5")


@overload
def together(a: Awaitable[T1], /) -> Deferred[tuple[T1]]: ...


@overload
def together(a: Awaitable[T1], b: Awaitable[T2], /) -> Deferred[tuple[T1, T2]]: ...


@overload
def together(a: Awaitable[T1], b: Awaitable[T2], c: Awaitable[T3], /) -> Deferred[tuple[T1, T2, T3]]: ...


@overload
def together(
    a: Awaitable[T1], b: Awaitable[T2], c: Awaitable[T3], d: Awaitable[T4], /
) -> Deferred[tuple[T1, T2, T3, T4]]: ...


@overload
def together(
    a: Awaitable[T1], b: Awaitable[T2], c: Awaitable[T3], d: Awaitable[T4], e: Awaitable[T5], /
) -> Deferred[tuple[T1, T2, T3, T4, T5]]: ...


@overload
def together(*awaitables: Awaitable[T]) -> Deferred[tuple[T, ...]]: ...


def together(*awaitables: Awaitable[Any]) -> Deferred[Any]:
    """
    Wait for several results, such as those of commands that were asked at once.

    ::

        status, position = await together(robot.status(), robot.position())

    If the equipment takes one command at a time, the others wait for their turn.

    Args:
        awaitables: what the commands of a proxy returned, or other Deferreds and coroutines.

    Returns:
        A Deferred of the results, in the order of the arguments. If some fail, it waits for the others, and
        fails with the error that came first; the other errors are dropped. Cancelling it cancels all.
    """
    failures: list[Failure] = []

    def note(failure: Failure) -> None:
        failures.append(failure)

    def settled(outcomes: Any) -> Any:
        return failures[0] if failures else tuple(result for _, result in outcomes)

    under_way: list[Deferred[Any]] = [as_deferred(each) for each in awaitables]
    for each in under_way:
        each.addErrback(note)
    return DeferredList(under_way).addCallback(settled)
