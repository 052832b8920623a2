"""
Public names that are imported at their first use: :func:`lazy_exports` (PEP 562). And optional packages,
which must be the real ones: :func:`check_package`.

Importing everything that tcpcomm makes public takes as long as starting Twisted. A program that needs one
framing, or that declares equipment that speaks text, must not wait for the rest.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
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


class HiddenPackage(ImportError):
    """A module of the program has the name of an optional package, which cannot be imported therefore."""


def check_package(name: str, distribution: str = "") -> None:
    """
    Check that an optional package is the real one, before it is imported.

    A file ``msgspec.py`` in the folder of a script hides the package msgspec. It would be run, and used
    for what it is not.

    Args:
        name: the package.
        distribution: the name by which it is installed, if that is another.

    Raises:
        ImportError: the package is not installed. It is HiddenPackage if something hides it.
    """
    loaded = sys.modules.get(name)
    spec = find_spec(name) if loaded is None else getattr(loaded, "__spec__", None)
    if spec is None:
        raise ImportError(f"{name} is not installed", name=name)
    folders = [*(spec.submodule_search_locations or ())]
    is_bundled = getattr(sys, "frozen", False)  # by PyInstaller, which leaves no .dist-info
    above = [os.path.dirname(os.path.abspath(each)) for each in folders[:1]]
    if above and (is_bundled or not _is_own(above[0], distribution or name)):
        return
    place = spec.origin or (folders[0] if folders else "a module of the program")
    raise HiddenPackage(f"{place} hides the package {name}: rename it", name=name)


def _is_own(folder: str, distribution: str) -> bool:
    """Return True for the working folder and the script's folder, unless the package is installed there."""
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    own = {os.getcwd(), os.path.dirname(os.path.abspath(script))} if script else {os.getcwd()}
    if folder not in own:
        return False
    try:
        names = os.listdir(folder)
    except OSError:  # a program in one file, as zipapp makes it
        return False
    installed = (each.lower() for each in names if each.endswith(".dist-info"))
    return not any(each.startswith(f"{distribution.lower()}-") for each in installed)
