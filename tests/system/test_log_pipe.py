"""The reader of the log stops, or the log is a file: the server goes on, and ends when it is told to."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep
from typing import Final

import pytest

from tests.conftest import skip
from tests.system.running import DEADLINE, environment, twistd, wait_until

FLOOD = ("--log-limit", "none", "--max-sessions-per-address", "100")
"""With these, a few thousand connections fill a pipe."""

TICK: Final = 0.05
"""Seconds of one wait of many for the end of a process."""


@contextmanager
def server(*options: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run a server whose log goes into a pipe. Yield its process and its port."""
    if sys.platform == "win32":
        skip("Windows has no signals that a program could heed")
    command = [twistd(), "-n", "--pidfile=", "tcpcomm", "--listen", "tcp:0:interface=127.0.0.1", *options]
    process = subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
    )
    assert process.stdout is not None
    try:
        log = b""
        while not (found := re.search(rb"listening on 127\.0\.0\.1:(\d+) ", log)):
            data = process.stdout.read(65536)
            assert data, log
            log += data
        yield process, int(found[1])
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()


def ask(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as connection:
        connection.sendall(b"PING\r\n")
        return connection.recv(100)


def end_within(seconds: float, process: subprocess.Popen[bytes]) -> int | None:
    """
    Return the exit status of a process that ends within so many seconds, or None if it runs on.

    A time in which the machine stands still, and this process too, counts as a moment.
    """
    for _ in range(round(seconds / TICK)):
        if process.poll() is not None:
            break
        sleep(TICK)
    return process.poll()


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_reader_of_the_log_that_stops_stops_nobody(log_format: str) -> None:
    with server("--log-format", log_format, *FLOOD) as (process, port):
        for _ in range(1500):  # 150 KB of log; a pipe holds 64 KiB
            assert b"PONG\r\n" == ask(port)

        process.send_signal(signal.SIGTERM)
        assert -signal.SIGTERM == end_within(30, process)


def test_a_reader_that_goes_on_gets_all_lines_and_the_last_one_too() -> None:
    with server(*FLOOD) as (process, port):
        for _ in range(400):
            ask(port)
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        log = b""
        while data := process.stdout.read(65536):
            log += data

        assert 400 == log.count(b": connected\n")
        assert log.endswith(b"Server Shut Down.\n")


def test_a_daemon_has_its_own_thread_for_the_log(tmp_path: Path) -> None:
    if sys.platform == "win32":
        skip("Windows has no daemons of twistd")
    options = ("tcpcomm", "--listen", "tcp:0:interface=127.0.0.1")
    command = [twistd(), "--pidfile=pid", "--logfile=log", *options]
    subprocess.run(command, cwd=tmp_path, env=environment(), check=True, timeout=DEADLINE)
    log, pid = tmp_path / "log", tmp_path / "pid"
    try:
        wait_until(lambda: "listening on" in log.read_text())
        found = re.search(r"listening on 127\.0\.0\.1:(\d+) ", log.read_text())
        assert found is not None
        assert b"PONG\r\n" == ask(int(found[1]))
        wait_until(lambda: ": connected" in log.read_text())
    finally:
        with suppress(ProcessLookupError):
            os.kill(int(pid.read_text()), signal.SIGTERM)
    wait_until(lambda: "Server Shut Down." in log.read_text())
    lines = log.read_text().splitlines()
    assert len(lines) == len(set(lines)), "a line of the parent process is there twice"
    assert 1 == sum("starting up" in line for line in lines)


def test_a_reader_of_the_log_that_ends_stops_nobody() -> None:
    with server(*FLOOD) as (process, port):
        assert process.stdout is not None
        process.stdout.close()  # each write to the log fails now
        for _ in range(500):
            assert b"PONG\r\n" == ask(port)
        process.send_signal(signal.SIGTERM)
        assert -signal.SIGTERM == process.wait(DEADLINE)
