"""A plain socket with a deadline, as in the program of a robot or a camera: :class:`Peer`."""

from __future__ import annotations

import socket
import ssl
from contextlib import AbstractContextManager, suppress

from tests.system.running import DEADLINE

__all__ = ["Peer"]


class Peer(AbstractContextManager["Peer"]):
    """
    One connection.

    Args:
        address: the server's TCP port on this machine, or the path of its UNIX socket.
        tls: the TLS context; None: no TLS.
        receive_buffer: bytes that the system keeps for a peer that does not read; None: its default.
    """

    def __init__(
        self, address: int | str, *, tls: ssl.SSLContext | None = None, receive_buffer: int | None = None
    ) -> None:
        if isinstance(address, str):
            plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        else:
            plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket = plain
        plain.settimeout(DEADLINE)
        try:
            if receive_buffer is not None:
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            place = address if isinstance(address, str) else ("127.0.0.1", address)
            if tls is None:
                with suppress(ConnectionResetError):  # accepted and dropped already: reading shows the end
                    plain.connect(place)
            else:
                # Python shakes no hands on a connection that was lost before it is wrapped.
                self.socket = tls.wrap_socket(plain, server_hostname="localhost")
                self.socket.connect(place)
        except BaseException:
            self.socket.close()
            raise

    @property
    def name(self) -> str:
        """The name of this peer in the server's log."""
        host, port = self.socket.getsockname()
        return f"{host}:{port}"

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.socket.sendall(data)

    def receive(self, size: int) -> bytes:
        """Receive exactly this many bytes, or those before the end."""
        received = bytearray()
        while len(received) < size:
            data = self.socket.recv(size - len(received))
            if not data:
                break
            received += data
        return bytes(received)

    def line(self) -> bytes:
        """Receive up to and including a line feed, or up to the end."""
        received = bytearray()
        while not received.endswith(b"\n"):
            data = self.socket.recv(1)
            if not data:
                break
            received += data
        return bytes(received)

    def ask(self, line: bytes) -> bytes:
        """Send a line; return the line that answers it. Both are without their ends."""
        self.send(line + b"\r\n")
        return self.line().removesuffix(b"\r\n")

    def finish(self) -> None:
        """Close the sending direction; the peer can still receive."""
        self.socket.shutdown(socket.SHUT_WR)

    def rest(self) -> bytes:
        """Receive until the server closes or aborts."""
        received = bytearray()
        try:
            while data := self.socket.recv(65536):
                received += data
        except (ConnectionError, ssl.SSLError):
            pass  # aborted, which is an end too
        return bytes(received)

    def close(self) -> None:
        """Close the connection."""
        self.socket.close()

    def __exit__(self, *_: object) -> None:
        self.close()
