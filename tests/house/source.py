"""
The modules of a source tree, as the checks read them: :class:`Module`, :class:`Breach`, :class:`Tree`.

A tree is made from pairs of a path and a text, so a test can plant a breach without touching a disk.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from functools import cache, cached_property
from pathlib import Path, PurePosixPath
from typing import Final, Self

from attrs import field, frozen

from tests.conftest import ROOT

__all__ = ["Breach", "Check", "Import", "Module", "Tree", "breaches", "source_tree"]

PACKAGE: Final = "tcpcomm"


@frozen
class Breach:
    """One place that breaks a rule: the file, the line, the finding, the rule, and the repair."""

    path: str
    line: int
    found: str
    rule: str
    repair: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.found}. Rule: {self.rule}. To do: {self.repair}."


@frozen
class Import:
    """One import: the module, the name in that module or None, the name here, and the line."""

    module: str
    name: str | None
    here: str
    line: int


@frozen(slots=False, eq=False)
class Module:
    """
    One file of Python.

    Attributes:
        path: the path from the project's folder, with slashes, such as ``src/tcpcomm/errors.py``.
        source: the text.
    """

    path: str
    source: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source, self.path)

    @property
    def is_package(self) -> bool:
        return self.path.endswith("/__init__.py")

    @cached_property
    def name(self) -> str:
        """The dotted name by which the module is imported."""
        parts = PurePosixPath(self.path.removeprefix("src/")).with_suffix("").parts
        return ".".join(parts[:-1] if self.is_package else parts)

    @cached_property
    def rooms(self) -> tuple[str, ...]:
        """The dotted name in parts, without ``tcpcomm``; empty for the package itself."""
        return tuple(self.name.split(".")[1:])

    @property
    def room(self) -> str:
        """The room that the module belongs to; empty for the package itself."""
        return self.rooms[0] if self.rooms else ""

    @cached_property
    def lists_names_only(self) -> bool:
        """True for a table of public names, and for a package that reads such a table."""
        if PurePosixPath(self.path).name == "_public.py":
            return True
        return self.is_package and any(each.module == f"{PACKAGE}._lazy" for each in self.imports)

    @cached_property
    def imports(self) -> list[Import]:
        """All imports of the module, also those in functions and under ``TYPE_CHECKING``."""
        found = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for each in node.names:
                    found.append(Import(each.name, None, each.asname or each.name, node.lineno))
            elif isinstance(node, ast.ImportFrom):
                base = self._absolute(node)
                for each in node.names:
                    found.append(Import(base, each.name, each.asname or each.name, node.lineno))
        return found

    def _absolute(self, node: ast.ImportFrom) -> str:
        """Return the full name of the module that a ``from`` import names, relative or not."""
        if not node.level:
            return node.module or ""
        parts = self.name.split(".")
        parts = parts[: len(parts) - node.level + self.is_package]
        return ".".join([*parts, *([node.module] if node.module else [])])

    @cached_property
    def docstring(self) -> str:
        return ast.get_docstring(self.tree) or ""

    def breach(self, line: int, found: str, rule: str, repair: str) -> Breach:
        return Breach(self.path, line, found, rule, repair)


@frozen(slots=False, eq=False)
class Tree:
    """All modules of a package, by their dotted names."""

    modules: dict[str, Module] = field(factory=dict)

    @classmethod
    def of(cls, files: Iterable[tuple[str, str]]) -> Self:
        """Make a tree from pairs of a path and a source text."""
        modules = [Module(path, source) for path, source in files]
        return cls({module.name: module for module in modules})

    @classmethod
    def read(cls, folder: Path = ROOT / "src" / PACKAGE) -> Self:
        """Make a tree from the files below a folder of the project."""
        return cls.of(
            (path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
            for path in sorted(folder.rglob("*.py"))
        )

    def __iter__(self) -> Iterator[Module]:
        return iter(self.modules.values())

    @cached_property
    def packages(self) -> list[Module]:
        return [module for module in self if module.is_package]

    @cache  # noqa: B019 - a tree lives as long as the tests
    def exports(self, package: str) -> dict[str, str]:
        """Return the public names of a package, each with the module that it is imported from."""
        sources = [self.modules.get(package), self.modules.get(f"{package}._public")]
        return {
            each.name: each.module
            for module in sources
            if module is not None
            for each in module.imports
            if each.name not in (None, "*", "DEFINED_IN", "lazy_exports")
            and each.module.startswith(f"{PACKAGE}.")
        }

    def defining(self, imported: Import) -> str | None:
        """Return the name of the module of this tree that an import needs, or None if it is outside."""
        if imported.module.split(".")[0] != PACKAGE:
            return None
        if imported.name is not None:
            if f"{imported.module}.{imported.name}" in self.modules:
                return f"{imported.module}.{imported.name}"
            return self.exports(imported.module).get(imported.name, imported.module)
        return imported.module

    def needs(self, module: Module) -> dict[str, int]:
        """Return the modules of this tree that a module imports, each with the first line that does."""
        lines: dict[str, int] = {}
        for each in sorted(module.imports, key=lambda each: each.line):
            name = self.defining(each)
            if name in self.modules:
                lines.setdefault(name, each.line)
        return lines


@cache
def source_tree() -> Tree:
    """Return the tree of ``src``, which a process parses once."""
    return Tree.read()


Check = Callable[[Tree], Iterator[Breach]]
"""A function that finds the breaches of one rule."""


def breaches(check: Check, tree: Tree) -> list[str]:
    """Return the breaches that a check finds, each once, by file and line."""
    found = sorted(check(tree), key=lambda breach: (breach.path, breach.line, breach.found))
    return list(dict.fromkeys(map(str, found)))
