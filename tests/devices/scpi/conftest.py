"""The simulated network for the tests of instruments."""

from __future__ import annotations

import pytest

from tests.equipment.declared import Bench


@pytest.fixture
def bench() -> Bench:
    """A network with an instrument and a host."""
    return Bench()
