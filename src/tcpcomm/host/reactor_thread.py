"""
The reactor in the background of a plain script: :func:`call_in_reactor` calls a function there, and waits.

The reactor runs in one thread of its own, which is started when it is first needed. It closes its
connections and ends when the main thread and all other threads of the program have ended. A thread waits
for that, because the interpreter calls ``atexit`` functions only after it has waited for threads.

If the reactor of the process runs already, in another thread, that one is used, and not ended.

A thread waits only by a lock or a queue that the interpreter itself implements. Ctrl-C within
``threading.Event`` or ``queue.Queue``, which are written in Python, can end in a RuntimeError of theirs.

A child process that ``fork`` makes has no such thread, and shares the connections with its parent. So calls
raise an error there, unless the reactor was not needed before the fork.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.error import ReactorNotRestartable
from twisted.python.failure import Failure
from twisted.python.threadable import isInIOThread

from tcpcomm.errors import ConfigurationError, NotSent, TcpcommError
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.log_throttle import LogThrottle
from tcpcomm.runtime.monotonic_time import the_reactor

GRACE: Final = 10.0
"""Seconds at the end of the program for its connections to close. Then the program ends."""

SLICE: Final = 0.1
"""Seconds of one wait of many. Ctrl-C ends no wait on Windows, and none that just begins elsewhere."""

MAX_CALLBACKS: Final = 1000
"""
Calls of functions that subscribe to events, which wait for the thread of the callbacks. Further ones are
dropped and counted in the log.
"""

CALLBACKS_PATIENCE: Final = 2.0
"""
Seconds at the end of a link, or of the program, for the calls of functions that subscribe to events. Then
it goes on without them.
"""

_OVER: Final = "the program ends: its connections are closed, and no new ones are made"

_FORKED: Final = (
    "tcpcomm.blocking was used before this process was forked, and its connections belong to the parent: "
    'start the process by multiprocessing.get_context("spawn"), or use tcpcomm.blocking only after the fork'
)

DROPPED_LOG_INTERVAL: Final = 10.0
"""
Seconds between two log lines about dropped callbacks of ``tcpcomm.blocking``. The second line counts
those between.
"""


def wait(lock: threading.Lock) -> None:
    """Wait until a lock is released, and take it; Ctrl-C interrupts it in the main thread."""
    while not lock.acquire(timeout=SLICE):
        pass


def get(source: queue.SimpleQueue[Any], timeout: float | None) -> Any:
    """
    Take the next item of a queue; Ctrl-C interrupts it in the main thread.

    Raises:
        queue.Empty: no item comes within so many seconds.
        ConfigurationError: the queue belongs to the parent process.
    """
    _background.check_process()
    until = None if timeout is None else monotonic() + timeout
    while True:
        left = SLICE if until is None else max(0.0, until - monotonic())
        try:
            return source.get(timeout=min(left, SLICE))
        except queue.Empty:
            if until is not None and monotonic() >= until:
                raise


def call_in_reactor(function: Callable[[], Any]) -> Any:
    """
    Call a function in the reactor's thread, and wait for its result.

    Ctrl-C during the wait cancels the awaited Deferred.

    Args:
        function: the function. If it returns an awaitable, that is awaited in the reactor's thread.

    Raises:
        ConfigurationError: this is the reactor's thread, which would wait for itself; or this process was
            forked after the reactor had been started.
        Exception: the function raised it.
    """
    if isInIOThread():
        raise ConfigurationError(
            "tcpcomm.blocking cannot wait in the reactor's thread, where nothing would happen meanwhile: "
            "use tcpcomm.remote there, with await"
        )
    return _background.call(function)


def at_the_end(function: Callable[[], Any]) -> None:
    """Call a function before the reactor ends; the end waits for a Deferred that the function returns."""
    the_reactor().addSystemEventTrigger("before", "shutdown", function)


@define(eq=False)
class _Call:
    """One call into the reactor."""

    _function: Callable[[], Any]
    _awaited: Deferred[Any] | None = field(default=None, init=False)
    _outcome: Any = field(default=None, init=False)
    _settled: bool = field(default=False, init=False)
    waits: threading.Lock = field(factory=threading.Lock, init=False)
    """Held until the call has an outcome."""

    def __attrs_post_init__(self) -> None:
        self.waits.acquire()

    def begin(self) -> None:
        """Call the function, in the reactor's thread."""
        self._awaited = maybeDeferred(self._function)
        self._awaited.addBoth(self.settle)

    def cancel(self) -> None:
        """Cancel the call, in the reactor's thread, because nobody waits any more."""
        if self._awaited is not None:
            self._awaited.addErrback(lambda failure: failure.trap(CancelledError))
            self._awaited.cancel()

    def settle(self, outcome: Any) -> None:
        if not self._settled:
            self._settled = True
            self._outcome = outcome
            self.waits.release()

    def result(self) -> Any:
        """Return the function's result, or raise its error, in the thread that waited."""
        outcome = self._outcome
        if not isinstance(outcome, Failure):
            return outcome
        error: Any = outcome.value
        if isinstance(error, TcpcommError):  # its text is enough, without the place
            raise error.with_traceback(None) from None
        raise error.with_traceback(outcome.getTracebackObject())


