"""
Addresses of sessions for a capture: real ones, and made-up ones where a session has none.

The text of a session may also be the string of an endpoint, such as ``tcp:10.0.0.5:9999`` of a tap.
A path of a UNIX socket, a host name, or an address that is not known gets an address of the ranges that are
reserved for documentation: 192.0.2.0/24 (RFC 5737), or 2001:db8::/32 (RFC 3849) beside an IPv6 address.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from attrs import frozen

from tcpcomm.net.endpoints import host_and_port
from tcpcomm.tools.export.pcapng import Address

_FIRST_PORT: Final = 49152
"""The first port for a side whose port is not known: that of clients, by RFC 6335."""

_WITH_PORT: Final = re.compile(r"\[?(?P<host>[^\[\]]*)\]?:(?P<port>[0-9]{1,5})")
_MADE_UP: Final = 254


@frozen
class Place:
    """One side of a connection."""

    address: Address
    port: int
    name: str = ""
    """The text that the recording has, if the address is made up."""


class Places:
    """Finds the places of both sides of sessions. The same text has the same made-up address."""

    def __init__(self) -> None:
        self._made_up: dict[str, int] = {}

    def of(self, peer: str, target: str, number: int) -> tuple[Place, Place]:
        """
        Return the places of the two sides of a session.

        Args:
            peer: the address of the other side, as in a recording.
            target: the address of this side, or an empty text.
            number: the number of the session, for a port that is not known.
        """
        texts = [_plain(peer), _plain(target) or "this side"]
        sides = [_parse(each) for each in texts]
        version = 6 if any(address is not None and address.version == 6 for address, _ in sides) else 4
        port = _FIRST_PORT + number % (65536 - _FIRST_PORT)
        found = []
        for (address, known_port), text in zip(sides, texts, strict=True):
            if address is None:
                made_up = self._make_up(text, version)
                found.append(Place(made_up, port if known_port is None else known_port, text))
            elif address.version != version:
                mapped = ipaddress.IPv6Address(f"::ffff:{address}")
                found.append(Place(mapped, port if known_port is None else known_port))
            else:
                found.append(Place(address, port if known_port is None else known_port))
        first, second = found
        if (first.address, first.port) == (second.address, second.port):
            second = Place(second.address, second.port % 65535 + 1, second.name)
        return first, second

    def _make_up(self, text: str, version: int) -> Address:
        number = self._made_up.setdefault(_without_port(text), len(self._made_up))
        if version == 6:
            return ipaddress.IPv6Address(int(ipaddress.IPv6Address("2001:db8::1")) + number)
        return ipaddress.IPv4Address(int(ipaddress.IPv4Address("192.0.2.1")) + number % _MADE_UP)


def _plain(text: str) -> str:
    """Return a text with the address of an endpoint in place of its string."""
    found = host_and_port(text)
    if found is None:
        return text
    host, port = found
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _parse(text: str) -> tuple[Address | None, int | None]:
    match = _WITH_PORT.fullmatch(text)
    host, port = (match["host"], int(match["port"])) if match else (text, None)
    if port is not None and not 0 < port < 65536:
        port = None
    try:
        return ipaddress.ip_address(host.partition("%")[0]), port
    except ValueError:
        return None, port


def _without_port(text: str) -> str:
    match = _WITH_PORT.fullmatch(text)
    return match["host"] if match else text
