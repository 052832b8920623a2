"""The logger of events that a peer can cause."""

from __future__ import annotations

import re

import pytest
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from tcpcomm.runtime import bounded_logger
from tcpcomm.runtime.bounded_logger import LOG_BURST, LOG_RATE, TRACEBACK_COST, BoundedLogger
from tcpcomm.runtime.log_budget import LogBudget
from tests.conftest import ROOT
from tests.session.stage import Logged


@pytest.fixture(autouse=True)
def _limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_logger, "peer_events", LogBudget(LOG_BURST, 0.0))


def test_texts_are_safe_and_other_values_stay() -> None:
    with capturedLogs() as events:
        BoundedLogger("camera").info("{peer}: {count}", peer="a\x1b\nb", count=3)

    assert ["a\\x1b\\x0ab: 3"] == [formatEvent(each) for each in events]
    assert 3 == events[0]["count"]


def test_a_kind_of_event_is_logged_so_often_at_most() -> None:
    log = BoundedLogger("camera")
    with capturedLogs() as events:
        for number in range(10_000):
            log.info("{peer}: connected", peer=f"10.0.0.5:{number}")

    assert LOG_BURST == len(events)


def test_after_a_flood_a_kind_has_ten_lines_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(bounded_logger, "monotonic", clock.seconds)
    monkeypatch.setattr(bounded_logger, "peer_events", LogBudget(LOG_BURST, LOG_RATE))
    log = BoundedLogger("camera")
    counts = []
    for _ in range(3):
        with capturedLogs() as events:
            for number in range(1000):
                log.info("{peer}: connected", peer=f"10.0.0.5:{number}")
        counts.append(len(events))
        clock.advance(5.0)

    assert [LOG_BURST, 5 * LOG_RATE, 5 * LOG_RATE] == counts


def test_a_line_with_a_traceback_counts_for_more(logged: Logged) -> None:
    log = BoundedLogger("camera")
    with capturedLogs() as events:
        for _ in range(10_000):
            try:
                raise ValueError("the lens cap is on")
            except ValueError:
                log.failure("{command} failed", command="locate")

    assert LOG_BURST // TRACEBACK_COST == len(events)
    logged.events.clear()


def test_each_command_and_each_error_is_a_kind_of_its_own() -> None:
    log = BoundedLogger("camera")
    with capturedLogs() as events:
        for command in ("locate", "judge"):
            for _ in range(LOG_BURST * 2):
                log.warn("{command} was refused", command=command)

    assert 2 * LOG_BURST == len(events)


def test_the_next_line_tells_how_many_were_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(bounded_logger, "monotonic", lambda: now[0])
    monkeypatch.setattr(bounded_logger, "peer_events", LogBudget(1, 1.0))
    log = BoundedLogger("camera")
    with capturedLogs() as events:
        for _ in range(100):
            log.info("{peer}: connected", peer="10.0.0.5:1")
        now[0] = 2.0
        log.info("{peer}: connected", peer="10.0.0.5:2")

    left_out = "(99 more of this kind before it were not logged)"
    assert f"10.0.0.5:2: connected {left_out}" == formatEvent(events[-1])
    assert 2 == len(events)


UNLIMITED = ("session/frame_log.py", "testing/")
"""Modules whose lines somebody asked for."""


def test_every_other_module_logs_by_such_a_logger() -> None:
    source = ROOT / "src" / "tcpcomm"
    found = [
        name
        for path in source.rglob("*.py")
        if re.search(r"(?<!Bounded)Logger\(\)", path.read_text("utf-8"))
        and not (name := path.relative_to(source).as_posix()).startswith(UNLIMITED)
    ]

    assert [] == found
