"""A server whose framing is wrong tells in its log which one its peer seems to speak."""

from __future__ import annotations

import signal
import socket

from tests.system.running import DEADLINE, ON_LOOPBACK, Server

MESSAGES = b"".join(b"OK,%d.%03d,%d\r" % (3 * i, 37 * i, i % 4) for i in range(12))
BROKEN = r"exceeds max_frame=1048576"


def speak(server: Server) -> None:
    """Send some lines, and read until the server ends the session."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE) as peer:
        peer.sendall(MESSAGES)
        while peer.recv(1024):
            pass


def test_the_log_names_the_framing_of_the_peer() -> None:
    with Server(*ON_LOOPBACK, "--framing", "length:4") as server:
        speak(server)
        server.wait_for(r"this looks like delimited:\\r \(likely, .*\), but length:4 is declared")
        assert 1 == server.count("this looks like")


def test_the_search_does_not_hold_up_the_end() -> None:
    with Server(*ON_LOOPBACK, "--framing", "length:4") as server:
        speak(server)
        server.wait_for(BROKEN)
        server.signal(signal.SIGTERM)
        assert -signal.SIGTERM == server.wait()  # twistd ends itself by its signal
