"""A receiver finds duplicates by their ids, also after crashes, and forgets old ids."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tcpcomm.errors import ConfigurationError
from tcpcomm.plant import Deduplicator

DAY = 86_400.0


class Days:
    """A wall clock that counts in days."""

    def __init__(self) -> None:
        self.day = 20_000.0

    def __call__(self) -> float:
        return self.day * DAY


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "seen"


@pytest.fixture
def dedup(path: Path) -> Iterator[Deduplicator]:
    with Deduplicator(path) as dedup:
        yield dedup


def test_an_id_is_new_once(dedup: Deduplicator) -> None:
    for id in (
        "4f9c2a1b-1807",
        "4f9c2a1b-1808",
        "00000000-1807",
        "an id of another program",
        "4f9c2a1b-01",
    ):
        assert dedup.is_new(id)
        assert not dedup.is_new(id)
    assert len(dedup) == 5


def test_an_error_in_the_block_makes_the_message_new_again(dedup: Deduplicator, path: Path) -> None:
    with pytest.raises(ZeroDivisionError), dedup.once("4f9c2a1b-1"):
        raise ZeroDivisionError
    with dedup.once("4f9c2a1b-1") as is_new:
        assert is_new
    dedup.close()
    with Deduplicator(path) as again:
        assert not again.is_new("4f9c2a1b-1")


def test_a_batch_is_remembered_at_once(dedup: Deduplicator) -> None:
    assert dedup.is_new("4f9c2a1b-2")
    with dedup.once_each(["4f9c2a1b-1", "4f9c2a1b-2", "4f9c2a1b-3", "4f9c2a1b-3"]) as new:
        assert new == {"4f9c2a1b-1", "4f9c2a1b-3"}
    assert len(dedup) == 3


def test_a_block_within_a_block_is_an_error_and_no_deadlock(dedup: Deduplicator) -> None:
    with dedup.once("4f9c2a1b-1"), pytest.raises(ConfigurationError, match="do not await anything in it"):
        dedup.is_new("4f9c2a1b-2")
    assert dedup.is_new("4f9c2a1b-2")


def test_threads_take_turns(dedup: Deduplicator) -> None:
    new: list[bool] = []

    def work() -> None:
        new.extend(dedup.is_new(f"4f9c2a1b-{number}") for number in range(1, 51))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (new.count(True), len(new)) == (50, 200)


def test_ids_are_forgotten_by_age(path: Path) -> None:
    days = Days()
    with Deduplicator(path, keep_days=30.0, wall_clock=days) as dedup:
        for number in range(1, 101):
            dedup.is_new(f"4f9c2a1b-{number}")
        days.day += 30
        assert dedup.is_new("4f9c2a1b-500")
        assert len(dedup) == 101
        days.day += 1
        assert dedup.is_new("4f9c2a1b-501")
        assert len(dedup) == 2
        assert dedup.is_new("4f9c2a1b-1")


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 2)), max_size=80), st.integers(1, 20))
def test_the_newest_ids_are_kept(
    tmp_path_factory: pytest.TempPathFactory, seen: list[tuple[int, int]], most: int
) -> None:
    days = Days()
    path = tmp_path_factory.mktemp("dedup") / "seen"
    known: dict[int, float] = {}
    with Deduplicator(path, max_ids=most, keep_days=1e5, wall_clock=days) as dedup:
        for number, later in seen:
            days.day += later
            found = dedup.is_new(f"4f9c2a1b-{number}")
            if not found:
                assert number in known
            known.setdefault(number, days.day)
            assert len(dedup) <= most
    with closing(sqlite3.connect(path)) as db:
        (rows,) = db.execute("SELECT count(*) FROM seen").fetchone()
    assert rows <= most


def test_ids_are_stored_compactly(dedup: Deduplicator, path: Path) -> None:
    with dedup.once_each(f"4f9c2a1b-{number}" for number in range(1, 20_001)):
        pass
    dedup.close()
    assert path.stat().st_size < 20_000 * 40


def test_wrong_arguments_are_errors(path: Path, dedup: Deduplicator) -> None:
    for wrong in ({"keep_days": 0}, {"max_ids": 0}):
        with pytest.raises(ConfigurationError):
            Deduplicator(path, **wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="is too long"):
        dedup.is_new("x" * 1001)
