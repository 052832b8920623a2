"""Deliveries: their order, and what a sink that refuses, fails, hangs or has a bug costs."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from tcpcomm.errors import ConfigurationError
from tcpcomm.plant import Outbox, OutboxMessage
from tcpcomm.plant.outbox import delivery, store
from tcpcomm.plant.outbox.committer import ClockRunner
from tcpcomm.plant.outbox.figures import DELIVERING
from tests.plant.outbox.rig import Mode, Plant, Rig, TestSink, outcome_of
from tests.session.stage import recorded_log


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    rig = Rig(tmp_path)
    rig.start()
    return rig


def test_messages_come_in_order_in_batches(rig: Rig) -> None:
    rig.plant.modes["a"] = Mode.FAILS
    for number in range(10):
        rig.post(number)
    rig.turn()
    rig.plant.calls.clear()
    rig.plant.modes.clear()
    rig.pass_time(20)
    assert [numbers for _, numbers in rig.plant.calls] == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]
    figures = rig.outbox.figures().sinks["a"]
    assert (figures.depth, figures.delivered, figures.oldest_age, figures.state) == (0, 10, 0.0, DELIVERING)


def test_the_next_batch_is_there_when_one_is_delivered(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[float] = []
    fetch = store.Store.fetch

    def counted(*args: Any) -> Any:
        looks.append(rig.clock.seconds())
        return fetch(*args)

    rig.plant.modes["a"] = Mode.FAILS
    for number in range(10):
        rig.post(number)
    rig.turn()
    rig.plant.calls.clear()
    monkeypatch.setattr(store.Store, "fetch", counted)
    rig.plant.modes["a"] = Mode.TAKES_TIME
    rig.pass_time(20)
    assert [numbers for _, numbers in rig.plant.calls] == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]
    assert looks[1] == looks[0]  # the second batch was taken when the first one began
    assert rig.outbox.figures().sinks["a"].depth == 0


def test_a_batch_that_was_taken_ahead_is_taken_again_after_a_failure(rig: Rig) -> None:
    rig.plant.modes["a"] = Mode.FAILS
    for number in range(12):
        rig.post(number)
    rig.turn()
    rig.plant.calls.clear()
    rig.plant.modes["a"] = Mode.TELLS_HALF
    rig.pass_time(3)
    rig.plant.modes["a"] = Mode.TAKES_TIME
    rig.pass_time(20)
    assert list(range(1, 13)) == rig.plant.ids()
    assert [1, 2, 3, 4] == rig.plant.calls[0][1]
    assert [3, 4, 5, 6] == rig.plant.calls[1][1]


def test_a_batch_ends_at_its_bytes(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST_BATCH_BYTES", 250)
    for _ in range(5):
        rig.post(b"x" * 100)
    rig.turn()
    assert [numbers for _, numbers in rig.plant.calls] == [[1, 2], [3, 4], [5]]


def test_an_outage_costs_no_attempts_and_two_lines(rig: Rig) -> None:
    with recorded_log() as log:
        rig.plant.modes["a"] = Mode.FAILS
        rig.stored("x")
        rig.pass_time(300)
        assert 30 < len(rig.plant.calls) < 300  # about every 5 s
        figures = rig.outbox.figures().sinks["a"]
        assert (figures.depth, figures.oldest_age, figures.state) == (1, 300.0, "unplugged")
        assert figures.refused == 0
        rig.plant.modes.clear()
        rig.pass_time(20)
        first, last = log.lines()
    assert first == "sink a is unavailable: unplugged"
    assert last.startswith("sink a is available again, after 30")
    assert rig.plant.got["a"][0].attempts == 0
    assert rig.outbox.figures().sinks["a"].state == DELIVERING


def test_what_a_failing_sink_confirmed_is_not_repeated(rig: Rig) -> None:
    rig.plant.modes["a"] = Mode.TELLS_HALF
    for number in range(4):
        rig.post(number)
    rig.turn()
    assert rig.outbox.figures().sinks["a"].depth == 2
    rig.plant.modes.clear()
    rig.pass_time(20)
    assert [numbers for _, numbers in rig.plant.calls] == [[1, 2, 3, 4], [3, 4]]


@pytest.mark.parametrize("mode", [Mode.HANGS, Mode.HANGS_IN_SPITE], ids=lambda mode: mode.name)
def test_a_sink_that_hangs_is_cancelled(rig: Rig, mode: Mode) -> None:
    rig.plant.modes["a"] = mode
    rig.stored("x")
    rig.pass_time(31)
    assert rig.outbox.figures().sinks["a"].state == "no confirmation within 30 s"
    rig.plant.modes.clear()
    rig.pass_time(60)
    assert rig.plant.ids() == [1]


@pytest.mark.parametrize("mode", [Mode.HAS_A_BUG, Mode.RETURNS_NONSENSE], ids=lambda mode: mode.name)
def test_a_bug_in_a_sink_is_logged_once_and_ends_nothing(rig: Rig, mode: Mode) -> None:
    with recorded_log() as log:
        rig.plant.modes["a"] = mode
        rig.stored("x")
        rig.pass_time(100)
        assert "an error in its code" in rig.outbox.figures().sinks["a"].state
        assert len([each for each in log.events if "log_failure" in each]) == 1
        log.events.clear()
    rig.plant.modes.clear()
    rig.pass_time(20)
    assert rig.plant.ids() == [1]


def test_poison_holds_back_its_source_only_and_then_goes_aside(tmp_path: Path) -> None:
    rig = Rig(tmp_path, batch=1)
    rig.start()
    rig.plant.poison.add(b"poison")
    with recorded_log() as log:
        for source in "xy":
            rig.post("before", source=source)
        rig.post("poison", source="x")
        for source in "xyxy":
            rig.post("after", source=source)
        rig.turn()
        assert rig.plant.ids() == [1, 2, 5, 7]  # the messages of x behind the poison wait
        assert rig.outbox.figures().sinks["a"].refused == 1
        rig.pass_time(30)
        assert log.lines() == ["sink a: message 3 is set aside after 3 refusals: it is poison"]
    assert rig.plant.ids() == [1, 2, 5, 7, 4, 6]
    figures = rig.outbox.figures().sinks["a"]
    assert (figures.depth, figures.set_aside, figures.refused, figures.delivered) == (0, 1, 3, 6)


def test_a_message_refused_twice_may_be_taken_later(rig: Rig) -> None:
    rig.plant.poison.add(b"poison")
    rig.stored("poison", source="x")
    rig.plant.poison.clear()
    rig.stored("after", source="x")
    rig.pass_time(20)
    assert rig.plant.ids() == [1, 2]
    assert [each.attempts for each in rig.plant.got["a"]] == [1, 0]


def test_a_reason_that_cannot_be_stored_is_made_storable(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    async def deliver(messages: Sequence[OutboxMessage]) -> Mapping[str, str]:
        return {each.id: "\ud800" for each in messages}

    monkeypatch.setattr(rig.outbox.connections["a"], "deliver", deliver)
    rig.stored("x")
    rig.pass_time(30)
    assert rig.outbox.figures().sinks["a"].set_aside == 1


def test_an_error_in_the_store_is_told_and_ends_nothing(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched, recorded_log() as log:
        patched.setattr(store.Store, "add", lambda self, posts: 1 / 0)
        done = rig.post("x")
        rig.turn()
        (problem,) = outcome_of(done)
        assert "an error in the code of the outbox: ZeroDivisionError" in str(problem)
        assert len([each for each in log.events if "log_failure" in each]) == 1
        log.events.clear()
    rig.stored("y")
    assert rig.plant.ids() == [1]


def test_a_file_that_cannot_be_read_for_a_while_costs_no_message(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: store.Store, *values: object) -> store.Fetched:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patched:
        patched.setattr(store.Store, "fetch", fail)
        rig.stored("x")
        rig.pass_time(5)
        assert "disk I/O error" in rig.outbox.figures().sinks["a"].state
    rig.pass_time(2)
    assert rig.plant.ids() == [1]
    assert rig.outbox.figures().sinks["a"].state == DELIVERING


@pytest.mark.parametrize("poison", [True, False], ids=["refused", "unavailable"])
def test_a_result_is_noted_though_the_next_batch_cannot_be_read(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, poison: bool
) -> None:
    fetch, looks = store.Store.fetch, 0

    def fail_ahead(*values: Any) -> store.Fetched:
        nonlocal looks
        looks += 1
        if looks == 2:
            raise sqlite3.OperationalError("disk I/O error")
        return fetch(*values)

    rig.plant.modes["a"] = Mode.FAILS
    for number in range(8):
        rig.post(str(number))
    rig.turn()
    rig.plant.modes["a"] = Mode.CONFIRMS if poison else Mode.TELLS_HALF
    rig.plant.poison.update([b"3"] if poison else [])
    monkeypatch.setattr(store.Store, "fetch", fail_ahead)
    rig.pass_time(1.5)
    rig.plant.modes.clear()
    rig.pass_time(30)

    got = [each.number for each in rig.plant.got["a"]]
    assert 1 == got.count(1)
    assert {*range(1, 9)} - ({4} if poison else set()) == {*got}


def test_what_is_delivered_while_the_disk_is_full_is_noted_later(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: store.Store, *values: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patched:
        patched.setattr(store.Store, "confirm", fail)
        rig.stored("x")
        rig.pass_time(5)
        figures = rig.outbox.figures().sinks["a"]
        assert (figures.depth, "disk I/O error" in figures.state) == (1, True)
    rig.pass_time(2)
    assert [each.number for each in rig.plant.got["a"]] == [1]
    assert rig.outbox.figures().sinks["a"].depth == 0


def test_a_disk_that_hangs_does_not_hold_up_the_stop(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    with recorded_log() as log:
        monkeypatch.setattr(ClockRunner, "run", lambda self: None)
        rig.post("x")
        monkeypatch.setattr(ClockRunner, "end", lambda self, last: Deferred())
        rig.outbox.connections["a"].deliver = None  # type: ignore[assignment, method-assign]
        stopped = rig.outbox.stopService()
        rig.pass_time(25)
        assert [*outcome_of(stopped)] == [None]
        assert f"the disk of the outbox {rig.path} hangs: it is left behind" in log.lines()


def test_refusals_count_over_a_restart(rig: Rig) -> None:
    rig.plant.poison.add(b"poison")
    rig.stored("poison")
    rig.restart()
    rig.pass_time(60)
    assert rig.outbox.figures().sinks["a"].set_aside == 1
    assert sum(rig.plant.refused.values()) == 3


def test_a_long_backlog_of_one_source_does_not_keep_others_waiting(tmp_path: Path) -> None:
    rig = Rig(tmp_path, batch=2)
    rig.start()
    rig.plant.poison.add(b"poison")
    rig.post("poison", source="x")
    for _ in range(40):
        rig.post("after", source="x")
    rig.post("other", source="y")
    rig.turn()
    assert 42 in rig.plant.ids()
    rig.pass_time(60)
    assert [each for each in rig.plant.ids() if each not in (2, 42)] == [*range(3, 42)]


def test_too_many_waiting_sources_stop_the_sink_until_some_go_on(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "MAX_WAITING_SOURCES", 3)
    rig.plant.poison.add(b"poison")
    for number in range(20):
        rig.post("poison", source=f"s{number}")
    rig.post("good", source="last")
    rig.turn()
    assert rig.plant.ids() == []
    rig.pass_time(600)
    assert rig.plant.ids() == [21]
    assert rig.outbox.figures().sinks["a"].set_aside == 20


def test_what_expired_is_counted_and_not_delivered(rig: Rig) -> None:
    rig.plant.modes["a"] = Mode.FAILS
    with recorded_log() as log:
        for number in range(10):
            rig.post(number, expires_in=5.0 if number < 9 else None)
        rig.pass_time(30)
        rig.plant.modes.clear()
        rig.pass_time(20)
        assert any("expired before they were delivered" in each for each in log.lines())
    figures = rig.outbox.figures().sinks["a"]
    assert (figures.expired, figures.delivered, figures.depth) == (9, 1, 0)
    assert rig.plant.ids() == [10]


def test_messages_for_a_sink_that_is_no_longer_named_are_kept_and_told(tmp_path: Path) -> None:
    rig = Rig(tmp_path, ("a", "b"))
    rig.start()
    rig.plant.modes["b"] = Mode.FAILS
    rig.stored("x", ["a", "b"])
    rig.stop()
    removed = rig.sinks.pop("b")
    rig.outbox = rig.open()
    with recorded_log() as log:
        rig.start()
        assert log.lines() == [
            f"{rig.path}: 1 messages wait for the sink b, which the program does not name"
        ]
    found = rig.outbox.figures().sinks["b"]
    assert found.depth == 1
    assert "the program names no such sink" in found.state
    with pytest.raises(ConfigurationError, match="there is no sink 'b'"):
        rig.post("y", "b")
    rig.stop()
    rig.plant.modes.clear()
    rig.sinks["b"] = removed
    rig.outbox = rig.open()
    rig.start()
    assert rig.plant.ids("b") == [1]


def test_a_stop_lets_a_quick_delivery_end_and_cancels_a_slow_one(rig: Rig) -> None:
    rig.plant.modes["a"] = Mode.HANGS
    rig.stored("x")
    stopped = rig.outbox.stopService()
    rig.pass_time(1.9)
    assert [*outcome_of(stopped)] == []
    rig.pass_time(0.2)
    assert [*outcome_of(stopped)] == [None]
    assert rig.clock.getDelayedCalls() == []
    rig.plant.modes.clear()
    rig.outbox = rig.open()
    rig.start()
    assert rig.plant.ids() == [1]


def test_a_stop_begins_no_delivery(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[Deferred[None]] = []
    fetch = store.Store.fetch

    def stop_and_fetch(*values: Any) -> store.Fetched:
        stopped.append(rig.outbox.stopService())
        return fetch(*values)

    monkeypatch.setattr(store.Store, "fetch", stop_and_fetch)
    rig.plant.modes["a"] = Mode.HANGS
    rig.post("x")
    rig.pass_time(0.1)
    assert [*outcome_of(stopped[0])] == [None]
    assert rig.plant.calls == []


def test_an_outbox_that_never_started_can_be_stopped(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    done = rig.post("x")
    rig.outbox.stopService()
    rig.turn()
    assert len([*outcome_of(done)]) == 1
    rig.outbox = rig.open()
    rig.start()
    assert rig.plant.ids() == [1]


def test_a_sink_that_fails_at_its_end_is_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(tmp_path)
    rig.start()

    async def close() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(rig.outbox.connections["a"], "close", close)
    with recorded_log() as log:
        rig.stop()
        assert log.failures() == ["sink a: closing failed (ZeroDivisionError)"]


def test_a_sink_that_does_not_close_is_left_behind(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    async def close() -> None:
        await Deferred()

    monkeypatch.setattr(rig.outbox.connections["a"], "close", close)
    with recorded_log() as log:
        stopped = rig.outbox.stopService()
        rig.pass_time(9)
        assert [*outcome_of(stopped)] == []
        rig.pass_time(2)
        assert [*outcome_of(stopped)] == [None]
        assert log.lines() == ["sink a does not close: it is left behind"]


def test_an_outbox_without_sinks_can_be_used(tmp_path: Path) -> None:
    rig = Rig(tmp_path, ())
    rig.start()
    assert rig.outbox.figures().sinks == {}
    rig.stop()


def test_two_programs_cannot_use_one_file(rig: Rig) -> None:
    with pytest.raises(
        ConfigurationError, match=r"is used already by process \d+: one outbox file has one"
    ):
        Outbox(rig.path, {"a": TestSink(plant=Plant())}, reactor=rig.clock)
