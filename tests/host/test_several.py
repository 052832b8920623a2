"""Commands that are under way at once, and one wait for all of them."""

from __future__ import annotations

import gc
from typing import Any, assert_type

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import capturedLogs

from tcpcomm import Fault, NotReady, link_of, together
from tests.equipment.declared import NO_PART, Bench, Lamp, MyCamera, Position, VisionCamera


def test_the_results_come_in_the_order_of_the_arguments(bench: Bench) -> None:
    bench.serve(MyCamera())
    camera = bench.remote(VisionCamera)

    async def lit() -> bool:
        light: Any = camera.light(Lamp.ON)
        return await light is None

    asked = together(camera.locate(1), lit(), camera.locate(2))
    assert_type(asked, Deferred[tuple[Position, bool, Position]])
    first, is_lit, second = bench.result(asked)
    assert (1.0, True, 2.0) == (first.angle, is_lit, second.angle)


def test_the_first_error_is_raised_itself_after_all_have_ended() -> None:
    slow: Deferred[int] = Deferred()
    bad: Deferred[int] = Deferred()
    worse: Deferred[int] = Deferred()
    errors: list[Any] = []
    together(slow, worse, bad).addErrback(lambda failure: errors.append(failure.value))
    bad.errback(Fault(1, "bad"))
    worse.errback(Fault(2, "worse"))
    assert [] == errors
    slow.callback(3)
    assert [Fault] == [type(error) for error in errors]
    assert "bad" == errors[0].reason


def test_nothing_is_left_unhandled_if_the_equipment_is_away(bench: Bench) -> None:
    camera = bench.remote(VisionCamera, wait=0.5)
    with capturedLogs() as events:
        error = bench.result(together(*[camera.locate(job) for job in range(3)]))
        gc.collect()
    assert isinstance(error, NotReady)
    assert [] == [event for event in events if "log_failure" in event]


def test_a_fault_among_results_is_raised(bench: Bench) -> None:
    served = MyCamera()
    served.jobs[2] = NO_PART
    bench.serve(served)
    camera = bench.remote(VisionCamera)
    assert isinstance(bench.result(together(camera.locate(1), camera.locate(2))), Fault)


def test_coroutines_are_waited_for_and_nothing_is_an_empty_result(bench: Bench) -> None:
    bench.serve(MyCamera())
    camera = bench.remote(VisionCamera)

    async def angle(job: int) -> float:
        return (await camera.locate(job)).angle

    assert (1.0, 2.0) == bench.result(together(angle(1), angle(2)))
    assert () == bench.result(together())


def test_cancelling_it_cancels_all() -> None:
    one: Deferred[int] = Deferred()
    other: Deferred[int] = Deferred()
    both = together(one, other)
    both.cancel()
    assert one.called
    assert other.called
    with pytest.raises(CancelledError):
        raise both.result.value  # type: ignore[attr-defined]
    both.addErrback(lambda failure: None)


def test_a_link_that_is_stopped_fails_all_with_one_error(bench: Bench) -> None:
    camera = bench.remote(VisionCamera)
    both = together(camera.locate(1), camera.locate(2))
    link_of(camera).stopService()
    assert isinstance(bench.result(both), NotReady)
