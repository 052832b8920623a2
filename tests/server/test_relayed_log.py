"""The log of another process is logged again, and what its program prints is not taken for it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from twisted.logger import LogLevel, capturedLogs, formatEvent

from tcpcomm.server.relayed_log import log_again

EVENT = {"level": "warn", "logger": "cell.camera", "message": "it is dark"}


def relayed(**more: Any) -> dict[str, Any]:
    """Return the event that is logged for a line with these values, beside the usual ones."""
    with capturedLogs() as events:
        assert log_again(json.dumps(EVENT | more), "{worker}: {text}", worker="worker 1")
    (event,) = events
    return event


def test_an_event_has_the_level_the_logger_and_the_values_of_its_process() -> None:
    event = relayed(peer="10.0.0.5:9999", left_out=3)

    assert "worker 1: it is dark" == formatEvent(event)
    assert (LogLevel.warn, "cell.camera") == (event["log_level"], event["log_namespace"])
    assert ("10.0.0.5:9999", 3) == (event["peer"], event["left_out"])


@pytest.mark.parametrize("name", ["format", "self", "log_format", "log_trace", "log_system", "isError"])
def test_a_program_may_print_json_with_any_name(name: str) -> None:
    event = relayed(**{name: "mine"})

    assert "worker 1: it is dark" == formatEvent(event)
    assert "mine" != event.get(name)


@pytest.mark.parametrize("line", ["", "ready", "[1]", '{"level": "loud"}', '{"message": "x"}', "5"])
def test_another_line_is_no_event(line: str) -> None:
    with capturedLogs() as events:
        assert not log_again(line)

    assert [] == events
