"""Another build of Python, which runs servers with the packages of this one."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from attrs import frozen

from tests.bench.processes import BenchmarkFailed, child_environment

__all__ = ["Interpreter"]

TIMEOUT: Final = 60.0
NEEDED: Final = ("attrs", "zope.interface", "twisted.internet.tcp", "tcpcomm")
"""Modules without which no server runs."""

_VERSION: Final = (
    "import platform, sys; print(platform.python_implementation() + ' %d.%d' % sys.version_info[:2])"
)
"""A program for any Python, however old, that prints its implementation and minor version."""


def _packages() -> tuple[str, ...]:
    """Return the folders of the packages of this Python, without its standard library."""
    return tuple(dict.fromkeys(map(sysconfig.get_path, ("purelib", "platlib"))))


@frozen
class Interpreter:
    """A Python of the same minor version as this one, in another build."""

    path: str
    name: str
    """Its implementation and version, such as ``CPython 3.11.2``."""

    build: str
    """The flags of its build that decide its speed."""

    failures: Mapping[str, str]
    """Modules that this Python imports and the other one does not, and the reason."""

    packages: Sequence[str] = _packages()
    """Folders of packages for its ``PYTHONPATH``."""

    @classmethod
    def find(cls, path: str, modules: Iterable[str]) -> Interpreter:
        """
        Ask the Python at this path about itself, and let it import modules.

        Raises:
            BenchmarkFailed: it does not run, its minor version differs, or it cannot import what all
                servers need.
        """
        here = f"{platform.python_implementation()} {sys.version_info.major}.{sys.version_info.minor}"
        there = _output(path, "-c", _VERSION)
        if there != here:
            raise BenchmarkFailed(
                f"{path} is {there}, and this is {here}: "
                "the packages of one minor version do not work with another one"
            )
        facts = json.loads(_output(path, "-m", "tests.bench.built", *NEEDED, *modules))
        for name in NEEDED:
            if name in facts["failures"]:
                raise BenchmarkFailed(f"{path} cannot import {name}: {facts['failures'][name]}")
        return cls(path, **facts)


def _output(path: str, *arguments: str) -> str:
    """Run this Python; return what it prints."""
    try:
        result = subprocess.run(
            [path, *arguments],
            env=child_environment(packages=_packages()),
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    except OSError as error:
        raise BenchmarkFailed(f"{path} does not run: {error.strerror}") from None
    if result.returncode:
        raise BenchmarkFailed(f"{path} ended with {result.returncode}: {result.stderr.strip()}")
    return result.stdout.strip()
