"""The windows of ``use-in-pyqt.md`` and ``use-in-tkinter.md``: a button is pressed, lines are read."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from tests.conftest import ROOT, needs_module, needs_program, skip
from tests.docs.pages import saved_files
from tests.system.running import DEADLINE, ON_LOOPBACK, Server, environment

SHOWN = [
    "x 1.5, y 2.5 | alarm 1",
    "after the press: x 1.5, y 2.5 False",
    "while it waits: x 1.5, y 2.5 False",
    "no answer",
    "closed: down",
]


def used(page: str, folder: Path, module: str, *arguments: str, **variables: str) -> list[str]:
    """Let a person use the window of a page beside a camera. Return the lines that tell of it."""
    saved_files(ROOT / "docs/howto" / page, folder)
    with Server(*ON_LOOPBACK, "--app", "tests.interop.windows.camera:SilentCamera", cwd=folder) as camera:
        saved_files(ROOT / "docs/howto" / page, folder, str(camera.port))
        if arguments == ("PySide6",):
            window = folder / "window.py"
            text = window.read_text("utf-8")
            window.write_text(text.replace("PyQt6", "PySide6").replace("pyqtSignal", "Signal"), "utf-8")
        ended = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=folder,
            env={**environment(), **variables},
            capture_output=True,
            encoding="utf-8",
            timeout=DEADLINE,
        )
    missing = re.search(r"ImportError: (lib\S+: cannot open .*)", ended.stderr)
    if missing:
        skip(f"Qt needs a library of the system ({missing[1]})")
    assert 0 == ended.returncode, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stdout.splitlines()


@pytest.mark.parametrize("toolkit", ["PyQt6", "PySide6"])
def test_a_window_of_qt_is_never_frozen_and_ends_its_link(tmp_path: Path, toolkit: str) -> None:
    needs_module(toolkit, 'pip install ".[interop]"')

    person = "tests.interop.windows.qt"

    assert SHOWN == used("use-in-pyqt.md", tmp_path, person, toolkit, QT_QPA_PLATFORM="offscreen")


@pytest.fixture
def display() -> Iterator[dict[str, str]]:
    """Return the variables of a screen; on Linux it is a virtual one, which ends with the test."""
    try:
        import_module("_tkinter")
    except ImportError as error:
        skip(f"this Python has no tkinter ({error}): apt install python3-tk")
    if sys.platform in ("win32", "darwin"):
        yield {}
        return
    program = needs_program("Xvfb", "apt install xvfb")
    reading, writing = os.pipe()
    with os.fdopen(reading) as number:
        command = [program, "-displayfd", str(writing), "-screen", "0", "640x480x24", "-nolisten", "tcp"]
        screen = subprocess.Popen(command, pass_fds=(writing,), stderr=subprocess.DEVNULL)
        os.close(writing)
        try:
            found = number.readline().strip()
            if not found:
                skip("Xvfb did not start")
            yield {"DISPLAY": f":{found}"}
        finally:
            screen.terminate()
            screen.wait(DEADLINE)


def test_a_window_of_tkinter_is_never_frozen_and_ends_its_link(
    tmp_path: Path, display: dict[str, str]
) -> None:
    assert SHOWN == used("use-in-tkinter.md", tmp_path, "tests.interop.windows.tk", **display)
