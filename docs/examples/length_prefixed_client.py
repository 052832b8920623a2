"""
A client with a plain socket and a 4-byte length before each message, as a C# programmer would write it.

    twistd -n tcpcomm --framing length:4
    python length_prefixed_client.py 9999

The length is big-endian and counts the bytes of the text, not its characters and not itself. In C#
``BinaryPrimitives.WriteInt32BigEndian`` writes it, and ``Stream.ReadExactly`` is ``receive_exactly``.
"""

import socket
import struct
import sys

LENGTH = struct.Struct(">I")


def send(connection: socket.socket, text: str) -> None:
    """Send one message."""
    body = text.encode("utf-8")
    connection.sendall(LENGTH.pack(len(body)) + body)


def receive(connection: socket.socket) -> str:
    """Receive one message, even if it arrives in pieces."""
    (length,) = LENGTH.unpack(receive_exactly(connection, LENGTH.size))
    return receive_exactly(connection, length).decode("utf-8")


def receive_exactly(connection: socket.socket, size: int) -> bytes:
    """Receive exactly this many bytes: ``recv`` may return fewer each time."""
    received = b""
    while len(received) < size:
        piece = connection.recv(size - len(received))
        if not piece:
            raise ConnectionError(f"the peer closed the connection after {len(received)} of {size} bytes")
        received += piece
    return received


if __name__ == "__main__":
    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5) as connection:
        for text in ("PING", "측정 완료"):
            send(connection, text)
        print(receive(connection))
        print(receive(connection))
