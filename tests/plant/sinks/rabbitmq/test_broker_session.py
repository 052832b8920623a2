"""One connection to a broker without a broker: silence, nonsense, and a process that was stopped."""

from __future__ import annotations

import pytest
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from tests.conftest import needs_module

needs_module("pika", "pip install 'tcpcomm[rabbitmq]'")

from pika import ConnectionParameters  # noqa: E402 - after the check

from tcpcomm.plant.sinks.rabbitmq.broker_session import BrokerSession  # noqa: E402 - after the check

START = b"AMQP\x00\x00\x09\x01"


class Transport(StringTransport):
    """A transport that can be aborted."""

    aborted = False

    def abortConnection(self) -> None:
        self.aborted = True


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def session(clock: Clock) -> BrokerSession:
    made = BrokerSession(ConnectionParameters(heartbeat=4), 8.0, clock)
    made.opened.addErrback(lambda failure: None)
    made.makeConnection(Transport())  # type: ignore[no-untyped-call]
    return made


def transport(session: BrokerSession) -> Transport:
    assert isinstance(session.transport, Transport)
    return session.transport


def lose(session: BrokerSession) -> list[str]:
    reasons: list[str] = []
    session.ended.addCallback(reasons.append)
    session.connectionLost(Failure(ConnectionLost()))
    return reasons


def test_it_begins_as_amqp_does(session: BrokerSession) -> None:
    assert START == transport(session).value()  # type: ignore[no-untyped-call]
    assert session.is_alive


def test_a_silent_broker_is_left(session: BrokerSession, clock: Clock) -> None:
    clock.advance(7.9)
    assert session.is_alive
    clock.advance(0.2)
    assert transport(session).aborted
    assert not session.is_alive
    assert ["the broker was silent for 8 s"] == lose(session)
    assert [] == clock.getDelayedCalls()


def test_a_process_that_was_stopped_notices_before_it_reads(session: BrokerSession, clock: Clock) -> None:
    clock.rightNow += 60  # no timer runs while the process is stopped
    assert not session.is_alive
    session.dataReceived(START)
    assert ["nothing of the broker was read for 60 s"] == lose(session)


def test_bytes_that_are_not_amqp_end_it_with_words(session: BrokerSession) -> None:
    session.dataReceived(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert transport(session).aborted
    assert "it does not speak AMQP 0-9-1" == session.reason


def test_a_wrong_frame_ends_it_with_words(session: BrokerSession) -> None:
    session.dataReceived(b"\x01\x00\x00\x00\x00\x00\x04abcdX")
    assert transport(session).aborted
    assert session.reason.startswith("it does not speak AMQP 0-9-1: ")


def test_the_first_reason_stays(session: BrokerSession) -> None:
    session.abort("it hung")
    session.abort("another")
    assert ["it hung"] == lose(session)


def test_an_orderly_end_takes_at_most_two_seconds(session: BrokerSession, clock: Clock) -> None:
    session.finish()
    assert ["this side closed it"] == lose(session)
    assert [] == clock.getDelayedCalls()
