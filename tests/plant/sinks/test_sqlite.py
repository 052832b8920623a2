from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from tcpcomm import ConfigurationError
from tcpcomm.plant import SinkUnavailable, Sqlite
from tcpcomm.plant.message import BINARY, TEXT
from tcpcomm.plant.sinks import sqlite
from tcpcomm.plant.sinks.rows import ReportRow
from tcpcomm.plant.sinks.sqlite import SqliteConnection
from tests.plant.sinks.messages import AT, deliver, message, report, result_of

OPENED: list[SqliteConnection] = []


@pytest.fixture(autouse=True)
def _all_are_closed() -> Iterator[None]:
    yield
    while OPENED:
        result_of(OPENED.pop().close())


def opened(path: Path, *, at: float = AT, keep_days: float = 365, **options: Any) -> SqliteConnection:
    sink = Sqlite(path=str(path), keep_days=keep_days)
    connection = SqliteConnection(sink, "history", Clock(), now=lambda: at, **options)
    OPENED.append(connection)
    return connection


def rows(path: Path, query: str = "SELECT * FROM reports ORDER BY rowid") -> list[dict[str, Any]]:
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    try:
        return [dict(each) for each in connection.execute(query)]
    finally:
        connection.close()


def ids(path: Path) -> list[str]:
    return [each["id"] for each in rows(path)]


