"""The gateway as a Sparkplug node, by a virtual clock, without a broker."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from tcpcomm.plant import Mqtt, OutboxMessage, Report
from tcpcomm.plant.sinks.mqtt.form import NotAccepted
from tcpcomm.plant.sinks.mqtt.packets import Arrived, BrokerLimits, Publication, Subscription
from tcpcomm.plant.sinks.mqtt.sparkplug.form import SPARKPLUG_REBIRTH_SECONDS, SparkplugForm
from tcpcomm.plant.sinks.mqtt.sparkplug.metrics import fitting_value
from tcpcomm.plant.sinks.mqtt.sparkplug.payload import DataType, Metric, Payload, decode, encode
from tests.conftest import needs_module
from tests.plant.sinks.mqtt.declared import camera

needs_module("google.protobuf", "pip install tcpcomm[mqtt]")

POSITION = {"x": 1.5, "count": 3, "good": True}


class Line:
    """A form, and a port that notes what the form does."""

    def __init__(self, **options: Any) -> None:
        self.clock = Clock()
        self.clock.advance(1000.0)
        sink = Mqtt(form="sparkplug", group="hall-2", **options)
        self.form = SparkplugForm(sink, "scada", self.clock, now=self.clock.seconds)
        self.form.port = self
        self.published: list[Publication] = []
        self.log: list[str] = []
        self.largest = 10_000
        self.form.describe([camera(), camera("camera-2")], "line-3")

    def publish(self, publication: Publication) -> bool:
        self.published.append(publication)
        return True

    def too_large(self, publication: Publication) -> str:
        return "it is too large" if len(publication.payload) > self.largest else ""

    def ready(self) -> None:
        self.log.append("ready")

    def wait_for(self, reason: str) -> None:
        self.log.append(reason)

    def renew(self, reason: str) -> None:
        self.log.append(f"renew: {reason}")

    def subscribe(self, subscriptions: Sequence[Subscription]) -> None:
        self.log.append("subscribe")

    def connect(self) -> None:
        self.form.will()
        self.form.opened(BrokerLimits())

    def deliver(self, *messages: OutboxMessage) -> dict[str, str]:
        refused = {}
        for message, found in self.form.publications(messages):
            if isinstance(found, str):
                assert message is not None
                refused[message.id] = found
            else:
                self.published.append(found)
        return refused

    def take(self) -> list[str]:
        """Return the kinds of what was published since the last call."""
        found = [each.topic.split("/")[2] for each in self.published]
        self.published.clear()
        return found

    def ask(self, kind: str, *metrics: Metric, device: str = "", retained: bool = False) -> None:
        topic = f"spBv1.0/hall-2/{kind}/line-3" + (f"/{device}" if device else "")
        self.form.arrived(
            Arrived(topic=topic, payload=encode(Payload(metrics=metrics)), is_retained=retained)
        )


def report(number: int, *, values: Any = None, posted_at: float = 5000.0, **more: Any) -> OutboxMessage:
    found = {"link": "camera-1", "kind": "poll", "name": "locate", "at": posted_at, **more}
    content = Report(**found, values={"result": POSITION} if values is None else values).content()
    return OutboxMessage(
        id=f"box-{number}", number=number, body=json.dumps(content).encode(), posted_at=posted_at
    )


REBIRTH = Metric(name="Node Control/Rebirth", datatype=DataType.BOOLEAN, value=True)


@pytest.mark.parametrize("kind", ["poll", "state"])
def test_half_a_character_of_a_device_is_escaped(kind: str) -> None:
    line = Line()
    line.form.link_changed("camera-1", True, "")
    line.connect()

    assert {} == line.deliver(report(1, kind=kind, values={}, problem="no \udc80"))
    metrics = decode(line.published[-1].payload).metrics
    assert ["no \\udc80"] == [each.value for each in metrics if isinstance(each.value, str)][-1:]


def test_births_that_hosts_ask_for_come_once_a_second_at_most() -> None:
    line = Line()
    line.connect()
    assert ["NBIRTH"] == line.take()
    for _ in range(100):
        line.ask("NCMD", REBIRTH)
    line.clock.advance(SPARKPLUG_REBIRTH_SECONDS / 2)
    assert [] == line.take()
    line.clock.advance(SPARKPLUG_REBIRTH_SECONDS)
    assert ["NBIRTH"] == line.take()
    line.clock.advance(10)
    line.ask("NCMD", REBIRTH)
    line.clock.advance(0)

    assert ["NBIRTH"] == line.take()


def test_a_birth_that_is_asked_for_dies_with_the_connection() -> None:
    line = Line()
    line.connect()
    line.ask("NCMD", REBIRTH)
    line.form.closed()

    assert [] == line.clock.getDelayedCalls()


def test_links_are_born_and_die_with_their_states() -> None:
    line = Line()
    line.form.link_changed("camera-2", True, "")
    line.connect()
    line.form.link_changed("camera-1", True, "")
    line.form.link_changed("camera-1", False, "cable")
    line.form.link_changed("camera-1", False, "cable")
    line.form.link_changed("camera-9", True, "")

    assert ["NBIRTH", "DBIRTH", "DBIRTH", "DDEATH"] == line.take()


def test_what_was_posted_before_the_birth_is_historical() -> None:
    line = Line()
    line.form.link_changed("camera-1", True, "")
    line.connect()
    line.take()
    line.deliver(report(1, posted_at=900.0), report(2, posted_at=1100.0))
    old, new = [decode(each.payload).metrics for each in line.published]

    assert all(each.is_historical for each in old)
    assert not any(each.is_historical for each in new)
    assert {900_000} == {each.timestamp for each in old}


def test_a_poll_that_failed_makes_its_values_null_with_the_reason() -> None:
    line = Line()
    line.form.link_changed("camera-1", True, "")
    line.connect()
    line.deliver(report(1), report(2, values={}, problem="no reply within 2 s"))
    values = [each.value for each in decode(line.published[-1].payload).metrics]
    assert [None, None, None, "no reply within 2 s"] == values
    line.take()
    line.ask("NCMD", REBIRTH)
    line.clock.advance(1)

    device = decode(line.published[-1].payload)
    told = {each.name: each for each in device.metrics}
    assert "no reply within 2 s" == told["locate/problem"].value
    assert {"engUnit": "mm", "engLow": -500.0, "engHigh": 500.0, "Quality": 0}.items() <= told[
        "locate/x"
    ].properties.items()


def test_the_state_of_a_link_is_told_by_the_node() -> None:
    line = Line()
    line.connect()
    line.take()
    state = report(1, kind="state", name="down", values={}, problem="the cable is out")
    assert {} == line.deliver(state)

    values = [each.value for each in decode(line.published[0].payload).metrics]
    assert ["down", "the cable is out"] == values
    assert ["NDATA"] == line.take()


def test_values_that_do_not_fit_are_refused_with_their_path() -> None:
    line = Line()
    line.connect()
    refused = line.deliver(
        report(1, values={"result": {**POSITION, "count": 2**63}}),
        report(2, values={"result": {**POSITION, "good": "yes"}}),
        report(3, values={}, name="home"),
        report(4),
    )

    assert ["box-1", "box-2", "box-3"] == list(refused)
    assert "locate/count" in refused["box-1"]
    assert "locate/good" in refused["box-2"]
    assert "brings no value that the link declares" in refused["box-3"]


def test_a_packet_that_is_too_large_leaves_no_gap_in_the_numbers() -> None:
    line = Line()
    line.form.link_changed("camera-1", True, "")
    line.connect()
    line.largest = 300
    alarm: dict[str, Any] = {"kind": "event", "name": "alarm"}
    refused = line.deliver(
        report(1), report(2, values={"code": 1, "text": "x" * 500}, **alarm), report(3)
    )

    assert {"box-2": "it is too large"} == refused
    assert [0, 1, 2, 3] == [decode(each.payload).seq for each in line.published]


def test_without_the_primary_host_nothing_is_born() -> None:
    line = Line(host_id="mes", connect_timeout=5.0)
    line.connect()
    assert [] == line.take()
    line.clock.advance(5)
    assert ["the primary host mes has not said that it is online"] == line.log
    line.form.arrived(Arrived(topic="spBv1.0/STATE/mes", payload=b"ONLINE"))
    line.form.arrived(Arrived(topic="spBv1.0/STATE/mes", payload=b'{"online": true}'))
    assert [] == line.take()
    line.form.arrived(Arrived(topic="spBv1.0/STATE/mes", payload=b'{"online": true, "timestamp": 5}'))
    assert ["NBIRTH"] == line.take()
    assert "ready" == line.log[-1]
    line.form.arrived(Arrived(topic="spBv1.0/STATE/mes", payload=b'{"online": false, "timestamp": 6}'))

    assert ["NDEATH"] == line.take()
    assert "renew: the primary host mes is offline" == line.log[-1]


def test_retained_and_unreadable_commands_are_ignored() -> None:
    line = Line()

    async def carry_out(command: object) -> None:
        raise AssertionError

    line.form.take_commands(carry_out)
    line.form.link_changed("camera-1", True, "")
    line.connect()
    line.take()
    metric = Metric(name="commands/locate", datatype=DataType.STRING, value='{"job": 3}')
    line.ask("DCMD", metric, device="camera-1", retained=True)
    line.form.arrived(Arrived(topic="spBv1.0/hall-2/DCMD/line-3/camera-1", payload=b"\xff\xff"))
    line.ask("DCMD", Metric(alias=999, datatype=DataType.STRING, value="x"), device="camera-1")

    assert [] == line.take()


def test_a_command_comes_by_its_alias_too() -> None:
    line = Line()
    asked: list[Any] = []

    async def carry_out(command: Any) -> int:
        asked.append(command)
        return 7

    line.form.take_commands(carry_out)
    line.form.link_changed("camera-1", True, "")
    line.connect()
    birth = decode(line.published[-1].payload)
    alias = next(each.alias for each in birth.metrics if each.name == "commands/locate")
    line.ask("DCMD", Metric(alias=alias, datatype=DataType.INT32, value=5), device="camera-1")

    assert [("camera-1", "locate", {"job": 5})] == [
        (each.link, each.command, dict(each.arguments)) for each in asked
    ]
    (answer,) = decode(line.published[-1].payload).metrics
    assert '{"result": 7}' == answer.value


@pytest.mark.parametrize(
    ("value", "datatype", "expected"),
    [
        (None, DataType.INT64, None),
        (3, DataType.DOUBLE, 3.0),
        ("1.50", DataType.DOUBLE, 1.5),
        ([1, 2], DataType.STRING, "[1, 2]"),
        ("aGk=", DataType.BYTES, b"hi"),
        (-(2**63), DataType.INT64, -(2**63)),
    ],
    ids=["null", "whole", "decimal", "list", "bytes", "lowest"],
)
def test_json_becomes_a_metric(value: Any, datatype: DataType, expected: Any) -> None:
    assert expected == fitting_value("a/b", value, datatype)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=3,
)


@given(
    JSON,
    st.sampled_from(
        [DataType.BOOLEAN, DataType.INT64, DataType.DOUBLE, DataType.STRING, DataType.BYTES]
    ),
)
def test_any_json_is_sent_or_refused(value: Any, datatype: DataType) -> None:
    try:
        found = fitting_value("a/b", value, datatype)
    except NotAccepted:
        return
    content = encode(Payload(metrics=(Metric(alias=1, datatype=datatype, value=found),)))
    assert 1 == len(decode(content).metrics)
