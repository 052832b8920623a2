"""
Fixtures for pytest. Import them in your ``conftest.py``::

    from tcpcomm.testing.network.fixtures import simulated_network  # noqa: F401

    def test_my_camera(simulated_network):
        camera, robot = simulated_network.machine("camera"), simulated_network.machine("robot")
"""

from __future__ import annotations

from collections.abc import Iterator
from zlib import crc32

import pytest

from tcpcomm.testing.logged_errors import logged_errors
from tcpcomm.testing.network.wire import Network


@pytest.fixture
def simulated_network(request: pytest.FixtureRequest) -> Iterator[Network]:
    """
    Give the test a network. Its seed is the test's name, so that each run is the same.

    The test fails if an error was logged.
    """
    with logged_errors() as errors:
        yield Network(crc32(request.node.nodeid.encode()))
    assert not errors, "errors were logged:\n" + "\n".join(errors)
