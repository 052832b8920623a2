"""Polls that fail are told in the log, in the figures and in the health, while the session lives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import provider

from tcpcomm.plant.gateway.configuration.settings import LinkSettings
from tcpcomm.plant.gateway.gateway import Gateway
from tests.conftest import needs_module
from tests.equipment.declared import NO_PART, MyCamera, Position, VisionCamera
from tests.plant.gateway.stage import Stage, polled

needs_module("prometheus_client", "pip install 'tcpcomm[metrics]'")

from tcpcomm.plant import Metrics  # noqa: E402 - after the check
from tests.plant.metrics.figures import figures_of  # noqa: E402 - after the check


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """The log lines about polls."""
    found: list[str] = []

    @provider(ILogObserver)
    def observe(event: LogEvent) -> None:
        text = formatEvent(event)
        if " the poll " in text:
            found.append(text)

    globalLogPublisher.addObserver(observe)
    yield found
    globalLogPublisher.removeObserver(observe)


def started(stage: Stage, **keys: Any) -> tuple[MyCamera, Gateway]:
    served = MyCamera()
    at = stage.serve("camera-1", served)
    poll = polled("locate", arguments={"job": 3}, **keys)
    gateway = stage.run({"camera-1": LinkSettings(device=VisionCamera, at=at, poll=(poll,))})
    return served, gateway


def test_a_poll_that_fails_is_told_once_and_so_is_its_recovery(stage: Stage, lines: list[str]) -> None:
    served, gateway = started(stage)
    metrics = Metrics(process=False)
    metrics.gateways.append(gateway)
    stage.advance(5.0)
    served.jobs[3] = NO_PART
    stage.advance(20.0)
    told = "the equipment says no: 3: no part"
    assert [f"camera-1: the poll locate fails: {told}"] == lines
    assert [("camera-1/locate", told)] == [*gateway.poll_problems()]
    served.jobs[3] = lambda: Position(1.0, 2.0, 3.0)
    stage.advance(5.0)
    assert [] == [*gateway.poll_problems()]
    assert 2 == len(lines)
    assert lines[1].startswith("camera-1: the poll locate works again; 20 polls failed within 20.0 s")
    counted = figures_of(metrics)
    key = ("tcpcomm_gateway_polls_total", "camera-1")
    found = {each: counted[*key, each, "locate"] for each in ("done", "failed", "late")}
    assert (20, 0) == (found["failed"], found["late"])
    assert 8 <= found["done"] <= 10


def test_a_device_that_hangs_is_told(stage: Stage, lines: list[str]) -> None:
    served, gateway = started(stage, deadline=0.5)
    served.jobs[3] = Deferred
    stage.until(lambda: bool(lines))
    assert "camera-1: the poll locate fails: sent, but the outcome is not known: no reply within 0.5 s" in (
        lines[0]
    )
    assert gateway.links["camera-1"].pollers[0].outcomes.failed >= 1


def test_a_poll_is_not_repeated_beyond_its_deadline(stage: Stage) -> None:
    served, _ = started(stage, every=60.0, deadline=2.0)
    waiting: list[Deferred[Any]] = []

    def wait() -> Deferred[Any]:
        waiting.append(Deferred())
        return waiting[-1]

    served.jobs[3] = wait
    stage.until(lambda: bool(stage.outbox.contents()))
    assert 2.0 <= stage.outbox.contents()[0]["seconds"] < 2.2
    stage.advance(10.0)
    assert 1 == len(waiting)


def test_polls_that_fail_are_in_the_health_and_leave_the_program_ready(stage: Stage) -> None:
    served, gateway = started(stage)
    metrics = Metrics(process=False)
    metrics.add_gateway(gateway)
    served.jobs[3] = NO_PART
    stage.advance(5.0)
    found = {
        each.name: (each.problem, each.required)
        for each in metrics.health.results()
        if each.name.startswith(("poll", "gateway"))
    }
    assert ("the equipment says no: 3: no part", False) == found.pop("poll camera-1/locate")
    assert {"gateway": ("", True)} == found


def test_polls_of_links_beyond_the_limit_are_counted_together() -> None:
    class Many:
        def poll_counts(self) -> Iterator[tuple[str, str, dict[str, int]]]:
            for number in range(5):
                yield f"camera-{number}", "locate", {"done": 2}

    metrics = Metrics(process=False, most_links=2)
    metrics.gateways.append(Many())  # type: ignore[arg-type]
    name = "tcpcomm_gateway_polls_total"
    assert {"camera-0": 2.0, "camera-1": 2.0, "other": 6.0} == {
        key[1]: count for key, count in figures_of(metrics).items() if key[0] == name
    }
