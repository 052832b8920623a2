"""Services run in a program of their own."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys

from tests.system.running import DEADLINE, environment

CAMERA = """
import sys

from twisted.internet import reactor

from tcpcomm import run, serve
from tests.equipment.declared import MyCamera

port = sys.argv[1]
"""

TRIES_AGAIN = f"""{CAMERA}
service = serve(MyCamera(), connect=f"tcp:127.0.0.1:{{port}}")
failed = []

def told(state, reason):
    if state.value == "down":
        failed.append(reason)
    if len(failed) == 5 and reactor.running:
        reactor.stop()

service.engine.observe(told)
run(service)
print(len(failed) >= 5)
"""

CANNOT_START = f"""{CAMERA}
first = serve(MyCamera(), at="tcp:0:interface=127.0.0.1")
second = serve(MyCamera(), at=f"tcp:{{port}}:interface=127.0.0.1")
try:
    run(first, second)
except SystemExit as error:
    print(error)
print(first.running, first.ports, reactor.running)
"""


def run_script(script: str, port: int) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-c", script, str(port)],
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE,
    )
    assert 0 == done.returncode, done.stderr
    return done


def test_a_link_that_tries_again_and_again_does_not_fill_the_log() -> None:
    with socket.socket() as taken:  # and nobody listens
        taken.bind(("127.0.0.1", 0))
        done = run_script(TRIES_AGAIN, taken.getsockname()[1])

    assert "True\n" == done.stdout
    assert 1 == done.stderr.count("refused: the machine is there, but no program listens on that port")
    assert "dialling" not in done.stderr


def test_when_a_service_cannot_start_none_is_left_running() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_script(CANNOT_START, port)

    refusal, after = done.stdout.splitlines()
    assert refusal.startswith(f"cannot listen on tcp:{port}:interface=127.0.0.1: ")
    assert "0 [] False" == after


def test_a_script_with_a_port_in_use_ends_with_one_line_that_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
        script = f"{CAMERA}\nrun(serve(MyCamera(), at={where!r}))"
        done = subprocess.run(
            [sys.executable, "-c", script, "0"],
            env=environment(),
            capture_output=True,
            encoding="utf-8",
            timeout=DEADLINE,
        )

    assert 1 == done.returncode
    assert "Traceback" not in done.stderr
    refusal = f"cannot listen on {where}: {os.strerror(errno.EADDRINUSE)}: another program has this port"
    assert done.stderr.splitlines()[-1].startswith(refusal)


SERVES = f"""{CAMERA}
service = serve(MyCamera(), at="tcp:0:interface=127.0.0.1")
reactor.callWhenRunning(reactor.callLater, 0, reactor.stop)
run(service)
"""


def test_the_place_where_it_listens_is_logged_once() -> None:
    told = run_script(SERVES, 0).stderr

    assert 1 == told.count("listening on 127.0.0.1:")
    assert [] == [line for line in told.splitlines() if "starting on" in line or "Closed)" in line]
