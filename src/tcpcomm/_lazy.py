"""
How a package offers public names without importing what nobody asks for: :func:`names_of`.

Importing all that tcpcomm makes public takes as long as starting Twisted does. Who wants a framing alone,
or declares equipment that speaks text, need not wait for the rest.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

__all__ = ["names_of"]


def names_of(source: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """
    Make the ``__getattr__`` and ``__dir__`` of a package whose public names another module lists.

    That module imports each name from where it is made, and has ``__all__``. It is what type checkers and
    editors are to be shown, by ``from source import *``; here it is only looked up in it where a name is
    from, and that module is imported when the name is used for the first time.

    Args:
        source: the full name of the module, which lies in the package and does nothing but import.
    """
    package = source.rpartition(".")[0]

    def get(name: str) -> Any:
        public = _listed(source)
        if name == "__all__":
            return public["__all__"]
        if name not in public["__all__"]:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home, original = public[name]
        value = getattr(import_module(home), original)
        setattr(sys.modules[package], name, value)  # from now on it is found without this function
        return value

    def list_names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *_listed(source)["__all__"]})

    return get, list_names


class _NotImported:
    """Stands for a module: each of its names is where to find it, and not yet what it is."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> tuple[str, str]:
        return self._module, name


@cache
def _listed(source: str) -> dict[str, Any]:
    """Run a module that imports names, without importing any: its ``__all__``, and where each is from."""
    spec = find_spec(source)
    assert spec is not None
    get_code = getattr(spec.loader, "get_code", None)
    if get_code is None:  # Python's own loaders have it, pytest's has not: then all is imported
        public = import_module(source).__all__
        return {"__all__": public, **{name: (source, name) for name in public}}
    found: dict[str, Any] = {"__builtins__": {"__import__": lambda name, *_: _NotImported(name)}}
    exec(get_code(source), found)  # it is our own, and its import statements are the list
    return found
