"""
The reactor that ``twistd --reactor tcpcomm-epoll`` installs: Twisted's epoll reactor with less work.

Twisted looks up the log prefix of a connection, and enters a logging context, before each read and write.
Only the old ``twisted.python.log`` uses that context. Here the lines that a protocol logs by ``log.msg``
while it handles received data name no protocol, but ``-``. Failures and ends of connections are logged as
on Twisted's reactor.
"""

from __future__ import annotations

import sys
from typing import Any

from twisted.internet.error import ConnectionFdescWentAway
from twisted.internet.main import installReactor
from twisted.python import log

from tcpcomm.errors import ConfigurationError


class LeanPolling:
    """A mixin for Twisted's epoll reactor, to be its first base: no logging context at reads and writes."""

    _POLL_IN: int
    _POLL_OUT: int
    _poller: Any
    _selectables: dict[int, Any]
    _doReadOrWrite: Any
    _disconnectSelectable: Any

    def doPoll(self, timeout: float | None) -> None:
        """Wait for events, and handle them. A selectable that an earlier event removed is left alone."""
        try:
            events = self._poller.poll(-1 if timeout is None else timeout, len(self._selectables))
        except InterruptedError:
            return
        readable, writable, selectables = self._POLL_IN, self._POLL_OUT, self._selectables
        for fd, event in events:
            selectable = selectables.get(fd)
            if selectable is None:
                continue
            reads = event == readable
            if not reads and event != writable:
                log.callWithLogger(selectable, self._doReadOrWrite, selectable, fd, event)
                continue
            why: BaseException | None
            try:
                if selectable.fileno() == -1:
                    why = ConnectionFdescWentAway("File descriptor lost")
                else:
                    why = selectable.doRead() if reads else selectable.doWrite()
            except BaseException as error:  # as Twisted does, too
                log.callWithLogger(selectable, self._failed, selectable, error)
            else:
                if why:
                    log.callWithLogger(selectable, self._disconnectSelectable, selectable, why, reads)

    doIteration = doPoll  # the name by which the main loop calls it

    def _failed(self, selectable: Any, error: BaseException) -> None:
        """Log an exception of a selectable, and disconnect it."""
        log.err()
        self._disconnectSelectable(selectable, error, False)


def new_reactor() -> Any:
    """
    Return a new reactor of this kind.

    Raises:
        ConfigurationError: the system has no epoll.
    """
    try:
        from twisted.internet.epollreactor import EPollReactor  # noqa: PLC0415 - it exists on Linux only
    except ImportError:
        raise ConfigurationError(
            f"tcpcomm-epoll needs Linux, because {sys.platform} has no epoll: leave out --reactor"
        ) from None

    class LeanEPollReactor(LeanPolling, EPollReactor):
        """Twisted's epoll reactor with less work an event."""

    return LeanEPollReactor()


def install() -> Any:
    """
    Install this reactor in the process, before any other is installed. Return it.

    Raises:
        ConfigurationError: the system has no epoll.
        twisted.internet.error.ReactorAlreadyInstalledError: a reactor is installed already.
    """
    reactor = new_reactor()
    installReactor(reactor)
    return reactor
