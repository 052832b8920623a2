"""
tcpcomm installed in several ways: ``twistd`` lists and runs it from any folder.

The sources are copied first, because an installation may write files beside them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest
from attrs import frozen

from tests.conftest import ROOT, needs_module, skip
from tests.system.peer import Peer
from tests.system.running import ON_LOOPBACK, Server

pytestmark = pytest.mark.slow

SOURCES = ["src", "twisted", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"]
SITE = ["index.html", "howto/tls.html", "reference/api/tcpcomm.html", "_static/styles/furo.css"]
"""Some files of the site, which ``python docs/build.py`` writes into the sources."""

PATIENCE = 300.0
"""Seconds for one run of pip, which may download packages."""

UNREACHABLE = re.compile(
    r"No matching distribution|Could not find a version|Failed to establish|Temporary failure|Max retries|"
    r"timed out",
    re.IGNORECASE,
)


@frozen
class Environment:
    """A virtual environment."""

    folder: Path

    @property
    def programs(self) -> Path:
        return self.folder / ("Scripts" if sys.platform == "win32" else "bin")

    def install(self, *arguments: str) -> None:
        """Run ``pip install`` for this environment."""
        pip("--python", str(self.programs / "python"), "install", "--no-compile", *arguments)

    def uninstall(self) -> None:
        """Remove tcpcomm from this environment; its dependencies stay for the next installation."""
        pip("--python", str(self.programs / "python"), "uninstall", "--yes", "tcpcomm")

    def run(self, program: str, *arguments: str, cwd: Path) -> str:
        """Run a program of this environment; return its output."""
        ended = subprocess.run(
            [str(self.programs / program), *arguments],
            cwd=cwd,
            env=WITHOUT_THE_SOURCES,
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE,
        )
        assert 0 == ended.returncode, ended
        return ended.stdout


LISTED = "\n    tcpcomm "
"""The line for tcpcomm in ``twistd --help``."""

WITHOUT_THE_SOURCES = {
    name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")
}


def pip(*arguments: str) -> None:
    """Run pip; skip if it cannot reach its packages."""
    ended = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments],
        env=WITHOUT_THE_SOURCES,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=PATIENCE,
    )
    if ended.returncode and UNREACHABLE.search(ended.stdout):
        skip(f"pip cannot reach the packages it needs: {ended.stdout.splitlines()[-1]}")
    assert 0 == ended.returncode, ended.stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    made = Environment(tmp_path_factory.mktemp("environment"))
    venv.create(made.folder, with_pip=False)
    return made


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the files from which tcpcomm is installed."""
    needs_module("pip", "python -m ensurepip")
    copy = tmp_path_factory.mktemp("sources")
    # The cache of plugins has a new form, too.
    without = shutil.ignore_patterns("__pycache__", "*.egg-info", "*dropin.cache*", "site")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=without)
        else:
            shutil.copy(ROOT / name, copy / name)
    for page in SITE:
        path = copy / "src/tcpcomm/site" / page
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", "utf-8")
    return copy


@pytest.fixture(scope="module")
def wheel(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a wheel built from the copy."""
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--wheel-dir", str(folder), str(sources))
    (built,) = folder.glob("tcpcomm-*.whl")
    return built


def install_from_sources(environment: Environment, sources: Path, wheel: Path) -> None:
    environment.install(str(sources))


def install_editable(environment: Environment, sources: Path, wheel: Path) -> None:
    environment.install("--editable", str(sources))


def install_wheel(environment: Environment, sources: Path, wheel: Path) -> None:
    environment.install(str(wheel))


@pytest.mark.parametrize("install", [install_from_sources, install_editable, install_wheel])
def test_twistd_lists_and_runs_it_from_any_folder(
    install: Callable[[Environment, Path, Path], None],
    environment: Environment,
    sources: Path,
    wheel: Path,
    tmp_path: Path,
) -> None:
    install(environment, sources, wheel)

    for folder in (tmp_path, sources):
        assert LISTED in environment.run("twistd", "--help", cwd=folder)
    command = [str(environment.programs / "twistd"), "-n", "--pidfile=", "tcpcomm", *ON_LOOPBACK]
    with (
        Server(command=command, cwd=tmp_path, variables={"PYTHONPATH": ""}) as server,
        Peer(server.port) as peer,
    ):
        assert b"Echo: Hello Server" == peer.ask(b"Hello Server")
    first_page = Path(environment.run("tcpcomm", "docs", "--print", cwd=tmp_path).rstrip())
    assert ("index.html", True) == (first_page.name, first_page.is_file())

    environment.uninstall()
    assert LISTED not in environment.run("twistd", "--help", cwd=tmp_path)


def test_a_wheel_has_only_the_modules_and_the_plugins(sources: Path, wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}

    assert {
        *(
            path.relative_to(sources).as_posix()
            for path in (sources / "twisted" / "plugins").glob("tcpcomm_*.py")
        ),
        *(
            path.relative_to(sources / "src").as_posix()
            for path in (sources / "src" / "tcpcomm").rglob("*")
            if path.is_file()
        ),
    } == held


def test_a_wheel_from_a_source_distribution_has_the_documentation(
    environment: Environment, sources: Path, tmp_path: Path
) -> None:
    environment.install("setuptools")
    build = f"import setuptools.build_meta as it; it.build_sdist({str(tmp_path)!r})"
    environment.run("python", "-c", build, cwd=sources)
    (archive,) = tmp_path.glob("*.tar.gz")
    pip("wheel", "--no-deps", "--wheel-dir", str(tmp_path), str(archive))

    (wheel,) = tmp_path.glob("*.whl")
    with ZipFile(wheel) as held:
        assert {f"tcpcomm/site/{page}" for page in SITE} <= {*held.namelist()}


def test_the_folder_of_plugins_is_not_a_package() -> None:
    assert [] == list((ROOT / "twisted").rglob("__init__.py"))
