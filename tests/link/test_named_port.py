"""A link connects to the port that the equipment names in a reply at another port."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from attrs import evolve, frozen
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactorClock
from twisted.protocols.basic import LineReceiver
from twisted.trial.unittest import TestCase

from tcpcomm import (
    ConfigurationError,
    Equipment,
    Fault,
    Login,
    NotReady,
    command,
    link_of,
    port_from,
    remote,
    serve,
)
from tcpcomm.codec import Json, Template
from tcpcomm.framing import Delimited, FixedSize
from tcpcomm.link.policy import PROFILES
from tcpcomm.link.states import LinkState
from tcpcomm.net.endpoints import with_port
from tests.equipment.declared import QUIET, Bench, MyCamera, VisionCamera
from tests.reactor import DEADLINE, reactor, until

DOOR = 16001
LOOPBACK = "tcp:0:interface=127.0.0.1"
PATIENT = evolve(
    PROFILES["fleet"], connect_timeout=DEADLINE, resolve_timeout=DEADLINE, handshake_timeout=DEADLINE
)


@frozen
class Connected:
    PortNumber: int
    MajorVersion: int = 1


class Rmi(Equipment):
    """A robot controller of FANUC: one port for the first command, and another one for the rest."""

    framing = Delimited(b"\r\n")
    codec = Json(
        "Command", result=None, fault=None, code="ErrorID", reason=None, success={"ErrorID": 0}, echo=True
    )

    @command({"Communication": "FRC_Connect"}, timeout=DEADLINE)
    async def connect(self) -> Connected:
        """Return the port for everything else."""
        raise NotImplementedError

    @command("FRC_Initialize", timeout=DEADLINE)
    async def initialize(self, GroupMask: int) -> None:
        """Begin."""
        raise NotImplementedError


async def port_number(door: Rmi) -> int:
    return (await door.connect()).PortNumber


class Controller(Rmi):
    """Both its ports are served by such objects."""

    def __init__(self, port: Any) -> None:
        self.port = port
        self.asked = 0
        self.initialized: list[int] = []

    async def connect(self) -> Connected:
        self.asked += 1
        if isinstance(self.port, Exception):
            raise self.port
        if isinstance(self.port, Deferred):
            await self.port
        return Connected(self.port)

    async def initialize(self, GroupMask: int) -> None:
        self.initialized.append(GroupMask)


class RawController(LineReceiver):
    """A foreign controller that closes the first port's connection right behind its reply."""

    def __init__(self, port: int) -> None:
        self.port = port

    def lineReceived(self, line: bytes) -> None:
        assert {"Communication": "FRC_Connect"} == json.loads(line)
        reply = {"Communication": "FRC_Connect", "ErrorID": 0, "PortNumber": self.port, "MajorVersion": 1}
        transport: Any = self.transport
        transport.write(json.dumps(reply).encode() + b"\r\n")
        transport.loseConnection()


class RealSocketTests(TestCase):
    """On real sockets of this machine, with both ends of ours, and with a foreign controller."""

    def serve(self, equipment: Equipment) -> int:
        service: Any = serve(equipment, at=LOOPBACK, reactor=reactor)
        service.startService()
        self.addCleanup(service.stopService)
        port: int = service.ports[0].getHost().port
        return port

    async def initialized(self, door: int, robot: Controller) -> None:
        at = port_from(f"tcp:127.0.0.1:{door}", Rmi, port_number)
        proxy: Any = remote(Rmi, at=at, policy=PATIENT, wait=DEADLINE)
        self.addCleanup(link_of(proxy).stopService)
        await proxy.initialize(GroupMask=1)
        assert [1] == robot.initialized

    async def test_both_ends(self) -> None:
        robot = Controller(0)
        door = Controller(self.serve(robot))
        await self.initialized(self.serve(door), robot)
        assert (1, 0) == (door.asked, robot.asked)

    async def test_a_foreign_controller_that_closes_behind_its_reply(self) -> None:
        robot = Controller(0)
        factory = Factory.forProtocol(partial(RawController, self.serve(robot)))
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        await self.initialized(port.getHost().port, robot)

    async def test_a_first_port_where_nobody_listens(self) -> None:
        port = reactor.listenTCP(0, Factory(), interface="127.0.0.1")
        number = port.getHost().port
        await port.stopListening()
        proxy: Any = remote(Rmi, at=port_from(f"tcp:127.0.0.1:{number}", Rmi, port_number))
        self.addCleanup(link_of(proxy).stopService)
        await until(lambda: "refused" in link_of(proxy).reason)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def controllers(bench: Bench, port: Any, robot_port: int = 16002) -> tuple[Controller, Controller, Any]:
    """Serve a controller at two ports. Return its two ends and a proxy of a host."""
    door, robot = Controller(port), Controller(0)
    for equipment, place in ((door, DOOR), (robot, robot_port)):
        service: Any = serve(equipment, at=bench.camera.listening(place), reactor=bench.camera.clock)
        service.startService()
    at = port_from(
        bench.robot.connecting(bench.camera, DOOR),
        Rmi,
        port_number,
        then=partial(bench.robot.connecting, bench.camera),
        reactor=bench.robot.clock,
    )
    return door, robot, remote(Rmi, at=at, reactor=bench.robot.clock, policy=QUIET)


def test_the_port_is_asked_for_on_each_new_connection(bench: Bench) -> None:
    door, robot, proxy = controllers(bench, 16002)
    bench.result(proxy.initialize(GroupMask=1))
    link_of(proxy).engine.drop("a test ends it")
    bench.until(lambda: link_of(proxy).state is LinkState.READY)
    bench.result(proxy.initialize(GroupMask=2))
    assert ([1, 2], 2) == (robot.initialized, door.asked)


