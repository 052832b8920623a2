"""A file stands for the only equipment in it, wherever the ``tcpcomm`` command takes a declaration."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tcpcomm.cli import main

SOURCE = '''
from tcpcomm import Equipment, command
from tcpcomm.codec import Template


class Scale(Equipment):
    """A scale."""

    codec = Template()

    @command("W", reply="{grams:.1f}g")
    def weigh(self) -> float:
        """Weigh what lies on it."""
        raise NotImplementedError
'''

SECOND = """

class Press(Equipment):
    codec = Template()

    @command("P", reply="OK")
    def press(self) -> None:
        raise NotImplementedError
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    for name in ("one_scale", "two_devices"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    (tmp_path / "one_scale.py").write_text(SOURCE)
    (tmp_path / "two_devices.py").write_text(SOURCE + SECOND)
    return tmp_path


@pytest.mark.parametrize("name", ["one_scale.py", "./one_scale.py", "one_scale.py:Scale"])
def test_a_file_is_described(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["describe", name])

    assert 0 == ended.value.code
    assert "A scale." in capsys.readouterr().out


def test_a_file_is_a_device_for_generators(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["generate", "html", "one_scale.py", "--output", "scale.html"])

    assert 0 == ended.value.code
    assert (folder / "scale.html").exists()


def test_the_candidates_of_a_file_are_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["describe", "two_devices.py"])

    assert 1 == ended.value.code
    assert (
        "tcpcomm describe: two_devices.py: the file has 2 classes that can be meant: Scale, Press; name "
        "one, as in two_devices.py:Scale\n"
    ) == capsys.readouterr().err
