"""A listener decodes the same messages as the sessions of both sides, from the bytes alone."""

from __future__ import annotations

from inspect import signature
from random import Random
from typing import Any

import pytest

from tcpcomm import Equipment, MessageKind, ObservedMessage, simulated
from tcpcomm.devices.catalogue import Device, all_devices, find_device
from tcpcomm.equipment.equipment import declaration_of
from tests.conversation.test_two_phases import MyRobot, Robot
from tests.equipment import test_forms as forms
from tests.equipment import test_heartbeats as heartbeats
from tests.equipment.declared import Bench, RpcCamera, Scale, VisionCamera
from tests.tools.dissect.listening import Listener, MessageRecorder, facts_of_message

KINDS: dict[str, type[Equipment]] = {
    each.__name__: each
    for each in (
        forms.Box,
        forms.Grbl,
        forms.Inspector,
        forms.Reader,
        forms.Star,
        RpcCamera,
        Scale,
        VisionCamera,
    )
}


def agree(listener: Listener, host: MessageRecorder) -> None:
    """Check that all was heard as its receiver told it: commands at the equipment, answers at the host."""
    to_equipment, to_host = (
        [facts_of_message(each) for each in listener.heard if each.sent is sent] for sent in (False, True)
    )
    assert to_equipment
    assert [facts_of_message(each) for each in listener.live if not each.sent] == to_equipment
    assert [facts_as_heard(each, listener) for each in host.messages if not each.sent] == to_host


def facts_as_heard(message: ObservedMessage, listener: Listener) -> tuple[Any, ...]:
    """Return the facts of an answer. A listener does not know if the program or its link has asked."""
    kind, *others = facts_of_message(message)
    is_beat = message.answers is not None and message.answers.name == listener.heartbeat
    return MessageKind.HEARTBEAT if kind is MessageKind.REPLY and is_beat else kind, *others


@pytest.mark.parametrize("cuts", [0.0, 1.0], ids=["whole", "cut"])
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_commands_replies_faults_and_events(kind: type[Equipment], cuts: float) -> None:
    bench, declaration, random = Bench(cuts=cuts), declaration_of(kind), Random(3)
    listener = Listener(declaration)
    equipment: Any = simulated(kind, fault_rate=0.2, reactor=bench.camera.clock)
    bench.serve(equipment, observers=[listener])
    host = MessageRecorder()
    proxy = bench.remote(kind, observers=[host])
    for _ in range(10):
        asked = [
            getattr(proxy, name)(**declaration.dialect.draw_values(name, random))
            for name in declaration.commands
        ]
        for name in declaration.events:
            getattr(equipment, name)(**declaration.dialect.draw_values(name, random))
        for each in asked:
            bench.result(each)
    agree(listener, host)


WITHOUT_LOGIN = [
    each.name
    for each in all_devices()
    if isinstance(each, Device) and each.simulator is not None and not declaration_of(each.load()).login
]
"""The devices whose bytes an observer sees unmasked."""


@pytest.mark.parametrize("name", WITHOUT_LOGIN)
def test_devices_with_a_simulator_of_their_own(name: str) -> None:
    device = find_device(name)
    kind: Any = device.load_simulator()
    assert kind is not None
    bench, declaration, random = Bench(), declaration_of(kind), Random(3)
    listener = Listener(declaration)
    takes_clock = "clock" in signature(kind).parameters
    bench.serve(kind(clock=bench.camera.clock) if takes_clock else kind(), observers=[listener])
    host = MessageRecorder()
    proxy: Any = bench.remote(declaration_of(device.load()).kind, observers=[host])
    for each in declaration.commands:
        asked = getattr(proxy, each)(**declaration.dialect.draw_values(each, random))
        assert not isinstance(bench.result(asked, within=60.0), AssertionError)
    agree(listener, host)


def test_commands_in_two_phases_are_heard_as_two_commands() -> None:
    bench, listener = Bench(), Listener(declaration_of(Robot))
    bench.serve(MyRobot(), observers=[listener])
    proxy = bench.remote(Robot)
    for asked in (proxy.position(0, 0), proxy.position(1, 0), proxy.status(), proxy.start(1, 2.5)):
        bench.result(asked)
    assert [each.frame for each in listener.live] == [each.frame for each in listener.heard]
    assert [each.kind for each in listener.live] == [each.kind for each in listener.heard]
    assert [("position", 7)] == [
        (each.name, each.values["code"]) for each in listener.heard if each.kind is MessageKind.FAULT
    ]


@pytest.mark.parametrize("kind", [heartbeats.Beating, heartbeats.BeatingAlways, heartbeats.BeatingById])
def test_heartbeats(kind: Any) -> None:
    bench, listener = Bench(), Listener(declaration_of(kind))
    bench.serve(simulated(kind, latency=(0.3, 0.3), reactor=bench.camera.clock), observers=[listener])
    host = MessageRecorder()
    proxy = bench.remote(kind, policy="lan", observers=[host])
    bench.result(proxy.measure())
    bench.network.advance(1.0)
    agree(listener, host)
