"""
One worker of several, as seen from within: :class:`Worker`.

The first process starts it with sockets that listen, and with pipes. The end of its standard input tells
the worker to stop, also if the first process was killed. Standard output carries its log, as JSON. On the
pipe ``STATUS`` it says that it serves; the end of that pipe says that it accepts no more.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any, Final

from twisted.internet.error import ReactorNotRunning
from twisted.internet.interfaces import IReadDescriptor
from twisted.internet.main import CONNECTION_LOST
from zope.interface import implementer

VARIABLE: Final = "TCPCOMM_WORKER"
"""The environment variable with the number of a worker and the number of its sockets."""

STATUS: Final = 3
"""The file descriptor of the pipe on which a worker tells how it is. Those of its sockets follow."""


@implementer(IReadDescriptor)
class Worker:
    """
    This process, as a worker.

    Args:
        number: the number of this worker, from 1.
        sockets: the number of its sockets.
    """

    def __init__(self, number: int, sockets: int) -> None:
        self.number = number
        self.sockets = tuple(range(STATUS + 1, STATUS + 1 + sockets))
        """The file descriptors of its sockets, in the order of the places."""
        self._reactor: Any = None
        system: Any = os  # on Windows it has no setsid, and no workers are started there
        system.setsid()  # Ctrl-C and the end of a terminal are for the first process

    @classmethod
    def here(cls) -> Worker | None:
        """Return this process as a worker, or None if it is not one. Only the first call can tell."""
        text = os.environ.pop(VARIABLE, None)  # programs that a worker starts are not workers
        return None if text is None else cls(*map(int, text.split(",")))

    def serves(self, reactor: Any) -> None:
        """Say that this worker serves. Stop the reactor when the first process wants it, or has ended."""
        self._reactor = reactor
        for number in self.sockets:  # the reactor has copies
            os.close(number)
        reactor.addReader(self)
        with suppress(BrokenPipeError):  # then standard input has ended, too
            os.write(STATUS, b"\n")

    def accepts_no_more(self) -> None:
        """Say that this worker has closed its sockets."""
        os.close(STATUS)

    def fileno(self) -> int:
        """Return the file descriptor of standard input."""
        return 0

    def logPrefix(self) -> str:
        return "worker"

    def doRead(self) -> Any:
        return None if os.read(self.fileno(), 1024) else CONNECTION_LOST

    def connectionLost(self, reason: object) -> None:
        """Stop the reactor, unless it stops already."""
        with suppress(ReactorNotRunning):
            self._reactor.stop()
