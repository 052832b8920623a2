"""
Fixtures for pytest. Import what you need in your ``conftest.py``::

    from tcpcomm.testing.network.fixtures import simulated_network  # noqa: F401

    def test_my_camera_survives_a_thousand_pulled_cables(simulated_network):
        camera, robot = simulated_network.machine("camera"), simulated_network.machine("robot")
        camera.listening(9999).listen(FrameFactory(MyCamera, limits=Limits(idle=1.0), clock=camera.clock))
        link = Link(
            connect=robot.connecting(camera, 9999), reactor=robot.clock, heartbeat=Heartbeat(b"PING", b"PONG")
        )
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
from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogPublisher
from zope.interface import provider

from tcpcomm.testing.network.wire import Network

__all__ = ["simulated_network"]


@pytest.fixture
def simulated_network(request: pytest.FixtureRequest) -> Iterator[Network]:
    """
    A network whose seed is the test's name: the same test, the same course of things.

    The test fails if anything was logged as an error.
    """
    errors: list[str] = []

    @provider(ILogObserver)
    def observe(event: LogEvent) -> None:
        if event.get("log_level", LogLevel.info) >= LogLevel.error:
            failure = event.get("log_failure")
            errors.append(formatEvent(event))
            if failure is not None:
                errors.append(failure.getTraceback())

    globalLogPublisher.addObserver(observe)
    try:
        yield Network(crc32(request.node.nodeid.encode()))
    finally:
        globalLogPublisher.removeObserver(observe)
    assert not errors, "errors were logged:\n" + "\n".join(errors)
