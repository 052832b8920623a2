"""A control program in C#, compiled and run by Mono, with a vision program in Python, in both TCP roles."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import needs_program, skip
from tests.docs.examples import EXAMPLES
from tests.docs.processes import SECONDS, Server, free_port

PACKAGES = "apt-get install mono-mcs mono-runtime libmono-system-runtime-serialization4.0-cil"
LINK = (EXAMPLES / "csharp/TcpLink.cs", EXAMPLES / "csharp/Framing.cs")
CHECKS = Path(__file__).with_name("csharp") / "Checks.cs"

FORMS = pytest.mark.parametrize("form", ["text", "json"])


def compiled(program: Path, *sources: Path) -> Path:
    """Return a program that any compiler since Visual Studio 2015 compiles, without a warning."""
    needs_program("mono", PACKAGES)
    compiler = needs_program("mcs", PACKAGES)
    options = ["-langversion:6", "-warnaserror", "-r:System.Runtime.Serialization", f"-out:{program}"]
    done = subprocess.run(
        [compiler, *options, *sources], capture_output=True, encoding="utf-8", timeout=SECONDS
    )
    if "`System.Runtime.Serialization' could not be found" in done.stderr:
        skip(f"this Mono has no System.Runtime.Serialization ({PACKAGES})")
    assert (0, "") == (done.returncode, done.stderr)
    return program


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the control program of the examples."""
    program = tmp_path_factory.mktemp("control") / "Control.exe"
    return compiled(program, EXAMPLES / "csharp/Program.cs", *LINK)


@contextmanager
def running(*command: object) -> Iterator[Server]:
    process = Server(" ".join(map(str, command)), Path.cwd())
    try:
        yield process
    finally:
        process.stop()


VISION = (sys.executable, EXAMPLES / "csharp/vision.py")


@FORMS
def test_a_control_program_reconnects_after_the_vision_program_restarts(control: Path, form: str) -> None:
    port = free_port()
    vision = (*VISION, form, "--listen", f"tcp:{port}:interface=127.0.0.1")
    with running("mono", control, "connect", form, "127.0.0.1", port) as program:
        with running(*vision):
            program.wait_for(f"connected to 127.0.0.1:{port}")
            program.say("1")
            program.wait_for("작업 시작: 좌표 전송 x=12.5 y=-3.25 angle=30")
            program.say("9")
            program.wait_for("작업 시작: NG 3: 부품 없음")
            program.say("2")
            program.wait_for("작업 시작: 좌표 전송 x=-7 y=0.125 angle=-45.5")
        program.wait_for("disconnected: ...")
        program.say("")
        program.wait_for("다음 단계로 진행: not sent, try again: There is no connection to ...")
        with running(*vision):
            program.wait_for(f"connected to 127.0.0.1:{port}")
            for step in (1, 2):
                program.say("")
                program.wait_for(f"준비 완료 {step}")
                program.wait_for("다음 단계로 진행: OK")


@FORMS
def test_a_vision_program_reconnects_after_the_control_program_restarts(control: Path, form: str) -> None:
    port = free_port()
    listening = ("mono", control, "listen", form, "127.0.0.1", port)
    with running(*VISION, form, "--connect", f"tcp:127.0.0.1:{port}") as vision:
        with running(*listening) as program:
            program.wait_for(f"connected at 127.0.0.1:{port}")
            program.say("1")
            program.wait_for("작업 시작: 좌표 전송 x=12.5 y=-3.25 angle=30")
            program.say("9")
            program.wait_for("작업 시작: NG 3: 부품 없음")
            program.say("")
            program.wait_for("준비 완료 1")
            program.wait_for("다음 단계로 진행: OK")
        vision.wait_for("...: down: ...")
        with running(*listening) as program:
            program.wait_for(f"connected at 127.0.0.1:{port}")
            program.say("")
            program.wait_for("준비 완료 2")
            program.wait_for("다음 단계로 진행: OK")


def test_the_class_that_users_copy_works_as_documented(tmp_path: Path) -> None:
    program = compiled(tmp_path / "Checks.exe", CHECKS, *LINK)
    done = subprocess.run(["mono", program], capture_output=True, encoding="utf-8", timeout=3 * SECONDS)

    assert "" == done.stderr
    promises = done.stdout.splitlines()
    assert 15 == len(promises)
    assert [] == [promise for promise in promises if not promise.endswith(": OK")]
