"""The import paths that the documentation shows: users import only from the packages that are public."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tests.house.source import Breach

__all__ = ["PUBLIC", "public_paths"]

PUBLIC: Final = (
    "tcpcomm",
    "tcpcomm.blocking",
    "tcpcomm.codec",
    "tcpcomm.devices",
    "tcpcomm.plant",
    "tcpcomm.framing",
    "tcpcomm.testing",
    "tcpcomm.transports",
)
"""The modules that users import from, beside each device. Everything else may move at any release."""

_FROM: Final = re.compile(r"^.*?\bfrom (tcpcomm[\w.]*) import\s+(\([^)]*\)|[^\n;]+)", re.MULTILINE)
_IMPORT: Final = re.compile(r"^(?:.*?[;\"'] *)?\s*import ((?:[\w.]+(?: as \w+)?, *)*[\w.]+)", re.MULTILINE)


def public_paths(path: str, text: str) -> Iterator[Breach]:
    """Find imports from modules that are not public, in a page or a program of the documentation."""
    for match in _FROM.finditer(text):
        module, names = match[1], re.findall(r"[\w*]+", match[2])
        if not _is_public(module) and not all(f"{module}.{name}" in PUBLIC for name in names):
            yield _breach(path, text, match.start(1), module)
    for match in _IMPORT.finditer(text):
        for module in re.findall(r"\btcpcomm[\w.]*", match[1]):
            if not _is_public(module):
                yield _breach(path, text, match.start(1), module)


def _is_public(module: str) -> bool:
    return module in PUBLIC or module.rpartition(".")[0] == "tcpcomm.devices"


def _breach(path: str, text: str, at: int, module: str) -> Breach:
    return Breach(
        path,
        text.count("\n", 0, at) + 1,
        f"imports from {module}",
        f"the documentation imports only from {', '.join(PUBLIC)}",
        "import the name from there, or make it public in a _public.py",
    )
