"""A simulated controller answers strange clients as the manual of FINS/TCP says: W420, section 7-4."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from tcpcomm.devices.fins import Controller
from tcpcomm.server.serving import EquipmentFactory

HANDSHAKE = "46494E53 0000000C 00000000 00000000 00000000"
ACCEPTED = "46494E53 00000010 00000001 00000000 000000EF 00000001"
NOT_SUPPORTED = "46494E53 00000008 00000003 00000003"
READ = "46494E53 0000001A 00000002 00000000 800002 00 01 00 00 EF 00 07 0101 82 0064 00 0001"
VALUE = "46494E53 00000018 00000002 00000000 C00002 00 EF 00 00 01 00 07 0101 0000 0007"


class Client:
    """A client that sends bytes, and what the controller answers."""

    def __init__(self) -> None:
        self.controller = Controller()
        self.controller.memory["D100"] = 7
        self.clock = Clock()
        self.factory = EquipmentFactory(self.controller, clock=self.clock)
        self.transport = StringTransport()
        session: Any = self.factory.buildProtocol(self.transport.getPeer())
        self.session = session
        self.session.makeConnection(self.transport)

    def ask(self, text: str) -> str:
        """Send bytes. Return those that the controller sends."""
        self.transport.clear()
        self.session.dataReceived(bytes.fromhex(text))
        self.clock.advance(0)
        sent: bytes = self.transport.value()
        return sent.hex(" ").upper()


@pytest.fixture
def client() -> Client:
    return Client()


def shown(text: str) -> str:
    return bytes.fromhex(text).hex(" ").upper()


def test_a_client_that_shakes_hands_is_served(client: Client) -> None:
    assert shown(ACCEPTED) == client.ask(HANDSHAKE)
    assert shown(VALUE) == client.ask(READ)


def test_a_client_that_does_not_shake_hands_is_told_that_it_is_not_in_the_network(client: Client) -> None:
    assert client.ask(READ).endswith("01 01 01 01")
    assert not client.transport.disconnecting


def test_a_second_handshake_ends_the_connection(client: Client) -> None:
    client.ask(HANDSHAKE)
    assert shown(NOT_SUPPORTED) == client.ask(HANDSHAKE)
    assert client.transport.disconnecting


@pytest.mark.parametrize(
    ("address", "code"),
    [("00000001", "24"), ("000000FF", "23"), ("FFFFFFFF", "23")],
    ids=["of the server", "too great", "much too great"],
)
def test_a_wrong_node_address_is_refused_with_its_code_and_the_connection_ends(
    client: Client, address: str, code: str
) -> None:
    asked = f"46494E53 0000000C 00000000 00000000 {address}"
    assert shown(f"46494E53 00000010 00000001 000000{code} 0000000000000000") == client.ask(asked)
    assert client.transport.disconnecting


@pytest.mark.parametrize("command", ["00000001", "00000006", "00000007", "FFFFFFFF"])
def test_an_unknown_command_of_a_frame_ends_the_connection(client: Client, command: str) -> None:
    client.ask(HANDSHAKE)
    assert shown(NOT_SUPPORTED) == client.ask(f"46494E53 00000008 {command} 00000000")
    assert client.transport.disconnecting


def test_nothing_answers_an_error_that_a_client_tells(client: Client) -> None:
    assert "" == client.ask(NOT_SUPPORTED)
    assert client.transport.disconnecting


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("0101 82 0064 00", "10 04"),  # no count
        ("0101 82 0064 00 0001 FF", "10 04"),
        ("0102 82 0064 00 0002 1234", "10 04"),  # one word of two: none is written
        ("0102 82 0064 00 0001 1234 56", "10 04"),
        ("0102 99 0064 00 0001 1234", "11 01"),
        ("0999", "04 01"),
        ("0401 0001 04", "11 06"),
    ],
)
def test_a_wrong_command_is_answered_with_its_end_code(client: Client, body: str, code: str) -> None:
    client.ask(HANDSHAKE)
    size = 18 + len(bytes.fromhex(body))
    answer = client.ask(f"46494E53 {size:08X} 00000002 00000000 800002 00 01 00 00 EF 00 07 {body}")
    header = "46494E53 00000016 00000002 00000000 C00002 00 EF 00 00 01 00 07"
    assert shown(f"{header} {body[:4]} {code}") == answer
    assert 7 == client.controller.memory["D100"]
    assert shown(VALUE) == client.ask(READ)


def test_a_command_that_wants_no_response_gets_none(client: Client) -> None:
    client.ask(HANDSHAKE)
    write = "46494E53 0000001C 00000002 00000000 810002 00 01 00 00 EF 00 07 0102 82 0064 00 0001 0009"
    assert "" == client.ask(write)
    assert 9 == client.controller.memory["D100"]


def test_half_a_frame_waits_for_the_other_half(client: Client) -> None:
    client.ask(HANDSHAKE)
    assert "" == client.ask(READ[:40])
    assert shown(VALUE) == client.ask(READ[40:])


def test_the_network_that_a_gateway_wrote_comes_back(client: Client) -> None:
    client.ask(HANDSHAKE)
    asked = READ.replace("800002 00 01 00 00 EF 00", "800007 00 01 00 03 EF 10")
    assert shown(VALUE.replace("C00002 00 EF 00 00 01 00", "C00002 03 EF 10 00 01 00")) == client.ask(asked)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("47494E53 00000008 00000000 00000000", "01"),
        ("474554202F20485454502F312E310D0A", "01"),
        ("46494E53 000007E5 00000002 00000000", "02"),
        ("46494E53 FFFFFFFF 00000002 00000000", "02"),
    ],
    ids=["not FINS", "a browser", "one byte too long", "much too long"],
)
def test_a_frame_that_cannot_be_read_is_told_and_ends_the_connection(
    client: Client, sent: str, code: str
) -> None:
    client.ask(HANDSHAKE)
    assert shown(f"46494E53 00000008 00000003 000000{code}") == client.ask(sent)
    assert client.transport.disconnecting
