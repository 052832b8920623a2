"""The answers to what pages ask, without a web."""

from __future__ import annotations

import json
from typing import Any

import pytest
from twisted.internet.task import Clock

from tcpcomm.tools.monitor.access import Denied
from tcpcomm.tools.monitor.pages import MOST_HISTORY, Page
from tcpcomm.tools.monitor.service import Monitor
from tests.session.stage import staged
from tests.tools.monitor.test_model import Line
from tests.tools.monitor.test_pages import events


class Stand:
    """A monitor without sockets, and a session."""

    def __init__(self, **options: Any) -> None:
        self.monitor = Monitor(0, reactor=Clock(), **options)
        self.stage = staged(Line, observers=[self.monitor])

    def open(self, **query: str) -> list[bytes]:
        """Open a page. Return what it gets."""
        seen: list[bytes] = []
        api = self.monitor.api
        api.open_page(Page(seen.append, lambda: None, api.watched(query)), query, None, "127.0.0.1")
        return seen

    def past(self, **query: str) -> list[str]:
        """Return the frames of the past that a page gets."""
        rows = [row for each in events(self.open(**query), "rows") for row in each["rows"]]
        return [bytes.fromhex(row[7]).decode() for row in rows if row[4] == "frame"]


def test_a_page_gets_the_rows_of_the_past_that_it_wants() -> None:
    stand = Stand()
    stand.stage.receive(b"a\r\nb\r\nc\r\n")
    assert ["a", "b", "c"] == stand.past()
    assert ["b", "c"] == stand.past(history="2")
    assert ["c"] == stand.past(after=str(stand.monitor.last_row - 1))
    assert [] == stand.past(history="0")
    assert [] == stand.past(watch="none")
    assert ["a", "b", "c"] == stand.past(watch="7,1")


def test_a_page_gets_at_most_5000_rows_of_the_past() -> None:
    stand = Stand()
    for _ in range(6):
        stand.stage.receive(b"x\r\n" * 1000)
    assert 5000 == len(stand.past(history="1000000")) == MOST_HISTORY


def test_a_page_learns_what_it_may_do_and_why_not() -> None:
    (hello,) = events(Stand(read_only=True, name="line 3").open(), "hello")
    assert ("line 3", False, True) == (hello["name"], hello["writes"], hello["read_only"])
    assert "read-only" in hello["why_not"]
    (hello,) = events(Stand().open(), "hello")
    assert "the token is missing" in hello["why_not"]


def test_a_row_has_all_its_bytes() -> None:
    stand = Stand()
    stand.stage.receive(b"x" * 1000 + b"\r\n")
    found = stand.monitor.api.get("row", {"id": str(stand.monitor.last_row)})
    assert (b"x" * 1000, 1000) == (bytes.fromhex(found["hex"]), found["bytes"])
    assert 256 == len(bytes.fromhex(found["row"][7]))


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("row", {"id": "999"}, 404),
        ("row", {"id": "x"}, 400),
        ("row", {"id": "-1"}, 400),
        ("row", {"id": "9" * 30}, 400),
        ("describe", {"declaration": "Nothing"}, 404),
        ("describe", {}, 404),
        ("nothing", {}, 404),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(path: str, query: dict[str, str], status: int) -> None:
    with pytest.raises(Denied) as refused:
        Stand().monitor.api.get(path, query)
    assert status == refused.value.status


def test_the_overview_is_json() -> None:
    stand = Stand()
    stand.stage.receive(b"x\r\n")
    found = json.loads(json.dumps(stand.monitor.api.get("overview", {}), allow_nan=False))
    assert (1, 1) == (len(found["sources"]), len(found["sessions"]))
