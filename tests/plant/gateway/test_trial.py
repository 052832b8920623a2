"""Each link and each sink of a plan is tried once, without sending a command."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from attrs import frozen

from tcpcomm.plant import SinkUnavailable
from tcpcomm.plant.gateway.configuration.plant_file import plan_of
from tcpcomm.plant.gateway.configuration.settings import GatewaySettings, LinkSettings, PlantSettings
from tcpcomm.plant.gateway.trial import try_all
from tcpcomm.plant.opcua.options import OpcUaOptions
from tests.conftest import needs_module
from tests.equipment.declared import MyCamera, VisionCamera
from tests.plant.gateway.stage import NoteConnection, NoteSink, Stage


@frozen(kw_only=True)
class TriedSink(NoteSink):
    """A sink that takes an empty batch if its broker is there."""

    is_there: bool = True

    def open(self, name: str, reactor: Any) -> NoteConnection:
        return TriedConnection(self.is_there)


class TriedConnection(NoteConnection):
    def __init__(self, is_there: bool) -> None:
        super().__init__()
        self._is_there = is_there

    async def deliver(self, messages: Any) -> dict[str, str]:
        assert not messages
        if not self._is_there:
            raise SinkUnavailable("the broker refused the password")
        return {}


def tried(
    stage: Stage, links: dict[str, LinkSettings], sinks: dict[str, Any], deadline: float
) -> list[str]:
    clock = stage.machine.clock
    plan = plan_of(PlantSettings(links=links, sinks=sinks), reactor=clock)
    found = stage.result(try_all(plan, deadline, clock))
    assert [] == stage.machine.timers
    return [str(each) for each in found]


def test_what_is_there_is_ready_and_the_rest_is_told_with_its_reason(stage: Stage) -> None:
    camera = MyCamera()
    links = {
        "camera-1": LinkSettings(device=VisionCamera, at=stage.serve("camera-1", camera)),
        "camera-2": LinkSettings(
            device=VisionCamera, at=stage.machine.connecting(stage.network.machine("camera-2"), 9999)
        ),
    }
    first, second, mes, cloud = tried(
        stage, links, {"mes": TriedSink(), "cloud": TriedSink(is_there=False)}, 3.0
    )
    assert first.startswith("link camera-1: ready in 0.0")
    assert second.startswith("link camera-2: not ready: down after 3 s: ")
    assert "sink mes: ready in 0.00 s" == mes
    assert "sink cloud: not ready: the broker refused the password" == cloud
    assert [] == camera.done


def test_at_most_50_links_are_tried_at_the_same_time(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tcpcomm.plant.gateway.trial.TRIED_AT_ONCE", 2)
    stage.network.machine("nobody").pull()
    at = stage.machine.connecting(stage.network.machine("nobody"), 9999)
    links = {f"camera-{number}": LinkSettings(device=VisionCamera, at=at) for number in range(6)}
    began = stage.network.clock.now
    assert 7 == len(tried(stage, links, {"mes": TriedSink()}, 3.0))
    assert 9 <= stage.network.clock.now - began < 10, "three times two"


def test_the_ports_of_the_metrics_and_of_opc_ua_are_tried(stage: Stage) -> None:
    needs_module("asyncua", "pip install 'tcpcomm[opcua]'")
    needs_module("prometheus_client", "pip install 'tcpcomm[metrics]'")
    at = stage.serve("camera-1", MyCamera())
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = PlantSettings(
            gateway=GatewaySettings(metrics=str(port)),
            links={"camera-1": LinkSettings(device=VisionCamera, at=at)},
            sinks={"mes": TriedSink()},
            opcua=OpcUaOptions(endpoint="opc.tcp://127.0.0.1:0/tcpcomm"),
        )
        clock = stage.machine.clock
        found = stage.result(try_all(plan_of(settings, reactor=clock), 3.0, clock))
    metrics, opcua = (str(each) for each in found[2:])
    assert metrics.startswith(f"metrics {port}: not ready: cannot listen there: ")
    assert "OPC UA opc.tcp://127.0.0.1:0/tcpcomm: ready in 0.00 s" == opcua
