"""The end of a link, the reports on the way, and the behaviour of Twisted's own endpoints."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Protocol
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure

from tcpcomm.errors import NotReady
from tcpcomm.link.connect import Acceptor
from tcpcomm.link.engine import Engine
from tcpcomm.link.link import Link
from tcpcomm.link.reconnecting import ReconnectingFactory
from tcpcomm.link.states import LinkState
from tests.link.wired import BEAT, LAN, PORT, QUIET, Bench

pytestmark = pytest.mark.usefixtures("logged")


@pytest.fixture
def bench() -> Bench:
    return Bench()


def states(bench: Bench) -> list[LinkState]:
    return [state for state, _ in bench.told]


# -- ending ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dials", [True, False])
def test_stop_leaves_nothing(dials: bool, bench: Bench) -> None:
    link = bench.link(dials=dials)
    bench.serve() if dials else bench.dial()
    bench.ready(link)
    assert bench.result(link.stopService(), 0.2) is None
    assert [] == bench.left()
    bench.network.advance(10.0)
    assert [] == bench.left()
    assert [LinkState.DRAINING, LinkState.DOWN] == states(bench)[-2:]


@pytest.mark.parametrize("dials", [True, False])
def test_who_waits_for_a_link_that_is_stopped_is_told_at_once(dials: bool, bench: Bench) -> None:
    """``whenReady`` after the stop never fired."""
    link = bench.link(dials=dials)
    bench.serve() if dials else bench.dial()
    bench.ready(link)
    name = link.engine.name
    stopping = link.stopService()
    outcomes: list[Any] = []
    link.whenReady().addErrback(lambda failure: outcomes.append(failure.value))
    assert 1 == len(outcomes), "while it stops"
    bench.result(stopping)
    link.whenReady().addErrback(lambda failure: outcomes.append(failure.value))
    assert 2 * [NotReady] == [type(each) for each in outcomes]
    assert 2 * [f"{name}: stopped here"] == [str(each) for each in outcomes]


def test_a_link_that_starts_again_can_be_waited_for_again(bench: Bench) -> None:
    bench.serve()
    link = bench.link()
    bench.ready(link)
    stopping = link.stopService()
    link.startService()
    assert link is bench.result(link.whenReady())
    bench.result(stopping)


def test_a_link_that_was_stopped_before_its_start_can_be_waited_for_after_it(bench: Bench) -> None:
    bench.serve()
    link = Link(connect=bench.robot.connecting(bench.camera, PORT), reactor=bench.robot.clock)
    bench.result(link.stopService())
    assert NotReady is type(bench.result(link.whenReady()))
    link.startService()
    assert link is bench.result(link.whenReady())


def test_what_was_sent_before_stop_still_leaves(bench: Bench) -> None:
    bench.serve()
    link = bench.link()
    bench.ready(link)
    for number in range(1000):
        link.send(b"%0100d" % number)
    bench.result(link.stopService())
    bench.network.advance(1.0)
    assert 1000 == len([line for line in bench.peers.last.received if len(line) == 100])
    assert "ConnectionDone" == bench.peers.last.over


def test_a_peer_that_sends_on_gets_what_was_sent_before_stop(bench: Bench) -> None:
    bench.serve()
    link = bench.link(policy=QUIET)
    bench.ready(link)
    bench.until(lambda: bool(bench.peers.peers))
    peer = bench.peers.last

    def send_on() -> None:
        if peer.over is None:
            peer.say(b"event")
            bench.camera.clock.callLater(0.0001, send_on)

    send_on()
    for number in range(1000):
        link.send(b"%0100d" % number)
    bench.result(link.stopService())
    bench.network.advance(1.0)
    assert 1000 == len([line for line in peer.received if len(line) == 100])
    assert "ConnectionDone" == peer.over


def test_a_session_that_closes_is_replaced_before_its_peer_has_closed(bench: Bench) -> None:
    bench.serve()
    link = bench.link(policy=QUIET)
    bench.ready(link)
    first = link.engine.protocol
    bench.camera.hang()
    first.close("no more")
    assert "no more" == link.reason
    bench.camera.wake()
    bench.ready(link)
    assert link.engine.protocol is not first
    bench.until(lambda: bench.peers.peers[0].over == "ConnectionDone")


@pytest.mark.parametrize("amount", [0, 1_000_000])
@pytest.mark.parametrize("heartbeat", [True, False])
def test_stop_ends_within_its_grace_behind_a_dead_peer(amount: int, heartbeat: bool, bench: Bench) -> None:
    bench.serve()
    link = bench.link(policy=LAN if heartbeat else QUIET)
    bench.ready(link)
    bench.camera.pull()
    for _ in range(amount // 1000):
        link.send(b"x" * 1000)
    assert bench.result(link.stopService(), LAN.grace + 0.01) is None
    assert [] == bench.left()


def test_a_session_that_had_closed_itself_does_not_outlive_the_grace(bench: Bench) -> None:
    bench.serve()
    link = bench.link(policy=QUIET)
    bench.ready(link)
    bench.camera.pull()
    link.send(b"x" * 500_000)
    link.engine.protocol.close("no more")
    bench.network.advance(0.5)
    assert bench.result(link.stopService(), LAN.grace + 0.01) is None
    assert [] == bench.left()


def test_a_foreign_protocol_that_had_closed_itself_does_not_outlive_the_grace(bench: Bench) -> None:
    bench.serve()
    made = ReconnectingFactory(Protocol, policy=LAN, reactor=bench.robot.clock)
    made.connect(bench.robot.connecting(bench.camera, PORT))
    protocol = bench.result(made.whenReady())
    bench.camera.pull()
    protocol.transport.write(b"x" * 500_000)
    protocol.transport.loseConnection()
    bench.network.advance(0.5)
    assert bench.result(made.stop(), LAN.grace + 0.01) is None
    assert [] == bench.left()


@pytest.mark.parametrize("when", [0.0, 0.001, 0.05, 0.1])
def test_a_cancelled_attempt_leaves_no_socket(when: float) -> None:
    for seed in range(20):
        bench = Bench(seed, delay=(0.0001, 0.03))
        bench.serve()
        bench.camera.pull() if when == 0.05 else None
        link = bench.link()
        bench.network.advance(when)
        bench.result(link.stopService())
        assert [] == bench.left()
        bench.camera.plug()
        bench.network.advance(5.0)
        assert [] == bench.left()
        assert [] == list(bench.camera.sockets)


def test_a_link_that_was_stopped_can_be_started_again(bench: Bench) -> None:
    bench.serve()
    link = bench.link()
    for _ in range(3):
        bench.ready(link)
        bench.camera.pull()
        bench.network.advance(1.0)
        bench.camera.plug()
        bench.ready(link)
        bench.result(link.stopService())
        assert LinkState.DOWN is link.state
        link.startService()


@pytest.mark.parametrize("dials", [True, False])
def test_a_start_while_it_stops_waits_for_the_stop(dials: bool, bench: Bench) -> None:
    bench.serve() if dials else None
    link = bench.link(dials=dials)
    None if dials else bench.dial()
    bench.ready(link)
    bench.camera.pull()
    link.send(b"x" * 500_000)
    stopped = link.stopService()
    link.startService()
    assert LinkState.DRAINING is link.state
    assert bench.result(stopped) is None
    bench.camera.plug()
    None if dials else bench.dial()
    bench.ready(link)


def test_stopping_twice_tells_both(bench: Bench) -> None:
    bench.serve()
    link = bench.link()
    bench.ready(link)
    first, second = link.stopService(), link.stopService()
    assert [None, None] == [bench.result(first), bench.result(second)]
    assert bench.result(link.stopService()) is None


def test_stopping_what_was_never_started_is_done_at_once(bench: Bench) -> None:
    link = Link(connect=bench.robot.connecting(bench.camera, PORT), reactor=bench.robot.clock)
    assert bench.result(link.stopService(), 0.0) is None


@pytest.mark.parametrize(
    "state", [LinkState.CONNECTING, LinkState.HANDSHAKING, LinkState.READY, LinkState.DOWN]
)
def test_an_observer_may_stop_the_link_in_any_state(state: LinkState, bench: Bench) -> None:
    bench.camera.pull() if state is LinkState.DOWN else bench.serve()
    stopped: list[Deferred[None]] = []

    def stop(now: LinkState, reason: str) -> None:
        if now is state and not stopped:
            stopped.append(link.stopService())

    link = Link(
        connect=bench.robot.connecting(bench.camera, PORT),
        reactor=bench.robot.clock,
        heartbeat=BEAT,
        policy=LAN,
    )
    link.observe(stop)
    link.startService()
    bench.until(lambda: bool(stopped))
    assert bench.result(stopped[0], 0.1) is None
    bench.network.advance(5.0)
    assert [] == bench.left()
    assert LinkState.DOWN is link.state


def test_all_observers_are_told_in_order_though_the_first_of_them_acts(bench: Bench) -> None:
    told: list[LinkState] = []
    bench.serve()
    link = bench.link()
    link.observe(lambda state, reason: link.kick() if state is LinkState.DOWN else None)
    link.observe(lambda state, reason: told.append(state))
    bench.ready(link)
    bench.camera.reset()
    bench.until(lambda: link.state is not LinkState.READY)
    bench.ready(link)
    assert [
        *(LinkState.HANDSHAKING, LinkState.READY),
        *(LinkState.DOWN, LinkState.CONNECTING, LinkState.HANDSHAKING, LinkState.READY),
    ] == told[-6:]


@pytest.mark.parametrize("state", LinkState)
def test_an_observer_that_fails_harms_nobody(state: LinkState, bench: Bench, logged: list[str]) -> None:
    def fails(now: LinkState, reason: str) -> None:
        if now is state:
            raise ValueError("an observer's fault")

    bench.serve()
    link = bench.link()
    link.observe(fails)
    bench.ready(link)
    bench.camera.pull()
    bench.network.advance(0.5)
    bench.camera.plug()
    bench.ready(link)
    assert bench.result(link.stopService()) is None
    assert logged
    logged.clear()


def test_an_observer_that_was_removed_is_not_called(bench: Bench) -> None:
    told: list[LinkState] = []
    bench.serve()
    link = bench.link()
    end = link.observe(lambda state, reason: told.append(state))
    bench.ready(link)
    end()
    end()
    before = list(told)
    bench.result(link.stopService())
    assert before == told


# -- waiting for it -------------------------------------------------------------------------------------


def test_when_ready_fires_with_the_link_as_soon_as_it_is(bench: Bench) -> None:
    link = bench.link()
    waiting = link.whenReady()
    bench.network.advance(1.0)
    assert not waiting.called
    bench.serve()
    assert link is bench.result(waiting)
    assert link is bench.result(link.whenReady(), 0.0)


def test_when_ready_can_be_cancelled(bench: Bench) -> None:
    link = bench.link()
    waiting, other = link.whenReady(), link.whenReady()
    waiting.cancel()
    assert isinstance(bench.result(waiting), CancelledError)
    bench.serve()
    assert link is bench.result(other)


def test_when_ready_fails_when_the_link_is_stopped(bench: Bench) -> None:
    link = bench.link()
    waiting = link.whenReady()
    link.stopService()
    assert isinstance(bench.result(waiting), NotReady)


def test_a_waiting_caller_may_end_the_session_before_the_turn_of_others(bench: Bench) -> None:
    link = bench.link()
    order: list[str] = []
    first, second, third = link.whenReady(), link.whenReady(), link.whenReady()

    def end(_: object) -> None:
        order.append("first")
        third.cancel()
        link.engine.drop("dropped by the first")

    first.addCallback(end)
    second.addCallback(lambda _: order.append("second"))
    third.addErrback(lambda _: order.append("third was cancelled"))
    bench.serve()
    bench.until(lambda: bool(order))
    assert ["first", "third was cancelled"] == order
    bench.until(lambda: second.called)
    assert 2 == len(bench.peers.peers)


# -- Twisted's own transports and endpoints -------------------------------------------------------------


def test_stopping_as_soon_as_it_is_ready_works_with_twisted_s_endpoints() -> None:
    reactor = MemoryReactorClock()
    link = Link(connect=TCP4ClientEndpoint(reactor, "10.0.0.5", PORT), reactor=reactor)
    stopped: list[Any] = []
    link.whenReady().addCallback(lambda _: stopped.append(link.stopService()))
    link.startService()
    protocol: Any = reactor.tcpClients[0][2].buildProtocol(None)
    protocol.makeConnection(StringTransport())
    assert LinkState.DRAINING is link.state
    protocol.connectionLost(Failure(ConnectionError()))
    assert stopped[0].called


def test_a_port_in_use_is_asked_for_again(bench: Bench, logged: list[str]) -> None:
    bench.serve(bench.robot)
    link = bench.link(dials=False)
    bench.network.advance(3.5)
    assert "address in use" in link.reason
    assert 1 == len(logged)
    logged.clear()
    bench.robot.ports[PORT].stopListening()
    bench.network.advance(1.0)
    assert "waiting for the peer to connect" == link.reason
    bench.dial()
    bench.ready(link)


def test_a_link_can_be_stopped_while_its_port_is_in_use(bench: Bench, logged: list[str]) -> None:
    bench.serve(bench.robot)
    link = bench.link(dials=False)
    bench.network.advance(0.5)
    assert bench.result(link.stopService()) is None
    assert [] == bench.robot.timers
    assert 1 == len(logged)
    logged.clear()


def test_a_port_that_is_opened_only_after_the_stop_is_closed_again() -> None:
    closed: list[bool] = []

    class Port:
        def stopListening(self) -> None:
            closed.append(True)

    class Slow:
        opening: Deferred[Any] = Deferred()

        def listen(self, factory: Any) -> Deferred[Any]:
            return self.opening

    bench, endpoint = Bench(), Slow()
    engine = Engine(None, Acceptor(endpoint), QUIET, clock=bench.robot.clock, name="link")  # type: ignore[arg-type]
    engine.start()
    assert bench.result(engine.stop()) is None
    assert [] == closed
    endpoint.opening.callback(Port())
    assert [True] == closed
