"""Commands of brokers: refused unless they are listed, checked, limited, and noted."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from zope.interface import provider

from tcpcomm import Fault, NotSent, simulated
from tcpcomm.devices.modbus import Memory
from tcpcomm.plant import CommandRefused, NotTheOwner
from tcpcomm.plant.gateway.configuration.settings import LinkSettings
from tcpcomm.plant.gateway.gateway import Gateway
from tcpcomm.plant.sink import BrokerCommand
from tests.equipment.declared import NO_PART, MyCamera, Position, VisionCamera
from tests.plant.gateway.stage import NoteSink, Stage


def started(stage: Stage, **keys: Any) -> tuple[MyCamera, Gateway]:
    served = MyCamera()
    at = stage.serve("camera-1", served)
    link = LinkSettings(device=VisionCamera, at=at, **{"commands": ("locate", "light"), **keys})
    gateway = stage.run({"camera-1": link}, sinks={"mes": NoteSink(), "cloud": NoteSink()})
    stage.until(lambda: gateway.links["camera-1"].is_ready)
    return served, gateway


def give(stage: Stage, command: str, *, sink: str = "mes", link: str = "camera-1", **arguments: Any) -> Any:
    carry_out = stage.outbox.connections[sink].carry_out
    assert carry_out is not None
    return stage.result(carry_out(BrokerCommand(link=link, command=command, arguments=arguments)))


def test_a_listed_command_is_carried_out_and_its_result_is_json(stage: Stage, logged: Any) -> None:
    served, gateway = started(stage)
    assert {"x": 1.0, "y": 2.0, "angle": 3.0} == give(stage, "locate", job=3)
    assert give(stage, "light", lamp="ON") is None
    assert (2, 0) == (gateway.commands.carried_out, gateway.commands.refused)
    assert 2 == len(served.done)


def test_a_fault_is_the_brokers_answer(stage: Stage) -> None:
    served, _ = started(stage)
    served.jobs[4] = NO_PART
    assert isinstance(give(stage, "locate", job=4), Fault)


@pytest.mark.parametrize(
    ("options", "command", "words"),
    [
        ({}, "reset", "'reset' is not allowed for camera-1; allowed: locate, light"),
        ({"link": "camera-9"}, "locate", "there is no link 'camera-9': did you mean 'camera-1'?"),
        ({"job": "3"}, "locate", "locate: job: must be a whole number, not '3'"),
        ({}, "locate", "locate: job: is missing"),
        ({"job": 3, "spede": 1}, "locate", "locate: spede: is not an argument of this command"),
        ({"lamp": "DIM"}, "light", "lamp: "),
    ],
    ids=["not listed", "no link", "wrong type", "missing", "unknown", "no member"],
)
def test_anything_else_is_refused_in_words(
    stage: Stage, options: dict[str, Any], command: str, words: str
) -> None:
    served, gateway = started(stage)
    refused = give(stage, command, **options)
    assert isinstance(refused, CommandRefused)
    assert words in str(refused)
    assert ([], 1) == (served.done, gateway.commands.refused)


def test_a_value_out_of_range_is_refused_without_a_traceback(stage: Stage, logged: list[str]) -> None:
    at = stage.serve("plc", simulated(Memory, behaves=True))
    link = LinkSettings(device="modbus", at=at, commands=("write_single_register",))
    gateway = stage.run({"plc": link})
    stage.until(lambda: gateway.links["plc"].is_ready)
    refused = give(stage, "write_single_register", link="plc", address=70000, value=1)
    words = "write_single_register: address: must be a whole number from 0 to 65535, not 70000"
    assert (CommandRefused, words) == (type(refused), str(refused))
    assert (0, 1) == (gateway.commands.carried_out, gateway.commands.refused)


def test_a_command_for_another_gateway_is_not_logged_as_refused(stage: Stage) -> None:
    _, gateway = started(stage)
    gateway.links["camera-1"].is_ours = lambda: False
    levels: list[str] = []

    @provider(ILogObserver)
    def observe(event: LogEvent) -> None:
        levels.append(event["log_level"].name)

    globalLogPublisher.addObserver(observe)
    try:
        assert isinstance(give(stage, "locate", job=3), NotTheOwner)
    finally:
        globalLogPublisher.removeObserver(observe)
    assert ("warn" in levels, gateway.commands.refused) == (False, 0)


def test_no_command_is_allowed_unless_it_is_listed(stage: Stage) -> None:
    started(stage, commands=None)
    assert "'locate' is not allowed for camera-1; allowed: no command" == str(give(stage, "locate", job=3))


def test_only_the_named_sinks_may_give_commands(stage: Stage) -> None:
    started(stage, commands_from=("cloud",))
    assert isinstance(give(stage, "locate", sink="mes", job=3), CommandRefused)
    assert {"x": 1.0, "y": 2.0, "angle": 3.0} == give(stage, "locate", sink="cloud", job=3)


def test_commands_beyond_the_limit_are_refused(stage: Stage) -> None:
    served, gateway = started(stage, max_commands=2)
    waiting: Deferred[Any] = Deferred()
    served.jobs[3] = lambda: waiting
    carry_out = gateway.commands.for_sink("mes")
    given: list[Any] = []
    for _ in range(2):
        call = carry_out(BrokerCommand(link="camera-1", command="locate", arguments={"job": 3}))
        Deferred.fromCoroutine(call).addBoth(given.append)  # type: ignore[arg-type]
    assert "2 commands are under way on camera-1: wait for one of them" == str(give(stage, "locate", job=1))
    served.jobs[3] = lambda: Position(0.0, 0.0, 0.0)
    waiting.callback(Position(1.0, 2.0, 3.0))
    stage.until(lambda: len(given) == 2)
    assert {"x": 1.0, "y": 2.0, "angle": 1.0} == give(stage, "locate", job=1)


def test_a_command_for_a_link_that_is_down_was_not_sent(stage: Stage) -> None:
    _, gateway = started(stage)
    stage.network.machine("camera-1").kill()
    stage.until(lambda: not gateway.links["camera-1"].is_ready)
    assert isinstance(give(stage, "locate", job=3), NotSent)


def test_each_sink_learns_which_values_and_commands_it_has(stage: Stage) -> None:
    started(stage, commands_from=("cloud",))
    described = {name: each.links[0].commands for name, each in stage.outbox.connections.items()}
    assert {"mes": (), "cloud": ("locate", "light")} == described
