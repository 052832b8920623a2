"""The function ``tcpcomm.run`` runs services in a program of their own."""

from __future__ import annotations

import signal
import subprocess
import sys

from tests.conftest import skip
from tests.system.running import DEADLINE, environment

INTERRUPTED = """
import os, signal
from twisted.application.service import Service
from twisted.internet.defer import succeed
from tcpcomm import run

class Interrupted(Service):
    def startService(self):
        succeed(None).addCallback(lambda _: os.kill(os.getpid(), signal.SIGINT))

    def stopService(self):
        print("stopped")

run(Interrupted())
"""

BROKEN = """
from twisted.application.service import Service
from tcpcomm import run

class Sound(Service):
    def stopService(self):
        print("stopped")

class Broken(Service):
    def startService(self):
        raise OSError("no such place")

    def stopService(self):
        print("stopped what never ran")

try:
    run(Sound(), Broken())
except OSError as error:
    print(error)
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE,
    )


def test_ctrl_c_works_from_the_first_moment() -> None:
    if sys.platform == "win32":
        skip("Windows has no signals that a program could send itself")
    assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN  # the child would ignore it too
    ended = run(INTERRUPTED)

    assert (0, "stopped\n") == (ended.returncode, ended.stdout)


def test_if_one_service_cannot_start_none_is_left_running() -> None:
    assert "stopped\nno such place\n" == run(BROKEN).stdout
