"""A link at work on a simulated network: how it comes up, what it notices, and how it comes back."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest
from attrs import evolve
from twisted.internet.address import IPv4Address
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionLost
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from zope.interface import provider

from tcpcomm.errors import NotReady
from tcpcomm.link.connect import Connector
from tcpcomm.link.engine import MAX_LOGGED_REASONS, MOST_CLOSING, Engine
from tcpcomm.link.link import Link
from tcpcomm.link.policy import Backoff
from tcpcomm.link.states import LinkState
from tcpcomm.link.supervisor import no_answer_text
from tcpcomm.session.admission import Abuse
from tcpcomm.session.heartbeat import Heartbeats
from tcpcomm.session.rivals import REFUSAL_DELAY
from tests.link.wired import LAN, PORT, QUIET, Bench, Peer
from tests.session.stage import TLSTransport, Transport, recorded_log

pytestmark = pytest.mark.usefixtures("logged")


@pytest.fixture
def bench() -> Bench:
    return Bench()


def states(bench: Bench) -> list[LinkState]:
    return [state for state, _ in bench.told]


# -- coming up ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host_dials", [True, False])
@pytest.mark.parametrize("robot_is_host", [True, False])
def test_either_side_may_be_host_and_either_may_dial(host_dials: bool, robot_is_host: bool) -> None:
    bench = Bench()
    host_at, equipment_at = (bench.robot, bench.camera) if robot_is_host else (bench.camera, bench.robot)
    equipment = bench.link(
        dials=not host_dials, machine=equipment_at, received=lambda frame: b"did " + frame
    )
    host = bench.link(dials=host_dials, machine=host_at)
    bench.ready(host, equipment)
    assert b"did it" == bench.result(host.request(b"it", timeout=1.0))
    equipment_at.pull()
    bench.network.advance(1.0)
    assert host.state in (LinkState.DOWN, LinkState.CONNECTING)
    equipment_at.plug()
    bench.ready(host, equipment)
    assert b"did it again" == bench.result(host.request(b"it again", timeout=1.0))


def test_each_state_is_told_with_its_reason(bench: Bench) -> None:
    bench.serve()
    bench.ready(bench.link())
    assert [
        (LinkState.CONNECTING, "dialling"),
        (LinkState.HANDSHAKING, "TCP is connected"),
        (LinkState.READY, "the peer is proven"),
    ] == bench.told


def test_a_hung_program_behind_a_backlog_that_accepts_is_not_ready(bench: Bench) -> None:
    bench.serve()
    bench.camera.hang()
    link = bench.link()
    bench.network.advance(10.0)
    assert LinkState.READY not in states(bench)
    assert (
        LinkState.DOWN,
        "host answers but the program does not: the link was not ready within 2 s",
    ) in bench.told
    bench.camera.wake()
    bench.ready(link)


def test_an_attempt_that_is_given_up_is_cancelled(bench: Bench) -> None:
    class Deaf:
        """An endpoint that never connects."""

        cancelled = 0

        def connect(self, factory: Any) -> Deferred[Any]:
            return Deferred(self.cancel)

        def cancel(self, _: Any) -> None:
            self.cancelled += 1

    endpoint: Any = Deaf()
    link = Link(connect=endpoint, policy=LAN, reactor=bench.robot.clock)
    link.startService()
    bench.network.advance(1.0)
    assert endpoint.cancelled >= 5
    bench.result(link.stopService())


def test_a_link_without_heartbeats_is_ready_when_tcp_is(bench: Bench) -> None:
    bench.serve()
    bench.camera.hang()
    bench.ready(bench.link(policy=QUIET))


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (lambda bench: None, "refused: the machine is there, but no program listens on that port"),
        (lambda bench: bench.camera.pull(), no_answer_text(0.08)),
        (lambda bench: bench.camera.crash(), no_answer_text(0.08)),
    ],
)
def test_the_reason_of_a_failed_attempt_is_told_in_plain_words(
    prepare: Any, reason: str, bench: Bench
) -> None:
    prepare(bench)
    bench.link()
    bench.until(lambda: bench.told[-1][0] is LinkState.DOWN)
    assert (LinkState.DOWN, reason) == bench.told[-1]


def test_a_factory_that_builds_nothing_fails_the_attempt(bench: Bench) -> None:
    class Refusing(type(bench.peers)):  # type: ignore[misc]
        def buildProtocol(self, addr: Any) -> Any:
            return None

    bench.serve()
    engine = Engine(
        Refusing(None),
        Connector(bench.robot.connecting(bench.camera, PORT)),
        QUIET,
        clock=bench.robot.clock,
        name="link",
    )
    engine.start()
    bench.until(lambda: engine.state is LinkState.DOWN)
    assert bench.result(engine.stop()) is None
    assert [] == bench.left()


# -- noticing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (lambda bench: bench.camera.pull(), "no heartbeat for 0.30 s"),
        (lambda bench: bench.robot.pull(), "no heartbeat for 0.30 s"),
        (lambda bench: bench.camera.deafen(), "no heartbeat for 0.30 s"),
        (lambda bench: bench.camera.mute(), "no heartbeat for 0.30 s"),
        (lambda bench: bench.camera.crash(), "no heartbeat for 0.30 s"),
        (lambda bench: bench.camera.hang(), "no heartbeat for 0.30 s"),
        (lambda bench: bench.camera.kill(), "the peer closed the connection"),
        (lambda bench: bench.camera.finish(), "the peer closed the connection"),
        (
            lambda bench: bench.camera.reset(),
            "the connection broke: the peer vanished, or closed without saying so",
        ),
    ],
    ids=["cable", "own cable", "deaf", "mute", "crash", "hang", "kill", "end", "reset"],
)
def test_a_dead_peer_is_noticed_in_time_and_named(fault: Any, reason: str, bench: Bench) -> None:
    bench.serve()
    link = bench.link()
    bench.ready(link)
    bench.network.advance(0.55)
    began = bench.now
    fault(bench)
    bench.until(lambda: link.state is LinkState.DOWN)
    assert reason == link.reason
    assert bench.now - began <= 0.3 + 2 * 0.1


def test_a_short_loose_contact_kills_nothing(bench: Bench) -> None:
    bench.serve()
    link = bench.link(policy=evolve(LAN, heartbeats=Heartbeats(0.1, 0.6)))
    bench.ready(link)
    for _ in range(20):
        bench.camera.blip(0.03)
        bench.network.advance(1.0)
    up = {LinkState.CONNECTING, LinkState.HANDSHAKING, LinkState.READY, LinkState.SUSPECT}
    assert up.issuperset(states(bench))
    assert 1 == states(bench).count(LinkState.CONNECTING)


def test_ten_stalls_of_this_process_kill_no_healthy_link(bench: Bench) -> None:
    bench.serve()
    link = bench.link()
    bench.ready(link)
    for _ in range(10):
        bench.network.advance(0.37)
        bench.robot.stall(0.5)
        bench.network.advance(0.5)
    bench.network.advance(1.0)
    assert [LinkState.CONNECTING, LinkState.HANDSHAKING, LinkState.READY] == states(bench)


def test_stalls_do_not_turn_replies_that_are_there_into_timeouts(bench: Bench) -> None:
    bench.serve()
    link = bench.link()
    bench.ready(link)
    for _ in range(10):
        reply = link.request(b"it", timeout=0.2)
        bench.robot.stall(0.5)
        assert b"re it" == bench.result(reply)
    assert 1 == len(bench.peers.peers)


def test_equipment_that_is_excused_may_work_without_answering(bench: Bench) -> None:
    bench.peers.answer = lambda line: None
    bench.serve()
    link = bench.link(
        heartbeat=lambda protocol: protocol.sendFrame(b"PING"), received=lambda frame: None
    )
    bench.until(lambda: bool(bench.peers.peers))
    bench.peers.last.say(b"hello")
    bench.ready(link)
    asked = bench.peers.last.received.count(b"PING")
    link.engine.excuse(5.0)
    bench.network.advance(4.9)
    assert (LinkState.READY, asked) == (link.state, bench.peers.last.received.count(b"PING"))
    link.engine.excuse()
    began = bench.now
    bench.until(lambda: link.state is LinkState.DOWN)
    assert "no heartbeat for 0.30 s" == link.reason
    assert bench.now - began <= 0.31


def test_without_heartbeats_silence_means_nothing(bench: Bench) -> None:
    bench.serve()
    link = bench.link(policy=QUIET)
    bench.ready(link)
    bench.camera.pull()
    bench.network.advance(3600.0)
    assert LinkState.READY is link.state
    assert [] == bench.robot.timers


# -- coming back ----------------------------------------------------------------------------------------


def test_a_cable_is_found_again_as_soon_as_it_is_plugged_in(bench: Bench) -> None:
    bench.serve()
    link = bench.link()
    bench.ready(link)
    for _ in range(50):
        bench.camera.pull()
        bench.network.advance(1.0)
        bench.camera.plug()
        plugged = bench.now
        bench.ready(link)
        assert bench.now - plugged < 0.08 + 0.02 + 0.02
        bench.network.advance(0.5)


def test_a_peer_that_was_killed_and_started_again_is_found(bench: Bench) -> None:
    bench.camera.boot = bench.serve
    bench.serve()
    link = bench.link()
    bench.ready(link)
    bench.camera.kill()
    bench.network.advance(3.0)
    assert "refused: the machine is there, but no program listens on that port" == link.reason
    bench.camera.start()
    bench.ready(link)


def test_kick_dials_at_once(bench: Bench) -> None:
    link = bench.link(policy=evolve(LAN, backoff=Backoff(quick=60.0, quick_for=600.0, cap=60.0)))
    bench.until(lambda: link.state is LinkState.DOWN)
    bench.serve()
    bench.network.advance(1.0)
    assert LinkState.DOWN is link.state
    link.kick()
    bench.ready(link)


def test_a_second_connection_from_the_same_machine_evicts_the_first(bench: Bench) -> None:
    link = bench.link(dials=False)
    bench.dial()
    bench.ready(link)
    bench.told.clear()
    zombie = bench.peers.last
    bench.dial()
    bench.until(lambda: len(bench.told) == 2)
    assert [
        (LinkState.HANDSHAKING, "the peer connected again"),
        (LinkState.READY, "the peer is proven"),
    ] == bench.told
    bench.network.advance(0.1)
    assert "ConnectionLost" == zombie.over
    assert [None] == [each.over for each in bench.peers.peers if each is not zombie]


def test_a_connection_from_another_machine_is_refused_while_the_peer_is_there(bench: Bench) -> None:
    link = bench.link(dials=False)
    bench.dial()
    bench.ready(link)
    bench.dial(bench.network.machine("stranger"))
    bench.network.advance(0.5)
    assert [None, "ConnectionLost"] == [each.over for each in bench.peers.peers]
    assert LinkState.READY is link.state


def test_a_step_of_an_evicted_connection_does_not_go_on_in_the_next(bench: Bench) -> None:
    steps: list[Any] = []

    async def step(handshake: Any) -> None:
        mine = len(steps)
        steps.append("begun")
        try:
            await handshake.request(b"login %d" % mine, timeout=1.0)
            steps[mine] = "done"
        except NotReady:
            steps[mine] = "not ready"
        except BaseException as error:
            steps[mine] = type(error).__name__
            raise

    link = bench.link(dials=False, on_ready=[step])
    bench.peers.answer = lambda line: None if line == b"login 0" else b"PONG" if line == b"PING" else line
    bench.dial()
    bench.until(lambda: steps == ["begun"])
    bench.dial()
    bench.ready(link)
    assert ["CancelledError", "done"] == steps


def test_steps_are_taken_again_on_every_connection_before_anything_else(bench: Bench) -> None:
    async def log_in(handshake: Any) -> None:
        await handshake.request(b"login", timeout=1.0)

    async def subscribe(handshake: Any) -> None:
        await handshake.request(b"subscribe", timeout=1.0)

    refused: list[Any] = []

    def impatient(state: LinkState, reason: str) -> None:
        if state is LinkState.HANDSHAKING:
            link.request(b"too early", timeout=1.0).addErrback(refused.append)
        if state is LinkState.READY:
            link.request(b"command", timeout=1.0)

    bench.serve()
    link = bench.link(on_ready=[log_in, subscribe])
    link.observe(impatient)
    for number in range(3):
        bench.ready(link)
        bench.network.advance(0.05)
        expected = [b"login", b"subscribe", b"PING", b"command"]
        assert sorted(expected) == sorted(bench.peers.last.received[:4])
        assert expected[:2] == bench.peers.last.received[:2]
        assert number + 1 == len(refused)
        bench.camera.reset()
        bench.until(lambda: link.state is not LinkState.READY)
    assert all(failure.check(NotReady) for failure in refused)


def test_between_two_steps_nobody_else_can_send(bench: Bench) -> None:
    between: Deferred[None] = Deferred()

    async def log_in(handshake: Any) -> None:
        await handshake.request(b"login", timeout=1.0)
        await between

    bench.serve()
    link = bench.link(on_ready=[log_in])
    bench.until(lambda: bool(bench.peers.peers) and bench.peers.last.received == [b"login"])
    bench.network.advance(0.1)
    with pytest.raises(NotReady, match="handshaking"):
        link.send(b"too early")
    between.callback(None)
    bench.ready(link)
    link.send(b"now")


@pytest.mark.parametrize("late", [True, False])
def test_a_step_that_fails_drops_the_connection_and_is_tried_again(late: bool, bench: Bench) -> None:
    tries: list[int] = []

    async def fails(handshake: Any) -> None:
        tries.append(1)
        if late:
            await handshake.request(b"login", timeout=1.0)
        if len(tries) < 3:
            raise ValueError("wrong password")

    bench.serve()
    link = bench.link(on_ready=[fails])
    bench.ready(link)
    assert 3 == len(tries)
    assert 2 == bench.told.count((LinkState.DOWN, "an on_ready step failed: wrong password"))


def test_a_step_that_hangs_is_cancelled_when_the_handshake_takes_too_long(bench: Bench) -> None:
    cancelled: list[float] = []

    def hangs(handshake: Any) -> Deferred[None]:
        return Deferred(lambda _: cancelled.append(bench.now))

    bench.serve()
    bench.link(on_ready=[hangs])
    bench.until(lambda: bool(cancelled))
    assert 2.0 == pytest.approx(bench.now, abs=0.05)
    assert 1 == len(bench.peers.peers)


def test_a_step_that_shrugs_off_its_cancellation_takes_no_further_step(bench: Bench) -> None:
    taken: list[Any] = []

    async def stubborn(handshake: Any) -> None:
        try:
            await Deferred()
        except CancelledError:
            taken.append("cancelled")

    bench.serve()
    bench.link(on_ready=[stubborn, lambda handshake: taken.append("next")])
    bench.until(lambda: bool(taken))
    bench.network.advance(0.01)
    assert ["cancelled"] == taken


def test_a_step_that_ends_its_session_and_waits_is_cancelled(bench: Bench) -> None:
    cancelled: list[float] = []

    async def ends(handshake: Any) -> None:
        if not cancelled:
            handshake.link.engine.drop("dropped by a step")
            await Deferred(lambda _: cancelled.append(bench.now))

    bench.serve()
    link = bench.link(on_ready=[ends])
    bench.until(lambda: bool(cancelled))
    assert bench.now < 0.01
    bench.ready(link)


def test_a_peer_that_accepts_and_hangs_up_is_not_dialled_without_rest(bench: Bench) -> None:
    class HangsUp(Peer):
        def connectionMade(self) -> None:
            super().connectionMade()
            assert self.transport is not None
            self.transport.loseConnection()

    bench.peers.protocol = HangsUp
    bench.serve()
    bench.link(policy=QUIET)
    bench.network.advance(60.0)
    in_the_first_minute = len(bench.peers.peers)
    bench.network.advance(60.0)
    assert len(bench.peers.peers) - in_the_first_minute < 100


class Greets(Peer):
    """A peer that says something at once."""

    def connectionMade(self) -> None:
        super().connectionMade()
        self.say(b"welcome")


def refuse(_: object) -> None:
    raise ValueError("out of order")


def sessions_in_ten_seconds(bench: Bench, **options: Any) -> int:
    bench.peers.protocol = Greets
    bench.serve()
    bench.link(policy=QUIET, heartbeat=None, **options)
    bench.network.advance(10.0)
    return len(bench.peers.peers)


def test_a_step_that_fails_again_and_again_is_not_tried_without_rest(bench: Bench) -> None:
    assert 5 < sessions_in_ten_seconds(bench, on_ready=[refuse]) < 30


def test_a_session_that_an_exception_ends_at_once_is_not_made_without_rest(
    bench: Bench, logged: list[str]
) -> None:
    assert 5 < sessions_in_ten_seconds(bench, received=refuse) < 30
    assert len(logged) == len([line for line in logged if "out of order" in line])
    logged.clear()


def told_by_log(bench: Bench, link: Link, seconds: float) -> list[str]:
    """Return the lines that a link logs for some time."""
    lines: list[str] = []

    @provider(ILogObserver)
    def observe(event: LogEvent) -> None:
        if event.get("log_namespace", "").startswith("tcpcomm.link.engine"):
            lines.append(f"{event['state']}: {event['reason']}")

    globalLogPublisher.addObserver(observe)
    try:
        bench.network.advance(seconds)
    finally:
        globalLogPublisher.removeObserver(observe)
    return lines


def test_an_outage_is_logged_by_its_reasons_and_not_by_its_attempts(bench: Bench) -> None:
    link = bench.link()
    assert ["down: refused: the machine is there, but no program listens on that port"] == told_by_log(
        bench, link, 20.0
    )
    bench.serve()
    assert ["ready: the peer is proven"] == told_by_log(bench, link, 5.0)
    bench.camera.pull()
    lines = told_by_log(bench, link, 20.0)
    assert "down: no heartbeat for 0.30 s" in lines
    assert len(lines) == len(set(lines))


def test_a_peer_that_gives_another_reason_each_time_does_not_fill_the_log(bench: Bench) -> None:
    bench.serve()
    count = iter(range(10**6))

    def fails(handshake: Any) -> None:
        raise ValueError(f"reason {next(count)}")

    link = bench.link(on_ready=[fails])
    assert MAX_LOGGED_REASONS == len(told_by_log(bench, link, 20.0))


def test_refused_peers_that_wait_for_their_end_are_few(bench: Bench) -> None:
    link = bench.link(dials=False)
    bench.network.advance(0.1)
    hosts = [f"10.0.0.{number % 250}" for number in range(300)]
    refused = [Mock(peer=f"{host}:1", host=host) for host in hosts]
    with recorded_log() as logged:
        for each in refused:
            link.engine.abort_later(each, "another is connected")
        assert link.engine.admission.max_unproven == sum(not each.abort.called for each in refused)
        bench.network.advance(REFUSAL_DELAY + 0.1)
        assert [1] * 300 == [each.abort.call_count for each in refused]
        logged.lines()
    assert 0 == link.engine.admission.unproven


def come_by_tls(link: Link, host: str) -> TLSTransport:
    """Let a peer connect to a link and complete TLS, without a certificate. Return its transport."""
    transport = TLSTransport(IPv4Address("TCP", host, 1))
    transport.protocol = link.engine.sessions.buildProtocol(transport.address)
    transport.protocol.makeConnection(transport)
    transport.complete_handshake()
    return transport


def test_a_refused_peer_that_is_lost_before_its_end_is_counted_once(bench: Bench) -> None:
    link = bench.link(dials=False, policy=QUIET)
    first = come_by_tls(link, "10.0.0.1")
    with recorded_log() as logged:
        refused = come_by_tls(link, "10.0.0.2")
        refused.break_off(ConnectionLost())
        assert 1 == len([line for line in logged.lines() if "refused" in line])
    assert {Abuse.NAME: 1} == dict(link.abuse)
    first.break_off(ConnectionLost())
    bench.result(link.stopService())


class Rude(Transport):
    """A transport whose peer does not close. It may be aborted twice, as Twisted's."""

    polite = False

    def abortConnection(self) -> None:
        self.ended = "aborted"


def test_sessions_that_are_still_closing_are_few(bench: Bench) -> None:
    link = bench.link(dials=False, policy=QUIET)
    transports: list[Rude] = []
    for port in range(50):
        transport = Rude(IPv4Address("TCP", "10.0.0.1", port))
        transport.protocol = link.engine.sessions.buildProtocol(transport.address)
        transport.protocol.makeConnection(transport)
        transport.protocol.protocol.close()
        transports.append(transport)
    assert [*transports[-MOST_CLOSING - 1 :]] == [each for each in transports if each.ended is None]
    for each in transports:
        each.break_off(ConnectionLost())
    bench.result(link.stopService())
