"""Commands of a broker: at most once, never late, and not too many at once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from tcpcomm.plant import RabbitMq
from tcpcomm.plant.sink import BrokerCommand
from tests.conftest import needs_module
from tests.plant.sinks.rabbitmq.rig import FakeBroker

needs_module("pika", "pip install 'tcpcomm[rabbitmq]'")

from tcpcomm.plant.sinks.rabbitmq.command_receiver import CommandReceiver  # noqa: E402 - after the check

QUEUE = "tcpcomm.commands"
LOCATE = b'{"link": "camera-1", "command": "locate"}'


class Rig:
    """A receiver whose commands take until they are answered here."""

    def __init__(self, broker: FakeBroker) -> None:
        self.broker = broker
        self.running: list[Deferred[Any]] = []
        self.receiver = CommandReceiver(
            RabbitMq(urls="amqp://broker"),
            sink="mes",
            gateway="line-3",
            carry_out=self.carry_out,
            reactor=broker.clock,
        )
        self.receiver.start()

    def carry_out(self, command: BrokerCommand) -> Deferred[Any]:
        self.running.append(Deferred())
        return self.running[-1]

    @property
    def replies(self) -> list[Any]:
        return [json.loads(body) for queue, body, _ in self.broker.published if queue == "host"]


@pytest.fixture
def rig(broker: FakeBroker) -> Iterator[Rig]:
    made = Rig(broker)
    yield made
    Deferred.fromCoroutine(made.receiver.stop())
    assert [] == broker.clock.getDelayedCalls()


def test_it_holds_the_name_of_the_gateway(rig: Rig) -> None:
    assert ["tcpcomm.gateway.line-3.mes", QUEUE] == rig.broker.declared


def test_a_command_is_acknowledged_before_it_is_carried_out(rig: Rig) -> None:
    tag = rig.broker.give(QUEUE, LOCATE, reply_to="host", correlation_id="7")
    assert ([tag], 1, []) == (rig.broker.acknowledged, len(rig.running), rig.replies)
    rig.running[0].callback(3.5)
    assert [{"result": 3.5}] == rig.replies
    assert "7" == rig.broker.published[0][2].correlation_id


def test_at_most_32_commands_are_carried_out_at_once(rig: Rig) -> None:
    for _ in range(40):
        rig.broker.give(QUEUE, LOCATE)
    assert (32, 32) == (len(rig.running), len(rig.broker.acknowledged))
    rig.running[0].callback(None)
    assert 33 == len(rig.running)


def test_a_connection_that_is_lost_while_a_command_waits_costs_no_place(rig: Rig) -> None:
    for _ in range(33):
        rig.broker.give(QUEUE, LOCATE)
    rig.broker.sessions[-1].abort("the cable is out")
    for each in [*rig.running]:
        each.callback(None)
    rig.running.clear()
    rig.broker.clock.pump([0.5] * 20)
    for _ in range(40):
        rig.broker.give(QUEUE, LOCATE)
    assert 32 == len(rig.running)


def test_a_command_that_waited_too_long_is_not_carried_out(rig: Rig) -> None:
    for _ in range(33):
        rig.broker.give(QUEUE, LOCATE, reply_to="host")
    rig.broker.clock.pump([0.5] * 11)
    rig.running[0].callback(None)
    assert ["too-old"] == [each["error"] for each in rig.replies if "error" in each]
    assert 32 == len(rig.running)


def test_a_process_that_was_stopped_carries_nothing_out_that_is_old(rig: Rig) -> None:
    rig.broker.clock.rightNow += 6  # no timer runs meanwhile, and the command came at the beginning
    rig.broker.give(QUEUE, LOCATE, reply_to="host")
    assert ["too-old"] == [each["error"] for each in rig.replies]
    rig.broker.clock.pump([0.5] * 3)
    rig.broker.give(QUEUE, LOCATE, reply_to="host")
    assert 1 == len(rig.running)


def test_the_own_expiration_of_a_command_is_kept(rig: Rig) -> None:
    rig.broker.clock.rightNow += 2
    rig.broker.give(QUEUE, LOCATE, reply_to="host", expiration="1000")
    assert "commands older than 1 s are not carried out" in rig.replies[0]["reason"]


def test_the_time_of_the_sender_is_looked_at(rig: Rig) -> None:
    now = int(time.time())
    rig.broker.give(QUEUE, LOCATE, reply_to="host", timestamp=now - 30)
    assert "too-old" == rig.replies[0]["error"]
    rig.broker.give(QUEUE, LOCATE, reply_to="host", timestamp=now)
    assert 1 == len(rig.running)


def test_what_the_broker_gives_again_is_not_carried_out(rig: Rig) -> None:
    rig.broker.give(QUEUE, LOCATE, reply_to="host", redelivered=True)
    assert "repeated" == rig.replies[0]["error"]
    assert [] == rig.running
