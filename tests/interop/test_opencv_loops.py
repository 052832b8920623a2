"""The loops of ``docs/howto/use-in-an-opencv-loop.md``, beside robots that ask, hang, die and come back."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import ROOT, needs_module, skip
from tests.docs.pages import saved_files
from tests.docs.processes import free_port
from tests.system.peer import Peer
from tests.system.running import Server

needs_module("cv2", 'pip install ".[interop]"')

TELLS_OF_PICTURES = """
def grab(grab=grab):
    print("picture", flush=True)
    return grab()
"""

SEES_ONE_PICTURE = """
def grab(grab=grab, seen=[]):
    if seen:
        print("waits for the second picture", flush=True)
        time.sleep(3600)
    seen.append(1)
    return grab()
"""

SEES_NOTHING = """
def grab():
    return np.zeros((480, 640), np.uint8)
"""

NO_PICTURE = b"NG,2,no new picture"
HARM = ("not known: ", "not sent: ")

Run = Callable[..., Server]


@pytest.fixture
def port() -> str:
    return free_port()


@pytest.fixture
def run(tmp_path: Path, port: str) -> Iterator[Run]:
    """Run Python with arguments, in the folder of the page's files."""
    saved_files(ROOT / "docs/howto/use-in-an-opencv-loop.md", tmp_path, port)
    with ExitStack() as stack:

        def start(*arguments: str, picture: str = "") -> Server:
            with (tmp_path / "picture.py").open("a") as file:
                file.write(picture)
            return stack.enter_context(Server(command=[sys.executable, "-u", *arguments], cwd=tmp_path))

        yield start


def asked(port: str) -> bytes:
    with Peer(int(port)) as robot:
        return robot.ask(b"TRG,1")


def test_a_picture_that_takes_long_delays_no_answer(run: Run, port: str) -> None:
    loop = run("answer_loop.py", picture=SEES_ONE_PICTURE)
    loop.wait_for("waits for the second picture")
    while (answer := asked(port)).startswith(b"OK,"):  # the first picture is new for half a second
        assert answer.endswith(b",240.0")

    assert NO_PICTURE == answer


@pytest.mark.parametrize("program", ["answer_loop.py", "trigger.py"])
def test_a_picture_without_a_part_is_a_fault(run: Run, port: str, program: str) -> None:
    run(program, picture=SEES_NOTHING).wait_for("the robot can ask")

    while (answer := asked(port)) == NO_PICTURE:  # before the first one
        pass

    assert b"NG,1,no part" == answer


def test_a_loop_goes_on_while_its_robot_hangs_and_is_gone(run: Run, port: str) -> None:
    if sys.platform == "win32":
        skip("Windows cannot suspend a process by a signal")
    place = f"tcp:{port}:interface=127.0.0.1"
    simulate = ("-m", "tcpcomm", "simulate", "my_robot:Robot", "--listen", place)
    robot = run(*simulate)
    robot.wait_for("listening")
    loop = run("command_loop.py", picture=TELLS_OF_PICTURES)
    loop.wait_for("^moved$")

    robot.signal(signal.SIGSTOP)
    loop.wait_for("^not known: ")
    robot.signal(signal.SIGKILL)
    robot.wait()
    loop.wait_for("^not sent: ", count=3)
    moved = loop.count("^moved$")
    run(*simulate).wait_for("listening")
    loop.wait_for("^moved$", count=moved + 1)

    lines = loop.lines
    hung, gone = (next(i for i, line in enumerate(lines) if line.startswith(text)) for text in HARM)
    before = max(i for i in range(hung) if lines[i] == "moved")
    assert lines[before:hung].count("picture") >= 3
    assert "picture" in lines[gone:]
