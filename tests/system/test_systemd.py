"""A server as systemd sees it: it is ready, reloads, is alive, and stops. And the pages of its metrics."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.conftest import needs_module, skip
from tests.system.peer import Peer
from tests.system.running import DEADLINE, ON_LOOPBACK, Server, run_to_its_end

Serve = Callable[..., Server]
Connect = Callable[..., Peer]

if not hasattr(socket, "AF_UNIX"):
    skip("Windows has no systemd, and no such sockets")


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as found:
        found.bind(str(tmp_path / "notify"))
        found.settimeout(DEADLINE)
        yield found


def until(systemd: socket.socket, wanted: str) -> list[str]:
    """Wait for a message with a line. Return the lines of those that came before it."""
    before: list[str] = []
    while True:
        lines = systemd.recv(4096).decode().split("\n")
        if wanted in lines:
            return before
        before += lines


def variables(systemd: socket.socket, **more: str) -> dict[str, str]:
    return {"NOTIFY_SOCKET": systemd.getsockname(), **more}


def test_systemd_hears_of_the_start_a_reload_and_the_end(serve: Serve, systemd: socket.socket) -> None:
    server = serve(*ON_LOOPBACK, variables=variables(systemd, WATCHDOG_USEC="200000"))

    assert [] == until(systemd, "READY=1")
    with socket.create_connection(("127.0.0.1", server.port), DEADLINE):
        until(systemd, "WATCHDOG=1")
        until(systemd, "WATCHDOG=1")
        server.signal(signal.SIGHUP)
        assert "READY=1" not in until(systemd, "RELOADING=1")
        until(systemd, "READY=1")
    server.signal(signal.SIGTERM)
    until(systemd, "STOPPING=1")
    server.wait()


HANGING = """
from tcpcomm import Equipment, command
from tcpcomm.codec import Template
import time

class Hanging(Equipment):
    codec = Template()

    @command("HANG", reply="OK")
    def hang(self) -> None:
        time.sleep(3600)
"""


def test_a_reactor_that_hangs_is_silent(
    serve: Serve, connect: Connect, systemd: socket.socket, tmp_path: Path
) -> None:
    (tmp_path / "hanging.py").write_text(HANGING)
    server = serve(
        *ON_LOOPBACK,
        "--app",
        "hanging:Hanging",
        cwd=tmp_path,
        variables=variables(systemd, WATCHDOG_USEC="400000"),
    )
    until(systemd, "WATCHDOG=1")

    connect(server.port).send(b"HANG\r\n")
    server.wait_for("Hanging.hang has blocked|blocks")  # the watchdog thread tells so after 0.5 s
    systemd.settimeout(0.0)
    try:
        while True:
            systemd.recv(4096)
    except BlockingIOError:
        pass
    systemd.settimeout(2.0)
    with pytest.raises(TimeoutError):
        systemd.recv(4096)
    os.kill(server.pid, signal.SIGKILL)


def test_only_the_first_process_of_several_speaks(serve: Serve, systemd: socket.socket) -> None:
    if sys.platform != "linux":
        skip("--workers needs Linux")
    server = serve(*ON_LOOPBACK, "--workers", "2", variables=variables(systemd))
    assert server.port

    until(systemd, "READY=1")
    server.signal(signal.SIGTERM)

    assert [] == until(systemd, "STOPPING=1")
    server.wait()


def get(port: str, path: str, **headers: str) -> tuple[int, str]:
    try:
        with urlopen(
            Request(f"http://127.0.0.1:{port}{path}", headers=headers), timeout=DEADLINE
        ) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def test_prometheus_reads_the_figures_of_a_server(serve: Serve, connect: Connect) -> None:
    needs_module("prometheus_client", "pip install tcpcomm[metrics]")
    server = serve(*ON_LOOPBACK, "--metrics", "127.0.0.1:0")
    (port,) = server.wait_for(r"metrics are at http://127\.0\.0\.1:(\d+)/metrics")
    peer = connect(server.port)
    assert b"Echo: hello" == peer.ask(b"hello")

    status, text = get(port, "/metrics")

    assert 200 == status
    assert 'tcpcomm_sessions{server="EchoProtocol"} 1.0' in text
    assert 'tcpcomm_bytes_total{direction="received",link="EchoProtocol"} 7.0' in text
    assert 'tcpcomm_frames_total{direction="sent",link="EchoProtocol"} 1.0' in text
    assert 200 == get(port, "/healthz")[0]
    assert "ready" == json.loads(get(port, "/readyz")[1])["status"]
    assert 404 == get(port, "/")[0]
    assert 403 == get(port, "/metrics", Host="evil.example")[0]


def test_a_port_of_metrics_that_is_in_use_is_one_line() -> None:
    needs_module("prometheus_client", "pip install tcpcomm[metrics]")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = run_to_its_end(*ON_LOOPBACK, "--metrics", f"127.0.0.1:{taken.getsockname()[1]}")

    assert 1 == ended.returncode
    (line,) = ended.stderr.splitlines()
    assert line.startswith("twistd tcpcomm: the metrics cannot listen on 127.0.0.1:")


def test_workers_have_no_metrics_in_common() -> None:
    if sys.platform != "linux":
        skip("--workers needs Linux")
    ended = run_to_its_end(*ON_LOOPBACK, "--workers", "2", "--metrics", "9100")

    assert "--metrics does not work with --workers" in ended.stderr
