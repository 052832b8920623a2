"""Sessions and links on reactors other than this process has."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.conftest import ROOT, skip

TIMEOUT = 300


def run_on(reactor: str, *tests: str) -> str:
    """
    Run tests on a reactor in a process of their own; return its last line, or its whole output if one
    failed.
    """
    if sys.platform == "win32":
        skip("Twisted's asyncio reactor needs another loop than Windows has by default")
    if reactor == "uvloop" and find_spec("uvloop") is None:
        skip("the module uvloop is not installed (pip install tcpcomm[fast])")
    if reactor == "tcpcomm-epoll" and not hasattr(select, "epoll"):
        skip("epoll is a facility of Linux")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "TCPCOMM_TEST_REACTOR": reactor}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=TIMEOUT
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize("reactor", ["uvloop", "asyncio"])
def test_sessions_work_over_native_transports(reactor: str) -> None:
    assert " passed" in run_on(reactor, "tests/transports/sessions_on_asyncio.py")


@pytest.mark.parametrize("reactor", ["uvloop", "tcpcomm-epoll"])
def test_sessions_and_links_work_on_our_reactors(reactor: str) -> None:
    tests = ("tests/session/test_transports.py", "tests/link/test_transports.py")
    assert " passed" in run_on(reactor, *tests)
