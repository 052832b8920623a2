"""The shared part of the host's clients: ``await locate(job)``, alone or so many in flight."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import cycle
from typing import Protocol

from twisted.internet.defer import Deferred, gatherResults

from tests.bench.peers.asking import WARM_UP, measure_run

__all__ = ["measure_locate"]


class _Position(Protocol):
    @property
    def angle(self) -> float: ...


async def measure_locate(locate: Callable[[int], Awaitable[_Position]], count: int, in_flight: int) -> None:
    """
    Let so many coroutines await one position after another, and print the cost of all of these commands.

    Before, it prints "ready" and waits for a line.
    """
    jobs = cycle(range(1, 10))

    async def work(times: int) -> None:
        for _ in range(times):
            job = next(jobs)
            position = await locate(job)
            if position.angle != job:
                raise ValueError(f"{position!r} was answered to job {job}")

    async def work_together(each: int) -> None:
        await gatherResults([Deferred.fromCoroutine(work(each)) for _ in range(in_flight)])

    await work_together(max(1, WARM_UP // in_flight))
    each = max(1, count // in_flight)
    await measure_run(lambda: work_together(each), each * in_flight)
