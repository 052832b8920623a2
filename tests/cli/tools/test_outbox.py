"""``tcpcomm outbox``: its output, and its mistakes in words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tcpcomm.cli.command import main
from tests.plant.outbox.rig import Mode, Rig


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of an outbox that has set aside messages 2 and 3, while message 4 waits."""
    rig = Rig(tmp_path, attempts=1)
    rig.start()
    rig.plant.poison |= {b"\x01\x02", b'{"x":1.5}'}
    rig.stored("good")
    rig.stored(b"\x01\x02", topic="line/2")
    rig.stored({"x": 1.5}, topic="line/3", source="camera")
    rig.plant.modes["a"] = Mode.FAILS
    rig.stored("waits", expires_in=60)
    rig.stop()
    return rig.path


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(["outbox", *map(str, words)])
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out + captured.err


def test_show(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = run(capsys, "show", path)
    assert code == 0
    assert "3 of 4 posted messages are left; for all sinks together, 1 wait and 2 are set aside" in text
    assert "\n    unplugged (as of 1970-01-" in text
    assert "  a: 1 wait, the oldest for " in text
    assert "; delivered 1, refused 2, set aside 2" in text
    assert "set aside: 2\n" in text
    assert "sink a  line/2  after 1 attempts: it is poison" in text
    code, text = run(capsys, "show", path, "--json")
    facts = json.loads(text)
    assert [each["topic"] for each in facts["aside"]] == ["line/2", "line/3"]
    assert facts["sinks"][0]["depth"] == 1
    assert facts["sinks"][0]["problem"] == "unplugged"


def test_show_one_message(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "  application/octet-stream: 01 02\n" in run(capsys, "show", path, 2)[1]
    text = run(capsys, "show", path, 3)[1]
    assert '  application/json: {"x": 1.5}\n' in text
    assert "  sink a: set aside after 1 attempts: it is poison\n" in text
    assert json.loads(run(capsys, "show", path, 3, "--json")[1])["body"] == {"x": 1.5}
    assert json.loads(run(capsys, "show", path, 2, "--json")[1])["body"] == "AQI="
    assert "  expires: " in run(capsys, "show", path, 4)[1]


def test_retry_and_drop(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "retry", path, 2)[1].startswith("put back: 1;")
    code, text = run(capsys, "retry", path, 2)
    assert (code, "none of these messages is set aside" in text) == (1, True)
    code, text = run(capsys, "drop", path, 3)
    assert (code, "give --yes" in text) == (1, True)
    assert run(capsys, "drop", path, 3, "--yes") == (0, "deleted: 1\n")
    code, text = run(capsys, "drop", path, 4, "--yes")
    assert (code, "only such can be deleted" in text) == (1, True)
    assert run(capsys, "drop", path, "--aside", "--yes") == (0, "deleted: 0\n")
    assert run(capsys, "retry", path, "--all")[1].startswith("put back: 0;")
    code, text = run(capsys, "drop", path, "--sink", "a", "--yes")
    assert (code, "take it out of the program's sinks" in text) == (1, True)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "say what to do"),
        (["look", "FILE"], "say what to do"),
        (["show"], "say what to do"),
        (["show", "FILE", "1", "2"], "one message at a time"),
        (["show", "FILE", "--yes"], "show takes no --yes"),
        (["retry", "FILE"], "or give --all"),
        (["retry", "FILE", "2", "--all"], "or give --all"),
        (["drop", "FILE"], "or give --aside or --sink NAME"),
        (["drop", "FILE", "--json"], "drop takes no --json"),
        (["show", "missing.outbox"], "there is no such file"),
        (["show", "FILE", "77"], "there is no message 77"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes(path: Path, capsys: pytest.CaptureFixture[str], words: list[str], problem: str) -> None:
    code, text = run(capsys, *[path if each == "FILE" else each for each in words])
    assert code == 1
    assert problem in text


def test_a_damaged_file(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xff" * (len(content) - 100))
    code, text = run(capsys, "show", path)
    assert (code, "is damaged" in text) == (1, True)
