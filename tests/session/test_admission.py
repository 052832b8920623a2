"""The admission of peers, apart from any factory."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.interfaces import IAddress
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import Logger

from tcpcomm import ConfigurationError
from tcpcomm.session.admission import Admission, Refused
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
    assert "its address has 2 sessions, which is max_sessions_per_address" == admission.refusal(PEER)
    admission.session_opened(None)
    assert "there are 3 sessions, which is max_sessions" == admission.refusal(None)
    for host in ("10.0.0.5", "10.0.0.5", None):
        admission.session_closed(host)
    assert admission.admits(PEER)
    assert {} == admission.by_address


def test_nobody_is_admitted_while_the_server_stops() -> None:
    admission = Admission(LOG, Clock().seconds)
    admission.stopping = True
    assert "the server is stopping" == admission.refusal(PEER)
    admission.stopping = False
    assert admission.refusal(PEER) is None


def test_refusals_are_logged_once_a_second_and_the_others_counted(logged: Logged) -> None:
    clock = Clock()
    admission = Admission(LOG, clock.seconds, networks=[ip_network("192.168.0.0/24")])
    assert [False] * 3 == [admission.admits(PEER) for _ in range(3)]
    clock.advance(1)
    assert not admission.admits(PEER)
    assert [LINE, f"{LINE} (2 others were refused before)"] == logged.lines()


def test_a_name_begins_the_line(logged: Logged) -> None:
    admission = Admission(LOG, Clock().seconds, name="link at tcp:9999")
    admission.log_refusal("10.0.0.5:40000", "another is connected")
    assert ["link at tcp:9999: 10.0.0.5:40000 is refused: another is connected"] == logged.lines()


@pytest.mark.parametrize("option", ["max_sessions", "max_sessions_per_address"])
def test_a_limit_that_admits_nobody_is_a_mistake(option: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{option} must be at least 1, not 0"):
        Admission(LOG, Clock().seconds, **{option: 0})  # type: ignore[arg-type]


def test_a_refused_connection_is_aborted() -> None:
    transport = StringTransport()
    Refused().makeConnection(transport)  # type: ignore[no-untyped-call]
    assert transport.disconnected
