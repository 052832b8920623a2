"""The link's engine for those who think in protocols and factories."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.error import ConnectionRefusedError, TimeoutError
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure

from tcpcomm.errors import ConfigurationError, NotReady
from tcpcomm.framing import Lines
from tcpcomm.link.reconnecting import ReconnectingFactory
from tcpcomm.link.states import LinkState
from tcpcomm.session.protocol import FrameProtocol
from tcpcomm.testing import RecordingObserver
from tests.link.wired import LAN, PORT, Bench


class Robot(FrameProtocol):
    """A user's protocol."""

    framing = Lines()

    def sessionReady(self) -> None:
        self.log_of_life = ["ready"]
        self.got: list[bytes] = []

    def frameReceived(self, frame: bytes) -> None:
        self.got.append(frame)

    def sessionLost(self, reason: str) -> None:
        self.log_of_life.append(reason)


class Plain(Protocol):
    """A protocol that knows nothing of this library."""

    lost = 0

    def connectionMade(self) -> None:
        self.got = b""

    def dataReceived(self, data: bytes) -> None:
        self.got += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost += 1


def ping(protocol: Any) -> None:
    protocol.transport.write(b"PING\r\n")


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.serve()
    return bench


def factory(bench: Bench, protocol: Any = Robot, **options: Any) -> ReconnectingFactory:
    made = ReconnectingFactory(protocol, policy=LAN, reactor=bench.robot.clock, **options)
    made.observe(lambda state, reason: bench.told.append((state, reason)))
    return made


def connected(bench: Bench, protocol: Any = Robot, **options: Any) -> ReconnectingFactory:
    made = factory(bench, protocol, **options)
    made.connect(bench.robot.connecting(bench.camera, PORT))
    return made


def test_options_that_only_a_link_has_are_refused() -> None:
    with pytest.raises(TypeError, match="does not take allow, limits; a Link does"):
        ReconnectingFactory(Robot, limits=None, allow=None)  # type: ignore[call-arg]


def test_sessions_of_a_plain_factory_report_to_the_observers_too(bench: Bench) -> None:
    recorder = RecordingObserver()
    robots: Any = Factory.forProtocol(Robot)
    robots.clock = bench.robot.clock
    bench.result(connected(bench, robots, observers=[recorder]).whenReady())
    assert [("opened",), ("ready",)] == recorder.only("opened", "ready")


@pytest.mark.parametrize("protocol", [Robot, Plain, Factory.forProtocol(Plain)])
def test_any_protocol_is_kept_connected(protocol: Any, bench: Bench) -> None:
    made = connected(bench, protocol, heartbeat=ping)
    first = bench.result(made.whenReady())
    bench.camera.pull()
    bench.until(lambda: made.state is not LinkState.READY and made.state is not LinkState.SUSPECT)
    bench.camera.plug()
    second = bench.result(made.whenReady())
    assert first is not second
    assert b"PONG" in (second.got[0] if isinstance(second, Robot) else second.got)


def test_a_protocol_is_told_why_its_session_is_over(bench: Bench) -> None:
    made = connected(bench, heartbeat=ping)
    robot = bench.result(made.whenReady())
    bench.camera.pull()
    bench.network.advance(1.0)
    assert ["ready", "no heartbeat for 0.30 s"] == robot.log_of_life


def test_a_frame_protocol_lives_by_the_clock_of_its_link(bench: Bench) -> None:
    made = connected(bench)
    robot = bench.result(made.whenReady())
    bench.network.advance(robot.limits.idle + 1.0)
    assert ["ready", "the peer was silent for 600 s"] == robot.log_of_life


def test_a_protocol_that_loses_its_connection_on_purpose_gets_another(bench: Bench) -> None:
    made = connected(bench, Plain)
    plain = bench.result(made.whenReady())
    plain.transport.write(b"BYE\r\n")
    plain.transport.loseConnection()
    assert LinkState.DOWN is made.state
    assert plain is not bench.result(made.whenReady())
    assert 1 == plain.lost
    assert [b"BYE"] == bench.peers.peers[0].received


def test_steps_get_the_protocol(bench: Bench) -> None:
    stepped: list[Any] = []
    made = connected(bench, on_ready=[stepped.append])
    assert [bench.result(made.whenReady())] == stepped


