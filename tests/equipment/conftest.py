"""The fixtures of the tests of declared equipment."""

from __future__ import annotations

import pytest

from tests.equipment.declared import Bench
from tests.link.conftest import logged

__all__ = ["bench", "logged"]


@pytest.fixture
def bench() -> Bench:
    """A camera and a robot on a simulated network."""
    return Bench()
