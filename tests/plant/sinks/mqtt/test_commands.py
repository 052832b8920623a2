"""Commands of a broker, without a broker."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from tcpcomm.errors import NotSent, ReplyTimeout
from tcpcomm.plant.errors import CommandRefused, NotTheOwner
from tcpcomm.plant.sink import BrokerCommand
from tcpcomm.plant.sinks.mqtt.commands import (
    MQTT_COMMAND_BYTES,
    MQTT_COMMANDS,
    MQTT_REMEMBERED,
    MQTT_REMEMBERED_SECONDS,
    CommandDesk,
    read_command,
)


class Line:
    """A desk, the commands that it had carried out, and its answers."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.desk = CommandDesk("scada", self.clock)
        self.desk.allow({"camera-1": frozenset({"locate"})})
        self.desk.begin(self.carry_out)
        self.asked: list[BrokerCommand] = []
        self.answers: list[dict[str, Any]] = []
        self.result: Any = 1

    async def carry_out(self, command: BrokerCommand) -> Any:
        self.asked.append(command)
        if isinstance(self.result, Exception):
            raise self.result
        return await self.result if isinstance(self.result, Deferred) else self.result

    def take(self, content: Any, command: str = "locate") -> None:
        self.desk.take("camera-1", command, json.dumps(content).encode(), self.answers.append)


def test_the_same_id_is_carried_out_again_after_a_minute_only() -> None:
    line = Line()
    for _ in range(2):
        line.take({"id": "a", "arguments": {}})
    assert 1 == len(line.asked)
    line.clock.advance(MQTT_REMEMBERED_SECONDS + 1)
    line.take({"id": "a", "arguments": {}})

    assert 2 == len(line.asked)
    assert [{"id": "a", "result": 1}] * 3 == line.answers


def test_a_flood_of_ids_is_forgotten_from_its_beginning() -> None:
    line = Line()
    for number in range(MQTT_REMEMBERED + 1):
        line.take({"id": number, "arguments": {}})
    before = len(line.asked)
    line.take({"id": MQTT_REMEMBERED, "arguments": {}})
    assert before == len(line.asked)
    line.take({"id": 0, "arguments": {}})

    assert before + 1 == len(line.asked)


def test_a_duplicate_of_a_command_under_way_is_not_answered_twice() -> None:
    line = Line()
    line.result = Deferred()
    line.take({"id": "a", "arguments": {}})
    line.take({"id": "a", "arguments": {}})
    assert [] == line.answers
    line.result.callback(5)

    assert [{"id": "a", "result": 5}] == line.answers
    assert 1 == len(line.asked)


def test_too_many_at_once_are_refused_and_may_come_again() -> None:
    line = Line()
    line.result = Deferred()
    for number in range(MQTT_COMMANDS):
        line.take({"id": number, "arguments": {}})
    line.take({"id": "late", "arguments": {}})
    assert "wait for their answers" in line.answers[-1]["reason"]
    waiting, line.result = line.result, 7
    waiting.callback(1)
    line.take({"id": "late", "arguments": {}})

    assert {"id": "late", "result": 7} == line.answers[-1]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NotSent("no link"), "not-sent"),
        (ReplyTimeout("no reply"), "outcome-unknown"),
        (CommandRefused("not now"), "refused"),
        (KeyError("a bug"), "failed"),
    ],
    ids=["not-sent", "unknown", "refused", "failed"],
)
@pytest.mark.filterwarnings("ignore")
def test_each_failure_has_its_word(error: Exception, kind: str) -> None:
    line = Line()
    line.result = error
    line.take({})

    assert kind == line.answers[0]["error"]


def test_what_cannot_be_json_is_a_failure_and_no_silence() -> None:
    line = Line()
    line.result = {"x": float("inf")}  # the log tells it
    line.take({})

    assert ["failed"] == [each["error"] for each in line.answers]


def test_a_gateway_that_does_not_own_the_link_leaves_the_answer_to_its_owner() -> None:
    line = Line()
    line.result = NotTheOwner("line-4 owns it")
    line.take({})

    assert [] == line.answers


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_a_command_or_refused(content: bytes) -> None:
    try:
        ident, arguments = read_command(content)
    except CommandRefused:
        return
    assert isinstance(arguments, dict)
    assert ident is None or isinstance(ident, (str, int))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", (None, {})),
        (b'{"job": 3}', (None, {"job": 3})),
        (b'{"id": "a", "arguments": {"job": 3}}', ("a", {"job": 3})),
        (b'{"id": 7}', (7, {})),
        (b'{"id": 7, "job": 3}', (None, {"id": 7, "job": 3})),
        (b"{}", (None, {})),
    ],
    ids=["nothing", "alone", "with-id", "id-only", "an-argument-id", "empty"],
)
def test_arguments_come_alone_or_with_an_id(content: bytes, expected: tuple[Any, dict[str, Any]]) -> None:
    assert expected == read_command(content)


@pytest.mark.parametrize(
    "content",
    [b"3", b"{", b'{"id": [], "arguments": {}}', b'{"arguments": 3}', b" " * (MQTT_COMMAND_BYTES + 1)],
    ids=["number", "half", "odd-id", "odd-arguments", "long"],
)
def test_malformed_commands_say_what_to_write(content: bytes) -> None:
    with pytest.raises(CommandRefused):
        read_command(content)
