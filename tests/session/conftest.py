"""A record of the log for each test in this folder. A test fails if its log has an unexpected failure."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.session.stage import Logged, recorded_log


@pytest.fixture(autouse=True)
def logged() -> Iterator[Logged]:
    """Record the log while the test runs."""
    with recorded_log() as record:
        yield record
