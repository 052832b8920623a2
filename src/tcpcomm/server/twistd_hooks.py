"""The manners of a service in twistd: its log, its signals, its failed start: :class:`TwistdHooks`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Final

from twisted.application.service import Service
from twisted.logger import ILogObserver

from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.logs import LineObserver
from tcpcomm.runtime.monotonic_time import the_reactor
from tcpcomm.server.machine import is_terminal
from tcpcomm.server.service import CannotListen
from tcpcomm.server.systemd import Notifier

RUN_TWISTD: Final = (sys.executable, "-P", "-c", "from twisted.scripts.twistd import run; run()")
"""The beginning of a command that runs twistd with this Python, also on Windows."""


class TwistdHooks(Service):
    """
    A service in twistd, to be mixed into another service.

    It writes all of the log when the reactor stops, because twistd kills its process then. At SIGHUP it
    reloads, or stops if its terminal was closed. A second SIGTERM or Ctrl-C aborts what is left.
    """

    log = BoundedLogger()
    log_observer: LineObserver | None = None
    """Writes twistd's log. If it is None, twistd's own options decide."""
    companions: Sequence[Service] = ()
    """Services that start before it, and stop with it, such as the page of the metrics."""
    notifier: Notifier | None = None
    """Tells systemd how it goes; None: systemd does not want to know."""
    has_terminal = False
    """True if the end of the terminal ends the program."""

    def setServiceParent(self, parent: Any) -> None:
        if self.log_observer is not None:
            parent.setComponent(ILogObserver, self.log_observer)
        for each in self.companions:
            each.setServiceParent(parent)
        super().setServiceParent(parent)  # type: ignore[no-untyped-call]

    def startService(self) -> None:
        """Start, and write all of the log when the reactor stops."""
        super().startService()  # type: ignore[no-untyped-call]
        if self.log_observer is not None:
            the_reactor().addSystemEventTrigger("after", "shutdown", self.log_observer.finish)
        if self.notifier is not None:
            the_reactor().callWhenRunning(self.notifier.ready)

    def reload(self) -> None:
        """Load again what can change in a running program."""

    def abort(self) -> None:
        """Abort what is left at a second signal to stop."""

    def reload_at_hangup(self) -> None:
        """
        Handle SIGHUP, unless the program does so itself. After ``nohup`` it does not stop the program.

        Windows has no SIGHUP.
        """
        number = getattr(signal, "SIGHUP", None)
        if number is None:
            return
        before = signal.getsignal(number)
        if before in (signal.SIG_DFL, signal.SIG_IGN):
            self.has_terminal = is_terminal() and before is not signal.SIG_IGN
            with suppress(ValueError):  # this is not the main thread, so no signal arrives here
                signal.signal(number, self._hung_up)

    def _hung_up(self, number: int, frame: object) -> None:
        reactor = the_reactor()
        over = self.has_terminal and not is_terminal()
        reactor.callFromThread(reactor.stop if over else self._reload)

    def _reload(self) -> None:
        if self.notifier is None:
            self.reload()
            return
        self.notifier.reloading()
        try:
            self.reload()
        finally:
            self.notifier.ready()

    def expect_second_signal(self) -> None:
        """Let the next signal abort all sessions, and tell systemd that the program stops."""
        if self.notifier is not None:
            self.notifier.stopping()
        with suppress(ValueError):  # this is not the main thread, so no signal arrives here
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self._stop_now)

    def _stop_now(self, number: int, frame: object) -> None:
        self.log.warn("a second signal: aborting the remaining sessions")
        the_reactor().callFromThread(self.abort)


@contextmanager
def start_in_one_line(*errors: type[Exception]) -> Iterator[None]:
    """Log one of these errors of a start. twistd cleans up, and ends with exit code 1 and one line."""
    try:
        yield
    except errors as error:
        TwistdHooks.log.critical("{problem}", problem=str(error))
        sys.excepthook = _print_one_line  # twistd raises the error again
        raise


def _print_one_line(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """Print an error that is in the log already, without a traceback."""
    print(f"twistd tcpcomm: {error}", file=sys.__stderr__)


class OneLineStart(Service):
    """
    A service of a companion. If it cannot listen, twistd ends with exit code 1 and the reason.

    Args:
        service: the companion.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    def privilegedStartService(self) -> None:
        """Listen, while the process may still bind low ports."""
        with start_in_one_line(CannotListen):
            self._service.privilegedStartService()

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]
        self._service.startService()

    def stopService(self) -> Any:
        super().stopService()  # type: ignore[no-untyped-call]
        return self._service.stopService()
