"""An outbox on a test's clock, with sinks that confirm, refuse, fail, hang and crash as they are told."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum, auto
from pathlib import Path
from typing import Any, ClassVar

from attrs import field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater

from tcpcomm.plant import Outbox, OutboxMessage, Sink, SinkConnection, SinkUnavailable
from tcpcomm.plant.outbox.committer import ClockRunner

__all__ = ["Mode", "Plant", "Rig", "TestSink", "outcome_of", "quick_database"]


class _Quick(sqlite3.Connection):
    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        return super().execute(statement.replace("synchronous = FULL", "synchronous = OFF"), *values)


def quick_database(path: str) -> sqlite3.Connection:
    """Open a database that does not wait for the disk: no test pulls the power."""
    return sqlite3.connect(path, isolation_level=None, factory=_Quick)


class Mode(Enum):
    """The behaviour of a sink."""

    CONFIRMS = auto()
    TAKES_TIME = auto()
    """It confirms half a second later."""
    TELLS_HALF = auto()
    """It takes all messages, and fails after it has confirmed half of them."""
    FAILS = auto()
    HANGS = auto()
    HANGS_IN_SPITE = auto()
    """It also ignores the first cancellation."""
    HAS_A_BUG = auto()
    RETURNS_NONSENSE = auto()


class Plant:
    """The other side of the sinks, which survives every crash of the outbox."""

    def __init__(self) -> None:
        self.modes: dict[str, Mode] = {}
        self.got: dict[str, list[OutboxMessage]] = {}
        self.poison: set[bytes] = set()
        """The bodies that every sink refuses."""
        self.refused: Counter[tuple[str, str]] = Counter()
        """The refusals by sink and message."""
        self.calls: list[tuple[str, list[int]]] = []
        self.closed: list[str] = []

    def ids(self, sink: str = "a") -> list[int]:
        """Return the numbers of the messages that a sink got, without duplicates."""
        return list(dict.fromkeys(each.number for each in self.got.get(sink, [])))


@frozen(kw_only=True)
class TestSink(Sink):
    __test__: ClassVar[bool] = False
    kind: ClassVar[str] = "test"

    plant: Plant = field(eq=False)

    def open(self, name: str, reactor: Any) -> SinkConnection:
        return _Connection(name, self.plant, reactor)


class _Connection(SinkConnection):
    def __init__(self, name: str, plant: Plant, clock: Any) -> None:
        self._name = name
        self._plant = plant
        self._clock = clock
        self._is_busy = False

    async def deliver(self, messages: Sequence[OutboxMessage]) -> Mapping[str, str]:
        assert not self._is_busy, "two deliveries at a time"
        self._is_busy = True
        try:
            return await self._deliver(messages)
        finally:
            self._is_busy = False

    async def _deliver(self, messages: Sequence[OutboxMessage]) -> Mapping[str, str]:
        plant = self._plant
        plant.calls.append((self._name, [each.number for each in messages]))
        match plant.modes.get(self._name, Mode.CONFIRMS):
            case Mode.TAKES_TIME:
                await deferLater(self._clock, 0.5)
            case Mode.FAILS:
                raise SinkUnavailable("unplugged")
            case Mode.HANGS:
                await Deferred()
            case Mode.HANGS_IN_SPITE:
                try:
                    await Deferred()
                finally:
                    await Deferred()
            case Mode.HAS_A_BUG:
                raise ZeroDivisionError("a bug")
            case Mode.RETURNS_NONSENSE:
                return 5  # type: ignore[return-value]
            case Mode.TELLS_HALF:
                good = [each for each in messages if each.body not in plant.poison]
                plant.got.setdefault(self._name, []).extend(good)
                raise SinkUnavailable("pulled", [each.id for each in good[: len(good) // 2]])
        bad = [each for each in messages if each.body in plant.poison]
        plant.refused.update((self._name, each.id) for each in bad)
        plant.got.setdefault(self._name, []).extend(each for each in messages if each not in bad)
        return {each.id: "it is poison" for each in bad}

    async def close(self) -> None:
        self._plant.closed.append(self._name)


class Rig:
    """
    One outbox, on a clock.

    Args:
        folder: the folder of its file.
        sinks: the names of its sinks.
        options: the options of the sinks and of the outbox.
    """

    def __init__(
        self,
        folder: Path,
        sinks: Sequence[str] = ("a",),
        *,
        batch: int = 4,
        attempts: int = 3,
        **options: Any,
    ) -> None:
        self.clock = Clock()
        self.clock.advance(1_000_000.0)
        self.plant = Plant()
        self.folder = folder
        self.path = folder / "0.outbox"
        self.sinks = {each: TestSink(plant=self.plant, batch=batch, attempts=attempts) for each in sinks}
        self.options = options
        self.outbox = self.open()

    def open(self) -> Outbox:
        """Open an outbox on the file."""
        return Outbox(
            self.path,
            self.sinks,
            reactor=self.clock,
            runner=ClockRunner(self.clock),
            wall_clock=self.clock.seconds,
            **{"opener": quick_database, **self.options},
        )

    def start(self) -> None:
        """Begin to deliver."""
        self.outbox.startService()
        self.turn()

    def turn(self) -> None:
        """Let all happen that needs no time."""
        now = self.clock.seconds()
        while any(each.getTime() <= now for each in self.clock.getDelayedCalls()):
            self.clock.advance(0)

    def pass_time(self, seconds: float) -> None:
        """Let time pass, from one timer to the next."""
        until = self.clock.seconds() + seconds
        while (
            due := min((each.getTime() for each in self.clock.getDelayedCalls()), default=until)
        ) < until:
            self.clock.advance(max(0.0, due - self.clock.seconds()))
        self.clock.advance(until - self.clock.seconds())

    def post(self, content: Any, to: Any = "a", **options: Any) -> Deferred[str]:
        """Post a message, without waiting."""
        return self.outbox.post(content, to=to, **options)

    def stored(self, content: Any, to: Any = "a", **options: Any) -> str:
        """Post a message, and return its id."""
        done = self.post(content, to, **options)
        self.turn()
        (found,) = list(outcome_of(done))
        assert isinstance(found, str), found
        return found

    def stop(self) -> None:
        """Stop in order."""
        stopped: list[None] = []
        self.outbox.stopService().addCallback(stopped.append)
        self.pass_time(35)
        assert stopped

    def restart(self) -> None:
        """Stop in order, and start again."""
        self.stop()
        self.outbox = self.open()
        self.start()

    def crash(self) -> None:
        """
        Go on with a copy of the files, as they were at this moment. Whatever was not committed is lost.

        The outbox before goes on, too, with a plant that nobody looks at.
        """
        old = self.path
        self.path = self.folder / f"{int(old.stem) + 1}.outbox"
        for end in ("", "-wal"):
            source = old.with_name(old.name + end)
            if source.exists():
                shutil.copy(source, self.path.with_name(self.path.name + end))
        left = self.outbox
        for name in self.sinks:
            connection: Any = left.connections[name]
            assert isinstance(connection, _Connection)
            connection.__init__(name, Plant(), self.clock)  # type: ignore[misc]
        self.outbox = self.open()
        left.stopService()
        self.start()


def outcome_of(done: Deferred[Any]) -> Iterator[Any]:
    """Yield the result of a Deferred, or its error, if it has one."""
    found: list[Any] = []
    done.addCallbacks(found.append, lambda failure: found.append(failure.value))
    yield from found
