"""``tcpcomm generate`` writes whole files, says what it wrote, and refuses with words."""

from __future__ import annotations

from pathlib import Path

import pytest

from tcpcomm.cli import main
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.tools.generate.catalogue import GENERATORS
from tcpcomm.tools.generate.generator import Generator

CAMERA = "tests.equipment.declared:VisionCamera"
DRIVE = "tests.tools.generate.declared:Drive"


def told(words: list[str], capsys: pytest.CaptureFixture[str], code: int = 0) -> tuple[str, list[str]]:
    """Return standard output, and the lines on standard error."""
    with pytest.raises(SystemExit) as ended:
        main(["generate", *words])
    found = capsys.readouterr()
    assert code == ended.value.code, found.err
    return found.out, found.err.splitlines()


def test_the_file_is_written_and_described(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "drive.ksy"
    out, lines = told(["kaitai", DRIVE, "--output", str(path)], capsys)
    assert "" == out
    assert path.read_text("utf-8").startswith("meta:\n  id: drive\n")
    assert f"tcpcomm generate: wrote {path}: a Kaitai Struct format" in lines[-2]
    assert lines[-1].startswith(f"tcpcomm generate: next: kaitai-struct-compiler --target python {path}")


def test_without_output_the_file_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    out, lines = told(["kaitai", DRIVE], capsys)
    assert out.startswith("meta:\n")
    assert [] == lines


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["kaitai"], "name what to make ({names}), and one device or declaration"),
        (["fortran", DRIVE], "there is no generator 'fortran'; there are {names}"),
        (["kaitai", DRIVE, "--port", "0"], "--port must be a number from 1 to 65535, not '0'"),
        (
            ["kaitai", CAMERA],
            "VisionCamera: Kaitai Struct is for binary messages, and these are of the codec Template",
        ),
        (["kaitai", DRIVE, "-o", "nosuch/it.ksy"], "--output nosuch/it.ksy: cannot write it: No such file"),
    ],
)
def test_a_mistake_is_one_line(words: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, (line,) = told(words, capsys, 1)
    names = ", ".join(each.name for each in GENERATORS)
    assert line.startswith(f"tcpcomm generate: {problem.format(names=names)}")


def test_after_ctrl_c_the_old_file_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: Generator, declaration: Declaration, wanted: object) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "drive.ksy"
    path.write_text("old")
    monkeypatch.setattr(Generator, "generate", interrupted)
    _, lines = told(["kaitai", DRIVE, "-o", str(path)], capsys, 130)
    assert [f"tcpcomm generate: interrupted: {path} is as it was"] == lines
    assert "old" == path.read_text()


@pytest.mark.parametrize("generator", GENERATORS, ids=lambda it: it.name)
def test_the_help_tells_each_generator(generator: Generator, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = told(["--help"], capsys)
    assert f"  {generator.name:<10} {generator.summary}\n" in out
