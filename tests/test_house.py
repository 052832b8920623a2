"""The rules of the house: what imports what, and how large a file may be."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"
PACKAGE = SOURCE / "tcpcomm"
MODULES = sorted(SOURCE.rglob("*.py"))
WITHOUT_IO = sorted(path for floor in ("framing", "codec") for path in (PACKAGE / floor).rglob("*.py"))
PACKAGES = sorted(path.parent for path in SOURCE.rglob("__init__.py"))

LONGEST = 600
"""Lines: past these a file is split by idea."""


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def dotted(path: Path) -> str:
    """The import name of a module or package."""
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts)


def imports(tree: ast.AST) -> Iterator[str]:
    """The dotted names that are imported anywhere in a tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def at_import_time(tree: ast.Module) -> ast.Module:
    """The part of a module that runs when it is imported: all but the bodies of its functions."""

    class WithoutBodies(ast.NodeTransformer):
        def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
            return None

        def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
            return None

    stripped = WithoutBodies().visit(tree)
    assert isinstance(stripped, ast.Module)
    return stripped


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def run(code: str) -> str:
    """What a fresh interpreter prints that runs ``code``."""
    done = subprocess.run(
        [sys.executable, "-c", code, str(SOURCE)], capture_output=True, text=True, timeout=60
    )
    assert "" == done.stderr
    return done.stdout


@pytest.mark.parametrize("path", WITHOUT_IO, ids=named)
def test_the_floors_without_io_import_nothing_of_twisted(path: Path) -> None:
    assert [] == [name for name in imports(parsed(path)) if name.split(".")[0] == "twisted"]


@pytest.mark.parametrize("path", sorted((PACKAGE / "framing").glob("*.py")), ids=named)
def test_framing_imports_nothing_of_the_floors_above(path: Path) -> None:
    own = [name for name in imports(parsed(path)) if name.split(".")[0] == "tcpcomm"]
    allowed = ("tcpcomm.framing.", "tcpcomm.errors.", "tcpcomm._lazy.")
    assert [] == [name for name in own if not name.startswith(allowed)]


def test_framing_works_where_there_is_no_twisted() -> None:
    without_twisted = """
import sys
sys.path.insert(0, sys.argv[1])
sys.modules["twisted"] = None
import tcpcomm.framing
print(tcpcomm.framing.parse_framing("length:1").decoder().feed(b"\\x02ok"))
print([name for name in sys.modules if name.startswith("twisted.")])
"""
    assert "[b'ok']\n[]\n" == run(without_twisted)


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_no_module_names_the_global_reactor_at_import_time(path: Path) -> None:
    names = imports(at_import_time(parsed(path)))
    assert [] == [name for name in names if name.startswith("twisted.internet.reactor")]


def test_importing_every_module_installs_no_reactor() -> None:
    names = [dotted(path) for path in MODULES if path.stem not in ("__init__", "__main__")]
    import_all = f"""
import importlib, sys
sys.path.insert(0, sys.argv[1])
for name in {names}:
    importlib.import_module(name)
print("twisted.internet.reactor" in sys.modules)
"""
    assert "False\n" == run(import_all)


def test_no_init_file_hides_twisted_itself() -> None:
    assert [] == [named(path) for path in (ROOT / "twisted").rglob("__init__.py")]


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_file_fits_in_a_head(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= LONGEST


@pytest.mark.parametrize("package", PACKAGES, ids=named)
def test_a_package_says_what_is_public_and_has_it(package: Path) -> None:
    module = importlib.import_module(dotted(package))
    public = module.__all__
    assert sorted(set(public)) == sorted(public)
    assert [] == [name for name in public if not hasattr(module, name)]


@pytest.mark.parametrize("package", PACKAGES, ids=named)
def test_no_module_has_the_name_of_something_public_beside_it(package: Path) -> None:
    # Importing the module would put it in the place of what was meant.
    public = importlib.import_module(dotted(package)).__all__
    assert [] == [path.stem for path in package.glob("*.py") if path.stem in public]


def test_a_server_for_which_nothing_is_declared_does_not_wait_for_declarations() -> None:
    start = """
import sys
sys.path.insert(0, sys.argv[1])
from tcpcomm.tap import Options
Options().parseOptions(["--listen", "tcp:0:interface=127.0.0.1"])
print([name for name in sys.modules if name in ("tcpcomm.equipment.equipment", "tcpcomm.framing.notation", "cattrs")])
"""
    assert "[]\n" == run(start)


def test_who_declares_equipment_waits_for_the_codec_and_the_framing_that_it_uses_alone() -> None:
    declare = """
import sys
sys.path.insert(0, sys.argv[1])
from tcpcomm import Equipment, command
from tcpcomm.codec import Template
from tcpcomm.framing import LengthPrefixed
others = ("tcpcomm.host.host", "tcpcomm.codec.binary.binary", "tcpcomm.codec.json.rpc", "tcpcomm.framing.stuffed")
print([name for name in others if name in sys.modules], "tcpcomm.codec.template.template" in sys.modules)
"""
    assert "[] True\n" == run(declare)


def test_what_is_public_is_there_at_its_first_use_and_listed() -> None:
    use = """
import sys
sys.path.insert(0, sys.argv[1])
import tcpcomm, tcpcomm.equipment.events
print("serve" in dir(tcpcomm), tcpcomm.serve is sys.modules["tcpcomm.server.serving"].serve)
from tcpcomm import *
print(event is sys.modules["tcpcomm.equipment.equipment"].event)
try:
    tcpcomm.sevre
except AttributeError as error:
    print(error)
"""
    assert "True True\nTrue\nmodule 'tcpcomm' has no attribute 'sevre'\n" == run(use)


def test_framing_makes_every_kind_public() -> None:
    framing = importlib.import_module("tcpcomm.framing")
    classes = [
        node.name
        for path in sorted((PACKAGE / "framing").glob("*.py"))
        for node in parsed(path).body
        if isinstance(node, ast.ClassDef) and "Framing" in map(ast.unparse, node.bases)
    ]
    assert "Delimited" in classes
    assert [] == [name for name in classes if name not in framing.__all__]
