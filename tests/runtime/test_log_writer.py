"""The thread that writes the log: it never blocks the program, and tells what is lost."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from unittest.mock import Mock

import pytest
from twisted.python.logfile import LogFile

from tcpcomm.runtime import log_writer
from tcpcomm.runtime.log_writer import FINISH, MOST_WAITING, LogWriter, RotatingFile, stream_writer
from tests.conftest import skip
from tests.system.running import DEADLINE, environment, wait_until


class Place:
    """A place to write to, which blocks until it is opened."""

    def __init__(self, *, open_now: bool = True) -> None:
        self.texts: list[str] = []
        self.opened = threading.Event()
        self.reached = threading.Event()
        if open_now:
            self.opened.set()

    def __call__(self, text: str) -> None:
        self.reached.set()
        self.opened.wait()
        self.texts.append(text)

    @property
    def lines(self) -> list[str]:
        return "".join(self.texts).splitlines()


def test_all_lines_are_written_in_order() -> None:
    place = Place()
    writer = LogWriter(place)

    for number in range(10_000):
        writer.put(f"{number}\n")
    writer.finish(DEADLINE)

    assert [str(number) for number in range(10_000)] == place.lines


def test_a_place_that_blocks_does_not_block_the_program_and_what_is_lost_is_told() -> None:
    place = Place(open_now=False)
    writer = LogWriter(place, most_waiting=100)
    writer.put("first\n")
    assert place.reached.wait(DEADLINE)

    for number in range(1000):
        writer.put(f"line {number:03}\n")
    place.opened.set()
    writer.finish(DEADLINE)

    assert "first" == place.lines[0]
    kept = len(place.lines) - 2
    assert [f"line {number:03}" for number in range(kept)] == place.lines[1:-1]
    assert f"{1000 - kept} lines of the log were lost here" in place.lines[-1]
    assert 10 == kept


def test_by_default_a_mebibyte_waits_and_the_end_waits_for_one_and_a_half_seconds() -> None:
    place = Place(open_now=False)
    writer = LogWriter(place)
    line = "x" * 1023 + "\n"
    writer.put(line)
    assert place.reached.wait(DEADLINE)
    for _ in range(2000):
        writer.put(line)

    began = monotonic()
    writer.finish()
    assert FINISH - 0.1 < monotonic() - began < 20
    place.opened.set()
    wait_until(lambda: "lost" in (place.lines or [""])[-1])
    assert MOST_WAITING // 1024 == len(place.lines) - 1
    assert "977 lines of the log were lost here" in place.lines[-1]


def test_the_end_waits_for_a_place_that_blocks_for_a_limited_time_in_all() -> None:
    place = Place(open_now=False)
    writer = LogWriter(place)
    writer.put("a line\n")

    began = monotonic()
    writer.finish(0.2)
    writer.finish(100)
    writer.put("a line after the end\n")
    place.opened.set()

    assert 0.1 < monotonic() - began < 20


def test_a_pipe_with_room_gets_its_line_at_once_and_a_full_one_blocks_nobody() -> None:
    if not hasattr(os, "pipe") or sys.platform == "win32":
        skip("only on UNIX a pipe tells whether it has room")
    read, write = os.pipe()
    with open(write, "w", encoding="utf-8") as stream:
        place = stream_writer(stream)
        assert place is not None
        writer = LogWriter(place)

        writer.put("at once\n")
        assert b"at once\n" == os.read(read, 100)  # no other thread has written it yet, or has to

        line = "x" * 500 + "\n"
        for _ in range(1000):  # more than a pipe takes
            writer.put(line)
        left = 1000 * len(line)
        while left > 0:
            left -= len(os.read(read, 65536))
        writer.finish(DEADLINE)
    os.close(read)


def test_lines_after_the_end_are_waited_for() -> None:
    place = Place()
    writer = LogWriter(place)
    writer.finish(100)

    writer.put("Main loop terminated.\n")

    assert ["Main loop terminated."] == place.lines


def test_a_full_disk_loses_lines_and_tells_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_writer, "RETRY", 0.01)
    place = Place()
    full = [True]

    def write(text: str) -> None:
        if full[0]:
            full[0] = False
            raise OSError(28, "No space left on device")
        place(text)

    writer = LogWriter(write)
    writer.put("lost\n")
    assert place.reached.wait(DEADLINE)
    writer.put("written\n")
    # Not finish(): until the line about the loss is written, the last attempt is one that failed.
    wait_until(lambda: len(place.lines) == 2)

    assert ["1 lines of the log were lost here, because they could not be written in time", "written"] == (
        place.lines
    )


def test_the_last_line_of_a_child_of_multiprocessing_is_written(tmp_path: Path) -> None:
    if not hasattr(os, "fork"):
        skip("this system has no fork")
    path = tmp_path / "log"
    code = (
        "import multiprocessing, sys\n"
        "from tcpcomm.runtime.log_writer import LogWriter, RotatingFile\n"
        "LogWriter.finish.__defaults__ = (float(sys.argv[2]),)\n"  # a busy machine may need more than 1.5 s
        "writer = LogWriter(RotatingFile(sys.argv[1], size=10_000, kept=1))\n"
        "child = multiprocessing.get_context('fork').Process(target=writer.put, args=('child\\n',))\n"
        "child.start()\n"
        "child.join()\n"
    )
    command = [sys.executable, "-c", code, str(path), str(DEADLINE)]
    subprocess.run(command, env=environment(), check=True, timeout=2 * DEADLINE)
    assert "child\n" == path.read_text()


def test_a_writer_works_in_both_processes_after_a_fork(tmp_path: Path) -> None:
    if not hasattr(os, "fork"):
        skip("this system has no fork")
    path = tmp_path / "log"
    writer = LogWriter(RotatingFile(str(path), size=10_000, kept=1))
    for number in range(100):
        writer.put(f"before {number}\n")

    child = os.fork()
    if not child:
        try:
            writer.put("child\n")
            writer.finish(DEADLINE)
        finally:
            os._exit(0)
    assert 0 == os.waitpid(child, 0)[1]
    writer.put("parent\n")
    writer.finish(DEADLINE)

    lines = path.read_text().splitlines()
    assert 102 == len(lines)
    assert [f"before {number}" for number in range(100)] == [each for each in lines if "before" in each]
    assert {"child", "parent"} < set(lines)


class TestStreams:
    """Lines go around the buffer of a stream."""

    def test_a_file(self, tmp_path: Path) -> None:
        with (tmp_path / "file").open("w", encoding="cp949") as file:
            write = stream_writer(file)
            assert write is not None
            file.write("buffered\n")
            write("검사 \U0001f600\n")

        assert "buffered\n검사 \\U0001f600\n" == (tmp_path / "file").read_text(encoding="cp949")

    def test_a_pipe_that_does_not_block_is_waited_for(self) -> None:
        if sys.platform == "win32":
            skip("Windows cannot select pipes")
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        received: list[bytes] = []

        def read() -> None:
            while data := os.read(reading, 65536):
                received.append(data)

        with os.fdopen(writing, "w") as stream:
            write = stream_writer(stream)
            assert write is not None
            reader = threading.Thread(target=read)
            reader.start()
            write("x" * 1_000_000)
        del write
        reader.join(DEADLINE)
        os.close(reading)

        assert 1_000_000 == sum(map(len, received))


class TestFiles:
    """A log file has a maximum."""

    @pytest.fixture
    def names(self, tmp_path: Path) -> Callable[[], list[str]]:
        return lambda: sorted(each.name for each in tmp_path.iterdir())

    def test_full_files_are_renamed_and_old_ones_removed(
        self, tmp_path: Path, names: Callable[[], list[str]]
    ) -> None:
        file = RotatingFile(str(tmp_path / "log"), size=20, kept=2)
        for number in range(20):
            file(f"line {number:05}\n")
        file.close()

        assert ["log", "log.1", "log.2"] == names()
        assert 3 * 22 >= sum(each.stat().st_size for each in tmp_path.iterdir())
        assert (tmp_path / "log").read_text().endswith("line 00019\n")

    def test_a_signal_can_have_it_renamed(self, tmp_path: Path, names: Callable[[], list[str]]) -> None:
        file = RotatingFile(str(tmp_path / "log"), size=1000, kept=2)
        file("one\n")
        file.rotation_due = True
        file("two\n")
        file.close()

        assert ["log", "log.1"] == names()
        assert "two\n" == (tmp_path / "log").read_text()

    def test_a_file_that_cannot_be_renamed_is_emptied(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: Callable[[], list[str]]
    ) -> None:
        monkeypatch.setattr(LogFile, "rotate", lambda file: None)  # as if the folder may not be written
        file = RotatingFile(str(tmp_path / "log"), size=20, kept=2)
        for number in range(21):
            file(f"line {number:05}\n")
        file.close()

        assert ["log"] == names()
        assert 5 * 11 >= (tmp_path / "log").stat().st_size

    def test_it_is_emptied_if_it_cannot_be_opened_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """After ``twistd --uid``, a file that root made is open, and nobody may open it."""
        monkeypatch.setattr(LogFile, "rotate", lambda file: None)
        file = RotatingFile(str(tmp_path / "log"), size=20, kept=2)
        (tmp_path / "log").rename(tmp_path / "hidden")
        (tmp_path / "log").mkdir()
        for number in range(21):
            file(f"line {number:05}\n")
        file.close()

        assert (tmp_path / "hidden").read_text().endswith("line 00020\n")
        assert 5 * 11 >= (tmp_path / "hidden").stat().st_size

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows renames no open file")
    def test_a_file_that_another_program_renamed_is_written_on(self, tmp_path: Path) -> None:
        file = RotatingFile(str(tmp_path / "log"), size=1000, kept=2)
        file("before\n")
        (tmp_path / "log").rename(tmp_path / "moved")
        file("after\n")
        file.close()

        assert "before\nafter\n" == (tmp_path / "moved").read_text()

    def test_a_file_of_another_user_in_a_folder_of_our_own_is_emptied(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: Callable[[], list[str]]
    ) -> None:
        path = tmp_path / "log"
        monkeypatch.setattr(os, "access", lambda asked, mode: asked != str(path))
        file = RotatingFile(str(path), size=20, kept=2)
        for number in range(21):
            file(f"line {number:05}\n")
        file.close()

        assert ["log"] == names()
        assert 5 * 11 >= path.stat().st_size

    def test_after_an_error_it_is_opened_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = RotatingFile(str(tmp_path / "log"), size=1000, kept=2)
        monkeypatch.setattr(LogFile, "write", Mock(side_effect=OSError(28, "No space left on device")))
        with pytest.raises(OSError, match="No space"):
            file("lost\n")
        monkeypatch.undo()

        file("again\n")
        file.close()

        assert "again\n" == (tmp_path / "log").read_text()
