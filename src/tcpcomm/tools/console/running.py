"""
The console as a program uses it: :class:`Console`.

Textual runs in the main thread, and the reactor in a thread of its own. Textual sets signal handlers, which
only the main thread may do; the reactor needs none here. Both on one asyncio loop would be one thread less.
But then each link would wait while the screen is drawn, and for a terminal that does not read; and no other
reactor than Twisted's asyncio reactor could be used.

The terminal is restored by Textual at its end, also after an exception, Ctrl-C or SIGTERM. Whatever the
program prints or logs meanwhile goes into a pane, and not onto the screen.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from twisted.internet.error import ReactorNotRunning
from twisted.logger import globalLogBeginner

from tcpcomm.errors import ConfigurationError
from tcpcomm.runtime.logs import LineObserver, text_line
from tcpcomm.runtime.monotonic_time import the_reactor
from tcpcomm.tools.console.acts import ReactorActs
from tcpcomm.tools.console.feed import Feed
from tcpcomm.tools.console.words import language_of
from tcpcomm.tools.monitor.actions import Actions
from tcpcomm.tools.monitor.model import MonitorModel

_GRACE: Final = 10.0
"""Seconds at the end of the console for the reactor to close its connections."""

_SWITCH_INTERVAL: Final = 0.0005
_SIGNALS: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


class Console:
    """
    Shows all links and sessions of a program in the terminal.

    ::

        console = Console()
        service = serve(MyCamera(), at="tcp:9999", observers=[console.model])
        ...
        console.run()  # in place of reactor.run()

    Args:
        name: the name for the first line.
        language: ``en`` or ``ko``; None: as the system has it.
        read_only: True if nothing can be sent, closed or disturbed from here.
        times: returns the time of the values that are shown, in seconds since 1970; None: now.
        reactor: the reactor, if it is not the usual one.

    Raises:
        ConfigurationError: Textual is missing, there is no terminal, or the language is not known.
    """

    def __init__(
        self,
        *,
        name: str = "tcpcomm",
        language: str | None = None,
        read_only: bool = False,
        times: Callable[[], float] | None = None,
        reactor: Any = None,
    ) -> None:
        check_textual()
        check_terminal()
        self._reactor = the_reactor(reactor)
        self._language = language_of(language)
        self._name = name
        self.model = MonitorModel(self._reactor.seconds) if times is None else MonitorModel(times, times)
        """The observer for links, servers and sessions."""
        self._actions = Actions(self.model, self._reactor.seconds)
        self.feed = Feed(self.model, self._reactor, self._overview)
        self._read_only = read_only
        self._error: BaseException | None = None

    def write(self, text: str) -> None:
        """Show lines of a log in the pane of the log. Any thread may call it."""
        self.feed.write(text)

    def take_log(self) -> None:
        """Let Twisted's log go into the pane of the log, if the program writes it nowhere else."""
        globalLogBeginner.beginLoggingTo([LineObserver(text_line, self.write)], redirectStandardIO=False)

    def run(self) -> None:
        """
        Run the reactor and the console, until one of them ends.

        Raises:
            ConfigurationError: this is not the main thread.
            Exception: the reactor or the console failed with it. The terminal is restored.
        """
        from tcpcomm.tools.console.app import ConsoleApp  # noqa: PLC0415 - it needs an optional package

        if threading.current_thread() is not threading.main_thread():
            raise ConfigurationError("the console runs in the main thread only: call run() there")
        acts = ReactorActs(self.feed, self._actions, read_only=self._read_only)
        app = ConsoleApp(self.feed, acts, name=self._name, language=self._language)
        self._reactor.callWhenRunning(self.feed.start)
        thread = threading.Thread(target=self._run_reactor, name="tcpcomm reactor", daemon=True)
        with _signals(self.feed.end), _quick_switches():
            thread.start()
            try:
                app.run()
            finally:
                self._reactor.callFromThread(self._stop_reactor)
        with suppress(KeyboardInterrupt):  # Ctrl-C ends the wait, and with it the program
            thread.join(_GRACE)
        if self._error is not None:
            raise self._error
        if app.return_code:
            raise SystemExit(app.return_code)

    def _overview(self) -> dict[str, Any]:
        """Return the state of everything, with the actions that each source offers."""
        found = self.model.overview()
        for each in found["sources"]:
            source = self.model.source(each["id"])
            if source is not None:
                each["can"] = self._actions.can(source)
                each["disturbances"] = self._actions.disturbances(source)
        return found

    def _run_reactor(self) -> None:
        try:
            self._reactor.run(installSignalHandlers=False)
        except BaseException as error:
            self._error = error
        finally:
            self.feed.end()

    def _stop_reactor(self) -> None:
        self.feed.stop()
        with suppress(ReactorNotRunning):  # it is stopping already
            self._reactor.stop()


@contextmanager
def _quick_switches() -> Iterator[None]:
    """Let the reactor's thread go on soon while the screen is drawn, so that no frame waits for that."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_INTERVAL)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextmanager
def _signals(end: Callable[[], None]) -> Iterator[None]:
    """Let signals end the console in order. The second one of a kind ends the process as usual."""

    def handle(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        end()

    known = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    before = {number: signal.signal(number, handle) for number in known}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def check_textual() -> None:
    """
    Check that the console can be shown.

    Raises:
        ConfigurationError: Textual is not installed.
    """
    try:
        import textual  # noqa: F401, PLC0415 - an optional dependency
    except ImportError as error:
        raise ConfigurationError(
            f'the console needs the package textual ({error}): type pip install "tcpcomm[console]"'
        ) from None


def check_terminal() -> None:
    """
    Check that there is a terminal.

    Raises:
        ConfigurationError: standard input or standard error is not a terminal.
    """
    for name, stream in (("input", sys.__stdin__), ("error", sys.__stderr__)):
        if stream is None or not stream.isatty():
            raise ConfigurationError(
                f"the console needs a terminal, and standard {name} is not one: run it without a pipe, "
                "or use --monitor 8080 and a browser"
            )
