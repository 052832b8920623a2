"""
A client as many people first write it: a plain socket, no end mark, one ``recv``.

    twistd -n tcpcomm
    python naive_client.py 9999 hello

That server takes 50 ms of silence as the end of a text, so this client gets its reply. The tutorial shows
the
problems of such programs; ``length_prefixed_client.py`` shows the remedy.
"""

import socket
import sys


def ask(port: int, text: str) -> str:
    """Send a text as it is, and return the bytes of the first ``recv``: one reply, half of one, or two."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(text.encode())
        return connection.recv(1024).decode()


if __name__ == "__main__":
    print(ask(int(sys.argv[1]), sys.argv[2]))
