"""Delivery that survives pulls, crashes and restarts: :class:`Outbox`."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, ClassVar, Final, Self

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.python.failure import Failure
from twisted.python.threadable import isInIOThread

from tcpcomm.errors import ConfigurationError
from tcpcomm.plant.outbox.committer import Committer, Runner, ThreadRunner
from tcpcomm.plant.outbox.content import encode_content
from tcpcomm.plant.outbox.database import Connect, connect
from tcpcomm.plant.outbox.delivery import Delivery
from tcpcomm.plant.outbox.figures import OutboxFigures, SinkFigures
from tcpcomm.plant.outbox.problem_notes import ProblemNotes
from tcpcomm.plant.outbox.schema import LOCK_SUFFIX
from tcpcomm.plant.outbox.store import Counts, Post, Store
from tcpcomm.plant.sink import Sink, SinkConnection
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.file_lock import FileLock
from tcpcomm.runtime.monotonic_time import the_reactor

OUTBOX_MIB: Final = 1024.0
"""MiB of messages in the file of an outbox. Further posts are refused. Change it with ``max_mib``."""

OUTBOX_MESSAGES: Final = 1_000_000
"""Messages in the file of an outbox. Further posts are refused. Change it with ``max_messages``."""

LONGEST_NAME: Final = 1000
"""Characters of a topic or a source. The post is an error."""

STOP_GRACE: Final = 2.0
"""
Seconds at the end for deliveries under way. Then they are cancelled, and repeated after the next start.
"""

STOP_PATIENCE: Final = 10.0
"""
Seconds at the end for a sink to close, and for the disk to store the posts. Then the program goes on, and
the log says so.
"""

LONGEST_GATHER: Final = 1.0
"""Seconds that a post may wait for others. A longer time is refused."""

LOOK_INTERVAL: Final = 1.0
"""Seconds between two looks for changes that ``tcpcomm outbox`` made in the file."""

_TAKEN: Final = (
    "{what} is used already{owner}: one outbox file has one program; end that one, or name another"
)
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_SMALLEST_MIB: Final = 1.0
_UNUSED: Final = "the program names no such sink: its messages wait; 'tcpcomm outbox drop' deletes them"
_MOST_TARGETS: Final = 1000
"""Combinations of sinks that are remembered."""


class Outbox(Service):
    """
    Keeps messages on the disk until their sinks have confirmed them.

    Every message reaches each of its sinks at least once, also through broken links, crashes and restarts.
    Receivers find duplicates by the id of the message: :class:`~tcpcomm.plant.Deduplicator`.

    It is a Twisted service: ``startService`` begins to deliver, ``stopService`` ends that, and closes the
    sinks and the file. In a program without services, use it as ``async with Outbox(…) as outbox``. Its
    methods are called in the reactor's thread. An outbox that was stopped cannot be started again.

    Args:
        path: the file, such as ``results.outbox``. One program at a time may use it.
        sinks: the sinks by name.
        max_mib: MiB of the file beyond which posts are refused.
        max_messages: messages beyond which posts are refused.
        gather: the seconds that a post waits for others, so that they share a commit. It saves work in a
            program that posts much and does not wait for each post.
        reactor: the reactor, or a test's clock.
        opener: opens the database.
        runner: does the work on the file; by default a thread.
        wall_clock: returns the time of day, in seconds since 1970.

    Raises:
        ConfigurationError: another program uses the file; it is not an outbox, is damaged, or belongs to a
            newer version; an argument is wrong; or a sink cannot be opened.
    """

    log: ClassVar[BoundedLogger] = BoundedLogger()

    def __init__(
        self,
        path: str | os.PathLike[str],
        sinks: Mapping[str, Sink],
        *,
        max_mib: float = OUTBOX_MIB,
        max_messages: int = OUTBOX_MESSAGES,
        gather: float = 0.0,
        reactor: Any = None,
        opener: Connect = connect,
        runner: Runner | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = Path(path).absolute()  # a daemon goes to another folder
        _check(sinks, max_mib, max_messages, gather)
        if not self.path.parent.is_dir():
            raise ConfigurationError(f"{self.path}: there is no folder {self.path.parent}: make it first")
        self._reactor = the_reactor(reactor)
        self._wall_clock = wall_clock
        self._stopping: Deferred[None] | None = None
        self._lock = FileLock(self.path.with_name(self.path.name + LOCK_SUFFIX), str(self.path), _TAKEN)
        try:
            open_store = partial(
                Store,
                self.path,
                [*sinks],
                max_bytes=int(max_mib * 1024 * 1024),
                max_messages=max_messages,
                opener=opener,
            )
            store = open_store()
            store.close()
            self.connections: Mapping[str, SinkConnection] = {
                name: sink.open(name, self._reactor) for name, sink in sinks.items()
            }
            """The connections to the sinks, by name."""
        except BaseException:
            self._lock.release()
            raise
        self._committer = Committer(
            self.path,
            open_store,
            totals=store.totals,
            outbox_id=store.outbox_id,
            runner=runner or ThreadRunner(self._reactor, gather),
            clock=self._reactor,
            has_news=self._has_news,
        )
        random = Random()
        self._deliveries = {
            store.totals.sinks[name].number: Delivery(
                name,
                sink,
                self.connections[name],
                number=store.totals.sinks[name].number,
                committer=self._committer,
                clock=self._reactor,
                wall_clock=wall_clock,
                random=random,
            )
            for name, sink in sinks.items()
        }
        self._notes = ProblemNotes([*self._deliveries.values()], self._committer, self._reactor, wall_clock)
        self._targets: dict[Any, tuple[int, ...]] = {
            each.name: (number,) for number, each in self._deliveries.items()
        }

    # -- posting

    def post(
        self,
        content: Any,
        *,
        to: str | Iterable[str],
        topic: str = "",
        source: str = "",
        expires_in: float | None = None,
    ) -> Deferred[str]:
        """
        Store a message. It is delivered to its sinks until they confirm it.

        Args:
            content: bytes, a text, or a value for JSON: a dict, a list, a class with fields. In JSON, NaN
                and the infinities become the texts ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``.
            to: the name of a sink, or of several.
            topic: the subject, with slashes.
            source: the origin. Messages of one source are delivered in the order of the posts.
            expires_in: the seconds after which the message is worth nothing; None: it never expires.

        Returns:
            A Deferred of the message's id. It fires when the message is on the disk, or fails with
            OutboxRefused: nothing was kept. If it is cancelled, the message is stored nevertheless.

        Raises:
            ConfigurationError: a sink is unknown, the content is no value for JSON, an argument is wrong,
                or this is not the reactor's thread.
        """
        if not isInIOThread() and getattr(self._reactor, "running", False):
            here = threading.current_thread().name
            raise ConfigurationError(
                f"post() was called in the thread {here!r}, but the reactor runs in another one: use a "
                "BlockingOutbox, which works in every thread"
            )
        kind, body = encode_content(content)
        _check_texts(topic, source)
        now = self._wall_clock()
        if expires_in is not None and not expires_in > 0:
            raise ConfigurationError(f"expires_in must be above 0 seconds, not {expires_in!r}")
        expires_at = None if expires_in is None else now + expires_in
        targets = (self._targets.get(to) if type(to) is str else None) or self._targets_of(to)
        return self._committer.post(Post(targets, topic, source, kind, body, now, expires_at, Deferred()))

    def _targets_of(self, to: str | Iterable[str]) -> tuple[int, ...]:
        """Return the numbers of sinks."""
        names = (to,) if isinstance(to, str) else tuple(to)
        found = self._targets.get(names)
        if found is None:
            unknown = [each for each in names if each not in self.connections]
            if unknown or not names:
                known = ", ".join(self.connections) or "none"
                said = f"there is no sink {unknown[0]!r}" if unknown else "a post needs a sink"
                raise ConfigurationError(f"{self.path}: {said}; the sinks are: {known}")
            found = tuple(sorted({self._targets[each][0] for each in names}))
            if len(self._targets) < _MOST_TARGETS:
                self._targets[names] = found
        return found

    # -- figures

    def figures(self) -> OutboxFigures:
        """Return the figures, as they were after the last commit."""
        totals = self._committer.totals
        sinks = {
            name: self._sink_figures(counts)
            for name, counts in totals.sinks.items()
            if counts.number in self._deliveries or counts.depth or counts.set_aside
        }
        return OutboxFigures(
            sinks=sinks,
            posted=totals.posted,
            not_taken=self._committer.not_taken,
            bytes=totals.bytes,
            problem=self._committer.problem,
        )

    def _sink_figures(self, counts: Counts) -> SinkFigures:
        delivery = self._deliveries.get(counts.number)
        age = 0.0 if counts.oldest is None else max(0.0, self._wall_clock() - counts.oldest)
        return SinkFigures(
            depth=counts.depth,
            oldest_age=age,
            delivered=counts.delivered,
            refused=counts.refused,
            expired=counts.expired,
            set_aside=counts.set_aside,
            state=_UNUSED if delivery is None else delivery.state,
        )

    # -- the service

    def startService(self) -> None:
        if self._stopping is not None:
            raise ConfigurationError(f"the outbox {self.path} was stopped: make a new one")
        if self.running:
            return
        super().startService()  # type: ignore[no-untyped-call]
        self._lock.tell_process()
        for name, counts in self._committer.totals.sinks.items():
            if counts.number not in self._deliveries and (counts.depth or counts.set_aside):
                self.log.warn(
                    "{path}: {count:,} messages wait for the sink {sink}, which the program does not name",
                    path=self.path,
                    count=counts.depth + counts.set_aside,
                    sink=name,
                )
        for delivery in self._deliveries.values():
            delivery.start()
        self._look_call = self._reactor.callLater(LOOK_INTERVAL, self._look)

    def _look(self) -> None:
        """Let the runner notice changes that another program made."""
        self._look_call = self._reactor.callLater(LOOK_INTERVAL, self._look)
        self._committer.look()
        self._notes.look()

    def _has_news(self, sinks: frozenset[int], has_changed: bool) -> None:
        for number, delivery in self._deliveries.items():
            if has_changed or number in sinks:
                delivery.wake(from_the_start=has_changed)

    def stopService(self) -> Deferred[None]:
        """
        Store the posts that wait, stop delivering, and close the sinks and the file.

        Deliveries under way may end within 2 seconds, and are cancelled then. Their messages are delivered
        again after the next start.
        """
        if self._stopping is None:
            if self.running:
                super().stopService()  # type: ignore[no-untyped-call]
                self._look_call.cancel()
                self._notes.look(is_last=True)
            self._committer.refuse_posts(f"the outbox {self.path} is closed")
            self._stopping = Deferred.fromCoroutine(self._stop())
        done: Deferred[None] = Deferred()
        self._stopping.addBoth(_pass_on, done)
        return done

    async def _stop(self) -> None:
        stopped = gatherResults([each.stop(STOP_GRACE) for each in self._deliveries.values()])
        await self._in_time(stopped, f"a delivery of the outbox {self.path} does not end")
        await gatherResults([self._closed(name, each) for name, each in self.connections.items()])
        if await self._in_time(self._committer.end(), f"the disk of the outbox {self.path} hangs"):
            self._lock.release()  # else its thread may still write

    async def _in_time(self, awaited: Deferred[Any], problem: str) -> bool:
        """Wait some seconds. If that is too short, log the problem and return False."""
        awaited.addTimeout(STOP_PATIENCE, self._reactor)
        try:
            await awaited
        except (DeferredTimeout, CancelledError):
            self.log.error("{problem}: it is left behind", problem=problem)
            return False
        return True

    def _closed(self, name: str, connection: SinkConnection) -> Deferred[None]:
        """Close the connection of a sink. Its errors are logged."""

        async def close() -> None:
            try:
                await connection.close()
            except CancelledError:
                raise
            except Exception:
                self.log.failure("sink {sink}: closing failed", sink=name)

        async def close_in_time() -> None:
            await self._in_time(Deferred.fromCoroutine(close()), f"sink {name} does not close")

        return Deferred.fromCoroutine(close_in_time())

    async def close(self) -> None:
        """Stop, as ``stopService`` does."""
        await self.stopService()

    async def __aenter__(self) -> Self:
        self.startService()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


def _pass_on(result: Any, done: Deferred[Any]) -> Any:
    """Give the result of one Deferred to another one, too."""
    done.callback(None) if not isinstance(result, Failure) else done.errback(result)
    return None


def _check_texts(topic: str, source: str) -> None:
    for name, text in (("topic", topic), ("source", source)):
        try:
            if type(text) is not str or len(text) > LONGEST_NAME or not (text.isascii() or text.encode()):
                raise ConfigurationError(
                    f"the {name} of a post must be a text of at most {LONGEST_NAME:,} characters, "
                    f"not {str(text)[:100]!r}"
                )
        except UnicodeEncodeError as error:
            raise ConfigurationError(f"the {name} of a post cannot be stored: {error}") from None


def _check(sinks: Mapping[str, Sink], max_mib: float, max_messages: int, gather: float) -> None:
    for name in sinks:
        if not (isinstance(name, str) and _NAME.fullmatch(name)):
            raise ConfigurationError(
                f"{name!r} is no name of a sink: use letters, digits, '_', '.' and '-', at most 64"
            )
    if not (isinstance(max_mib, int | float) and _SMALLEST_MIB <= max_mib < 1e9):
        raise ConfigurationError(f"max_mib must be a number of at least 1, not {max_mib!r}")
    if not (isinstance(max_messages, int) and max_messages >= 1):
        raise ConfigurationError(f"max_messages must be a number of at least 1, not {max_messages!r}")
    if not (isinstance(gather, int | float) and 0 <= gather <= LONGEST_GATHER):
        raise ConfigurationError(f"gather must be seconds from 0 to {LONGEST_GATHER:g}, not {gather!r}")
