"""The shared part of measured clients: they send requests one after another, and print their cost."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Awaitable, Callable

__all__ = ["WARM_UP", "measure_requests", "measure_run"]

WARM_UP = 100


async def measure_requests(ask: Callable[[], Awaitable[object]], count: int, expected: object) -> None:
    """
    Send this many requests; print them, the seconds, and the CPU seconds of this process as a line of JSON.

    Before, it prints "ready" and waits for a line.
    """
    for _ in range(WARM_UP):
        answer = await ask()
        if answer != expected:
            raise SystemExit(f"{answer!r} was answered instead of {expected!r}")

    async def ask_all() -> None:
        for _ in range(count):
            await ask()

    await measure_run(ask_all, count)


async def measure_run(run: Callable[[], Awaitable[object]], count: int) -> None:
    """
    Run what sends this many requests, and print their cost as :func:`measure_requests` does.

    Before, it prints "ready" and waits for a line.
    """
    print("ready", flush=True)
    sys.stdin.readline()
    began, cpu = time.perf_counter(), time.process_time()
    await run()
    spent = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    print(json.dumps({"frames": count, **spent}), flush=True)
