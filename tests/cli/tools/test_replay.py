"""A recording of the robot and the camera of the examples is a test, in memory and over real sockets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tcpcomm import Recording
from tcpcomm.cli import main
from tcpcomm.testing import replayed
from tests.conftest import needs_module
from tests.system.running import DEADLINE, Server, environment

EXAMPLE = Path(__file__).parents[3] / "docs/examples/robot_vision"

RECORDING = """
import sys
from tcpcomm import Recorder, run, serve
from vision_program import Camera

run(serve(Camera(), at="tcp:0:interface=127.0.0.1", observers=[Recorder(sys.argv[1])]))
"""

PATH = {"PYTHONPATH": os.pathsep.join([environment()["PYTHONPATH"], str(EXAMPLE)])}


class Camera(Server):
    """A program with the camera, which records."""

    def __init__(self, recording: Path) -> None:
        command = [sys.executable, "-c", RECORDING, str(recording)]
        super().__init__(command=command, variables=PATH)


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        env={**environment(), **PATH},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE,
    )


def run_robot(port: int) -> subprocess.CompletedProcess[str]:
    """Run the robot of the example. It waits for a busy machine."""
    return run("-m", "tests.patient", str(EXAMPLE / "robot_program.py"), f"tcp:127.0.0.1:{port}")


class Replay(Server):
    """A running ``tcpcomm replay`` that listens."""

    def __init__(self, *words: str) -> None:
        place = ["--listen", "tcp:0:interface=127.0.0.1"]
        super().__init__(
            command=[sys.executable, "-m", "tcpcomm", "replay", *words, *place], variables=PATH
        )


@pytest.fixture(scope="module")
def example() -> Iterator[Any]:
    """The modules of the example, with numpy."""
    needs_module("numpy", "pip install tcpcomm[test]")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXAMPLE)
        yield import_module
        for name in ("vision_program", "vision_camera", "robot_program"):
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory, example: Any) -> Path:
    """A recording of a real run of the robot and the camera."""
    path = tmp_path_factory.mktemp("recording") / "line.tcpcomm"
    with Camera(path) as camera:
        printed = run_robot(camera.port)
        assert "job 1: x=12.5" in printed.stdout, printed.stderr
        camera.wait_for("the session ended")
        camera.signal(signal.SIGINT)
        camera.wait()
    return path


def test_the_recording_is_a_test_of_the_camera(recording: Path, example: Any) -> None:
    replayed(recording, example("vision_program").Camera())


def test_the_recording_is_a_test_of_the_robot(
    recording: Path, example: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    replayed(recording, host=example("robot_program").locate_parts)
    assert "job 2: x=-20.25" in capsys.readouterr().out


def test_a_changed_robot_is_told(recording: Path, example: Any) -> None:
    async def changed(camera: Any) -> None:
        await camera.locate(1)
        await camera.locate(4)

    with pytest.raises(AssertionError) as complaint:
        replayed(recording, host=changed)
    assert str(complaint.value).endswith("  differs:  locate.job: expected 2, got 4")


def test_a_changed_camera_is_told(recording: Path, example: Any) -> None:
    class Turned(example("vision_program").Camera):  # type: ignore[misc]
        def locate(self, job: int) -> Any:
            found = super().locate(job)
            return type(found)(found.x, found.y, found.angle + 90)

    Turned.locate.__in_thread__ = True  # type: ignore[attr-defined]
    with pytest.raises(AssertionError) as complaint:
        replayed(recording, Turned())
    assert str(complaint.value).endswith("  differs:  locate.result.angle: expected 30.0, got 120.0")


def test_the_recorded_robot_asks_a_real_camera(recording: Path, tmp_path: Path) -> None:
    with Camera(tmp_path / "again.tcpcomm") as camera:
        place = f"tcp:127.0.0.1:{camera.port}"
        words = ["-m", "tcpcomm", "replay", str(recording), "--play", "host", "--connect", place]
        ended = run(*words, "--speed", "max", "--as", "vision_camera:VisionCamera")
        assert 0 == ended.returncode, ended.stderr
        assert "tcpcomm replay: all is the same: 1 of 1 sessions" in ended.stderr
        assert "command   locate(job=1)" in ended.stdout
        ended = run(*words, "--speed", "max", "--quiet")  # the lamp is older now
        assert (3, "") == (ended.returncode, ended.stdout)
        assert "differs:  lamp_is_old.hours: expected 10000, got 10002" in ended.stderr


def test_the_recorded_camera_answers_a_real_robot(recording: Path) -> None:
    with Replay(str(recording), "--play", "equipment", "--speed", "max") as replay:
        port = replay.wait_for(r"listening on 127\.0\.0\.1:(\d+)")[0]
        printed = run_robot(int(port))
        assert "job 3: NG 3, no part in the picture" in printed.stdout, printed.stderr
        assert 0 == replay.wait()
        assert replay.count("all is the same")


def test_ctrl_c_ends_it_in_order(recording: Path) -> None:
    with Replay(str(recording), "--play", "equipment") as replay:
        replay.wait_for("listening on")
        replay.signal(signal.SIGINT)
        assert 130 == replay.wait()
        assert "interrupted; all was the same so far: 0 of 1 sessions" in replay.lines[-1]


def refusal(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(["replay", *words])
    assert isinstance(ended.value.code, int)
    told = capsys.readouterr()
    assert "" == told.out
    (line,) = told.err.splitlines()
    return ended.value.code, line


PLAY = ["--play", "host", "--connect", "tcp:127.0.0.1:9"]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "name one recording, as in line.tcpcomm; 'tcpcomm replay --help' explains it"),
        (["FILE"], "--play must be host or equipment: the side of the recording to play"),
        (
            ["FILE", "--play", "robot"],
            "--play must be host or equipment: the side of the recording to play, not",
        ),
        (["FILE", "--play", "host"], "give one of --connect ENDPOINT and --listen ENDPOINT"),
        (["/no/such", *PLAY], "/no/such: there is no such file"),
        (["FILE", *PLAY, "--session", "7"], "FILE has no session 7; it has 1 to 1"),
        (["FILE", *PLAY, "--speed", "0"], "--speed must be a number above 0, not '0'"),
        (["FILE", *PLAY, "--allow", "any"], "--allow has no effect without --listen"),
        (["FILE", "--play", "host", "--listen", "tcp:9999"], "--listen tcp:9999 is open to other machines"),
        (["FILE", *PLAY, "--as", "nosuch:It"], "nosuch:It: cannot import nosuch"),
        (["FILE", *PLAY, "--psk", "keys"], "--psk needs --name NAME"),
    ],
)
def test_mistakes_on_the_command_line(
    recording: Path, words: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(recording) if each == "FILE" else each for each in words]
    code, line = refusal(words, capsys)
    assert 1 == code
    assert line.startswith(f"tcpcomm replay: {problem.replace('FILE', str(recording))}")


def test_the_recording_is_of_one_session(recording: Path) -> None:
    with Recording(recording) as opened:
        assert ["vision_program:Camera"] == [each.declaration for each in opened.sessions()]
