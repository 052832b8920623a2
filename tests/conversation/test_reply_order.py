"""Replies without ids leave in the order of their requests, however many wait for their turn."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred

from tcpcomm import Limits
from tcpcomm.conversation.responder import current_session
from tcpcomm.server.serving import EquipmentFactory
from tests.equipment.declared import MyCamera, Position
from tests.session.stage import Stage

REQUESTS = b"".join(b"TRG,%d\r\n" % job for job in range(8))
REPLIES = b"".join(b"OK,%d.000,0.000,0.000\r\n" % job for job in range(8))


@pytest.mark.parametrize("awaited", [1, 2, 3, 5, 1000])
def test_requests_that_were_held_back_do_not_overtake_those_that_wait(awaited: int) -> None:
    camera = MyCamera()
    exposure: Deferred[Position] = Deferred()
    camera.jobs = {job: lambda job=job: Position(job, 0.0, 0.0) for job in range(1, 8)}  # type: ignore[misc]
    camera.jobs[0] = lambda: exposure
    stage = Stage(camera, factory=EquipmentFactory, limits=Limits(awaited=awaited)).connect()
    stage.receive(REQUESTS)
    exposure.callback(Position(0.0, 0.0, 0.0))
    stage.settle()
    assert [*range(8)] == camera.done
    assert REPLIES == stage.transport.received


def test_no_command_that_waited_begins_after_the_session_was_closed() -> None:
    camera = MyCamera()
    exposure: Deferred[Position] = Deferred()

    def close() -> Position:
        current_session().close()
        return Position(2.0, 0.0, 0.0)

    camera.jobs = {0: lambda: exposure, 2: close}
    stage = Stage(camera, factory=EquipmentFactory).connect()
    stage.receive(REQUESTS)
    exposure.callback(Position(0.0, 0.0, 0.0))
    stage.settle()
    assert [0, 1, 2] == camera.done
