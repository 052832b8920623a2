"""Public names are imported at their first use, and type checkers see the same names."""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path

import pytest

from tcpcomm._lazy import lazy_exports
from tests.conftest import ROOT

PACKAGES = ["tcpcomm", "tcpcomm.codec", "tcpcomm.framing", "tcpcomm.testing"]


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
