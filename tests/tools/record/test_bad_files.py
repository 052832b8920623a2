"""Files that are cut, damaged, locked, or not recordings: clear words, and all that can be read."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tcpcomm import ConfigurationError, Recorder, Recording
from tcpcomm.tools.record import recording, writer
from tcpcomm.tools.record.damage import Damage
from tcpcomm.tools.record.schema import FORMAT
from tcpcomm.tools.record.store import PAGE_SIZE
from tests.system.running import wait_until
from tests.tools.record.sessions import Session, bad_checksum, command, reply

ROWS = 1500


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of about 300 KiB, with everything moved from the log into the database."""
    path = tmp_path_factory.mktemp("whole") / "line.tcpcomm"
    sessions = [Session(is_declared=True), Session(peer="10.0.0.8:1")]
    with Recorder(path, keep_mib=1) as recorder:
        for number in range(ROWS):
            session = sessions[number % 2]
            recorder.received(session, b"%06d" % number + b"x" * 100)
            asked = command(job=number)
            recorder.message(sessions[0], asked)
            recorder.message(sessions[0], reply(asked, result=number / 2))
            if number % 100 == 0:
                recorder.fault(session, bad_checksum("0a"))
            if number % 250 == 0:
                assert recorder.flush(30)
    return path


def read_all(path: Path) -> tuple[int, list[str]]:
    """Read all that can be read. Return the number of chunks, and the problems."""
    with Recording(path) as recording:
        numbers = [each.number for each in recording.everything()]
        assert numbers == sorted({*numbers})
        recording.sessions()
        recording.runs()
        wrong = [each for each in recording.chunks() if not each.data.endswith(b"x" * 100)]
        assert len(wrong) <= any("ends within a page" in each for each in recording.problems)
        return len([*recording.chunks()]), recording.problems


def read_or_refuse(path: Path) -> tuple[int, list[str]]:
    """Read all that can be read. If nothing can, the problem is the error."""
    try:
        return read_all(path)
    except ConfigurationError as error:
        return 0, [str(error)]


def test_a_recording_that_has_just_begun_lacks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "line.tcpcomm"
    sizes = [0]  # of the file -wal when the reader looks first: the recorder is about to make it
    size = recording._size
    monkeypatch.setattr(recording, "_size", lambda of: sizes.pop() if sizes else size(of))
    with Recorder(path) as recorder:
        recorder.received(Session(), b"x" * 100)
        assert recorder.flush(30)
        assert (1, []) == read_all(path)
    assert [] == sizes


def test_a_whole_recording_has_no_problem(whole: Path) -> None:
    assert (ROWS, []) == read_all(whole)


