"""
Fixtures for pytest. Import them in your ``conftest.py``::

    from tcpcomm.testing.network.fixtures import simulated_network  # noqa: F401

    def test_my_camera_survives_a_thousand_pulled_cables(simulated_network):
        camera, robot = simulated_network.machine("camera"), simulated_network.machine("robot")
        camera.listening(9999).listen(FrameFactory(MyCamera, limits=Limits(idle=1.0), clock=camera.clock))
        heartbeat = Heartbeat(b"PING", b"PONG")
        link = Link(connect=robot.connecting(camera, 9999), reactor=robot.clock, heartbeat=heartbeat)
        link.startService()
        for _ in range(1000):
            camera.blip(0.5)
            simulated_network.advance(0.5)
            assert simulated_network.run_until(lambda: link.state is State.READY, within=30.0)
"""

from __future__ import annotations

from collections.abc import Iterator
from zlib import crc32

import pytest

from tcpcomm.testing.logged_errors import logged_errors
from tcpcomm.testing.network.wire import Network

__all__ = ["simulated_network"]


@pytest.fixture
def simulated_network(request: pytest.FixtureRequest) -> Iterator[Network]:
    """
    Give the test a network. Its seed is the test's name, so that each run is the same.

    The test fails if an error was logged.
    """
    with logged_errors() as errors:
        yield Network(crc32(request.node.nodeid.encode()))
    assert not errors, "errors were logged:\n" + "\n".join(errors)
