"""Posts: their ids, their bodies, and when they are refused."""

from __future__ import annotations

import queue
import sqlite3
from contextlib import closing
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from twisted.internet.task import Clock

from tcpcomm.errors import ConfigurationError
from tcpcomm.plant import Outbox, OutboxMessage, OutboxRefused
from tcpcomm.plant.outbox import committer
from tcpcomm.plant.outbox.committer import ThreadRunner
from tests.plant.outbox.rig import Mode, Plant, Rig, TestSink, outcome_of
from tests.session.stage import recorded_log
from tests.system.running import DEADLINE
from tests.tools.record.sessions import Disk


class Color(Enum):
    RED = "red"


@frozen
class Position:
    x: float
    color: Color


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    rig = Rig(tmp_path)
    rig.start()
    return rig


def problem_of(done: Any) -> str:
    (found,) = list(outcome_of(done))
    assert isinstance(found, OutboxRefused)
    return str(found)


@pytest.mark.parametrize(
    ("content", "kind", "body"),
    [
        (b"\x00\xff", "application/octet-stream", b"\x00\xff"),
        (bytearray(b"ab"), "application/octet-stream", b"ab"),
        ("Größe 5", "text/plain", "Größe 5".encode()),
        ({"a": [1, 2.5, None, True]}, "application/json", b'{"a":[1,2.5,null,true]}'),
        (
            [float("nan"), float("inf"), -float("inf")],
            "application/json",
            b'["NaN","Infinity","-Infinity"]',
        ),
        (Position(1.5, Color.RED), "application/json", b'{"x":1.5,"color":"red"}'),
        ({"p": Position(float("nan"), Color.RED)}, "application/json", b'{"p":{"x":"NaN","color":"red"}}'),
        ({"data": b"\x01"}, "application/json", b'{"data":"AQ=="}'),
        ({1: "a"}, "application/json", b'{"1":"a"}'),
        ({Color.RED: 1}, "application/json", b'{"red":1}'),
        ({"t": "\ud800"}, "application/json", b'{"t":"\\ud800"}'),
        (5, "application/json", b"5"),
    ],
    ids=lambda value: None if isinstance(value, (str, bytes)) else type(value).__name__,
)
def test_a_body_is_bytes_text_or_strict_json(rig: Rig, content: Any, kind: str, body: bytes) -> None:
    rig.stored(content)
    (message,) = rig.plant.got["a"]
    assert (message.content_type, message.body) == (kind, body)


def test_what_is_no_content_is_an_error(rig: Rig) -> None:
    circle: list[Any] = []
    circle.append(circle)
    for content in (circle, "\ud800"):
        with pytest.raises(ConfigurationError, match=r"cannot post this (list|str)"):
            rig.post(content)


def test_an_id_names_the_outbox_and_is_never_used_again(rig: Rig) -> None:
    first = rig.stored("a", topic="line/camera", source="camera")
    outbox, _, number = first.partition("-")
    assert (len(outbox), number) == (8, "1")
    assert int(outbox, 16) >= 0
    rig.restart()  # the file is empty by now
    assert rig.outbox.figures().sinks["a"].depth == 0
    assert rig.stored("b") == f"{outbox}-2"
    assert [each.id for each in rig.plant.got["a"]] == [first, f"{outbox}-2"]
    assert rig.plant.got["a"][0] == OutboxMessage(
        id=first, number=1, topic="line/camera", source="camera", body=b"a", content_type="text/plain",
        posted_at=1_000_000.0,
    )  # fmt: skip


def test_a_message_for_several_sinks_is_stored_once(tmp_path: Path) -> None:
    rig = Rig(tmp_path, ("a", "b"))
    rig.start()
    rig.plant.modes["b"] = Mode.FAILS
    id = rig.stored("x", ["b", "a", "b"])
    with closing(sqlite3.connect(rig.path)) as db:
        assert db.execute("SELECT count(*) FROM messages").fetchone() == (1,)
    assert [each.id for each in rig.plant.got["a"]] == [id]
    rig.plant.modes.clear()
    rig.pass_time(20)
    assert [each.id for each in rig.plant.got["b"]] == [id]
    with closing(sqlite3.connect(rig.path)) as db:
        assert db.execute("SELECT count(*) FROM messages").fetchone() == (0,)


