"""Log events as lines: JSON, and Twisted's own text."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import Logger, LogLevel, formatEventAsClassicLogText
from twisted.python.failure import Failure

from tcpcomm.runtime.logs import (
    FIRST_TRACEBACK_LINES,
    LAST_TRACEBACK_LINES,
    LONGEST_MESSAGE,
    LONGEST_TRACEBACK_LINE,
    LineFormat,
    LineObserver,
    json_line,
    text_line,
)
from tests.conftest import stable_id
from tests.system.running import DEADLINE


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


class NotShown:
    def __str__(self) -> str:
        raise ValueError("not today")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"log_time": 1_700_000_001.75},
        {"log_format": "{peer!r:>20} {number:03d} {log_level.name}", "number": 7},
        {"log_format": ""},
        {"log_format": None},
        {"log_format": b"{peer} in bytes"},
        {"log_format": "{call()} {peer.upper()}", "call": lambda: "called"},
        {"log_format": "{nothing_of_that_name}"},
        {"log_format": "{peer", "peer": 1},
        {"peer": NotShown()},
        {"log_level": None},
        {"log_system": "the old way"},
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


UNSAFE = st.text(st.one_of(st.characters(), st.sampled_from("\x1b\n\r\x9b\u202e\u2028\x85\x00\t")))


def failure(text: str) -> Failure:
    try:
        raise ValueError(text)
    except ValueError:
        return Failure()


def is_safe(line: str) -> bool:
    return all(unicodedata.category(each) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for each in line)


@given(message=UNSAFE, system=UNSAFE, fails=st.booleans())
def test_no_text_can_forge_a_line_or_hold_a_control_character(
    message: str, system: str, fails: bool
) -> None:
    values: dict[str, Any] = {"log_format": "{message}!", "message": message, "peer": message}
    if fails:
        values["log_failure"] = failure(message)
    for fields in (values, {**values, "log_system": system}):
        line = text_line(event(**fields))
        assert line is not None
        first, *others = line.removesuffix("\n").split("\n")
        assert is_safe(line.replace("\n", ""))
        assert first.startswith("2023-11-1")
        assert all(each.startswith("    ") for each in others)
        assert bool(others) == fails
        as_json = json_line(event(**fields))
        assert as_json is not None
        assert is_safe(as_json.removesuffix("\n"))
        assert f"{message}!" == read(as_json)["message"]


def test_long_messages_and_tracebacks_are_cut() -> None:
    def deep(left: int) -> None:
        if left:
            deep(left - 1)
        raise ValueError("x" * 1_000_000)

    try:
        deep(500)
    except ValueError:
        found = Failure()
    for line_format in (text_line, json_line):
        line = line_format(event(peer="y" * 1_000_000, log_failure=found))
        assert line is not None
        assert len(line) < 20_000
        assert "1,000,011 characters in all" in line
        assert "lines are not shown" in line
        assert "deep" in line


@pytest.mark.parametrize("length", [LONGEST_MESSAGE, LONGEST_MESSAGE + 1])
def test_a_message_has_at_most_4000_characters(length: int) -> None:
    rest = " … 4,001 characters in all" if length > LONGEST_MESSAGE else ""
    shown = "y" * LONGEST_MESSAGE + rest
    message = event(log_format="{text}", text="y" * length)
    assert shown == read(json_line(message))["message"]
    assert f" {shown}\n" == (text_line(message) or "")[-len(shown) - 2 :]


def test_the_first_and_last_lines_of_a_traceback_are_shown() -> None:
    found = "\n".join([*(f"line {number}" for number in range(99)), "x" * (LONGEST_TRACEBACK_LINE + 1)])
    lines = read(json_line(event(log_failure=found)))["traceback"].split("\n")
    middle = FIRST_TRACEBACK_LINES
    assert [f"line {number}" for number in range(middle)] == lines[:middle]
    assert "  … 60 lines are not shown" == lines[middle]
    assert "line 70" == lines[middle + 1]
    assert LAST_TRACEBACK_LINES == len(lines) - middle - 1
    assert f"{'x' * LONGEST_TRACEBACK_LINE} … 501 characters in all" == lines[-1]


def written(line_format: LineFormat, limit: int | None, use: Callable[[Logger], None]) -> list[str]:
    """Return the lines that an observer writes."""
    texts: list[str] = []
    observer = LineObserver(line_format, texts.append, limit=limit)
    use(Logger("camera", observer=observer))
    observer._writer.finish(DEADLINE)  # by default it waits for 1.5 s, which a machine may stand still
    observer.finish()
    return "".join(texts).splitlines()


def test_the_observer_writes_a_line_for_each_event() -> None:
    def use(log: Logger) -> None:
        log.info("one")
        log.error("two {number}", number=2)

    as_json = [json.loads(line) for line in written(json_line, None, use)]
    assert [("info", "one"), ("error", "two 2")] == [(each["level"], each["message"]) for each in as_json]
    assert abs(datetime.fromisoformat(as_json[0]["time"]) - datetime.now(UTC)).total_seconds() < 60
    assert ["[camera#info] one", "[camera#error] two 2"] == [
        line.partition(" ")[2] for line in written(text_line, None, use)
    ]


@pytest.mark.parametrize("line_format", [text_line, json_line])
def test_a_flood_is_cut_and_counted_and_other_events_are_still_logged(line_format: LineFormat) -> None:
    def use(log: Logger) -> None:
        for number in range(100_000):
            log.info("a message has come: {number}", number=number)
        log.error("the lens cap is on")

    lines = written(line_format, 100_000, use)

    assert sum(map(len, lines)) < 50_000
    assert any("the lens cap is on" in line for line in lines)
    assert "more events of this kind were not logged: camera a message has come" in lines[-1]
    logged = sum(bool(re.search("a message has come: [0-9]", line)) for line in lines)
    told = re.compile(r'(?:\(|"message": "|#info\] )(\d+) more|"left_out": (\d+)')
    left_out = [told.search(line) for line in lines]
    assert 100_000 == logged + sum(int(found[1] or found[2]) for found in left_out if found)


def test_an_error_logged_in_the_old_way_is_logged_beside_a_flood_of_messages() -> None:
    def use(log: Logger) -> None:
        old: Any = {"log_format": "{log_text}", "log_namespace": "log_legacy"}
        for number in range(10_000):
            log.observer({**old, "log_text": f"part {number} is good", "log_level": LogLevel.info})
        log.observer({**old, "log_text": "the axis has stopped", "log_level": LogLevel.critical})

    lines = written(text_line, 100_000, use)

    assert any("the axis has stopped" in line for line in lines)
    assert "more events of this kind were not logged: log_legacy {log_text}" in lines[-1]


def test_events_that_were_asked_for_are_not_limited() -> None:
    def use(log: Logger) -> None:
        for _ in range(1000):
            log.info("a frame", log_asked_for=True)

    assert 1000 == len(written(text_line, 1000, use))


def test_an_event_of_the_old_way_is_one_line_too() -> None:
    old = {"log_format": "{log_text}", "log_text": "a\nb", "log_system": "old\x1b", "log_time": 0.0}
    line = text_line(old)

    assert line is not None
    assert line.endswith(" [old\\x1b] a\\x0ab\n")
