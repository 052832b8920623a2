"""
Group commit: :class:`Committer` stores what waits while a commit runs with the next commit.

All work on the file is done by one runner: a thread, or in tests a function that a clock calls.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from time import sleep
from typing import Any, ClassVar, Final, Protocol, TypeVar

from attrs import define, frozen
from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from tcpcomm.errors import ConfigurationError, TcpcommError
from tcpcomm.plant.errors import OutboxRefused
from tcpcomm.plant.outbox.database import is_damage
from tcpcomm.plant.outbox.store import Full, Post, Store, Totals
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.log_throttle import LogThrottle

MAX_WAITING_POSTS: Final = 10_000
"""Posts that wait for the disk. Further posts are refused."""

MAX_WAITING_MIB: Final = 64
"""MiB of posts that wait for the disk. Further posts are refused."""

_MOST_AT_ONCE: Final = 2000
"""Posts of one commit."""

_LOG_INTERVAL: Final = 10.0
"""Seconds between two log lines about the same problem of the file."""

T = TypeVar("T")


class StoreFailed(TcpcommError):
    """The file cannot be written or read now. The text says why."""


@define(eq=False)
class _Job:
    """Work on the store, other than a post."""

    run: Callable[[Store], Any]
    done: Deferred[Any]
    writes: bool
    durable: bool = True


@frozen
class _Outcome:
    """The results of one cycle, for the reactor's thread."""

    results: Sequence[tuple[Deferred[Any], Any]]
    taken: int
    size: int
    sinks: frozenset[int]
    """The sinks that have new messages."""
    totals: Totals | None
    has_changed: bool
    problem: str | None
    """The reason why a post failed, empty if one was taken, None if there was none."""


class Runner(Protocol):
    """Calls a function for the items that wait, never two at a time."""

    def start(self, cycle: Callable[[list[Any]], Any], deliver: Callable[[Any], None]) -> None:
        """Learn the function, and the one that takes its results in the reactor's thread."""

    def put(self, item: Any) -> None:
        """Add an item that waits."""

    def end(self, last: Callable[[], None]) -> Deferred[None]:
        """Call ``last`` after all items, and end. The Deferred fires then."""


class ThreadRunner:
    """
    Runs in a thread, which starts with the first item: a daemon forks before.

    Args:
        reactor: the reactor; its thread takes the results.
        gather: the seconds that the first item waits for others, so that they share a commit.
    """

    log: ClassVar[BoundedLogger] = BoundedLogger()

    def __init__(self, reactor: Any, gather: float = 0.0) -> None:
        self._reactor = reactor
        self._gather = gather
        self._items: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def start(self, cycle: Callable[[list[Any]], Any], deliver: Callable[[Any], None]) -> None:
        self._cycle, self._deliver = cycle, deliver

    def put(self, item: Any) -> None:
        self._items.put(item)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="tcpcomm outbox", daemon=True)
            self._thread.start()

    def end(self, last: Callable[[], None]) -> Deferred[None]:
        self._last = last
        self._ended: Deferred[None] = Deferred()
        self.put(None)
        return self._ended

    def _run(self) -> None:
        get, get_now = self._items.get, self._items.get_nowait
        ends = False
        while not ends:
            items = [get()]
            if self._gather and items[0] is not None:
                sleep(self._gather)
            try:
                while len(items) < _MOST_AT_ONCE:
                    items.append(get_now())
            except queue.Empty:
                pass
            ends = items[-1] is None
            work = items[:-1] if ends else items
            if work:
                self._reactor.callFromThread(self._deliver, self._cycle(work))
        try:
            self._last()
        except Exception:
            self.log.failure("an outbox could not close its file")
        self._reactor.callFromThread(self._ended.callback, None)


class ClockRunner:
    """Runs when a test's clock advances."""

    def __init__(self, clock: Any) -> None:
        self._clock = clock
        self._items: list[Any] = []
        self._is_due = False

    def start(self, cycle: Callable[[list[Any]], Any], deliver: Callable[[Any], None]) -> None:
        self._cycle, self._deliver = cycle, deliver

    def put(self, item: Any) -> None:
        self._items.append(item)
        if not self._is_due:
            self._is_due = True
            self._clock.callLater(0, self.run)

    def run(self) -> None:
        """Do what waits."""
        self._is_due = False
        items, self._items = self._items, []
        if items:
            self._deliver(self._cycle(items))

    def end(self, last: Callable[[], None]) -> Deferred[None]:
        ended: Deferred[None] = Deferred()
        self.run()
        last()
        ended.callback(None)
        return ended


