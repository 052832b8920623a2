"""SIGTERM drains: what was sent is delivered, then the server ends. A second one aborts."""

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
    return serve("--app", "tests.system.applications:Bulk", *fast)


def owed(server: Server, connect: Connect) -> Peer:
    """A peer that is owed many bytes and has not begun to read."""
    peer = connect(server.port, receive_buffer=4096)
    peer.send(b"%d\n" % MANY)
    server.wait_for(f"{MANY} bytes sent")
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MANY)
    return peer


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_was_sent_is_delivered_before_it_ends(
    server: Server, connect: Connect, number: signal.Signals
) -> None:
    peer = owed(server, connect)

    server.signal(number)
    server.wait_for("draining 1 sessions")

    assert MANY == len(peer.rest())
    assert -number == server.wait()
    assert 1 == server.count(re.escape(peer.name) + ": lost: the server is stopping$")


def test_ctrl_c_in_the_instant_in_which_it_says_that_it_listens_ends_it(serve: Serve) -> None:
    server = serve()
    server.wait_for("listening on")

    server.signal(signal.SIGINT)

    assert -signal.SIGINT == server.wait()


def test_a_peer_that_sends_on_still_gets_all_that_it_is_owed(server: Server, connect: Connect) -> None:
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


def test_while_it_drains_nobody_new_is_served(server: Server, connect: Connect) -> None:
    peer = owed(server, connect)

    server.signal(signal.SIGTERM)
    server.wait_for("draining 1 sessions")

    with pytest.raises(ConnectionRefusedError):
        connect(server.port)
    assert MANY == len(peer.rest())


def test_a_second_sigterm_aborts_what_is_left(server: Server, connect: Connect) -> None:
    peer = owed(server, connect)

    server.signal(signal.SIGTERM)
    server.wait_for("draining 1 sessions")
    server.signal(signal.SIGTERM)

    server.wait_for("a second signal: aborting the remaining sessions")
    assert -signal.SIGTERM == server.wait()
    assert 1 == server.count(re.escape(peer.name) + ": lost: the server got a second signal to stop")
    assert len(peer.rest()) < MANY


def test_sessions_that_are_owed_nothing_do_not_delay_the_end(serve: Serve, connect: Connect) -> None:
    server = serve()
    peers = [connect(server.port) for _ in range(3)]
    assert [b"PONG"] * 3 == [peer.ask(b"PING") for peer in peers]

    server.signal(signal.SIGTERM)

    assert [b""] * 3 == [peer.rest() for peer in peers]
    assert -signal.SIGTERM == server.wait()
    assert 3 == server.count("disconnected: the server is stopping$")
    assert 0 == server.count("a second signal")
