"""The link's engine for those who think in protocols and factories: :class:`ReconnectingFactory`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import (
    IAddress,
    IConnector,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from tcpcomm.errors import ConfigurationError
from tcpcomm.link.connect import Connector, SessionSource, SourceOwner
from tcpcomm.link.engine import Engine, Observer, Step
from tcpcomm.link.supervisor import LinkState, Policy, profile
from tcpcomm.net.psk import PreSharedKeys
from tcpcomm.net.reasons import connect_error_text

__all__ = ["ReconnectingFactory"]


class ReconnectingFactory(Factory):
    """
    Keeps one connection up, and builds your protocol anew for each.

    It is used in either of two ways::

        reactor.connectTCP("10.0.0.5", 9999, ReconnectingFactory(MyProtocol))
        ReconnectingFactory(MyProtocol).connect(endpoint)

    Args:
        protocol: your protocol class, or a factory; any of Twisted's will do.
        policy: a profile's name, ``lan``, ``fleet`` or ``wan``, or a policy of your own.
        heartbeat: sends something that the peer's program answers; it gets the protocol. Without one a
            dead peer is noticed only when TCP does, after minutes or hours.
        on_ready: steps to be done on each new connection before it counts as ready; each gets the
            protocol, and may be a coroutine function.
        keys: our name, and the pre-shared key of the peer: it has to prove that it holds it before your
            protocol is connected, or may send.
        clock: the reactor, or a test's clock.
        random: where the backoff's jitter comes from.
    """

    noisy = False

    def __init__(
        self,
        protocol: Any,
        *,
        policy: Policy | str = "lan",
        heartbeat: Callable[[Any], None] | None = None,
        on_ready: Iterable[Step] = (),
        keys: PreSharedKeys | None = None,
        clock: IReactorTime | None = None,
        random: Random | None = None,
    ) -> None:
        rules = profile(policy) if isinstance(policy, str) else policy
        if heartbeat is None:
            rules = evolve(rules, heartbeats=None)
        self._wrapped: Any = protocol
        if not IProtocolFactory.providedBy(protocol):
            self._wrapped = Factory.forProtocol(protocol)
            self._wrapped.noisy = False
            self._wrapped.clock = clock  # frame protocols ask their factory for it
        self._rules = rules
        self._options: dict[str, Any] = {
            "steps": list(on_ready),
            "beat": heartbeat,
            "random": random,
            "clock": clock,
            "keys": keys,
        }
        self._engine: Engine | None = None
        self._place: _ReactorConnector | None = None
        self._observers: list[Observer] = []

    @property
    def engine(self) -> Engine:
        """
        The engine of its link.

        Raises:
            ConfigurationError: nobody has said yet where to connect to.
        """
        if self._engine is None:
            raise ConfigurationError("nothing to supervise yet: call connect(), or reactor.connectTCP()")
        return self._engine

    @property
    def state(self) -> LinkState:
        """What is true of the link now."""
        return LinkState.DOWN if self._engine is None else self._engine.state

    def observe(self, observer: Observer) -> None:
        """Have ``observer(state, reason)`` called at each change; also before connecting."""
        if self._engine is None:
            self._observers.append(observer)
        else:
            self._engine.observe(observer)

    def connect(self, endpoint: IStreamClientEndpoint) -> None:
        """Keep a connection to the endpoint."""
        self._begin(Connector(endpoint), "link").start()

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
        """Close the connection and connect no more; the Deferred fires within the policy's grace."""
        return succeed(None) if self._engine is None else self._engine.stop()

    def _begin(self, place: SessionSource, name: str) -> Engine:
        if self._engine is not None:
            raise ConfigurationError("a ReconnectingFactory keeps one connection: make another for another")
        options = dict(self._options)
        if options["clock"] is None:
            from twisted.internet import reactor  # noqa: PLC0415 - never at import time

            options["clock"] = reactor
        self._engine = Engine(self._wrapped, place, self._rules, name=name, **options)
        for observer in self._observers:
            self._engine.observe(observer)
        return self._engine

    # -- what reactor.connectTCP and its kin call -----------------------------------------------------

    def startedConnecting(self, connector: IConnector) -> None:
        """An attempt begins; the first one tells where to."""
        if self._engine is None:
            self._place = _ReactorConnector(connector)
            self._begin(self._place, f"link to {_destination(connector)}").start()

    def buildProtocol(self, addr: IAddress | None) -> Any:
        return self.engine.sessions.buildProtocol(addr)

    def clientConnectionFailed(self, connector: IConnector, reason: Failure) -> None:
        """An attempt failed."""
        self.engine.attempt_failed(connect_error_text(reason))

    def clientConnectionLost(self, connector: IConnector, reason: Failure) -> None:
        """A connection ended; its protocol has told the engine already."""


class _ReactorConnector(SessionSource):
    """Sessions come from a connector of ``reactor.connectTCP``, ``connectSSL`` or ``connectUNIX``."""

    dials = True

    def __init__(self, connector: Any) -> None:
        self._connector = connector
        self._first = True

    def open(self, engine: SourceOwner) -> None:
        pass

    def dial(self, engine: SourceOwner) -> None:
        if self._first:
            self._first = False  # the reactor's own attempt is under way
        elif self._connector.state == "disconnected":
            self._connector.connect()
        else:
            engine.attempt_failed("the last connection is not closed yet")

    def arrived(self) -> None:
        pass

    def hang_up(self) -> None:
        if self._connector.state == "connecting":
            self._connector.stopConnecting()

    def close(self) -> Deferred[None]:
        self.hang_up()
        return succeed(None)


def _destination(connector: IConnector) -> str:
    address = connector.getDestination()
    return f"{getattr(address, 'host', address)}:{getattr(address, 'port', '')}".rstrip(":")
