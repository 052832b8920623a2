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
from tests.system.running import DEADLINE, ON_LOOPBACK, Server

SILENCE = 0.29
"""
Seconds of silence before which the program ends no session. It waits for 0.3 s, by a clock that may round.

A session that ends later may have ended because this process was late. So it is tried again.
"""

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
        heard: the time of our last answer to the link that it has certainly heard in time.
    """

    link: socket.socket
    heard: float

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
        """Accept the program's link, and answer its first heartbeats. If that is late, it comes again."""
        deadline = monotonic() + DEADLINE
        while monotonic() < deadline:
            self.link, _ = self._listening.accept()
            self._stack.enter_context(closing(self.link))
            self.link.settimeout(DEADLINE)
            if self._answers():
                return
        raise AssertionError(f"no session of the link lasted within {DEADLINE:g} s")

    def goes_on(self, step: float = 0.0) -> None:
        """Set the clock forward, and answer heartbeats of the link: its session must go on."""
        deadline = monotonic() + DEADLINE
        self.clock.step(step)
        while not self._answers():
            now = monotonic()
            assert now - self.heard >= SILENCE, "the link closed a session whose peer answered"
            assert now < deadline, f"no session went on within {DEADLINE:g} s"
            self.accept()
            self.clock.step(step)

    def _answers(self) -> bool:
        """Answer three heartbeats of the link. Return False if it has ended its session."""
        for _ in range(3):
            try:
                if not self.link.recv(1000):
                    return False
                answered = monotonic()
                self.link.sendall(HEARTBEAT[1] + b"\r\n")
            except ConnectionError:
                return False
            if has_ended(self.link):
                return False
            self.heard = answered
        return True

    def connect(self, port: int) -> socket.socket:
        """Connect to a server of the program."""
        peer = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
        return self._stack.enter_context(closing(peer))

    def served(self, port: int) -> socket.socket:
        """Connect to a server that ends silent sessions, and check that it serves this one before."""
        deadline = monotonic() + DEADLINE
        while True:
            began = monotonic()
            peer = self.connect(port)
            if echoes(peer):
                return peer
            now = monotonic()
            assert now - began >= SILENCE, "the server closed a session that was not silent"
            assert now < deadline, f"no session was served within {DEADLINE:g} s"

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


def echoes(peer: socket.socket) -> bool:
    """Return True if the program serves the session, and False if it has ended it."""
    try:
        peer.sendall(b"PING\n")
        answer = peer.recv(1000)
    except ConnectionError:
        return False
    assert answer.strip() in (b"PING", b"PONG", b"")
    return answer != b""


def has_ended(peer: socket.socket) -> bool:
    """Read all that has come. Return True if the end has come, too."""
    peer.setblocking(False)
    try:
        while peer.recv(1000):
            pass
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    finally:
        peer.settimeout(DEADLINE)
    return True


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
        stage.goes_on()
        silent = [stage.served(ports["watching"]), stage.served(ports["idle"])]
        cut = stage.connect(ports["partial"])
        cut.sendall(b"the beginning of a li")
        for each in (stage.link, *silent, cut):
            stage.ends(each, step)
        stage.accept()
        stage.goes_on(step)  # meanwhile the program looks at its clock many times
        assert echoes(patient)


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
            stage.ends(stage.served(server.port), step)


def test_a_script_notices_dead_equipment_when_the_clock_is_set_back(stage: Stage) -> None:
    stage.start(f"{PROGRAMS}:in_a_script", stage.port)
    stage.accept()
    for step in STEPS:
        stage.ends(stage.link, step)
        stage.accept()
        stage.goes_on(step)
