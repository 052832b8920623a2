"""
What blocks the reactor, by name: :class:`Watchdog`.

While a handler runs, no other session is served. One that takes longer than :data:`WARN_AFTER` is named in
the log when it is done; one that takes longer than :data:`DUMP_AFTER` is shown in the midst of what it
does, by a thread that looks on.
"""

from __future__ import annotations

import sys
import threading
import traceback
from time import monotonic
from types import FrameType
from typing import Final

from twisted.logger import Logger

from tcpcomm.runtime.log_throttle import LogThrottle

__all__ = ["DUMP_AFTER", "WARN_AFTER", "Watchdog"]

WARN_AFTER: Final = 0.05
"""Seconds that a handler may block the reactor before it is named."""

DUMP_AFTER: Final = 0.5
"""Seconds after which the log shows where it is."""

CALLERS: Final = ("Responder._carry_out", "start_eagerly")
"""The functions that call a handler: what stands above them in a stack is not its own."""

WARN_INTERVAL: Final = 10.0
"""Seconds between two log lines about one handler."""


class Watchdog:
    """
    Watches the handlers that run in one thread, the reactor's.

    Whoever calls a handler sets :attr:`handler` and :attr:`since` before, and after it calls
    :meth:`blocked` if it took too long. That costs every command two readings of the clock; with methods
    to call instead of the attributes it would cost twice as much. The thread that looks on exists only
    while :meth:`start` was called more often than :meth:`stop`.
    """

    log = Logger()

    def __init__(self) -> None:
        self.handler: str | None = None
        """The name of the handler that runs."""
        self.since = 0.0
        """When it began, by :func:`time.monotonic`."""
        self._users = 0
        self._stopped = threading.Event()
        self._told: dict[str, LogThrottle] = {}

    def start(self) -> None:
        """Have a thread look on."""
        self._users += 1
        if self._users == 1:
            self._stopped = threading.Event()
            threading.Thread(
                target=self._look_on,
                args=(self._stopped, threading.get_ident()),
                name="tcpcomm watchdog",
                daemon=True,
            ).start()

    def stop(self) -> None:
        """That is needed no more."""
        self._users -= 1
        if not self._users:
            self._stopped.set()

    def blocked(self, name: str, took: float) -> None:
        """A handler took more than :data:`WARN_AFTER`: name it."""
        count = self._told.setdefault(name, LogThrottle(WARN_INTERVAL)).count_due(monotonic())
        if count:
            self.log.warn(
                "{handler} blocked the reactor for {took:.2f} s{more}: no session was served meanwhile; "
                "mark it with @in_thread, or have it wait with await",
                handler=name,
                took=took,
                more=f" (and {count - 1} times before)" if count > 1 else "",
            )

    def _look_on(self, stopped: threading.Event, watched: int) -> None:
        dumped: tuple[str, float] | None = None
        while not stopped.wait(DUMP_AFTER / 5):
            name, since = self.handler, self.since
            if name is None or monotonic() - since < DUMP_AFTER or dumped == (name, since):
                continue
            dumped = name, since
            frame = sys._current_frames().get(watched)
            stack = _stack_of_handler(frame)
            self.log.error(
                "{handler} has blocked the reactor for {took:.2f} s; this is where it is:\n{stack}",
                handler=name,
                took=monotonic() - since,
                stack=stack,
            )


def _stack_of_handler(frame: FrameType | None) -> str:
    """The lines of the stack that ends in this frame, from the handler on."""
    frames: list[FrameType] = []
    while frame is not None and frame.f_code.co_qualname not in CALLERS:
        frames.append(frame)
        frame = frame.f_back
    summary = traceback.StackSummary.extract((each, each.f_lineno) for each in reversed(frames))
    return "".join(summary.format())


watchdog: Final = Watchdog()
"""The one of this process: there is one reactor."""