class _Background:
    """The reactor's thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: set[_Call] = set()
        self._needed = False
        self._over = False
        self._forked = False

    def note_fork(self) -> None:
        """Refuse all calls if the reactor was needed before. It is called in the child process."""
        self._forked = self._forked or self._needed
        self._lock = threading.Lock()

    def check_process(self) -> None:
        """Raise ConfigurationError in a child process, where the reactor's thread does not run."""
        if self._forked:
            raise ConfigurationError(_FORKED)

    def call(self, function: Callable[[], Any]) -> Any:
        self.check_process()
        reactor = self._started_reactor()
        call = _Call(function)
        with self._lock:
            if self._over:
                raise NotSent(_OVER)
            self._calls.add(call)
        try:
            reactor.callFromThread(call.begin)
            wait(call.waits)
        except BaseException:
            reactor.callFromThread(call.cancel)
            raise
        finally:
            with self._lock:
                self._calls.discard(call)
        return call.result()

    def _started_reactor(self) -> Any:
        """Return the reactor, which runs, or is about to, or has ended."""
        reactor = the_reactor()
        with self._lock:
            if not self._needed:
                self._needed = True
                reactor.addSystemEventTrigger("after", "shutdown", self._ended)
                if not reactor.running:
                    runs = threading.Thread(
                        target=self._run, args=(reactor,), name="tcpcomm reactor", daemon=True
                    )
                    runs.start()
                    threading.Thread(target=self._end, args=(reactor, runs), name="tcpcomm end").start()
        return reactor

    def _run(self, reactor: Any) -> None:
        try:
            reactor.run(installSignalHandlers=False)
        except ReactorNotRestartable:  # it ran before, and has ended
            self._ended()

    def _ended(self) -> None:
        """Settle all calls: the reactor has ended."""
        with self._lock:
            self._over = True
            calls = [*self._calls]
        for call in calls:
            call.settle(Failure(NotSent(_OVER)))

    def _end(self, reactor: Any, runs: threading.Thread) -> None:
        """End the reactor when the program has ended."""
        threading.main_thread().join()
        while others := self._others(reactor):
            others[0].join()
        if runs.is_alive():
            reactor.callFromThread(lambda: reactor.stop() if reactor.running else None)
            runs.join(GRACE)
        callbacks.finish()  # one that uses a window must not run while the interpreter takes that apart

    @staticmethod
    def _others(reactor: Any) -> list[threading.Thread]:
        """Return the program's own threads, for which it waits at its end."""
        pool = reactor.threadpool.threads if reactor.threadpool is not None else []
        return [
            thread
            for thread in threading.enumerate()
            if not (thread.daemon or thread is threading.current_thread() or thread in pool)
            and thread is not threading.main_thread()
        ]


class _Callbacks:
    """The thread that calls the script's own functions, one after the other."""

    log = BoundedLogger()

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._dropped = LogThrottle(DROPPED_LOG_INTERVAL)

    def add(self, function: Callable[[], object]) -> None:
        """Have a function called; if too many calls wait already, drop it and log that."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="tcpcomm callbacks", daemon=True)
                self._thread.start()
        if self._waiting.qsize() < MAX_CALLBACKS:
            self._waiting.put(function)
            return
        count = self._dropped.count_due(monotonic())
        if count:
            self.log.critical(
                "{count} callbacks were dropped: {limit} wait already for slow functions",
                count=count,
                limit=MAX_CALLBACKS,
            )

    def finish(self) -> None:
        """
        Wait until the functions that were added before have returned, for at most 2 s.

        It returns at once in the thread of the callbacks, which would wait for itself.
        """
        if self._thread is None or self._thread is threading.current_thread():
            return
        waits = threading.Lock()
        waits.acquire()
        self._waiting.put(waits.release)
        until = monotonic() + CALLBACKS_PATIENCE
        while not waits.acquire(timeout=SLICE) and monotonic() < until:
            pass

    def _run(self) -> None:
        while True:
            function = self._waiting.get()
            try:
                function()
            except Exception:
                self.log.failure("a callback of an event failed")


_background: Final = _Background()

callbacks: Final = _Callbacks()
"""The only one of this process, so that no two callbacks ever run at the same time."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_background.note_fork)
