"""
Several processes that serve the same places, each on a core of its own: :class:`Workers`.

The first process binds a socket of each worker at each place, and never accepts: the system deals the
connections out among these sockets. Each worker inherits its own ones.
"""

from __future__ import annotations

import os
import select
import socket
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Final

from twisted.internet.defer import Deferred, DeferredList

from tcpcomm.errors import TcpcommError
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.socket_options import BACKLOG
from tcpcomm.server.twistd_hooks import RUN_TWISTD
from tcpcomm.server.worker import STATUS, VARIABLE
from tcpcomm.server.worker_process import WorkerProcess

_REUSE_PORT: Final[int] = getattr(socket, "SO_REUSEPORT", 0)  # Linux has it; Windows does not
START_TIMEOUT: Final = 60.0
"""
Seconds in which a worker of ``--workers`` must serve at the start. Then the program ends with status 1.
"""

FIRST_WAIT: Final = 0.5
"""Seconds until a worker that ended is started again. They double each time."""

LONGEST_WAIT: Final = 30.0
"""Seconds until a worker that ended is started again, at most. The waits double up to this."""

PROVEN_AFTER: Final = 60.0
"""Seconds that a worker must serve. Then the wait before its next start is the shortest one again."""

STOP_ACCEPTING: Final = 2.0
"""
Seconds in which a worker must close its sockets when the program stops. Then the first process closes
them.
"""

KILL_AFTER: Final = 5.0
"""Seconds, beyond ``grace``, in which a worker must end. Then it is killed."""


class WorkersFailed(TcpcommError):
    """A worker could not start."""


class Workers:
    """
    The worker processes. One that ends is replaced.

    Args:
        count: the number of workers.
        command: the options of twistd and of tcpcomm, for each worker.
        folder: the current folder of each worker when it starts.
        reactor: starts the processes.
    """

    log = BoundedLogger()

    def __init__(self, count: int, command: Sequence[str], *, folder: str, reactor: Any) -> None:
        self._command = (*RUN_TWISTD, *command)
        self._folder = folder
        self._backlog = BACKLOG
        self._reactor = reactor
        self._sockets: dict[int, list[socket.socket]] = {number: [] for number in range(1, count + 1)}
        self._running: dict[int, WorkerProcess] = {}
        self._restarts: dict[int, Any] = {}
        self._waits = dict.fromkeys(self._sockets, FIRST_WAIT)
        self._replaces = False

    def share(self, number: int, backlog: int) -> None:
        """
        Bind a socket of each worker at the place of a socket that listens, and let this one stop listening.

        This one was bound alone, so a place in use was an error. It keeps the place until it is closed.

        Args:
            number: the file descriptor of the socket.
            backlog: connections that the system keeps for each worker until they are accepted.
        """
        self._backlog = backlog
        with socket.socket(fileno=os.dup(number)) as bound:
            bound.setsockopt(socket.SOL_SOCKET, _REUSE_PORT, 1)
            for sockets in self._sockets.values():
                shared = socket.socket(bound.family)
                shared.setblocking(False)
                for option in (socket.SO_REUSEADDR, _REUSE_PORT):
                    shared.setsockopt(socket.SOL_SOCKET, option, 1)
                shared.bind(bound.getsockname())
                shared.listen(backlog)
                sockets.append(shared)
            bound.shutdown(socket.SHUT_RDWR)

    def start(self) -> None:
        """
        Start the workers, and block until all of them serve. The reactor need not run yet.

        Raises:
            WorkersFailed: a worker ended, or it did not serve in time. The others end with this process.
        """
        first, *others = self._sockets
        self._start_and_wait([first])  # only the supervisor logs a mistake, not each worker
        self._start_and_wait(others)
        self._replaces = True

    def _start_and_wait(self, numbers: Iterable[int]) -> None:
        started = [self._start(number) for number in numbers]
        deadline = self._reactor.seconds() + START_TIMEOUT
        while waiting := [each for each in started if not each.serves]:
            for each in waiting:
                if not each.open_pipes():
                    raise WorkersFailed(f"{each.name} did not start: {each.reason()}")
            pipes = {pipe: each for each in waiting for pipe in each.open_pipes()}
            left = deadline - self._reactor.seconds()
            if left <= 0:
                raise WorkersFailed(f"{waiting[0].name} did not start within {START_TIMEOUT:g} s")
            for pipe in select.select([*pipes], [], [], left)[0]:
                pipes[pipe].read(pipe)

    def _start(self, number: int) -> WorkerProcess:
        sockets = self._sockets[number]
        process = WorkerProcess(number, self._ended, reactor=self._reactor)
        variables = {**os.environ, VARIABLE: f"{number},{len(sockets)}"}
        inherited = {STATUS + 1 + index: each.fileno() for index, each in enumerate(sockets)}
        descriptors = {0: "w", 1: "r", 2: "r", STATUS: "r", **inherited}
        self._running[number] = process
        self._reactor.spawnProcess(
            process, sys.executable, self._command, variables, self._folder, childFDs=descriptors
        )
        return process

    def _ended(self, process: WorkerProcess) -> None:
        self._running.pop(process.number, None)
        if not self._replaces:
            return
        for each in self._sockets[process.number]:  # the other workers get its connections now
            each.shutdown(socket.SHUT_RDWR)
        if process.served_for() >= PROVEN_AFTER:
            self._waits[process.number] = FIRST_WAIT
        wait = self._waits[process.number]
        self._waits[process.number] = min(2 * wait, LONGEST_WAIT)
        self.log.error(
            "{worker} ended {how}, and its sessions with it; it is started again in {wait:g} s",
            worker=process.name,
            how=process.how,
            wait=wait,
        )
        self._restarts[process.number] = self._reactor.callLater(wait, self._restart, process.number)

    def _restart(self, number: int) -> None:
        del self._restarts[number]
        for each in self._sockets[number]:
            each.listen(self._backlog)
        self._start(number)

    def stop(self) -> Deferred[Any]:
        """Let the workers stop. Return a Deferred that fires when none of them accepts any more."""
        self._replaces = False
        for call in self._restarts.values():
            call.cancel()
        running = [*self._running.values()]
        for process in running:
            process.stop()
        closed = DeferredList([each.accepts_no_more for each in running], consumeErrors=True)
        return closed.addTimeout(STOP_ACCEPTING, self._reactor, onTimeoutCancel=lambda *_: None)

    def ended(self, grace: float) -> Deferred[Any]:
        """
        Close the sockets, and return a Deferred that fires when all workers have ended.

        A worker that takes too long is killed.

        Args:
            grace: the seconds that a worker may take to drain its sessions.
        """
        for sockets in self._sockets.values():
            for each in sockets:
                each.close()
        late = self._reactor.callLater(grace + KILL_AFTER, self.signal, "KILL")
        ended = DeferredList([process.ended for process in self._running.values()])
        return ended.addCallback(lambda _: late.cancel() if late.active() else None)

    def signal(self, name: str) -> None:
        """Send a signal, such as "HUP", to the workers that serve, or "KILL" to all."""
        for each in [*self._running.values()]:
            if each.serves or name == "KILL":
                each.signal(name)
