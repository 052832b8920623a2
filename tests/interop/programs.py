"""Programs that meet programs of others: :func:`printed` runs one, because a process has one reactor."""

from __future__ import annotations

import subprocess
import sys

from tests.system.running import DEADLINE, environment

__all__ = ["printed"]


def printed(program: str) -> list[str]:
    """Return the lines that a Python program prints. It must end by itself, without an error."""
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE,
    )
    assert 0 == ended.returncode, ended.stderr
    return ended.stdout.splitlines()
