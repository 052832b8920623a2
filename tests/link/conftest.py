"""Fixtures that the tests of links share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from twisted.logger import ILogObserver, LogEvent, LogLevel, globalLogPublisher
from zope.interface import provider


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """The logged errors. At its end the test fails if one is left in the list."""
    errors: list[str] = []

    @provider(ILogObserver)
    def observe(event: LogEvent) -> None:
        if event["log_level"] >= LogLevel.error:
            errors.append(str(event.get("log_failure", event["log_format"])))

    globalLogPublisher.addObserver(observe)
    yield errors
    globalLogPublisher.removeObserver(observe)
    assert [] == errors
