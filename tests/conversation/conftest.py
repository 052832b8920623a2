"""Fixtures for tests of declared equipment."""

from tests.equipment.conftest import bench, logged

__all__ = ["bench", "logged"]
