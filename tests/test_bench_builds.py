"""The benchmarks tell how Python was built, and run their main servers under another build."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

import pytest
from attrs import evolve

from tests.bench import other_build
from tests.bench.__main__ import main
from tests.bench.built import build_flags, python_name
from tests.bench.interpreter import Interpreter
from tests.bench.measure import machine
from tests.bench.native import Toolchain
from tests.bench.peers import PEERS, Peer
from tests.bench.processes import BenchmarkFailed, child_environment
from tests.conftest import skip

PGO_FLAG = "-fprofile-use -fprofile-correction"


@pytest.fixture(scope="module")
def this_python() -> Interpreter:
    return Interpreter.find(sys.executable, ["json", "no_such_module"])


@pytest.mark.parametrize(
    ("configured", "compiled", "pgo", "flags"),
    [
        ("'--enable-shared'", "-g -O3 -Wall", PGO_FLAG, "-O3, no PGO, no LTO"),
        ("'--enable-optimizations' '--with-lto'", "-O3", PGO_FLAG, "-O3, PGO, LTO"),
        ("'--with-lto=thin' '--enable-optimizations'", "-O3", PGO_FLAG, "-O3, PGO, LTO"),
        ("'--with-lto=no' '--enable-optimizations'", "-O3", PGO_FLAG, "-O3, PGO, no LTO"),
        ("", "-O3 -flto -O2", PGO_FLAG, "-O2, no PGO, LTO"),
        ("'--prefix=/usr'", "-O2", "", "-O2, PGO not recorded, LTO not recorded"),
        (None, None, None, "PGO not recorded, LTO not recorded"),
    ],
)
def test_the_flags_of_a_build_are_read_from_its_variables(
    configured: str | None, compiled: str | None, pgo: str | None, flags: str
) -> None:
    variables = {"CONFIG_ARGS": configured, "CFLAGS": compiled, "PGO_PROF_USE_FLAG": pgo}
    assert flags == build_flags(variables)


def test_the_machine_has_the_flags_of_this_python() -> None:
    facts = machine()
    assert (python_name(), build_flags()) == (facts["Python"], facts["Python's build"])


def test_a_python_tells_its_build_and_what_it_cannot_import(this_python: Interpreter) -> None:
    expected = (sys.executable, python_name(), build_flags())
    assert expected == (this_python.path, this_python.name, this_python.build)
    assert {"no_such_module": "No module named 'no_such_module'"} == this_python.failures


def test_a_peer_runs_under_another_python_with_the_packages_of_this_one(this_python: Interpreter) -> None:
    other = evolve(this_python, path="/other/python")
    peer = evolve(PEERS[0], python=other)
    assert "/other/python" == peer.command()[0]
    paths = peer.environment()["PYTHONPATH"].split(":" if sys.platform != "win32" else ";")
    assert sysconfig.get_path("purelib") in paths
    assert sysconfig.get_path("stdlib") not in paths
    assert child_environment() == PEERS[0].environment()


def test_a_peer_is_left_out_if_the_other_python_cannot_import_what_it_needs(
    this_python: Interpreter,
) -> None:
    other = evolve(this_python, path="other", failures={"json": "wrong ABI"})
    peer = Peer("a peer", "a_peer", needs="json")
    assert peer.missing() is None
    assert evolve(peer, python=other).missing() == "other cannot import json: wrong ABI"


def test_a_python_that_does_not_run_is_refused() -> None:
    with pytest.raises(BenchmarkFailed, match=r"^no/such/python does not run: "):
        Interpreter.find("no/such/python", ())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows runs no file by its first line")
@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("print('CPython 2.7')", r"is CPython 2\.7, and this is \w+ 3\.\d+: the packages of one"),
        ("raise SystemExit('broken')", "ended with 1: broken"),
        (
            "import platform, sys\n"
            "here = f'{platform.python_implementation()} {sys.version_info[0]}.{sys.version_info[1]}'\n"
            """answer = '{"name": "x", "build": "", "failures": {"twisted.internet.tcp": "not found"}}'\n"""
            "print(here if sys.argv[1] == '-c' else answer)",
            r"cannot import twisted\.internet\.tcp: not found",
        ),
    ],
    ids=["version", "broken", "packages"],
)
def test_a_python_that_cannot_run_the_servers_is_refused(
    source: str, complaint: str, tmp_path: Path
) -> None:
    other = tmp_path / "python"
    other.write_text(f"#!{sys.executable}\n{source}\n", encoding="utf-8")
    other.chmod(0o755)
    with pytest.raises(BenchmarkFailed, match=complaint):
        Interpreter.find(str(other), ())


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--only", "large"], "--python runs servers of typed, modbus, echo: leave out"),
        (["--against", "."], "--python runs servers of typed, modbus, echo: leave out"),
        ([], "--python: no/such/python does not run: "),
    ],
)
def test_the_command_says_why_it_refuses_another_python(
    options: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--python", "no/such/python", *options])
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("name", other_build.PARTS)
def test_each_part_has_its_servers_and_what_they_are_compared_with(name: str) -> None:
    part = other_build.PARTS[name]
    names = {peer.name for peer in part.peers}
    assert names == {*part.baselines, *part.baselines.values()}


def test_the_servers_of_a_part_are_measured_under_both_builds(
    this_python: Interpreter, tmp_path: Path
) -> None:
    part = other_build.PARTS["modbus"]
    for peer in part.peers:
        if reason := peer.missing():
            skip(reason, for_comparison=True)
    section = other_build.measure_other_build(
        evolve(this_python, build="-O2, PGO not recorded", failures={"pymodbus": "wrong ABI"}),
        ["modbus"],
        rounds=1,
        shrink=1000,
        progress=lambda _: None,
        tools=Toolchain.find(tmp_path),
    )
    page = section.page()
    assert f"*The other build* is `{sys.executable}`, {python_name()}: -O2, PGO not recorded." in page
    (head, _, *rows) = [line for line in page.splitlines() if line.startswith("| ")]
    assert "| Server | CPU µs, this build | CPU µs, the other build | Other by this |" == head
    assert [peer.name for peer in part.peers] == [row.split(" | ")[0].removeprefix("| ") for row in rows]
    assert [part.peers[-1].name] == [row.split(" | ")[0].removeprefix("| ") for row in rows if " — " in row]
    absent = (
        f"pymodbus, the other build did not take part: {sys.executable} cannot import pymodbus: wrong ABI."
    )
    assert absent in page
