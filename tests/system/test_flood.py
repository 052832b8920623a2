"""Strangers that connect, say nothing, and come again, while a peer wants to prove itself."""

from __future__ import annotations

import selectors
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from threading import Event, Thread
from time import monotonic
from typing import Any

import pytest

from tcpcomm.net.psk import DialingProof, PreSharedKeys
from tests.certificates import Authority
from tests.conftest import needs_module
from tests.system.running import ON_LOOPBACK, Server

ROBOT = PreSharedKeys("robot-1", {"camera-1": bytes(range(32))})


@contextmanager
def silent_strangers(port: int, number: int) -> Iterator[None]:
    """Keep so many silent connections to a port, each renewed as soon as it is closed."""
    over, complete = Event(), Event()

    def flood() -> None:
        connections = selectors.DefaultSelector()
        while not over.is_set():
            missing = number - len(connections.get_map())
            for _ in range(min(missing, 50)):
                connection = socket.socket()
                connection.setblocking(False)
                connection.connect_ex(("127.0.0.1", port))
                connections.register(connection, selectors.EVENT_READ)
            if missing < number / 2:
                complete.set()
            for key, _ in connections.select(0.01):
                if is_over(key.fileobj):
                    connections.unregister(key.fileobj)
        for key in list(connections.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]

    thread = Thread(target=flood)
    thread.start()
    try:
        assert complete.wait(20.0)
        yield
    finally:
        over.set()
        thread.join()


def is_over(connection: Any) -> bool:
    """Read from a connection; close it, and return True, if the server has closed it."""
    try:
        if connection.recv(1024):
            return False
    except BlockingIOError:
        return False
    except OSError:
        pass
    connection.close()
    return True


def talk(port: int, tls: ssl.SSLContext | None = None) -> bytes:
    """Prove the robot's key or establish TLS, send PING, and return the answer."""
    plain = socket.socket()
    plain.settimeout(1.0)
    # Python shakes no hands on a connection that was lost before it is wrapped.
    with plain if tls is None else tls.wrap_socket(plain, server_hostname="localhost") as robot:
        robot.connect(("127.0.0.1", port))
        proof = DialingProof(ROBOT, "camera-1")
        while tls is None and proof.peer is None:
            data = robot.recv(1024)
            if not data:
                raise ConnectionError("dropped")
            robot.sendall(proof.feed(data))
        robot.sendall(b"PING\r\n")
        return robot.recv(1024)


def seconds_to_talk(port: int, tls: ssl.SSLContext | None = None) -> float:
    """Talk, as often as it is dropped at random, and return how many seconds it took."""
    began = monotonic()
    while True:
        with suppress(OSError):
            assert b"PONG\r\n" == talk(port, tls)
            return monotonic() - began
        assert monotonic() < began + 20.0


def check_flood(port: int, strangers: int, tls: ssl.SSLContext | None = None) -> None:
    """Check that the median of talks among silent strangers takes a second at most."""
    with silent_strangers(port, strangers):
        assert median(seconds_to_talk(port, tls) for _ in range(5)) < 1.0


@pytest.mark.parametrize("number", [20, 200])
def test_a_client_establishes_tls_within_a_second_beside_silent_strangers(
    number: int, tmp_path: Path
) -> None:
    needs_module("OpenSSL", "pip install tcpcomm[tls]")
    authority = Authority(tmp_path)
    files = authority.issue()
    text = f"ssl:0:interface=127.0.0.1:privateKey={files.key}:certKey={files.certificate}"
    tls = ssl.create_default_context(cafile=str(authority.certificate))
    with Server("--listen", text) as server:
        check_flood(server.port, number, tls)


@pytest.mark.parametrize("number", [20, 150, 300])
def test_a_peer_proves_itself_within_a_second_beside_silent_strangers(number: int, tmp_path: Path) -> None:
    keys = tmp_path / "camera.keys"
    keys.write_text(f"robot-1 {bytes(range(32)).hex()}\n")
    keys.chmod(0o600)
    options = ("--psk", str(keys), "--name", "camera-1")
    with Server(*ON_LOOPBACK, *options) as server:
        check_flood(server.port, number)