class Committer:
    """
    Stores posts, and does other work on the store, in groups. The reactor's thread calls its methods.

    Args:
        path: the file.
        opener: opens the store, in the runner.
        runner: runs the work.
        clock: tells the time.
        has_news: called with the numbers of sinks that have new messages, and with True if another program
            has changed the file.
    """

    log: ClassVar[BoundedLogger] = BoundedLogger()

    def __init__(
        self,
        path: Path,
        opener: Callable[[], Store],
        *,
        totals: Totals,
        outbox_id: str,
        runner: Runner,
        clock: Any,
        has_news: Callable[[frozenset[int], bool], None],
    ) -> None:
        self.totals = totals
        self.problem = ""
        self.not_taken = 0
        self._path = path
        self._id = outbox_id
        self._opener = opener
        self._runner = runner
        self._clock = clock
        self._has_news = has_news
        self._throttle = LogThrottle(_LOG_INTERVAL)
        self._is_told = False
        self._waiting = self._waiting_bytes = 0
        self._closed = ""
        self._store: Store | None = None
        runner.start(self._cycle, self._settle)

    # -- in the reactor's thread

    def post(self, post: Post) -> Deferred[str]:
        """Store a message. The Deferred fires with its id when it is on the disk."""
        if self._closed:
            return self._refuse(self._closed)
        if self._waiting >= MAX_WAITING_POSTS or self._waiting_bytes > MAX_WAITING_MIB * 2**20:
            return self._refuse(
                f"{self._path}: {self._waiting:,} posts of {self._waiting_bytes / 2**20:,.1f} MiB wait "
                f"for the disk already: the disk is too slow or hangs"
            )
        self._waiting += 1
        self._waiting_bytes += len(post.body)
        self._runner.put(post)
        return post.done

    def _refuse(self, reason: str) -> Deferred[str]:
        self.not_taken += 1
        return fail(OutboxRefused(reason))

    def write(self, run: Callable[[Store], T], *, durable: bool = True) -> Deferred[T]:
        """
        Do work within a commit. The Deferred fires after it, or fails with StoreFailed.

        Args:
            run: does the work.
            durable: False if a power cut may undo it.
        """
        return self._add(_Job(run, Deferred(), writes=True, durable=durable))

    def read(self, run: Callable[[Store], T]) -> Deferred[T]:
        """Do work after the commit of the work before it. It fails with StoreFailed."""
        return self._add(_Job(run, Deferred(), writes=False))

    def _add(self, job: _Job) -> Deferred[Any]:
        self._runner.put(job)
        return job.done

    def look(self) -> None:
        """Notice changes of other programs. A file that cannot be read is told at the next post."""
        self.read(lambda store: None).addErrback(lambda failure: failure.trap(StoreFailed))

    def refuse_posts(self, reason: str) -> None:
        """Refuse all posts from now on."""
        self._closed = reason

    def end(self) -> Deferred[None]:
        """Do all that waits, and close the file. The Deferred fires then."""
        return self._runner.end(self._close)

    def _settle(self, outcome: _Outcome) -> None:
        """Tell the results."""
        self._waiting -= outcome.taken
        self._waiting_bytes -= outcome.size
        if outcome.totals is not None:
            self.totals = outcome.totals
        if outcome.problem is not None:
            self._note(outcome.problem)
        for done, result in outcome.results:
            if type(result) is OutboxRefused:
                self.not_taken += 1
            if isinstance(result, BaseException | Failure):
                done.errback(result)
            else:
                done.callback(result)
        if outcome.sinks or outcome.has_changed:
            self._has_news(outcome.sinks, outcome.has_changed)

    def _note(self, problem: str) -> None:
        if problem and self._throttle.count_due(self._clock.seconds()):
            self._is_told = True
            self.log.warn("outbox {path} takes no messages: {problem}", path=self._path, problem=problem)
        elif not problem and self._is_told:
            self._is_told = False
            self.log.info("outbox {path} takes messages again", path=self._path)
        self.problem = problem

    # -- in the runner

    def _close(self) -> None:
        if self._store is not None:
            self._store.close()

    def _cycle(self, items: list[Any]) -> _Outcome:
        posts = [each for each in items if type(each) is Post]
        jobs = [each for each in items if type(each) is _Job]
        try:
            return self._do(posts, jobs)
        except Exception as error:
            self.log.failure("outbox {path}: an error in its code", path=self._path)
            problem = f"{self._path}: an error in the code of the outbox: {type(error).__name__}: {error}"
            results: list[tuple[Deferred[Any], Any]] = [(each.done, StoreFailed(problem)) for each in jobs]
            results += [(each.done, OutboxRefused(problem)) for each in posts]
            size = sum(len(each.body) for each in posts)
            return _Outcome(
                results, len(posts), size, frozenset(), None, has_changed=False, problem=problem
            )

    def _do(self, posts: list[Post], jobs: list[_Job]) -> _Outcome:
        results: list[tuple[Deferred[Any], Any]] = []
        has_changed, problem, sinks = False, "", frozenset[int]()
        try:
            store = self._store = self._store or self._opener()
            has_changed = store.has_changed()
        except (sqlite3.Error, ConfigurationError) as error:
            problem = self._words(error)
            results += [(each.done, OutboxRefused(problem)) for each in posts]
            results += [(each.done, StoreFailed(problem)) for each in jobs]
        else:
            writes = [each for each in jobs if each.writes]
            if not (posts or writes) or not self._commit(store, posts, writes, results):
                for each in writes:  # what deletes may succeed on a full disk
                    if not self._commit(store, [], [each], results):
                        results.append((each.done, StoreFailed(self._reason)))
                if posts and not self._commit(store, posts, [], results):
                    results += [(each.done, OutboxRefused(self._reason)) for each in posts]
            results += [self._read(store, each) for each in jobs if not each.writes]
            problem = next((str(each) for _, each in results if type(each) is OutboxRefused), "")
            sinks = frozenset(sink for each in posts for sink in each.sinks)
        return _Outcome(
            results,
            len(posts),
            sum(len(each.body) for each in posts),
            sinks,
            None if self._store is None else self._store.totals,
            has_changed,
            problem if posts else None,
        )

    def _commit(
        self, store: Store, posts: list[Post], writes: list[_Job], results: list[tuple[Deferred[Any], Any]]
    ) -> bool:
        """Write a group, and add its results. Return False if nothing is written; the reason is kept."""
        found: list[tuple[Deferred[Any], Any]] = []
        try:
            with store.transaction(durable=bool(posts) or any(each.durable for each in writes)):
                for each in writes:
                    found.append((each.done, each.run(store)))
                if posts:
                    for post, number in zip(posts, store.add(posts), strict=True):
                        is_full = isinstance(number, Full)
                        found.append(
                            (post.done, OutboxRefused(str(number)) if is_full else f"{self._id}-{number}")
                        )
        except sqlite3.Error as error:
            self._reason = self._words(error)
            if not is_damage(error):
                self._make_room(store)
            return False
        results += found
        return True

    def _make_room(self, store: Store) -> None:
        try:
            store.make_room_in_log()
        except sqlite3.Error as error:  # the reason of the failed commit is told; this one may differ
            self._reason = f"{self._reason}; {error}" if str(error) not in self._reason else self._reason

    def _read(self, store: Store, job: _Job) -> tuple[Deferred[Any], Any]:
        try:
            return job.done, job.run(store)
        except sqlite3.Error as error:
            return job.done, StoreFailed(self._words(error))

    def _words(self, error: Exception) -> str:
        if isinstance(error, ConfigurationError):
            return str(error)
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
            return f"{self._path}: the disk is full: make room on it"
        if isinstance(error, sqlite3.Error) and is_damage(error):
            return f"{self._path} is damaged: {error}"
        return f"{self._path}: cannot write it: {error}"
