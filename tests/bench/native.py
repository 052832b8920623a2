"""Compile the programs in C, whose own cost is small beside the cost that they measure."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from attrs import frozen

__all__ = ["Toolchain"]


@frozen
class Toolchain:
    """A C compiler, or the reason why there is none, and the folder for its programs."""

    directory: Path
    """A folder outside the source tree; the caller removes it."""

    compiler: str | None
    missing: str

    @classmethod
    def find(cls, directory: Path) -> Toolchain:
        """Look for a C compiler. The C programs need epoll, so they run on Linux only."""
        if sys.platform != "linux":
            return cls(directory, None, "its epoll is Linux's")
        compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
        return cls(directory, compiler, "" if compiler else "there is no C compiler")

    def build(self, source: Path) -> Path:
        """
        Compile one C file to a program, if that is not done yet, and return its path.

        Raises:
            RuntimeError: there is no compiler.
            subprocess.CalledProcessError: the compiler rejects the source.
        """
        if self.compiler is None:
            raise RuntimeError(self.missing)
        program = self.directory / source.stem
        if not program.exists():
            options = ["-std=c11", "-O2", "-Wall", "-Wextra", "-o", str(program)]
            subprocess.run([self.compiler, *options, str(source)], check=True, timeout=60)
        return program
