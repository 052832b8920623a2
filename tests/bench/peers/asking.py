"""What clients that are measured have in common: they ask one after the other, and tell their cost."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Awaitable, Callable

__all__ = ["WARM_UP", "ask_and_tell"]

WARM_UP = 100


async def ask_and_tell(ask: Callable[[], Awaitable[object]], count: int, expected: object) -> None:
    """
    Ask so often, and print one line of JSON: how often, the seconds, and the CPU seconds of this process.

    Before, it prints "ready", and waits for a line.
    """
    for _ in range(WARM_UP):
        answer = await ask()
        if answer != expected:
            raise SystemExit(f"{answer!r} was answered instead of {expected!r}")
    print("ready", flush=True)
    sys.stdin.readline()
    began, cpu = time.perf_counter(), time.process_time()
    for _ in range(count):
        await ask()
    spent = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    print(json.dumps({"frames": count, **spent}), flush=True)
