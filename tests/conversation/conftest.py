"""Fixtures for tests of declared equipment."""

from collections.abc import Iterator

import pytest

from tcpcomm.conversation import answering_loop, answering_session, responder
from tests.equipment.conftest import bench, logged

__all__ = ["bench", "handlers_take_no_time", "logged"]


@pytest.fixture
def handlers_take_no_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A busy machine would hold a handler up, and its chunk would go another way."""
    for module in (answering_session, responder):
        monkeypatch.setattr(module, "monotonic", lambda: 0.0)
    monkeypatch.setitem(answering_loop._NAMES, "monotonic", lambda: 0.0)
    answering_loop._loops.cache_clear()
    yield
    answering_loop._loops.cache_clear()
