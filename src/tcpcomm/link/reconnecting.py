"""The link's engine for protocols and factories of Twisted: :class:`ReconnectingFactory`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Unpack

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import (
    IAddress,
    IConnector,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from tcpcomm.errors import ConfigurationError
from tcpcomm.link.connect import Connector, look_up
from tcpcomm.link.engine import Engine, SessionSource, StateObserver
from tcpcomm.link.option_texts import explains
from tcpcomm.link.options import LinkOptions, SupervisionKeywords
from tcpcomm.link.states import LinkState
from tcpcomm.net.error_texts import connect_error_text
from tcpcomm.net.names import Addresses, is_address, names_of
from tcpcomm.session.observer import Observers
from tcpcomm.transports.reactors import plain_reactor


@explains("keywords", LinkOptions, only=SupervisionKeywords.__annotations__)
class ReconnectingFactory(Factory):
    """
    Keeps one connection up, and builds your protocol anew for each.

    Use it in either of two ways::

        reactor.connectTCP("10.0.0.5", 9999, ReconnectingFactory(MyProtocol))
        ReconnectingFactory(MyProtocol).connect(endpoint)

    Args:
        protocol: your protocol class, or a factory; any of Twisted's works.
        heartbeat: sends something that the peer's program answers; it gets the protocol. Without one a dead
            peer is noticed only when TCP does, after minutes or hours.
        keywords: the other options: ``keys``, ``policy``, ``on_ready``, ``observers``, ``log``, ``reactor``
            and ``random``. ``help(tcpcomm.ReconnectingFactory)`` explains each.

    With keys, your protocol is connected when its peer is proven.

    Raises:
        ConfigurationError: the policy has no interval for the heartbeat, or an option is wrong.
    """

    noisy = False

    def __init__(
        self,
        protocol: Any,
        *,
        heartbeat: Callable[[Any], None] | None = None,
        **keywords: Unpack[SupervisionKeywords[Any]],
    ) -> None:
        unknown = sorted(keywords.keys() - SupervisionKeywords.__annotations__.keys())
        if unknown:
            raise TypeError(f"a ReconnectingFactory does not take {', '.join(unknown)}; a Link does")
        options = LinkOptions(**keywords)
        policy = options.policy_with(heartbeat)
        own = getattr(protocol, "observers", None)  # the sessions of a FrameFactory report to them
        self.observers = own if isinstance(own, Observers) else Observers()
        """The observers of the link and of its sessions; ``observers.add(...)`` attaches another."""
        for observer in options.watching():
            self.observers.add(observer)
        factory: Any = protocol
        if not IProtocolFactory.providedBy(protocol):
            factory = Factory.forProtocol(protocol)
            factory.noisy = False
            factory.clock = options.reactor  # frame protocols ask their factory for it
        factory.observers = self.observers  # and for these
        self._make_engine = partial(
            Engine,
            factory,
            policy=policy,
            clock=options.reactor,
            random=options.random,
            steps=options.on_ready,
            send_heartbeat=heartbeat,
            keys=options.keys,
            observers=self.observers,
            link=self,
        )
        self._engine: Engine | None = None
        self._state_observers: list[StateObserver] = []

    @property
    def engine(self) -> Engine:
        """
        The engine of the link.

        Raises:
            ConfigurationError: no place to connect to was given yet.
        """
        if self._engine is None:
            raise ConfigurationError("nothing to supervise yet: call connect(), or reactor.connectTCP()")
        return self._engine

    @property
    def state(self) -> LinkState:
        """The state of the link."""
        return LinkState.DOWN if self._engine is None else self._engine.state

    def observe(self, observer: StateObserver) -> None:
        """Have ``observer(state, reason)`` called at each change; also before connecting."""
        if self._engine is None:
            self._state_observers.append(observer)
        else:
            self._engine.observe(observer)

    def connect(self, endpoint: IStreamClientEndpoint) -> None:
        """Keep a connection to the endpoint; for a name, take one that :func:`tcpcomm.client` returns."""
        self._begin(Connector(endpoint), "link")

    def whenReady(self) -> Deferred[Any]:
        """
        Return a Deferred that fires with the protocol when there is one that is ready, at once if so.

        It fails with NotReady if the link is stopped before. It may be cancelled.
        """
        return self.engine.when_ready()

    def kick(self) -> None:
        """Try to connect now, whatever the backoff says."""
        self.engine.kick()

    def stop(self) -> Deferred[None]:
        """Close the connection and stop connecting. The Deferred fires within the policy's grace."""
        return succeed(None) if self._engine is None else self._engine.stop()

    def _begin(self, source: SessionSource, name: str) -> None:
        if self._engine is not None:
            raise ConfigurationError("a ReconnectingFactory keeps one connection: make another for another")
        self._engine = self._make_engine(source=source, name=name)
        for observer in self._state_observers:
            self._engine.observe(observer)
        self._engine.start()

    # -- called by reactor.connectTCP and its kin -----------------------------------------------------

    def startedConnecting(self, connector: IConnector) -> None:
        """Begin, at the first attempt, with the place that the connector connects to."""
        if self._engine is None:
            self._begin(_ReactorConnector(connector), f"link to {_destination(connector)}")

    def buildProtocol(self, addr: IAddress | None) -> Any:
        return self.engine.sessions.buildProtocol(addr)

    def clientConnectionFailed(self, connector: IConnector, reason: Failure) -> None:
        """Note that an attempt failed."""
        source = self.engine.source
        if not (isinstance(source, _ReactorConnector) and source.is_replacing):
            self.engine.attempt_failed(connect_error_text(reason))

    def clientConnectionLost(self, connector: IConnector, reason: Failure) -> None:
        """Do nothing: the protocol has told the engine already."""


