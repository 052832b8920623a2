"""Images with ``recv_into`` and ``sendall`` on a blocking socket: the cost of the system itself."""

from __future__ import annotations

import socket
from threading import Thread

from tests.bench.large import ACKNOWLEDGED, SHORT
from tests.bench.peers.control import report_port


def _receive(connection: socket.socket, size: int) -> bytearray:
    frame = bytearray(size)
    rest = memoryview(frame)
    while rest:
        count = connection.recv_into(rest)
        if not count:
            raise ConnectionResetError
        rest = rest[count:]
    return frame


def _images(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        while True:
            frame = _receive(connection, int.from_bytes(_receive(connection, 4), "big"))
            answer = b"x" * int.from_bytes(frame, "big") if len(frame) <= SHORT else ACKNOWLEDGED
            connection.sendall(len(answer).to_bytes(4, "big"))
            connection.sendall(answer)
    except ConnectionResetError:
        connection.close()


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0))
    report_port(listener.getsockname()[1])
    while True:
        Thread(target=_images, args=(listener.accept()[0],), daemon=True).start()
