"""
The process that serves, as seen from within: :class:`ReloadedProcess`.

The supervisor starts it, and both speak over its standard input and output. It imports the program and
prints ``LOADED``. Then it waits for a line on standard input, so that the process with the old code can
close its ports first. The end of standard input tells it to stop, also if the supervisor was killed.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Any, Final

from twisted.internet.error import ReactorNotRunning

VARIABLE: Final = "TCPCOMM_RELOADED"
"""The environment variable that is set in a process that the supervisor has started."""

LOADED: Final = "tcpcomm: the program is loaded"
"""The line that says that the program was imported."""

GO: Final = b"go\n"
"""The line that lets the process serve."""

LONGEST_STOP: Final = 8.0
"""Seconds that a process may take to stop. Then it is ended at once. Draining sessions takes up to 5 s."""


class ReloadedProcess:
    """This process, if the supervisor of ``--reload`` has started it."""

    def __init__(self) -> None:
        self._input = _take_input()
        self._reactor: Any = None
        self._may_serve = Event()
        Thread(target=self._hear, name="the supervisor of --reload", daemon=True).start()

    @classmethod
    def here(cls) -> ReloadedProcess | None:
        """Return this process, or None if no supervisor has started it. Only the first call can tell."""
        return None if os.environ.pop(VARIABLE, None) is None else cls()

    def load(self, load: Callable[[], object]) -> None:
        """
        Import the program, and wait until it may serve.

        Args:
            load: imports the program. Its errors are raised unchanged.
        """
        load()
        os.write(1, f"\n{LOADED}\n".encode())  # on a line of its own, whatever the program has printed
        self._may_serve.wait()

    def serves(self, reactor: Any) -> None:
        """Stop this reactor, and do not only end the process, when the supervisor wants it."""
        self._reactor = reactor

    def _hear(self) -> None:
        """Read standard input until its end. A file object would have a lock that hinders the exit."""
        with suppress(OSError):
            while os.read(self._input, 64):
                self._may_serve.set()
        if self._reactor is None:
            _end_at_once()  # it serves nobody yet, and an import may take for ever
        self._reactor.callFromThread(self._stop)
        time.sleep(LONGEST_STOP)
        _end_at_once()  # a handler blocks the reactor

    def _stop(self) -> None:
        with suppress(ReactorNotRunning):
            self._reactor.stop()


def _take_input() -> int:
    """
    Return a file descriptor for what the supervisor says. Standard input is empty from then on.

    The program, and what it starts, must not read the words of the supervisor. On Windows, a process that
    inherits a pipe cannot even start while a thread reads from it.
    """
    own, empty = os.dup(0), os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(own, False)  # on Windows, a copy of standard input can be inherited
    os.dup2(empty, 0)
    os.close(empty)
    return own


def _end_at_once() -> None:
    """End this process, also while its main thread is busy. On Windows, any signal ends a process."""
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
