"""The outcome of messages that are confirmed together."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from tests.conftest import needs_module

needs_module("pika", "pip install 'tcpcomm[rabbitmq]'")

from pika.exceptions import ChannelClosedByBroker, NackError, UnroutableError  # noqa: E402 - after the check

from tcpcomm.plant.sinks.rabbitmq.batch import Batch  # noqa: E402 - after the check
from tcpcomm.plant.sinks.rabbitmq.refusals import reason_text, refusal_text, too_large  # noqa: E402 - after the check


class Rig:
    """A batch of three messages, and the confirms that a channel gives for them."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.batch = Batch(self.clock)
        self.confirms: dict[str, Deferred[object]] = {id: Deferred() for id in "abc"}
        for id, confirm in self.confirms.items():
            self.batch.expect(id, confirm)
        self.ended: list[object] = []
        self.batch.wait().addBoth(self.ended.append)


def test_it_ends_with_the_last_confirm() -> None:
    rig = Rig()
    for seconds, id in enumerate("bca"):
        assert [] == rig.ended
        rig.clock.rightNow = seconds
        rig.confirms[id].callback(None)
    assert ([None], {"a", "b", "c"}, 2) == (rig.ended, rig.batch.confirmed, rig.batch.heard_at)


def test_the_message_that_was_returned_counts_and_not_the_one_that_pika_names() -> None:
    rig = Rig()
    rig.batch.return_message("c", "no queue")
    rig.confirms["a"].errback(UnroutableError([]))  # the first of those that were confirmed together
    rig.confirms["b"].callback(None)
    rig.confirms["c"].callback(None)
    assert ([None], {"c": "no queue"}) == (rig.ended, rig.batch.returned)
    assert {"a", "b", "c"} == rig.batch.confirmed


def test_a_message_that_the_broker_did_not_take_is_known() -> None:
    rig = Rig()
    rig.confirms["a"].callback(None)
    rig.confirms["b"].errback(NackError([]))
    rig.confirms["c"].callback(None)
    assert ([None], {"b"}, {"a", "c"}) == (rig.ended, rig.batch.nacked, rig.batch.confirmed)


def test_the_end_of_the_channel_ends_it_once() -> None:
    rig = Rig()
    rig.confirms["a"].callback(None)
    for id in "bc":
        rig.confirms[id].errback(ChannelClosedByBroker(404, "NOT_FOUND"))
    (failure,) = rig.ended
    assert "NOT_FOUND" in str(failure)
    assert {"a"} == rig.batch.confirmed


def test_without_messages_nothing_is_waited_for() -> None:
    ended: list[object] = []
    Batch(Clock()).wait().addCallback(ended.append)
    assert [None] == ended


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ("NOT_FOUND - no exchange 'x' in vhost '/'", "there is no exchange x in the virtual host /"),
        ("NOT_ALLOWED - vhost plant not found", "the broker has no virtual host plant"),
        ("NOT_ALLOWED - access to vhost '/' refused for user 'mes'", "the user mes may not use"),
        ("CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'", "is shutting down"),
        ("INTERNAL_ERROR", "the broker says: INTERNAL_ERROR"),
    ],
    ids=["exchange", "host", "access", "shutdown", "other"],
)
def test_a_refusal_is_told_in_words_and_with_the_brokers_text(reply: str, words: str) -> None:
    assert words in refusal_text(reply)
    assert reply in refusal_text(reply)
    assert refusal_text(f"530 {reply}") == reason_text(f"530 {reply}")
    assert "it hung" == reason_text("it hung")


def test_the_sizes_of_a_message_that_is_too_large_are_read() -> None:
    text = "PRECONDITION_FAILED - message size 200 is larger than configured max size 100"
    assert (200, 100) == too_large(text)
    assert None is too_large("PRECONDITION_FAILED")
