"""A factory of sessions: limits, admission, counters, overrides, and the end of all sessions."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IAddress
from twisted.python.failure import Failure

from tcpcomm import (
    ConfigurationError,
    FrameFactory,
    FrameProtocol,
    Limits,
)
from tcpcomm.framing import Delimited
from tcpcomm.link.options import LinkOptions
from tcpcomm.session.admission import FINISHED_PER_PLACE, parse_network
from tcpcomm.session.limits import default_max_sessions
from tests.conftest import needs_module
from tests.session.stage import Logged, Lost, ReactorClock, Spy, TLSTransport, Transport

HERE = "192.168.0.10"


class House:
    """A factory, and the sessions that peers open with it."""

    def __init__(self, protocol: Any = Spy, **options: Any) -> None:
        self.clock = ReactorClock()
        self.factory = FrameFactory(protocol, clock=self.clock, **options)
        self.transports: list[Transport] = []

    def open(self, address: IAddress | str | None = HERE, transport: type[Transport] = Transport) -> Any:
        """Let a peer connect. Return its session, or None if it is not admitted."""
        port = 50000 + len(self.transports)
        where = IPv4Address("TCP", address, port) if isinstance(address, str) else address
        line = transport()
        line.address = where
        line.protocol = self.factory.buildProtocol(where)
        self.transports.append(line)
        line.protocol.makeConnection(line)
        admitted = isinstance(line.protocol, FrameProtocol)
        assert admitted == (line.ended is None)
        return line.protocol if admitted else None

    def admits(self, address: IAddress | str | None) -> bool:
        """Return whether a peer is admitted. The peer leaves at once."""
        session = self.open(address)
        if session is not None:
            session.transport.break_off(ConnectionDone())
        return session is not None

    def settle(self) -> None:
        while self.clock.turn() or any(line.turn() for line in self.transports):
            pass

    def wait(self, seconds: float) -> None:
        end = self.clock.rightNow + seconds
        self.settle()
        while (due := self.clock.next_time()) is not None and due <= end:
            self.clock.rightNow = due
            self.settle()
        self.clock.rightNow = end


# -- how many ---------------------------------------------------------------------------------------------


def test_no_more_than_max_sessions_are_admitted(logged: Logged) -> None:
    house = House(max_sessions=2)
    first, second = house.open("10.0.0.1"), house.open("10.0.0.2")
    assert {first, second} == house.factory.sessions
    assert not house.admits("10.0.0.3")
    assert "aborted" == house.transports[-1].ended
    assert ["10.0.0.3:50002: connection refused: there are 2 sessions, which is max_sessions"] == (
        logged.lines()
    )
    first.transport.break_off(ConnectionLost())
    assert house.admits("10.0.0.3")


def test_by_default_there_is_a_limit() -> None:
    assert default_max_sessions() == FrameFactory().admission.max_sessions
    assert 1 <= default_max_sessions() <= 1000


def test_the_default_limit_leaves_files_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    needs_module("resource", "Windows does not have it")
    import resource

    for soft, expected in [(10_000, 1000), (1024, 832), (100, 24), (10, 1), (resource.RLIM_INFINITY, 1000)]:
        monkeypatch.setattr(resource, "getrlimit", lambda _, soft=soft: (soft, soft))
        assert expected == default_max_sessions()


@pytest.mark.parametrize("limits", [{"max_sessions": 0}, {"max_sessions_per_address": 0}])
def test_a_factory_that_could_admit_nobody_is_a_mistake(limits: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match="must be at least 1, not 0"):
        FrameFactory(**limits)  # type: ignore[arg-type]


def test_no_more_than_max_sessions_per_address_are_admitted_from_one(logged: Logged) -> None:
    house = House(max_sessions_per_address=2)
    first = house.open("10.0.0.1")
    assert house.open("10.0.0.1") is not None
    assert not house.admits("10.0.0.1")
    assert [
        "10.0.0.1:50002: connection refused: its address has 2 sessions, which is max_sessions_per_address"
    ] == logged.lines()
    assert house.admits("10.0.0.2")
    first.transport.break_off(ConnectionLost())
    assert house.admits("10.0.0.1")


def test_by_default_sixteen_are_admitted_from_one_address(logged: Logged) -> None:
    house = House()
    assert [True] * 16 + [False] == [house.open() is not None for _ in range(17)]
    assert 1 == len(logged.lines())


def test_without_a_limit_for_one_address_that_for_all_holds(logged: Logged) -> None:
    house = House(max_sessions=30, max_sessions_per_address=None)
    assert [True] * 30 + [False] == [house.open() is not None for _ in range(31)]
    assert 1 == len(logged.lines())


def test_peers_without_an_address_are_only_counted_in_all(logged: Logged) -> None:
    house = House(max_sessions=3, max_sessions_per_address=1)
    admitted = [house.open(UNIXAddress(None)) is not None for _ in range(4)]
    assert [True, True, True, False] == admitted
    assert 1 == len(logged.lines())


def test_nothing_is_remembered_of_addresses_that_left() -> None:
    house = House()
    for number in range(100):
        assert house.admits(f"10.0.0.{number}")
    assert {} == house.factory.admission.by_address


def test_a_peer_that_is_not_admitted_is_aborted_before_the_handshake_too(logged: Logged) -> None:
    house = House(max_sessions=1)
    house.open("10.0.0.1")
    assert house.open("10.0.0.2", TLSTransport) is None
    assert "aborted" == house.transports[-1].ended
    logged.lines()


def test_nothing_is_sent_to_a_refused_peer(logged: Logged) -> None:
    house = House(max_sessions=1)
    house.open()
    house.open()
    refused = house.transports[-1]
    refused.protocol.dataReceived(b"a;")
    house.settle()
    assert [] == refused.writes
    logged.lines()


# -- from where -------------------------------------------------------------------------------------------

ALLOWED = [parse_network(text) for text in ("192.168.0.0/24", "10.0.0.5", "fe80::/10", "2001:db8::1")]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("192.168.0.1", True),
        ("192.168.0.255", True),
        ("192.168.1.1", False),
        ("10.0.0.5", True),
        ("10.0.0.6", False),
        ("fe80::1", True),
        ("fe80::1%eth0", True),
        ("2001:db8::1", True),
        ("2001:db8::2", False),
        ("::ffff:192.168.0.1", True),
        ("::ffff:192.168.1.1", False),
        ("::1", False),
        ("localhost", False),
        ("", False),
        ("192.168.0.1 ", False),
        ("192.168.000.1", False),
    ],
)
def test_only_peers_from_allowed_networks_are_admitted(host: str, expected: bool, logged: Logged) -> None:
    house = House(allow=ALLOWED)
    assert expected == house.admits(IPv4Address("TCP", host, 1))
    lines = logged.lines()
    assert expected or lines[0].endswith("connection refused: its address is in no allowed network")


@pytest.mark.parametrize(
    ("allow", "admitted"),
    [
        (["127.0.0.1"], ["127.0.0.1"]),
        ("127.0.0.1", ["127.0.0.1"]),
        (["127.0.0.0/8", "::1"], ["127.0.0.1", "127.0.0.2", "::1"]),
        (("10.0.0.0/8", ip_network("127.0.0.2")), ["127.0.0.2", "10.0.0.1"]),
        (ip_network("127.0.0.0/8"), ["127.0.0.1", "127.0.0.2"]),
        (["any"], ["127.0.0.1", "127.0.0.2", "10.0.0.1", "::1"]),
        ("any", ["127.0.0.1", "127.0.0.2", "10.0.0.1", "::1"]),
        (None, ["127.0.0.1", "127.0.0.2", "10.0.0.1", "::1"]),
    ],
)
def test_networks_may_be_texts_as_the_option_takes_them(
    allow: Any, admitted: list[str], logged: Logged
) -> None:
    """Texts were accepted, and then each peer was reset with a TypeError."""
    house = House(allow=allow)
    peers = ["127.0.0.1", "127.0.0.2", "10.0.0.1", "::1"]
    assert admitted == [each for each in peers if house.admits(each)]
    logged.lines()


ALLOW_TAKES = 'allow takes networks as texts, such as allow=["192.168.0.0/24", "10.0.0.5"], not '


@pytest.mark.parametrize(
    ("allow", "told"),
    [
        (5, f"{ALLOW_TAKES}5"),
        ([127001], f"{ALLOW_TAKES}127001"),
        ([b"127.0.0.1"], f"{ALLOW_TAKES}b'127.0.0.1'"),
        ([None], f"{ALLOW_TAKES}None"),
        ([("127.0.0.1", 8)], f"{ALLOW_TAKES}('127.0.0.1', 8)"),
        (
            ["192.168.0.1/24"],
            "'192.168.0.1/24' is not a network such as 192.168.0.0/24: 192.168.0.1/24 has host bits set",
        ),
        (
            ["any", "10.0.0.1"],
            "allow: any opens the server to all: remove it, or remove the other networks",
        ),
    ],
)
def test_what_is_not_a_network_is_refused_at_once(allow: Any, told: str) -> None:
    for make in (lambda: House(allow=allow), lambda: LinkOptions(listen="tcp:0", allow=allow)):
        with pytest.raises(ConfigurationError) as caught:
            make()
        assert told == str(caught.value)


def test_a_link_takes_networks_as_texts_too() -> None:
    assert LinkOptions(listen="tcp:0", allow=["10.0.0.7"]).allow == (ip_network("10.0.0.7"),)
    assert LinkOptions(listen="tcp:0", allow="any").allow is None
    assert LinkOptions(listen="tcp:0").allow == ()


def test_a_session_whose_peer_has_finished_sending_leaves_its_place_to_another(logged: Logged) -> None:
    """
    One-shot clients send, shut their side and wait: many were refused while handlers were at work.

    The number of those that wait is limited, too, and all count for ``max_sessions``.
    """

    class Slow(Spy):
        def frameReceived(self, frame: bytes) -> Any:
            return Deferred()

    house = House(Slow, max_sessions_per_address=2, max_sessions=40)
    waiting: list[Any] = []
    while len(waiting) < 2 * FINISHED_PER_PLACE:
        session = house.open()
        session.dataReceived(b"go;")
        session.readConnectionLost()
        waiting.append(session)
    more = [house.open() for _ in range(2)]
    assert None not in more
    assert not house.admits(HERE)
    more[0].dataReceived(b"go;")
    more[0].readConnectionLost()
    assert not house.admits(HERE), "it kept its place, because too many wait"
    waiting[0].transport.break_off(ConnectionDone())
    more[1].dataReceived(b"go;")
    more[1].readConnectionLost()
    assert house.admits(HERE)
    others = [house.open("10.0.0.9") for _ in range(2)]
    assert None not in others
    for each in [*waiting[1:], *more, *others]:
        each.transport.break_off(ConnectionDone())
    assert 2 == len([house.open() for _ in range(2)]), "all counts are back at zero"
    assert not house.admits(HERE)
    logged.lines()


def test_sessions_whose_peer_has_finished_sending_still_count_in_all(logged: Logged) -> None:
    class Slow(Spy):
        def frameReceived(self, frame: bytes) -> Any:
            return Deferred()

    house = House(Slow, max_sessions_per_address=2, max_sessions=3)
    for _ in range(3):
        session = house.open()
        session.dataReceived(b"go;")
        session.readConnectionLost()
    assert not house.admits("10.0.0.9")
    logged.lines()


def test_an_empty_list_admits_nobody_but_local_peers(logged: Logged) -> None:
    house = House(allow=[])
    assert not house.admits("192.168.0.1")
    assert house.admits(UNIXAddress("/run/peer"))
    assert house.admits(None)
    logged.lines()


def test_allowed_networks_may_come_from_an_iterator() -> None:
    house = House(allow=iter([ip_network("10.0.0.0/8")]))
    assert house.admits("10.0.0.1")
    assert house.admits("10.0.0.1")


@pytest.mark.parametrize("text", ["", "192.168.0.300", "192.168.0.1/24", "everywhere", "10.0.0.0/33"])
def test_a_text_that_is_not_a_network_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a network such as"):
        parse_network(text)


def test_refusals_are_logged_at_most_once_a_second_with_a_count(logged: Logged) -> None:
    house = House(allow=[])
    for _ in range(5):
        house.open("10.0.0.1")
    assert 1 == len(logged.lines())
    house.wait(0.9)
    house.open("10.0.0.1")
    assert [] == logged.lines()
    house.wait(0.2)
    house.open("10.0.0.9")
    (line,) = logged.lines()
    assert line.startswith("10.0.0.9:")
    assert line.endswith(": its address is in no allowed network (5 others were refused before)")
    house.wait(5.0)
    house.open("10.0.0.1")
    (line,) = logged.lines()
    assert line.endswith(": its address is in no allowed network")


def test_handshakes_that_fail_are_logged_with_the_refusals(logged: Logged) -> None:
    house = House()
    for _ in range(3):
        session = house.open(transport=TLSTransport)
        session.transport.break_off(ConnectionLost())
    (line,) = logged.lines()
    assert line.endswith(
        "connection refused: the connection broke: the peer vanished, or closed without saying so"
    )
    assert set() == house.factory.sessions


# -- building ---------------------------------------------------------------------------------------------


def test_a_protocol_that_cannot_be_made_leaves_no_peer_waiting(logged: Logged) -> None:
    def broken() -> FrameProtocol:
        raise ValueError("the camera is not configured")

    house = House(broken)
    assert house.open() is None
    assert [f"{HERE}:50000: connection refused: the protocol cannot be made (ValueError)"] == (
        logged.failures()
    )


def test_the_protocol_may_be_a_class_attribute() -> None:
    class Equipment(FrameFactory):
        protocol = Spy

    session = Equipment().buildProtocol(None)
    assert isinstance(session, Spy)
    assert isinstance(session.factory, Equipment)


def test_a_factory_can_be_made_for_a_protocol() -> None:
    factory: Any = FrameFactory.forProtocol(Spy, max_sessions=5)
    assert isinstance(factory.buildProtocol(None), Spy)
    assert 5 == factory.admission.max_sessions


def test_a_factory_overrides_the_settings_of_its_protocol() -> None:
    framing, reply_framing, limits = Delimited(b"#"), Delimited(b"!"), Limits(idle=1.0)
    factory = FrameFactory(Spy, framing=framing, reply_framing=reply_framing, gap=0.5, limits=limits)
    session: Any = factory.buildProtocol(None)
    assert (framing, reply_framing, 0.5, limits) == (
        session.framing,
        session.reply_framing,
        session.gap,
        session.limits,
    )


def test_a_factory_can_remove_a_setting_of_its_protocol() -> None:
    class Peculiar(Spy):
        reply_framing = Delimited(b"!")
        gap = 0.5

    session: Any = FrameFactory(Peculiar, reply_framing=None, gap=None).buildProtocol(None)
    assert (None, None) == (session.reply_framing, session.gap)


def test_without_overrides_a_protocol_keeps_its_own() -> None:
    class Peculiar(Spy):
        framing = Delimited(b"#")
        gap = 0.5

    session: Any = FrameFactory(Peculiar).buildProtocol(None)
    assert (Delimited(b"#"), 0.5) == (session.framing, session.gap)


# -- counting ---------------------------------------------------------------------------------------------


def test_sessions_and_frames_are_counted_beyond_their_ends() -> None:
    house = House()
    first, second = house.open(), house.open()
    first.dataReceived(b"a;b;")
    second.dataReceived(b"c;")
    second.sendFrame(b"d")
    first.transport.break_off(ConnectionLost())
    assert {second} == house.factory.sessions
    assert 2 == house.factory.sessions_total
    assert 3 == house.factory.frames_received
    assert 1 == house.factory.frames_sent
    second.transport.break_off(ConnectionLost())
    assert 3 == house.factory.frames_received
    assert 1 == house.factory.frames_sent


def test_a_session_is_among_the_sessions_while_it_is_open() -> None:
    house = House()
    seen: list[bool] = []
    session = house.open()
    session.on_frame = lambda frame: seen.append(session in house.factory.sessions)
    session.on_lost = lambda reason: seen.append(session in house.factory.sessions)
    session.dataReceived(b"a;")
    session.transport.break_off(ConnectionLost())
    assert [True, False] == seen


def test_a_session_that_closes_twice_is_counted_once() -> None:
    house = House(max_sessions_per_address=1)
    session = house.open()
    session.dataReceived(b"a;")
    session.transport.break_off(ConnectionLost())
    house.factory.sessionClosed(session)
    assert 1 == house.factory.frames_received
    assert {} == house.factory.admission.by_address


def test_a_protocol_works_with_a_plain_factory_and_with_none() -> None:
    session: Any = Spy()
    session.factory = None
    transport = Transport()
    transport.protocol = session
    session.limits = Limits(idle=None)
    session.makeConnection(transport)
    session.dataReceived(b"a;")
    session.connectionLost(Failure(ConnectionLost()))
    assert b"a" == session.seen[0]


# -- the end of all ---------------------------------------------------------------------------------------


def fired(deferred: Deferred[None]) -> bool:
    return bool(deferred.called)


def test_draining_without_sessions_is_done_at_once() -> None:
    assert fired(House().factory.drain())


def test_draining_closes_all_sessions_politely() -> None:
    house = House()
    sessions = [house.open() for _ in range(3)]
    sessions[0].transport.appetite = 10_000
    sessions[0].sendBytes(b"x" * 500_000)
    done = house.factory.drain()
    house.settle()
    assert fired(done)
    assert 500_000 == len(house.transports[0].received)
    assert [[Lost("the server is stopping")]] * 3 == [session.seen for session in sessions]
    assert [] == house.clock.getDelayedCalls()


def test_draining_is_done_after_sessionLost_of_every_session() -> None:
    house = House()
    order: list[str] = []
    session = house.open()
    session.on_lost = lambda reason: order.append("lost")
    house.factory.drain().addCallback(lambda _: order.append("drained"))
    house.settle()
    assert ["lost", "drained"] == order


def test_draining_aborts_the_remaining_sessions_after_its_grace() -> None:
    house = House()
    sessions = [house.open() for _ in range(2)]
    sessions[0].transport.appetite = 0
    sessions[0].sendBytes(b"x" * 500_000)
    done = house.factory.drain(grace=3.0, reason="the shift is over")
    house.wait(2.9)
    assert not fired(done)
    assert {sessions[0]} == house.factory.sessions
    house.wait(0.2)
    assert fired(done)
    assert [Lost("the shift is over; the peer did not take all, and close, within 3 s")] == sessions[0].seen
    assert [] == house.clock.getDelayedCalls()


def test_while_draining_nobody_is_admitted(logged: Logged) -> None:
    house = House()
    session = house.open()
    session.transport.appetite = 0
    session.sendBytes(b"x" * 500_000)
    done = house.factory.drain()
    assert not house.admits("10.0.0.9")
    (line,) = logged.lines()
    assert line.endswith(": connection refused: the server is stopping")
    session.transport.appetite = None
    house.settle()
    assert fired(done)
    assert house.admits("10.0.0.9")


def test_draining_twice_is_done_together() -> None:
    house = House()
    house.open()
    first, second = house.factory.drain(), house.factory.drain()
    house.settle()
    assert fired(first)
    assert fired(second)
    assert [] == house.clock.getDelayedCalls()


def test_abort_ends_all_sessions_at_once() -> None:
    house = House()
    sessions = [house.open() for _ in range(3)]
    house.factory.abort("the cover is open")
    house.settle()
    assert [[Lost("the cover is open")]] * 3 == [session.seen for session in sessions]
