"""
The way of rows and figures from the reactor's thread to the console's: :class:`Feed`.

The reactor never waits for the console. It puts the news into a mailbox of limited size, ten times a second
at most. Rows that do not fit are counted. The console takes the mailbox when it has time.
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import Any, Final

from attrs import field, frozen
from twisted.internet.defer import maybeDeferred

from tcpcomm.tools.monitor.model import MonitorModel
from tcpcomm.tools.monitor.rows import Row

INTERVAL: Final = 0.1
"""Seconds between two batches for the console."""

MOST_WAITING_ROWS: Final = 2000
"""Rows that wait for the console. Further rows are counted, and not shown."""

FIRST_ROWS: Final = 1000
"""Rows that the console shows when it opens a source. Older ones are left out."""

MOST_LOG_LINES: Final = 500
"""Lines of the log that the console keeps. The oldest are forgotten."""

_OVERVIEW_EVERY: Final = 5  # batches
_LONGEST_LINE: Final = 4000


@frozen
class News:
    """The news since the console asked last."""

    watch: int = 0
    """The number of the call of :meth:`Feed.watch` that the rows belong to."""
    rows: tuple[Row, ...] = ()
    left_out: int = 0
    overview: dict[str, Any] | None = None
    """The state of everything, or None if it is as it was."""
    is_equipment: bool = False
    """True if this side of the watched source is the equipment."""
    encoding: str = "ascii"
    """The encoding of the texts of the watched source."""
    log: tuple[str, ...] = field(default=())
    ended: bool = False
    """True if the reactor has ended, or if somebody asked for the end."""


class LogStream(io.TextIOBase):
    """
    A stream for all that the program prints while the console has the terminal.

    Args:
        write: gets whole lines.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._lock = Lock()
        self._begun = ""

    def write(self, text: str) -> int:
        """Add text; a line is shown when it ends."""
        with self._lock:
            *lines, begun = f"{self._begun}{text}".split("\n")
            self._begun = begun[:_LONGEST_LINE]
        if lines:
            self._write("\n".join(lines))
        return len(text)

    def writable(self) -> bool:
        return True


class Feed:
    """
    Collects the news in the reactor's thread, and keeps them for another thread.

    Args:
        model: follows the links and sessions; only the reactor's thread uses it.
        reactor: the reactor.
        overview: returns the state of everything; None: as the model has it.
    """

    def __init__(
        self,
        model: MonitorModel,
        reactor: Any,
        overview: Callable[[], dict[str, Any]] | None = None,
    ) -> None:
        self.model = model
        self._state = overview or model.overview
        self._reactor = reactor
        self._lock = Lock()
        self._watch = 0
        self._source: str | None = None
        self._session: int | None = None
        self._rows: list[Row] = []
        self._left_out = 0
        self._overview: dict[str, Any] | None = None
        self._is_equipment = False
        self._encoding = "ascii"
        self._log: deque[str] = deque(maxlen=MOST_LOG_LINES)
        self._ended = False
        self._collections = 0
        self._changes = -1
        self._timer: Any = None
        self.stream = LogStream(self.write)
        """Takes all that the program prints."""

    # -- in the reactor's thread --------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to collect."""
        self._collect()

    def stop(self) -> None:
        """Stop collecting."""
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()

    def _collect(self) -> None:
        self._timer = self._reactor.callLater(INTERVAL, self._collect)
        self.collect()

    def collect(self) -> None:
        """Put the news into the mailbox."""
        rows, left_out = self.model.take_batch()
        if self._session is not None:
            rows = [row for row in rows if row.session == self._session]
        count = left_out[self._source] if self._source is not None else 0
        overview = self._new_overview()
        with self._lock:
            room = max(0, MOST_WAITING_ROWS - len(self._rows))
            self._rows += rows[:room]
            self._left_out += count + max(0, len(rows) - room)
            self._overview = overview or self._overview
            self._note_side()

    def _new_overview(self) -> dict[str, Any] | None:
        """Return the state of everything if its time has come, and if the console took the last one."""
        self._collections += 1
        has_changed = self._changes != self.model.changes
        if self._overview is not None and not has_changed:
            return None
        if not has_changed and self._collections % _OVERVIEW_EVERY:
            return None
        self._changes = self.model.changes
        return self._state()

    def _note_side(self) -> None:
        source = None if self._source is None else self.model.source(self._source)
        if source is not None:
            self._is_equipment = source.is_equipment
            self._encoding = getattr(source.declaration, "encoding", None) or "ascii"

    def _watch_now(self, watch: int, source: str | None, session: int | None) -> None:
        self._source, self._session = source, session
        watched: frozenset[str] = frozenset() if source is None else frozenset([source])
        self.model.watch(watched)
        self.model.take_batch()
        rows = self.model.newest(watched, FIRST_ROWS)
        if session is not None:
            rows = [row for row in rows if row.session == session]
        with self._lock:
            self._watch, self._rows, self._left_out = watch, rows, 0
            self._note_side()

    # -- in any thread ------------------------------------------------------------------------------------

    def watch(self, watch: int, source: str | None, session: int | None = None) -> None:
        """
        Watch the rows of a source from now on, or of one session, or of none.

        Args:
            watch: a number that the news about them bear.
            source: the id of the source, or None.
            session: the number of the session, or None for all of the source.
        """
        self._reactor.callFromThread(self._watch_now, watch, source, session)

    def call(self, function: Callable[[], Any]) -> Future[Any]:
        """Call a function in the reactor's thread. Return the future of its result, or of its Deferred."""
        future: Future[Any] = Future()
        self._reactor.callFromThread(self._call_now, function, future)
        return future

    @staticmethod
    def _call_now(function: Callable[[], Any], future: Future[Any]) -> None:
        if not future.set_running_or_notify_cancel():
            return  # nobody waits any more
        outcome = maybeDeferred(function)
        outcome.addCallbacks(future.set_result, lambda failure: future.set_exception(failure.value))

    def write(self, text: str) -> None:
        """Add lines to the log. It is a function that a log can write to."""
        lines = [line[:_LONGEST_LINE] for line in text.splitlines()]
        with self._lock:
            self._log.extend(lines)

    def end(self) -> None:
        """Tell the console that it must end."""
        self._ended = True

    def take(self) -> News:
        """Take the news."""
        with self._lock:
            news = News(
                watch=self._watch,
                rows=tuple(self._rows),
                left_out=self._left_out,
                overview=self._overview,
                is_equipment=self._is_equipment,
                encoding=self._encoding,
                log=tuple(self._log),
                ended=self._ended,
            )
            self._rows, self._left_out, self._overview = [], 0, None
            self._log.clear()
        return news
