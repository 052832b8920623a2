"""The supervisor starts a process for each change, and the old one serves until the new one is loaded."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field
from twisted.internet.task import Clock
from twisted.logger import formatEvent, globalLogPublisher

from tcpcomm.server.reload.supervisor import KILL_AFTER, POLL, SETTLE, Supervisor

CAMERA = Path("/cell/camera.py")
STOPS = "log: the server stops; a second signal kills it"
CHANGED = "camera.py changed: loading the program again"


@define(eq=False)
class Process:
    """A process that a test plays."""

    name: str
    supervisor: Supervisor
    log: list[str]
    reason: str = "NameError: x"

    def go(self) -> None:
        self.log.append(f"{self.name} serves")

    def stop(self) -> None:
        self.log.append(f"{self.name} is told to stop")

    def kill(self) -> None:
        self.log.append(f"{self.name} is killed")

    def hang_up(self) -> None:
        self.log.append(f"{self.name} loads certificates")

    def loads(self) -> None:
        self.supervisor.loaded(self)

    def ends(self) -> None:
        self.supervisor.ended(self)


@define
class Played:
    """A supervisor with a clock, files and processes of the test, and one ordered log."""

    clock: Clock = field(factory=Clock)
    log: list[str] = field(factory=list)
    processes: list[Process] = field(factory=list)
    places: tuple[Path, ...] = (Path("/cell"),)
    changed: list[Path] = field(factory=list)
    fails: OSError | None = None
    look_takes: float = 0.0
    looks: int = 0
    supervisor: Supervisor = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.supervisor = Supervisor(self.start, self, reactor=self.clock)

    def start(self, supervisor: Supervisor) -> Any:
        if self.fails is not None:
            raise self.fails
        self.processes.append(Process("abcdef"[len(self.processes)], supervisor, self.log))
        self.log.append(f"{self.processes[-1].name} is started")
        return self.processes[-1]

    def changes(self) -> list[Path]:
        self.looks += 1
        self.clock.rightNow += self.look_takes
        found, self.changed = self.changed, []
        return found

    def change(self, file: Path = CAMERA) -> None:
        """Change a file, and let the supervisor see it."""
        self.changed.append(file)
        self.clock.advance(POLL)
        self.clock.advance(SETTLE)

    def news(self) -> list[str]:
        """Return what happened since the last call."""
        found = self.log.copy()
        self.log.clear()
        return found

    def serving(self) -> Process:
        """Return the first process, which is loaded and serves."""
        self.supervisor.startService()
        self.processes[0].loads()
        self.news()
        return self.processes[0]


@pytest.fixture
def played() -> Iterator[Played]:
    """Log lines are in the ordered log, too."""
    handlers = [(number, signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGINT)]
    made = Played()

    def write(event: dict[str, Any]) -> None:
        if event["log_namespace"].endswith("Supervisor"):
            made.log.append(f"log: {formatEvent(event)}")

    publisher: Any = globalLogPublisher
    publisher.addObserver(write)
    yield made
    publisher.removeObserver(write)
    for number, handler in handlers:
        signal.signal(number, handler)


def test_at_the_start_it_loads_a_process_and_lets_it_serve(played: Played) -> None:
    played.supervisor.startService()
    played.processes[0].loads()

    assert [
        "log: watching the .py files below /cell; --reload is for development only",
        "a is started",
        "a serves",
    ] == [each.replace(str(Path("/cell")), "/cell") for each in played.news()]


def test_the_old_process_ends_after_the_new_one_is_loaded_and_before_it_serves(played: Played) -> None:
    old = played.serving()

    played.change()
    assert [f"log: {CHANGED}", "b is started"] == played.news()
    played.processes[1].loads()
    assert ["a is told to stop"] == played.news()
    old.ends()

    assert ["b serves"] == played.news()


def test_a_file_that_is_written_in_steps_is_loaded_once(played: Played) -> None:
    played.serving()

    played.changed.append(CAMERA)
    played.clock.advance(POLL)
    for _ in range(5):
        played.changed.append(CAMERA)
        played.clock.advance(SETTLE)
    assert [] == played.news()
    played.clock.advance(SETTLE)

    assert [f"log: {CHANGED}", "b is started"] == played.news()


def test_looking_at_many_files_takes_a_small_part_of_the_time(played: Played) -> None:
    played.serving()
    looks = played.looks

    played.look_takes = 1.0
    played.clock.pump([POLL] * 500)  # 100 s

    assert 18 <= played.looks - looks <= 22


def test_many_files_are_told_by_the_first_ones(played: Played) -> None:
    played.serving()

    played.changed += [Path(f"/cell/{name}.py") for name in "pqrst"]
    played.change(Path("/cell/u.py"))

    assert "log: p.py, q.py, r.py and 3 more changed: loading the program again" == played.news()[0]


def test_a_program_that_does_not_load_leaves_the_old_one_in_place(played: Played) -> None:
    played.serving()

    played.change()
    played.news()
    played.processes[1].ends()
    assert [
        "log: the program cannot be loaded: NameError: x; the old code goes on serving until the next "
        "change of a file"
    ] == played.news()

    played.change()
    played.processes[2].loads()
    assert [f"log: {CHANGED}", "c is started", "a is told to stop"] == played.news()


def test_a_first_program_that_does_not_load_is_started_after_the_next_change(played: Played) -> None:
    played.supervisor.startService()
    played.news()

    played.processes[0].ends()
    assert [
        "log: the program cannot be loaded: NameError: x; nothing is served until the next change of a file"
    ] == played.news()
    played.clock.pump([POLL] * 100)
    assert [] == played.news()

    played.change()
    played.processes[1].loads()
    assert [f"log: {CHANGED}", "b is started", "b serves"] == played.news()


def test_a_server_that_ends_by_itself_is_started_after_the_next_change(played: Played) -> None:
    old = played.serving()

    old.ends()
    expected = "log: the server has ended: NameError: x; it starts again at the next change of a file"
    assert [expected] == played.news()

    played.change()
    played.processes[1].loads()
    assert [f"log: {CHANGED}", "b is started", "b serves"] == played.news()


def test_a_server_that_ends_while_the_next_is_loading_is_replaced_by_it(played: Played) -> None:
    old = played.serving()
    played.change()
    played.news()

    old.ends()
    assert ["log: the server has ended: NameError: x"] == played.news()
    played.processes[1].loads()

    assert ["b serves"] == played.news()


def test_a_change_while_a_process_is_loading_kills_that(played: Played) -> None:
    old = played.serving()
    played.change()
    played.news()

    played.change()
    assert [f"log: {CHANGED}", "b is killed", "c is started"] == played.news()
    played.processes[1].ends()
    played.processes[2].loads()
    old.ends()

    assert ["a is told to stop", "c serves"] == played.news()


def test_a_change_while_the_old_process_stops_lets_only_the_newest_serve(played: Played) -> None:
    old = played.serving()
    played.change()
    played.processes[1].loads()
    played.news()

    played.change()
    old.ends()
    assert [f"log: {CHANGED}", "b is killed", "c is started"] == played.news()
    played.processes[1].ends()
    played.processes[2].loads()

    assert ["c serves"] == played.news()


def test_an_old_process_that_does_not_stop_is_killed(played: Played) -> None:
    old = played.serving()
    played.change()
    played.processes[1].loads()
    played.news()

    played.clock.advance(KILL_AFTER)
    old.ends()

    expected = f"log: the old process did not stop within {KILL_AFTER:g} s: killing it"
    assert [expected, "a is killed", "b serves"] == played.news()


def test_one_that_stops_in_time_is_not_killed(played: Played) -> None:
    old = played.serving()
    played.change()
    played.processes[1].loads()
    old.ends()
    played.news()

    played.clock.advance(2 * KILL_AFTER)

    assert [] == played.news()


def test_a_process_that_cannot_be_started_is_told(played: Played) -> None:
    played.serving()
    played.fails = OSError(11, "no more processes")

    played.change()

    assert (
        "log: the program cannot be loaded: no process can be started: no more processes; the old code "
        "goes on serving until the next change of a file"
    ) == played.news()[-1]


class TestStop:
    """All processes end with the supervisor."""

    def test_the_one_that_serves_is_waited_for(self, played: Played) -> None:
        old = played.serving()

        ended = played.supervisor.stopService()
        assert ["a is told to stop", STOPS] == played.news()
        assert not ended.called
        old.ends()

        assert ended.called
        assert [] == played.clock.getDelayedCalls()
        assert [] == played.news()

    def test_one_that_is_loading_is_killed(self, played: Played) -> None:
        old = played.serving()
        played.change()
        played.news()

        ended = played.supervisor.stopService()
        assert ["b is killed", "a is told to stop", STOPS] == played.news()
        old.ends()
        assert not ended.called
        played.processes[1].ends()

        assert ended.called
        assert [] == played.news()

    def test_one_that_is_stopping_already_is_waited_for(self, played: Played) -> None:
        old = played.serving()
        played.change()
        played.processes[1].loads()
        played.news()

        ended = played.supervisor.stopService()
        played.processes[1].ends()
        old.ends()

        assert ended.called
        assert ["b is killed", STOPS] == played.news()

    def test_without_processes_it_is_over_at_once(self, played: Played) -> None:
        played.supervisor.startService()
        played.processes[0].ends()

        assert played.supervisor.stopService().called

    def test_a_second_signal_kills(self, played: Played) -> None:
        old = played.serving()
        ended = played.supervisor.stopService()
        played.news()

        played.supervisor.abort()
        old.ends()

        assert ["a is killed"] == played.news()
        assert ended.called


def test_a_hangup_reaches_the_process(played: Played) -> None:
    played.serving()

    played.supervisor.reload()

    assert ["a loads certificates"] == played.news()
