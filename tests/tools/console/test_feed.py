"""The way from the reactor's thread to the console's: bounded, and without waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from tcpcomm import MessageKind
from tcpcomm.tools.console.feed import (
    FIRST_ROWS,
    INTERVAL,
    MOST_LOG_LINES,
    MOST_WAITING_ROWS,
    Feed,
)
from tests.system.running import wait_until
from tests.tools.console.stage import Stage


@pytest.fixture
def stage() -> Stage:
    """A model and a feed; the console is not run."""
    return Stage()


def events(stage: Stage, session: Any, count: int) -> None:
    """Let so many events pass."""
    for _ in range(count):
        stage.say(session, MessageKind.EVENT, b"E", "tick", after=0)


def test_the_first_news_of_a_source_are_its_newest_rows(stage: Stage) -> None:
    _, session = stage.link()
    events(stage, session, FIRST_ROWS + 500)
    stage.feed.watch(7, "1")
    news = stage.feed.take()
    assert (7, FIRST_ROWS) == (news.watch, len(news.rows))
    assert stage.model.last_row == news.rows[-1].number


def test_batches_come_ten_times_a_second_from_the_source_that_is_watched(stage: Stage) -> None:
    (first,), (second,) = stage.server("10.0.0.7:1"), stage.server("10.0.0.8:1")
    stage.feed.watch(1, "2")
    stage.feed.take()
    stage.feed.start()
    events(stage, first, 3)
    events(stage, second, 2)
    stage.clock.advance(INTERVAL)
    assert 2 == len(stage.feed.take().rows)
    stage.feed.stop()
    assert [] == stage.clock.getDelayedCalls()


def test_rows_that_the_console_does_not_take_are_counted(stage: Stage) -> None:
    _, session = stage.link()
    stage.feed.watch(1, "1")
    stage.feed.take()
    for _ in range(5):
        events(stage, session, 900)
        stage.feed.collect()
    news = stage.feed.take()
    assert (MOST_WAITING_ROWS, 4500 - MOST_WAITING_ROWS) == (len(news.rows), news.left_out)
    stage.feed.collect()
    assert 0 == stage.feed.take().left_out


def test_the_state_of_everything_comes_at_once_when_it_changes(stage: Stage) -> None:
    stage.feed.collect()
    stage.feed.take()
    stage.link()
    stage.feed.collect()
    news = stage.feed.take()
    assert news.overview is not None
    assert ["ready"] == [each["state"] for each in news.overview["sources"]]


def test_the_figures_come_twice_a_second(stage: Stage) -> None:
    stage.link()
    found = []
    for _ in range(20):
        stage.feed.collect()
        found.append(stage.feed.take().overview is not None)
    assert 5 == sum(found)


def test_the_newest_lines_of_the_log_are_kept(stage: Stage) -> None:
    stage.feed.write("".join(f"line {number}\n" for number in range(MOST_LOG_LINES + 100)))
    log = stage.feed.take().log
    assert (MOST_LOG_LINES, "line 100") == (len(log), log[0])
    assert () == stage.feed.take().log


def test_a_call_brings_the_result_of_a_deferred_or_its_error(stage: Stage) -> None:
    waiting: Deferred[int] = Deferred()
    future = stage.feed.call(lambda: waiting)
    assert not future.done()
    waiting.callback(7)
    assert 7 == future.result()

    def fail() -> None:
        raise ValueError("no such session")

    assert "no such session" == str(stage.feed.call(fail).exception())


def test_a_call_that_nobody_waits_for_is_not_made() -> None:
    waiting: list[Callable[[], None]] = []

    class Busy:
        def callFromThread(self, function: Callable[..., None], *values: Any) -> None:
            waiting.append(lambda: function(*values))

    calls: list[int] = []
    future = Feed(Stage().model, Busy()).call(lambda: calls.append(1))
    future.cancel()
    waiting.pop()()
    assert [] == calls


@pytest.fixture
def taking(stage: Stage) -> Iterator[list[int]]:
    """A second thread that takes what comes, as the console does."""
    counted: list[int] = []
    over = threading.Event()

    def take() -> None:
        while not over.is_set():
            news = stage.feed.take()
            counted.append(len(news.rows) + news.left_out)

    thread = threading.Thread(target=take)
    thread.start()
    yield counted
    over.set()
    thread.join()


def test_no_row_is_lost_between_two_threads(stage: Stage, taking: list[int]) -> None:
    _, session = stage.link()
    stage.feed.watch(1, "1")
    for _ in range(50):
        events(stage, session, 100)
        stage.feed.collect()
    wait_until(lambda: sum(taking) >= 5000 + 4)
    assert 5000 + 4 == sum(taking)
