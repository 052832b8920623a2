"""Deliveries to RabbitMQ, to a broker in memory."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

import pytest
from twisted.internet.defer import Deferred

from tcpcomm.plant import RabbitMq
from tests.conftest import needs_module
from tests.plant.sinks.messages import deliver, message, result_of
from tests.plant.sinks.rabbitmq.rig import FakeBroker

needs_module("pika", "pip install 'tcpcomm[rabbitmq]'")

from tcpcomm.plant.sinks.rabbitmq.publisher import RabbitMqConnection  # noqa: E402 - after the check


@pytest.mark.parametrize("expires_at", [inf, 1e13], ids=["never", "in 300,000 years"])
def test_a_time_that_no_calendar_has_is_left_out(broker: FakeBroker, expires_at: float) -> None:
    connection = RabbitMqConnection(RabbitMq(urls="amqp://broker"), "mes", broker.clock)

    assert {} == deliver(connection, [message(1, 1), message(2, 2, expires_at=expires_at)])
    assert [b"1", b"2"] == [body for _, body, _ in broker.published]
    assert "expires_at" not in broker.published[1][2].headers


def begun(broker: FakeBroker) -> Deferred[Mapping[str, str]]:
    """Begin a delivery that no confirm has ended yet."""
    broker.confirms = []
    sink = RabbitMq(urls="amqp://broker", confirm_timeout=5.0)
    return Deferred.fromCoroutine(RabbitMqConnection(sink, "mes", broker.clock).deliver([message(1, 1)]))


def test_a_broker_that_confirms_nothing_is_left(broker: FakeBroker) -> None:
    begun(broker)
    broker.clock.pump([1.0] * 5)
    assert ["the broker confirmed nothing for 5 s"] == [each.reason for each in broker.sessions]


def test_the_wait_for_confirms_begins_anew_when_the_broker_has_space_again(broker: FakeBroker) -> None:
    delivery = begun(broker)
    (session,) = broker.sessions
    session.blocked = "low on disk"
    broker.clock.pump([1.0] * 10)
    session.unblock()
    broker.clock.pump([1.0] * 4)
    (confirm,) = broker.take_confirms()
    confirm.callback(None)
    assert {} == result_of(delivery)
    assert "" == session.reason
