"""The simulated network: it must have the faults of a real one, and no others."""

from __future__ import annotations

from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError
from twisted.internet.error import (
    AlreadyCalled,
    AlreadyCancelled,
    CannotListenError,
    ConnectingCancelledError,
    ConnectionRefusedError,
    TimeoutError,
)
from twisted.internet.interfaces import (
    IConsumer,
    IDelayedCall,
    IHalfCloseableProtocol,
    IListeningPort,
    IReactorTime,
    IStreamClientEndpoint,
    IStreamServerEndpoint,
    ITCPTransport,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer
from zope.interface.verify import verifyObject

from tcpcomm.framing import Lines
from tcpcomm.link.link import Link
from tcpcomm.link.states import LinkState
from tcpcomm.session.factory import FrameFactory
from tcpcomm.session.heartbeat import Heartbeat
from tcpcomm.session.limits import Limits
from tcpcomm.session.protocol import FrameProtocol
from tcpcomm.testing.network.clock import VirtualClock
from tcpcomm.testing.network.faults import FAULTS, Faults
from tcpcomm.testing.network.fixtures import simulated_network  # noqa: F401
from tcpcomm.testing.network.wire import Machine, Network

pytest_plugins = "pytester"

PORT = 9999


class Recorder(Protocol):
    """A protocol that records its events."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    @property
    def data(self) -> bytes:
        return b"".join(event for event in self.events if isinstance(event, bytes))

    @property
    def wire(self) -> Any:
        return self.transport

    def dataReceived(self, data: bytes) -> None:
        self.events.append(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.events.append(type(reason.value).__name__)


@implementer(IHalfCloseableProtocol)
class HalfCloseable(Recorder):
    def readConnectionLost(self) -> None:
        self.events.append("end")

    def writeConnectionLost(self) -> None:
        self.events.append("shut")


class Two:
    """Two machines and a connection between them."""

    def __init__(self, protocol: type[Recorder] = Recorder, seed: int = 1, **options: Any) -> None:
        self.network = Network(seed, **options)
        self.near, self.far = self.network.machine("near"), self.network.machine("far")
        self.accepted: list[Recorder] = []

        class Accepting(Factory):
            noisy = False

            def buildProtocol(_, addr: Any) -> Recorder:
                self.accepted.append(protocol())
                return self.accepted[-1]

        self.far.listening(PORT).listen(Accepting())
        self.connected: list[Any] = []
        self.dialled = Factory.forProtocol(protocol)
        self.dialled.noisy = False
        self.dial()
        self.network.advance(0.1)
        self.client: Recorder = self.connected[0]
        self.server = self.accepted[0]

    def dial(self, **options: Any) -> Any:
        attempt = self.near.connecting(self.far, PORT, **options).connect(self.dialled)
        attempt.addCallbacks(self.connected.append, lambda failure: self.connected.append(failure.value))
        return attempt


# -- time -----------------------------------------------------------------------------------------------


def test_each_callback_sees_its_own_time() -> None:
    clock = VirtualClock()
    seen: list[float] = []
    for delay in (3.0, 1.0, 2.0, 1.0):
        clock.callLater(delay, lambda: seen.append(clock.seconds()))
    clock.advance(10.0)
    assert [1.0, 1.0, 2.0, 3.0] == seen
    assert 10.0 == clock.seconds()


def test_calls_of_one_time_are_made_in_the_order_in_which_they_were_planned() -> None:
    clock = VirtualClock()
    order: list[Any] = []
    clock.callLater(1.0, order.append, "first")
    clock.callLater(0.5, clock.callLater, 0.5, order.append, "third")
    clock.callLater(1.0, lambda *, what: order.append(what), what="second")
    clock.advance(1.0)
    assert ["first", "second", "third"] == order


@given(st.lists(st.tuples(st.sampled_from(["reset", "delay", "cancel"]), st.integers(0, 5)), max_size=8))
def test_a_timer_can_be_moved_and_cancelled_at_will(moves: list[tuple[str, int]]) -> None:
    clock = VirtualClock()
    called: list[float] = []
    timer = clock.callLater(3.0, lambda: called.append(clock.seconds()))
    due: float | None = 3.0
    for what, amount in moves:
        clock.advance(0.5)
        if due is not None and due <= clock.seconds():
            break
        if due is None:
            with pytest.raises(AlreadyCancelled):
                timer.reset(amount)
        elif what == "cancel":
            timer.cancel()
            due = None
        elif what == "reset":
            timer.reset(amount + 1)
            due = clock.seconds() + amount + 1
        else:
            timer.delay(amount)
            due += amount
        assert (due is not None) is timer.active()
    clock.advance(100.0)
    assert ([] if due is None else [due]) == called
    with pytest.raises(AlreadyCancelled if due is None else AlreadyCalled):
        timer.cancel()


def test_an_endless_loop_raises_an_error() -> None:
    clock = VirtualClock()

    def again() -> None:
        clock.callLater(0.0, again)

    again()
    with pytest.raises(RuntimeError, match="endless loop"):
        clock.advance(1.0)


def test_a_condition_may_never_become_true() -> None:
    clock = VirtualClock()
    assert not clock.run_until(lambda: False, 5.0)
    assert 5.0 == clock.seconds()
    with pytest.raises(ValueError, match="cannot be planned"):
        clock.callLater(-1.0, print)


# -- bytes ----------------------------------------------------------------------------------------------


def test_it_provides_the_interfaces_of_twisted() -> None:
    two = Two()
    verifyObject(ITCPTransport, two.client.transport)
    verifyObject(IConsumer, two.client.transport)
    verifyObject(IStreamClientEndpoint, two.near.connecting(two.far, 1))
    verifyObject(IStreamServerEndpoint, two.near.listening(1))
    verifyObject(IListeningPort, two.far.ports[PORT])
    verifyObject(IReactorTime, two.network.clock)
    verifyObject(IReactorTime, two.near.clock)
    verifyObject(IDelayedCall, two.near.clock.callLater(1.0, print))


@given(
    st.lists(st.binary(min_size=1, max_size=50), max_size=20),
    st.integers(0, 1000),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.lists(st.sampled_from(["pull", "deafen", "mute", "hang", "slow down", "blip"]), max_size=5),
)
def test_bytes_arrive_in_order_and_once_despite_all_faults(
    pieces: list[bytes], seed: int, cuts: float, kinds: list[str]
) -> None:
    two = Two(seed=seed, cuts=cuts)
    for piece in pieces:
        two.client.wire.write(piece)
        if kinds:
            Faults(two.network, [two.near, two.far], kinds=kinds).inject()
        two.network.advance(0.05)
    two.client.wire.loseConnection()
    two.network.advance(60.0)
    assert b"".join(pieces) == two.server.data
    assert ["ConnectionDone"] == [event for event in two.server.events if isinstance(event, str)]


def test_bytes_arrive_in_other_chunks_than_they_were_sent() -> None:
    two = Two(cuts=1.0)
    two.client.wire.write(b"x" * 1000)
    two.network.advance(1.0)
    assert len(two.server.events) > 3
    for _ in range(10):
        two.server.wire.write(b"y")
    two.network.advance(1.0)
    assert [b"y" * 10] == two.client.events or len(two.client.events) < 10


def test_a_pulled_cable_is_not_reported_and_lost_bytes_are_sent_again() -> None:
    two = Two()
    two.near.pull()
    two.client.wire.write(b"lost")
    two.network.advance(100.0)
    assert ([], []) == (two.client.events, two.server.events)
    two.near.plug()
    two.network.advance(120.0)
    assert b"lost" == two.server.data


def test_one_direction_can_be_lost_alone() -> None:
    two = Two()
    two.far.mute()
    two.client.wire.write(b"there")
    two.server.wire.write(b"back")
    two.network.advance(1.0)
    assert (b"there", b"") == (two.server.data, two.client.data)


def test_a_producer_is_paused_while_the_buffers_are_full() -> None:
    two = Two()
    calls: list[str] = []

    class Producer:
        def pauseProducing(self) -> None:
            calls.append("pause")

        def resumeProducing(self) -> None:
            calls.append("resume")

        def stopProducing(self) -> None:
            calls.append("stop")

    two.client.wire.registerProducer(Producer(), True)
    two.server.wire.pauseProducing()
    two.client.wire.write(b"x" * 1_000_000)
    two.network.advance(1.0)
    assert (["pause"], b"") == (calls, two.server.data)
    two.server.wire.resumeProducing()
    two.network.advance(10.0)
    assert ["pause", "resume"] == calls
    assert 1_000_000 == len(two.server.data)
    two.client.wire.loseConnection()
    two.network.advance(1.0)
    assert ["pause", "resume", "stop"] == calls


# -- ends -----------------------------------------------------------------------------------------------


def test_an_orderly_end_comes_after_all_that_was_written() -> None:
    two = Two()
    two.client.wire.write(b"x" * 300_000)
    two.client.wire.loseConnection()
    two.network.advance(5.0)
    assert 300_000 == len(two.server.data)
    assert ("ConnectionDone", "ConnectionDone") == (two.client.events[-1], two.server.events[-1])


def test_an_aborted_connection_is_reset_for_the_peer() -> None:
    two = Two()
    two.client.wire.abortConnection()
    assert [] == two.client.events
    two.network.advance(1.0)
    assert (["ConnectionAborted"], ["ConnectionLost"]) == (two.client.events, two.server.events)


def test_a_reset_that_is_lost_leaves_the_peer_half_open_until_it_writes() -> None:
    two = Two()
    two.far.pull()
    two.client.wire.abortConnection()
    two.network.advance(10.0)
    two.far.plug()
    two.network.advance(1000.0)
    assert [] == two.server.events
    two.server.wire.write(b"hello?")
    two.network.advance(1.0)
    assert ["ConnectionLost"] == two.server.events


def test_a_crash_is_not_reported_and_the_machine_loses_its_connections() -> None:
    two = Two()
    two.far.crash()
    two.client.wire.write(b"hello?")
    two.network.advance(10.0)
    assert [] == two.client.events
    two.far.start()
    two.network.advance(30.0)
    assert ["ConnectionLost"] == two.client.events


def test_a_killed_program_is_closed_by_its_kernel() -> None:
    two = Two()
    two.far.clock.callLater(1.0, pytest.fail, "a dead program's timer")
    two.far.kill()
    two.network.advance(2.0)
    assert (["ConnectionDone"], []) == (two.client.events, two.server.events)


def test_closing_with_data_unread_is_a_reset() -> None:
    two = Two()
    two.server.wire.pauseProducing()
    two.client.wire.write(b"unread")
    two.network.advance(1.0)
    two.far.kill()
    two.network.advance(1.0)
    assert ["ConnectionLost"] == two.client.events


def test_half_a_connection_can_be_closed() -> None:
    two = Two(HalfCloseable)
    two.client.wire.write(b"question")
    two.client.wire.loseWriteConnection()
    two.network.advance(1.0)
    assert [b"question", "end"] == two.server.events
    two.server.wire.write(b"answer")
    two.server.wire.loseConnection()
    two.network.advance(1.0)
    assert ["shut", b"answer", "end"] == two.client.events
    two.client.wire.loseConnection()
    assert ["shut", b"answer", "end", "ConnectionDone"] == two.client.events


def test_an_exception_in_a_protocol_ends_its_connection() -> None:
    class Fails(Recorder):
        def dataReceived(self, data: bytes) -> None:
            raise ValueError

    two = Two(Fails)
    two.client.wire.write(b"boom")
    two.network.advance(1.0)
    assert (["ConnectionDone"], ["ValueError"]) == (two.client.events, two.server.events)


# -- connecting -----------------------------------------------------------------------------------------


def test_a_kernel_accepts_for_a_program_that_hangs() -> None:
    two = Two()
    two.far.hang()
    two.dial()
    two.network.advance(1.0)
    second = two.connected[1]
    second.transport.write(b"anybody?")
    two.network.advance(1.0)
    assert 1 == len(two.accepted)
    two.far.wake()
    two.network.advance(1.0)
    assert b"anybody?" == two.accepted[1].data


@pytest.mark.parametrize(
    ("prepare", "error"),
    [
        (lambda two: two.far.ports[PORT].stopListening(), ConnectionRefusedError),
        (lambda two: two.far.kill(), ConnectionRefusedError),
        (lambda two: two.far.crash(), TimeoutError),
        (lambda two: two.near.pull(), TimeoutError),
    ],
)
def test_an_attempt_to_connect_fails_as_in_a_real_network(prepare: Any, error: type[Exception]) -> None:
    two = Two()
    prepare(two)
    two.dial(timeout=2.0)
    two.network.advance(2.0)
    assert error is type(two.connected[1])
    assert {} == two.near.attempts


def test_a_dead_program_s_attempt_can_be_cancelled() -> None:
    two = Two()
    endpoint = two.near.connecting(two.far, PORT)
    two.near.kill()
    attempt = endpoint.connect(Factory.forProtocol(Recorder))
    failures: list[Failure] = []
    attempt.addErrback(failures.append)
    attempt.cancel()
    assert [CancelledError] == [failure.type for failure in failures]


@pytest.mark.parametrize("after", [0.0, 0.001, 0.0015])
def test_a_cancelled_attempt_leaves_nothing(after: float) -> None:
    for seed in range(20):
        two = Two(seed=seed)
        attempt = two.dial()
        two.network.advance(after)
        if len(two.connected) == 2:
            continue
        attempt.cancel()
        two.network.advance(1.0)
        assert isinstance(two.connected[1], ConnectingCancelledError)
        assert (1, 1) == (len(two.near.sockets), len(two.far.sockets))


def test_a_port_can_be_used_once() -> None:
    two = Two()
    errors: list[Any] = []
    two.far.listening(PORT).listen(Factory()).addErrback(errors.append)
    assert errors[0].check(CannotListenError)


# -- programs -------------------------------------------------------------------------------------------


def test_a_resumed_program_gets_its_late_timers_before_the_received_bytes() -> None:
    two = Two()
    order: list[Any] = []
    two.server.dataReceived = order.append  # type: ignore[method-assign,assignment]
    two.far.clock.callLater(0.2, lambda: two.far.clock.callLater(0.0, order.append, "looked again"))
    two.far.clock.callLater(0.1, lambda: order.append(two.far.clock.seconds() - began))
    began = two.far.clock.seconds()
    two.far.stall(1.0)
    two.client.wire.write(b"meanwhile")
    two.network.advance(2.0)
    assert [1.0, b"meanwhile", "looked again"] == order


def test_a_machine_that_is_started_again_boots_its_program() -> None:
    booted: list[Machine] = []
    two = Two()
    two.far.boot = booted.append
    two.far.start()
    assert [] == booted
    two.far.crash()
    two.far.start()
    assert [two.far] == booted


def test_connecting_again_makes_a_second_connection_for_a_while() -> None:
    two = Two()
    two.near.connect_again(0.5)
    two.network.advance(0.1)
    assert 2 == len(two.accepted)
    two.network.advance(1.0)
    assert ["ConnectionLost"] == two.accepted[1].events
    assert [] == two.server.events


@pytest.mark.parametrize("kind", FAULTS)
def test_every_fault_ends_by_itself(kind: str) -> None:
    two = Two()
    faults = Faults(two.network, [two.near, two.far], kinds=[kind])
    for _ in range(5):
        assert kind == faults.inject()
        two.network.advance(1.0)
    two.far.boot = None
    for machine in (two.near, two.far):
        assert (True, True, False) == (machine.is_hearing, machine.is_speaking, machine.program.hung)
        assert machine.program.alive
    assert 5 == faults.count


# -- for users ------------------------------------------------------------------------------------------


class Camera(FrameProtocol):
    """A user's equipment."""

    framing = Lines()

    def frameReceived(self, frame: bytes) -> None:
        self.sendFrame({b"PING": b"PONG"}.get(frame, b"OK," + frame))


def test_a_thousand_pulled_cables_take_about_a_second(simulated_network: Network) -> None:  # noqa: F811
    network = simulated_network
    camera, robot = network.machine("camera"), network.machine("robot")
    # A server that cannot notice a pulled cable must close silent sessions.
    factory = FrameFactory(Camera, limits=Limits(idle=0.9), clock=camera.clock)
    camera.listening(PORT).listen(factory)
    link = Link(
        connect=robot.connecting(camera, PORT), reactor=robot.clock, heartbeat=Heartbeat(b"PING", b"PONG")
    )
    link.startService()
    began = process_time()
    for number in range(1000):
        assert network.run_until(lambda: link.state is LinkState.READY, within=30.0)
        replies: list[bytes] = []
        link.request(b"%d" % number, timeout=1.0).addCallback(replies.append)
        network.advance(0.01)
        assert [b"OK,%d" % number] == replies
        camera.blip(0.35)
        network.advance(0.4)
    assert process_time() - began < 10.0  # about one second, and more on a slow or busy machine
    link.stopService()
    network.advance(1.0)
    assert 0 == len(factory.sessions)


def test_a_logged_error_fails_the_test_that_uses_the_fixture(pytester: Any) -> None:
    pytester.makepyfile(
        """
        from twisted.logger import Logger
        from tcpcomm.testing.network.fixtures import simulated_network

        def test_quiet(simulated_network):
            simulated_network.advance(1.0)

        def test_loud(simulated_network):
            Logger().error("it broke")
        """
    )
    result = pytester.runpytest("-p", "no:cacheprovider")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*errors were logged:*", "*it broke*"])
