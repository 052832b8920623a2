"""The admission of peers, apart from any factory."""

from __future__ import annotations

from ipaddress import ip_network
from random import Random

import pytest
from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.interfaces import IAddress
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import Logger

from tcpcomm import ConfigurationError
from tcpcomm.session.admission import SPARED, Abuse, Admission, Refusal, Refused
from tests.session.stage import Logged

LOG = Logger()
PEER = IPv4Address("TCP", "10.0.0.5", 40000)
LINE = "10.0.0.5:40000: connection refused: its address is in no allowed network"


def test_without_limits_every_peer_is_admitted() -> None:
    admission = Admission(LOG, Clock().seconds)
    addresses: list[IAddress | None] = [PEER, UNIXAddress("/run/socket"), None]
    assert [True] * 3 == [admission.admits(each) for each in addresses]


def test_sessions_are_counted_in_all_and_by_address(logged: Logged) -> None:
    admission = Admission(LOG, Clock().seconds, max_sessions=3, max_sessions_per_address=2)
    for _ in range(2):
        assert admission.admits(PEER)
        admission.session_opened("10.0.0.5")
    refusal = Refusal(Abuse.ADDRESS, "its address has 2 sessions, which is max_sessions_per_address")
    assert refusal == admission.session_refusal("10.0.0.5")
    admission.session_opened(None)
    refusal = Refusal(Abuse.SESSIONS, "there are 3 sessions, which is max_sessions")
    assert refusal == admission.session_refusal(None)
    assert not admission.admits(PEER)
    (line,) = logged.lines()
    assert line == "10.0.0.5:40000: connection refused: there are 3 sessions, which is max_sessions"
    for host in ("10.0.0.5", "10.0.0.5", None):
        admission.session_closed(host)
    assert admission.admits(PEER)
    assert {} == admission.by_address


def test_nobody_is_admitted_while_the_server_stops() -> None:
    admission = Admission(LOG, Clock().seconds)
    admission.stopping = True
    assert Refusal(Abuse.STOPPING, "the server is stopping") == admission.refusal(PEER)
    admission.stopping = False
    assert admission.refusal(PEER) is None


def test_refusals_are_logged_once_a_second_and_the_others_counted(logged: Logged) -> None:
    clock = Clock()
    admission = Admission(LOG, clock.seconds, networks=[ip_network("192.168.0.0/24")])
    assert [False] * 3 == [admission.admits(PEER) for _ in range(3)]
    clock.advance(1)
    assert not admission.admits(PEER)
    assert [LINE, f"{LINE} (2 others were refused before)"] == logged.lines()
    assert {Abuse.NETWORK: 4} == admission.abuse


def test_a_name_begins_the_line(logged: Logged) -> None:
    admission = Admission(LOG, Clock().seconds, name="link at tcp:9999")
    admission.log_refusal("10.0.0.5:40000", "another is connected")
    assert ["link at tcp:9999: 10.0.0.5:40000 is refused: another is connected"] == logged.lines()


