"""Helpers for tests that need the real reactor: sockets of this machine, and real time."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any, Final

from twisted.internet import reactor as _reactor
from twisted.internet.task import deferLater

__all__ = ["DEADLINE", "reactor", "until"]

reactor: Any = _reactor

DEADLINE: Final = 60.0
"""Seconds to wait for a condition; long enough for a busy machine."""


async def until(condition: Callable[[], bool]) -> None:
    """Let the reactor run until the condition is true."""
    deadline = monotonic() + DEADLINE
    while not condition():
        assert monotonic() < deadline, "it did not come true"
        await deferLater(reactor, 0.001)
