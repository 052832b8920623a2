"""A link that a program adds itself: its polls, events and commands, on a simulated network."""

from __future__ import annotations

from typing import Any

import pytest

from tcpcomm import ConfigurationError, Fault, NotReady, link_of
from tcpcomm.plant import CommandRefused, Report
from tcpcomm.plant.opcua.added_link import AddedLink
from tcpcomm.plant.sink import BrokerCommand
from tests.equipment.conftest import bench
from tests.equipment.declared import Bench, MyCamera, VisionCamera

__all__ = ["bench"]


class Heard:
    """Keeps what a link reports."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.changes: list[tuple[str, bool, str]] = []

    def link_changed(self, link: str, is_ready: bool, reason: str) -> None:
        self.changes.append((link, is_ready, reason))

    def of(self, kind: str) -> list[Report]:
        return [each for each in self.reports if each.kind == kind]


def added(bench: Bench, **options: Any) -> tuple[AddedLink, Heard, Any]:
    proxy = bench.remote(VisionCamera)
    options = {"polls": {"locate": (1.0, {"job": 3})}, "commands": ["locate", "light"], **options}
    link = AddedLink(proxy, "cam", reactor=bench.robot.clock, **options)
    heard = Heard()
    link.start(heard.reports.append, heard.link_changed)
    return link, heard, proxy


def test_polls_bring_results_as_json_while_the_link_is_ready(bench: Bench) -> None:
    service = bench.serve(MyCamera())
    link, heard, _ = added(bench)

    bench.until(lambda: len(heard.of("poll")) == 3)

    first = heard.of("poll")[0]
    expected = ("cam", "locate", {"result": {"x": 1.0, "y": 2.0, "angle": 3.0}}, "")
    assert expected == (first.link, first.name, first.values, first.problem)
    assert first.seconds is not None
    assert True in [is_ready for _, is_ready, _ in heard.changes]
    assert "ready" in [each.name for each in heard.of("state")]

    service.stopService()
    bench.until(lambda: heard.changes[-1][1] is False)
    count = len(heard.of("poll"))
    bench.network.run_until(lambda: False, 3.0)
    assert count == len(heard.of("poll"))
    link.stop()


def test_a_poll_that_fails_tells_why_and_goes_on(bench: Bench) -> None:
    camera = MyCamera()

    def refuse() -> Any:
        raise Fault(17, "no part")

    camera.jobs[3] = refuse
    bench.serve(camera)
    link, heard, _ = added(bench)

    bench.until(lambda: len(heard.of("poll")) == 2)

    assert ["17: no part"] * 2 == [each.problem for each in heard.of("poll")]
    assert [{}, {}] == [each.values for each in heard.of("poll")]
    link.stop()


def test_events_are_reported(bench: Bench) -> None:
    camera = MyCamera()
    bench.serve(camera)
    link, heard, _ = added(bench)
    bench.until(lambda: bool(heard.of("poll")))

    camera.alarm(41)
    bench.until(lambda: bool(heard.of("event")))

    (event,) = heard.of("event")
    assert ("alarm", {"code": 41}) == (event.name, event.values)
    link.stop()
    camera.alarm(42)
    bench.network.run_until(lambda: False, 2.0)
    assert 1 == len(heard.of("event"))


def carry_out(link: AddedLink, command: str, **arguments: Any) -> Any:
    return link.carry_out(BrokerCommand(link="cam", command=command, arguments=arguments))


def test_commands_take_arguments_of_json_and_give_results_of_json(bench: Bench) -> None:
    camera = MyCamera()
    bench.serve(camera)
    link, heard, _ = added(bench, polls={})
    bench.until(lambda: any(is_ready for _, is_ready, _ in heard.changes))

    assert {"x": 1.0, "y": 2.0, "angle": 5.0} == bench.result(carry_out(link, "locate", job=5))
    assert bench.result(carry_out(link, "light", lamp="ON")) is None
    for command, arguments, told in (
        ("reset", {}, "cam may not be given the command reset"),
        ("locate", {"job": "five"}, "job: must be a whole number, not 'five'"),
        ("locate", {}, "VisionCamera.locate: missing a required argument: 'job'"),
    ):
        error = bench.result(carry_out(link, command, **arguments))
        assert (CommandRefused, told) == (type(error), str(error))
    link.stop()


def test_a_command_does_not_wait_for_the_link(bench: Bench) -> None:
    link, _, proxy = added(bench, polls={})

    assert isinstance(bench.result(carry_out(link, "locate", job=5)), NotReady)
    link.stop()
    link_of(proxy).stopService()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {"polls": {"find": 1.0}},
            "VisionCamera has no command 'find'; its commands are locate, light, reset",
        ),
        ({"commands": ["alarm"]}, "VisionCamera has no command 'alarm'"),
        (
            {"polls": {"locate": 1.0}},
            "polls, locate: VisionCamera.locate: missing a required argument: 'job'",
        ),
        (
            {"polls": {"locate": (0, {"job": 1})}},
            "polls, locate: the seconds must be a number above 0, not 0",
        ),
    ],
    ids=["unknown poll", "an event", "no argument", "no time"],
)
def test_mistakes_are_told_when_a_link_is_added(bench: Bench, options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        added(bench, **options)
    assert str(caught.value).startswith(told)
