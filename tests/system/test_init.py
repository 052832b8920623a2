"""What ``tcpcomm init`` writes runs: the programs talk, their tests pass, their types are clean."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tcpcomm.tools.starter.answers import CONNECTS, USUAL, Answers
from tcpcomm.tools.starter.names import names_of
from tcpcomm.tools.starter.programs import expected_output
from tcpcomm.tools.starter.writer import files_of
from tests.conftest import needs_module
from tests.docs.processes import free_port
from tests.system.running import DEADLINE, Server, environment

FURTHER = {"text": ("stx-etx,bcc=xor",), "json": ("json",), "binary": ("slip", "length:4,little")}
"""Framings that are given by their notation."""


def answers_of(connects: str, messages: str, ends: str, program: str) -> Answers:
    """Return answers with a name of their own, so that all programs stand in one folder."""
    name = names_of(f"starter {messages} {ends} {connects} {program}")
    return Answers(name, connects, messages, ends, program)


BOTH = [
    answers_of(connects, messages, ends, "both")
    for messages in USUAL
    for ends in (*USUAL[messages], *FURTHER[messages])
    for connects in CONNECTS
    if connects == "pc" or ends == USUAL[messages][0]
]
"""Each end of a message, and both ways to connect with the usual one."""
TALKING = [each for each in BOTH if each.ends not in USUAL[each.messages][1:]]
"""Those that run as processes, too; the others run in their own tests."""
ONE_SIDE = [
    answers_of(connects, messages, USUAL[messages][0], program)
    for messages in USUAL
    for connects in CONNECTS
    for program in ("device", "pc")
]


def module_of(answers: Answers) -> str:
    return answers.names.module


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all programs."""
    found = tmp_path_factory.mktemp("starters")
    for each in (*BOTH, *ONE_SIDE):
        for name, text in files_of(each).items():
            if name != "README.md":
                (found / name).write_text(text, encoding="utf-8", newline="\n")
    return found


def run(folder: Path, *command: str, seconds: float = DEADLINE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=seconds,
    )


def ended_well(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a process printed, if its exit code is 0."""
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


def device(folder: Path, answers: Answers, place: str) -> Server:
    """Start the program of the device."""
    return Server(command=[sys.executable, f"{module_of(answers)}_server.py", place], cwd=folder)


@pytest.mark.parametrize("answers", TALKING, ids=module_of)
def test_the_programs_talk(folder: Path, answers: Answers) -> None:
    pc = f"{module_of(answers)}_host.py"
    if answers.connects == "pc":
        with device(folder, answers, "tcp:0:interface=127.0.0.1") as server:
            told = ended_well(run(folder, pc, f"tcp:127.0.0.1:{server.port}"))
    else:
        port = free_port()
        with device(folder, answers, f"tcp:127.0.0.1:{port}"):
            told = ended_well(run(folder, pc, f"tcp:{port}:interface=127.0.0.1"))

    assert expected_output(answers) == told.splitlines()


def test_their_tests_pass(folder: Path) -> None:
    told = ended_well(run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", seconds=10 * DEADLINE))

    assert f"{2 * len([*BOTH, *ONE_SIDE])} passed" in told


def test_their_types_are_clean(folder: Path) -> None:
    needs_module("mypy", 'pip install "tcpcomm[test]"')

    told = ended_well(run(folder, "-m", "mypy", "--strict", ".", seconds=10 * DEADLINE))

    assert "Success: no issues found" in told


class TestCommand:
    """The command itself, in a folder of its own."""

    @pytest.fixture
    def made(self, tmp_path: Path) -> Path:
        names = ["--name", "비전 카메라", "--identifier", "Camera"]
        told = ended_well(run(tmp_path, "-m", "tcpcomm", "init", "cell", *names, "--yes"))
        assert "twistd -n tcpcomm --app camera_server.py --reload" in told
        return tmp_path / "cell"

    def test_twistd_serves_the_file_and_reloads_it(self, made: Path) -> None:
        options = ["--listen", "tcp:0:interface=127.0.0.1", "--app", "camera_server.py", "--reload"]
        with Server(*options, cwd=made) as server:
            place = f"tcp:127.0.0.1:{server.port}"
            call = ["-m", "tcpcomm", "call", "camera.py", place, "measure", "3"]
            assert "value" in ended_well(run(made, *call))
            assert "channel 8: 12.000" in ended_well(run(made, "camera_host.py", place))

    def test_a_simulated_device_answers_the_pc(self, made: Path) -> None:
        command = [sys.executable, "-m", "tcpcomm", "simulate", "camera.py"]
        with Server(command=[*command, "--listen", "tcp:0:interface=127.0.0.1"], cwd=made) as server:
            told = ended_well(run(made, "camera_host.py", f"tcp:127.0.0.1:{server.port}"))

        assert told.endswith("channel 3 is zero now\n")

    def test_without_a_device_the_pc_says_so(self, made: Path) -> None:
        done = run(made, "camera_host.py", f"tcp:127.0.0.1:{free_port()}")

        assert 1 == done.returncode
        assert "not sent: " in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
