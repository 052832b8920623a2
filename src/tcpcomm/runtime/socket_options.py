"""Options of TCP sockets: :data:`BACKLOG` for servers and :func:`set_socket_options` for sessions."""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from typing import Any, Final

BACKLOG: Final = 4096
"""
Connections that the system keeps until they are accepted. The system ignores more, and the clients try
again after a second or more. Change it with ``backlog``.
"""

IDLE: Final = 15
"""Seconds without a byte from the peer. Then the system sends a keepalive probe to the peer's system."""

INTERVAL: Final = 5
"""Seconds between two keepalive probes. The next probe is sent."""

COUNT: Final = 3
"""Probes without an answer. Then the connection is lost: after 30 s in all, instead of two hours."""

UNACKNOWLEDGED: Final = float(IDLE + INTERVAL * COUNT)
"""
Seconds, or ``stall`` if that is longer, for which sent data may stay unacknowledged by the peer's system.
Then the connection is lost, on systems with ``TCP_USER_TIMEOUT``. While a system repeats such data, it
sends no probes.
"""

LONGEST: Final = 2**31 - 1
"""Milliseconds: the largest value that the system accepts."""

_KEEPALIVE: Final = tuple(
    (getattr(socket, name), value)
    for name, value in {
        "TCP_KEEPIDLE": IDLE,
        "TCP_KEEPALIVE": IDLE,  # the name on macOS
        "TCP_KEEPINTVL": INTERVAL,
        "TCP_KEEPCNT": COUNT,
    }.items()
    if hasattr(socket, name)
)
_USER_TIMEOUT: Final[int | None] = getattr(socket, "TCP_USER_TIMEOUT", None)
_QUICK_ACK: Final[int | None] = getattr(socket, "TCP_QUICKACK", None)


def set_socket_options(transport: Any, patience: float = 0.0) -> None:
    """
    Send small frames at once, and detect a peer that lost its power or its cable.

    This does nothing if the transport is not TCP. It does not detect a program that hangs on a running
    machine. An option that the system lacks keeps the system's own behaviour.

    Args:
        transport: a TCP transport, or one above it, such as TLS.
        patience: seconds for which a peer may accept no data, if longer than :data:`UNACKNOWLEDGED`. The
            system cannot distinguish such a peer from one that is gone.
    """
    for setter in ("setTcpNoDelay", "setTcpKeepAlive"):
        if hasattr(transport, setter):
            getattr(transport, setter)(True)
    handle = socket_of(transport)
    if handle is None:
        return
    for option, value in _KEEPALIVE:
        handle.setsockopt(socket.IPPROTO_TCP, option, value)
    if _USER_TIMEOUT is not None:
        unacknowledged = min(round(1000 * max(UNACKNOWLEDGED, patience)), LONGEST)
        handle.setsockopt(socket.IPPROTO_TCP, _USER_TIMEOUT, unacknowledged)


def acknowledger_of(transport: Any) -> Callable[[], object] | None:
    """
    Return a function that has the system acknowledge at once what it received.

    A system waits up to 40 ms, or 200 ms on Windows, for data to send along. Meanwhile a peer with Nagle's
    algorithm keeps its next small write back. Call the function only while the connection is open.

    Returns:
        The function, or None if the transport is not TCP, or the system has no such option: only Linux has.
    """
    handle = socket_of(transport)
    if handle is None or _QUICK_ACK is None or handle.family not in (socket.AF_INET, socket.AF_INET6):
        return None
    return partial(handle.setsockopt, socket.IPPROTO_TCP, _QUICK_ACK, 1)


def socket_of(transport: Any) -> socket.socket | None:
    """Return the socket below a transport, or None. The handle of a TLS transport is not a socket."""
    while transport is not None:
        handle = transport.getHandle() if hasattr(transport, "getHandle") else None
        if isinstance(handle, socket.socket):
            return handle
        transport = getattr(transport, "transport", None)
    return None
