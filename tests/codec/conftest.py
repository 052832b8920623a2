"""Fixtures that the tests of the codecs share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tcpcomm.codec.json.engines import using
from tests.codec.json.cases import ENGINES, needs_engine

__all__ = ["json_engine"]


@pytest.fixture(params=ENGINES)
def json_engine(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run the test with each JSON engine."""
    needs_engine(request.param)
    with using(request.param):
        yield
