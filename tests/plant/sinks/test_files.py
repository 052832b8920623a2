from __future__ import annotations

import csv
import errno
import io
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from tcpcomm import ConfigurationError
from tcpcomm.plant import Files, SinkUnavailable
from tcpcomm.plant.message import BINARY, TEXT
from tcpcomm.plant.sinks import rotated_file
from tcpcomm.plant.sinks.files import CSV_COLUMNS, FilesConnection, csv_line, json_line
from tests.conftest import skip
from tests.plant.sinks.messages import AT, deliver, message, report, result_of

DAY = 86_400.0


class WallClock:
    """A wall clock that a test sets."""

    def __init__(self) -> None:
        self.seconds = AT

    def __call__(self) -> float:
        return self.seconds


OPENED: list[FilesConnection] = []


@pytest.fixture(autouse=True)
def _all_are_closed() -> Iterator[None]:
    yield
    while OPENED:
        result_of(OPENED.pop().close())


def opened(path: Path, now: WallClock | None = None, **options: Any) -> FilesConnection:
    connection = FilesConnection(Files(path=str(path), **options), "files", Clock(), now=now or WallClock())
    OPENED.append(connection)
    return connection


def json_lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def full_files(path: Path) -> list[str]:
    return sorted(each.name for each in path.parent.glob(f"{path.stem}-*"))


