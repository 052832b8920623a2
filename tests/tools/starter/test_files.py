"""The files fit the answers, what they say about bytes is true, and no file is ever overwritten."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tcpcomm.equipment.equipment import declaration_of
from tcpcomm.errors import ConfigurationError
from tcpcomm.framing import Delimited, LengthPrefixed, Unframed, parse_framing
from tcpcomm.tools.starter.answers import USUAL, Answers
from tcpcomm.tools.starter.names import names_of
from tcpcomm.tools.starter.readme import next_commands
from tcpcomm.tools.starter.writer import files_of, write_files

CAMERA = names_of("Vision camera")
USUAL_ONES = [(messages, ends) for messages, found in USUAL.items() for ends in found]


def declared(answers: Answers, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the class in the declaration that the answers give."""
    module = ModuleType("starter_of_a_test")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(files_of(answers)["vision_camera.py"], vars(module))
    return module.VisionCamera


@pytest.mark.parametrize(
    ("program", "programs"),
    [
        ("both", ["vision_camera_server.py", "vision_camera_host.py"]),
        ("device", ["vision_camera_server.py"]),
        ("pc", ["vision_camera_host.py"]),
    ],
)
def test_each_program_that_is_wanted_is_written(program: str, programs: list[str]) -> None:
    files = files_of(Answers(CAMERA, program=program))

    assert ["vision_camera.py", *programs, "test_vision_camera.py", "README.md"] == [*files]
    for name, text in files.items():
        assert text.endswith("\n")
        assert name == "README.md" or compile(text, name, "exec")
        assert "$" not in text


@pytest.mark.parametrize(("messages", "ends"), USUAL_ONES)
def test_each_line_of_a_file_is_short(messages: str, ends: str) -> None:
    for connects in ("pc", "device"):
        for name, text in files_of(Answers(CAMERA, connects, messages, ends)).items():
            too_long = [line for line in text.splitlines() if len(line) > 108 and name != "README.md"]
            assert [] == too_long


