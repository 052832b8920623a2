"""The answers to what pages ask, without a web."""

from __future__ import annotations

import csv
import io
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from tcpcomm.tools.monitor.access import Denied
from tcpcomm.tools.monitor.downloads import lines_of_rows
from tcpcomm.tools.monitor.pages import BATCH_SECONDS, MOST_HISTORY, Page
from tcpcomm.tools.monitor.rows import Row
from tcpcomm.tools.monitor.service import Monitor
from tests.session.stage import staged
from tests.tools.monitor.test_model import Line
from tests.tools.monitor.test_pages import events


class Stand:
    """A monitor without sockets, and a session."""

    def __init__(self, **options: Any) -> None:
        self.clock = Clock()
        self.monitor = Monitor(0, reactor=self.clock, **options)
        self.stage = staged(Line, observers=[self.monitor])

    def open(self, **query: str) -> list[bytes]:
        """Open a page. Return what it gets."""
        seen: list[bytes] = []
        api = self.monitor.api
        api.open_page(Page(seen.append, lambda: None, api.watched(query)), query, None, "127.0.0.1")
        return seen

    def past(self, **query: str) -> list[str]:
        """Return the frames of the past that a page gets."""
        seen = self.open(**query)
        self.clock.pump([BATCH_SECONDS] * 20)
        rows = [row for each in events(seen, "rows") for row in each["rows"]]
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


def test_new_rows_come_behind_those_of_the_past_and_each_once() -> None:
    stand = Stand()
    for number in range(3000):
        stand.stage.receive(b"%d\r\n" % number)
    first, seen = stand.open(history="10"), stand.open(history="5000")
    for number in range(3000, 3005):
        stand.stage.receive(b"%d\r\n" % number)
        stand.clock.advance(BATCH_SECONDS)
    numbers = [row[0] for each in events(seen, "rows") for row in each["rows"]]
    assert list(range(1, stand.monitor.last_row + 1)) == numbers
    numbers = [row[0] for each in events(first, "rows") for row in each["rows"]]
    assert list(range(numbers[0], stand.monitor.last_row + 1)) == numbers
    assert 15 == len(numbers)


def test_the_kept_rows_come_as_csv_and_json_lines() -> None:
    stand = Stand()
    stand.stage.receive(b"TRG,3\r\n")
    stand.stage.session.close("=1+1")
    stand.stage.wait(0.1)
    answers: list[Any] = []
    for format in ("csv", "jsonl"):
        stand.monitor.api.get("download", {"format": format}).addCallback(answers.append)
        stand.clock.pump([0.0] * 5)
    table = list(csv.DictReader(io.StringIO(answers[0].data.decode("utf-8-sig"))))
    lines = [json.loads(line) for line in answers[1].data.decode().splitlines()]
    assert [each["kind"] for each in lines] == [each["kind"] for each in table]
    assert b"TRG,3" == bytes.fromhex(table[2]["hex"]) == bytes.fromhex(lines[2]["hex"])
    assert ("closed: =1+1", "monitor.csv") == (table[-1]["text"], answers[0].name)
    with pytest.raises(Denied, match="the formats are csv, jsonl, pcapng"):
        stand.monitor.api.get("download", {"format": "exe"})


def test_a_text_of_the_peer_is_no_formula_in_a_spreadsheet() -> None:
    row = Row(1, "1", 1, 0.0, False, "error", text="=HYPERLINK(1)", values={"a": 1})
    _, line = lines_of_rows([row], "csv")
    assert "'=HYPERLINK(1)" in line


def test_a_part_of_the_rows_can_be_downloaded() -> None:
    stand = Stand()
    stand.stage.receive(b"a\r\nb\r\nc\r\n")
    answers: list[Any] = []
    query = {"format": "jsonl", "first": "4", "last": "4", "session": "1"}
    stand.monitor.api.get("download", query).addCallback(answers.append)
    stand.clock.pump([0.0] * 5)
    assert ["62"] == [json.loads(line)["hex"] for line in answers[0].data.splitlines()]


def test_recordings_are_listed_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "line 3.tcpcomm").write_bytes(b"12345")
    monitor = Monitor(
        0, reactor=Clock(), recordings=lambda: [tmp_path / "line 3.tcpcomm", tmp_path / "missing"]
    )
    (found,) = monitor.api.get("recordings", {})["recordings"]
    assert ("line 3.tcpcomm", 5) == (found["name"], found["bytes"])
    assert "line_3.tcpcomm" == monitor.api.get("recordings/line 3.tcpcomm", {}).name
    for name in ("other.tcpcomm", "../line 3.tcpcomm"):
        with pytest.raises(Denied, match="no such recording"):
            monitor.api.get(f"recordings/{name}", {})
    assert {"recordings": []} == Stand().monitor.api.get("recordings", {})


def test_a_page_of_an_earlier_program_gets_all_rows() -> None:
    stand = Stand()
    stand.stage.receive(b"a\r\n")
    assert ["a"] == stand.past(after="1000")


words = st.sampled_from(["1", "locate", "alarm", "pull", "41", "=", "\0", "한글"]) | st.text(max_size=20)
numbers = st.sampled_from([0, 1, 2, -1, 2**70]) | st.floats()
bodies = st.dictionaries(
    st.sampled_from(["source", "session", "name", "values", "timeout", "hex", "framed", "text"]),
    words
    | numbers
    | st.none()
    | st.booleans()
    | st.lists(words, max_size=3)
    | st.dictionaries(words, words | numbers),
)
paths = st.sampled_from(["command", "event", "send", "close", "retry", "disturb", "clear", "x", ""])


@given(paths, bodies)
def test_no_request_that_writes_breaks_the_monitor(path: str, body: dict[str, Any]) -> None:
    stand = Stand()
    with suppress(Denied):
        stand.monitor.api.post(path, body)
    stand.stage.receive(b"a\r\n")
    assert stand.monitor.api.overview()


queries = st.dictionaries(
    st.sampled_from(
        ["watch", "history", "after", "id", "row", "as", "source", "command", "values", "format"]
    ),
    words,
)


@given(
    st.sampled_from(["overview", "describe", "row", "copy", "download", "recordings", "recordings/x", "x"]),
    queries,
)
def test_no_request_that_reads_breaks_the_monitor(path: str, query: dict[str, str]) -> None:
    stand = Stand()
    with suppress(Denied):
        stand.monitor.api.get(path, query)
    with suppress(Denied):
        stand.open(**query)
    stand.stage.receive(b"a\r\n")
    stand.clock.advance(1.0)
    assert stand.monitor.api.overview()


def test_the_kept_rows_come_as_a_capture_for_wireshark() -> None:
    stand = Stand()
    stand.stage.receive(b"TRG,3\r\nTRG,4\r\nTRG")
    stand.stage.session.sendFrame(b"OK,3")
    answers: list[Any] = []
    stand.monitor.api.get("download", {"format": "pcapng"}).addCallback(answers.append)
    stand.clock.pump([0.0] * 5)
    (file,) = answers
    assert ("monitor.pcapng", "application/x-pcapng") == (file.name, file.content_type)
    assert b"\x0a\x0d\x0d\x0a" == file.data[:4]
    for data in (b"TRG,3\r\n", b"TRG,4\r\n", b"OK,3\r\n", b"half"):
        assert 1 <= file.data.count(data)
