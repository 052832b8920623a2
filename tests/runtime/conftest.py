"""The log of each test of this folder, so that nothing fails in it unnoticed."""

from tests.session.conftest import logged

__all__ = ["logged"]