def test_stop_closes_the_connection_and_connects_no_more(bench: Bench) -> None:
    made = connected(bench, Plain, heartbeat=ping)
    plain = bench.result(made.whenReady())
    assert bench.result(made.stop()) is None
    assert 1 == plain.lost
    bench.network.advance(5.0)
    assert [] == bench.left()
    assert 1 == len(bench.peers.peers)


def test_stop_ends_within_its_grace_behind_a_dead_peer(bench: Bench) -> None:
    made = connected(bench, Plain)
    plain = bench.result(made.whenReady())
    bench.camera.pull()
    plain.transport.write(b"x" * 500_000)
    assert bench.result(made.stop(), LAN.grace + 0.01) is None
    assert [] == bench.left()


def test_a_factory_that_was_never_connected_can_be_stopped(bench: Bench) -> None:
    made = factory(bench)
    assert LinkState.DOWN is made.state
    assert bench.result(made.stop()) is None
    with pytest.raises(ConfigurationError, match="nothing to supervise yet"):
        made.kick()


def test_a_factory_keeps_one_connection(bench: Bench) -> None:
    made = connected(bench)
    with pytest.raises(ConfigurationError, match="keeps one connection"):
        made.connect(bench.robot.connecting(bench.camera, PORT))


def test_waiting_for_ready_fails_at_the_stop(bench: Bench) -> None:
    bench.camera.pull()
    made = connected(bench)
    waiting = made.whenReady()
    made.stop()
    assert isinstance(bench.result(waiting), NotReady)


# -- reactor.connectTCP ---------------------------------------------------------------------------------


class Reactor(MemoryReactorClock):
    """Twisted's in-memory reactor, with connectors that can fail, connect and lose as real ones do."""

    def connectTCP(self, *arguments: Any, **keywords: Any) -> Any:
        connector: Any = super().connectTCP(*arguments, **keywords)  # type: ignore[no-untyped-call]
        connector.state = "connecting"
        connector.attempts = 1

        def connect() -> None:
            assert connector.state == "disconnected"
            connector.state = "connecting"
            connector.attempts += 1

        connector.connect = connect
        connector.stopConnecting = lambda: self.failed(connector, TimeoutError())
        arguments[2].startedConnecting(connector)
        return connector

    def failed(self, connector: Any, error: Exception) -> None:
        connector.state = "disconnected"
        self.tcpClients[0][2].clientConnectionFailed(connector, Failure(error))

    def connected(self, connector: Any) -> Any:
        connector.state = "connected"
        protocol: Any = self.tcpClients[0][2].buildProtocol(None)
        protocol.makeConnection(StringTransport())
        return protocol

    def lost(self, connector: Any, protocol: Any) -> None:
        protocol.connectionLost(connectionDone)
        connector.state = "disconnected"
        self.tcpClients[0][2].clientConnectionLost(connector, connectionDone)


def test_it_is_a_factory_for_connect_tcp() -> None:
    reactor = Reactor()  # type: ignore[no-untyped-call]
    made = ReconnectingFactory(Plain, reactor=reactor)
    told: list[tuple[LinkState, str]] = []
    made.observe(lambda state, reason: told.append((state, reason)))
    connector = reactor.connectTCP("10.0.0.5", PORT, made)
    reactor.failed(connector, ConnectionRefusedError())
    assert (
        LinkState.DOWN,
        "refused: the machine is there, but no program listens on that port",
    ) == told[-1]
    reactor.advance(0.02)
    assert 2 == connector.attempts
    protocol = reactor.connected(connector)
    assert LinkState.READY is made.state
    reactor.lost(connector, protocol)
    assert (LinkState.DOWN, "the peer closed the connection") == told[-1]
    reactor.advance(0.02)
    assert 3 == connector.attempts


def test_an_attempt_of_connect_tcp_is_cut_short() -> None:
    reactor = Reactor()  # type: ignore[no-untyped-call]
    made = ReconnectingFactory(Plain, reactor=reactor)
    connector = reactor.connectTCP("10.0.0.5", PORT, made)
    reactor.advance(0.079)
    assert ("connecting", 1) == (connector.state, connector.attempts)
    reactor.advance(0.002)
    assert ("connecting", 2) == (connector.state, connector.attempts)
    stopped = made.stop()
    assert stopped.called
    assert "disconnected" == connector.state
    reactor.advance(10.0)
    assert 2 == connector.attempts
    assert [] == reactor.getDelayedCalls()
