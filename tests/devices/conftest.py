"""Fixtures of the tests of devices."""

from tests.equipment.conftest import bench, logged

__all__ = ["bench", "logged"]
