"""The ownership of links with a broker in memory: its token, and what each end of it tells."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from twisted.internet.defer import Deferred

from tcpcomm import ConfigurationError
from tcpcomm.plant import Ownership, RabbitMq
from tests.conftest import needs_module
from tests.plant.sinks.rabbitmq.rig import FakeBroker

needs_module("pika", "pip install 'tcpcomm[rabbitmq]'")

from pika.exceptions import ConsumerCancelled, NackError, UnroutableError  # noqa: E402 - after the check

from tcpcomm.plant.sinks.rabbitmq.ownership import RENEW_TOKEN, RabbitOwnership  # noqa: E402 - after the check

QUEUE = "plant.links.camera-1"
OTHER_QUEUE = "plant.links.camera-2"


class Rig:
    """A gateway that claims links."""

    def __init__(self, broker: FakeBroker, *links: str) -> None:
        self.broker = broker
        self.told_of: dict[str, list[str]] = {each: [] for each in links}
        self.ownership: Ownership = RabbitOwnership(
            RabbitMq(urls="amqp://broker"), "plant", "line-3", broker.clock
        )
        for link, told in self.told_of.items():
            self.ownership.claim(link, lambda told=told: told.append("gained"), told.append)  # type: ignore[misc]
        self.ownership.start()

    @property
    def told(self) -> list[str]:
        return self.told_of["camera-1"]

    @property
    def tokens(self) -> int:
        return sum(queue == QUEUE for queue, _, _ in self.broker.published)

    def give(self) -> int:
        return self.broker.give(QUEUE)


@contextmanager
def running(broker: FakeBroker, *links: str) -> Iterator[Rig]:
    made = Rig(broker, *links)
    yield made
    Deferred.fromCoroutine(made.ownership.stop())
    broker.clock.advance(2)
    assert [] == broker.clock.getDelayedCalls()


@pytest.fixture
def rig(broker: FakeBroker) -> Iterator[Rig]:
    with running(broker, "camera-1") as made:
        yield made


@pytest.fixture
def two(broker: FakeBroker) -> Iterator[Rig]:
    """Two links that are owned. Both are about to replace their tokens, and no confirm has come."""
    with running(broker, "camera-1", "camera-2") as made:
        broker.give(QUEUE)
        broker.give(OTHER_QUEUE)
        broker.give(QUEUE)
        broker.give(OTHER_QUEUE)
        broker.confirms = []
        yield made


def test_a_link_is_owned_with_its_token_which_is_replaced_at_once(rig: Rig) -> None:
    assert ["tcpcomm.owner.plant.line-3", QUEUE] == rig.broker.declared
    assert (1, False) == (rig.tokens, rig.ownership.owns("camera-1"))
    first = rig.give()
    assert (["gained"], True) == (rig.told, rig.ownership.owns("camera-1"))
    assert (2, [first]) == (rig.tokens, rig.broker.acknowledged)
    assert not rig.ownership.owns("another")


def test_a_token_is_replaced_every_thirty_seconds(rig: Rig) -> None:
    rig.give()
    second = rig.give()
    rig.broker.clock.advance(29)
    assert (2, 1) == (rig.tokens, len(rig.broker.acknowledged))
    rig.broker.clock.advance(1)
    assert (3, second) == (rig.tokens, rig.broker.acknowledged[-1])
    rig.give()
    assert ["gained"] == rig.told


def test_an_owner_that_gets_no_new_token_is_none_any_more(rig: Rig) -> None:
    rig.give()
    rig.broker.clock.advance(8)
    assert (["gained", "the broker did not renew the token"], False) == (
        rig.told,
        rig.ownership.owns("camera-1"),
    )
    assert "camera-1: the broker did not renew the token" == rig.ownership.problem()
    rig.broker.clock.advance(2)
    rig.give()
    assert (["gained"], "") == (rig.told[2:], rig.ownership.problem())


def test_an_owner_whose_broker_takes_no_new_token_is_none_any_more(rig: Rig) -> None:
    rig.give()
    rig.give()
    rig.broker.is_there = False  # for new connections, such as that of the tokens
    rig.broker.sessions[-1].abort("it is cut off")
    rig.broker.clock.pump([0.5] * 99)
    assert (["gained"], True) == (rig.told, rig.ownership.owns("camera-1"))
    rig.broker.clock.pump([0.5] * 2)
    assert (["gained", "the broker did not take a new token"], False) == (
        rig.told,
        rig.ownership.owns("camera-1"),
    )


def test_the_end_of_the_connection_is_the_end_of_the_ownership(rig: Rig) -> None:
    rig.give()
    rig.give()
    rig.broker.sessions[0].abort("it hung")
    assert (["gained", "it hung"], False) == (rig.told, rig.ownership.owns("camera-1"))
    assert "it hung" == rig.ownership.problem()


def test_a_broker_without_space_takes_no_link_away(rig: Rig) -> None:
    rig.give()
    rig.give()
    rig.broker.sessions[-1].blocked = "low on disk"
    rig.broker.clock.pump([30.0] * 3)
    assert (["gained"], True, 2) == (rig.told, rig.ownership.owns("camera-1"), rig.tokens)


def test_a_stop_tells_it_first(rig: Rig) -> None:
    rig.give()
    Deferred.fromCoroutine(rig.ownership.stop())
    assert (["gained", "this gateway stops"], False) == (rig.told, rig.ownership.owns("camera-1"))


def test_a_link_is_claimed_once(rig: Rig) -> None:
    with pytest.raises(ConfigurationError, match="the link camera-1 is claimed already"):
        rig.ownership.claim("camera-1", lambda: None, lambda reason: None)


def test_a_deleted_queue_takes_its_own_link_only(two: Rig) -> None:
    """Pika takes the first token that is confirmed for the one that came back."""
    two.broker.missing.add(OTHER_QUEUE)
    two.broker.clock.advance(RENEW_TOKEN)
    first, second = two.broker.take_confirms()
    first.errback(UnroutableError([]))
    second.callback(None)
    two.give()
    assert (["gained"], True) == (two.told, two.ownership.owns("camera-1"))
    reason = f"the queue {OTHER_QUEUE} was deleted"
    assert (["gained", reason], False) == (two.told_of["camera-2"], two.ownership.owns("camera-2"))
    assert f"camera-2: {reason}" == two.ownership.problem()
    assert 2 == len(two.broker.sessions), "the connections stay"


def test_a_token_that_is_not_taken_harms_no_other_link(two: Rig) -> None:
    two.broker.clock.advance(RENEW_TOKEN)
    first, second = two.broker.take_confirms()
    first.errback(NackError([]))
    second.callback(None)
    two.broker.give(OTHER_QUEUE)
    two.broker.clock.advance(1)
    (again,) = two.broker.take_confirms()
    again.callback(None)
    two.give()
    assert {"camera-1": ["gained"], "camera-2": ["gained"]} == two.told_of
    assert 2 == len(two.broker.sessions), "the connections stay"


def test_a_queue_that_is_deleted_before_its_first_token_is_claimed_again(broker: FakeBroker) -> None:
    broker.missing.add(QUEUE)
    broker.confirms = []
    with running(broker, "camera-1") as rig:
        (confirm,) = broker.take_confirms()
        confirm.errback(UnroutableError([]))
        broker.cancel(QUEUE, ConsumerCancelled("it was deleted"))
        broker.missing.clear()
        broker.confirms = None
        broker.clock.advance(2)
        rig.give()
        assert ["gained"] == rig.told


def test_a_first_token_that_came_back_is_put_in_again(broker: FakeBroker) -> None:
    """A node of the broker may hear of a new queue later than the one that made it."""
    broker.missing.add(QUEUE)
    broker.confirms = []
    with running(broker, "camera-1") as rig:
        (confirm,) = broker.take_confirms()
        confirm.errback(UnroutableError([]))
        broker.missing.clear()
        broker.clock.advance(1)
        (again,) = broker.take_confirms()
        again.callback(None)
        assert 2 == rig.tokens
        rig.give()
        assert ["gained"] == rig.told


def test_tokens_may_take_their_time_when_the_broker_has_space_again(two: Rig) -> None:
    two.broker.clock.advance(RENEW_TOKEN)
    session = two.broker.sessions[-1]
    session.blocked = "low on disk"
    two.broker.clock.advance(4)
    session.unblock()
    two.broker.clock.advance(4)
    assert "" == session.reason
    assert {"camera-1": ["gained"], "camera-2": ["gained"]} == two.told_of
