"""A type checker holds both ends to the declaration: it accepts what fits, and finds each mistake."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT, needs_module

DECLARATION = '''
from attrs import frozen

from tcpcomm import Equipment, Fault, command, event, remote, serve
from tcpcomm.codec import U8, Echo, Template
from tcpcomm.framing import Delimited


@frozen
class Position:
    """The position of the part. x, y in mm in the robot's frame, angle in degrees."""
    x: float
    y: float
    angle: float

class VisionCamera(Equipment):
    """A camera that locates and judges the part under it."""

    framing = Delimited(b"\\r\\n")
    unit = Echo(U8, 1)
    codec = Template(encoding="ascii", fault="NG,{code:d},{reason}")

    @command("TRG,{job}", reply="OK,{x:.3f},{y:.3f},{angle:.3f}", timeout=2.0)
    async def locate(self, job: int) -> Position:
        """Take a picture and locate the part."""
        raise NotImplementedError

    @event("ALM,{code}")
    def alarm(self, code: int) -> None:
        """The camera needs attention."""


class MyCamera(VisionCamera):
    async def locate(self, job: int) -> Position:
        if job > 9:
            raise Fault(3, "no such job")
        self.alarm(code=3)
        return Position(1.0, 2.0, 3.0)


def on_alarm(code: int) -> None:
    print(code)


async def robot() -> None:
    serve(MyCamera(), at="tcp:9999:interface=127.0.0.1")
    camera = remote(VisionCamera, at="tcp:10.0.0.5:9999")
    position = await camera.locate(job=3)
    print(position.x + position.angle)
    end = camera.alarm.subscribe(on_alarm)
    end()
    async for alarm in camera.alarm:
        print(alarm.code)
    other = await camera.unit(7).locate(job=3)
    print(other.x, camera.unit.value + 1)
    camera.unit.set(2)
'''

WRONG_OVERRIDE = """from camera import MyCamera, Position, VisionCamera

class Wrong(VisionCamera):
    async def locate(self, job: str) -> Position:
        return Position(1.0, 2.0, 3.0)
"""
WRONG_CALL = """from camera import MyCamera, Position, VisionCamera

async def wrong(camera: VisionCamera) -> None:
    await camera.locate(job="3")
"""
WRONG_SUBSCRIBER = """from camera import MyCamera, Position, VisionCamera

def wrong(camera: VisionCamera) -> None:
    def on_alarm(code: str) -> None:
        print(code)

    camera.alarm.subscribe(on_alarm)
"""
WRONG_EVENT = """from camera import MyCamera, Position, VisionCamera

def wrong(camera: MyCamera) -> None:
    camera.alarm(kode=3)
"""
WRONG_UNIT = """from camera import MyCamera, Position, VisionCamera

async def wrong(camera: VisionCamera) -> None:
    await camera.unit("7").locate(job=3)
"""
WRONG_CALL_OF_A_UNIT = """from camera import MyCamera, Position, VisionCamera

async def wrong(camera: VisionCamera) -> None:
    await camera.unit(7).locate(job="3")
"""

PROGRAMS = {
    "camera": DECLARATION,
    "override": WRONG_OVERRIDE,
    "call": WRONG_CALL,
    "subscriber": WRONG_SUBSCRIBER,
    "unit": WRONG_UNIT,
    "call_of_a_unit": WRONG_CALL_OF_A_UNIT,
    "event": WRONG_EVENT,
}
"""The programs, by the names of their modules."""


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """
    Return what the type checker says in strict mode, by the name of the program it is about.

    One run checks all programs, without a cache. Runs that read the cache of the run before
    sometimes ended by an internal error of the type checker.
    """
    needs_module("mypy", "pip install mypy")
    folder = tmp_path_factory.mktemp("typing")
    for name, text in PROGRAMS.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    check = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--follow-imports=silent"]
    done = subprocess.run(
        [*check, "--show-traceback", *sorted(path.name for path in folder.glob("*.py"))],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=folder,
        env={"MYPYPATH": str(ROOT / "src"), "PATH": "", "MYPY_CACHE_DIR": os.devnull},
    )
    told = dict.fromkeys(PROGRAMS, "")
    for line in done.stdout.splitlines():
        name, separator, _ = line.partition(".py:")
        if separator:
            told[name] += f"{line}\n"
    assert re.search(r"^Found \d+ errors in \d+ files", done.stdout, re.MULTILINE), (
        done.stdout + done.stderr
    )
    return told


def test_the_declaration_and_both_its_ends_pass(complaints: dict[str, str]) -> None:
    assert not complaints["camera"]


@pytest.mark.parametrize(
    ("program", "code", "told"),
    [
        ("override", "override", 'Argument 1 of "locate" is incompatible with supertype'),
        ("call", "arg-type", 'Argument "job" to "locate" of "VisionCamera" has'),
        ("subscriber", "arg-type", 'Argument 1 to "subscribe" of "BoundEvent" has incompatible type'),
        ("unit", "arg-type", 'Argument 1 to "__call__" of "BoundHeaderValue" has incompatible type'),
        ("call_of_a_unit", "arg-type", 'Argument "job" to "locate" of "VisionCamera" has'),
        ("event", "call-arg", 'Unexpected keyword argument "kode"'),
    ],
)
def test_each_mistake_is_found(complaints: dict[str, str], program: str, code: str, told: str) -> None:
    said = complaints[program]
    assert told in said
    assert f"[{code}]" in said
