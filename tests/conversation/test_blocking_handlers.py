"""A handler that blocks the reactor is told to the watchdog."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from tcpcomm.conversation import answering_loop, answering_session, responder
from tcpcomm.runtime.watchdog import WARN_AFTER, Watchdog
from tests.equipment.declared import Bench, MyCamera, Position, VisionCamera


@pytest.mark.parametrize(("took", "lines"), [(WARN_AFTER, 0), (WARN_AFTER + 0.001, 1)])
def test_a_handler_may_block_the_reactor_for_a_twentieth_of_a_second(
    took: float, lines: int, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, watchdog = Clock(), Watchdog()
    for module in (responder, answering_session):
        monkeypatch.setattr(module, "monotonic", clock.seconds)
        monkeypatch.setattr(module, "watchdog", watchdog)
    monkeypatch.setitem(answering_loop._NAMES, "monotonic", clock.seconds)
    monkeypatch.setitem(answering_loop._NAMES, "watchdog", watchdog)
    answering_loop._loops.cache_clear()
    camera = MyCamera()

    def block() -> Position:
        clock.advance(took)
        return Position(1.0, 2.0, 3.0)

    camera.jobs[1] = block
    bench.serve(camera)
    with capturedLogs() as events:
        bench.result(bench.remote(VisionCamera).locate(1))
    answering_loop._loops.cache_clear()
    told = [each for each in events if "blocked the reactor" in str(formatEvent(each))]
    assert ["MyCamera.locate"] * lines == [each["handler"] for each in told]
