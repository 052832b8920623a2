"""The options of a link: :class:`LinkOptions`, with their defaults, their meaning and their checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Any, ClassVar, Generic, TextIO, TypedDict, TypeVar

from attrs import evolve, field, frozen
from twisted.internet.interfaces import IStreamClientEndpoint, IStreamServerEndpoint

from tcpcomm.errors import ConfigurationError
from tcpcomm.link.connect import Acceptor, Connector
from tcpcomm.link.engine import ReadyStep, SessionSource
from tcpcomm.link.named_port import PortFrom
from tcpcomm.link.policy import PROFILES, Policy, profile
from tcpcomm.net.endpoints import CONNECT_EXAMPLE, LISTEN_EXAMPLE, client, listener, open_to_others
from tcpcomm.net.psk import PreSharedKeys
from tcpcomm.runtime.monotonic_time import the_reactor
from tcpcomm.session.admission import Network, allowed_networks
from tcpcomm.session.frame_log import frame_log
from tcpcomm.session.limits import Limits
from tcpcomm.session.observer import SessionObserver

LogTarget = bool | TextIO | Callable[[str], object] | None
"""The place for a log of all frames: True (the program's log), a text file, or a function of a line."""

Subject = TypeVar("Subject")  # the argument of an on_ready step


class SupervisionKeywords(TypedDict, Generic[Subject], total=False):
    """Keyword arguments where a protocol of any kind is supervised; :class:`LinkOptions` explains each."""

    policy: Policy | str
    on_ready: Iterable[Callable[[Subject], Any]]
    keys: PreSharedKeys | None
    observers: Iterable[SessionObserver]
    log: LogTarget
    reactor: Any
    random: Random | None


class LinkKeywords(SupervisionKeywords[Subject], total=False):
    """Keyword arguments where frames are exchanged with a peer, too."""

    listen: str | IStreamServerEndpoint | None
    allow: Iterable[Network | str] | str | None
    limits: Limits | None
    allow_http: bool
    framing_hints: bool


def _policy(value: Policy | str) -> Policy:
    return profile(value) if isinstance(value, str) else value


@frozen(kw_only=True)
class LinkOptions:
    """
    The options of one link.

    Args:
        connect: the place where the peer listens (active TCP role): a client endpoint or its string, such
            as ``tcp:10.0.0.5:9999`` or ``tls:camera-1:9999:caCerts=ca.pem``; see :func:`tcpcomm.client`.
            With a name, give the string or what ``client`` returns: other endpoints look names up in the
            reactor's threads.
        listen: the place where the peer connects to us (passive TCP role), if it does: a server endpoint or
            its string, such as ``tcp:9999:interface=127.0.0.1``. If the same machine connects again, that
            replaces its session.
        allow: the networks from which the peer may connect, as texts such as ``192.168.0.0/24``,
            ``10.0.0.5`` or ``any``, or as ``ipaddress`` has them; None: all. A ``listen`` string that opens
            a port to other machines needs ``allow``, ``keys``, or client certificates.
        keys: our name, and the keys that the peer must prove first. If we connect, there must be one key
            only.
        policy: the rules of the link: a profile's name, ``lan``, ``fleet`` or ``wan``, or a policy.
        on_ready: steps, such as a login, to be done on every new connection before the link is ready. A
            step gets a :class:`~tcpcomm.Handshake` from a Link, a proxy from ``remote``, and the protocol
            from a ReconnectingFactory. It may be a coroutine function.
        limits: the limits of one session; None: the defaults, but the peer may be idle.
        allow_http: True if a peer that connects to us may begin with an HTTP request or TLS, as a web
            browser does.
        framing_hints: False if no framing is to be guessed after a fault, for a hint in the log.
        observers: objects that see what passes, and each state of the link; more can be added later.
        log: the place for a log of all frames, if there is to be one: True (the program's log), an open
            text file such as ``sys.stderr``, or a function that gets each line.
        reactor: the reactor, or a test's clock; None: the global reactor. From then on all timers of this
            reactor, also those of the rest of the program, count by the monotonic clock, which nobody can
            set.
        random: the source of the backoff's jitter, for tests.

    Raises:
        ConfigurationError: the profile does not exist, both ``connect`` and ``listen`` are given, or one of
            them is not an endpoint.
    """

    connect_keyword: ClassVar[str] = "connect"
    """The word for ``connect`` in error texts."""

    connect: str | IStreamClientEndpoint | None = None
    listen: str | IStreamServerEndpoint | None = None
    allow: tuple[Network, ...] | None = field(default=(), converter=allowed_networks)
    keys: PreSharedKeys | None = None
    policy: Policy = field(default=PROFILES["lan"], converter=_policy)
    on_ready: Iterable[ReadyStep] = ()
    limits: Limits | None = None
    allow_http: bool = False
    framing_hints: bool = True
    observers: Iterable[SessionObserver] = ()
    log: LogTarget = False
    reactor: Any = field(default=None, converter=the_reactor)
    random: Random | None = None

    def __attrs_post_init__(self) -> None:
        at = self.connect_keyword
        if self.connect is not None and self.listen is not None:
            raise ConfigurationError(self.one_place())
        if isinstance(self.connect, tuple | list) and len(self.connect) == 2:
            host, port = self.connect
            raise ConfigurationError(
                f'{at} is a text: write {at}="tcp:{host}:{port}", not {self.connect!r}'
            )
        for keyword, place, method, example in (
            (at, self.connect, "connect", CONNECT_EXAMPLE),
            ("listen", self.listen, "listen", LISTEN_EXAMPLE),
        ):
            if place is not None and not isinstance(place, str) and not hasattr(place, method):
                raise ConfigurationError(
                    f'{keyword} must be an endpoint or its text, such as "{example}", not {place!r}'
                )

    def one_place(self) -> str:
        """Return the error text for a link that has no place, or two."""
        return (
            f'a link needs one place: {self.connect_keyword}="{CONNECT_EXAMPLE}", where the peer listens, '
            f'or else listen="{LISTEN_EXAMPLE}", where the peer connects to us'
        )

    def source(self) -> tuple[SessionSource, str]:
        """
        Return the source of the link's sessions, and the link's name in logs.

        Raises:
            ConfigurationError: no place is given, its text is not an endpoint, or it would open a port to
                everybody.
        """
        connect, listen = self.connect, self.listen
        if connect is not None:
            endpoint = client(self.reactor, connect) if isinstance(connect, str) else connect
            has_name = isinstance(connect, str | PortFrom)
            return Connector(endpoint), f"link to {connect if has_name else 'the peer'}"
        if listen is None:
            raise ConfigurationError(self.one_place())
        if not isinstance(listen, str):
            return Acceptor(listen), "link at a port"
        place = listener(self.reactor, listen)
        if not (place.local or place.proves_peers or self.keys is not None or self.allow != ()):
            raise ConfigurationError(open_to_others(listen))
        return Acceptor(place.endpoint, place.reload), f"link at {listen}"

    def policy_with(self, heartbeat: object) -> Policy:
        """
        Return the policy for a link with this heartbeat; without one (None) silence means nothing.

        Raises:
            ConfigurationError: there is a heartbeat, but the policy has no interval.
        """
        if heartbeat is None:
            return evolve(self.policy, heartbeats=None)
        if self.policy.heartbeats is None:
            raise ConfigurationError("there is a heartbeat, but the policy does not say how often")
        return self.policy

    def watching(self) -> list[SessionObserver]:
        """Return the observers, with the frame log among them."""
        return [*self.observers, *frame_log(self.log)]
