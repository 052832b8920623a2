"""One camera, written with several tools, answers alike, and has as many lines as the page says."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import skip
from tests.docs.comparison import PAGE, PART, SOURCES, counted, table
from tests.docs.parts import part_of
from tests.docs.processes import SECONDS, environment, free_port

STREAM = "stream: {{bind_address: 127.0.0.1, port: {port}}}"
SINSTRUMENTS = "import sys; sys.path.insert(0, '.'); from sinstruments.simulator import main; main()"


def test_the_lines_are_counted_as_the_page_says() -> None:
    # If this fails, run python -m tests.docs.comparison.
    assert table() == part_of(PAGE.read_text("utf-8"), PART)


def test_blank_lines_comments_and_docstrings_are_not_counted() -> None:
    text = '"""What\n\nit is."""\n\n# why\nclass A:\n    """An A."""\n\n'
    text += '    x = """a\n\nb"""  # more\n    f(\n        1)\n'
    assert 6 == counted("a.py", text)
    assert 2 == counted("a.proto", "# why\n\nlocate {\n    // what\n}\n")


@contextmanager
def _started(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program until the test is over, or for at most as long as a test may take."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env={**environment(), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    )
    watchdog = threading.Timer(SECONDS, process.kill)
    watchdog.start()
    try:
        yield process
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()


def _connected(port: int, camera: subprocess.Popen[str]) -> socket.socket:
    """Return a connection to a camera that is just starting."""
    while True:
        assert camera.poll() is None, "the camera's program ended"
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        except ConnectionRefusedError:
            threading.Event().wait(0.05)


def _needs(*modules: str) -> None:
    for name in modules:
        if find_spec(name) is None:
            skip(f"{name} is not installed: pip install 'tcpcomm[bench]'", for_comparison=True)


@pytest.mark.parametrize("tool", ["tcpcomm", "lewis", "sinstruments"])
def test_a_camera_that_speaks_lines_answers_as_the_manual_says(tool: str, tmp_path: Path) -> None:
    port = int(free_port())
    folder, arguments = SOURCES / tool, ["camera.py", str(port)]
    if tool == "lewis":
        _needs("lewis")
        arguments = ["-m", "lewis", "-a", ".", "-k", "cameras", "-p", STREAM.format(port=port), "camera"]
    if tool == "sinstruments":
        _needs("sinstruments")
        config = tmp_path / "camera.yml"
        config.write_text((folder / "camera.yml").read_text("utf-8").replace("9999", str(port)), "utf-8")
        arguments = ["-c", SINSTRUMENTS, "-c", str(config)]
    with (
        _started(folder, *arguments) as camera,
        _connected(port, camera) as robot,
        robot.makefile() as replies,
    ):
        robot.sendall(b"TRG,3\r\n")
        assert "OK,10.000,20.000,3.000\n" == replies.readline()
        robot.sendall(b"TRG,0\r\n")
        assert {"NG,7,no part\n", "ALM,2\n"} == {replies.readline(), replies.readline()}
        robot.sendall(b"TRG,x\r\n")
        assert replies.readline().startswith("NG,9")


@pytest.mark.parametrize(
    ("tool", "module", "no"),
    [
        ("tcpcomm", "tcpcomm", "NG 7 no part"),
        ("grpc", "grpc_tools", "NG 7 no part"),
        ("pymodbus", "pymodbus", "NG 7"),
    ],
)
def test_a_robot_gets_its_reply_and_the_alarm_from_its_camera(
    tool: str, module: str, no: str, tmp_path: Path
) -> None:
    _needs(module)
    folder = shutil.copytree(SOURCES / tool, tmp_path / tool)
    for program in folder.glob("*.py"):  # the machine may be busy
        program.write_text(program.read_text("utf-8").replace("timeout=2.0", "timeout=60.0"), "utf-8")
    port = int(free_port())
    with _started(folder, "camera.py", str(port)) as camera:
        _connected(port, camera).close()
        with _started(folder, "robot.py", str(port)) as robot:
            assert robot.stdout is not None
            lines = [robot.stdout.readline().rstrip("\n") for _ in range(3)]
    assert ["10.0 20.0 3.0", *sorted([no, "alarm 2"])] == [lines[0], *sorted(lines[1:])]
