"""
The wall clock of a program is set, by a technician or by NTP, and no session notices.

Back: a peer that hangs is noticed as ever. The clock is set back again and again until then, so a program
that counted on it would never notice. Forward: a session that is well, or may be idle, goes on.
"""

from __future__ import annotations

import re
import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from importlib.util import find_spec
from pathlib import Path
from time import monotonic

import pytest

from tests.conftest import skip
from tests.system.clock_steps.programs import HEARTBEAT
from tests.system.clock_steps.wall_clock import WallClock, command
from tests.system.programs import Program
from tests.system.running import ON_LOOPBACK, Server

DEADLINE = 60.0
"""Seconds for what takes 0.3 s on a machine that has nothing else to do."""

AGAIN = 0.05
"""Seconds after which the clock is set back once more, until what is awaited has happened."""

PROGRAMS = "tests.system.clock_steps.programs"
STEPS = (2.0, 6.0, 3600.0)
REACTORS = ("epoll", "poll", "select", "asyncio", "uvloop")


class Stage:
    """
    The place where a program with a wall clock of its own runs, and its peers.

    Attributes:
        clock: the wall clock of the program.
        link: our end of the session with the program's link.
    """

    link: socket.socket

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._stack = stack
        self.clock = stack.enter_context(closing(WallClock(folder / "clock")))
        self._listening = stack.enter_context(closing(socket.create_server(("127.0.0.1", 0))))
        self._listening.settimeout(DEADLINE)
        self.port = str(self._listening.getsockname()[1])

    def start(self, function: str, *arguments: str) -> Program:
        """Start the program, and wait until it is ready."""
        program = Program(function, command(self.clock, function, *arguments))
        self._stack.enter_context(program)
        program.wait_for_line("ready", timeout=DEADLINE)
        return program

    def accept(self) -> None:
        """Accept the program's link, and answer its first heartbeats."""
        self.link, _ = self._listening.accept()
        self._stack.enter_context(closing(self.link))
        self.link.settimeout(DEADLINE)
        self.answer_heartbeats()

    def answer_heartbeats(self) -> None:
        """Answer three heartbeats of the link."""
        ping, pong = HEARTBEAT
        received = b""
        for count in range(1, 4):
            while received.count(ping) < count:
                data = self.link.recv(1000)
                assert data, "the link closed a session whose peer answered"
                received += data
            self.link.sendall(pong + b"\r\n")

    def connect(self, port: int) -> socket.socket:
        """Connect to a server of the program."""
        peer = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
        return self._stack.enter_context(closing(peer))

    def ends(self, peer: socket.socket, step: float) -> None:
        """Set the clock back until the program ends the session with this peer, which hangs."""
        deadline = monotonic() + DEADLINE
        peer.settimeout(AGAIN)
        while monotonic() < deadline:
            self.clock.step(-step)
            with suppress(TimeoutError):
                try:
                    if not peer.recv(1000):
                        return
                except ConnectionResetError:
                    return
        raise AssertionError(f"a peer that hangs was not noticed within {DEADLINE:g} s")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with ExitStack() as stack:
        yield Stage(tmp_path, stack)


def echoes(peer: socket.socket) -> None:
    """Check that the session is open, and that the program serves it."""
    peer.sendall(b"PING\n")
    assert peer.recv(1000).strip() in (b"PING", b"PONG")


def needs_reactor(name: str) -> None:
    """Skip unless the reactor exists here."""
    if name in ("epoll", "poll") and not hasattr(select, name):
        skip(f"this system has no {name}")
    if name == "uvloop" and find_spec("uvloop") is None:
        skip("the module uvloop is not installed (pip install tcpcomm[fast])")


@pytest.mark.parametrize("reactor", REACTORS)
def test_a_set_clock_neither_hides_a_dead_peer_nor_ends_a_session(reactor: str, stage: Stage) -> None:
    needs_reactor(reactor)
    program = stage.start(f"{PROGRAMS}:link_and_servers", reactor, stage.port)
    ports = {
        name: int(port)
        for line in program.lines
        for name, port in re.findall(r"(\w+) listens on (\d+)", line)
    }
    patient = stage.connect(ports["patient"])
    stage.accept()
    for step in STEPS:
        stage.answer_heartbeats()
        silent = [stage.connect(ports["watching"]), stage.connect(ports["idle"])]
        for each in silent:
            echoes(each)
        cut = stage.connect(ports["partial"])
        cut.sendall(b"the beginning of a li")
        for each in (stage.link, *silent, cut):
            stage.ends(each, step)
        stage.accept()
        stage.clock.step(step)
        stage.answer_heartbeats()  # meanwhile the program looks at its clock many times
        echoes(patient)


@pytest.mark.parametrize("reactor", ["default", "select", "asyncio", "uvloop"])
def test_the_server_of_twistd_notices_a_dead_peer_when_the_clock_is_set_back(
    reactor: str, stage: Stage
) -> None:
    needs_reactor(reactor)
    on_reactor = [] if reactor == "default" else ["--reactor", reactor]
    options = [*ON_LOOPBACK, "--heartbeat-timeout", "0.3"]
    twistd = ["twisted.scripts.twistd:run", *on_reactor, "-n", "--pidfile=", "tcpcomm", *options]
    with Server(command=command(stage.clock, *twistd)) as server:
        for step in STEPS:
            peer = stage.connect(server.port)
            echoes(peer)
            stage.ends(peer, step)


def test_a_script_notices_dead_equipment_when_the_clock_is_set_back(stage: Stage) -> None:
    stage.start(f"{PROGRAMS}:in_a_script", stage.port)
    stage.accept()
    for step in STEPS:
        stage.ends(stage.link, step)
        stage.accept()
        stage.clock.step(step)
        stage.answer_heartbeats()