@pytest.mark.parametrize("percent", range(0, 100, 4))
def test_a_copy_that_is_cut_gives_the_rest_or_says_why_not(
    whole: Path, tmp_path: Path, percent: int
) -> None:
    data = whole.read_bytes()
    copy = tmp_path / "copy.tcpcomm"
    copy.write_bytes(data[: len(data) * percent // 100 + percent % 3])
    chunks, problems = read_or_refuse(copy)
    assert chunks <= ROWS
    assert any("copy.tcpcomm" in each or "cut or damaged" in each for each in problems)
    assert chunks > 0 or percent < 25


def test_most_of_a_copy_that_lacks_its_end_is_read(whole: Path, tmp_path: Path) -> None:
    data = whole.read_bytes()
    copy = tmp_path / "copy.tcpcomm"
    copy.write_bytes(data[: len(data) * 9 // 10])
    chunks, problems = read_all(copy)
    assert chunks > ROWS // 2
    (damage,) = [each for each in problems if "cut or damaged" in each]
    assert "of the chunks" in damage
    assert damage.endswith("the newest are missing")


@pytest.mark.parametrize("page", range(1, 60, 3))
def test_a_page_of_garbage_costs_no_more_than_its_block(whole: Path, tmp_path: Path, page: int) -> None:
    data = bytearray(whole.read_bytes())
    data[PAGE_SIZE * page : PAGE_SIZE * page + PAGE_SIZE] = b"\xa5" * PAGE_SIZE
    copy = tmp_path / "copy.tcpcomm"
    copy.write_bytes(data)
    chunks, problems = read_or_refuse(copy)
    assert any("damaged" in each for each in problems) or chunks == ROWS


def copy_without_log(tmp_path: Path) -> Path:
    """Return a copy of a recording with two chunks that is made while the recorder works."""
    path, copy = tmp_path / "line.tcpcomm", tmp_path / "copy.tcpcomm"
    with Recorder(path) as recorder:
        for data in (b"x", b"y"):
            recorder.received(Session(), data)
            assert recorder.flush(30)
        shutil.copyfile(path, copy)
    return copy


def test_a_copy_without_the_log_that_has_all_values_is_refused(tmp_path: Path) -> None:
    copy = copy_without_log(tmp_path)
    words = f"{copy}: nothing can be read without copy.tcpcomm-wal: copy it beside the file"
    with pytest.raises(ConfigurationError, match=f"^{re.escape(words)}$"):
        Recording(copy)


def test_values_are_moved_from_the_log_into_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_MOVE_INTERVAL", 0.0)
    with Recording(copy_without_log(tmp_path)) as recording:
        assert [b"x", b"y"] == [each.data for each in recording.chunks()]
        (problem,) = recording.problems
    assert "copy.tcpcomm-wal is not beside the file: the newest values may be missing" in problem


def test_values_are_moved_also_if_no_others_follow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_MOVE_INTERVAL", 0.1)
    monkeypatch.setattr(writer, "_IDLE_AFTER", 0)
    path, copy = tmp_path / "line.tcpcomm", tmp_path / "copy.tcpcomm"

    def is_in_copy() -> bool:
        shutil.copyfile(path, copy)
        with suppress(ConfigurationError), Recording(copy) as recording:
            return 1 == recording.count("chunks")
        return False

    with Recorder(path) as recorder:
        recorder.received(Session(), b"x")
        wait_until(is_in_copy)


def test_nothing_of_a_file_that_is_too_short_is_read(whole: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.tcpcomm"
    copy.write_bytes(whole.read_bytes()[: 2 * PAGE_SIZE])
    with pytest.raises(ConfigurationError, match=r"nothing in it can be read: the file is cut or damaged"):
        Recording(copy)


def test_a_line_tells_the_damage_of_all_tables() -> None:
    damage = Damage()
    damage.note("the file is cut or damaged", "sessions")
    for table in ("chunks", "frames"):
        damage.note("the file is cut or damaged", table, "the newest")
    for minute in range(1, 6):
        damage.note("the file is cut or damaged", "chunks", f"some before 08:0{minute}")
    expected = (
        "the file is cut or damaged: sessions cannot be read; of the chunks and frames, "
        "some before 08:01, some before 08:02, the newest and 3 more parts are missing"
    )
    assert [expected] == damage.lines()


def test_a_copy_with_its_log_is_whole(tmp_path: Path) -> None:
    path, copy = tmp_path / "line.tcpcomm", tmp_path / "copy.tcpcomm"
    with Recorder(path) as recorder:
        recorder.received(Session(), b"x")
        assert recorder.flush(30)
        for suffix in ("", "-wal"):
            shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
    with Recording(copy) as recording:
        assert [b"x"] == [each.data for each in recording.chunks()]
        assert [] == recording.problems


def refusal(path: Path) -> tuple[str, str]:
    """Return the words with which a recorder and a reader refuse a file."""
    with pytest.raises(ConfigurationError) as recorder:
        Recorder(path)
    with pytest.raises(ConfigurationError) as reader:
        Recording(path)
    assert not path.with_name(f"{path.name}-lock").exists()
    return str(recorder.value), str(reader.value)


def test_another_file_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "report.txt"
    path.write_text("quarterly figures")
    words = f"{path} is not a recording, but another file"
    assert all(each.startswith(words) for each in refusal(path))
    assert "quarterly figures" == path.read_text()


def test_the_database_of_another_program_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "orders.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE orders(number)")
    before = path.read_bytes()
    assert all("is the database of another program" in each for each in refusal(path))
    assert before == path.read_bytes()


@pytest.mark.parametrize(("version", "age"), [(FORMAT + 1, "a newer"), (FORMAT - 1, "an older")])
def test_a_file_of_another_version_is_refused(tmp_path: Path, version: int, age: str) -> None:
    path = tmp_path / "line.tcpcomm"
    Recorder(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    words = f"was written by {age} tcpcomm, in format {version}; this one knows format {FORMAT}"
    assert all(words in each for each in refusal(path))


def test_a_damaged_file_is_not_recorded_into(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "line.tcpcomm"
    path.write_bytes(whole.read_bytes()[:9000])
    with pytest.raises(ConfigurationError, match="is damaged"):
        Recorder(path)


def test_a_folder_or_a_place_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no folder"):
        Recorder(tmp_path / "missing" / "line.tcpcomm")
    with pytest.raises(ConfigurationError, match="there is no such file"):
        Recording(tmp_path / "line.tcpcomm")
    assert all("cannot" in each for each in refusal(tmp_path))


def test_an_empty_file_becomes_a_recording(tmp_path: Path) -> None:
    path = tmp_path / "line.tcpcomm"
    path.touch()
    with pytest.raises(ConfigurationError, match="holds no recording"):
        Recording(path)
    with Recorder(path) as recorder:
        recorder.received(Session(), b"x")
    with Recording(path) as recording:
        assert 1 == recording.count("chunks")


def test_two_recorders_do_not_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "line.tcpcomm"
    with Recorder(path) as recorder:
        with pytest.raises(ConfigurationError, match=r"is being recorded already by process \d+"):
            Recorder(path)
        recorder.received(Session(), b"x")
    with Recorder(path) as recorder:
        recorder.received(Session(), b"y")
    with Recording(path) as recording:
        assert [b"x", b"y"] == [each.data for each in recording.chunks()]
    assert ["line.tcpcomm"] == [each.name for each in tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("name", "value"),
    [("keep_hours", 0), ("keep_mib", 0.5), ("keep_before_fault", -1), ("keep_hours", float("nan"))],
)
def test_a_wrong_argument_is_refused(tmp_path: Path, name: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} must be a number of"):
        Recorder(tmp_path / "line.tcpcomm", **{name: value})  # type: ignore[arg-type]
