"""Random traffic, ends and disturbances: a tap closes all connections, and leaves no timer behind."""

from __future__ import annotations

from contextlib import suppress
from random import Random
from typing import Final

import pytest

from tcpcomm.errors import ConfigurationError
from tcpcomm.framing import Delimited
from tcpcomm.framing.notation import parse_framing
from tcpcomm.testing.logged_errors import logged_errors
from tests.tools.tap.test_disturbing import CAMERA
from tests.tools.tap.world import End, World

COURSES: Final = 60

LANGUAGES: Final = (
    None,
    Delimited(b"\r\n"),
    parse_framing("lines"),
    parse_framing("stx-etx,bcc=xor"),
    CAMERA,
)
TEXTS: Final = (
    "bandwidth rate=0.1 for 2",
    "blackhole to-equipment for 1",
    "close next reply",
    "close",
    "corrupt checksum next",
    "corrupt share 0.2",
    "cut after 1 wait 2 share 0.3",
    "cut every 2",
    "cut never next",
    "delay 0.1 jitter 0.1 to-host",
    "delay 0.2",
    "delay 1 every 3",
    "drop every 3",
    "drop next",
    "drop on 2",
    "duplicate 2 every 4",
    "glue 3",
    "glue 5 wait 0.1 every 4",
    "half-open to-host",
    "half-open",
    "late 0.3 every 2",
    "late every 3",
    "late next",
    "latency latency=0.1 jitter=0.1",
    "limit_data bytes=50 for 3",
    "pull for 1",
    "pull to-host for 0.5",
    "pull",
    "refuse for 2",
    "refuse",
    "reset every 7",
    "reset on 1",
    "reset",
    "reset_peer timeout=0.5",
    "slicer average_size=2 delay=0.01 to-host",
    "timeout timeout=1 for 2",
    "truncate every 5",
)
CHUNKS: Final = (
    b"TRG,1\r\n",
    b"VER\r\n",
    b"OK,1\r\n",
    b"V2\r\n",
    b"ALM,3\r\n",
    b"TR",
    b"\r\n",
    b"\x02abc\x03a",
)


class Course:
    """One random course of events."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.world = World(
            self.random.choice(LANGUAGES),
            cuts=self.random.choice([0.0, 0.3]),
            host_connects=self.random.random() < 0.8,
            seed=seed,
        )
        self.ends: list[End] = []

    @property
    def open_ends(self) -> list[End]:
        """The ends of hosts and equipment that are connected."""
        return [each for each in (*self.ends, *self.world.accepted) if each.lost is None]

    def go(self) -> None:
        """Let something happen many times."""
        steps = [self.connect] * 3 + [self.send] * 11 + [self.end] + [self.disturb] * 3 + [self.undo]
        for _ in range(self.random.randrange(20, 120)):
            self.random.choice(steps)()
            self.world.wait(self.random.choice([0.001, 0.05, 0.3]))

    def connect(self) -> None:
        client = self.world.client()
        if client is not None:
            self.ends.append(client)

    def send(self) -> None:
        if self.open_ends:
            data = self.random.choice([*CHUNKS, b"x" * self.random.randrange(1, 200)])
            self.random.choice(self.open_ends).transport.write(data)

    def end(self) -> None:
        if self.open_ends:
            transport = self.random.choice(self.open_ends).transport
            ways = [transport.loseConnection, transport.abortConnection, transport.loseWriteConnection]
            self.random.choice(ways)()

    def disturb(self) -> None:
        with suppress(ConfigurationError):  # there is no open connection
            self.world.disturb(self.random.choice(TEXTS))

    def undo(self) -> None:
        active = self.world.tap.list()
        if active and self.random.random() < 0.7:
            self.world.tap.remove(self.random.choice(active).id)
        else:
            self.world.tap.restore()


@pytest.mark.parametrize("seed", range(COURSES))
def test_after_any_course_all_is_closed_told_and_forgotten(seed: int) -> None:
    course = Course(seed)
    world = course.world
    with logged_errors() as errors:
        course.go()
        world.tap.clear()
        world.wait(1.0)
        for each in course.open_ends:
            each.transport.loseConnection()
        world.wait(70.0)
        assert 0 == world.tap.connections
        stopped: list[object] = []
        world.tap.stop().addCallback(stopped.append)
        world.wait(1.0)

    assert [] == errors
    assert [None] == stopped
    assert [] == world.machines[1].timers
    assert len(world.observer.only("opened")) == len(world.observer.only("closed"))
