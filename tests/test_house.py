"""The source keeps its rules: which room imports which, how large a file is, and which names are public."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ALONE, LONG, ROOT
from tests.house import files
from tests.house.public_paths import public_paths
from tests.house.rules import RULES
from tests.house.source import Check, Tree, breaches, source_tree

SOURCE = ROOT / "src"
PACKAGE = SOURCE / "tcpcomm"
TREE = source_tree()
PACKAGES = [package.name for package in TREE.packages if package.name in files.EXPORTING]
SHOWN = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("docs/examples/**/*.py")])


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def run(code: str) -> str:
    """Return what a new interpreter prints when it runs ``code``."""
    done = subprocess.run(
        [sys.executable, "-c", code, str(SOURCE)], capture_output=True, text=True, timeout=60
    )
    assert "" == done.stderr
    return done.stdout


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_source_keeps_the_rule(rule: Check) -> None:
    found = breaches(rule, TREE)
    if found:
        pytest.fail("\n".join([f"{len(found)} breaches:", *found]), pytrace=False)


def test_no_file_of_the_tests_is_too_long() -> None:
    assert [] == breaches(files.long_files, Tree.read(ROOT / "tests"))


@pytest.mark.parametrize("path", SHOWN, ids=named)
def test_the_documentation_imports_from_public_packages(path: Path) -> None:
    found = [str(breach) for breach in public_paths(named(path), path.read_text(encoding="utf-8"))]
    if found:
        pytest.fail("\n".join(found), pytrace=False)


def test_the_files_of_the_marks_exist() -> None:
    assert [] == [each for each in (*LONG, *ALONE) if not (ROOT / each.partition("::")[0]).exists()]


def test_names_of_tests_hold_no_addresses(request: pytest.FixtureRequest) -> None:
    # Each process of pytest-xdist collects the tests, and all must find the same names. See stable_id.
    assert [] == [item.nodeid for item in request.session.items if " at 0x" in item.nodeid]


def test_framing_works_without_twisted() -> None:
    without_twisted = """
import sys
sys.path.insert(0, sys.argv[1])
sys.modules["twisted"] = None
import tcpcomm.framing
print(tcpcomm.framing.parse_framing("length:1").decoder().feed(b"\\x02ok"))
print([name for name in sys.modules if name.startswith("twisted.")])
"""
    assert "[b'ok']\n[]\n" == run(without_twisted)


def test_importing_every_module_installs_no_reactor() -> None:
    names = [module.name for module in TREE if not module.name.endswith("__main__")]
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


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_has_every_name_that_it_makes_public(package: str) -> None:
    module = importlib.import_module(package)
    public = module.__all__
    assert sorted(set(public)) == sorted(public)
    assert [] == [name for name in public if not hasattr(module, name)]


def test_a_server_without_a_declaration_does_not_load_declarations() -> None:
    start = """
import sys
sys.path.insert(0, sys.argv[1])
from tcpcomm.tap import Options
Options().parseOptions(["--listen", "tcp:0:interface=127.0.0.1"])
unneeded = ("tcpcomm.equipment.equipment", "tcpcomm.framing.notation", "cattrs")
print([name for name in unneeded if name in sys.modules])
"""
    assert "[]\n" == run(start)


def test_a_declaration_loads_only_the_codec_and_the_framing_that_it_uses() -> None:
    declare = """
import sys
sys.path.insert(0, sys.argv[1])
from tcpcomm import Equipment, command
from tcpcomm.codec import Template
from tcpcomm.framing import LengthPrefixed
unneeded = ("host.host", "codec.binary.binary", "codec.json.rpc", "framing.stuffed")
print([name for name in unneeded if f"tcpcomm.{name}" in sys.modules])
print("tcpcomm.codec.template.template" in sys.modules)
"""
    assert "[]\nTrue\n" == run(declare)


def test_public_names_are_listed_and_loaded_at_their_first_use() -> None:
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
        for module in TREE
        if module.rooms[:1] == ("framing",)
        for node in module.tree.body
        if isinstance(node, ast.ClassDef) and {"Framing", "FramingAround"} & {*map(ast.unparse, node.bases)}
    ]
    assert {"Delimited", "Telnet"} <= {*classes}
    assert [] == [name for name in classes if name not in framing.__all__]
