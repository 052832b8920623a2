"""The polite end of a connection, which lets the peer read all that was sent: :class:`LingeringClose`."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, Final, Protocol

from tcpcomm.session.send_buffer import SendBuffer

LINGER: Final = 1.0
"""
Seconds of silence after which a peer that does not close is closed. A peer that is owed nothing has these
seconds in all, also while it sends.
"""


class ClosingSession(Protocol):
    """The part of a session that is needed here."""

    reason: str | None
    input_ended: bool

    def abort(self, reason: str = ...) -> None: ...


class LingeringClose:
    """
    Ends a connection in two steps: first the sending side and then, when the peer has closed, the rest.

    If a socket is closed while the peer still sends, the system resets the connection. The reset destroys
    all bytes that the peer has not read yet (RFC 9112, section 9.6). So the session goes on reading, and
    drops the data, until the peer closes or has sent nothing for :data:`LINGER` seconds.

    A peer that is owed nothing has :data:`LINGER` seconds in all. It is owed nothing if the last bytes left
    so long before. Over TLS, where the peer must say goodbye, they must have left ``stall`` seconds before,
    because nobody knows when the transport has sent what it took.

    Args:
        send_buffer: the bytes that are sent before.
        seconds: returns the time.
        stall: the seconds for which the peer may take none of these bytes. It may go on sending for as
            long.
    """

    __slots__ = ("_ends_at", "_lingering", "_seconds", "_send_buffer", "_shut", "_stall", "_until")

    def __init__(self, send_buffer: SendBuffer[Any], seconds: Callable[[], float], stall: float) -> None:
        self._send_buffer = send_buffer
        self._seconds = seconds
        self._stall = stall
        self._shut = False
        self._lingering = False
        self._ends_at = inf
        self.progressed()

    def advance(self, session: ClosingSession) -> None:
        """End our sending once the transport has taken all bytes. Close if the peer has ended, too."""
        buffer = self._send_buffer
        if not (self._shut or buffer.waiting or buffer.blocked_since is not None):
            self._shut = True
            if session.input_ended or not buffer.shut():
                self._limit_if_nothing_is_owed(self._stall)
                buffer.close()

    def input_ended(self) -> None:
        """Close if our sending has ended, too: the peer has ended its sending."""
        if self._shut:
            self._send_buffer.close()

    def progressed(self) -> None:
        """Start the time limit again: the peer takes bytes."""
        self._until = self._seconds() + self._stall

    def sending_ended(self) -> None:
        """Wait for the peer: all bytes, and the end of the stream, are handed to the system."""
        self._lingering = True
        self._limit_if_nothing_is_owed(LINGER)
        self.progressed()

    def _limit_if_nothing_is_owed(self, quiet: float) -> None:
        """Give the peer a second in all if nothing was sent for so many seconds."""
        now = self._seconds()
        if now - self._send_buffer.sent_at >= quiet:
            self._ends_at = now + LINGER

    def deadline(self, last_received_at: float) -> float:
        """Return the time at which this has taken too long, for a peer that was heard last at that time."""
        until = min(self._until, self._ends_at)
        return min(until, last_received_at + LINGER) if self._lingering else until

    def overdue(self, session: ClosingSession) -> None:
        """Close the connection after the deadline. Abort the session if some bytes are still unsent."""
        if not self._lingering:
            rest = f"; the peer took nothing of the rest for {self._stall:g} s"
            session.abort(f"{session.reason}{rest if self._ends_at == inf else ''}")
            return
        self._lingering = False
        self._ends_at = inf
        self.progressed()
        self._send_buffer.close()
