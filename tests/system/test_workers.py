"""``--workers``: several processes serve one place, one that ends is replaced, and all end together."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.certificates import Authority
from tests.conftest import needs_module
from tests.system.peer import Peer
from tests.system.running import DEADLINE, ON_LOOPBACK, Server, run_to_its_end, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="--workers needs Linux")

Connect = Callable[..., Peer]
Serve = Callable[..., Server]

TWO = ("--workers", "2", "--max-sessions-per-address", "1000")
APP = "tests.system.applications:ProcessNumberFactory"
MANY = 12 * 1024 * 1024
"""Bytes that no socket's buffer takes: most of them wait in the worker."""


def one_of_each(server: Server, connect: Connect) -> dict[int, Peer]:
    """A peer of each of two workers, by the number of its process. The system deals peers out at random."""
    found: dict[int, Peer] = {}
    for _ in range(200):
        peer = connect(server.port)
        number = int(peer.ask(b"NUMBER"))
        if found.setdefault(number, peer) is not peer:
            peer.close()
        if len(found) == 2:
            return found
    raise AssertionError(f"200 connections reached only {found}")


def running(number: int) -> bool:
    """Return True if a process runs, and is not only waiting to be collected."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def refused(server: Server, connect: Connect) -> bool:
    """Return True if the server refuses a connection."""
    try:
        connect(server.port).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.fixture(params=["on Twisted's default reactor", "on uvloop"])
def fast(request: pytest.FixtureRequest) -> tuple[str, ...]:
    if request.param != "on uvloop":
        return ()
    needs_module("uvloop", "pip install tcpcomm[fast]")
    return ("--fast",)


def test_both_workers_serve_and_one_that_is_killed_is_replaced(
    serve: Serve, connect: Connect, fast: tuple[str, ...]
) -> None:
    server = serve("--app", APP, *TWO, *fast)
    (first, lost), (second, kept) = one_of_each(server, connect).items()
    assert {first, second}.isdisjoint({server.pid, os.getpid()})

    os.kill(first, signal.SIGKILL)

    assert b"" == lost.rest()
    server.wait_for(r"worker \d ended by signal 9, and its sessions with it; it is started again in 0.5 s")
    assert str(second).encode() == kept.ask(b"NUMBER")
    server.wait_for(r"worker \d serves", count=3)
    replaced = one_of_each(server, connect)
    assert second in replaced
    assert first not in replaced
    assert str(second).encode() == kept.ask(b"NUMBER")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_reply_under_way_is_delivered_before_the_end(
    serve: Serve, connect: Connect, number: signal.Signals
) -> None:
    server = serve("--app", "tests.system.applications:PatientBulkFactory", *TWO)
    peer = connect(server.port, receive_buffer=4096)
    peer.send(b"%d\n" % MANY)
    server.wait_for(f"worker .: {peer.name}: {MANY} bytes sent")

    server.signal(number)
    server.wait_for("worker .: draining 1 sessions")

    wait_until(lambda: refused(server, connect))
    assert MANY == len(peer.rest())
    assert -number == server.wait()
    assert 1 == server.count(f"worker .: {re.escape(peer.name)}: lost: the server is stopping$")
    assert 0 == server.count("started again")


def test_a_second_signal_aborts_the_sessions_of_the_workers(serve: Serve, connect: Connect) -> None:
    server = serve("--app", "tests.system.applications:PatientBulkFactory", *TWO)
    peer = connect(server.port, receive_buffer=4096)
    peer.send(b"%d\n" % MANY)
    server.wait_for(f"{MANY} bytes sent")
    server.signal(signal.SIGTERM)
    server.wait_for("worker .: draining 1 sessions")

    server.signal(signal.SIGTERM)

    assert -signal.SIGTERM == server.wait()
    assert 1 == server.count(": lost: the server got a second signal to stop")


def test_the_workers_end_when_the_first_process_is_killed(serve: Serve, connect: Connect) -> None:
    server = serve("--app", APP, *TWO)
    peers = one_of_each(server, connect)

    server.signal(signal.SIGKILL)

    assert [b"", b""] == [peer.rest() for peer in peers.values()]
    wait_until(lambda: not any(running(number) for number in peers))


def test_a_worker_that_cannot_start_ends_the_program_with_its_reason() -> None:
    done = run_to_its_end(*ON_LOOPBACK, *TWO, "--app", "tests.system.applications:Nothing")

    reason = "worker 1 did not start: --app tests.system.applications:Nothing: "
    assert 1 == done.returncode
    assert done.stderr.startswith(f"twistd tcpcomm: {reason}"), done.stderr
    assert 1 == done.stderr.count("\n")
    assert "listening on" not in done.stdout


def test_a_worker_that_dies_while_it_starts_ends_the_program() -> None:
    done = run_to_its_end(*ON_LOOPBACK, *TWO, "--app", "tests.system.applications:DiesFactory")

    assert (1, "twistd tcpcomm: worker 1 did not start: it ended and gave no reason\n") == (
        done.returncode,
        done.stderr,
    )


def test_a_place_in_use_is_told_as_without_workers(serve: Serve) -> None:
    port = serve().port

    done = run_to_its_end("--listen", f"tcp:{port}:interface=127.0.0.1", *TWO)

    assert 1 == done.returncode
    assert f"cannot listen on tcp:{port}:interface=127.0.0.1: Address already in use" in done.stderr


def test_options_that_need_all_sessions_in_one_process_are_refused() -> None:
    refused_options = ("--record", "x", "--monitor", "0", "--evict", "address", "--max-sessions", "1")
    done = run_to_its_end("--listen", "unix:x", *TWO, *refused_options)

    assert 1 == done.returncode
    why = "does not work with --workers, because each worker sees its own sessions only"
    assert [
        f"--record {why}",
        f"--monitor {why}",
        "--workers needs --evict none, because a worker cannot end a session of another",
        "--max-sessions 1 does not work with --workers: each worker would have one session",
        "--workers needs --listen tcp:…, tcp6:…, ssl:… or native:…",
    ] == [line.removeprefix("twistd tcpcomm: ") for line in done.stderr.splitlines()]


@pytest.mark.parametrize("kind", ["ssl", "native"])
def test_both_serve_over_tls_and_load_certificates_again(
    serve: Serve, connect: Connect, tmp_path: Path, kind: str
) -> None:
    needs_module("OpenSSL", "pip install tcpcomm[tls]")
    if kind == "native":
        needs_module("uvloop", "pip install tcpcomm[fast]")
    authority = Authority(tmp_path)
    files = authority.issue()
    place = f"{kind}:0:privateKey={files.key}:certKey={files.certificate}:interface=127.0.0.1"
    fast = ["--fast"] if kind == "native" else []
    server = serve("--listen", place, "--app", APP, *TWO, *fast)
    trusting = ssl.create_default_context(cafile=str(authority.certificate))

    assert 2 == len(one_of_each(server, partial(connect, tls=trusting)))
    server.signal(signal.SIGHUP)

    server.wait_for("worker 1: loaded certificates and keys again")
    server.wait_for("worker 2: loaded certificates and keys again")


def test_they_share_several_places(serve: Serve, connect: Connect) -> None:
    places = ("--listen", "tcp:0:interface=127.0.0.1", "--listen", "tcp6:0:interface=\\:\\:1")
    server = serve(*places, "--app", APP, *TWO)

    server.wait_for("listening on", count=2)
    _, second = server.ports
    numbers = set()
    for _ in range(100):
        with socket.create_connection(("::1", second), timeout=DEADLINE) as peer:
            peer.sendall(b"NUMBER\r\n")
            numbers.add(peer.recv(100))
    assert 2 == len(numbers)
    assert {b"%d\r\n" % number for number in one_of_each(server, connect)} == numbers


def test_a_log_in_json_names_the_worker_of_each_line(serve: Serve, connect: Connect) -> None:
    server = serve("--app", APP, *TWO, "--log-format", "json")
    peer = connect(server.port)
    peer.ask(b"NUMBER")

    server.wait_for(f'"message": "worker (1|2): {peer.name}: connected", .*"worker": "worker (1|2)"')
