"""People look into an outbox, and repeat or drop what was refused, also while a program uses it."""

from __future__ import annotations

import sqlite3
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tcpcomm.errors import ConfigurationError
from tcpcomm.plant.outbox import administration
from tcpcomm.plant.outbox.administration import OutboxFile
from tcpcomm.plant.outbox.database import transaction
from tests.plant.outbox.rig import Mode, Rig


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    """An outbox that has set aside message 2, and whose sink b is down."""
    rig = Rig(tmp_path, ("a", "b"), attempts=2)
    rig.start()
    rig.plant.modes["b"] = Mode.FAILS
    rig.plant.poison.add(b"poison")
    rig.stored("first", topic="line/1")
    rig.stored("poison", ["a", "b"], topic="line/2", source="x")
    rig.pass_time(30)
    return rig


def test_show(rig: Rig) -> None:
    with OutboxFile(rig.path) as file:
        assert file.totals() == (1, 2)
        a, b = file.sinks()
        assert (a.name, a.depth, a.delivered, a.refused, a.set_aside, a.oldest) == ("a", 0, 1, 2, 1, None)
        assert (b.name, b.depth, b.set_aside, b.is_named) == ("b", 1, 0, True)
        assert b.oldest is not None
        (row,) = file.aside()
        assert (row.sink, row.topic, row.source, row.attempts) == ("a", "line/2", "x", 2)
        assert row.reason == "it is poison"
        number = file.number_of(row.id)
        assert number == file.number_of("2") == 2
        message, pending = file.message(number)
        assert (message.id, message.value(), message.topic) == (row.id, "poison", "line/2")
        assert [(each.name, each.is_aside) for each in pending] == [("a", True), ("b", False)]


def test_the_problem_of_a_sink_is_in_the_file(rig: Rig) -> None:
    def problems() -> list[str]:
        with OutboxFile(rig.path) as file:
            return [each.problem for each in file.sinks()]

    assert ["", "unplugged"] == problems()
    with OutboxFile(rig.path) as file:
        noted_at = file.sinks()[1].problem_at
    assert 0 <= rig.clock.seconds() - noted_at <= 30
    rig.pass_time(60)
    with OutboxFile(rig.path) as file:
        assert noted_at == file.sinks()[1].problem_at, "it is written only when it changes"
    rig.plant.modes["b"] = Mode.CONFIRMS
    rig.pass_time(30)
    assert ["", ""] == problems()
    rig.plant.modes["a"] = Mode.FAILS
    rig.stored("later")
    rig.stop()
    assert ["unplugged", ""] == problems()


def test_a_sink_that_is_dropped_leaves_no_problem(rig: Rig) -> None:
    rig.stop()
    del rig.sinks["b"]
    rig.outbox = rig.open()
    rig.stop()
    with OutboxFile(rig.path) as file:
        assert ["", "unplugged"] == [each.problem for each in file.sinks()]
        file.drop_sink("b")
        assert [""] == [each.problem for each in file.sinks()]


def test_the_running_outbox_notices_what_is_put_back(rig: Rig) -> None:
    rig.plant.poison.clear()
    with OutboxFile(rig.path) as file:
        assert file.retry([2]) == 1
        assert file.retry([2]) == 0
    rig.pass_time(2)
    assert rig.plant.ids("a") == [1, 2]
    figures = rig.outbox.figures().sinks["a"]
    assert (figures.set_aside, figures.depth, figures.delivered) == (0, 0, 2)


def test_what_is_put_back_stands_in_its_place(rig: Rig) -> None:
    rig.plant.modes["a"] = Mode.FAILS
    rig.stored("later", source="x")
    rig.plant.poison.clear()
    with OutboxFile(rig.path) as file:
        assert file.retry() == 1
    rig.pass_time(2)
    rig.plant.modes.clear()
    rig.pass_time(30)
    assert rig.plant.ids("a") == [1, 2, 3]


def test_what_is_put_back_can_be_set_aside_again(rig: Rig) -> None:
    with OutboxFile(rig.path) as file:
        file.retry()
    rig.pass_time(30)
    figures = rig.outbox.figures().sinks["a"]
    assert (figures.set_aside, figures.refused) == (1, 4)


def test_drop_deletes_what_is_set_aside_and_nothing_else(rig: Rig) -> None:
    with OutboxFile(rig.path) as file:
        assert file.drop() == 1
        assert file.totals() == (1, 2)  # b waits for it
    rig.pass_time(2)
    assert rig.outbox.figures().sinks["a"].set_aside == 0
    rig.plant.poison.clear()
    rig.plant.modes.clear()
    rig.pass_time(30)
    assert rig.plant.ids("b") == [2]
    with OutboxFile(rig.path) as file:
        assert file.totals() == (0, 2)


def test_only_a_sink_that_no_program_names_is_dropped(rig: Rig) -> None:
    with OutboxFile(rig.path) as file:
        with pytest.raises(ConfigurationError, match="names the sink b: take it out"):
            file.drop_sink("b")
        with pytest.raises(ConfigurationError, match="there is no sink 'c'; the sinks are: a, b"):
            file.drop_sink("c")
    rig.stop()
    del rig.sinks["b"]
    rig.outbox = rig.open()
    rig.start()
    with OutboxFile(rig.path) as file:
        assert file.drop_sink("b") == 1
        assert [each.name for each in file.sinks()] == ["a"]
    rig.pass_time(2)
    assert [*rig.outbox.figures().sinks] == ["a"]
    rig.stored("still works")


def test_a_sink_that_a_program_names_again_meanwhile_is_kept(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.plant.modes["b"] = Mode.FAILS
    for number in range(3):
        rig.stored(number, "b")
    rig.stop()
    sink = rig.sinks.pop("b")
    rig.outbox = rig.open()
    rig.stop()

    def start_again(connection: sqlite3.Connection) -> AbstractContextManager[None]:
        if "b" not in rig.sinks and waits.pop():
            rig.sinks["b"] = sink
            rig.outbox = rig.open()
            rig.start()
        return transaction(connection)

    waits = [True, False]  # it starts after the first messages are gone
    monkeypatch.setattr(administration, "_AT_ONCE", 1)
    monkeypatch.setattr(administration, "transaction", start_again)
    with OutboxFile(rig.path) as file, pytest.raises(ConfigurationError, match="names the sink b"):
        file.drop_sink("b")
    rig.stored("new", "b")
    rig.plant.modes.clear()
    rig.pass_time(20)
    assert b"new" in [each.body for each in rig.plant.got["b"]]


def test_wrong_ids_are_told(rig: Rig) -> None:
    with OutboxFile(rig.path) as file:
        for wrong in ("abc", "00000000-2", "2-2", ""):
            with pytest.raises(ConfigurationError, match="is no id of a message"):
                file.number_of(wrong)
        for gone in ("1", "99", "9" * 30):
            with pytest.raises(ConfigurationError, match="there is no message"):
                file.number_of(gone)
    with pytest.raises(ConfigurationError, match="there is no such file"):
        OutboxFile(rig.path.with_name("missing"))
