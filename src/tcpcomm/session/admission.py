"""The admission of peers to a factory, a link or another owner of connections: :class:`Admission`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from math import inf
from random import Random, SystemRandom
from typing import Any, Final, cast

from attrs import define, field, frozen
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Protocol
from twisted.logger import Logger

from tcpcomm.errors import ConfigurationError
from tcpcomm.net.error_texts import peer_name
from tcpcomm.runtime.log_throttle import LogThrottle
from tcpcomm.session.limits import default_max_unproven

Network = IPv4Network | IPv6Network

REFUSAL_LOG_INTERVAL: Final = 1.0
"""Seconds between two log lines about refused connections. The second line counts those between."""

FIGHT_LOG_INTERVAL: Final = 10.0
"""Seconds between two log lines about peers that have one name. The second line counts those between."""

SPARED: Final = 0.05
"""
Seconds for which an unproven connection is not dropped for another one from its network; the younger half
is not dropped either. The newcomer is dropped instead.
"""

FINISHED_PER_PLACE: Final = 8
"""
Sessions of one address whose peer has finished sending, for each place of ``max_sessions_per_address``.
They leave their place to others, because they only wait for their last replies. The next one keeps its
place.
"""

_COUNTED_SINGLY: Final = (ip_network("fe80::/10"), ip_network("fc00::/7"))
"""IPv6 networks of a plant. All its machines are in one /64, so each has its own count of sessions."""


class Abuse(Enum):
    """The kinds of events that an attack causes, and a misconfigured peer too. They are counted."""

    NETWORK = "refused because their network is not allowed"
    SESSIONS = "refused because there were too many sessions"
    ADDRESS = "refused because their address had too many sessions"
    STOPPING = "refused because the server was stopping"
    TLS = "refused because TLS was not established"
    PROOF = "refused because they were not proven"
    NAME = "refused because another peer is connected"
    FIGHT = "refused because a peer of the same name was alive"
    DROPPED = "dropped because too many others were not proven"
    EVICTED = "evicted by a new session of the same peer"
    FAULT = "faults in received data"


def abuse_text(counts: Mapping[Abuse, int]) -> str:
    """Return the counts by kind as one line of a log; empty if nothing was counted."""
    return "; ".join(f"{counts[kind]} {kind.value}" for kind in Abuse if counts.get(kind))


@frozen
class Refusal:
    """The reason why a peer is refused, in plain words, and its kind."""

    kind: Abuse
    reason: str


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


ANY: Final = "any"
"""The word for every network."""

OPEN_TO_ALL: Final = f"{ANY} opens the server to all: remove it, or remove the other networks"


def allowed_networks(allow: Iterable[Network | str] | str | None) -> tuple[Network, ...] | None:
    """
    Return the networks from which peers may come, or None if they may come from everywhere.

    Args:
        allow: networks, or texts as ``--allow`` takes them: ``192.168.0.0/24``, ``10.0.0.5``, or ``any``
            for all networks. One text may be given without a list. None means all networks.

    Raises:
        ConfigurationError: an item is neither, or there are networks beside ``any``.
    """
    if allow is None:
        return None
    # A network is iterable, too: its addresses are not meant.
    is_one = isinstance(allow, str | IPv4Network | IPv6Network) or not isinstance(allow, Iterable)
    given: list[Any] = [allow] if is_one else [*allow]
    networks = tuple(_network(each) for each in given if each != ANY)
    if len(networks) == len(given):
        return networks
    if networks:
        raise ConfigurationError(f"allow: {OPEN_TO_ALL}")
    return None


def _network(value: object) -> Network:
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    if isinstance(value, str):
        return parse_network(value)
    raise ConfigurationError(
        f'allow takes networks as texts, such as allow=["192.168.0.0/24", "10.0.0.5"], not {value!r}'
    )


def _at_least_one(_: object, option: Any, limit: int | None) -> None:
    if limit is not None and limit < 1:
        raise ConfigurationError(f"{option.name} must be at least 1, not {limit}")


@define(eq=False)
class _Unproven:
    """A connection that owes TLS or a proof, and the function that drops it."""

    peer: str
    network: str
    since: float
    drop: Callable[[str], object]


@define(eq=False)
class Admission:
    """
    Admits peers by their network and by the number of sessions, and logs refusals.

    A peer without an IP address, as on a UNIX socket, is in every allowed network, because the file system
    guards the socket.

    Connections that owe TLS or a proof are no sessions yet. They have a budget of their own. When it is
    full, a newcomer takes the place of another one, chosen at random among those from the network that has
    the most. So strangers cannot keep out a peer from another network. In its own network the younger half
    is spared, and for 50 ms each; if all are so young, the newcomer is dropped itself, and may try again.

    Args:
        log: where refusals are logged.
        seconds: returns the time; it is called for a refusal only.
        name: begins each log line, such as the name of a link; by default the peer's name begins it.
        networks: the networks from which a peer may come; None: all.
        max_sessions: the number of sessions at once; None: any number.
        max_sessions_per_address: the number of sessions from one IP address; None: any number. A /64
            network counts as one address in IPv6, unless it is link-local or unique local (fc00::/7). A
            session whose peer has finished sending does not count, up to :data:`FINISHED_PER_PLACE` for
            each place.
        max_unproven: the number of connections that may owe TLS or a proof.
        random: chooses the connection to drop; for tests.

    Raises:
        ConfigurationError: a limit would admit nobody.
    """

    _log: Logger
    _seconds: Callable[[], float]
    _name: str = field(default="", kw_only=True)
    networks: Collection[Network] | None = field(default=None, kw_only=True)
    max_sessions: int | None = field(default=None, kw_only=True, validator=_at_least_one)
    max_sessions_per_address: int | None = field(default=None, kw_only=True, validator=_at_least_one)
    max_unproven: int = field(factory=default_max_unproven, kw_only=True, validator=_at_least_one)
    _random: Random = field(factory=SystemRandom, kw_only=True)
    stopping: bool = field(default=False, init=False)
    """True while the server is stopping: no peer is admitted."""
    by_address: Counter[str] = field(factory=Counter, init=False)
    """The number of sessions from each IP address, or from each /64 network."""
    _finished: Counter[str] = field(factory=Counter, init=False)
    """The number of those that left their place, because their peer has finished sending."""
    abuse: Counter[Abuse] = field(factory=Counter, init=False)
    """The number of refused, dropped and evicted peers so far, by kind."""
    _sessions: int = field(default=0, init=False)
    _unproven: dict[object, _Unproven] = field(factory=dict, init=False)
    _unproven_by_network: Counter[str] = field(factory=Counter, init=False)
    _throttle: LogThrottle = field(factory=lambda: LogThrottle(REFUSAL_LOG_INTERVAL), init=False)
    _fight_throttle: LogThrottle = field(factory=lambda: LogThrottle(FIGHT_LOG_INTERVAL), init=False)

    @property
    def unproven(self) -> int:
        """The number of connections that owe TLS or a proof."""
        return len(self._unproven)

    def admits(self, address: IAddress | None, *, session: bool = True) -> bool:
        """Return whether a peer may connect, and have a session if ``session`` is True. Log it if not."""
        refusal = self.refusal(address)
        if refusal is None and session:
            refusal = self.session_refusal(getattr(address, "host", None))
        if refusal is not None:
            self.refuse(peer_name(address), refusal)
        return refusal is None

    def refusal(self, address: IAddress | None) -> Refusal | None:
        """Return the reason why a peer may not connect, or None if it may."""
        host = getattr(address, "host", None)
        if self.stopping:
            return Refusal(Abuse.STOPPING, "the server is stopping")
        if host is not None and self.networks is not None and not _lies_in(str(host), self.networks):
            return Refusal(Abuse.NETWORK, "its address is in no allowed network")
        return None

    def session_refusal(self, host: str | None) -> Refusal | None:
        """Return the reason why a peer may not have one more session, or None if it may."""
        limit = self.max_sessions_per_address
        if self.max_sessions is not None and self._sessions >= self.max_sessions:
            return Refusal(Abuse.SESSIONS, f"there are {self._sessions} sessions, which is max_sessions")
        if limit is not None and host is not None and self.by_address[_counted_as(str(host))] >= limit:
            return Refusal(
                Abuse.ADDRESS, f"its address has {limit} sessions, which is max_sessions_per_address"
            )
        return None

    def session_opened(self, host: str | None) -> None:
        """Count a session; the IP address of its peer is None where the peer has none."""
        self._sessions += 1
        if host is not None:
            self.by_address[_counted_as(host)] += 1

    def session_finished(self, host: str | None) -> bool:
        """
        Give the place of a session to another one from its address: its peer has finished sending.

        It still counts for ``max_sessions``. Return False if it keeps its place, because there are too many
        such sessions.
        """
        limit = self.max_sessions_per_address
        if limit is None or host is None:
            return False
        address = _counted_as(host)
        if self._finished[address] >= limit * FINISHED_PER_PLACE:
            return False
        self._finished[address] += 1
        _count_down(self.by_address, address)
        return True

    def session_closed(self, host: str | None, *, finished: bool = False) -> None:
        """Count no longer a session that was counted when it opened, or as ``finished`` since."""
        self._sessions -= 1
        if host is not None:
            _count_down(self._finished if finished else self.by_address, _counted_as(host))

    def unproven_opened(
        self, connection: object, peer: str, host: str | None, drop: Callable[[str], object]
    ) -> bool:
        """
        Count a connection that owes TLS or a proof. If there are too many, drop another one of them.

        Return False if the new connection itself must end; that is logged.

        Args:
            connection: the connection, until :meth:`unproven_closed`.
            peer: the name of its peer, for the log.
            host: the IP address of its peer, or None if the peer has none.
            drop: ends the connection, which is not counted any more, and logged; it gets the reason.
        """
        now = self._seconds()
        network = "" if host is None else _counted_as(host, singly=())
        if len(self._unproven) >= self.max_unproven and not self._drop_one(network, now):
            self._log_dropped(peer)
            return False
        self._unproven[connection] = _Unproven(peer, network, now, drop)
        self._unproven_by_network[network] += 1
        return True

    def unproven_closed(self, connection: object) -> bool:
        """Count a connection no longer: it is proven, or over. Return False if it was not counted."""
        found = self._unproven.pop(connection, None)
        if found is not None:
            _count_down(self._unproven_by_network, found.network)
        return found is not None

    def _drop_one(self, network: str, now: float) -> bool:
        """Make room for a newcomer from this network. Return False if none may be dropped for it."""
        counts = self._unproven_by_network
        most = max(counts.values())
        young = now - SPARED if counts[network] == most else inf
        oldest_first = [each for each in self._unproven.items() if counts[each[1].network] == most]
        older_half = oldest_first[: (len(oldest_first) + 1) // 2]
        found = [connection for connection, each in older_half if each.since <= young]
        if not found:
            return False
        connection = self._random.choice(found)
        dropped = self._unproven[connection]
        self.unproven_closed(connection)
        dropped.drop(self._log_dropped(dropped.peer))
        return True

    def _log_dropped(self, peer: str) -> str:
        reason = f"dropped, because {self.max_unproven} connections were not proven"
        self.log_refusal(peer, reason, Abuse.DROPPED)
        return reason

    def refuse(self, peer: str, refusal: Refusal) -> None:
        """Count and log that a peer was refused; see :meth:`log_refusal`."""
        self.log_refusal(peer, refusal.reason, refusal.kind)

    def log_refusal(self, peer: str, reason: str, kind: Abuse = Abuse.PROOF) -> None:
        """
        Count that a peer was refused, and log it at most once a second, with the number of others before.

        Two peers that have one name are logged at most once in 10 s.
        """
        self.abuse[kind] += 1
        throttle = self._fight_throttle if kind is Abuse.FIGHT else self._throttle
        count = throttle.count_due(self._seconds())
        if count:
            text = "{name}: {peer} is refused" if self._name else "{peer}: connection refused"
            others = f" ({count - 1} others were refused before)" if count > 1 else ""
            text += ": {reason}{others}"
            self._log.warn(text, name=self._name, peer=peer, reason=reason, others=others)


def _count_down(counter: Counter[str], key: str) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]


def _counted_as(host: str, singly: Collection[Network] = _COUNTED_SINGLY) -> str:
    """Return the name under which an address is counted: itself, or its /64 network in IPv6."""
    if ":" not in host:
        return host
    address = _parse_address(host)
    if not isinstance(address, IPv6Address) or any(address in each for each in singly):
        return host if address is None else str(address)
    return str(IPv6Network((address, 64), strict=False))


def _parse_address(host: str) -> IPv4Address | IPv6Address | None:
    """Return an IP address, an IPv4 address in IPv6's form as IPv4, or None if the text is no address."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _lies_in(host: str, networks: Collection[Network]) -> bool:
    """Return whether an IP address lies in one of the networks; a text that is not an address does not."""
    address = _parse_address(host)
    return address is not None and any(address in network for network in networks)


class Refused(Protocol):
    """Aborts a refused connection. If buildProtocol returned None, TLS would fail in the wrong place."""

    def connectionMade(self) -> None:
        transport = cast("Any", self.transport)
        getattr(transport, "abortConnection", transport.loseConnection)()
