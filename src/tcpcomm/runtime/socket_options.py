"""What every server and every session wants of TCP sockets: :data:`BACKLOG` and :func:`set_socket_options`."""

from __future__ import annotations

import socket
from typing import Any, Final

__all__ = ["BACKLOG", "COUNT", "IDLE", "INTERVAL", "UNACKNOWLEDGED", "set_socket_options"]

BACKLOG: Final = 4096
"""
Connections that the system keeps until they are accepted: as many as Linux allows unless told otherwise.

A client beyond them is not refused: it tries again after a second, and again after two more. With Twisted's
50 nearly all of a burst of clients wait so; of 8,000 at once many do even with 1024.
"""

IDLE: Final = 15
"""Seconds without a byte before the system asks the peer's system whether it is still there."""

INTERVAL: Final = 5
"""Seconds between two such questions."""

COUNT: Final = 3
"""Questions without an answer after which the connection is lost: 30 s in all, not two hours."""

UNACKNOWLEDGED: Final = float(IDLE + INTERVAL * COUNT)
"""
Seconds that what was sent may stay unacknowledged, at least: then the connection is lost.

The system asks no questions as long as it repeats what was sent, and repeats that for a quarter of an hour.
"""

LONGEST: Final = 2**31 - 1
"""Milliseconds: the most that the system takes."""

_KEEPALIVE: Final = tuple(
    (getattr(socket, name), value)
    for name, value in {
        "TCP_KEEPIDLE": IDLE,
        "TCP_KEEPALIVE": IDLE,  # the same on macOS
        "TCP_KEEPINTVL": INTERVAL,
        "TCP_KEEPCNT": COUNT,
    }.items()
    if hasattr(socket, name)
)
_USER_TIMEOUT: Final[int | None] = getattr(socket, "TCP_USER_TIMEOUT", None)


def set_socket_options(transport: Any, patience: float = 0.0) -> None:
    """
    Send small frames at once, and notice a peer whose machine or cable is gone, where this is TCP.

    Args:
        transport: TCP's own, or one above it, such as TLS's.
        patience: seconds for which a peer may take nothing of what it is sent, if it is to have longer
            than :data:`UNACKNOWLEDGED`: the system does not tell such a peer from one that is gone.

    A program that hangs on a machine that lives is not noticed so, and where the system lacks one of
    the options it goes by its own value.
    """
    for setter in ("setTcpNoDelay", "setTcpKeepAlive"):
        if hasattr(transport, setter):
            getattr(transport, setter)(True)
    handle = _socket(transport)
    if handle is None:
        return
    for option, value in _KEEPALIVE:
        handle.setsockopt(socket.IPPROTO_TCP, option, value)
    if _USER_TIMEOUT is not None:
        unacknowledged = min(round(1000 * max(UNACKNOWLEDGED, patience)), LONGEST)
        handle.setsockopt(socket.IPPROTO_TCP, _USER_TIMEOUT, unacknowledged)


def _socket(transport: Any) -> socket.socket | None:
    """The socket below a transport: below TLS too, whose own handle is something else."""
    while transport is not None:
        get_handle = getattr(transport, "getHandle", None)
        handle = None if get_handle is None else get_handle()
        if isinstance(handle, socket.socket):
            return handle
        transport = getattr(transport, "transport", None)
    return None
