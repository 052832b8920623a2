"""The end of a zombie by a new session of the same peer."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.address import IPv4Address

from tcpcomm.errors import ConfigurationError
from tcpcomm.net.psk import DialingProof, PreSharedKeys
from tcpcomm.session.factory import FrameFactory
from tests.session.stage import Lost, Spy, Stage, Transport, recorded_log

KEY = bytes(range(32))
CAMERA = PreSharedKeys("camera-1", {"robot-1": KEY, "robot-2": KEY})


class Crowd(Stage):
    """A factory with many sessions."""

    def __init__(self, **options: Any) -> None:
        super().__init__(Spy, **options)

    def come(self, host: str, port: int = 1, *, name: str | None = None) -> Any:
        """Let a peer connect and prove its name. Return its session."""
        transport = Transport(IPv4Address("TCP", host, port))
        made: Any = self.factory.buildProtocol(transport.address)
        transport.protocol = made
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


def test_the_room_for_the_session_that_evicts_must_be_there() -> None:
    with pytest.raises(ConfigurationError, match="leaves no room for the session that evicts"):
        FrameFactory(evict="address", max_sessions_per_address=1)
    with pytest.raises(ConfigurationError, match="must be identity, address, none or auto, not 'all'"):
        FrameFactory(evict="all")
