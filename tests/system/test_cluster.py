"""Nothing acknowledged is lost when brokers and gateways die: the short form of the proof."""

from __future__ import annotations

import sys

import pytest

from tests.conftest import needs_module
from tests.system.brokers.rabbitmq import rabbitmq_programs

needs_module("pika", "pip install 'tcpcomm[rabbitmq]'")
if sys.platform != "linux":
    pytest.skip("it stops processes and reads Debian's package of RabbitMQ", allow_module_level=True)
rabbitmq_programs()

from tests.system.cluster.run import SHORT_FAULTS, run  # noqa: E402 - after the check


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_and_the_order_is_kept() -> None:
    outcome = run(SHORT_FAULTS, print)
    assert ([], 0) == (outcome.violations, outcome.stale_acts)
    assert [0] * len(SHORT_FAULTS) == [each.lost for each in outcome.rows]
    assert all(each.acknowledged > 50 for each in outcome.rows)