@pytest.mark.parametrize("option", ["max_sessions", "max_sessions_per_address", "max_unproven"])
def test_a_limit_that_admits_nobody_is_a_mistake(option: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{option} must be at least 1, not 0"):
        Admission(LOG, Clock().seconds, **{option: 0})  # type: ignore[arg-type]


def test_a_refused_connection_is_aborted() -> None:
    transport = StringTransport()
    Refused().makeConnection(transport)  # type: ignore[no-untyped-call]
    assert transport.disconnected


@pytest.mark.parametrize(
    ("hosts", "counts"),
    [
        (["2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::3"], [3]),
        (["2001:db8::1", "2001:db8:0:1::1"], [1, 1]),
        (["fe80::1%eth0", "fe80::2%eth0", "fd00::1", "fd00::2"], [1, 1, 1, 1]),  # the machines of a plant
        (["::ffff:10.0.0.5", "10.0.0.5", "10.0.0.6"], [2, 1]),
    ],
)
def test_a_network_of_ipv6_counts_as_one_address(hosts: list[str], counts: list[int]) -> None:
    admission = Admission(LOG, Clock().seconds)
    for host in hosts:
        admission.session_opened(host)
    assert counts == sorted(admission.by_address.values(), reverse=True)
    for host in hosts:
        admission.session_closed(host)
    assert {} == admission.by_address


class Budget:
    """An admission with a small budget for connections that are not proven, and those that it dropped."""

    def __init__(self, size: int = 4) -> None:
        self.clock = Clock()
        self.admission = Admission(LOG, self.clock.seconds, max_unproven=size, random=Random(1))
        self.dropped: list[str] = []

    def come(self, name: str, host: str, *, then: float = 0.1) -> bool:
        """Let a peer connect, and wait. Return False if it was dropped at once."""
        came = self.admission.unproven_opened(name, name, host, lambda _: self.dropped.append(name))
        self.clock.advance(then)
        return came


def test_a_newcomer_takes_the_place_of_one_from_the_network_that_has_most(logged: Logged) -> None:
    budget = Budget()
    for name, host in [("peer", "10.0.0.5"), ("a", "10.0.0.9"), ("b", "10.0.0.9"), ("c", "10.0.0.9")]:
        budget.come(name, host)
    assert [] == budget.dropped
    assert all(budget.come(f"stranger {number}", "10.0.0.9") for number in range(100))
    assert 100 == len(budget.dropped)
    assert "peer" not in budget.dropped
    assert 4 == budget.admission.unproven
    assert 100 == budget.admission.abuse[Abuse.DROPPED]
    lines = logged.lines()
    assert len(lines) <= 11
    assert lines[0].endswith(": connection refused: dropped, because 4 connections were not proven")


def test_a_network_of_ipv6_is_one_where_nobody_is_proven(logged: Logged) -> None:
    budget = Budget()
    budget.come("peer", "fd00:0:0:1::5")
    for number in range(100):
        budget.come(f"stranger {number}", f"fd00::{number:x}")
    assert "peer" not in budget.dropped
    logged.lines()


def test_a_peer_from_another_network_finds_room_in_any_flood(logged: Logged) -> None:
    budget = Budget()
    for number in range(100):
        budget.come(f"stranger {number}", "10.0.0.9", then=0)
    assert budget.come("peer", "10.0.0.5", then=0)
    for number in range(100):
        budget.come(f"stranger {number + 100}", "10.0.0.9", then=0)
    assert budget.admission.unproven_closed("peer")
    logged.lines()


@pytest.mark.parametrize(("rate", "least"), [(1000, 30), (5000, 28)])
def test_one_of_a_flood_from_its_own_address_gets_in_within_a_second(
    rate: int, least: int, logged: Logged
) -> None:
    """The peer needs 20 ms for its proof, and tries again as a link does."""
    succeeded = 0
    for seed in range(30):
        budget = Budget(128)
        random = budget.admission._random
        random.seed(seed)

        def flood(seconds: float, budget: Budget = budget) -> None:
            for number in range(round(seconds * rate)):
                budget.come(f"{budget.clock.seconds()} {number}", "10.0.0.5", then=1 / rate)

        flood(0.2)
        began, tries, proven = budget.clock.seconds(), 0, False
        while not proven and budget.clock.seconds() < began + 1.0:
            name = f"peer {tries}"
            came = budget.come(name, "10.0.0.5", then=0)
            flood(0.02)
            proven = came and budget.admission.unproven_closed(name)
            flood(0 if proven else random.uniform(0, 0.02 * 2**tries))
            tries += 1
        succeeded += proven
    assert succeeded >= least
    logged.lines()


def test_one_that_is_proven_or_over_leaves_its_place() -> None:
    budget = Budget()
    for number in range(100):
        budget.come(str(number), "10.0.0.5")
        assert budget.admission.unproven_closed(str(number))
    assert not budget.admission.unproven_closed("99")
    assert ([], 0) == (budget.dropped, budget.admission.unproven)


def test_a_young_connection_is_not_dropped_for_one_of_its_network(logged: Logged) -> None:
    budget = Budget()
    for name in ("a", "b", "c", "d"):
        budget.come(name, "10.0.0.5", then=0)
    budget.clock.advance(SPARED - 0.001)
    assert not budget.come("newcomer", "10.0.0.5", then=0.001)
    assert [] == budget.dropped
    assert budget.come("later", "10.0.0.5")
    assert budget.dropped in (["a"], ["b"])
    logged.lines()


def test_the_younger_half_is_not_dropped(logged: Logged) -> None:
    for seed in range(50):
        budget = Budget()
        budget.admission._random.seed(seed)
        for name in ("a", "b", "c", "d"):
            budget.come(name, "10.0.0.5", then=1.0)
        budget.come("newcomer", "10.0.0.5")
        assert budget.dropped in (["a"], ["b"])
    logged.lines()


def test_two_peers_of_one_name_are_logged_once_in_ten_seconds(logged: Logged) -> None:
    clock = Clock()
    admission = Admission(LOG, clock.seconds)
    for wait in (0.0, 5.0, 4.9, 0.2):
        clock.advance(wait)
        admission.log_refusal("10.0.0.5:1", "robot-1 is alive", Abuse.FIGHT)
    line = "10.0.0.5:1: connection refused: robot-1 is alive"
    assert [line, f"{line} (2 others were refused before)"] == logged.lines()
