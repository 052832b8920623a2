"""``twistd --reactor tcpcomm-epoll``: the same server with less work, or a line that says why not."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import skip
from tests.system.peer import Peer
from tests.system.running import DEADLINE, ON_LOOPBACK, Server, environment, twistd

if not hasattr(select, "epoll"):
    skip("epoll is a facility of Linux")

Connect = Callable[..., Peer]
Serve = Callable[..., Server]
TWISTD = [twistd(), "-n", "--pidfile=", "--reactor", "tcpcomm-epoll", "tcpcomm"]


@pytest.mark.parametrize("place", [ON_LOOPBACK, ("--listen", "tcp:0:interface=127.0.0.1:at-once=no")])
def test_it_answers_and_drains_at_the_end(place: tuple[str, ...], serve: Serve, connect: Connect) -> None:
    server = serve(*place, command=[*TWISTD, *place])
    peers = [connect(server.port) for _ in range(3)]
    for each in peers:
        assert b"Echo: Hello" == each.ask(b"Hello")
    assert 1 == server.count("reactor class: tcpcomm.transports.epoll_reactor.")
    server.signal(signal.SIGTERM)
    assert [b"", b"", b""] == [each.rest() for each in peers]
    assert -signal.SIGTERM == server.wait()


def test_a_system_without_epoll_is_told_why(tmp_path: Path) -> None:
    hidden = "import sys; sys.modules['twisted.internet.epollreactor'] = None\n"
    (tmp_path / "sitecustomize.py").write_text(hidden)
    variables = environment()
    variables["PYTHONPATH"] = os.pathsep.join([str(tmp_path), variables["PYTHONPATH"]])
    done = subprocess.run(
        TWISTD, cwd=tmp_path, env=variables, capture_output=True, encoding="utf-8", timeout=DEADLINE
    )
    assert 1 == done.returncode
    assert "Traceback" not in done.stdout + done.stderr
    problem = "with error: tcpcomm-epoll needs Linux, because linux has no epoll: leave out --reactor."
    assert 1 == sum(line.endswith(problem) for line in (done.stdout + done.stderr).splitlines())
