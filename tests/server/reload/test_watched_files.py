"""The files of a program are found without importing it, and each change of one is told once."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from twisted.logger import capturedLogs, formatEvent

from tcpcomm.errors import ConfigurationError
from tcpcomm.server.reload import watched_files
from tcpcomm.server.reload.watched_files import WatchedFiles, places_of


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


class TestPlaces:
    """The folders that belong to a name."""

    @pytest.mark.parametrize("name", ["wf_camera.py", "wf_camera.py:Camera", "wf_camera:Camera"])
    def test_those_of_a_module_are_its_folder(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        monkeypatch.chdir(tmp_path)
        write(tmp_path / "wf_camera.py", "1 / 0")

        assert (tmp_path,) == places_of(name)
        assert "wf_camera" not in sys.modules

    @pytest.mark.parametrize("name", ["wf_plant/cell/camera.py", "wf_plant.cell.camera:Camera"])
    def test_those_of_a_package_are_the_whole_package(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        monkeypatch.chdir(tmp_path)
        for each in ("wf_plant/__init__.py", "wf_plant/cell/__init__.py", "wf_plant/cell/camera.py"):
            write(tmp_path / each, "1 / 0")

        assert (tmp_path / "wf_plant",) == places_of(name)

    def test_of_an_installed_module_it_is_the_file_alone(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = write(tmp_path / "site-packages" / "wf_installed.py")
        monkeypatch.syspath_prepend(file.parent)

        assert (file,) == places_of("wf_installed:Camera")

    @pytest.mark.parametrize(
        ("name", "problem"),
        [
            ("wf_nothing:Camera", "there is no module wf_nothing: name an existing one, or a file"),
            ("wf_nothing.py", "there is no file wf_nothing.py"),
            ("sys:Camera", "the module sys has no file that can change"),
        ],
    )
    def test_what_is_not_there_is_refused(self, name: str, problem: str) -> None:
        with pytest.raises(ConfigurationError) as raised:
            places_of(name)

        assert f"{name}: {problem}" == str(raised.value)


class TestChanges:
    """A change is told by the next call, and only once."""

    def test_a_file_that_is_written_comes_and_goes(self, tmp_path: Path) -> None:
        camera, lens = write(tmp_path / "camera.py", "x = 1"), write(tmp_path / "inner" / "lens.py")
        files = WatchedFiles([tmp_path])
        assert [] == files.changes()

        write(camera, "x = 12")
        lens.unlink()
        new = write(tmp_path / "new" / "scale.py")

        assert sorted([camera, lens, new]) == files.changes()
        assert [] == files.changes()

    def test_a_file_of_the_same_size_is_told_by_its_time(self, tmp_path: Path) -> None:
        camera = write(tmp_path / "camera.py", "x = 1")
        files = WatchedFiles([tmp_path])

        write(camera, "x = 2")
        status = camera.stat()
        os.utime(camera, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000))

        assert [camera] == files.changes()

    def test_a_file_that_is_written_again_as_it_was_is_told_once(self, tmp_path: Path) -> None:
        files = WatchedFiles([tmp_path])
        told: list[list[Path]] = []

        for at in range(3):
            made = write(tmp_path / "made.py", "x = 1")
            os.utime(made, ns=(at, at))
            told.append(files.changes())

        assert [[made], [], []] == told

    def test_a_file_that_was_gone_is_told_again(self, tmp_path: Path) -> None:
        files = WatchedFiles([tmp_path])
        told: list[list[Path]] = []

        for _ in range(2):
            camera = write(tmp_path / "camera.py", "x = 1")
            told.append(files.changes())
            camera.unlink()
            told.append(files.changes())

        assert [[camera]] * 4 == told

    @pytest.mark.parametrize(
        "name",
        [
            "notes.txt",
            ".git/hook.py",
            "__pycache__/camera.py",
            "venv/lib/other.py",
            "lib/site-packages/other.py",
        ],
    )
    def test_what_is_no_file_of_the_program_is_not_watched(self, tmp_path: Path, name: str) -> None:
        write(tmp_path / "venv" / "pyvenv.cfg")
        files = WatchedFiles([tmp_path])

        write(tmp_path / name)

        assert [] == files.changes()

    def test_a_single_file_is_watched_alone(self, tmp_path: Path) -> None:
        camera = write(tmp_path / "camera.py")
        files = WatchedFiles([camera])

        write(tmp_path / "other.py")
        write(camera, "x = 1")

        assert [camera] == files.changes()

    @pytest.mark.parametrize("limit", ["MOST_FILES", "MOST_FOLDERS"])
    def test_too_many_are_told_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
    ) -> None:
        monkeypatch.setattr(watched_files, limit, 2)
        for number in range(4):
            write(tmp_path / f"folder{number}" / "camera.py")

        with capturedLogs() as events:
            files = WatchedFiles([tmp_path])
            files.changes()

        (told,) = [formatEvent(each) for each in events]
        assert told.startswith(f"not all files below {tmp_path} are watched, because there are more than ")
