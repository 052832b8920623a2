"""
How a package offers public names without importing what nobody asks for: :func:`names_of`.

Importing all that tcpcomm makes public takes as long as starting Twisted does. Who wants a framing alone,
or starts a server for which nothing is declared, need not wait for it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["names_of"]


def names_of(source: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """
    Make the ``__getattr__`` and ``__dir__`` of a package whose public names another module has.

    That module is imported when one of the names is used for the first time. Type checkers and editors
    are to be shown ``from source import *`` instead.

    Args:
        source: the full name of the module, which lies in the package.
    """
    package = source.rpartition(".")[0]

    def get(name: str) -> Any:
        module = import_module(source)
        if name not in ("__all__", *module.__all__):
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(module, name)
        setattr(sys.modules[package], name, value)  # from now on it is found without this function
        return value

    def list_names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *get("__all__")})

    return get, list_names
