"""The log of each test of this folder, and that nothing fails in it unnoticed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.session.stage import Logged, recorded_log


@pytest.fixture(autouse=True)
def logged() -> Iterator[Logged]:
    """What is logged while the test runs."""
    with recorded_log() as record:
        yield record
