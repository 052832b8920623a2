"""Files that a server leaves on its machine: its pidfile, and the modes of others."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tcpcomm.server.machine import keep_files_private, remove_stale_pidfile
from tests.conftest import skip
from tests.session.stage import recorded_log
from tests.system.running import wait_until

if sys.platform != "linux":
    skip("only Linux tells which program a process runs, without more packages")


def await_start(number: int, word: bytes) -> None:
    """Wait until the system tells the command of a new process, in which the word is."""
    wait_until(lambda: word in Path(f"/proc/{number}/cmdline").read_bytes())


@pytest.fixture
def other() -> Iterator[int]:
    """The number of a process that is no twistd."""
    with subprocess.Popen(["sleep", "60"]) as process:
        await_start(process.pid, b"sleep")
        yield process.pid
        process.kill()


def test_a_pidfile_that_names_another_program_is_removed(tmp_path: Path, other: int) -> None:
    path = tmp_path / "twistd.pid"
    path.write_text(str(other))
    with recorded_log() as logged:
        remove_stale_pidfile(str(path))
        (line,) = logged.lines()
    assert line == f"removed the pidfile {path}, which was left by a crash: process {other} is sleep"
    assert not path.exists()


@pytest.mark.parametrize("text", ["", "not a number", "999999999"])
def test_other_pidfiles_are_left_to_twistd(text: str, tmp_path: Path) -> None:
    path = tmp_path / "twistd.pid"
    path.write_text(text)
    for each in (str(path), "", None, str(tmp_path / "none.pid")):
        remove_stale_pidfile(each)
    assert path.exists()


def test_the_pidfile_of_a_python_program_is_left(tmp_path: Path) -> None:
    path = tmp_path / "twistd.pid"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        await_start(process.pid, b"input()")
        path.write_text(str(process.pid))
        remove_stale_pidfile(str(path))
        process.communicate(b"\n")
    assert path.exists()


def test_the_pidfile_of_a_python_program_with_another_name_is_left(tmp_path: Path) -> None:
    path = tmp_path / "twistd.pid"
    rename = "open('/proc/self/comm', 'w').write('line-3'); input()"
    words = ["line-3", "-c", rename]
    with subprocess.Popen(words, executable=sys.executable, stdin=subprocess.PIPE) as process:
        wait_until(lambda: Path(f"/proc/{process.pid}/comm").read_text() == "line-3\n")
        path.write_text(str(process.pid))
        remove_stale_pidfile(str(path))
        process.communicate(b"\n")
    assert path.exists()


@pytest.mark.parametrize(("options", "mode"), [({"umask": None}, 0o640), ({"umask": 0}, 0o666)])
def test_others_cannot_read_new_files(options: dict[str, int], mode: int, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        keep_files_private(options)
        (tmp_path / "log").write_text("secret")
    finally:
        os.umask(before)
    assert mode == (tmp_path / "log").stat().st_mode & 0o777