def test_unknown_sinks_and_wrong_arguments_are_errors(rig: Rig, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no sink 'c'; the sinks are: a"):
        rig.post("x", "c")
    with pytest.raises(ConfigurationError, match="a post needs a sink"):
        rig.post("x", [])
    with pytest.raises(ConfigurationError, match="expires_in must be above 0"):
        rig.post("x", expires_in=0)
    for bad in ("x" * 1001, "\ud800", 5):
        with pytest.raises(ConfigurationError, match="the topic of a post"):
            rig.post("x", topic=bad)
    for wrong in ({"max_mib": 0}, {"max_messages": 0}):
        with pytest.raises(ConfigurationError, match="must be a number of at least 1"):
            Outbox(tmp_path / "wrong.outbox", {}, reactor=Clock(), **wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="gather must be seconds from 0 to 1, not 2"):
        Outbox(tmp_path / "wrong.outbox", {}, reactor=Clock(), gather=2)
    with pytest.raises(ConfigurationError, match="is no name of a sink"):
        Outbox(tmp_path / "wrong.outbox", {"a b": TestSink(plant=Plant())}, reactor=Clock())


def test_posts_of_some_milliseconds_share_a_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    cycles: queue.SimpleQueue[list[Any]] = queue.SimpleQueue()

    class Reactor:
        def callFromThread(self, function: Any, *args: Any) -> None:
            function(*args)

    runner = ThreadRunner(Reactor(), 0.02)
    runner.start(cycles.put, lambda result: None)
    waits: list[float] = []

    def sleep(seconds: float) -> None:  # while the first post waits, two more come
        waits.append(seconds)
        if len(waits) == 1:
            runner.put("second")
            runner.put("third")

    monkeypatch.setattr(committer, "sleep", sleep)
    runner.put("first")

    assert ["first", "second", "third"] == cycles.get(timeout=DEADLINE)
    assert [0.02] == waits
    ended: queue.SimpleQueue[None] = queue.SimpleQueue()
    runner.end(lambda: ended.put(None))
    ended.get(timeout=DEADLINE)


def test_posts_that_wait_are_stored_by_one_commit(tmp_path: Path) -> None:
    commits: list[str] = []

    class Counting(sqlite3.Connection):
        def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
            commits.append(statement)
            return super().execute(statement, *values)

    rig = Rig(tmp_path, opener=lambda path: sqlite3.connect(path, isolation_level=None, factory=Counting))
    done = [rig.post(each) for each in range(50)]
    rig.turn()
    commits.clear()
    done = [rig.post(each) for each in range(50)]
    rig.turn()
    assert commits.count("COMMIT") == 1
    assert len([*outcome_of(done[0]), *outcome_of(done[-1])]) == 2
    assert "PRAGMA synchronous = NORMAL" not in commits


def test_an_outbox_with_too_many_messages_refuses_more_in_words(tmp_path: Path) -> None:
    rig = Rig(tmp_path, max_messages=3)
    rig.start()
    rig.plant.modes["a"] = Mode.FAILS
    done = [rig.post(each) for each in range(5)]
    rig.turn()
    assert [len([*outcome_of(each)]) for each in done[:3]] == [1, 1, 1]
    assert problem_of(done[3]) == "the outbox is full: it holds 3 messages, and max_messages is 3"
    figures = rig.outbox.figures()
    assert (figures.posted, figures.not_taken) == (3, 2)
    assert "max_messages is 3" in figures.problem
    rig.plant.modes.clear()
    rig.pass_time(20)
    rig.stored("there is room again")
    assert rig.outbox.figures().problem == ""
    assert rig.plant.ids() == [1, 2, 3, 4]


def test_an_outbox_with_too_many_bytes_refuses_more_in_words(tmp_path: Path) -> None:
    rig = Rig(tmp_path, max_mib=1)
    rig.start()
    rig.plant.modes["a"] = Mode.FAILS
    done = [rig.post(b"x" * 100_000) for _ in range(12)]
    rig.turn()
    taken = rig.outbox.figures().posted
    assert 8 <= taken <= 10
    assert "max_mib is 1.0, and the message takes 100,1" in problem_of(done[-1])
    rig.plant.modes.clear()
    rig.pass_time(20)
    assert len(rig.plant.ids()) == taken
    rig.stored(b"x" * 100_000)


def test_a_closed_outbox_refuses_posts_and_stores_those_before(rig: Rig) -> None:
    before = rig.post("before")
    stopped = rig.outbox.stopService()
    assert "is closed" in problem_of(rig.post("after"))
    rig.pass_time(1)
    assert len([*outcome_of(before)]) == 1
    assert len([*outcome_of(stopped)]) == 1
    assert rig.plant.closed == ["a"]
    with pytest.raises(ConfigurationError, match="was stopped: make a new one"):
        rig.outbox.startService()


def test_a_hung_disk_bounds_the_posts_that_wait(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committer, "MAX_WAITING_POSTS", 3)
    done = [rig.post("x") for _ in range(4)]  # nothing runs meanwhile
    assert "3 posts of 0.0 MiB wait for the disk already" in problem_of(done[3])
    rig.turn()
    assert rig.outbox.figures().not_taken == 1
    monkeypatch.setattr(committer, "MAX_WAITING_MIB", 1)
    done = [rig.post(b"x" * 700_000) for _ in range(3)]
    assert "2 posts of 1.3 MiB wait" in problem_of(done[2])


def test_a_full_disk_refuses_posts_until_there_is_room(tmp_path: Path) -> None:
    disk = Disk()
    rig = Rig(tmp_path, opener=disk)
    rig.start()
    rig.plant.modes["a"] = Mode.FAILS
    rig.stored("kept")
    disk.pages = 12
    with recorded_log() as log:
        done = [rig.post(b"x" * 200_000) for _ in range(2)]
        rig.turn()
        assert "the disk is full" in problem_of(done[0])
        assert "the disk is full" in rig.outbox.figures().problem
        disk.make_room()
        rig.stored("again")
        assert log.lines() == [
            f"outbox {rig.path} takes no messages: {rig.path}: the disk is full: make room on it",
            f"outbox {rig.path} takes messages again",
        ]
    assert rig.outbox.figures().problem == ""
    rig.plant.modes.clear()
    rig.pass_time(20)
    assert [each.body for each in rig.plant.got["a"]] == [b"kept", b"again"]


def test_posts_can_be_awaited_with_a_thread(tmp_path: Path) -> None:
    class Reactor(Clock):
        """A clock whose calls from threads wait in a queue."""

        from_threads: queue.SimpleQueue[Any] = queue.SimpleQueue()

        def callFromThread(self, function: Any, *values: Any) -> None:
            self.from_threads.put((function, values))

        def run_one(self) -> None:
            function, values = self.from_threads.get(timeout=DEADLINE)
            function(*values)

    reactor = Reactor()
    plant = Plant()
    sinks = {"a": TestSink(plant=plant)}
    outbox = Outbox(tmp_path / "a.outbox", sinks, reactor=reactor, runner=ThreadRunner(reactor))
    outbox.startService()
    done = [outbox.post(each, to="a") for each in range(100)]
    while not [*outcome_of(done[-1])] or outbox.figures().sinks["a"].depth:
        reactor.run_one()
    assert plant.ids() == [*range(1, 101)]
    stopped = outbox.stopService()
    while not [*outcome_of(stopped)]:
        reactor.advance(0.01)
        if not [*outcome_of(stopped)]:
            reactor.run_one()
    assert not (tmp_path / "a.outbox-lock").exists()
