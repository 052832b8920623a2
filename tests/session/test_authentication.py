"""Sessions with a peer that must prove that it has a pre-shared key, on a transport in memory."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from tcpcomm.errors import ConfigurationError, SessionClosed
from tcpcomm.net.psk import AcceptingProof, DialingProof, PreSharedKeys, Proof
from tcpcomm.session.authentication import HANDSHAKE, AuthenticatingFactory
from tcpcomm.session.factory import FrameFactory
from tests.session.stage import PEER, Lost, Spy, Stage, TLSTransport, Transport, recorded_log

KEY = bytes(range(32))
CAMERA = PreSharedKeys("camera-1", {"robot-1": KEY, "robot-2": b"another key, random"})
ROBOT = PreSharedKeys("robot-1", {"camera-1": KEY})
WRONG = PreSharedKeys("robot-1", {"camera-1": b"x" * 32})
STRANGER = PreSharedKeys("stranger", {"camera-1": KEY})
ASTRAY = PreSharedKeys("robot-1", {"camera-2": KEY})


class Guarded(Stage):
    """Sets a stage on which the peer must prove itself."""

    def __init__(self, keys: PreSharedKeys = CAMERA, *, dials: bool = False, **options: Any) -> None:
        super().__init__(Spy, keys=keys, dials=dials, **options)
        self.authenticate: Any = self.session
        self.session = self.authenticate.protocol
        self.ready: list[str | None] = []
        self.session.on_ready = lambda: self.ready.append(self.session.identity)

    def connect(self) -> Guarded:
        self.authenticate.makeConnection(self.transport)
        return self

    def said(self) -> bytes:
        return b"".join(self.transport.sent())

    def prove(self, keys: PreSharedKeys = ROBOT, then: bytes = b"", cut: int = 10_000) -> Proof:
        """Let a dialling peer do its part of the exchange, and send more bytes behind it."""
        proof = DialingProof(keys, *keys.keys)
        data = proof.feed(self.said()) + then
        self.receive(*(data[at : at + cut] for at in range(0, len(data), cut)))
        return proof

    def log(self) -> list[str]:
        with recorded_log() as logged:
            self.settle()
            return logged.lines()


@pytest.mark.parametrize("cut", [1, 7, 10_000])
def test_a_peer_that_holds_the_key_is_served_and_named(cut: int) -> None:
    stage = Guarded().connect()
    proof = stage.prove(cut=cut)
    assert ["robot-1"] == stage.ready
    proof.feed(stage.said())
    assert "camera-1" == proof.peer


@pytest.mark.parametrize("cut", [1, 7, 10_000])
def test_the_protocol_gets_the_bytes_right_behind_the_exchange(cut: int) -> None:
    stage = Guarded().connect()
    stage.prove(then=b"one;two;th", cut=cut)
    stage.receive(b"ree;")
    assert [b"one", b"two", b"three"] == stage.session.seen


def test_nothing_is_delivered_or_sent_before_the_peer_is_proven() -> None:
    stage = Guarded().connect()
    assert 1 == stage.said().count(b"\n")
    with pytest.raises(SessionClosed):
        stage.session.sendFrame(b"early")
    stage.receive(b"TCPCOMM-PSK/1 PRO")
    assert ([], []) == (stage.session.seen, stage.ready)
    assert b"" == stage.said()


ANOTHER_KEY = "the peer calls itself robot-1 but has another key, or connects to another name than ours"


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        (WRONG, ANOTHER_KEY),
        (STRANGER, "no key is shared with a peer called 'stranger'"),
        (ASTRAY, ANOTHER_KEY),
    ],
)
def test_a_peer_that_cannot_prove_itself_is_cut_off_and_learns_nothing(
    keys: PreSharedKeys, reason: str
) -> None:
    stage = Guarded().connect()
    with recorded_log() as logged:
        stage.prove(keys, then=b"frame;")
        assert [f"{PEER}: connection refused: not proven: {reason}"] == logged.lines()
    assert ("aborted", b"") == (stage.transport.ended, stage.said())
    assert ([], []) == (stage.session.seen, stage.ready)


@pytest.mark.parametrize(
    "garbage",
    [b"GET / HTTP/1.1\r\n", b"PING", b"\x00\x00\x00\x04PING", b"\n", b"TCPCOMM-PSK/1" + b"x" * 300],
)
def test_a_peer_that_speaks_something_else_is_found_out_at_once(garbage: bytes) -> None:
    stage = Guarded().connect()
    with recorded_log() as logged:
        stage.receive(garbage)
        (line,) = logged.lines()
    assert line.startswith(f"{PEER}: connection refused: not proven: the peer does not speak TCPCOMM-PSK/1")
    assert "aborted" == stage.transport.ended


def test_a_recorded_proof_is_refused() -> None:
    first = Guarded().connect()
    recorded = DialingProof(ROBOT, "camera-1").feed(first.said())
    first.receive(recorded)
    assert ["robot-1"] == first.ready
    second = Guarded().connect()
    with recorded_log() as logged:
        second.receive(recorded)
        (line,) = logged.lines()
    assert "has another key" in line
    assert [] == second.ready


@pytest.mark.parametrize("said", [b"", b"TCPCOMM-PSK/1 PROOF robot-1 00"])
@pytest.mark.parametrize("tls", [False, True])
def test_silence_and_half_a_line_end_with_the_time_for_the_handshake(said: bytes, tls: bool) -> None:
    stage = Guarded(transport=TLSTransport() if tls else None).connect()
    if tls:
        stage.transport.complete_handshake()  # type: ignore[attr-defined]
    with recorded_log() as logged:
        stage.receive(*([said] if said else []))
        stage.wait(1.9)
        assert stage.transport.ended is None
        stage.wait(0.2)
        assert [f"{PEER}: connection refused: the peer was not proven within 2 s"] == logged.lines()
    assert "aborted" == stage.transport.ended


@pytest.mark.parametrize("error", [ConnectionDone(), ConnectionLost()])
def test_a_peer_that_leaves_during_the_exchange_is_logged(error: Exception) -> None:
    stage = Guarded().connect()
    with recorded_log() as logged:
        stage.transport.break_off(error)
        (line,) = logged.lines()
    assert line.startswith(f"{PEER}: connection refused: not proven: the ")
    assert [] == stage.session.seen


def test_a_peer_that_finishes_sending_before_it_is_proven_is_refused() -> None:
    stage = Guarded().connect()
    with recorded_log() as logged:
        stage.transport.protocol = stage.authenticate
        stage.transport.end_input()
        stage.settle()
        (line,) = logged.lines()
    assert line.endswith("not proven: the peer hung up before that")


def test_over_tls_the_exchange_begins_when_tls_is_established() -> None:
    transport = TLSTransport()
    stage = Guarded(transport=transport).connect()
    assert b"" == stage.said()
    stage.authenticate.handshakeCompleted()
    stage.prove(then=b"frame;")
    assert (["robot-1"], [b"frame"]) == (stage.ready, stage.session.seen)


def test_a_connection_is_no_session_before_its_peer_is_proven() -> None:
    stage = Guarded(max_sessions=1, evict="none").connect()
    admission = stage.factory.admission
    assert {stage.session} == stage.factory.sessions
    assert 1 == admission.unproven
    assert admission.session_refusal(None) is None
    stage.prove()
    assert 0 == admission.unproven
    with recorded_log() as logged:
        stage.factory.buildProtocol(stage.transport.address)
        assert ["there are 1 sessions, which is max_sessions"] == [
            line.rpartition(": ")[2] for line in logged.lines()
        ]


def test_half_close_and_the_end_reach_the_protocol_once_it_is_ready() -> None:
    stage = Guarded().connect()
    stage.prove(then=b"frame;")
    stage.transport.end_input()
    stage.settle()
    assert [b"frame", "input ended"] == stage.session.seen[:2]
    assert isinstance(stage.session.seen[-1], Lost)


# -- the dialling side ----------------------------------------------------------------------------------


def test_the_dialling_side_waits_for_the_acceptor_s_proof() -> None:
    stage = Guarded(ROBOT, dials=True).connect()
    acceptor = AcceptingProof(CAMERA)
    assert b"" == stage.said()
    stage.receive(acceptor.begin())
    accept = acceptor.feed(stage.said())
    assert [] == stage.ready
    stage.receive(accept + b"hello;")
    assert (["camera-1"], [b"hello"]) == (stage.ready, stage.session.seen)


def test_an_acceptor_without_the_key_is_refused_by_the_dialler() -> None:
    stage = Guarded(ROBOT, dials=True).connect()
    with recorded_log() as logged:
        stage.receive(AcceptingProof(CAMERA).begin(), b"TCPCOMM-PSK/1 ACCEPT " + b"0" * 64 + b"\n")
        (line,) = logged.lines()
    assert line.endswith("not proven: the peer has another key than camera-1's, or another name")
    assert ("aborted", []) == (stage.transport.ended, stage.ready)


def test_a_dialler_with_the_wrong_key_gets_the_possible_reasons() -> None:
    stage = Guarded(WRONG, dials=True).connect()
    with recorded_log() as logged:
        stage.receive(AcceptingProof(CAMERA).begin())
        stage.transport.break_off(ConnectionLost())
        (line,) = logged.lines()
    assert line.endswith("perhaps it does not know our name, or its key is another")


def test_who_dials_has_one_key() -> None:
    with pytest.raises(
        ConfigurationError, match=r"there are keys of robot-1, robot-2: choose the one to dial"
    ):
        FrameFactory(keys=CAMERA, dials=True)
    FrameFactory(keys=CAMERA.of("robot-2"), dials=True)
    with pytest.raises(ConfigurationError, match="no key is shared with 'robot-3'; there are robot-1, rob"):
        CAMERA.of("robot-3")


# -- protocols that are none of ours --------------------------------------------------------------------


class Foreign(Protocol):
    """Sends hello, and keeps the bytes that it gets."""

    def __init__(self) -> None:
        self.seen: list[object] = []

    def connectionMade(self) -> None:
        self.seen.append("connected")
        assert self.transport is not None
        self.transport.write(b"hello")

    def dataReceived(self, data: bytes) -> None:
        self.seen.append(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.seen.append("lost")


class ForeignStage:
    """A protocol that is not ours, behind the proof."""

    def __init__(self) -> None:
        self.stage = Stage()  # for its clock
        factory = Factory.forProtocol(Foreign)
        factory.noisy = False
        made: Any = AuthenticatingFactory(factory, CAMERA, clock=self.stage.clock)
        self.transport = Transport()
        self.authenticate = made.buildProtocol(self.transport.address)
        self.seen = self.authenticate.protocol.seen
        self.transport.protocol = self.authenticate
        self.authenticate.makeConnection(self.transport)


def test_a_foreign_protocol_is_connected_when_the_peer_is_proven() -> None:
    foreign = ForeignStage()
    proof = DialingProof(ROBOT, "camera-1")
    answer = proof.feed(b"".join(foreign.transport.sent()))
    assert [] == foreign.seen
    foreign.authenticate.dataReceived(answer + b"go")
    assert ["connected", b"go"] == foreign.seen
    proof.feed(b"".join(foreign.transport.sent()))
    assert ("camera-1", b"hello") == (proof.peer, proof.trailing)
    foreign.transport.break_off(ConnectionDone())
    assert "lost" == foreign.seen[-1]
    assert [] == foreign.stage.clock.getDelayedCalls()


@pytest.mark.parametrize("how", ["garbage", "silence", "end"])
def test_a_foreign_protocol_never_hears_of_a_peer_that_is_not_proven(how: str) -> None:
    foreign = ForeignStage()
    with recorded_log() as logged:
        if how == "garbage":
            foreign.authenticate.dataReceived(b"hello")
        elif how == "silence":
            foreign.stage.wait(2.1)
        else:
            foreign.transport.break_off(ConnectionDone())
        (line,) = logged.lines()
    assert line.startswith(f"{PEER}: connection refused: not proven")
    assert [] == foreign.seen
    assert "aborted" == foreign.transport.ended
    assert [] == foreign.stage.clock.getDelayedCalls()


def test_a_foreign_protocol_has_two_seconds_for_its_proof() -> None:
    foreign = ForeignStage()
    with recorded_log() as logged:
        foreign.stage.wait(HANDSHAKE - 0.1)
        assert ([], None) == (logged.lines(), foreign.transport.ended)
        foreign.stage.wait(0.2)
        assert [f"{PEER}: connection refused: not proven within 2 s"] == logged.lines()
    assert "aborted" == foreign.transport.ended
