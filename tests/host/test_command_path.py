"""The way of a command at the host is short, and goes in one direction."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any, Final

import tcpcomm
from tcpcomm import link_of
from tests.equipment.declared import Bench, MyCamera, VisionCamera

PACKAGE: Final = Path(tcpcomm.__file__).parent
TESTING: Final = PACKAGE / "testing"

MAX_CALLS: Final = 20
MAX_FILES: Final = 9


def path_of_a_command(bench: Bench) -> list[tuple[str, str]]:
    """Return the file and the name of each function of tcpcomm that a command passes at the host."""
    proxy = bench.remote(VisionCamera)
    bench.result(proxy.locate(job=1))
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

    sys.setprofile(note)
    try:
        reply = proxy.locate(job=2)
    finally:
        sys.setprofile(None)
    assert handed, "the command was not written"
    assert 2.0 == bench.result(reply).angle
    return path


def test_a_command_reaches_the_transport_in_few_calls_and_files(bench: Bench) -> None:
    bench.serve(MyCamera())
    path = path_of_a_command(bench)
    files = {file for file, _ in path}
    shown = "\n".join(f"{number:3} {file}: {name}" for number, (file, name) in enumerate(path, 1))
    assert (True, True) == (len(path) <= MAX_CALLS, len(files) <= MAX_FILES), (
        f"{len(path)} calls in {len(files)} files:\n{shown}"
    )


def test_a_command_never_comes_back_to_the_proxy(bench: Bench) -> None:
    bench.serve(MyCamera())
    files = [file for file, _ in path_of_a_command(bench)]
    assert ["conversation/proxy.py"] == [file for file in files if file == "conversation/proxy.py"]
    assert [] == [file for file in files if file.startswith(("link/", "host/"))]
