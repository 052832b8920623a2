"""Received bytes that wait in the system and are not read yet: :func:`unread_input_of`."""

from __future__ import annotations

import select
import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from tcpcomm.runtime.socket_options import socket_of


def unread_input_of(transport: Any) -> Callable[[], object] | None:
    """
    Return a function that tells whether received bytes, or the end of the stream, wait to be read.

    It takes less than a microsecond, and its result is true if something waits. Call it only while the
    connection is open. With TLS, a record of which only a part has come counts as read.

    Args:
        transport: a transport, or one above it, such as TLS. One that is not a socket, or that reads ahead,
            has a method ``has_unread_input``.

    Returns:
        The function, or None if nobody can know.
    """
    above = transport
    while above is not None:
        found: Callable[[], object] | None = getattr(above, "has_unread_input", None)
        if found is not None:
            return found
        above = getattr(above, "transport", None)
    handle = socket_of(transport)
    return None if handle is None or handle.fileno() < 0 else unread_in(handle)


def unread_in(handle: socket.socket) -> Callable[[], object]:
    """Return the function for a socket. Call it only while the socket is open."""
    if sys.platform != "win32" and hasattr(select, "poll"):
        poll = select.poll()
        poll.register(handle.fileno(), select.POLLIN)
        return partial(poll.poll, 0)
    return lambda: select.select([handle], (), (), 0)[0]  # Windows: the number of a socket has no limit
