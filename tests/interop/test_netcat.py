"""OpenBSD's netcat, a common tool for first tests of a link, with the echo server."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import pytest

from tests.conftest import needs_program, skip
from tests.system.running import DEADLINE, ON_LOOPBACK, Server, environment, wait_until


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(*ON_LOOPBACK) as running:
        yield running


@pytest.fixture(scope="module")
def netcat() -> str:
    """Return the path of a netcat that can half-close, which only some netcats can."""
    path = needs_program("nc", "apt-get install netcat-openbsd")
    usage = subprocess.run([path, "-h"], capture_output=True, text=True, timeout=DEADLINE)
    if "-N" not in usage.stdout + usage.stderr:
        skip("this nc has no option -N, unlike that of OpenBSD (apt-get install netcat-openbsd)")
    return path


def exchange(netcat: str, sent: bytes, *arguments: str) -> bytes:
    """Give netcat the bytes to send, let it half-close, and return its output at the end."""
    ended = subprocess.run(
        [netcat, *arguments], input=sent, capture_output=True, timeout=DEADLINE, check=True
    )
    return ended.stdout


@pytest.mark.parametrize(
    ("options", "sent", "printed"),
    [
        ("-N", b"Hello Server", b"Echo: Hello Server"),
        ("-N", b"Hello\nPING\n", b"Echo: Hello\nPONG\n"),
        ("-CN", b"Hello\nPING\n", b"Echo: Hello\r\nPONG\r\n"),
        ("-N", b"\0\0\0\4PING", b"\0\0\0\4PONG"),
        ("-N", b"ECHO a\nQUIT\nnever\n", b"a\nBYE\n"),
    ],
)
def test_netcat_gets_replies_to_its_commands(
    netcat: str, server: Server, options: str, sent: bytes, printed: bytes
) -> None:
    assert printed == exchange(netcat, sent, options, "127.0.0.1", str(server.port))


def test_netcat_gets_replies_line_by_line(netcat: str, server: Server) -> None:
    with subprocess.Popen(
        [netcat, "127.0.0.1", str(server.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        overdue = Timer(DEADLINE, process.kill)
        overdue.start()
        for sent, printed in ((b"one\n", b"Echo: one\n"), (b"PING\n", b"PONG\n")):
            process.stdin.write(sent)
            process.stdin.flush()
            assert printed == process.stdout.readline()
        overdue.cancel()
        process.terminate()


def test_netcat_that_has_finished_sending_gets_a_late_reply(netcat: str) -> None:
    with Server(*ON_LOOPBACK, "--app", "tests.system.applications:Late") as server:
        assert b"OK TRG,1\n" == exchange(netcat, b"TRG,1\n", "-N", "127.0.0.1", str(server.port))


def test_netcat_is_served_on_a_unix_socket(netcat: str, tmp_path: Path) -> None:
    if not hasattr(socket, "AF_UNIX"):
        skip("this system has no UNIX sockets in Python")
    path = tmp_path / "socket"
    with Server("--listen", f"unix:{path}") as server:
        server.wait_for("listening on unix:")
        assert b"Echo: Hello Server" == exchange(netcat, b"Hello Server", "-NU", str(path))


def test_netcat_is_answered_by_tcpcomm_listen(netcat: str) -> None:
    words = ["listen", "tcp:0:interface=127.0.0.1", "--answer", r"*\n=>OK {1}\n"]
    with Server(command=[sys.executable, "-m", "tcpcomm", *words]) as listener:
        port = listener.wait_for(r"127\.0\.0\.1:(\d+) .*listening")[0]
        assert b"OK TRG,1\n" == exchange(netcat, b"TRG,1\n", "-N", "127.0.0.1", port)
        listener.wait_for(r"<-  54 52 47 2c 31 0a")


def test_tcpcomm_send_gets_the_answer_of_a_listening_netcat(netcat: str, tmp_path: Path) -> None:
    if not hasattr(socket, "AF_UNIX"):
        skip("this system has no UNIX sockets in Python")
    path = tmp_path / "socket"
    with subprocess.Popen(
        [netcat, "-lU", str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as listening:
        overdue = Timer(DEADLINE, listening.kill)
        overdue.start()
        assert listening.stdin is not None
        assert listening.stdout is not None
        wait_until(path.exists)
        words = [
            "send",
            f"unix:{path}",
            "-a",
            r"TRG,1\n",
            "--expect",
            r"OK\n",
            "--quiet",
            "--timeout",
            "30",
        ]
        with subprocess.Popen(
            [sys.executable, "-m", "tcpcomm", *words], stdout=subprocess.PIPE, env=environment()
        ) as sending:
            assert b"TRG,1\n" == listening.stdout.readline()
            listening.stdin.write(b"OK\n")
            listening.stdin.flush()
            assert b"OK\n" == sending.communicate(timeout=DEADLINE)[0]
        overdue.cancel()
        assert 0 == sending.returncode
        listening.terminate()
