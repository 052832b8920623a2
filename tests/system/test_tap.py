"""``tcpcomm tap`` between two programs, with keys of a terminal, lines of a pipe, and scripts."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import skip
from tests.system.running import DEADLINE, Server, environment

DEVICE = """
import socket
from contextlib import suppress
with socket.create_server(("127.0.0.1", 0)) as listener:
    print("listening on 127.0.0.1:%d for the test" % listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        with connection, suppress(ConnectionError):
            while request := connection.recv(1024):
                connection.send(b"OK," + request[4:])
"""

HOST = """
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=50) as connection:
    for job in sys.argv[2:]:
        connection.send(b"TRG," + job.encode())
        print(connection.recv(1024).decode(), flush=True)
"""

TAP = [sys.executable, "-m", "tcpcomm", "tap", "0"]

IN_A_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
"""Gives a program standard input as its own terminal."""


@pytest.fixture(scope="module")
def device() -> Iterator[Server]:
    """A device that sends and receives once for each message, and knows no line ends."""
    with Server(command=[sys.executable, "-c", DEVICE]) as running:
        yield running


def host(port: int, *jobs: str) -> str:
    """Run a host with one ``send`` and one ``recv`` for each job, and return what it prints."""
    return subprocess.run(
        [sys.executable, "-c", HOST, str(port), *jobs],
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE,
        check=True,
    ).stdout


def port_of(tap: Server) -> int:
    return int(tap.wait_for(r"127\.0\.0\.1:(\d+) +-- +listening")[0])


def words(device: Server, *options: str) -> list[str]:
    """Return the command of a tap in front of the device."""
    return [*TAP, f"tcp:127.0.0.1:{device.port}", *options]


def without_times(lines: list[str]) -> list[str]:
    """Return lines of the log without times, ports and spaces."""
    shown = [re.sub(r"^\S+ +127\.0\.0\.1:\d+ +", "", line) for line in lines]
    shown = [re.sub(r" +", " ", line) for line in shown]
    return [re.sub(r":\d+$|\d+\.\d+ s", "...", line) for line in shown]


def test_two_naive_programs_are_shown_without_any_option(device: Server) -> None:
    with Server(command=words(device)) as tap:
        assert "OK,3\nOK,4\n" == host(port_of(tap), "3", "4")
        tap.wait_for("closed: ")

        assert [
            "-- listening, for tcp:127.0.0.1...",
            "-- connection 1, to tcp:127.0.0.1...",
            "host -> equipment 54 52 47 2c 33 |TRG,3|",
            "host <- equipment 4f 4b 2c 33 |OK,3|",
            "host -> equipment 54 52 47 2c 34 |TRG,4|",
            "host <- equipment 4f 4b 2c 34 |OK,4|",
            "-- the host has finished sending (FIN)",
            "-- closed: the host closed it first (FIN); it lasted ...; 10 bytes to the equipment, "
            "8 to the host",
        ] == without_times(tap.lines)


def test_the_framing_is_guessed_and_the_last_words_say_what_to_type(device: Server) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as typed, Server(command=words(device, "--guess"), stdin=reading) as tap:
        os.close(reading)
        asked = [f"{job}\r" for job in (3, 14, 159, 26, 5, 358, 9, 79, 3238, 4, 62, 64)]
        host(port_of(tap), *asked)
        tap.wait_for(r"guess after \d0 chunks: likely: delimited:\\r$")
        tap.wait_for("closed: ")
        print("quit", file=typed, flush=True)
        assert 0 == tap.wait()

    said = [line for line in tap.lines if line.startswith(("confident ", "likely ", "next: "))]
    assert [
        r"confident  delimited:\r",
        rf"next: tcpcomm tap 0 tcp:127.0.0.1:{device.port} --framing 'delimited:\r'",
    ] == said


def test_a_tap_that_ends_at_once_has_nothing_to_guess(device: Server) -> None:
    with Server(command=words(device, "--guess")) as tap:
        port_of(tap)
        tap.signal(signal.SIGINT)
        assert 0 == tap.wait()
    assert "nothing has passed, so there is nothing to guess" == tap.lines[-1]


def test_lines_of_a_pipe_disturb_and_are_answered(device: Server) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as typed, Server(command=words(device), stdin=reading) as tap:
        os.close(reading)
        port = port_of(tap)
        for line in ("corrupt bit 32 reply 1", "dorp", "list", "d"):
            print(line, file=typed, flush=True)
        tap.wait_for("^2: drop next reply")

        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as client:
            client.sendall(b"TRG,3")
            tap.wait_for("~~ .*drop")
        print("quit", file=typed, flush=True)
        assert 0 == tap.wait()

        assert "1: corrupt bit 32 reply 1" in tap.lines
        assert "tcpcomm tap: 'dorp': no disturbance is called 'dorp': did you mean drop?" in " ".join(
            tap.lines
        )
        assert "1: corrupt bit 32 reply 1 (0 so far)" in tap.lines
        assert 2 == tap.count("~~ ")


@contextmanager
def terminal(command: list[str]) -> Iterator[tuple[Server, int, list[object]]]:
    """Run a command in a terminal. Give the process, the terminal, and its settings before."""
    if sys.platform == "win32":
        skip("this system has no pseudo terminals")
    import pty
    import termios

    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    run = [sys.executable, "-c", IN_A_TERMINAL, *command[1:]]
    try:
        with Server(command=run, stdin=slave) as tap:
            yield tap, master, before
            tap.wait()
            assert before == termios.tcgetattr(slave)
    finally:
        os.close(master)
        os.close(slave)


def test_keys_of_a_terminal_disturb(device: Server) -> None:
    with terminal(words(device)) as (tap, keys, _):
        port = port_of(tap)
        tap.wait_for("keys disturb what passes")
        os.write(keys, b"?")
        tap.wait_for("^  p  pull the cable")
        os.write(keys, b"x")
        tap.wait_for("^1: corrupt next frame")
        os.write(keys, b":duplicate reply 1\n")
        tap.wait_for("^2: duplicate reply 1|: duplicate reply 1$")
        host(port, "3")
        os.write(keys, b"Z")
        tap.wait_for("no key 'Z'")
        os.write(keys, b"q")
        assert 0 == tap.wait()
        assert tap.count("corrupted byte ")
        assert tap.count("sent 2 times")


@pytest.mark.parametrize("end", ["SIGINT", "SIGTERM"])
def test_a_terminal_is_as_before_after_a_signal(device: Server, end: str) -> None:
    with terminal(words(device)) as (tap, _, _):
        tap.wait_for("keys disturb what passes")
        tap.signal(signal.Signals[end])


def test_a_script_disturbs_at_its_time_and_ends_the_tap(device: Server, tmp_path: Path) -> None:
    script = tmp_path / "faults.py"
    script.write_text(
        "async def disturb(tap):\n"
        "    await tap.frame('to-host', contains='OK,1')\n"
        "    tap.add('drop next reply')\n"
        "    await tap.frame('to-host')\n"
    )
    options = ("--script", str(script), "--end-with-script", "--framing", "raw")
    with Server(command=words(device, *options)) as tap:
        with socket.create_connection(("127.0.0.1", port_of(tap)), timeout=DEADLINE) as client:
            client.sendall(b"TRG,1")
            assert b"OK,1" == client.recv(100)
            client.sendall(b"TRG,2")
            assert 0 == tap.wait()
        assert tap.count(re.escape("dropped: 4 bytes (drop next reply)"))


def test_an_error_in_a_script_is_told_with_its_place(device: Server, tmp_path: Path) -> None:
    script = tmp_path / "wrong.py"
    script.write_text("async def disturb(tap):\n    await tap.after(0)\n    tap.add('dorp')\n")
    with Server(command=words(device, "--script", str(script), "--end-with-script")) as tap:
        assert 3 == tap.wait()
        [line] = [line for line in tap.lines if "the script failed" in line]
        assert "did you mean drop?" in line
        assert line.endswith(f"({script}, line 3)")


def test_a_port_in_use_is_told(device: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = str(taken.getsockname()[1])
        command = [*TAP[:-1], listen, f"tcp:127.0.0.1:{device.port}"]
        with Server(command=command) as tap:
            assert 5 == tap.wait()
            assert tap.lines[-1].startswith("tcpcomm tap: cannot listen: Address already in use")


def test_all_that_passes_is_recorded(device: Server, tmp_path: Path) -> None:
    from tcpcomm.tools.record.recording import Recording

    file = tmp_path / "line.tcpcomm"
    with Server(command=words(device, "--record", str(file), "--monitor", "0")) as tap:
        tap.wait_for(r"the monitor is at http://127\.0\.0\.1:\d+/#token=\S+")
        host(port_of(tap), "3")
        tap.wait_for("closed: ")
        tap.signal(signal.SIGINT)
        assert 0 == tap.wait()

    recording = Recording(file)
    [session] = recording.sessions()
    assert [b"TRG,3", b"OK,3"] == [each.data for each in recording.chunks(session)]
