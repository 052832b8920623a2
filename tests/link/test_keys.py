"""Links that prove their peer by a key, on a simulated network: pulled cables, strangers, zombies."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol

from tcpcomm.errors import ConfigurationError
from tcpcomm.framing import Lines
from tcpcomm.link.link import Link
from tcpcomm.link.reconnecting import ReconnectingFactory
from tcpcomm.link.states import LinkState
from tcpcomm.net.psk import PreSharedKeys
from tcpcomm.session.admission import Abuse
from tcpcomm.session.factory import FrameFactory
from tcpcomm.session.limits import MAX_UNPROVEN
from tcpcomm.session.protocol import FrameProtocol
from tests.link.wired import BEAT, LAN, PORT, QUIET, Bench
from tests.session.stage import recorded_log

KEY = bytes(range(32))
CAMERA = PreSharedKeys("camera", {"robot": KEY, "robot-2": b"another key, random"})
ROBOT = PreSharedKeys("robot", {"camera": KEY})
OTHER = PreSharedKeys("robot-2", {"camera": b"another key, random"})
WRONG = PreSharedKeys("robot", {"camera": b"x" * 32})


class Silent(Protocol):
    """Says nothing."""


def silent() -> Any:
    factory = Factory.forProtocol(Silent)
    factory.noisy = False
    return factory


@pytest.fixture
def bench() -> Bench:
    return Bench()


def camera(bench: Bench, **options: Any) -> Link:
    return bench.link(
        dials=False,
        machine=bench.camera,
        keys=CAMERA,
        received=lambda frame: b"did " + frame,
        **options,
    )


def robot(bench: Bench, keys: PreSharedKeys = ROBOT, machine: Any = None, **options: Any) -> Link:
    here = machine or bench.robot
    link = Link(
        connect=here.connecting(bench.camera, PORT),
        reactor=here.clock,
        policy=LAN,
        heartbeat=BEAT,
        keys=keys,
        **options,
    )
    link.startService()
    return link


def test_two_links_prove_themselves_again_after_every_pull(bench: Bench) -> None:
    listening, dialling = camera(bench), robot(bench)
    for number in range(20):
        bench.ready(listening, dialling)
        assert b"did %d" % number == bench.result(dialling.request(b"%d" % number, timeout=1.0))
        bench.camera.pull()
        bench.until(lambda: dialling.state is LinkState.DOWN)
        bench.network.advance(0.3)
        bench.camera.plug()
    bench.result(dialling.stopService())
    bench.result(listening.stopService())
    bench.network.advance(1.0)
    assert [] == [*bench.left(), *bench.left(bench.camera)]


def test_steps_run_when_the_peer_is_proven_and_not_before(bench: Bench) -> None:
    stepped: list[float] = []
    link = camera(bench, on_ready=[lambda handshake: stepped.append(bench.now)])
    bench.robot.connecting(bench.camera, PORT).connect(silent())
    bench.network.advance(1.0)
    assert ([], LinkState.DOWN) == (stepped, link.state)
    bench.until(lambda: "refused" in link.reason)
    assert "the last peer that came was refused: the peer was not proven within 2 s" == link.reason
    robot(bench)
    bench.ready(link)
    assert 1 == len(stepped)


def test_a_peer_without_the_key_is_refused_and_the_reason_told(bench: Bench) -> None:
    link = camera(bench)
    stranger = robot(bench, WRONG)
    bench.until(lambda: link.state is LinkState.DOWN and "not proven" in link.reason)
    assert (
        "the last peer that came was refused: not proven: the peer calls itself robot but has another key, "
        "or connects to another name than ours" == link.reason
    )
    bench.until(lambda: "not proven" in stranger.reason)
    assert stranger.reason.endswith("perhaps it does not know our name, or its key is another")
    assert LinkState.READY not in [state for state, _ in bench.told]


def test_a_peer_with_another_key_is_not_dialled_without_rest(bench: Bench) -> None:
    camera(bench)
    stranger = robot(bench, WRONG)
    tries: list[LinkState] = []
    stranger.observe(lambda state, _: tries.append(state))
    bench.network.advance(10.0)
    assert 5 < tries.count(LinkState.HANDSHAKING) < 30


def test_strangers_neither_evict_the_peer_nor_keep_it_out(bench: Bench) -> None:
    link, dialling = camera(bench), robot(bench)
    bench.ready(link, dialling)
    with recorded_log() as logged:
        for _ in range(MAX_UNPROVEN + 5):
            bench.robot.connecting(bench.camera, PORT).connect(silent())
        bench.network.advance(1.0)
        assert LinkState.READY is link.state
        assert any(f"{MAX_UNPROVEN} connections were not proven" in line for line in logged.lines())
        bench.network.advance(2.0)
        assert any("the peer was not proven within 2 s" in line for line in logged.lines())
    assert 1 == len(link.engine.sessions.protocols)
    assert b"did it" == bench.result(dialling.request(b"it", timeout=1.0))
    assert [LinkState.DOWN, LinkState.HANDSHAKING, LinkState.READY] == [state for state, _ in bench.told]


def test_a_silent_stranger_that_came_first_gives_way_to_the_peer(bench: Bench) -> None:
    link = camera(bench)
    bench.robot.connecting(bench.camera, PORT).connect(silent())
    bench.until(lambda: bool(link.engine.sessions.protocols))
    began = bench.now
    dialling = robot(bench)
    bench.ready(link, dialling)
    assert bench.now - began < 0.2


def test_the_peer_gets_in_while_strangers_come_and_come(bench: Bench) -> None:
    link = camera(bench)
    strangers = bench.network.machine("strangers")

    def flood() -> None:
        for _ in range(20):
            strangers.connecting(bench.camera, PORT).connect(silent()).addErrback(lambda _: None)

    with recorded_log() as logged:
        for _ in range(20):
            flood()
            bench.network.advance(0.05)
        assert MAX_UNPROVEN == len(link.engine.sessions.protocols)
        began = bench.now
        dialling = robot(bench)
        while LinkState.READY is not dialling.state and bench.now < began + 1.0:
            flood()
            bench.network.advance(0.02)
        assert LinkState.READY is dialling.state
        assert bench.now - began < 0.2
        assert link.engine.admission.abuse[Abuse.DROPPED] > MAX_UNPROVEN
        bench.result(link.stopService())
        bench.result(dialling.stopService())
        logged.lines()


def test_a_proven_peer_that_is_refused_does_not_disturb_the_session(bench: Bench) -> None:
    later: Deferred[bytes] = Deferred()
    link, dialling = camera(bench), robot(bench, received=lambda frame: later)
    bench.ready(link, dialling)
    asked = link.request(b"how are you", timeout=5.0)
    with recorded_log() as logged:
        other = robot(bench, OTHER)
        bench.network.advance(0.5)
        assert any("is connected" in line for line in logged.lines())
    bench.result(other.stopService())
    assert LinkState.READY is link.state
    later.callback(b"fine")
    assert b"fine" == bench.result(asked)


def test_two_peers_of_one_name_do_not_evict_each_other_for_ever(bench: Bench) -> None:
    link, first = camera(bench), robot(bench)
    bench.ready(link, first)
    tries: list[str] = []
    with recorded_log() as logged:
        second = robot(bench, machine=bench.network.machine("the other robot"))
        second.observe(lambda state, reason: tries.append(f"{state.value}: {reason}"))
        bench.network.advance(20.0)
        evictions = link.engine.admission.abuse[Abuse.EVICTED]
        lines = [line for line in logged.lines() if "has the same name" in line]
    assert evictions == 1
    assert 1 <= len(lines) <= 5
    assert {LinkState.READY} < {first.state, second.state}
    loser = first if second.state is LinkState.READY else second
    assert "the peer refuses us: " in loser.reason
    assert "give each peer a name of its own" in loser.reason
    assert len([each for each in tries if each.startswith("handshaking")]) < 40
    for each in (link, first, second):
        bench.result(each.stopService())


def test_the_same_name_evicts_its_zombie_also_from_another_address(bench: Bench) -> None:
    link = camera(bench, policy=QUIET)
    first = robot(bench)
    bench.ready(link)
    bench.robot.pull()
    bench.network.advance(1.0)
    assert LinkState.READY is link.state
    second = robot(bench, machine=bench.network.machine("the new controller"))
    bench.until(lambda: second.engine.state is LinkState.HANDSHAKING)
    bench.until(lambda: (LinkState.HANDSHAKING, "the peer connected again") in bench.told)
    bench.ready(link)
    bench.result(first.stopService())


def test_another_name_is_refused_while_the_peer_is_there(bench: Bench) -> None:
    link, dialling = camera(bench), robot(bench)
    bench.ready(link, dialling)
    with recorded_log() as logged:
        other = robot(bench, OTHER)
        bench.network.advance(1.0)
        assert any("is connected" in line for line in logged.lines())
    assert LinkState.READY is link.state
    assert LinkState.READY is not other.state
    bench.result(dialling.stopService())
    bench.ready(link, other)


@pytest.mark.parametrize("stranger", [True, False])
def test_stopping_leaves_no_newcomer_and_no_timer(stranger: bool, bench: Bench) -> None:
    link = camera(bench)
    dialling = robot(bench)
    bench.ready(link, dialling)
    if stranger:
        bench.robot.connecting(bench.camera, PORT).connect(silent())
        bench.network.advance(0.1)
    assert bench.result(link.stopService(), 0.2) is None
    bench.result(dialling.stopService())
    bench.network.advance(1.0)
    assert [] == [*bench.left(), *bench.left(bench.camera)]


def test_a_reconnecting_factory_connects_its_protocol_to_a_proven_peer_only(bench: Bench) -> None:
    class Server(FrameProtocol):
        framing = Lines()

        def frameReceived(self, frame: bytes) -> None:
            self.sendFrame(b"did " + frame)

    class Robot(Protocol):
        got = b""

        def connectionMade(self) -> None:
            assert self.transport is not None
            self.transport.write(b"it\n")

        def dataReceived(self, data: bytes) -> None:
            self.got += data

    served = FrameFactory(Server, keys=CAMERA, clock=bench.camera.clock)
    bench.camera.listening(PORT).listen(served)
    made = ReconnectingFactory(Robot, policy=LAN, reactor=bench.robot.clock, keys=ROBOT)
    made.connect(bench.robot.connecting(bench.camera, PORT))
    protocol = bench.result(made.whenReady())
    bench.until(lambda: protocol.got.startswith(b"did it"))
    assert ["robot"] == [each.identity for each in served.sessions]
    bench.result(made.stop())
    assert [] == bench.left()


def test_a_link_that_dials_has_one_key(bench: Bench) -> None:
    with pytest.raises(ConfigurationError, match="choose the one to dial"):
        Link(connect=bench.robot.connecting(bench.camera, PORT), reactor=bench.robot.clock, keys=CAMERA)