@pytest.mark.parametrize(
    ("port", "told"),
    [
        (Fault(2556941), "Rmi named no port: 2556941"),
        (0, "Rmi named 0, which is not a port"),
        (99999, "Rmi named 99999, which is not a port"),
    ],
)
def test_a_controller_that_names_no_port_is_the_reason(port: Any, told: str, bench: Bench) -> None:
    _, _, proxy = controllers(bench, port)
    outcome = bench.result(proxy.initialize(GroupMask=1))
    assert NotReady is type(outcome)
    assert told in str(outcome)


def test_a_controller_that_does_not_answer_is_given_up_in_the_time_of_a_lookup(bench: Bench) -> None:
    """The time to connect, 0.08 s, is for one connection, and a controller may think for longer."""
    _, _, proxy = controllers(bench, Deferred())
    told: list[str] = []
    link_of(proxy).observe(lambda state, reason: told.append(reason))
    bench.until(lambda: "asking for the port" == link_of(proxy).reason)
    bench.network.advance(8.0)
    assert "the equipment did not name its port within 5 s" in told
    bench.result(link_of(proxy).stopService())
    bench.network.advance(1.0)
    assert [] == [*bench.robot.timers, *bench.robot.sockets, *bench.robot.attempts]


def test_a_stop_while_the_port_is_asked_for_leaves_nothing(bench: Bench) -> None:
    door, _, proxy = controllers(bench, Deferred())
    bench.until(lambda: 1 == door.asked)
    bench.result(link_of(proxy).stopService())
    bench.network.advance(1.0)
    assert [] == [*bench.robot.timers, *bench.robot.sockets, *bench.robot.attempts]


class LoggingIn(Rmi):
    login = (Login("Password:", "{password}"),)


@pytest.mark.parametrize(
    ("at", "kind", "told"),
    [
        ("tcp:10.0.0.5", Rmi, "'tcp:10.0.0.5': the port is missing: write tcp:10.0.0.5:PORT"),
        (
            "tcp:10.0.0.5:16001",
            LoggingIn,
            "LoggingIn: port_from() cannot log in, so leave login out",
        ),
        (
            Bench().robot.connecting(Bench().camera, 1),
            Rmi,
            "port_from() needs then=, which makes the endpoint for a port, because at is not a text",
        ),
        ("tcp:10.0.0.5:16001", int, "<class 'int'> is not a subclass of Equipment"),
    ],
    ids=["no port", "login", "no text", "no declaration"],
)
def test_what_cannot_be_asked_for_a_port_is_refused(at: Any, kind: Any, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        port_from(at, kind, port_number, reactor=MemoryReactorClock())
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tcp:10.0.0.5:16001", "tcp:10.0.0.5:7"),
        ("tcp:10.0.0.5:16001:timeout=3:bindAddress=::", "tcp:10.0.0.5:7:timeout=3:bindAddress=::"),
        ("tcp:host=robot:port=16001", "tcp:host=robot:port=7"),
        (r"tcp:fe80\:\:1:16001", r"tcp:fe80\:\:1:7"),
        ("tls:robot:16001:caCerts=C:\\ca.pem", "tls:robot:7:caCerts=C\\:\\\\ca.pem"),
    ],
)
def test_the_port_of_an_endpoint_string_is_replaced(text: str, expected: str) -> None:
    assert expected == with_port(text, 7)


def test_a_link_is_named_by_the_place_where_it_asks() -> None:
    at = port_from("tcp:10.0.0.5:16001", Rmi, port_number, reactor=MemoryReactorClock())
    proxy = remote(Rmi, at=at, reactor=MemoryReactorClock())
    assert "link to the port that tcp:10.0.0.5:16001 names" == link_of(proxy).engine.name


def done_behind(bench: Bench, kind: Any) -> list[Any]:
    """Ask a camera to locate, behind the port that a lobby names, and return what it has done."""
    camera = MyCamera()
    for equipment, place in ((kind(), DOOR), (camera, 9000)):
        service: Any = serve(equipment, at=bench.camera.listening(place), reactor=bench.camera.clock)
        service.startService()
    at = port_from(
        bench.robot.connecting(bench.camera, DOOR),
        kind,
        lambda lobby: lobby.port(),
        then=partial(bench.robot.connecting, bench.camera),
        reactor=bench.robot.clock,
    )
    proxy = remote(VisionCamera, at=at, reactor=bench.robot.clock, policy=QUIET)
    bench.result(proxy.locate(3))
    return camera.done


def test_a_port_may_come_from_another_declaration(bench: Bench) -> None:
    """The sibling in plain text: ``PORT?`` is answered with ``PORT 9000``."""

    class Lobby(Equipment):
        framing = Delimited(b"\n")
        codec = Template()

        @command("PORT?", reply="PORT {port}")
        async def port(self) -> int:
            """Return the port of the camera."""
            return 9000

    assert [3] == done_behind(bench, Lobby)


def test_the_port_may_be_a_reply_with_a_framing_of_its_own(bench: Bench) -> None:
    """Four digits without an end, among lines."""

    class Lobby(Equipment):
        framing = Delimited(b"\n")
        codec = Template()

        @command("P", reply="{port:d}", reply_framing=FixedSize(4))
        async def port(self) -> int:
            """Return the port of the camera."""
            return 9000

    assert [3] == done_behind(bench, Lobby)
