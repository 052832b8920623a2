"""``twistd tcpcomm --fast``: the same server on uvloop, or one line that says why not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import needs_module, skip
from tests.system.peer import Peer
from tests.system.running import DEADLINE, ON_LOOPBACK, Server, environment, twistd, wait_until

if sys.platform == "win32":
    skip("there is no uvloop on Windows")
needs_module("uvloop", "pip install tcpcomm[fast]")

Connect = Callable[..., Peer]
Serve = Callable[..., Server]


def test_it_answers_on_native_transports_and_drains_at_the_end(serve: Serve, connect: Connect) -> None:
    server = serve("--fast")
    peer = connect(server.port)
    assert b"Echo: Hello" == peer.ask(b"Hello")
    assert 1 == server.count("reactor class: tcpcomm.transports.reactors.NativeReactor")
    server.signal(signal.SIGTERM)
    assert b"" == peer.rest()
    assert -signal.SIGTERM == server.wait()


@pytest.mark.parametrize("reactor", ["uvloop", "asyncio"])
def test_a_native_endpoint_answers_on_each_reactor_with_a_loop(
    reactor: str, serve: Serve, connect: Connect
) -> None:
    place = ("--listen", "native:0:interface=127.0.0.1")
    server = serve(*place, command=[twistd(), "-n", "--pidfile=", "--reactor", reactor, "tcpcomm", *place])
    peer = connect(server.port)
    assert b"Echo: Hello" == peer.ask(b"Hello")


def test_it_works_in_the_background(tmp_path: Path, connect: Connect) -> None:
    command = [twistd(), "--pidfile=pid", "--logfile=log", "tcpcomm", "--fast", *ON_LOOPBACK]
    subprocess.run(command, cwd=tmp_path, env=environment(), timeout=DEADLINE, check=True)
    pid = int((tmp_path / "pid").read_text())
    try:
        log = tmp_path / "log"
        wait_until(lambda: "listening on 127.0.0.1:" in log.read_text())
        port = int(log.read_text().partition("listening on 127.0.0.1:")[2].partition(" ")[0])
        peer = connect(port)
        assert b"Echo: Hello" == peer.ask(b"Hello")
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not (tmp_path / "pid").exists())


def refusal(*command: str, path: Path | None = None) -> str:
    """Return the one line that a server prints when it does not start."""
    variables = environment()
    if path is not None:
        variables["PYTHONPATH"] = os.pathsep.join([str(path), variables["PYTHONPATH"]])
    done = subprocess.run(
        [twistd(), "-n", "--pidfile=", *command],
        env=variables,
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE,
    )
    assert 1 == done.returncode
    (line,) = done.stderr.splitlines()
    return line


def test_a_missing_uvloop_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['uvloop'] = None\n")
    expected = "twistd tcpcomm: --fast: uvloop is not installed: pip install tcpcomm[fast] ("
    assert refusal("tcpcomm", "--fast", path=tmp_path).startswith(expected)


def test_a_file_that_hides_uvloop_is_named(tmp_path: Path) -> None:
    hiding = tmp_path / "uvloop.py"
    hiding.write_text("raise ImportError('not the package')\n")
    expected = f"twistd tcpcomm: --fast: {hiding} hides the package uvloop: rename it"
    assert expected == refusal("tcpcomm", "--fast", path=tmp_path)


def test_another_reactor_is_refused() -> None:
    reason = "--reactor or an import has already installed PollReactor"
    expected = f"twistd tcpcomm: --fast: too late for uvloop: {reason}"
    assert refusal("--reactor", "poll", "tcpcomm", "--fast").startswith(expected)
