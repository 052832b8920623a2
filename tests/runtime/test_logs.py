"""Log events as lines: JSON, and Twisted's own text."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from twisted.logger import Logger, LogLevel, formatEventAsClassicLogText
from twisted.python.failure import Failure
from twisted.python.logfile import LogFile

from tcpcomm.runtime.logs import json_line, json_log_observer, text_line, text_log_observer
from tests.conftest import stable_id


def event(**fields: Any) -> dict[str, Any]:
    return {
        "log_time": 1_700_000_000.25,
        "log_level": LogLevel.warn,
        "log_namespace": "tcpcomm.server.echo",
        "log_format": "{peer}: something",
        "peer": "10.0.0.5:1",
        **fields,
    }


def read(line: str | None) -> dict[str, Any]:
    """Return the one JSON object in a line."""
    assert line is not None
    assert line.endswith("\n")
    assert 1 == len(line.splitlines())
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_line_has_time_level_logger_and_message() -> None:
    assert {
        "time": "2023-11-14T22:13:20.250+00:00",
        "level": "warn",
        "logger": "tcpcomm.server.echo",
        "message": "10.0.0.5:1: something",
        "peer": "10.0.0.5:1",
    } == read(json_line(event()))


def test_only_peer_reason_and_protocol_are_fields_of_their_own() -> None:
    found = read(json_line(event(reason=ValueError("why"), protocol="Camera", secret="s3cret")))

    assert ("why", "Camera") == (found["reason"], found["protocol"])
    assert "s3cret" not in str(found)


def test_a_failure_has_its_traceback_on_the_same_line() -> None:
    try:
        raise ValueError("the lens cap is on")
    except ValueError:
        found = read(json_line(event(log_failure=Failure())))

    assert "ValueError: the lens cap is on" in found["traceback"]
    assert "Traceback" in found["traceback"]


@pytest.mark.parametrize("text", ["검사", "a\nb", 'say "yes"', "\udcff", "\u2028"])
def test_any_text_can_be_logged(text: str) -> None:
    line = json_line(event(peer=text))

    assert line is not None
    assert text == json.loads(line)["peer"]
    assert line == line.encode().decode()


def test_an_event_without_a_message_gives_no_line() -> None:
    assert json_line({"log_time": 0.0}) is None


def test_an_event_without_level_and_logger_has_defaults() -> None:
    assert {
        "time": "1970-01-01T00:00:00.000+00:00",
        "level": "info",
        "logger": "",
        "message": "hello",
    } == read(json_line({"log_time": 0.0, "log_format": "hello"}))


def test_the_observer_writes_a_line_for_each_event() -> None:
    stream = io.StringIO()
    log = Logger(namespace="camera", observer=json_log_observer(stream))

    log.info("one")
    log.error("two {number}", number=2)

    found = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [("info", "one"), ("error", "two 2")] == [(each["level"], each["message"]) for each in found]
    assert abs(datetime.fromisoformat(found[0]["time"]) - datetime.now(UTC)).total_seconds() < 60


def test_the_observer_also_writes_to_log_files_of_twisted(tmp_path: Any) -> None:
    file = LogFile.fromFullPath(str(tmp_path / "log"))

    Logger(observer=json_log_observer(file)).info("검사")
    file.close()

    assert "검사" == json.loads((tmp_path / "log").read_text(encoding="utf-8"))["message"]


class NotShown:
    def __str__(self) -> str:
        raise ValueError("not today")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"log_time": 1_700_000_001.75},
        {"log_format": "{peer!r:>20} {number:03d} {log_level.name}", "number": 7},
        {"log_format": "two\nlines"},
        {"log_format": ""},
        {"log_format": None},
        {"log_format": b"{peer} in bytes"},
        {"log_format": "{call()} {peer.upper()}", "call": lambda: "called"},
        {"log_format": "{nothing_of_that_name}"},
        {"log_format": "{peer", "peer": 1},
        {"peer": NotShown()},
        {"log_level": None},
        {"log_system": "the old way"},
        {"log_failure": Failure(ValueError("the lens cap is on"))},
        {"log_format": None, "log_failure": Failure(ValueError("no words"))},
    ],
    ids=stable_id,
)
def test_a_text_line_equals_the_line_of_twisted(fields: dict[str, Any]) -> None:
    assert formatEventAsClassicLogText(event(**fields)) == text_line(event(**fields))


@pytest.mark.parametrize("absent", ["log_time", "log_level", "log_namespace"])
def test_an_event_without_logger_fields_has_the_text_line_of_twisted(absent: str) -> None:
    bare = event()
    del bare[absent]

    assert formatEventAsClassicLogText(bare) == text_line(bare)


def test_the_text_observer_writes_a_line_for_each_event() -> None:
    stream = io.StringIO()
    log = Logger(namespace="camera", observer=text_log_observer(stream))

    log.info("one")
    log.error("two {number}", number=2)

    lines = stream.getvalue().splitlines()
    assert ["[camera#info] one", "[camera#error] two 2"] == [line.partition(" ")[2] for line in lines]
