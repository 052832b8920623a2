"""Fixtures of the tests of the monitor."""

from tests.equipment.conftest import bench, logged

__all__ = ["bench", "logged"]
