"""The polite end of a connection, which costs the peer nothing of what it was sent: :class:`LingeringClose`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tcpcomm.session.send_buffer import SendBuffer

__all__ = ["LINGER", "LingeringClose"]

LINGER: Final = 1.0
"""Seconds of silence after which a peer that was told of the end, and did not close, is closed."""


class LingeringClose:
    """
    Ends a connection: first only our sending side, then, when the peer has closed, the rest.

    A socket that is closed while the peer still sends resets the connection, and the reset destroys what
    the peer has not read yet (RFC 9112, section 9.6). So the session goes on reading, and drops, until the
    peer has seen the end and closes, or has sent nothing for :data:`LINGER` seconds.

    Args:
        outgoing: what is sent before.
        seconds: what time it is.
        stall: seconds that the peer may take nothing of it, and then that it may go on sending.
    """

    __slots__ = ("_lingering", "_outgoing", "_seconds", "_stall", "_until")

    def __init__(self, outgoing: SendBuffer, seconds: Callable[[], float], stall: float) -> None:
        self._outgoing = outgoing
        self._seconds = seconds
        self._stall = stall
        self._lingering = False
        self.progressed()

    def progressed(self) -> None:
        """The peer takes what it is sent."""
        self._until = self._seconds() + self._stall

    def sending_ended(self) -> None:
        """All that was sent is handed to the system, and the end of the stream behind it."""
        self._lingering = True
        self.progressed()

    def deadline(self, heard: float) -> float:
        """When this has taken too long, where the peer was heard last at ``heard``."""
        return min(self._until, heard + LINGER) if self._lingering else self._until

    def overdue(self) -> bool:
        """The deadline has passed: close if all was sent. Otherwise the answer is no."""
        if not self._lingering:
            return False
        self._lingering = False
        self.progressed()
        self._outgoing.close()
        return True
