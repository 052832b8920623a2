"""Commands and replies as JSON: anything else is malformed, and nothing else is raised."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given, strategies

from tcpcomm import Fault, NotSent, OutcomeUnknown
from tcpcomm.plant import CommandRefused
from tcpcomm.plant.sink import BrokerCommand
from tcpcomm.plant.sinks.rabbitmq.command_text import Malformed, failure_text, read_command, result_text

JSON = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.text(),
    lambda inner: strategies.lists(inner) | strategies.dictionaries(strategies.text(), inner),
)


@given(strategies.text(), strategies.text(), strategies.dictionaries(strategies.text(), JSON))
def test_a_command_is_read_as_it_was_written(link: str, name: str, arguments: dict[str, object]) -> None:
    body = json.dumps({"link": link, "command": name, "arguments": arguments}).encode()
    assert BrokerCommand(link=link, command=name, arguments=arguments) == read_command(body)


@given(strategies.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_command_or_malformed(body: bytes) -> None:
    with suppress(Malformed):
        read_command(body)


@given(strategies.dictionaries(strategies.sampled_from(["link", "command", "arguments", "more"]), JSON))
def test_a_command_has_its_keys_and_no_others(content: dict[str, object]) -> None:
    is_command = (
        {"link", "command"} <= content.keys() <= {"link", "command", "arguments"}
        and isinstance(content["link"], str)
        and isinstance(content["command"], str)
        and isinstance(content.get("arguments", {}), dict)
    )
    try:
        read_command(json.dumps(content).encode())
    except Malformed:
        assert not is_command
    else:
        assert is_command


def test_arguments_may_be_left_out() -> None:
    assert {} == read_command(b'{"link": "a", "command": "b"}').arguments


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (CommandRefused("not allowed"), {"error": "refused", "reason": "not allowed"}),
        (Fault("E7", "no part"), {"error": "fault", "reason": "no part", "code": "E7"}),
        (NotSent("the link is down"), {"error": "not-sent", "reason": "the link is down"}),
        (OutcomeUnknown("lost"), {"error": "outcome-unknown", "reason": "lost"}),
    ],
    ids=["refused", "fault", "not sent", "unknown"],
)
def test_each_error_of_a_command_has_its_word(error: Exception, expected: object) -> None:
    found = failure_text(error)
    assert found is not None
    assert expected == json.loads(found)


def test_other_errors_are_mistakes_of_the_program() -> None:
    assert None is failure_text(RuntimeError("oh"))


def test_half_a_character_in_an_answer_is_an_escape() -> None:
    refused = failure_text(CommandRefused("no link \ud800"))

    assert refused is not None
    assert "no link \ud800" == json.loads(refused)["reason"]
    assert {"result": "\udc80"} == json.loads(result_text("\udc80"))


def test_a_result_is_json() -> None:
    assert {"result": {"x": 1.5}} == json.loads(result_text({"x": 1.5}))
    with pytest.raises(TypeError):
        result_text(object())
    with pytest.raises(ValueError):
        result_text(float("nan"))