def test_a_report_becomes_a_row(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"

    assert {} == deliver(opened(path), [report(1, {"x": 1.5, "이름": "부품"}, problem="late")])

    (row,) = rows(path)
    assert {"x": 1.5, "이름": "부품"} == json.loads(row.pop("values"))
    assert {
        "id": "4f9c-1",
        "at": "2026-11-30T02:22:23.250000Z",
        "source": "cam",
        "topic": "cam/locate",
        "link": "cam",
        "kind": "poll",
        "name": "locate",
        "seconds": 0.25,
        "problem": "late",
        "content_type": "application/json",
        "body": None,
    } == row


def test_other_messages_are_rows_too(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    sent = [
        message(1, {"lot": 7}),
        message(2, body="한글".encode(), content_type=TEXT),
        message(3, body=b"\0\xff", content_type=BINARY),
    ]

    deliver(opened(path), sent)

    assert [('{"lot": 7}', None), (None, "한글".encode()), (None, b"\0\xff")] == [
        (each["values"], each["body"]) for each in rows(path)
    ]


def test_sqlite_reads_the_values_and_the_time(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    deliver(opened(path), [report(1, {"x": 1.5})])

    query = """SELECT json_extract("values", '$.x') AS x, unixepoch(at) AS seconds FROM reports"""

    assert [{"x": 1.5, "seconds": int(AT) + 1}] == rows(path, query)


def test_a_message_that_comes_again_is_one_row(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    connection = opened(path)

    for _ in range(2):
        assert {} == deliver(connection, [report(1), report(2)])

    assert ["4f9c-1", "4f9c-2"] == ids(path)


def test_a_message_with_a_broken_body_is_refused_alone(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"

    refused = deliver(opened(path), [report(1), message(2, body=b"{"), report(3)])

    assert ["4f9c-2"] == [*refused]
    assert ["4f9c-1", "4f9c-3"] == ids(path)


@pytest.mark.parametrize("digits", [300, 400], ids=["a float", "no float"])
def test_a_number_that_no_database_has_harms_no_other_message(tmp_path: Path, digits: int) -> None:
    path = tmp_path / "results.sqlite"

    assert {} == deliver(opened(path), [report(1), report(2, seconds=10**digits), report(3)])
    assert ["4f9c-1", "4f9c-2", "4f9c-3"] == ids(path)


@given(st.lists(st.tuples(st.text(), st.text(), st.floats(allow_nan=False))))
def test_every_text_is_taken(texts: list[tuple[str, str, float]]) -> None:
    connection = opened(
        Path(":memory:"), opener=lambda _: sqlite3.connect(":memory:", isolation_level=None)
    )
    sent = [
        report(number, {name: problem, "x": value}, name=name, problem=problem)
        for number, (name, problem, value) in enumerate(texts)
    ]

    assert {} == deliver(connection, sent)


def test_a_lone_surrogate_is_an_escape() -> None:
    row = ReportRow.of(report(1, {"x": "\udc80"}, name="a\udc80"))

    assert ("a\\udc80", '{"x": "\\udc80"}') == (row.name, row.values)


@pytest.mark.parametrize(
    "content",
    [
        {"kind": "poll", "link": 1, "name": "x", "at": "2026-11-30T02:22:23Z"},
        {"kind": "poll", "link": "cam", "name": "x", "at": "2026-11-30T02:22:23Z", "seconds": "fast"},
        {"kind": "poll", "link": "cam", "name": "x", "at": "yesterday"},
        {"kind": "poll", "link": "cam", "name": "x", "at": 5},
        {"kind": "poll", "link": "cam", "name": "x", "at": "2026-11-30T02:22:23Z", "values": [1]},
        {"kind": ["poll"]},
        7,
    ],
    ids=["link", "seconds", "at", "number", "values", "kind", "no object"],
)
def test_what_is_almost_a_report_is_another_message(content: Any) -> None:
    row = ReportRow.of(message(1, content))

    assert ("", content) == (row.link, json.loads(row.values or ""))


def test_old_rows_are_deleted(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    deliver(opened(path, keep_days=2), [report(number * 86_400) for number in range(4)])
    assert 4 == len(ids(path))

    deliver(opened(path, at=AT + 3.5 * 86_400, keep_days=2), [])

    assert ["4f9c-172800", "4f9c-259200"] == ids(path)


def test_few_old_rows_are_deleted_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "DELETED_AT_ONCE", 3)
    path = tmp_path / "results.sqlite"
    deliver(opened(path), [report(number) for number in range(8)])

    connection = opened(path, at=AT + 1000 * 86_400)
    left = []
    for _ in range(3):
        deliver(connection, [])
        left.append(len(ids(path)))

    assert [5, 2, 0] == left


def test_a_commit_is_on_the_disk(tmp_path: Path) -> None:
    traced: list[str] = []

    def opener(path: str) -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.set_trace_callback(traced.append)
        return connection

    deliver(opened(tmp_path / "results.sqlite", opener=opener), [report(1)])

    assert {"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"} <= {*traced}
    assert "COMMIT" == traced[-1]


def test_a_full_file_is_told_in_words_and_nothing_stays(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    deliver(opened(path), [report(1)])

    def small(name: str) -> sqlite3.Connection:
        connection = sqlite3.connect(name, isolation_level=None)
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}").fetchall()
        return connection

    connection = opened(path, opener=small)
    with pytest.raises(SinkUnavailable, match="the disk is full: make room") as caught:
        deliver(connection, [report(number, {"text": "x" * 2000}) for number in range(2, 9)])

    assert frozenset() == caught.value.confirmed
    assert "the disk is full" in connection.problem()
    assert ["4f9c-1"] == ids(path)


def test_a_locked_file_is_told_in_words(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    deliver(opened(path), [report(1)])
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    connection = opened(path, opener=lambda name: sqlite3.connect(name, timeout=0, isolation_level=None))

    with pytest.raises(SinkUnavailable, match="another program has locked it"):
        deliver(connection, [report(2)])
    other.execute("ROLLBACK")
    other.close()
    deliver(connection, [report(2)])

    assert ["4f9c-1", "4f9c-2"] == ids(path)
    assert "" == connection.problem()


def test_a_table_of_another_program_is_told_in_words(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE reports (id TEXT, at TEXT, month TEXT)")
    other.commit()
    other.close()

    with pytest.raises(SinkUnavailable, match=r"without source, topic, link, .*: rename that table"):
        deliver(opened(path), [report(1)])


def test_another_file_is_a_mistake_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    path.write_text("this is a letter to somebody")

    with pytest.raises(ConfigurationError, match="is no SQLite file: name a new file"):
        opened(path)
    with pytest.raises(ConfigurationError, match=r"there is no folder .*: make it first"):
        opened(tmp_path / "none" / "results.sqlite")


def test_a_wrong_option_is_told_in_words() -> None:
    with pytest.raises(ConfigurationError, match="keep_days must be above 0"):
        Sqlite(path="x", keep_days=0)
    with pytest.raises(ConfigurationError, match="path must be the name of a file"):
        Sqlite(path="")
