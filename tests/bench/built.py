"""
How the Python that runs this was built, and which modules it can import.

It needs the standard library alone, because ``python -m tests.bench.built MODULE...`` runs it under another
build of Python, which may lack every package. It prints one object of JSON.
"""

from __future__ import annotations

import importlib
import json
import platform
import re
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["build_flags", "python_name"]


def python_name() -> str:
    """Return the name and version of this Python, such as ``CPython 3.11.7``."""
    return f"{platform.python_implementation()} {platform.python_version()}"


def build_flags(variables: Mapping[str, Any] | None = None) -> str:
    """
    Return the flags of a build that decide its speed: the level of optimisation, PGO and LTO.

    A distribution may hide the flags of PGO and LTO, as Debian does; then the text says so.

    Args:
        variables: the variables of ``sysconfig``; None: those of this Python.
    """
    known = sysconfig.get_config_vars() if variables is None else variables
    configured, compiled = (str(known.get(name) or "") for name in ("CONFIG_ARGS", "CFLAGS"))
    levels = re.findall(r"-O\w+", compiled)
    # CPython's configure always sets this variable, whether PGO is used or not.
    is_hidden = not known.get("PGO_PROF_USE_FLAG")
    features = {
        "PGO": "--enable-optimizations" in configured,
        "LTO": "-flto" in compiled or bool(re.search(r"--with-lto\b(?!=no)", configured)),
    }
    texts = levels[-1:]
    for name, is_used in features.items():
        texts.append(name if is_used else f"{name} not recorded" if is_hidden else f"no {name}")
    return ", ".join(texts)


def _failures(modules: Iterable[str]) -> dict[str, str]:
    """Return the modules that cannot be imported, and the reason."""
    found = {}
    for name in modules:
        try:
            importlib.import_module(name)
        except Exception as error:  # an extension of another build may raise anything
            found[name] = str(error) or type(error).__name__
    return found


if __name__ == "__main__":
    print(json.dumps({"name": python_name(), "build": build_flags(), "failures": _failures(sys.argv[1:])}))
