"""Blocking sockets with a thread for each connection, as in many scripts in plants."""

from __future__ import annotations

import socket
from threading import Thread

from tests.bench.peers.control import report_port


def _echo(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, connection.makefile("rb") as stream:
        while len(header := stream.read(4)) == 4:
            frame = stream.read(int.from_bytes(header, "big"))
            connection.sendall(header + frame)


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    report_port(listener.getsockname()[1])
    while True:
        Thread(target=_echo, args=(listener.accept()[0],), daemon=True).start()
