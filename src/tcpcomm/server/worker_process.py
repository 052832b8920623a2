"""One worker of several, as seen by the first process: its pipes, its log and its end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol

from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.server.relayed_log import log_again
from tcpcomm.server.worker import STATUS

_LONGEST_LINE: Final = 64 * 1024
_REAP_EVERY: Final = 0.1
_MISTAKE: Final = "twistd tcpcomm: "


class WorkerProcess(ProcessProtocol):
    """
    A worker process.

    Args:
        number: its number, from 1.
        when_ended: called with this object when the process has ended.
        reactor: has started the process.
    """

    log = BoundedLogger()

    def __init__(self, number: int, when_ended: Callable[[WorkerProcess], None], *, reactor: Any) -> None:
        self.number = number
        self.name = f"worker {number}"
        self.how = ""
        """The way in which it ended; empty: it runs."""
        self.ended: Deferred[None] = Deferred()
        self.accepts_no_more: Deferred[None] = Deferred()
        self._when_ended = when_ended
        self._reactor = reactor
        self._served_at: float | None = None
        self._rests = {1: b"", 2: b""}
        self._printed: list[str] = []  # before it served
        self._closed: set[Any] = set()

    @property
    def serves(self) -> bool:
        """True from the moment that the worker said so."""
        return self._served_at is not None

    def served_for(self) -> float:
        """Return the seconds since the worker began to serve; 0.0 if it never did."""
        return 0.0 if self._served_at is None else self._reactor.seconds() - self._served_at

    def open_pipes(self) -> list[Any]:
        """Return the pipes from the worker that have not ended, for a start without the reactor."""
        transport: Any = self.transport
        return [pipe for number, pipe in transport.pipes.items() if number and pipe not in self._closed]

    def read(self, pipe: Any) -> None:
        """Read from one of these pipes."""
        if pipe.doRead():
            self._closed.add(pipe)

    def reason(self) -> str:
        """Return the mistakes that the worker printed, or its last line, or a note that there is none."""
        mistakes = [line.removeprefix(_MISTAKE) for line in self._printed if line.startswith(_MISTAKE)]
        return "; ".join(mistakes or self._printed[-1:]) or "it ended and gave no reason"

    def stop(self) -> None:
        """Let the worker drain its sessions and end."""
        assert self.transport is not None
        self.transport.closeStdin()

    def signal(self, name: str) -> None:
        """Send a signal, such as "HUP"."""
        assert self.transport is not None
        with suppress(ProcessExitedAlready):
            self.transport.signalProcess(name)

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        if childFD == STATUS:
            self._served_at = self._reactor.seconds()
            self.log.info("{worker} serves", worker=self.name)
            return
        *lines, rest = (self._rests[childFD] + data).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            lines, rest = [*lines, rest], b""
        self._rests[childFD] = rest
        for line in lines:
            self._log_line(line.decode(errors="backslashreplace"))

    def _log_line(self, line: str) -> None:
        """Log an event from the log of the worker, or a line that it printed outside its log."""
        if not log_again(line, "{worker}: {text}", worker=self.name):
            if not self.serves:
                self._printed.append(line)
            self.log.warn("{worker}: {text}", worker=self.name, text=line)

    def childConnectionLost(self, childFD: int) -> None:
        if childFD == STATUS:
            self._accepts_no_more()
            self._reap()

    def _accepts_no_more(self) -> None:
        if not self.accepts_no_more.called:
            self.accepts_no_more.callback(None)

    def _reap(self) -> None:
        """Ask for the end again and again, because uvloop keeps the signal that would tell the reactor."""
        if not self.how:
            transport: Any = self.transport
            transport.reapProcess()
        if not self.how:
            self._reactor.callLater(_REAP_EVERY, self._reap)

    def processExited(self, reason: Any) -> None:
        status, number = reason.value.exitCode, reason.value.signal
        self.how = f"by signal {number}" if number else f"with exit status {status}"
        self._accepts_no_more()
        self._when_ended(self)
        self.ended.callback(None)
