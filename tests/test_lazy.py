"""Public names are imported at their first use, and type checkers see the same names."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tcpcomm._lazy import HiddenPackage, check_package, lazy_exports
from tests.conftest import ROOT

PACKAGES = [
    "tcpcomm",
    "tcpcomm.codec",
    "tcpcomm.devices",
    "tcpcomm.framing",
    "tcpcomm.testing",
]


def test_a_public_name_is_imported_at_its_first_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "lazily"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "home.py").write_text("answer = 42\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("lazily")
    get, names, public = lazy_exports("lazily", {"lazily.home": ["answer"]})

    assert "lazily.home" not in sys.modules
    assert 42 == get("answer")
    assert "answer" in names()
    assert ["answer"] == public
    with pytest.raises(AttributeError, match="module 'lazily' has no attribute 'question'"):
        get("question")


@pytest.mark.parametrize("package", PACKAGES)
def test_type_checkers_see_what_programs_get(package: str) -> None:
    page = ROOT / "src" / package.replace(".", "/") / "_public.py"
    table = importlib.import_module(f"{package}._public").DEFINED_IN
    imports = {
        (node.module, alias.asname)
        for node in ast.walk(ast.parse(page.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module != "typing"
        for alias in node.names
    }

    listed = {(module, name) for module, names in table.items() for name in names if name != "__version__"}
    assert imports == listed


def test_a_package_that_is_installed_passes() -> None:
    check_package("attr", "attrs")
    check_package("twisted")


def test_a_package_that_is_missing_is_not_a_hidden_one() -> None:
    with pytest.raises(ImportError, match="no_such_package is not installed") as raised:
        check_package("no_such_package")

    assert not isinstance(raised.value, HiddenPackage)


@pytest.mark.parametrize("file", ["hides_it.py", "hides_it/__init__.py", "hides_it/some.py"])
def test_a_module_of_the_program_is_not_run_in_place_of_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text("raise SystemExit('it was run')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(HiddenPackage, match="hides the package hides_it: rename it"):
        check_package("hides_it")


def test_a_package_that_is_installed_in_the_working_folder_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Vendored-1.0.dist-info").mkdir()
    (tmp_path / "vendored").mkdir()
    (tmp_path / "vendored" / "__init__.py").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    check_package("vendored")


def test_the_packages_of_a_frozen_program_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyInstaller puts them into the folder of the script, without a .dist-info."""
    (tmp_path / "bundled").mkdir()
    (tmp_path / "bundled" / "__init__.py").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "frozen", True, raising=False)

    check_package("bundled")


def test_the_packages_within_a_program_of_one_file_pass(tmp_path: Path) -> None:
    program = tmp_path / "program.pyz"
    with ZipFile(program, "w") as archive:
        archive.writestr("bundled/__init__.py", "")
        code = "from tcpcomm._lazy import check_package\ncheck_package('bundled')\nprint('passed')\n"
        archive.writestr("__main__.py", code)
    done = subprocess.run(
        [sys.executable, program],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert "passed\n" == done.stdout, done.stderr


USE = {
    "msgspec": "import tcpcomm.codec; from tcpcomm.codec.json.engines import ENGINES; print(list(ENGINES))",
    "uvloop": "from tcpcomm.transports.uvloop_reactor import choose; choose()",
    "winloop": "from tcpcomm.transports.uvloop_reactor import choose; choose()",
    "OpenSSL": "from twisted.internet import reactor; import tcpcomm; tcpcomm.client(reactor, 'tls:a:1')",
}


@pytest.mark.parametrize("name", ["msgspec", "winloop" if sys.platform == "win32" else "uvloop", "OpenSSL"])
def test_a_file_with_the_name_of_an_optional_package_is_told_and_does_no_harm(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / f"{name}.py").write_text("print('it was run')")
    script = tmp_path / "script.py"
    script.write_text(USE[name])

    done = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )

    assert f"{name}.py hides the package {name}: rename it" in done.stderr
    assert name == "OpenSSL" or "it was run" not in done.stdout  # Twisted's reactor imports that itself
    assert name != "msgspec" or done.stdout == "['standard']\n"
