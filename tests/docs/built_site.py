"""The site of the documentation, built once for all tests of a process: :func:`built_site`."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from attrs import frozen

from tests.conftest import ROOT, needs_module

__all__ = ["PATIENCE", "BuiltSite", "built_site"]

PATIENCE: Final = 900.0
"""Seconds for the build, which takes half a minute of one core."""

COPIED: Final = ("src", "docs", "README.md", "README.ko.md", "CHANGELOG.md", "SECURITY.md")


@frozen
class BuiltSite:
    """A copy of the project, and the site that was built from it."""

    project: Path
    folder: Path
    printed: str
    """The text on standard error."""
    code: int


@cache
def built_site() -> BuiltSite:
    """Build the site, or skip."""
    for module in ("sphinx", "myst_parser", "furo", "PIL"):
        needs_module(module, 'pip install "tcpcomm[docs]"')
    work = Path(mkdtemp(prefix="tcpcomm-test-site-"))
    atexit.register(shutil.rmtree, work, ignore_errors=True)
    project, folder = work / "a project", work / "built"
    project.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__", "site")
            )
        elif (ROOT / name).exists():
            shutil.copy(ROOT / name, project / name)
    ended = subprocess.run(
        [sys.executable, "docs/build.py", str(folder)],
        cwd=project,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        timeout=PATIENCE,
    )
    return BuiltSite(project, folder, ended.stderr, ended.returncode)
