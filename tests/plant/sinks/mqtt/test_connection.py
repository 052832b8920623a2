"""The connection of a sink, by a virtual clock and a broker that does as it is told."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from tcpcomm.plant import Mqtt, OutboxMessage, SinkUnavailable
from tcpcomm.plant.errors import CommandRefused
from tcpcomm.plant.sink import BrokerCommand
from tcpcomm.plant.sinks.mqtt.connection import MQTT_LEAVE_SECONDS, MQTT_PAUSE, MqttConnection
from tcpcomm.plant.sinks.mqtt.packets import (
    Arrived,
    BrokerLimits,
    Ending,
    Publication,
    Subscription,
    packet_size,
)
from tcpcomm.plant.sinks.mqtt.plain import PlainForm
from tcpcomm.plant.sinks.mqtt.wire import Opening
from tests.plant.sinks.mqtt.declared import camera


@define(eq=False)
class FakeWire:
    """A wire that notes what it is asked, and tells what a test wants."""

    opening: Opening
    user: Any
    reactor: Any
    log: list[str] = field(factory=list)
    published: list[Publication] = field(factory=list)
    tokens: list[Any] = field(factory=list)

    def start(self) -> None:
        self.log.append("start")

    def publish(self, publication: Publication, token: Any = None) -> None:
        self.published.append(publication)
        self.tokens.append(token)

    def subscribe(self, subscriptions: Sequence[Subscription]) -> None:
        self.log.append(f"subscribe {[each.topic for each in subscriptions]}")

    def leave(self) -> None:
        self.log.append("leave")

    def abort(self) -> None:
        self.log.append("abort")

    def accept(self, **limits: Any) -> None:
        self.user.wire_opened(self, BrokerLimits(**limits))

    def confirm(self, *tokens: str, code: int = 0) -> None:
        for each in tokens:
            self.user.wire_confirmed(self, each, code, "")

    def end(self, reason: str = "the cable is out", **more: Any) -> None:
        self.user.wire_ended(self, Ending(reason=reason, **more))


class Line:
    """A connection, its clock and its wires."""

    def __init__(self, **options: Any) -> None:
        self.clock = Clock()
        self.wires: list[FakeWire] = []
        sink = Mqtt(**options)
        self.connection = MqttConnection(
            sink,
            "scada",
            self.clock,
            PlainForm(sink, "scada", self.clock),
            make_wire=self.make,
            random=Random(1),
        )

    def make(self, opening: Opening, user: Any, reactor: Any) -> FakeWire:
        self.wires.append(FakeWire(opening, user, reactor))
        return self.wires[-1]

    @property
    def wire(self) -> FakeWire:
        return self.wires[-1]

    def deliver(self, *numbers: int) -> Deferred[Any]:
        return Deferred.fromCoroutine(self.connection.deliver([message(each) for each in numbers]))


def message(number: int) -> OutboxMessage:
    return OutboxMessage(id=f"box-{number}", number=number, topic="a", body=b"%d" % number, posted_at=1.0)


def result(deferred: Deferred[Any]) -> Any:
    """Return the result of a Deferred that has one; raise its error."""
    found: list[Any] = []
    deferred.addBoth(found.append)
    assert found, "it still waits"
    if isinstance(found[0], Failure):
        found[0].raiseException()
    return found[0]


def error(deferred: Deferred[Any]) -> SinkUnavailable:
    with pytest.raises(SinkUnavailable) as caught:
        result(deferred)
    return caught.value


def run(awaitable: Awaitable[Any]) -> Deferred[Any]:
    return Deferred.fromCoroutine(awaitable)  # type: ignore[arg-type]


def test_a_batch_is_pipelined_and_ends_with_its_last_confirmation() -> None:
    line = Line()
    delivery = line.deliver(1, 2, 3)
    assert [] == line.wire.published
    line.wire.accept()
    assert ["box-1", "box-2", "box-3"] == line.wire.tokens
    line.wire.confirm("box-1", "box-3")
    assert not delivery.called
    line.wire.confirm("box-2")

    assert {} == result(delivery)


def test_a_loss_in_the_middle_tells_what_is_confirmed() -> None:
    line = Line()
    delivery = line.deliver(1, 2, 3)
    line.wire.accept()
    line.wire.confirm("box-1", "box-2")
    line.wire.end(was_accepted=True)

    found = error(delivery)
    assert {"box-1", "box-2"} == set(found.confirmed)
    assert "the cable is out" == str(found)


def test_a_late_confirmation_of_a_dropped_connection_counts_for_nothing() -> None:
    line = Line()
    first = line.deliver(1, 2)
    line.wire.accept()
    old = line.wire
    old.confirm("box-2")
    first.cancel()
    assert {"box-2"} == set(error(first).confirmed)
    assert "abort" in old.log
    second = line.deliver(1)
    line.wire.accept()
    assert old is not line.wire
    old.confirm("box-1")
    old.end()
    assert not second.called
    line.wire.confirm("box-1")

    assert {} == result(second)


def test_a_quota_is_trouble_of_the_broker_and_a_denied_topic_is_refused() -> None:
    line = Line()
    delivery = line.deliver(1, 2)
    line.wire.accept()
    line.wire.confirm("box-1")
    line.wire.confirm("box-2", code=0x97)
    found = error(delivery)
    assert {"box-1"} == set(found.confirmed)
    assert "quota" in str(found)
    delivery = line.deliver(2, 3)
    line.wire.confirm("box-2", code=0x87)
    line.wire.confirm("box-3")

    assert ["box-2"] == list(result(delivery))


def test_nobody_matching_is_a_confirmation() -> None:
    line = Line()
    delivery = line.deliver(1)
    line.wire.accept()
    line.wire.confirm("box-1", code=0x10)

    assert {} == result(delivery)


def test_an_attempt_that_fails_ends_the_wait_of_the_outbox() -> None:
    line = Line()
    delivery = line.deliver(1)
    line.wire.end("no program listens on 127.0.0.1:1883")

    assert "no program listens on 127.0.0.1:1883" == str(error(delivery)) == line.connection.problem()


def test_an_idle_connection_is_made_again_with_growing_waits() -> None:
    line = Line()
    delivery = line.deliver(1)
    line.wire.accept()
    line.wire.confirm("box-1")
    result(delivery)
    line.clock.advance(100)
    line.wire.end(was_accepted=True)
    begun = line.clock.seconds()
    while len(line.wires) < 30:
        line.clock.advance(0.1)
        if line.wires[-1].log == ["start"]:
            line.wire.log.append("refused")
            line.wire.end("refused")

    assert 60 < line.clock.seconds() - begun < 30 * 15
    line.clock.advance(30)
    line.wire.accept()
    assert "" == line.connection.problem()


def test_an_outage_is_one_line_for_each_reason_and_one_at_its_end(told: list[str]) -> None:
    line = Line()
    line.connection.describe([camera()], "line-3")
    line.clock.advance(0)
    line.wire.accept()
    line.clock.advance(60)
    line.wire.end("the connection was lost", was_accepted=True)
    while line.clock.seconds() < 1000:
        line.clock.advance(0.1)
        if line.wire.log == ["start"]:
            line.wire.log.append("refused")
            line.wire.end("no program listens" if len(line.wires) % 2 else "no answer")
    while line.wire.log != ["start"]:
        line.clock.advance(0.1)
    line.wire.accept()

    assert [
        "sink scada: connected to the broker 127.0.0.1:1883",
        "sink scada: lost the broker 127.0.0.1:1883: the connection was lost",
        "sink scada: no connection to the broker 127.0.0.1:1883: no answer",
        "sink scada: no connection to the broker 127.0.0.1:1883: no program listens",
    ] == told[:-1]
    assert told[-1].startswith("sink scada: connected to the broker 127.0.0.1:1883, after 9")


def test_a_taken_session_is_left_alone_for_a_while() -> None:
    line = Line(client_id="line-3")
    delivery = line.deliver(1)
    line.wire.accept()
    line.wire.end("another client is called 'line-3'", was_taken_over=True, was_accepted=True)
    assert "another client" in str(error(delivery))
    line.clock.advance(MQTT_PAUSE - 1)
    assert "another client" in str(error(line.deliver(1)))
    assert 1 == len(line.wires)
    line.clock.advance(2)

    assert 2 == len(line.wires)


def test_sessions_that_end_again_and_again_are_taken_over_by_somebody() -> None:
    line = Line(version="3.1.1", client_id="line-3")
    for _ in range(4):
        line.deliver(1).addErrback(lambda failure: failure.trap(SinkUnavailable) and None)
        line.wire.accept()
        line.clock.advance(0.1)
        line.wire.end(was_accepted=True)
    assert "another client is called 'line-3'" in line.connection.problem()
    before = len(line.wires)
    line.clock.advance(MQTT_PAUSE - 1)
    assert before == len(line.wires)
    line.clock.advance(2)

    assert before + 1 == len(line.wires)


def test_a_restarted_broker_is_not_taken_for_another_client() -> None:
    line = Line()
    for _ in range(10):
        line.deliver(1).addErrback(lambda failure: failure.trap(SinkUnavailable) and None)
        line.wire.accept()
        line.clock.advance(0.1)
        line.wire.end(was_accepted=True)
        line.deliver(1).addErrback(lambda failure: failure.trap(SinkUnavailable) and None)
        line.wire.end("no program listens")

    assert "no program listens" == line.connection.problem()


def test_a_broker_without_confirmations_is_not_used() -> None:
    line = Line()
    delivery = line.deliver(1)
    line.wire.accept(can_confirm=False)

    assert "use another broker" in str(error(delivery))
    assert "abort" in line.wires[0].log


def test_a_message_that_is_too_large_does_not_keep_the_others() -> None:
    first = Line()
    first.deliver(1).addErrback(lambda failure: failure.trap(SinkUnavailable) and None)
    first.wire.accept()
    most = packet_size(first.wire.published[0], "5")
    line = Line()
    delivery = line.deliver(1, 2222222, 3)
    line.wire.accept(packet_size=most)
    assert ["box-1", "box-3"] == line.wire.tokens
    line.wire.confirm("box-1", "box-3")

    assert ["box-2222222"] == list(result(delivery))


def test_a_lost_password_file_is_told_and_looked_for_again(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("secret\n")
    line = Line(username="gateway", password=f"file:{path}")
    path.unlink()
    assert "cannot be read" in str(error(line.deliver(1)))
    path.write_text("secret\n")
    line.clock.advance(30)

    assert "secret" == line.wire.opening.password


def test_the_gateway_and_the_sink_make_a_stable_name() -> None:
    line = Line()
    line.connection.describe([camera()], "line-3")
    line.clock.advance(0)

    assert "tcpcomm-line-3-scada" == line.wire.opening.client_id


def test_states_are_told_after_each_connection_and_the_will_says_offline() -> None:
    line = Line()
    line.connection.describe([camera()], "line-3")
    line.connection.link_changed("camera-1", True, "")
    line.clock.advance(0)
    for _ in range(2):
        line.wire.accept()
        told = {each.topic: each.payload for each in line.wire.published}
        assert {
            "tcpcomm/gateway/line-3": b'{"state": "online"}',
            "tcpcomm/camera-1/state": b'{"state": "ready"}',
        } == told
        assert all(each.retain for each in line.wire.published)
        will = line.wire.opening.will
        assert will is not None
        assert (b'{"state": "offline"}', True) == (will.payload, will.retain)
        line.clock.advance(60)
        line.wire.end(was_accepted=True)
        line.clock.advance(60)


def test_a_report_of_a_state_does_not_come_where_the_state_is() -> None:
    line = Line()
    line.connection.describe([camera()], "line-3")
    line.clock.advance(0)
    line.wire.accept()
    line.wire.published.clear()
    topics = ["camera-1/state", "camera-9/state", "gateway/line-3", "gateway/line-4", "a/state/x", ""]
    run(line.connection.deliver([evolve(message(n), topic=each) for n, each in enumerate(topics)]))

    assert [
        "tcpcomm/camera-1/report/state",
        "tcpcomm/camera-9/state",
        "tcpcomm/gateway/report/line-3",
        "tcpcomm/gateway/line-4",
        "tcpcomm/a/state/x",
        "tcpcomm",
    ] == [each.topic for each in line.wire.published]
    assert not any(each.retain for each in line.wire.published)


def test_a_broker_that_retains_nothing_gets_states_without_retain() -> None:
    line = Line()
    line.connection.describe([camera()], "line-3")
    line.clock.advance(0)
    line.wire.accept(can_retain=False)

    assert not any(each.retain for each in line.wire.published)


def test_commands_are_subscribed_whether_the_broker_or_the_links_come_first() -> None:
    async def carry_out(command: object) -> None:
        raise AssertionError

    early, late = Line(), Line()
    for each in (early, late):
        each.connection.describe([camera(), camera("camera-2", commands=())], "line-3")
    early.connection.take_commands(carry_out)
    for each in (early, late):
        each.clock.advance(0)
        each.wire.accept()
    late.connection.take_commands(carry_out)

    expected = "subscribe ['tcpcomm/+/command/+']"
    assert [expected, expected] == [each.wire.log[-1] for each in (early, late)]


@pytest.mark.parametrize(
    ("command", "payload"),
    [
        ("zoom", b'{"id": "\\ud800"}'),
        ("locate", b'{"id": "\\ud800", "arguments": {"\\udfff": 1}}'),
    ],
    ids=["refused here", "refused by the link"],
)
def test_a_command_with_half_a_character_is_answered(command: str, payload: bytes) -> None:
    async def carry_out(order: BrokerCommand) -> None:
        raise CommandRefused(f"no argument {[*order.arguments]}")

    line = Line()
    line.connection.describe([camera()], "line-3")
    line.connection.take_commands(carry_out)
    line.clock.advance(0)
    line.wire.accept()
    line.wire.user.wire_arrived(
        line.wire, Arrived(topic=f"tcpcomm/camera-1/command/{command}", payload=payload)
    )

    assert ["\ud800", "refused"] == [
        json.loads(line.wire.published[-1].payload)[each] for each in ("id", "error")
    ]


def test_a_reason_with_half_a_character_is_published() -> None:
    line = Line()
    line.connection.describe([camera()], "line-3")
    line.clock.advance(0)
    line.wire.accept()
    line.connection.link_changed("camera-1", False, "no \udc80")

    assert b'{"state": "down", "reason": "no \\udc80"}' == line.wire.published[-1].payload


class Commanded:
    """A line to a broker that gives commands, and those that were carried out."""

    def __init__(self, **options: Any) -> None:
        self.line = line = Line(**options)
        self.asked: list[BrokerCommand] = []
        line.connection.describe([camera(), camera("camera-2", commands=())], "line-3")
        line.connection.take_commands(self.carry_out)
        line.clock.advance(0)
        line.wire.accept()
        line.wire.published.clear()

    async def carry_out(self, command: BrokerCommand) -> Any:
        self.asked.append(command)
        return 1

    def give(self, topic: str, payload: bytes = b'{"id": "a"}', **more: Any) -> None:
        wire = self.line.wire
        wire.user.wire_arrived(wire, Arrived(topic=f"tcpcomm/{topic}", payload=payload, **more))

    def answers(self) -> list[tuple[str, Any]]:
        return [(each.topic, json.loads(each.payload)) for each in self.line.wire.published]


def test_a_retained_command_is_refused_with_an_answer_and_one_log_line(told: list[str]) -> None:
    broker = Commanded()
    for _ in range(3):
        broker.give("camera-1/command/locate", is_retained=True)
    broker.give("camera-1/command/locate", b"", is_retained=True)  # the stored one is deleted

    reason = "a retained command is never carried out: publish it without retain"
    answer = {"id": "a", "error": "refused", "reason": reason}
    assert [("tcpcomm/camera-1/reply/locate", answer)] * 3 == broker.answers()
    assert [] == broker.asked
    assert 1 == sum("retained" in each for each in told)


def test_a_wrong_command_of_a_known_link_is_answered() -> None:
    broker = Commanded()
    broker.give("camera-1/command/fly")
    broker.give("camera-2/command/locate")

    assert ["tcpcomm/camera-1/reply/fly", "tcpcomm/camera-2/reply/locate"] == [
        topic for topic, _ in broker.answers()
    ]
    assert {"refused"} == {content["error"] for _, content in broker.answers()}


def test_a_command_for_a_link_of_others_is_logged_once_and_not_answered(told: list[str]) -> None:
    broker = Commanded()
    for number in range(1000):
        broker.give(f"camera-{number % 500 + 10}/command/locate")

    assert [] == broker.answers()
    assert 100 == sum("no such link" in each for each in told)


def test_each_link_is_subscribed_if_the_broker_refuses_all_at_once() -> None:
    line = Commanded().line
    line.wire.user.wire_not_subscribed(line.wire, "tcpcomm/+/command/+", 0x87)
    line.wire.user.wire_not_subscribed(line.wire, "tcpcomm/camera-1/command/+", 0x87)

    assert "subscribe ['tcpcomm/camera-1/command/+']" == line.wire.log[-1]
    assert 2 == sum(each.startswith("subscribe") for each in line.wire.log)


def test_closing_says_farewell_first() -> None:
    line = Line()
    line.connection.describe([camera()], "line-3")
    line.clock.advance(0)
    line.wire.accept()
    closing = run(line.connection.close())
    assert b'{"state": "offline"}' == line.wire.published[-1].payload
    assert "leave" == line.wire.log[-1]
    assert not closing.called
    line.wire.end("left", was_accepted=True)
    result(closing)

    assert [] == line.clock.getDelayedCalls()


@pytest.mark.parametrize("is_open", [True, False], ids=["open", "connecting"])
def test_closing_does_not_wait_for_ever(is_open: bool) -> None:
    line = Line()
    waiting = line.deliver(1)
    if is_open:
        line.wire.accept()
    closing = run(line.connection.close())
    line.clock.advance(MQTT_LEAVE_SECONDS)
    result(closing)
    error(waiting)

    assert "abort" == line.wire.log[-1]
    assert [] == line.clock.getDelayedCalls()


def test_a_closed_sink_takes_nothing() -> None:
    line = Line()
    result(run(line.connection.close()))

    assert "the sink is closed" == str(error(line.deliver(1)))
    assert [] == line.clock.getDelayedCalls()
