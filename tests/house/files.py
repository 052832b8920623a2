"""Files and folders: their sizes, their names, and the sentence that every folder opens with."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from tests.house.source import Breach, Tree

__all__ = ["FILES", "LINES", "crowded_folders", "folder_sentences", "hidden_names", "long_files"]

LINES: Final = 600
"""Lines that a file may have. A longer file holds more than one idea."""

FILES: Final = 20
"""Modules that a folder may have, its ``__init__`` included."""

EXPORTING: Final = (
    "tcpcomm",
    "tcpcomm.cli",
    "tcpcomm.codec",
    "tcpcomm.devices",
    "tcpcomm.plant",
    "tcpcomm.framing",
    "tcpcomm.testing",
    "tcpcomm.transports",
)
"""The packages that users import from, beside those of devices. Users import nothing from other rooms."""


def long_files(tree: Tree) -> Iterator[Breach]:
    """Find files that are too long."""
    for module in tree:
        lines = module.source.count("\n")
        if lines > LINES:
            yield module.breach(
                lines,
                f"the file has {lines} lines",
                f"a file has at most {LINES} lines",
                "split it by idea",
            )


def crowded_folders(tree: Tree) -> Iterator[Breach]:
    """Find folders with too many modules."""
    folders = defaultdict(list)
    for module in tree:
        folders[module.path.rpartition("/")[0]].append(module)
    for folder, modules in folders.items():
        if len(modules) > FILES:
            yield Breach(
                folder,
                1,
                f"the folder has {len(modules)} files",
                f"a folder has at most {FILES} files",
                "make a folder for those that belong together",
            )


def hidden_names(tree: Tree) -> Iterator[Breach]:
    """Find modules with the name of something public in their package: importing them would hide it."""
    for package in tree.packages:
        public = tree.exports(package.name)
        for name in public:
            hiding = tree.modules.get(f"{package.name}.{name}")
            if hiding is not None and public[name] != package.name:
                yield hiding.breach(
                    1,
                    f"the module has the name of the public {name} of {package.name}",
                    "no module has the name of something public in its package",
                    "rename the module",
                )


def folder_sentences(tree: Tree) -> Iterator[Breach]:
    """Find folders whose ``__init__`` does not open with a sentence, or holds code without being public."""
    rule = "a folder's __init__ is one docstring, whose first sentence says what lives there"
    for package in tree.packages:
        first = package.docstring.partition("\n\n")[0]
        if not re.match(r"\S.{10,}?\.($|\s)", first, re.DOTALL):
            yield package.breach(1, "no sentence opens the file", rule, "say what lives in the folder")
        code = [node for node in package.tree.body if not _is_docstring(node)]
        is_device = package.name.rpartition(".")[0] == "tcpcomm.devices"
        if code and not is_device and package.name not in EXPORTING:
            yield package.breach(
                code[0].lineno,
                "the file holds code",
                f"{rule}; only packages that users import from export names below it",
                "move the code to a module",
            )
    names = {package.path.rpartition("/")[0] for package in tree.packages}
    for module in tree:
        folder = module.path.rpartition("/")[0]
        if folder not in names:
            names.add(folder)
            yield Breach(f"{folder}/__init__.py", 1, "the file does not exist", rule, "write it")


def _is_docstring(node: ast.stmt) -> bool:
    match node:
        case ast.Expr(value=ast.Constant(value=str())):
            return True
    return False
