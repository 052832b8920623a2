"""The admission of peers to a factory, a link or another owner of connections: :class:`Admission`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final, cast

from attrs import define, field
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Protocol
from twisted.logger import Logger

from tcpcomm.errors import ConfigurationError
from tcpcomm.net.reasons import peer_name
from tcpcomm.runtime.log_throttle import LogThrottle

Network = IPv4Network | IPv6Network

REFUSAL_LOG_INTERVAL: Final = 1.0
"""Seconds between two log lines about refused peers: a flood must not fill the disk."""


def parse_network(text: str) -> Network:
    """
    Read a network or a single address, such as ``192.168.0.0/24``, ``10.0.0.5`` or ``fe80::/10``.

    Raises:
        ConfigurationError: the text is neither.
    """
    try:
        return ip_network(text)
    except ValueError as error:
        raise ConfigurationError(f"{text!r} is not a network such as 192.168.0.0/24: {error}") from None


def _at_least_one(_: object, option: Any, limit: int | None) -> None:
    if limit is not None and limit < 1:
        raise ConfigurationError(f"{option.name} must be at least 1, not {limit}")


@define(eq=False)
class Admission:
    """
    Admits peers by their network and by the number of sessions, and logs refusals.

    A peer without an IP address, as on a UNIX socket, is in every allowed network, because the file system
    guards the socket.

    Args:
        log: where refusals are logged.
        seconds: returns the time; it is called for a refusal only.
        name: begins each log line, such as the name of a link; by default the peer's name begins it.
        networks: the networks from which a peer may come; None: all.
        max_sessions: the number of sessions at once; None: any number.
        max_sessions_per_address: the number of sessions from one IP address; None: any number.

    Raises:
        ConfigurationError: a limit would admit nobody.
    """

    _log: Logger
    _seconds: Callable[[], float]
    _name: str = field(default="", kw_only=True)
    networks: Collection[Network] | None = field(default=None, kw_only=True)
    max_sessions: int | None = field(default=None, kw_only=True, validator=_at_least_one)
    max_sessions_per_address: int | None = field(default=None, kw_only=True, validator=_at_least_one)
    stopping: bool = field(default=False, init=False)
    """True while the server is stopping: no peer is admitted."""
    by_address: Counter[str] = field(factory=Counter, init=False)
    """The number of sessions from each IP address."""
    _sessions: int = field(default=0, init=False)
    _throttle: LogThrottle = field(factory=lambda: LogThrottle(REFUSAL_LOG_INTERVAL), init=False)

    def admits(self, address: IAddress | None) -> bool:
        """Return whether a peer may connect. Log it if not."""
        refusal = self.refusal(address)
        if refusal is not None:
            self.log_refusal(peer_name(address), refusal)
        return refusal is None

    def refusal(self, address: IAddress | None) -> str | None:
        """Return the reason why a peer may not connect, or None if it may."""
        host = getattr(address, "host", None)
        limit = self.max_sessions_per_address
        if self.stopping:
            return "the server is stopping"
        if self.max_sessions is not None and self._sessions >= self.max_sessions:
            return f"there are {self._sessions} sessions, which is max_sessions"
        if host is None:
            return None
        if limit is not None and self.by_address[str(host)] >= limit:
            return f"its address has {limit} sessions, which is max_sessions_per_address"
        if self.networks is not None and not _lies_in(str(host), self.networks):
            return "its address is in no allowed network"
        return None

    def session_opened(self, host: str | None) -> None:
        """Count a session; the IP address of its peer is None where the peer has none."""
        self._sessions += 1
        if host is not None:
            self.by_address[host] += 1

    def session_closed(self, host: str | None) -> None:
        """Count no longer a session that was counted when it opened."""
        self._sessions -= 1
        if host is not None:
            self.by_address[host] -= 1
            if not self.by_address[host]:
                del self.by_address[host]

    def log_refusal(self, peer: str, reason: str) -> None:
        """Log that a peer was refused, at most once a second, with the number of others before it."""
        count = self._throttle.count_due(self._seconds())
        if count:
            text = "{name}: {peer} is refused" if self._name else "{peer}: connection refused"
            others = f" ({count - 1} others were refused before)" if count > 1 else ""
            text += ": {reason}{others}"
            self._log.warn(text, name=self._name, peer=peer, reason=reason, others=others)


def _lies_in(host: str, networks: Collection[Network]) -> bool:
    """Return whether an IP address lies in one of the networks; a text that is not an address does not."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in networks)


class Refused(Protocol):
    """Aborts a refused connection. If buildProtocol returned None, TLS would fail in the wrong place."""

    def connectionMade(self) -> None:
        transport = cast("Any", self.transport)
        getattr(transport, "abortConnection", transport.loseConnection)()
