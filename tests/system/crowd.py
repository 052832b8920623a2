"""Many plain clients at once, in one process and without Twisted: :class:`Crowd`."""

from __future__ import annotations

import errno
import selectors
import socket
import struct
import time
from types import TracebackType
from typing import Final, Self, cast

from tests.conftest import needs_module, skip

__all__ = ["PATIENCE", "Crowd", "allow_files"]

PATIENCE: Final = 60.0
"""Seconds that a client waits for its reply, by default."""

_NO_LINGER: Final = struct.pack("ii", 1, 0)


def allow_files(wanted: int) -> None:
    """Let this process and its children open this many files; skip if that is not possible."""
    needs_module("resource", "Windows does not have it, and its select reactor has 512 sockets")
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY != hard < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
        except (ValueError, OSError):
            skip(f"a process may open {hard} files here, and this needs {wanted}")
    elif resource.RLIM_INFINITY != soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Crowd:
    """
    Clients of one server.

    Args:
        port: the server's port.
        patience: seconds that a client waits for a reply.
    """

    def __init__(self, port: int, *, patience: float = PATIENCE) -> None:
        self._port = port
        self._patience = patience
        self._sockets: list[socket.socket] = []
        self.waiting = 0
        """Clients that were neither answered nor refused in the end."""

    def connect(self, count: int) -> list[float]:
        """
        Connect this many more clients at once; each sends ``PING`` as soon as it is connected.

        Returns:
            For each client with a reply, the seconds from the start of all until then, ascending.
        """
        started = time.perf_counter()
        answered: list[float] = []
        with selectors.DefaultSelector() as selector:
            for _ in range(count):
                each = socket.socket()
                self._sockets.append(each)
                each.setblocking(False)
                if each.connect_ex(("127.0.0.1", self._port)) not in (0, errno.EINPROGRESS):
                    raise OSError("no connection could be started")
                selector.register(each, selectors.EVENT_WRITE)
            while selector.get_map() and time.perf_counter() < started + self._patience:
                for key, events in selector.select(timeout=1.0):
                    if self._step(selector, cast("socket.socket", key.fileobj), events):
                        answered.append(time.perf_counter() - started)
            self.waiting = len(selector.get_map())
        return answered

    def _step(self, selector: selectors.BaseSelector, client: socket.socket, events: int) -> bool:
        """Continue with one client; return True if it has its reply."""
        try:
            if events & selectors.EVENT_WRITE:
                client.send(b"PING\r\n")
                selector.modify(client, selectors.EVENT_READ)
                return False
            answer = client.recv(100)
        except ConnectionError:
            answer = b""
        selector.unregister(client)
        return answer == b"PONG\r\n"

    def leave(self) -> None:
        """Close all connections by a reset, which leaves no entries in the system's tables."""
        for each in self._sockets:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            each.close()
        self._sockets.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.leave()
