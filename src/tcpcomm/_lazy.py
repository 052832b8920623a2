"""
Public names that are imported at their first use: :func:`lazy_exports` (PEP 562).

Importing everything that tcpcomm makes public takes as long as starting Twisted. A program that needs one
framing, or that declares equipment that speaks text, must not wait for the rest.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazy_exports(
    package: str, defined_in: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """
    Make ``__getattr__``, ``__dir__`` and ``__all__`` for a package.

    Args:
        package: the full name of the package.
        defined_in: the public names that each module defines, by the full name of the module.
    """
    home = {name: module for module, names in defined_in.items() for name in names}

    def get(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(home[name]), name)
        setattr(sys.modules[package], name, value)  # Python finds the name without this function now
        return value

    def list_names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *home})

    return get, list_names, sorted(home)
