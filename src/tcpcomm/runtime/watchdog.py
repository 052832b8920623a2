"""
Log the handlers that block the reactor, so that no other session is served: :class:`Watchdog`.

A handler that takes longer than :data:`WARN_AFTER` is logged when it ends. For one that takes longer than
:data:`DUMP_AFTER`, a thread logs its stack while it runs.
"""

from __future__ import annotations

import sys
import threading
import traceback
from time import monotonic
from types import FrameType
from typing import Final

from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.eager_coroutines import start_eagerly
from tcpcomm.runtime.log_throttle import KeyedLogThrottle

WARN_AFTER: Final = 0.05
"""Seconds for which a handler may block the reactor. Then the log names it when it ends."""

DUMP_AFTER: Final = 0.5
"""Seconds for which a handler may block the reactor. Then the log shows its stack."""

CALLERS: Final = (
    "tcpcomm.conversation.responder", "tcpcomm.conversation.answering_loop", start_eagerly.__module__,
)  # fmt: skip
"""Modules that call handlers. A handler's stack is shown without their frames and those before."""

WARN_INTERVAL: Final = 10.0
"""
Seconds between two log lines about one handler that blocks the reactor. The second line counts those
between.
"""

_REMEDY: Final = "mark it with @in_thread, or let it wait with await"
_REMEDY_IN_THREAD: Final = (
    "it runs in a thread, but threads that compute held Python up: compute with numpy, or in a process"
)

MOST_PLACES: Final = 10
"""Places of that stack in the log. Only the innermost ones are shown."""


class Watchdog:
    """
    A monitor of the handlers that run in one thread, the reactor's.

    The caller of a handler sets :attr:`handler` and :attr:`since` before it, and then calls :meth:`blocked`
    if it took too long. The thread runs while :meth:`start` was called more often than :meth:`stop`.
    """

    log = BoundedLogger()

    def __init__(self) -> None:
        self.handler: str | None = None
        """The name of the handler that runs; None while none runs."""
        self.since = 0.0
        """The time at which the handler began, by :func:`time.monotonic`."""
        self._users = 0
        self._stopped = threading.Event()
        self._warnings: KeyedLogThrottle[str] = KeyedLogThrottle(WARN_INTERVAL)

    def start(self) -> None:
        """Start the thread, unless it runs already."""
        self._users += 1
        if self._users == 1:
            self._stopped = threading.Event()
            watched = (self._stopped, threading.get_ident())
            threading.Thread(target=self._watch, args=watched, name="tcpcomm watchdog", daemon=True).start()

    def stop(self) -> None:
        """Stop the thread, if nobody else has started it too."""
        self._users -= 1
        if not self._users:
            self._stopped.set()

    def blocked(self, name: str, took: float, *, in_thread: bool = False) -> None:
        """
        Log that a handler took more than :data:`WARN_AFTER`.

        Args:
            name: the name of the handler.
            took: its time, in seconds.
            in_thread: True if it runs in a thread: then threads have kept Python busy.
        """
        count = self._warnings.count_due(name, monotonic())
        if count:
            self.log.warn(
                "{handler} blocked the reactor for {took:.2f} s{more}: no session was served meanwhile; "
                "{remedy}",
                handler=name,
                took=took,
                remedy=_REMEDY_IN_THREAD if in_thread else _REMEDY,
                more=f" (and {count - 1} times before)" if count > 1 else "",
            )

    def _watch(self, stopped: threading.Event, watched: int) -> None:
        dumped: tuple[str, float] | None = None
        while not stopped.wait(DUMP_AFTER / 5):
            name, since = self.handler, self.since
            if name is None or monotonic() - since < DUMP_AFTER or dumped == (name, since):
                continue
            dumped = name, since
            self.log.error(
                "{handler} has blocked the reactor for {took:.2f} s and still runs: {stack}",
                handler=name,
                took=monotonic() - since,
                stack=_stack_of_handler(sys._current_frames().get(watched)),
            )


def _stack_of_handler(frame: FrameType | None) -> str:
    """Return a stack as one line: each place within the handler, and the source line of the innermost."""
    frames: list[FrameType] = []
    while frame is not None and frame.f_globals.get("__name__") not in CALLERS:
        frames.append(frame)
        frame = frame.f_back
    summary = traceback.StackSummary.extract((each, each.f_lineno) for each in reversed(frames))
    if not summary:
        return "its place is not known"
    left_out = ["…"] if len(summary) > MOST_PLACES else []
    places = [f"{each.name} ({each.filename}:{each.lineno})" for each in summary[-MOST_PLACES:]]
    return f"in {' > '.join(left_out + places)}: {summary[-1].line or 'its source is not known'}"


watchdog: Final = Watchdog()
"""The watchdog of this process, because a process has one reactor."""
