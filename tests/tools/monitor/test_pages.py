"""Pages get batches of rows within their means, in virtual time."""

from __future__ import annotations

import json
from typing import Any

import pytest
from twisted.internet.task import Clock

from tcpcomm.tools.monitor import pages as pages_module
from tcpcomm.tools.monitor.access import Denied
from tcpcomm.tools.monitor.model import BATCH_ROWS, MonitorModel
from tcpcomm.tools.monitor.pages import BATCH_SECONDS, MOST_PAGES, STALLED_AFTER, Page, Pages
from tcpcomm.tools.monitor.rows import rows_json
from tests.session.stage import staged
from tests.tools.monitor.test_model import Line


class Stand:
    """A model with a session, and pages."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.model = MonitorModel(self.clock.seconds, self.clock.seconds)
        self.stage = staged(Line, observers=[self.model])
        self.pages = Pages(self.model, self.model.overview, self.clock)

    def open(self, watch: frozenset[str] | None = None) -> tuple[Page, list[bytes]]:
        """Open a page. Return it, and the list of what it gets."""
        seen: list[bytes] = []
        page = Page(seen.append, lambda: seen.append(b"ended"), watch)
        self.pages.open(page, {})
        seen.clear()
        return page, seen

    def frames(self, count: int) -> None:
        """Let so many frames pass, and a batch go out."""
        self.stage.receive(b"x\r\n" * count)
        self.clock.advance(BATCH_SECONDS)


def events(seen: list[bytes], kind: str) -> list[dict[str, Any]]:
    """Return the data of the events of a kind."""
    found = []
    for each in seen:
        lines = each.decode().strip().split("\n")
        if f"event: {kind}" in lines:
            found.append(json.loads(lines[-1].removeprefix("data: ")))
    return found


def counts(seen: list[bytes]) -> list[tuple[int, int]]:
    """Return the number of rows, and of dropped rows, of each batch."""
    return [(len(each["rows"]), each["dropped"]) for each in events(seen, "rows")]


def test_all_rows_of_a_batch_come_in_one_event() -> None:
    stand = Stand()
    _, seen = stand.open()
    stand.frames(3)
    assert [(3, 0)] == counts(seen)
    stand.clock.advance(1.0)
    assert [(3, 0)] == counts(seen)


def test_a_page_that_does_not_read_loses_rows_and_learns_how_many() -> None:
    stand = Stand()
    page, seen = stand.open()
    _, other = stand.open()
    stand.pages.pause(page)
    stand.frames(3)
    stand.frames(4)
    assert [] == counts(seen)
    stand.pages.resume(page)
    stand.frames(1)
    stand.frames(1)
    assert [(1, 7), (1, 0)] == counts(seen)
    assert [(3, 0), (4, 0), (1, 0), (1, 0)] == counts(other)
    assert 7 == stand.pages.dropped


def test_rows_are_only_counted_for_a_page_that_does_not_read() -> None:
    stand = Stand()
    page, seen = stand.open()
    stand.pages.pause(page)
    stand.stage.receive(b"x\r\n" * 5)
    assert ([], {"1": 5}) == (stand.model.batch, dict(stand.model.left_out))
    stand.clock.advance(BATCH_SECONDS)
    stand.stage.receive(b"x\r\n" * 2)
    stand.pages.resume(page)
    stand.frames(3)
    assert [(3, 7)] == counts(seen)


def test_pages_that_do_not_read_change_nothing_for_one_that_reads() -> None:
    stand = Stand()
    page, seen = stand.open()
    other, nothing = stand.open(frozenset({"2"}))
    stand.stage.receive(b"x\r\n" * 2)
    stand.pages.pause(page)
    stand.pages.pause(other)
    reading, read = stand.open(frozenset({"1"}))
    stand.frames(3)
    stand.pages.close(reading)
    stand.frames(4)
    stand.pages.resume(page)
    stand.pages.resume(other)
    stand.frames(1)
    assert ([(3, 0)], [(1, 9)], []) == (counts(read), counts(seen), counts(nothing))


def test_no_overview_is_made_for_pages_that_do_not_read() -> None:
    stand = Stand()
    made: list[float] = []

    def overview() -> dict[str, Any]:
        made.append(stand.clock.seconds())
        return {}

    pages = Pages(stand.model, overview, stand.clock)
    page = Page(lambda data: None, lambda: None, None)
    pages.open(page, {})
    pages.pause(page)
    made.clear()
    stand.clock.pump([BATCH_SECONDS] * 100)
    assert [] == made


def test_rows_beyond_a_batch_are_counted() -> None:
    stand = Stand()
    _, seen = stand.open()
    for _ in range(12):
        stand.stage.receive(b"x\r\n" * 100)
    stand.clock.advance(BATCH_SECONDS)
    assert [(BATCH_ROWS, 200)] == counts(seen)


def test_a_row_is_made_once_for_all_pages_and_not_at_all_for_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[int] = []

    def count(rows: Any) -> str:
        rows = list(rows)
        made.extend(row.number for row in rows)
        return rows_json(rows)

    monkeypatch.setattr(pages_module, "rows_json", count)
    stand = Stand()
    stand.frames(5)
    assert [] == made
    page, _ = stand.open()
    stand.open()
    stand.open(frozenset())
    stand.frames(5)
    assert 5 == len(made)
    for each in (page, *stand.pages):
        stand.pages.pause(each)
    stand.frames(5)
    assert 5 == len(made)


def test_a_page_gets_the_rows_of_the_sources_that_it_watches() -> None:
    stand = Stand()
    _, nothing = stand.open(frozenset())
    _, one = stand.open(frozenset({"1"}))
    _, another = stand.open(frozenset({"2"}))
    stand.frames(2)
    assert ([], [(2, 0)], []) == (counts(nothing), counts(one), counts(another))


def test_a_change_of_state_is_shown_within_half_a_second() -> None:
    stand = Stand()
    _, seen = stand.open()
    stand.clock.pump([BATCH_SECONDS] * 400)
    seen.clear()
    stand.stage.session.close("closed here")
    stand.stage.wait(0.1)
    stand.clock.pump([BATCH_SECONDS] * 10)
    assert ["closed"] == [each["state"] for each in events(seen, "overview")[0]["sessions"]]


def test_a_quiet_page_hears_something_every_ten_seconds() -> None:
    stand = Stand()
    _, seen = stand.open()
    stand.clock.pump([BATCH_SECONDS] * 1200)
    assert 6 <= len(events(seen, "overview")[-6:])
    quiet = len(seen)
    stand.clock.pump([BATCH_SECONDS] * 220)
    assert 1 <= len(seen) - quiet <= 2


def test_a_page_that_never_reads_is_closed() -> None:
    stand = Stand()
    page, seen = stand.open()
    stand.pages.pause(page)
    stand.clock.pump([BATCH_SECONDS] * int(STALLED_AFTER / BATCH_SECONDS + 2))
    assert (0, b"ended") == (len(stand.pages), seen[-1])


def test_too_many_pages_are_refused_and_a_closed_one_makes_room() -> None:
    stand = Stand()
    pages = [stand.open()[0] for _ in range(MOST_PAGES)]
    with pytest.raises(Denied, match="8 pages are open") as refused:
        stand.pages.check_room()
    assert 503 == refused.value.status
    stand.pages.close(pages[0])
    stand.pages.check_room()


def test_without_a_page_no_timer_runs() -> None:
    stand = Stand()
    page, _ = stand.open()
    assert stand.clock.getDelayedCalls()
    stand.pages.close(page)
    assert [] == stand.clock.getDelayedCalls()


def test_the_end_of_the_monitor_is_told() -> None:
    stand = Stand()
    _, seen = stand.open()
    stand.pages.close_all("the program has ended")
    assert [{"why": "the program has ended"}] == events(seen, "bye")
    assert b"ended" == seen[-1]
