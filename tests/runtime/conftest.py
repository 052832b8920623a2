"""The log of each test in this folder; a test fails if something unexpected is logged as failed."""

from tests.session.conftest import logged as logged
