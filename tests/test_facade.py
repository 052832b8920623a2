"""Public names that are imported when they are used, whoever loads the module that lists them."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

from tcpcomm._lazy import names_of


class OnlyExecutes(Loader, MetaPathFinder):
    """Loads one module as pytest's importer does, which has no ``get_code``."""

    def __init__(self, name: str, source: str) -> None:
        self._name = name
        self._source = source

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        return spec_from_loader(name, self) if name == self._name else None

    def exec_module(self, module: ModuleType) -> None:
        exec(self._source, vars(module))


@pytest.mark.parametrize("package", ["loaded_by_python", "loaded_by_another"])
def test_a_public_name_is_found_whatever_loads_the_module_that_lists_it(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = f"from {package}.home import answer\n__all__ = ['answer']\n"
    folder = tmp_path / package
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "home.py").write_text("answer = 42\n")
    (folder / "public.py").write_text(listed)
    monkeypatch.syspath_prepend(tmp_path)
    if package == "loaded_by_another":
        finder = OnlyExecutes(f"{package}.public", listed)
        monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    import_module(package)
    get, names = names_of(f"{package}.public")

    assert 42 == get("answer")
    assert "answer" in names()
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'question'"):
        get("question")
