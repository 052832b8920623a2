"""A gateway polls its links, forwards events, and reports states, on a simulated network."""

from __future__ import annotations

from typing import Any

from tcpcomm.plant.gateway.settings import LinkSettings
from tests.equipment.declared import MyCamera, NO_PART, VisionCamera
from tests.plant.gateway.stage import NOON, Stage, polled


def camera(stage: Stage, name: str = "camera-1") -> tuple[MyCamera, Any]:
    served = MyCamera()
    return served, stage.serve(name, served)


def test_each_poll_becomes_a_report_with_its_values_and_time(stage: Stage) -> None:
    _, at = camera(stage)
    stage.run(
        {"camera-1": LinkSettings(device=VisionCamera, at=at, poll=(polled("locate", arguments={"job": 3}),))}
    )
    stage.advance(10.0)
    reports = stage.outbox.posts
    assert len(reports) in (9, 10), "one in each second, after a start at random"
    first = reports[0]
    assert first["content"]["values"] == {"result": {"x": 1.0, "y": 2.0, "angle": 3.0}}
    assert ("camera-1", "poll", "locate") == tuple(first["content"][key] for key in ("link", "kind", "name"))
    assert (("mes",), "camera-1/locate", "camera-1", None) == tuple(
        first[key] for key in ("to", "topic", "source", "expires_in")
    )
    assert first["content"]["at"].startswith("2023-11-14T22:13:2")
    assert 0 < first["content"]["seconds"] < 0.1


def test_a_fault_becomes_a_report_with_its_problem(stage: Stage) -> None:
    served, at = camera(stage)
    served.jobs[4] = NO_PART
    stage.run(
        {"camera-1": LinkSettings(device=VisionCamera, at=at, poll=(polled("locate", arguments={"job": 4}),))}
    )
    stage.until(lambda: bool(stage.outbox.posts))
    content = stage.outbox.contents()[0]
    assert "the equipment says no: 3: no part" == content["problem"]
    assert "values" not in content
    assert NOON > 0
