"""A thread for the calls of a library that block: :class:`WorkerThread`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Final, TypeVar

from twisted.internet.defer import Deferred, DeferredList, fail, maybeDeferred, succeed
from twisted.python.failure import Failure

from tcpcomm.plant.errors import SinkUnavailable

T = TypeVar("T")

LAST_CALL: Final = 5.0
"""Seconds for the thread of a sink to close. Then the program goes on."""


class _Call:
    """One call on its way through the thread."""

    def __init__(self, work: Callable[[], Any], began: float) -> None:
        self.work = work
        self.began = began
        self.done: Deferred[Any] = Deferred()
        self.is_abandoned = False


class WorkerThread:
    """
    Runs blocking calls in its thread, one at a time.

    The thread starts with the first call. It is a daemon, so a disk that hangs does not keep the program
    from its end. With a test's clock there is no thread: each call runs at once.

    Args:
        name: the name of the sink.
        reactor: the reactor, or a test's clock.
    """

    def __init__(self, name: str, reactor: Any) -> None:
        self._name = name
        self._reactor = reactor
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._current: _Call | None = None
        self._thread: threading.Thread | None = None
        self._is_stopped = False
        self._has_threads = hasattr(reactor, "callFromThread")

    def run(self, work: Callable[[], T], interrupt: Callable[[], object] = lambda: None) -> Deferred[T]:
        """
        Call a function in the thread. Return a Deferred of its result.

        If the Deferred is cancelled, ``interrupt`` is called in the reactor's thread, and the result is
        dropped. Until the function ends, every further call fails with SinkUnavailable.

        Args:
            work: the function.
            interrupt: makes the function fail soon, for example by closing its socket.
        """
        if self._is_stopped:
            return fail(SinkUnavailable("the sink is closed"))
        busy = self._current
        if busy is not None:
            seconds = self._reactor.seconds() - busy.began
            return fail(
                SinkUnavailable(f"it is still writing since {seconds:.0f} s: its disk or server hangs")
            )
        if not self._has_threads:
            return maybeDeferred(work)
        call = self._current = _Call(work, self._reactor.seconds())

        def cancel(_: Deferred[Any]) -> None:
            call.is_abandoned = True
            interrupt()

        call.done = Deferred(cancel)
        self._start()
        self._calls.put(call)
        return call.done

    def stop(self, last: Callable[[], object]) -> Deferred[None]:
        """
        Run a last call in the thread, and end the thread.

        Returns:
            A Deferred that fires when that is done, at the latest after :data:`LAST_CALL` seconds. If
            another call still hangs, it fires at once.
        """
        if self._is_stopped:
            return succeed(None)
        if self._current is not None:
            self._is_stopped = True
            self._calls.put(_Call(last, 0.0))
            self._calls.put(None)
            return succeed(None)
        if self._has_threads and self._thread is None:
            self._is_stopped = True
            return succeed(None)
        done = self.run(last)
        self._is_stopped = True
        self._calls.put(None)
        if self._has_threads:
            done.addTimeout(LAST_CALL, self._reactor)
        return DeferredList([done], consumeErrors=True).addCallback(lambda _: None)

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=f"tcpcomm {self._name}", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        """Run the calls, in the thread."""
        while (call := self._calls.get()) is not None:
            outcome: Any
            try:
                outcome = call.work()
            except BaseException as error:
                outcome = Failure(error)
            try:
                self._reactor.callFromThread(self._ended, call, outcome)
            except Exception:  # the reactor is gone, and nobody waits for the outcome
                return

    def _ended(self, call: _Call, outcome: Any) -> None:
        """Hand out the outcome of a call, in the reactor's thread."""
        if self._current is call:
            self._current = None
        if call.is_abandoned or call.done.called:
            return
        if isinstance(outcome, Failure):
            call.done.errback(outcome)
        else:
            call.done.callback(outcome)