class _ReactorConnector(SessionSource):
    """
    Makes sessions with a connector of ``reactor.connectTCP``, ``connectSSL`` or ``connectUNIX``.

    If the peer is known by name, each attempt connects to one of its addresses, in turn.
    """

    is_replacing = False
    """True while the reactor's own attempt is ended, because another one takes its place."""

    def __init__(self, connector: Any) -> None:
        self._connector = connector
        host = getattr(connector, "host", None)
        self._name = host if isinstance(host, str) and not is_address(host) else None
        self._lookup: Deferred[None] | None = None
        self._failed = 0  # attempts by address: the next one takes the next address
        self._first = True

    def dial(self, engine: Engine) -> None:
        first, self._first = self._first, False
        if self._name is not None:
            if first:
                self._end_first_attempt()
            lookup = look_up(engine, names_of(plain_reactor(self._connector.reactor)), self._name)
            self._lookup = lookup.addCallback(self._connect_to, engine)
            self._lookup.addErrback(lambda failure: engine.attempt_failed(connect_error_text(failure)))
        elif not first:  # else the reactor's own attempt is under way
            self._connect(engine)

    def _end_first_attempt(self) -> None:
        """End the reactor's own attempt, which would look the name up in the threads of the handlers."""
        # Also after its end, an attempt looks up its host, unless that is an address.
        self._connector.transport.addr = ("0.0.0.0", 0)
        self.is_replacing = True
        self._connector.stopConnecting()
        self.is_replacing = False

    def _connect_to(self, addresses: Addresses, engine: Engine) -> None:
        self._connector.host = addresses[self._failed % len(addresses)]
        self._failed += 1
        self._connect(engine)

    def _connect(self, engine: Engine) -> None:
        if self._connector.state == "disconnected":
            self._connector.connect()
        else:
            engine.attempt_failed("the last connection is not closed yet")

    def attempt_succeeded(self) -> None:
        self._failed -= 1

    def cancel_attempt(self) -> None:
        lookup, self._lookup = self._lookup, None
        if lookup is not None:
            lookup.cancel()
        if self._connector.state == "connecting":
            self._connector.stopConnecting()


def _destination(connector: IConnector) -> str:
    address = connector.getDestination()
    return f"{getattr(address, 'host', address)}:{getattr(address, 'port', '')}".rstrip(":")
