"""A type checker holds both ends to the declaration: it accepts what fits, and finds each mistake."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, needs_module

pytestmark = pytest.mark.xdist_group("typing")  # two type checkers must not write one cache

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

WRONG_OVERRIDE = '''
class Wrong(VisionCamera):
    async def locate(self, job: str) -> Position:
        return Position(1.0, 2.0, 3.0)
'''
WRONG_CALL = '''
async def wrong(camera: VisionCamera) -> None:
    await camera.locate(job="3")
'''
WRONG_SUBSCRIBER = '''
def wrong(camera: VisionCamera) -> None:
    def on_alarm(code: str) -> None:
        print(code)

    camera.alarm.subscribe(on_alarm)
'''
WRONG_EVENT = '''
def wrong(camera: MyCamera) -> None:
    camera.alarm(kode=3)
'''
WRONG_UNIT = '''
async def wrong(camera: VisionCamera) -> None:
    await camera.unit("7").locate(job=3)
'''
WRONG_CALL_OF_A_UNIT = '''
async def wrong(camera: VisionCamera) -> None:
    await camera.unit(7).locate(job="3")
'''


def complaints(folder: Path, text: str) -> str:
    """Return the output of the type checker, in strict mode, for a program."""
    needs_module("mypy", "pip install mypy")
    program = folder / "program.py"
    program.write_text(text, encoding="utf-8")
    check = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--follow-imports=silent"]
    cache = ROOT / ".mypy_cache" / "typing"
    done = subprocess.run(
        [*check, str(program)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=folder,
        env={"MYPYPATH": str(ROOT / "src"), "PATH": "", "MYPY_CACHE_DIR": str(cache)},
    )
    return done.stdout.replace(str(program), "program.py") + done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def test_the_declaration_and_both_its_ends_pass(folder: Path) -> None:
    assert "Success: no issues found in 1 source file\n" == complaints(folder, DECLARATION)


@pytest.mark.parametrize(
    ("mistake", "code", "told"),
    [
        (WRONG_OVERRIDE, "override", 'Argument 1 of "locate" is incompatible with supertype'),
        (WRONG_CALL, "arg-type", 'Argument "job" to "locate" of "VisionCamera" has'),
        (WRONG_SUBSCRIBER, "arg-type", 'Argument 1 to "subscribe" of "BoundEvent" has incompatible type'),
        (WRONG_UNIT, "arg-type", 'Argument 1 to "__call__" of "BoundHeaderValue" has incompatible type'),
        (WRONG_CALL_OF_A_UNIT, "arg-type", 'Argument "job" to "locate" of "VisionCamera" has'),
        (WRONG_EVENT, "call-arg", 'Unexpected keyword argument "kode"'),
    ],
    ids=["override", "call", "subscriber", "unit", "call of a unit", "event"],
)
def test_each_mistake_is_found(mistake: str, code: str, told: str, folder: Path) -> None:
    said = complaints(folder, DECLARATION + mistake)
    assert told in said
    assert f"[{code}]" in said
