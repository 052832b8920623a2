"""The way of a command at the host is short, and goes in one direction."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Final

import pytest

import tcpcomm
from tcpcomm import link_of
from tests.equipment.declared import Bench, Lamp, MyCamera, VisionCamera

PACKAGE: Final = Path(tcpcomm.__file__).parent
TESTING: Final = PACKAGE / "testing"

MAX_CALLS: Final = 20
MAX_FILES: Final = 9


Ask = Callable[[VisionCamera], Any]

COMMANDS: Final[dict[str, Ask]] = {
    "a command": lambda camera: camera.locate(job=1),
    "an idempotent command": lambda camera: camera.light(Lamp.ON),
}


def path_of_a_command(bench: Bench, ask: Ask) -> list[tuple[str, str]]:
    """Return the file and the name of each function of tcpcomm that a command passes at the host."""
    proxy = bench.remote(VisionCamera)
    before = bench.result(ask(proxy))
    transport: Any = link_of(proxy).engine.protocol.transport.transport
    path: list[tuple[str, str]] = []
    handed: list[int] = []

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event != "call" or handed:
            return
        file = Path(frame.f_code.co_filename)
        if frame.f_code is type(transport).write.__code__:
            handed.append(len(path))
        elif file.is_relative_to(PACKAGE) and not file.is_relative_to(TESTING):
            path.append((str(file.relative_to(PACKAGE)), frame.f_code.co_qualname))

    gc.disable()  # else it may end coroutines that another test has left, and they run code of ours
    sys.setprofile(note)
    try:
        reply = ask(proxy)
    finally:
        sys.setprofile(None)
        gc.enable()
    assert handed, "the command was not written"
    assert before == bench.result(reply)
    return path


def test_a_command_reaches_the_transport_in_few_calls_and_files(bench: Bench) -> None:
    bench.serve(MyCamera())
    path = path_of_a_command(bench, COMMANDS["a command"])
    files = {file for file, _ in path}
    shown = "\n".join(f"{number:3} {file}: {name}" for number, (file, name) in enumerate(path, 1))
    assert (True, True) == (len(path) <= MAX_CALLS, len(files) <= MAX_FILES), (
        f"{len(path)} calls in {len(files)} files:\n{shown}"
    )


@pytest.mark.parametrize("ask", COMMANDS.values(), ids=COMMANDS)
def test_a_command_never_comes_back_to_the_proxy(bench: Bench, ask: Ask) -> None:
    bench.serve(MyCamera())
    files = [file for file, _ in path_of_a_command(bench, ask)]
    assert ["conversation/proxy.py"] == [file for file in files if file == "conversation/proxy.py"]
    assert [] == [file for file in files if file.startswith(("link/", "host/"))]
