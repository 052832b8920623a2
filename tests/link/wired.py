"""A robot and a camera on a simulated network: the bench on which links are tested."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from tcpcomm.link.link import Link
from tcpcomm.link.policy import PROFILES
from tcpcomm.link.states import LinkState
from tcpcomm.session.heartbeat import Heartbeat
from tcpcomm.testing.network.wire import Machine, Network

PORT = 9999
BEAT = Heartbeat(b"PING", b"PONG")

LAN = evolve(PROFILES["lan"], grace=1.0)
QUIET = evolve(LAN, heartbeats=None)


class Peer(Protocol):
    """The other side as a foreign program: lines in, lines out, as its factory says."""

    factory: Peers
    over: str | None = None

    def connectionMade(self) -> None:
        self.factory.peers.append(self)
        self.received: list[bytes] = []
        self.rest = b""

    def dataReceived(self, data: bytes) -> None:
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in map(bytes.rstrip, lines):
            self.received.append(line)
            answer = self.factory.answer(line)
            if answer is not None:
                self.say(answer)

    def say(self, *lines: bytes) -> None:
        self.write(b"".join(line + b"\r\n" for line in lines))

    def write(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.over = type(reason.value).__name__


class Peers(Factory):
    """Makes peers, and keeps them."""

    noisy = False
    protocol: Any = Peer

    def __init__(self, answer: Callable[[bytes], bytes | None]) -> None:
        self.answer = answer
        self.peers: list[Peer] = []

    @property
    def last(self) -> Peer:
        return self.peers[-1]


def answers(line: bytes) -> bytes | None:
    """Return the answer of a well-behaved peer."""
    if line == b"PING":
        return b"PONG"
    return None if line == b"PONG" else b"re " + line


class Bench:
    """A network, a robot on which links run, and a camera with a foreign program or a link."""

    def __init__(self, seed: int = 1, **options: Any) -> None:
        self.network = Network(seed, cuts=0.0, **options)
        self.robot = self.network.machine("robot")
        self.camera = self.network.machine("camera")
        self.peers = Peers(answers)
        self.told: list[tuple[LinkState, str]] = []

    @property
    def now(self) -> float:
        return self.network.clock.now

    def serve(self, machine: Machine | None = None) -> None:
        """Have the foreign program listen at the camera."""
        (machine or self.camera).listening(PORT).listen(self.peers)

    def dial(self, machine: Machine | None = None) -> Deferred[Any]:
        """Have the foreign program connect from the camera to the robot."""
        return (machine or self.camera).connecting(self.robot, PORT).connect(self.peers)

    def link(self, *, dials: bool = True, machine: Machine | None = None, **options: Any) -> Link:
        """A link of the robot's; it is started."""
        here = machine or self.robot
        there = self.camera if here is self.robot else self.robot
        where: dict[str, Any] = {"listen": here.listening(PORT)}
        if dials:
            where = {"connect": options.pop("connect", None) or here.connecting(there, PORT)}
        options.setdefault("policy", LAN)
        options.setdefault("heartbeat", BEAT if options["policy"] is not QUIET else None)
        link = Link(**where, reactor=here.clock, random=Random(7), **options)
        link.observe(lambda state, reason: self.told.append((state, reason)))
        link.startService()
        return link

    def until(self, condition: Callable[[], bool], within: float = 5.0) -> None:
        assert self.network.run_until(condition, within), f"it did not come true by {self.now}"

    def ready(self, *links: Link) -> None:
        self.until(lambda: all(link.state is LinkState.READY for link in links))

    def result(self, deferred: Deferred[Any], within: float = 5.0) -> Any:
        """Return the value or the exception that a Deferred fires with."""
        results: list[Any] = []
        deferred.addBoth(results.append)
        self.until(lambda: bool(results), within)
        return results[0].value if isinstance(results[0], Failure) else results[0]

    def left(self, machine: Machine | None = None) -> list[Any]:
        """The timers, sockets, attempts and ports of a machine's program."""
        machine = machine or self.robot
        return [*machine.timers, *machine.sockets, *machine.attempts, *machine.ports]
