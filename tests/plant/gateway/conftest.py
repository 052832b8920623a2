"""The fixtures of the gateway's tests."""

from __future__ import annotations

import pytest

from tests.link.conftest import logged
from tests.plant.gateway.stage import Stage

__all__ = ["logged", "stage"]


@pytest.fixture
def stage() -> Stage:
    return Stage()
