"""Files that are no outbox, are damaged, or belong to others."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from tcpcomm import Recorder
from tcpcomm.errors import ConfigurationError
from tcpcomm.plant import Deduplicator, Outbox
from tests.plant.outbox.rig import Mode, Rig


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bad.outbox"


def refusal(path: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        Outbox(path, {}, reactor=Clock())
    assert not path.with_name(f"{path.name}-lock").exists()
    return str(caught.value)


def test_another_file(path: Path) -> None:
    path.write_bytes(b"hello")
    assert refusal(path) == f"{path} is not an outbox, but another file: name a new file"


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    assert "make it first" in refusal(tmp_path / "missing" / "a.outbox")


def test_a_folder(tmp_path: Path) -> None:
    assert "cannot open it" in refusal(tmp_path)


def test_the_database_of_another_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t(x)")
    assert refusal(path) == f"{path} is the database of another program: name a new file"


def test_a_recording_and_a_file_of_a_deduplicator(path: Path, tmp_path: Path) -> None:
    Recorder(path).close()
    assert "is the database of another program" in refusal(path)
    Deduplicator(tmp_path / "seen").close()
    assert "is the database of another program" in refusal(tmp_path / "seen")


@pytest.mark.parametrize(("form", "words"), [(2, "a newer tcpcomm"), (0, "an older tcpcomm")])
def test_another_format(tmp_path: Path, form: int, words: str) -> None:
    rig = Rig(tmp_path)
    rig.stop()
    with closing(sqlite3.connect(rig.path)) as db:
        db.execute(f"PRAGMA user_version = {form}")
    assert words in refusal(rig.path)


def test_a_damaged_file(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.stop()
    content = rig.path.read_bytes()
    rig.path.write_bytes(content[:100] + b"\xff" * (len(content) - 100))
    found = refusal(rig.path)
    assert "is damaged" in found
    assert "sqlite3 FILE .recover" in found


def test_a_file_that_is_damaged_later_is_told(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.start()
    rig.plant.modes["a"] = Mode.FAILS
    for _ in range(200):
        rig.post(b"x" * 2000)
    rig.turn()
    with closing(sqlite3.connect(rig.path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with rig.path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (rig.path.stat().st_size - 4096))
    rig.plant.modes.clear()
    rig.pass_time(60)
    done = rig.post("x")
    rig.turn()
    problems: list[str] = []
    done.addErrback(lambda failure: problems.append(str(failure.value)))
    found = rig.outbox.figures()
    assert problems or "damaged" in found.sinks["a"].state
