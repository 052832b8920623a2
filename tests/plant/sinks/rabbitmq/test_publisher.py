"""Deliveries to RabbitMQ, to a broker in memory."""

from __future__ import annotations

from math import inf

import pytest

from tcpcomm.plant import RabbitMq
from tests.conftest import needs_module
from tests.plant.sinks.messages import deliver, message
from tests.plant.sinks.rabbitmq.rig import FakeBroker

needs_module("pika", "pip install 'tcpcomm[rabbitmq]'")

from tcpcomm.plant.sinks.rabbitmq.publisher import RabbitMqConnection  # noqa: E402 - after the check


@pytest.mark.parametrize("expires_at", [inf, 1e13], ids=["never", "in 300,000 years"])
def test_a_time_that_no_calendar_has_is_left_out(broker: FakeBroker, expires_at: float) -> None:
    connection = RabbitMqConnection(RabbitMq(urls="amqp://broker"), "mes", broker.clock)

    assert {} == deliver(connection, [message(1, 1), message(2, 2, expires_at=expires_at)])
    assert [b"1", b"2"] == [body for _, body, _ in broker.published]
    assert "expires_at" not in broker.published[1][2].headers