@pytest.fixture
def local_time_of_korea(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if not hasattr(time, "tzset"):
        skip("Windows cannot set the zone of a process")
    monkeypatch.setenv("TZ", "KST-9")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_a_batch_becomes_lines(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"

    assert {} == deliver(opened(path), [report(1), report(2, {"x": 1.5, "이름": "부품"})])

    assert path.read_text(encoding="utf-8").endswith("\n")
    assert [
        {
            "id": "4f9c-1",
            "posted_at": "2026-11-30T02:22:23.250000Z",
            "topic": "cam/locate",
            "source": "cam",
            "content": {
                "link": "cam",
                "kind": "poll",
                "name": "locate",
                "at": "2026-11-30T02:22:23.250000Z",
                "values": {"result": 1},
                "seconds": 0.25,
            },
        },
        {"x": 1.5, "이름": "부품"},
    ] == [json_lines(path)[0], json_lines(path)[1]["content"]["values"]]
    assert "부품" in path.read_text(encoding="utf-8")


def test_texts_and_bytes_are_told_by_their_content_type(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    sent = [
        message(1, body="한글".encode(), content_type=TEXT),
        message(2, body=b"\0\xff", content_type=BINARY),
    ]

    deliver(opened(path), sent)

    assert [("한글", TEXT), ("AP8=", BINARY)] == [
        (each["content"], each["content_type"]) for each in json_lines(path)
    ]


def test_a_message_with_a_broken_body_is_refused_alone(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"

    refused = deliver(opened(path), [report(1), message(2, body=b"{"), report(3)])

    assert ["4f9c-2"] == [*refused]
    assert "its content is not application/json" in refused["4f9c-2"]
    assert ["4f9c-1", "4f9c-3"] == [each["id"] for each in json_lines(path)]


def test_a_csv_has_the_same_columns_whatever_comes(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    sent = [
        report(1, {"x": 1.5, "이름": "부품"}),
        message(2, {"lot": 7}),
        message(3, body=b"hi", content_type=TEXT),
    ]

    deliver(opened(path, format="csv"), sent)

    assert path.read_bytes().startswith(b"\xef\xbb\xbfid,time,link")  # Excel knows UTF-8 by that
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [*csv.DictReader(file)]
    assert [*CSV_COLUMNS] == [*rows[0]]
    assert ["cam", "", ""] == [each["link"] for each in rows]
    assert [{"x": 1.5, "이름": "부품"}, {"lot": 7}, "hi"] == [json.loads(each["values"]) for each in rows]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0"])
def test_a_formula_in_a_cell_is_harmless(tmp_path: Path, text: str) -> None:
    path = tmp_path / "results.csv"

    deliver(opened(path, format="csv"), [report(1, problem=text, name=text)])

    with path.open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert [f"'{text}"] * 2 == [row["problem"], row["name"]]


@given(st.text(), st.text())
def test_every_message_is_one_line_of_a_csv(name: str, problem: str) -> None:
    line = csv_line(report(1, name=name, problem=problem, values={name: problem}))

    assert line.endswith(b"\r\n")
    assert 1 == line.count(b"\n")
    (row,) = csv.reader(io.StringIO(line.decode("utf-8"), newline=""))
    assert len(CSV_COLUMNS) == len(row)


@given(st.recursive(st.none() | st.integers() | st.floats() | st.text(), st.lists))
def test_every_message_is_one_line_of_json(content: Any) -> None:
    line = json_line(message(1, content))

    assert line.endswith(b"\n")
    assert 1 == line.count(b"\n")
    json.loads(line, parse_constant=pytest.fail)


@pytest.mark.parametrize("torn", [b'{"id": "4f9c-9"', b"\0" * 5000, b'{"id": "4f9c-9", "posted_at'])
def test_a_torn_last_line_is_cut_off_at_the_open(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "results.jsonl"
    first = opened(path)
    deliver(first, [report(1)])
    result_of(first.close())
    with path.open("ab") as file:
        file.write(torn)

    deliver(opened(path), [report(2)])

    assert ["4f9c-1", "4f9c-2"] == [each["id"] for each in json_lines(path)]


@given(st.binary(max_size=300), st.integers(1, 64))
def test_the_end_of_the_last_full_line_is_found(data: bytes, piece: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(rotated_file, "PIECE", piece)
        path = Path(folder) / "results.jsonl"
        path.write_bytes(data)

        assert data.rfind(b"\n") + 1 == rotated_file.end_of_lines(path, len(data))


def test_a_torn_head_of_a_csv_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_bytes(b"\xef\xbb\xbfid,ti")

    deliver(opened(path, format="csv"), [report(1)])

    with path.open(encoding="utf-8-sig", newline="") as file:
        assert ["4f9c-1"] == [each["id"] for each in csv.DictReader(file)]


@pytest.mark.usefixtures("local_time_of_korea")
def test_a_large_file_is_renamed_with_the_local_time(tmp_path: Path) -> None:
    path, now = tmp_path / "results.jsonl", WallClock()
    connection = opened(path, now, rotate_mib=0.001)

    for number in range(1, 16):
        deliver(connection, [report(number)])

    assert ["results-20261130-112222.jsonl", "results-20261130-112222-2.jsonl"] == sorted(
        full_files(path), key=len
    )
    written = [*json_lines(tmp_path / full_files(path)[1]), *json_lines(tmp_path / full_files(path)[0])]
    written += json_lines(path)
    assert [f"4f9c-{number}" for number in range(1, 16)] == [each["id"] for each in written]


@pytest.mark.usefixtures("local_time_of_korea")
def test_only_so_many_full_files_are_kept(tmp_path: Path) -> None:
    path, now = tmp_path / "results.csv", WallClock()
    connection = opened(path, now, format="csv", rotate_mib=0.0001, keep=2)

    for number in range(1, 7):
        now.seconds += 1
        deliver(connection, [report(number)])

    assert ["results-20261130-112227.csv", "results-20261130-112228.csv"] == full_files(path)


@pytest.mark.usefixtures("local_time_of_korea")
def test_a_clock_that_is_set_back_deletes_no_new_file(tmp_path: Path) -> None:
    path, now = tmp_path / "results.jsonl", WallClock()
    connection = opened(path, now, rotate_mib=0.0001, keep=2)
    for number in range(1, 4):
        deliver(connection, [report(number)])

    now.seconds -= 3600
    deliver(connection, [report(4)])

    kept = [each for name in full_files(path) for each in json_lines(tmp_path / name)]
    assert {"4f9c-2", "4f9c-3"} == {each["id"] for each in kept}


@pytest.mark.usefixtures("local_time_of_korea")
def test_a_new_file_begins_at_midnight(tmp_path: Path) -> None:
    path, now = tmp_path / "results.jsonl", WallClock()
    connection = opened(path, now, rotate_mib=None, rotate_hours=24)
    deliver(connection, [report(1)])
    now.seconds += 12 * 3600  # 23:22 in Korea
    deliver(connection, [report(2)])
    assert [] == full_files(path)

    now.seconds += 3600
    deliver(connection, [report(3)])

    assert ["results-20261201-002222.jsonl"] == full_files(path)
    assert ["4f9c-3"] == [each["id"] for each in json_lines(path)]


def test_a_file_of_yesterday_is_full_after_a_restart(tmp_path: Path) -> None:
    path, now = tmp_path / "results.jsonl", WallClock()
    first = opened(path, now)
    deliver(first, [report(1)])
    result_of(first.close())
    os.utime(path, (AT - DAY, AT - DAY))

    deliver(opened(path, now), [report(2)])

    assert ["4f9c-2"] == [each["id"] for each in json_lines(path)]
    assert 1 == len(full_files(path))


def test_a_file_that_was_moved_away_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    connection = opened(path)
    deliver(connection, [report(1)])
    path.rename(tmp_path / "moved.jsonl")

    deliver(connection, [report(2)])

    assert ["4f9c-2"] == [each["id"] for each in json_lines(path)]


def test_a_file_that_cannot_be_renamed_grows_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "in use by another program")

    path = tmp_path / "results.jsonl"
    connection = opened(path, rotate_mib=0.0001)
    monkeypatch.setattr(os, "rename", refuse)

    for number in range(3):
        deliver(connection, [report(number)])

    assert 3 == len(json_lines(path))


class FullDisk:
    """Writes only some bytes of the next batch, and fails then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room: int, code: int = errno.ENOSPC) -> None:
        self.is_full = True

        def write(file: Any, data: bytes) -> None:
            if self.is_full:
                file.write(data[:room])
                raise OSError(code, os.strerror(code))
            file.write(data)

        monkeypatch.setattr(rotated_file, "write_all", write)


@pytest.mark.parametrize("room", [0, 1, 250, 450])
def test_a_full_disk_leaves_no_part_of_a_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    path = tmp_path / "results.jsonl"
    connection = opened(path)
    deliver(connection, [report(1)])
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        FullDisk(patch, room)
        with pytest.raises(SinkUnavailable, match="the disk is full: make room"):
            deliver(connection, [report(2), report(3)])
        assert "the disk is full" in connection.problem()
    assert before == path.read_bytes()

    deliver(connection, [report(2), report(3)])

    assert ["4f9c-1", "4f9c-2", "4f9c-3"] == [each["id"] for each in json_lines(path)]
    assert "" == connection.problem()


def test_a_disk_that_was_full_at_the_first_batch_is_used_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    connection = opened(tmp_path / "results.jsonl")
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        patched.setattr(rotated_file, "write_all", full)
        for _ in range(2):
            with pytest.raises(SinkUnavailable, match="the disk is full"):
                deliver(connection, [report(1)])

    assert {} == deliver(connection, [report(1)])
    assert ["4f9c-1"] == [each["id"] for each in json_lines(tmp_path / "results.jsonl")]


def test_a_full_disk_at_the_head_of_a_csv_leaves_an_empty_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results.csv"
    connection = opened(path, format="csv")
    with monkeypatch.context() as patch:
        FullDisk(patch, 40)
        with pytest.raises(SinkUnavailable):
            deliver(connection, [report(1)])

    deliver(connection, [report(1)])

    with path.open(encoding="utf-8-sig", newline="") as file:
        assert ["4f9c-1"] == [each["id"] for each in csv.DictReader(file)]


def test_a_disk_that_fails_is_told_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = opened(tmp_path / "results.jsonl")
    FullDisk(monkeypatch, 0, errno.EIO)

    with pytest.raises(SinkUnavailable, match="cannot write it: Input/output error"):
        deliver(connection, [report(1)])


def test_a_folder_that_vanished_is_told_in_words(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    connection = opened(folder / "results.jsonl")
    folder.rmdir()

    with pytest.raises(SinkUnavailable, match="No such file or directory"):
        deliver(connection, [report(1)])
    folder.mkdir()

    deliver(connection, [report(1)])


def test_two_sinks_never_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    first, second = opened(path), opened(path)
    deliver(first, [report(1)])

    with pytest.raises(SinkUnavailable, match="is written by another sink of this program: name another"):
        deliver(second, [report(2)])
    result_of(first.close())

    deliver(second, [report(2)])
    result_of(second.close())
    assert [path] == [*tmp_path.iterdir()]


def test_two_programs_never_write_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "results.jsonl"
    first, second = opened(path), opened(path)
    deliver(first, [report(1)])
    number = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: number + 1)

    with pytest.raises(SinkUnavailable, match=f"is written by another program, process {number}: end it"):
        deliver(second, [report(2)])
    for each in (first, second):
        result_of(each.close())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"path": ""}, "path must be the name of a file"),
        ({"path": "x", "format": "xml"}, "format must be jsonl or csv, not 'xml'"),
        ({"path": "x", "rotate_mib": 0}, "rotate_mib must be above 0"),
        ({"path": "x", "rotate_hours": -1}, "rotate_hours must be above 0"),
        ({"path": "x", "rotate_hours": None, "rotate_mib": None}, "or the file grows without end"),
        ({"path": "x", "keep": 0}, "keep must be from 1"),
    ],
    ids=["path", "format", "mib", "hours", "neither", "keep"],
)
def test_a_wrong_option_is_told_in_words(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        Files(**options)


def test_a_folder_that_is_missing_is_a_mistake_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no folder .*: make it first"):
        opened(tmp_path / "none" / "results.jsonl")
    with pytest.raises(ConfigurationError, match="is a folder: name a file in it"):
        opened(tmp_path)


def test_a_csv_with_other_columns_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_text("part,weight\n1,2\n")

    with pytest.raises(ConfigurationError, match="has other columns"):
        opened(path, format="csv")


def test_another_file_is_not_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"no": "line end"}')

    with pytest.raises(ConfigurationError, match="is another file: move it, or name a new one"):
        opened(path)
    assert '{"no": "line end"}' == path.read_text()


@pytest.mark.parametrize("format", ["jsonl", "csv"])
@pytest.mark.parametrize("torn", [b"", b"\0" * 5000], ids=["empty", "zeros"])
def test_a_file_that_was_torn_at_its_begin_is_begun_again(tmp_path: Path, format: str, torn: bytes) -> None:
    path = tmp_path / "results"
    path.write_bytes(torn)

    assert {} == deliver(opened(path, format=format), [report(1)])
    assert b"\0" not in path.read_bytes()
