"""The C# classes of ``tcpcomm generate csharp``, compiled by Mono: they talk to our end in both roles."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from tcpcomm import Equipment, declaration_of
from tcpcomm.tools.generate.csharp.generator import csharp_classes
from tcpcomm.tools.generate.generator import Wanted
from tests.conftest import needs_program
from tests.docs.examples import EXAMPLES
from tests.docs.processes import SECONDS
from tests.interop.csharp_classes import framed
from tests.interop.csharp_classes.declared import JsonCell, RpcCell, TextCell
from tests.interop.csharp_classes.declared_binary import BinaryCell, HeadedCell
from tests.system.running import environment

PACKAGES = "apt-get install mono-mcs mono-runtime"
TALK = sorted(Path(__file__).parent.glob("*.cs"))


def source_of(kind: type[Equipment], folder: Path) -> Path:
    """Write the C# file of a declaration."""
    made = csharp_classes(declaration_of(kind), Wanted(device=kind.__name__, port=9999))
    path = folder / f"{kind.__name__}.cs"
    path.write_text(made.text, encoding="utf-8")
    return path


def compiled(program: Path, *sources: Path) -> Path:
    """Compile for C# 6, which any compiler since Visual Studio 2015 knows. A warning is an error."""
    compiler = needs_program("mcs", PACKAGES)
    options = ["-langversion:6", "-warnaserror", f"-out:{program}"]
    done = subprocess.run(
        [compiler, *options, *sources], capture_output=True, encoding="utf-8", timeout=SECONDS
    )
    assert (0, "") == (done.returncode, done.stderr)
    return program


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a program with the classes of all declarations."""
    needs_program("mono", PACKAGES)
    folder = tmp_path_factory.mktemp("csharp")
    camera = runpy.run_path(str(EXAMPLES / "robot_vision/vision_camera.py"))["VisionCamera"]
    kinds = (TextCell, JsonCell, RpcCell, BinaryCell, HeadedCell, camera)
    sources = [source_of(kind, folder) for kind in kinds]
    return compiled(folder / "Talk.exe", *TALK, *sources)


def test_both_ends_talk_with_ours(talk: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.interop.csharp_classes.talk", talk],
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=4 * SECONDS,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    assert 34 == len(done.stdout.splitlines())


def test_pieces_losses_and_timeouts_have_their_outcome(talk: Path) -> None:
    done = subprocess.run(
        ["mono", talk, "checks"], capture_output=True, encoding="utf-8", timeout=2 * SECONDS
    )
    assert "" == done.stderr
    promises = done.stdout.splitlines()
    assert 14 == len(promises)
    assert [] == [promise for promise in promises if not promise.endswith(": OK")]


def test_each_framing_carries_each_byte(tmp_path: Path) -> None:
    needs_program("mono", PACKAGES)
    source = tmp_path / "Program.cs"
    source.write_text(framed.program(), encoding="utf-8")
    path = compiled(tmp_path / "Framed.exe", source, *(source_of(kind, tmp_path) for kind in framed.ALL))
    done = subprocess.run(
        [sys.executable, "-m", "tests.interop.csharp_classes.framed", path],
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=4 * SECONDS,
    )
    assert (f"{len(framed.ALL)} framings\n", "") == (done.stdout, done.stderr)
