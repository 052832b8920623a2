"""What the tests of declared equipment share."""

from tests.equipment.conftest import bench, logged

__all__ = ["bench", "logged"]
