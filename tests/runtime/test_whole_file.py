"""A file that is written as a whole, or stays as it was."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tcpcomm.runtime.whole_file import write_whole_file


def test_a_new_file_has_the_content_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    write_whole_file(tmp_path / "new.lua", "카메라\n")
    assert {"new.lua": "카메라\n".encode()} == {each.name: each.read_bytes() for each in tmp_path.iterdir()}


def test_an_old_file_is_replaced_and_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "old.bin"
    path.write_bytes(b"old")
    path.chmod(0o600)
    write_whole_file(path, b"new")
    assert b"new" == path.read_bytes()
    if sys.platform != "win32":
        assert 0o600 == path.stat().st_mode & 0o777


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_after_a_failure_the_old_file_is_there(
    failure: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(handle: int) -> None:
        raise failure

    path = tmp_path / "old.txt"
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(type(failure)):
        write_whole_file(path, "new")
    assert {"old.txt": "old"} == {each.name: each.read_text() for each in tmp_path.iterdir()}


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_still_points_to_its_file(tmp_path: Path) -> None:
    link, path = tmp_path / "link", tmp_path / "file"
    path.write_text("old")
    link.symlink_to(path)
    write_whole_file(link, "new")
    assert link.is_symlink()
    assert "new" == path.read_text()


def test_a_device_is_written_to(tmp_path: Path) -> None:
    write_whole_file(os.devnull, "anything")
    assert not Path(os.devnull).is_file()
