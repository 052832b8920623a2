"""The environment variables change each process of a test run, so that a run shows what it says."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.conftest import needs_module
from tests.portability.every_process import sitecustomize
from tests.system.running import DEADLINE, environment

KINDS = {
    "asyncio": "AsyncioSelectorReactor",
    "poll": "PollReactor",
    "select": "SelectReactor",
    "uvloop": "NativeReactor",
}

SHOWN = """
import os, signal, socket
from tcpcomm.session.limits import default_max_sessions
from tcpcomm.runtime import socket_options
from twisted.internet import reactor
from twisted.internet.interfaces import IReactorUNIX

print(type(reactor).__name__, IReactorUNIX.providedBy(reactor))
print([hasattr(socket, "AF_UNIX"), hasattr(os, "fork"), hasattr(signal, "SIGHUP")])
print(default_max_sessions() < 512, socket_options._USER_TIMEOUT)
import uvloop
"""


def run(**variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program that shows what it has."""
    path = os.pathsep.join([os.path.dirname(sitecustomize.__file__), environment()["PYTHONPATH"]])
    return subprocess.run(
        [sys.executable, "-c", SHOWN],
        env={**environment(), "PYTHONPATH": path, **variables},
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE,
    )


@pytest.mark.parametrize("reactor", KINDS)
def test_a_process_has_the_reactor_of_the_run(reactor: str) -> None:
    if reactor == "uvloop":
        needs_module("uvloop", "pip install tcpcomm[fast]")
    ended = run(TCPCOMM_TEST_REACTOR=reactor, TCPCOMM_TEST_WITHOUT_UNIX="")
    assert KINDS[reactor] == ended.stdout.split()[0], ended.stderr


def test_a_process_lacks_what_Windows_lacks() -> None:
    ended = run(TCPCOMM_TEST_REACTOR="", TCPCOMM_TEST_WITHOUT_UNIX="1")
    assert [
        "SelectReactor False",
        "[False, False, False]",
        "True None",
    ] == ended.stdout.splitlines(), ended.stderr
    assert "uvloop" in ended.stderr.splitlines()[-1]
