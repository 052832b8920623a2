"""
The open pages, and what each of them gets: :class:`Pages`. It knows no web: a page is a function to write.

All rows of 20 ms go out as one batch. It is made once for all pages that watch the same sources. A page
that does not read loses rows, and learns how many. For it, and without a page, rows are only counted.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, Final

from twisted.internet.task import LoopingCall

from tcpcomm.tools.monitor.access import Denied
from tcpcomm.tools.monitor.model import BATCH_ROWS, MonitorModel
from tcpcomm.tools.monitor.rows import Row, rows_json

BATCH_SECONDS: Final = 0.02
"""Seconds between two batches of rows."""

OVERVIEW_SECONDS: Final = 0.5
"""Seconds between two overviews."""

MOST_PAGES: Final = 8
"""Pages of a monitor that are open at once. A further page is refused, and says so."""

STALLED_AFTER: Final = 60.0
"""Seconds for which a page does not read. Then it is closed."""

MOST_HISTORY: Final = 5000
"""Rows of the past that a page gets when it opens. Older ones are left out."""

_SETTLING: Final = 5.0
_KEEP_ALIVE: Final = 10.0


def event(kind: str, data: str, number: int | None = None) -> bytes:
    """Return a server-sent event. The data is JSON, which has no line ends."""
    head = "" if number is None else f"id: {number}\n"
    return f"{head}event: {kind}\ndata: {data}\n\n".encode("ascii")


class Page:
    """
    One open page.

    Args:
        write: sends bytes to it.
        end: closes it at once.
        watch: the ids of the sources that it shows; None: all.
    """

    __slots__ = ("dropped", "end", "is_paused", "past", "paused_at", "watch", "write")

    def __init__(
        self, write: Callable[[bytes], object], end: Callable[[], object], watch: frozenset[str] | None
    ) -> None:
        self.write = write
        self.end = end
        self.watch = watch
        self.is_paused = False
        self.paused_at = 0.0
        self.dropped = 0
        self.past: deque[Row] = deque()

    def shows(self, source: str) -> bool:
        """Return True if the page shows the rows of a source."""
        return self.watch is None or source in self.watch


class Pages:
    """
    All open pages of a monitor.

    Args:
        model: what they show.
        overview: returns the overview, as plain values.
        clock: the reactor, or a test's clock.
    """

    def __init__(self, model: MonitorModel, overview: Callable[[], dict[str, Any]], clock: Any) -> None:
        self._model = model
        self._overview = overview
        self._clock = clock
        self._pages: list[Page] = []
        self._loop = LoopingCall(self.tick)
        self._loop.clock = clock
        self._next_overview = self._active_until = self._last_sent = 0.0
        self._seen = (-1, -1)
        self.dropped = 0
        """The rows that pages missed so far."""

    def __len__(self) -> int:
        return len(self._pages)

    def __iter__(self) -> Iterator[Page]:
        return iter(list(self._pages))

    def check_room(self) -> None:
        """Raise Denied if no further page can be opened."""
        if len(self._pages) >= MOST_PAGES:
            raise Denied(
                503,
                f"{len(self._pages)} pages are open, which is the limit: close one, and reload this one",
            )

    def open(self, page: Page, hello: dict[str, Any], rows: Iterable[Row] = ()) -> None:
        """Begin to serve a page, with the rows of the past that it wants."""
        if self._loop.running:
            self._send_rows()  # to the others, because this page has these rows among those of the past
        self._pages.append(page)
        self._watch()
        page.write(event("hello", _dumps(hello)))
        page.write(event("overview", _dumps(self._overview())))
        if not self._loop.running:
            self._model.take_batch()
            self._loop.start(BATCH_SECONDS, now=False)
        page.past.extend(rows)
        self._send_past(page)

    def close(self, page: Page) -> None:
        """Forget a page that is closed."""
        if page in self._pages:
            self._pages.remove(page)
            self._watch()
        if not self._pages and self._loop.running:
            self._loop.stop()

    def close_all(self, why: str) -> None:
        """Say goodbye to all pages, and close them."""
        for page in list(self._pages):
            page.write(event("bye", _dumps({"why": why})))
            self.close(page)
            page.end()

    def pause(self, page: Page) -> None:
        """Note that a page does not read."""
        page.is_paused, page.paused_at = True, self._clock.seconds()
        self._watch()

    def resume(self, page: Page) -> None:
        """Note that a page reads again."""
        page.is_paused = False
        self._watch()

    def _watch(self) -> None:
        """Tell the model which sources are watched, and which ones only by pages that do not read."""
        reading = [page.watch for page in self._pages if not page.is_paused]
        paused = [page.watch for page in self._pages if page.is_paused]
        self._model.watch(_all_of(reading), counted=_all_of(paused))

    def tick(self) -> None:
        """Send the rows and the overview that are due."""
        now = self._clock.seconds()
        self._send_rows()
        activity = self._model.last_row, self._model.changes
        if activity != self._seen:
            self._seen, self._active_until = activity, now + _SETTLING
        is_due = now < self._active_until or now >= self._last_sent + _KEEP_ALIVE
        if is_due and now >= self._next_overview:
            self._next_overview, self._last_sent = now + OVERVIEW_SECONDS, now
            reading = [page for page in self._pages if not page.is_paused]
            if reading:
                overview = event("overview", _dumps(self._overview()))
                for page in reading:
                    page.write(overview)
        for page in list(self._pages):
            if page.is_paused and now >= page.paused_at + STALLED_AFTER:
                self.close(page)
                page.end()

    def _send_rows(self) -> None:
        batch, left_out = self._model.take_batch()
        if not batch and not left_out and not any(page.past for page in self._pages):
            return
        reading = [page for page in self._pages if not page.is_paused and not page.past]
        bodies = {page.watch: "" for page in reading}
        for watch in bodies:
            rows = batch if watch is None else [row for row in batch if row.source in watch]
            bodies[watch] = rows_json(rows) if rows else ""
        for page in list(self._pages):
            page.dropped += sum(count for source, count in left_out.items() if page.shows(source))
            if page.is_paused:
                page.dropped += sum(page.shows(row.source) for row in batch)
                continue
            if page.past:
                page.past.extend(row for row in batch if page.shows(row.source))
                self._send_past(page)
                continue
            body = bodies[page.watch]
            if body or page.dropped:
                self.dropped += page.dropped
                dropped, page.dropped = page.dropped, 0
                page.write(self._rows_event(body, dropped, self._model.last_row))

    def _send_past(self, page: Page) -> None:
        """Send a part of the rows that wait since the page opened. More at once would hold up the links."""
        past = page.past
        while len(past) > MOST_HISTORY:
            past.popleft()
            page.dropped += 1
        if past:
            rows = [past.popleft() for _ in range(min(len(past), BATCH_ROWS))]
            dropped, page.dropped = page.dropped, 0
            page.write(self._rows_event(rows_json(rows), dropped, rows[-1].number))

    def _rows_event(self, body: str, dropped: int, last: int) -> bytes:
        wall = self._model.now()[1]
        data = f'{{"t":{wall:.6f},"dropped":{dropped},"rows":{body or "[]"}}}'
        return event("rows", data, last)


def _all_of(watches: Iterable[frozenset[str] | None]) -> Collection[str] | None:
    """Return the ids of all these sources, or None if one of them stands for all sources."""
    found: set[str] = set()
    for each in watches:
        if each is None:
            return None
        found |= each
    return found


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))