@pytest.mark.parametrize(
    ("ends", "framing"),
    [
        ("crlf", Delimited(b"\r\n")),
        ("cr", Delimited(b"\r")),
        ("length4", LengthPrefixed(4)),
        ("silence", Unframed(join=True)),
        ("stx-etx,bcc=xor", parse_framing("stx-etx,bcc=xor")),
        ("length:2,little", parse_framing("length:2,little")),
        (r"delimited:\x22", parse_framing(r"delimited:\x22")),
        ('enclosed:"|;', parse_framing('enclosed:"|;')),
    ],
)
def test_the_declaration_has_the_framing(ends: str, framing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    declaration = declaration_of(declared(Answers(CAMERA, ends=ends), monkeypatch))

    assert framing == declaration.received
    assert ["measure", "zero"] == [*declaration.commands]
    assert ([] if ends == "silence" else ["alarm"]) == [*declaration.events]


@pytest.mark.parametrize("ends", [r"delimited:\r\n", "length:2", "raw,join"])
def test_the_notation_of_a_usual_end_is_written_in_python(ends: str) -> None:
    assert "parse_framing" not in files_of(Answers(CAMERA, ends=ends))["vision_camera.py"]


@pytest.mark.parametrize(
    ("messages", "rows"),
    [
        (
            "text",
            [
                "| the PC | `MEAS,3<CR><LF>` |",
                "| the device | `OK,4.500,1<CR><LF>` |",
                "| the PC | `MEAS,9<CR><LF>` |",
                "| the device | `NG,1,the channels are 1 to 8<CR><LF>` |",
                "| the device, unasked | `ALM,2<CR><LF>` |",
            ],
        ),
        (
            "json",
            [
                '| the PC | `{"cmd":"measure","channel":3}<CR><LF>` |',
                '| the device | `{"result":{"value":4.5,"steady":true}}<CR><LF>` |',
                '| the PC | `{"cmd":"measure","channel":9}<CR><LF>` |',
                '| the device | `{"error":{"code":1,"reason":"the channels are 1 to 8"}}<CR><LF>` |',
                '| the device, unasked | `{"event":"alarm","code":2}<CR><LF>` |',
            ],
        ),
    ],
)
def test_the_page_shows_the_bytes(messages: str, rows: list[str]) -> None:
    page = files_of(Answers(CAMERA, messages=messages))["README.md"]

    assert rows == [line for line in page.splitlines() if line.startswith("| the ")]


@pytest.mark.parametrize("messages", ["text", "json", "binary"])
def test_the_comments_of_the_declaration_show_the_same_messages(messages: str) -> None:
    files = files_of(Answers(CAMERA, messages=messages, ends=USUAL[messages][0]))
    comments = " ".join(files["vision_camera.py"].split()).replace(" # ", " ")

    shown = {
        "text": ["MEAS,3", "OK,4.500,1", "ZERO,3", "ALM,2"],
        "json": ['{"cmd":"measure","channel":3}', '{"result":{"value":4.5,"steady":true}}'],
        "binary": ["10 03", "40 02"],
    }
    for each in shown[messages]:
        assert f"{each} " in comments or f"{each}." in comments or f"{each}:" in comments
    page = files["README.md"]
    assert "10 03" in page if messages == "binary" else shown[messages][0] in page


@pytest.mark.parametrize(
    ("messages", "ends", "problem"),
    [
        (
            "binary",
            "crlf",
            "crlf does not fit binary messages, because a number may hold the same bytes: choose length2, "
            "length4, silence, or a framing such as slip, cobs or dle",
        ),
        (
            "binary",
            "enclosed:<|>",
            "enclosed:<|>: this framing cannot carry the messages of the starter: ",
        ),
        ("text", "fixed:16", "fixed:16: this framing cannot carry the messages of the starter: "),
        ("text", "lenght:2", "no framing is called 'lenght'; "),
    ],
)
def test_a_framing_that_does_not_fit_is_refused(messages: str, ends: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        files_of(Answers(CAMERA, messages=messages, ends=ends))

    assert str(raised.value).startswith(problem)


@pytest.mark.parametrize("title", ['A "quoted" \\ name.', "비전 카메라", "It's $5 {here}"])
def test_a_name_with_special_characters_stands_in_the_files(title: str) -> None:
    for name, text in files_of(Answers(names_of(title, "Camera"))).items():
        assert name == "README.md" or compile(text, name, "exec")


@pytest.mark.parametrize(
    ("answers", "device", "pc"),
    [
        (
            Answers(CAMERA),
            "twistd -n tcpcomm --app vision_camera_server.py --reload",
            "python vision_camera_host.py",
        ),
        (
            Answers(CAMERA, port=85),
            "twistd -n tcpcomm --app vision_camera_server.py --reload --listen tcp:85:interface=127.0.0.1",
            "python vision_camera_host.py",
        ),
        (
            Answers(CAMERA, "device"),
            "python vision_camera_server.py",
            "python vision_camera_host.py",
        ),
        (
            Answers(CAMERA, program="pc"),
            "tcpcomm simulate vision_camera.py",
            "python vision_camera_host.py",
        ),
        (
            Answers(CAMERA, "device", program="pc"),
            "tcpcomm simulate vision_camera.py --connect tcp:127.0.0.1:9999",
            "python vision_camera_host.py",
        ),
        (
            Answers(CAMERA, program="device"),
            "twistd -n tcpcomm --app vision_camera_server.py --reload",
            "tcpcomm call vision_camera.py tcp:127.0.0.1:9999 measure 3",
        ),
        (
            Answers(CAMERA, "device", program="device"),
            "python vision_camera_server.py",
            "tcpcomm call vision_camera.py tcp:9999:interface=127.0.0.1 measure 3 --listen",
        ),
    ],
    ids=["both", "port", "device connects", "pc", "pc, device connects", "device", "device, it connects"],
)
def test_three_commands_come_next(answers: Answers, device: str, pc: str) -> None:
    commands = [command for command, _ in next_commands(answers)]

    assert [device, pc, "python -m pytest test_vision_camera.py"] == commands
    assert all(f"`{each}`" in files_of(answers)["README.md"] for each in commands)


class TestWriting:
    """Files are written all or none."""

    def test_the_folder_is_made(self, tmp_path: Path) -> None:
        write_files(tmp_path / "new" / "cell", {"a.py": "x = '한'\n"})

        assert "x = '한'\n".encode() == (tmp_path / "new" / "cell" / "a.py").read_bytes()

    def test_a_file_in_the_way_is_named_and_nothing_is_written(self, tmp_path: Path) -> None:
        (tmp_path / "b.py").write_text("mine")

        with pytest.raises(ConfigurationError) as raised:
            write_files(tmp_path, {"a.py": "", "b.py": ""})

        assert str(raised.value).startswith(f"in the way: {tmp_path / 'b.py'}. No file is overwritten: ")
        assert ["b.py"] == [each.name for each in tmp_path.iterdir()]
        assert "mine" == (tmp_path / "b.py").read_text()

    def test_a_file_in_place_of_the_folder_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "cell").write_text("")

        with pytest.raises(ConfigurationError, match="cell is a file: name a folder"):
            write_files(tmp_path / "cell", {"a.py": ""})
