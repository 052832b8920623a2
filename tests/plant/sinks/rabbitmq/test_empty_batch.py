"""An empty batch asks if the broker takes messages: it connects, and looks for the queue."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from tcpcomm.plant import RabbitMq, SinkUnavailable
from tests.conftest import needs_module
from tests.plant.sinks.rabbitmq.rig import FakeBroker

needs_module("pika", "pip install 'tcpcomm[rabbitmq]'")


def given(broker: FakeBroker) -> list[Any]:
    connection = RabbitMq(urls="amqp://broker", queue="line-3").open("mes", broker.clock)
    found: list[Any] = []
    for _ in range(2):
        delivered = connection.deliver(())
        Deferred.fromCoroutine(delivered).addBoth(found.append)
    return found


def test_it_connects_once_and_declares_the_queue(broker: FakeBroker) -> None:
    assert [{}, {}] == given(broker)
    assert ([0.0], ["line-3"]) == (broker.attempts, broker.declared)
    assert [] == broker.published


def test_without_a_broker_it_fails(broker: FakeBroker) -> None:
    broker.is_there = False
    for each in given(broker):
        assert isinstance(each, Failure)
        with pytest.raises(SinkUnavailable, match="nobody is there"):
            each.raiseException()
