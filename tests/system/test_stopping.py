"""SIGTERM drains: sent replies are delivered, then the server ends. A second SIGTERM aborts."""

from __future__ import annotations

import re
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.conftest import needs_module
from tests.system.peer import Peer
from tests.system.running import Server

Connect = Callable[..., Peer]
Serve = Callable[..., Server]

MANY = 12 * 1024 * 1024
"""Bytes that no socket's buffer takes: most of them wait in the server."""


@pytest.fixture(params=["on Twisted's default reactor", "on uvloop"])
def server(serve: Serve, request: pytest.FixtureRequest) -> Server:
    fast: tuple[str, ...] = ()
    if request.param == "on uvloop":
        needs_module("uvloop", "pip install tcpcomm[fast]")
        fast = ("--fast",)
    return serve("--app", "tests.system.applications:PatientBulkFactory", *fast)


def owed(server: Server, connect: Connect) -> Peer:
    """A peer with many bytes on their way to it, which has not begun to read."""
    peer = connect(server.port, receive_buffer=4096)
    peer.send(b"%d\n" % MANY)
    server.wait_for(f"{MANY} bytes sent")
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MANY)
    return peer


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_sent_replies_are_delivered_before_it_ends(
    server: Server, connect: Connect, number: signal.Signals
) -> None:
    peer = owed(server, connect)

    server.signal(number)
    server.wait_for("draining 1 sessions")

    assert MANY == len(peer.rest())
    assert -number == server.wait()
    assert 1 == server.count(re.escape(peer.name) + ": lost: the server is stopping$")


def test_ctrl_c_at_the_moment_of_the_log_line_listening_ends_it(serve: Serve) -> None:
    server = serve()
    server.wait_for("listening on")

    server.signal(signal.SIGINT)

    assert -signal.SIGINT == server.wait()


def test_a_peer_that_keeps_sending_still_gets_all_replies(server: Server, connect: Connect) -> None:
    peer = owed(server, connect)
    name, finished = peer.name, threading.Event()

    def send_on() -> None:
        with suppress(OSError):
            while not finished.is_set():
                peer.send(b"1\n" * 1000)

    server.signal(signal.SIGTERM)
    server.wait_for("draining 1 sessions")
    sending = threading.Thread(target=send_on)
    sending.start()
    try:
        assert MANY == len(peer.rest())
    finally:
        finished.set()
        sending.join()

    peer.close()
    assert -signal.SIGTERM == server.wait()
    assert 1 == server.count(re.escape(name) + ": lost: the server is stopping$")


def test_no_new_peer_is_served_while_it_drains(server: Server, connect: Connect) -> None:
    peer = owed(server, connect)

    server.signal(signal.SIGTERM)
    server.wait_for("draining 1 sessions")

    with pytest.raises(ConnectionRefusedError):
        connect(server.port)
    assert MANY == len(peer.rest())


def test_a_second_sigterm_aborts_the_remaining_sessions(server: Server, connect: Connect) -> None:
    peer = owed(server, connect)

    server.signal(signal.SIGTERM)
    server.wait_for("draining 1 sessions")
    server.signal(signal.SIGTERM)

    server.wait_for("a second signal: aborting the remaining sessions")
    assert -signal.SIGTERM == server.wait()
    assert 1 == server.count(re.escape(peer.name) + ": lost: the server got a second signal to stop")
    assert len(peer.rest()) < MANY


def test_idle_sessions_do_not_delay_the_end(serve: Serve, connect: Connect) -> None:
    server = serve("--app", "tests.system.applications:PatientEchoFactory")
    peers = [connect(server.port) for _ in range(3)]
    assert [b"PONG"] * 3 == [peer.ask(b"PING") for peer in peers]

    server.signal(signal.SIGTERM)

    assert [b""] * 3 == [peer.rest() for peer in peers]
    assert -signal.SIGTERM == server.wait()
    assert 3 == server.count("disconnected: the server is stopping$")
    assert 0 == server.count("a second signal")
