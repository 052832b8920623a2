"""``tcpcomm init`` asks five questions, takes options in place of answers, and refuses in one line."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from tcpcomm.cli import main

QUESTIONS = ("called?", "other?", "messages?", "end?", "need?")


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def init(monkeypatch: pytest.MonkeyPatch, *words: str, answers: str = "") -> int:
    """Run the command with the lines that a user types, and return its exit code."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(answers))
    with pytest.raises(SystemExit) as ended:
        main(["init", *words])
    code = ended.value.code
    assert isinstance(code, int)
    return code


def refusal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert 1 == init(monkeypatch, *words)
    (line,) = [each for each in capsys.readouterr().err.splitlines() if each]
    return line.removeprefix("tcpcomm init: ")


def files() -> list[str]:
    return sorted(str(each) for each in Path().rglob("*") if each.is_file())


def test_enter_takes_the_usual_answers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == init(monkeypatch, answers="\n" * 5)

    told = capsys.readouterr().out
    assert all(each in told for each in QUESTIONS)
    assert ["README.md", "device.py", "device_host.py", "device_server.py", "test_device.py"] == files()
    assert [
        "Type next:",
        "  twistd -n tcpcomm --app device_server.py --reload",
        "      serves the device, and starts again when you change a file",
        "  python device_host.py",
        "      runs the PC's program, in another terminal",
        "  python -m pytest test_device.py",
        "      tests it; needs: pip install pytest",
    ] == told.splitlines()[-7:]


def test_answers_are_numbers_words_and_notations(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 0 == init(monkeypatch, answers="Scale\n2\nJSON\nlength:2,little\n2\n")

    declaration = Path("scale.py").read_text("utf-8")
    assert 'framing = parse_framing(r"length:2,little")' in declaration
    assert "codec = Json()" in declaration
    assert 'PLACE = "tcp:9999:interface=127.0.0.1"' in Path("scale_host.py").read_text("utf-8")
    assert not Path("scale_server.py").exists()


def test_a_wrong_answer_is_asked_for_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == init(monkeypatch, answers="Scale\nrobot\n1\nbinary\ncrlf\n\n9\n3\n")

    told = capsys.readouterr().out
    assert "  'robot' is no answer: choose pc, device\n" in told
    assert "  crlf does not fit binary messages, because " in told
    assert "  '9' is no answer: choose device, pc, both\n" in told
    assert "framing = LengthPrefixed(2)" in Path("scale.py").read_text("utf-8")


def test_yes_asks_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == init(monkeypatch, "cell/new", "--messages", "json", "--yes")

    told = capsys.readouterr().out
    assert not any(each in told for each in QUESTIONS)
    assert str(Path("cell/new/device.py")) in files()
    assert f"Type next, in the folder {Path('cell/new')}:" in told
    assert 'framing = Delimited(b"\\n")' in Path("cell/new/device.py").read_text("utf-8")


def test_nothing_is_asked_if_all_is_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--name", "Scale", "--connects", "pc", "--messages", "text", "--ends", "cr", "--program", "pc"]

    assert 0 == init(monkeypatch, *words)
    assert "?" not in capsys.readouterr().out


class TestKorean:
    """A name that is not in Latin letters has a second one for the code."""

    def test_it_is_asked_for(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert 0 == init(monkeypatch, answers="비전 카메라\nvision camera\n" + "\n" * 4)

        assert "What is it called in the code, in Latin letters? [BijeonKamera]" in capsys.readouterr().out
        assert "비전 카메라" in Path("vision_camera.py").read_text("utf-8")

    def test_it_is_derived_if_nothing_is_asked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert 0 == init(monkeypatch, "--name", "비전 카메라", "--yes")

        assert "class BijeonKamera(Equipment):" in Path("bijeon_kamera.py").read_text("utf-8")

    def test_it_is_an_option(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert 0 == init(monkeypatch, "--name", "相机", "--identifier", "Camera", "--yes")

        assert "相机" in Path("camera.py").read_text("utf-8")

    def test_without_one_it_is_refused(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        told = refusal(monkeypatch, capsys, "--name", "相机", "--yes")

        assert told.startswith("--name: '相机' has no Latin letters: give a name for the code, ")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--connects", "robot"], "--connects: 'robot' is no answer: choose pc, device"),
        (["--messages", "xml"], "--messages: 'xml' is no answer: choose text, json, binary"),
        (["--program", "no"], "--program: 'no' is no answer: choose device, pc, both"),
        (["--name", "x" * 61], "--name: the name of a device has 1 to 60 printable characters"),
        (["--identifier", "-"], "--identifier: '-' cannot be a name in the code: use Latin letters"),
        (["--port", "0"], "--port must be a number from 1 to 65535, not '0'"),
        (
            ["a", "b"],
            "name one folder, and put quotes around a name with spaces; 'tcpcomm init --help' explains it",
        ),
    ],
)
def test_a_mistake_in_an_option_is_one_line(
    words: list[str], problem: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert problem == refusal(monkeypatch, capsys, *words, "--yes")
    assert [] == files()


def test_a_file_in_the_way_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("README.md").write_text("mine")

    told = refusal(monkeypatch, capsys, "--yes")

    assert told.startswith("in the way: README.md. No file is overwritten: ")
    assert ["README.md"] == files()


def test_without_answers_it_says_which_option_gives_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = refusal(monkeypatch, capsys, "--name", "Scale")

    assert "nobody answers: give --connects, or --yes for the usual answers" == told


def test_ctrl_c_at_a_question_writes_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(prompt: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.input", interrupted)

    assert 130 == init(monkeypatch)
    assert "tcpcomm init: interrupted: nothing was written" in capsys.readouterr().err
    assert [] == files()


def test_a_folder_that_cannot_be_made_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("cell").write_text("")

    assert refusal(monkeypatch, capsys, "cell/new", "--yes").startswith("cell")
