"""The end of a zombie by a new session of the same peer."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.address import IPv4Address

from tcpcomm.errors import ConfigurationError
from tcpcomm.net.psk import DialingProof, NotProven, PreSharedKeys
from tcpcomm.session.admission import Abuse
from tcpcomm.session.factory import FrameFactory
from tcpcomm.session.rivals import REFUSAL_DELAY
from tests.session.stage import Lost, Spy, Stage, Transport, recorded_log

KEY = bytes(range(32))
CAMERA = PreSharedKeys("camera-1", {"robot-1": KEY, "robot-2": KEY})


class Crowd(Stage):
    """A factory with many sessions."""

    def __init__(self, **options: Any) -> None:
        super().__init__(Spy, **options)
        self.transports: list[Transport] = []

    def transports_turn(self) -> None:
        """Let every connection do its work."""
        for each in self.transports:
            while each.turn():
                pass

    def come(self, host: str, port: int = 1, *, name: str | None = None) -> Any:
        """Let a peer connect and prove its name. Return its session."""
        transport = Transport(IPv4Address("TCP", host, port))
        made: Any = self.factory.buildProtocol(transport.address)
        transport.protocol = made
        self.transports.append(transport)
        made.makeConnection(transport)
        if name is None:
            return made
        proof = DialingProof(PreSharedKeys(name, {"camera-1": KEY}), "camera-1")
        made.dataReceived(proof.feed(b"".join(transport.sent())))
        return made.protocol


def over(session: Any) -> list[object]:
    session.transport.turn()
    return [each for each in session.seen if isinstance(each, Lost)]


def test_a_proven_name_has_one_session_and_the_end_of_the_other_is_logged() -> None:
    crowd = Crowd(keys=CAMERA)
    with recorded_log() as logged:
        zombie = crowd.come("10.0.0.1", 1, name="robot-1")
        other = crowd.come("10.0.0.1", 2, name="robot-2")
        session = crowd.come("10.0.0.9", 3, name="robot-1")
        reason = "the peer connected again, as 10.0.0.9:3: this session is its zombie"
        assert f"10.0.0.1:1: evicted: {reason}" in logged.lines()
    assert [[Lost(reason)], [], []] == [over(zombie), over(other), over(session)]
    assert {other, session} == crowd.factory.sessions


def test_a_session_that_is_not_proven_evicts_nobody() -> None:
    crowd = Crowd(keys=CAMERA, evict="address")
    session = crowd.come("10.0.0.1", 1, name="robot-1")
    crowd.come("10.0.0.1", 2)
    assert [] == over(session)


def test_an_address_has_one_session_where_that_is_said() -> None:
    crowd = Crowd(evict="address")
    zombie, other = crowd.come("10.0.0.1", 1), crowd.come("10.0.0.2", 1)
    with recorded_log() as logged:
        session = crowd.come("10.0.0.1", 2)
        assert 1 == len(logged.lines())
    assert [1, 0, 0] == [len(over(each)) for each in (zombie, other, session)]


@pytest.mark.parametrize("options", [{}, {"keys": CAMERA, "evict": "none"}])
def test_otherwise_a_peer_may_have_several(options: dict[str, Any]) -> None:
    crowd = Crowd(**options)
    name = "robot-1" if options else None
    first, second = crowd.come("10.0.0.1", 1, name=name), crowd.come("10.0.0.1", 2, name=name)
    assert [[], []] == [over(first), over(second)]


def test_a_peer_that_was_lost_is_not_evicted_again() -> None:
    crowd = Crowd(evict="address")
    first = crowd.come("10.0.0.1", 1)
    first.abort("gone")
    over(first)
    with recorded_log() as logged:
        second = crowd.come("10.0.0.1", 2)
        assert [] == [line for line in logged.lines() if "evicted" in line]
        third = crowd.come("10.0.0.1", 3)
        assert 1 == len([line for line in logged.lines() if "evicted" in line])
    assert [1, 0] == [len(over(second)), len(over(third))]


def test_a_peer_that_replaces_its_session_needs_no_free_place() -> None:
    crowd = Crowd(keys=CAMERA, max_sessions=1, max_sessions_per_address=1)
    with recorded_log() as logged:
        zombie = crowd.come("10.0.0.1", 1, name="robot-1")
        session = crowd.come("10.0.0.1", 2, name="robot-1")
        assert [1, 0] == [len(over(zombie)), len(over(session))]
        logged.lines()
        logged.connected.clear()
        other = crowd.come("10.0.0.9", 3, name="robot-2")
        assert [] == logged.connected
        other.transport.turn()
        (line,) = logged.lines()
    assert line == "10.0.0.9:3: connection refused: there are 1 sessions, which is max_sessions"
    assert session.is_open


def test_a_session_that_is_closing_gives_its_place_to_the_next_of_its_peer() -> None:
    crowd = Crowd(evict="address", max_sessions=2)
    with recorded_log():
        for number in range(10):
            session = crowd.come("10.0.0.1", number)
            session.transport.appetite = 0
            session.sendBytes(b"x" * 200_000)
            session.close("closed here")
            crowd.transports_turn()
    assert {session} == crowd.factory.sessions
    assert {"closed here"} == {each.protocol.reason for each in crowd.transports}


def test_a_mode_that_does_not_exist_is_a_mistake() -> None:
    with pytest.raises(ConfigurationError, match="must be identity, address, none or auto, not 'all'"):
        FrameFactory(evict="all")


def test_strangers_do_not_count_as_sessions() -> None:
    crowd = Crowd(keys=CAMERA, max_sessions=2, max_sessions_per_address=2, max_unproven=5)
    with recorded_log() as logged:
        for port in range(50):
            crowd.come("10.0.0.1", port)
            crowd.transports_turn()
            crowd.clock.advance(0.1)
        assert 5 == crowd.factory.admission.unproven
        first = crowd.come("10.0.0.1", 91, name="robot-1")
        second = crowd.come("10.0.0.1", 92, name="robot-2")
        crowd.transports_turn()
        logged.lines()
    assert first.is_open
    assert second.is_open
    assert 2 == crowd.factory.admission.by_address["10.0.0.1"]


class Fight:
    """Two peers that have the name robot-1, and come again as soon as they lose their session."""

    def __init__(self, *, talkative: bool, **options: Any) -> None:
        self.crowd = Crowd(keys=CAMERA, **options)
        self.sessions: dict[str, Any] = {"10.0.0.1": None, "10.0.0.2": None}
        self.talkative = talkative
        self.proofs: dict[str, DialingProof] = {}

    def run(self, seconds: float) -> int:
        """Let both be impatient for so long. Return how often a session was evicted."""
        for step in range(round(seconds / 0.02)):
            for host, session in self.sessions.items():
                if session is None or not session.is_open:
                    self.sessions[host] = self.crowd.come(host, step, name="robot-1")
                elif self.talkative and not step % 5:
                    session.dataReceived(b"PING;")
            self.crowd.transports_turn()
            self.crowd.clock.advance(0.02)
        return self.crowd.factory.admission.abuse[Abuse.EVICTED]


@pytest.mark.parametrize(("talkative", "most"), [(True, 1), (False, 6)])
def test_two_peers_of_one_name_do_not_evict_each_other_for_ever(talkative: bool, most: int) -> None:
    with recorded_log() as logged:
        fight = Fight(talkative=talkative)
        assert fight.run(20.0) <= most
        lines = [line for line in logged.lines() if "has the same name" in line]
        logged.connected.clear()
    assert 1 <= len(lines) <= 3
    assert lines[0].startswith("10.0.0.1:")
    assert "connection refused: 10.0.0.2:" in lines[0]
    assert "give each peer a name of its own" in lines[0]


def test_a_refused_peer_that_cannot_be_told_waits_for_its_end() -> None:
    crowd = Crowd(evict="address")
    with recorded_log() as logged:
        crowd.come("10.0.0.1", 1)
        session = crowd.come("10.0.0.1", 2)
        refused = crowd.come("10.0.0.1", 3)
        crowd.transports_turn()
        assert (True, False) == (session.is_open, refused.is_open)
        assert refused.transport.ended is None
        assert not refused.transport.reading
        crowd.clock.advance(REFUSAL_DELAY - 0.01)
        assert refused.transport.ended is None
        crowd.clock.advance(0.01)
        assert "aborted" == refused.transport.ended
        crowd.transports_turn()
        assert 2 == len(logged.lines())
    assert [] == refused.seen
    assert {session} == crowd.factory.sessions
    assert 0 == crowd.factory.admission.unproven


def test_a_refused_peer_of_the_same_name_is_told_why() -> None:
    crowd = Crowd(keys=CAMERA)
    with recorded_log() as logged:
        crowd.come("10.0.0.1", 1, name="robot-1")
        crowd.come("10.0.0.2", 1, name="robot-1")
        refused = crowd.come("10.0.0.1", 2)
        proof = DialingProof(PreSharedKeys("robot-1", {"camera-1": KEY}), "camera-1")
        refused.dataReceived(proof.feed(b"".join(refused.transport.sent())))
        with pytest.raises(NotProven, match=r"the peer refuses us: 10\.0\.0\.2:1 has the same"):
            proof.feed(b"".join(refused.transport.sent()))
        assert "closed" == refused.transport.ended
        crowd.transports_turn()
        logged.lines()
    assert [] == refused.protocol.seen


def test_a_zombie_is_evicted_at_once_again_when_some_time_has_passed() -> None:
    crowd = Crowd(keys=CAMERA)
    with recorded_log() as logged:
        for number in range(5):
            session = crowd.come("10.0.0.1", number, name="robot-1")
            assert session.is_open
            crowd.transports_turn()
            crowd.clock.advance(11.0)
            session.dataReceived(b"PING;")  # a peer that is alive, or was until just now
        assert 4 == len(logged.lines())
