"""A connection that is made again: its pauses, its reasons, and its end."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from tcpcomm.plant import RabbitMq
from tests.conftest import needs_module
from tests.plant.sinks.rabbitmq.rig import FakeBroker
from tests.session.stage import recorded_log

needs_module("pika", "pip install 'tcpcomm[rabbitmq]'")

from tcpcomm.plant.sinks.rabbitmq.broker_session import BrokerSession  # noqa: E402 - after the check
from tcpcomm.plant.sinks.rabbitmq.dialler import Dialler  # noqa: E402 - after the check
from tcpcomm.plant.sinks.rabbitmq.kept_session import KeptSession  # noqa: E402 - after the check


async def until_it_ends(session: BrokerSession) -> None:
    await session.ended


def kept(broker: FakeBroker) -> KeptSession:
    dialler = Dialler(RabbitMq(urls="amqp://broker"), "a test", broker.clock)
    return KeptSession(dialler, until_it_ends, broker.clock)


def test_it_tries_again_after_pauses_that_double_up_to_five_seconds(broker: FakeBroker) -> None:
    broker.is_there = False
    tried = kept(broker)
    tried.start()
    broker.clock.pump([0.25] * 80)
    assert [0.0, 0.5, 1.5, 3.5, 7.5, 12.5, 17.5] == broker.attempts
    assert "nobody is there" == tried.problem
    broker.is_there = True
    broker.clock.advance(5)
    assert "" == tried.problem


def test_it_connects_again_and_tells_why_it_must(broker: FakeBroker) -> None:
    used = kept(broker)
    used.start()
    broker.sessions[0].abort("it hung")
    assert "it hung" == used.problem
    broker.clock.advance(0.5)
    assert ("", 2) == (used.problem, len(broker.sessions))


def test_a_stop_ends_the_connection_and_all_attempts(broker: FakeBroker) -> None:
    for is_there in (True, False):
        broker.is_there = is_there
        stopped = kept(broker)
        stopped.start()
        Deferred.fromCoroutine(stopped.stop())
        assert [] == broker.clock.getDelayedCalls()
        assert ("" if is_there else "nobody is there") == stopped.problem
    assert "this side closed it" == broker.sessions[0].reason


def test_an_error_in_its_use_is_logged_and_does_not_end_it(broker: FakeBroker) -> None:
    uses: list[BrokerSession] = []

    async def use(session: BrokerSession) -> None:
        uses.append(session)
        if len(uses) < 3:
            raise ZeroDivisionError("a bug")
        await session.ended

    used = KeptSession(Dialler(RabbitMq(urls="amqp://broker"), "a test", broker.clock), use, broker.clock)
    with recorded_log() as log:
        used.start()
        assert "the program failed: ZeroDivisionError: a bug" == used.problem
        assert "a test: the program failed" in log.lines()
        broker.clock.pump([0.25] * 8)
        assert 1 == log.lines().count("a test: the program failed")
    assert (3, "") == (len(uses), used.problem)
