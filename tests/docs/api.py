"""
The public names as ``docs/reference/api.md`` lists them: ``python -m tests.docs.api`` writes the page.

Each name has the first sentence of its docstring. The site's pages about each name have this list, too.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Final

from tcpcomm.devices.catalogue import OURS
from tests.conftest import ROOT
from tests.docs.parts import with_part

__all__ = ["MODULES", "PAGE", "PART", "names_of", "sentence_of", "tables"]

PAGE: Final = ROOT / "docs/reference/api.md"
PART: Final = "names"

DEVICES: Final = sorted({device.place.partition(":")[0] for device in OURS})

USED_IN: Final = {
    "tcpcomm": "",
    "tcpcomm.blocking": "[Use it from a plain script](../howto/use-from-a-script.md) uses them.",
    "tcpcomm.framing": "[Choose a framing](../howto/choose-a-framing.md) draws the kinds, "
    "and [write your own](../howto/your-own-framing.md) uses the rest.",
    "tcpcomm.codec": "[Codecs](codecs.md) explains them, "
    "and [a table](../howto/recipes.md) goes from what a manual shows to each form.",
    "tcpcomm.testing": "[Test a framing by its properties](../howto/property-test-a-framing.md) "
    "and [Test your protocol against pulled cables](../howto/test-against-faults.md) use them.",
    "tcpcomm.plant": "[Deliver results](../howto/deliver-results.md) "
    "and [Run a gateway](../howto/run-a-gateway.md) use them.",
    "tcpcomm.transports": "[Make it fast](../howto/make-it-fast.md) uses them.\n"
    "`tcpcomm.transports.uvloop_reactor.install` makes uvloop the reactor of a program; "
    "`tcpcomm.transports.epoll_reactor.install` makes Twisted's epoll reactor its reactor, on Linux.",
    "tcpcomm.devices": "Each device has a package of its own.",
}
"""The modules of the page, and the pages that use each."""

MODULES: Final = [*USED_IN, *DEVICES]

GROUPS: Final = {
    "tcpcomm": {
        "equipment": "Declare equipment",
        "server": "Serve and simulate equipment",
        "conversation": "Serve and simulate equipment",
        "host": "Use equipment",
        "link": "Links",
        "net": "Addresses, TLS and keys",
        "session": "Sessions and observers",
        "errors": "Errors",
        "tools": "Watch, record and guess",
        "_version": "The version",
    },
    "tcpcomm.codec": {
        "template": "Text and XML",
        "json": "JSON",
        "binary": "Bytes",
        "reply_forms": "Forms of replies",
        "ranges": "Units and ranges",
        "base": "A codec of your own",
    },
}
"""The groups of modules with many names, by the folder or file that defines the names."""


def names_of(module: str) -> list[str]:
    """Return the public names of a module, in order."""
    loaded = import_module(module)
    listed = getattr(loaded, "__all__", None)
    if listed is None:
        members = vars(loaded).items()
        listed = [name for name, each in members if name[0] != "_" and not inspect.ismodule(each)]
    return sorted(listed, key=lambda name: (name.lower(), name))


def tables() -> str:
    """Return the part of the page."""
    return "\n".join(_module(module) for module in MODULES)


def _module(module: str) -> str:
    shown_at_work = f"[This page](../devices/{module.rpartition('.')[2]}.md) shows them at work."
    lines = [f"## {module}\n"]
    if used_in := shown_at_work if module in DEVICES else USED_IN[module]:
        lines.append(f"{used_in}\n")
    for title, names in _groups(module).items():
        if title:
            lines.append(f"### {title}\n")
        rows = "".join(f"| `{name}` | {sentence_of(module, name)} |\n" for name in names)
        lines.append(f"| name | meaning |\n| --- | --- |\n{rows}")
    return "\n".join(lines)


def _groups(module: str) -> dict[str, list[str]]:
    """Return the names of each group of a module, or all names under an empty title."""
    titles = GROUPS.get(module)
    if titles is None:
        return {"": names_of(module)}
    found: dict[str, list[str]] = {title: [] for title in titles.values()}
    for name in names_of(module):
        part, _, _ = _home(module, name).removeprefix(f"{module}.").partition(".")
        found[titles[part]].append(name)
    return found


def sentence_of(module: str, name: str) -> str:
    """
    Return the first sentence of the docstring of a public name, as Markdown on one line.

    Raises:
        ValueError: it has no docstring.
    """
    home = _home(module, name)
    docstring = _docstrings(home).get(name)
    if docstring is None:
        raise ValueError(f"{home}.{name} is public, and has no docstring")
    text = " ".join(inspect.cleandoc(docstring).partition("\n\n")[0].split())
    sentence = re.split(r"(?<=\.)\s", text)[0].rstrip(".:")
    role_or_code = r":\w+:`~?(?:[\w.]*\.)?(\w+)`|``(.*?)``"
    return re.sub(role_or_code, lambda match: f"`{match[1] or match[2]}`", sentence).replace("|", "\\|")


@cache
def _home(module: str, name: str) -> str:
    """Return the module that defines a public name of a module."""
    for node in _tree(module).body:
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return _home(node.module, alias.name)
    public = f"{module}._public"
    for home, names in getattr(_loaded(public), "DEFINED_IN", {}).items():
        if name in names:
            return str(home)
    return module


def _loaded(module: str) -> ModuleType | None:
    try:
        return import_module(module)
    except ModuleNotFoundError:
        return None


@cache
def _tree(module: str) -> ast.Module:
    file = import_module(module).__file__
    assert file is not None
    return ast.parse(Path(file).read_text("utf-8"))


@cache
def _docstrings(module: str) -> dict[str, str]:
    """Return the docstrings of the names that a module defines."""
    return dict(_found(_tree(module).body))


def _found(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for node, following in zip(body, [*body[1:], ast.Pass()], strict=True):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node)
            if docstring:
                yield node.name, docstring
        elif isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(following, ast.Expr):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if isinstance(following.value, ast.Constant) and isinstance(following.value.value, str):
                for target in targets:
                    if isinstance(target, ast.Name):
                        yield target.id, following.value.value


if __name__ == "__main__":
    PAGE.write_text(with_part(PAGE.read_text("utf-8"), PART, tables()), "utf-8")
