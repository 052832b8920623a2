"""A cable to a broker that can be pulled: :class:`Cable`, a TCP proxy in threads."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import Final

__all__ = ["Cable"]

_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER that makes a close a reset


class Cable:
    """
    Forward connections to a port of loopback, until the cable is pulled.

    Args:
        port: the port of the broker.

    Attributes:
        port: the port of this end.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._plugged = Event()
        self._plugged.set()
        self._lock = Lock()
        self._sockets: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        Thread(target=self._accept, daemon=True).start()

    @property
    def connections(self) -> int:
        """The number of connections that pass."""
        with self._lock:
            return len(self._sockets) // 2

    def pull(self) -> None:
        """Forward nothing, without ending the connections: both sides hear silence."""
        self._plugged.clear()

    def plug(self) -> None:
        """Forward again, also what was sent meanwhile."""
        self._plugged.set()

    def cut(self) -> None:
        """Reset all connections."""
        with self._lock:
            found, self._sockets = self._sockets, set()
        for each in found:
            _end(each)

    def close(self) -> None:
        """End all connections and take no others."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.plug()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:  # closed
                return
            Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        self._plugged.wait()
        try:
            far = socket.create_connection(("127.0.0.1", self._target), 5)
        except OSError:
            _end(near)
            return
        far.settimeout(None)
        with self._lock:
            self._sockets |= {near, far}
        Thread(target=self._forward, args=(near, far), daemon=True).start()
        self._forward(far, near)

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._plugged.wait()
                target.sendall(data)
        self._plugged.wait()
        with self._lock:
            self._sockets -= {source, target}
        _end(source)
        _end(target)


def _end(end: socket.socket) -> None:
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        end.shutdown(socket.SHUT_RDWR)
    end.close()
