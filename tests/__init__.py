"""The tests. This module needs no other package, so that programs beside pytest can import it."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The folder of the project."""


def process_number() -> int:
    """Return the number of this process among up to ten of pytest-xdist, so that each has its own ports."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 10
