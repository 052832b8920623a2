"""One TCP connection of a hostile peer. Every wait has an end, and a lost connection is not an error."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from time import monotonic, sleep
from typing import Final

CLOSED: Final = "closed"
RESET: Final = "reset"
OPEN: Final = "open"

_RECEIVED_AT_MOST: Final = 64 * 1024 * 1024

_LOOK: Final = 0.0005
"""Seconds for a look at what came, between two pieces of much that is sent."""


class Connection(AbstractContextManager["Connection"]):
    """
    A connected socket.

    Args:
        connected: the socket; it belongs to this object.
        within: the seconds that sending may take if the target does not read.
    """

    def __init__(self, connected: socket.socket, *, within: float = 2.0) -> None:
        self.socket = connected
        self.within = within
        self.received = bytearray()
        """All bytes that the target sent and that were read."""
        self.state = OPEN
        """``closed`` or ``reset`` when the target has ended the connection, as far as it was read."""
        with suppress(OSError):
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data: bytes, *, within: float | None = None) -> int:
        """
        Send bytes.

        Returns:
            The number of bytes that the system took: fewer if the target ended, or did not read in time.
        """
        deadline = monotonic() + (self.within if within is None else within)
        view = memoryview(data)
        sent = 0
        while sent < len(view) and (left := deadline - monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                sent += self.socket.send(view[sent : sent + 262144])
            except TimeoutError:
                break
            except (OSError, ssl.SSLError):
                self._ended(RESET)
                break
        return sent

    def pour(self, data: bytes, *, size: int, wait: float, within: float) -> None:
        """
        Send much, and read what comes meanwhile, until all is sent, the target ends, or the time is up.

        Args:
            size: the bytes that are sent between two looks at what came.
            wait: the seconds for which the target may not read, before the next look.
        """
        sent, deadline = 0, monotonic() + within
        while sent < len(data) and self.state is OPEN and monotonic() < deadline:
            sent += self.send(data[sent : sent + size], within=wait)
            self.receive(_LOOK)

    def send_slowly(self, data: bytes, *, pause: float) -> None:
        """Send each byte in a packet of its own, with a pause in seconds after each."""
        for byte in data:
            if not self.send(bytes([byte])):
                return
            sleep(pause)

    def receive(self, within: float) -> bool:
        """Read bytes, or wait for some. Return False if nothing came, or the connection ended."""
        if self.state is not OPEN or within <= 0:
            return False
        self.socket.settimeout(within)
        try:
            data = self.socket.recv(262144)
        except TimeoutError:
            return False
        except (OSError, ssl.SSLError):
            self._ended(RESET)
            return False
        if not data:
            self._ended(CLOSED)
            return False
        self.received += data
        return True

    def receive_until(self, condition: Callable[[bytes], bool], *, within: float) -> bool:
        """Read until the condition holds for all bytes received, or until the end, or the time is up."""
        deadline = monotonic() + within
        while not condition(bytes(self.received)):
            too_much = len(self.received) > _RECEIVED_AT_MOST
            if too_much or not self.receive(deadline - monotonic()):
                return condition(bytes(self.received))
        return True

    def end(self, *, within: float) -> str:
        """Read until the target ends the connection. Return ``closed``, ``reset``, or ``open``."""
        deadline = monotonic() + within
        while self.state is OPEN and (left := deadline - monotonic()) > 0:
            if not self.receive(left) and self.state is OPEN:
                break
            if len(self.received) > _RECEIVED_AT_MOST:
                break
        return self.state

    def finish(self) -> None:
        """Close the sending direction."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Reset the connection: the target gets RST, not FIN."""
        with suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """Close the connection."""
        with suppress(OSError, ssl.SSLError):
            self.socket.close()

    def _ended(self, state: str) -> None:
        if self.state is OPEN:
            self.state = state

    def __exit__(self, *_: object) -> None:
        self.close()
