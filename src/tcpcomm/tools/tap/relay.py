"""
The way of bytes between two programs: :class:`Relay` listens, and connects each client to a target.

A :class:`Passage` sees each chunk of one connection, and decides in which pieces it goes on, and when. Then
each piece passes the *toxics* (Toxiproxy's word) of its direction. The remaining bytes arrive after their
delay and in the order in which they were sent. The end of the stream arrives last, and a reset as a reset.
"""

from __future__ import annotations

from collections.abc import Generator
from random import Random
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred, DeferredList, inlineCallbacks, maybeDeferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import (
    IAddress,
    IHalfCloseableProtocol,
    IReactorTime,
    IStreamClientEndpoint,
    IStreamServerEndpoint,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from tcpcomm.net.endpoints import client, listener
from tcpcomm.net.error_texts import peer_name
from tcpcomm.runtime.monotonic_time import the_reactor
from tcpcomm.tools.tap.direction import Direction, Passage, Toxics

MOST_CONNECTIONS: Final = 256
"""Connections of a tap at once, unless ``--most`` says otherwise. A further client is reset."""

ON_LOOPBACK: Final = "tcp:0:interface=127.0.0.1"


class Relay:
    """
    Listens, connects each client to a target, and passes the bytes between them.

    Args:
        target: the client endpoint to connect to, or its string.
        listen: the server endpoint to listen at, or its string. The default is a free port of this machine.
        reactor: the reactor. The default is Twisted's.
        clock: the clock for delays. The default is the reactor.
        random: the source of random values.
        most: the connections at once; a further client is reset.
    """

    def __init__(
        self,
        target: IStreamClientEndpoint | str,
        *,
        listen: IStreamServerEndpoint | str = ON_LOOPBACK,
        reactor: Any = None,
        clock: IReactorTime | None = None,
        random: Random | None = None,
        most: int = MOST_CONNECTIONS,
    ) -> None:
        reactor = the_reactor(reactor)
        self._reactor = reactor
        self._listen = listen
        self._listening: Any = None
        self._most = most
        self.target: IStreamClientEndpoint = client(reactor, target) if isinstance(target, str) else target
        self.clock: IReactorTime = reactor if clock is None else the_reactor(clock)
        self.random = random or Random()
        self.open_connections: dict[int, Connection] = {}
        """The open connections by their numbers, the oldest first."""
        self.connected_so_far = 0
        """The connections that clients have made so far: the number of the newest one."""
        self.upstream = Toxics()
        """The toxics for bytes from the client to the target."""
        self.downstream = Toxics()
        """The toxics for bytes from the target to the client."""

    def passage(self, connection: Connection) -> Passage:
        """Return the object that passes the chunks of a new connection. Override it to see them."""
        return Passage()

    def refusal(self, host: str | None) -> str:
        """Return the reason for which a new client is reset, or an empty text. Override it to add more."""
        full = len(self.open_connections) >= self._most
        return f"{self._most} connections are open, and no more may be" if full else ""

    def client_refused(self, peer: str, why: str) -> None:
        """Note that a new client was reset."""

    @property
    def is_listening(self) -> bool:
        """True if clients can connect."""
        return self._listening is not None

    @property
    def address(self) -> str:
        """The address at which it listens, as text; empty if it does not listen."""
        return peer_name(self._listening.getHost()) if self._listening is not None else ""

    @property
    def port(self) -> int:
        """
        The port at which it listens.

        Raises:
            ValueError: the proxy is not started.
        """
        if self._listening is None:
            raise ValueError("the proxy does not listen: call start() first")
        return int(self._listening.getHost().port)

    @property
    def connections(self) -> int:
        """The number of open connections."""
        return len(self.open_connections)

    @inlineCallbacks
    def start(self) -> Generator[Deferred[Any], Any, int]:
        """Listen. Return a Deferred of the port, which stays the same after the first start."""
        if self._listening is None:
            factory = _Clients(self)
            at = self._listen
            endpoint = listener(self._reactor, at).endpoint if isinstance(at, str) else at
            self._listening = yield endpoint.listen(factory)
            if isinstance(at, str):
                kind, port, *options = at.split(":")
                if port == "0":
                    self._listen = ":".join([kind, str(self.port), *options])
        return int(getattr(self._listening.getHost(), "port", 0))

    enable = start

    @inlineCallbacks
    def stop_listening(self) -> Generator[Deferred[Any], Any, None]:
        """Refuse new connections until ``start()``; the open ones go on."""
        listening, self._listening = self._listening, None
        if listening is not None:
            yield maybeDeferred(listening.stopListening)

    @inlineCallbacks
    def disable(self) -> Generator[Deferred[Any], Any, None]:
        """
        Stop listening and reset all connections until ``enable()``, as if the program had ended.

        Returns:
            A Deferred that fires when all connections have ended.
        """
        yield self.stop_listening()
        connections = list(self.open_connections.values())
        for each in connections:
            each.reset()
        yield DeferredList([each.ended for each in connections])

    stop = disable

    def accept(self, address: IAddress | None) -> Protocol:
        """Return the protocol of a new client."""
        why = self.refusal(getattr(address, "host", None))
        if why:
            self.client_refused(peer_name(address), why)
            return _Refused()
        self.connected_so_far += 1
        return Connection(self, self.connected_so_far).client


class _Clients(Factory):
    noisy = False

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        return self._relay.accept(addr)


class _Refused(Protocol):
    """A client that is reset at once."""

    transport: Any

    def connectionMade(self) -> None:
        self.transport.abortConnection()


class Connection:
    """
    The connection of a client, and its own connection to the target.

    Attributes:
        number: of the connection, from 1.
    """

    def __init__(self, relay: Relay, number: int) -> None:
        self.relay = relay
        self.random, self.clock = relay.random, relay.clock
        self.number = number
        self.peer = ""
        """The address of the client."""
        self.host: str | None = None
        """The IP address of the client, or None."""
        self.client = _Socket(self)
        self.target = _Socket(self)
        self.ended: Deferred[None] = Deferred()
        self.upstream = Direction(self, relay.upstream, self.client, self.target)
        self.downstream = Direction(self, relay.downstream, self.target, self.client)
        self._directions = self.upstream, self.downstream
        self.client.outgoing, self.target.outgoing = self._directions
        self._connecting: Deferred[Any] | None = None
        self.is_half_open = False
        self.is_ending = False
        """True once both ends are being closed or reset from here."""
        self.passage = relay.passage(self)

    def is_client(self, end: object) -> bool:
        """Return True if an end belongs to the client."""
        return end is self.client

    def opened(self, end: _Socket) -> None:
        """Go on after the client is connected, and again after the target is."""
        if end is self.client:
            address = end.transport.getPeer()
            self.peer, self.host = peer_name(address), getattr(address, "host", None)
            self.relay.open_connections[self.number] = self
            self.passage.opened()
            factory = Factory.forProtocol(lambda: self.target)
            factory.noisy = False
            self._connecting = self.relay.target.connect(factory)
            self._connecting.addErrback(self._unreachable)
        else:
            self._connecting = None
            self.passage.connected()
            for direction in self._directions:
                direction.open()

    def _unreachable(self, failure: Failure) -> None:
        self._connecting = None
        if not failure.check(CancelledError):
            self.passage.unreachable(failure)
        self.reset()

    def finished(self, end: _Socket) -> None:
        """Go on after one end has finished sending."""
        self.passage.finished(at_client=end is self.client)
        if self.is_half_open:  # nobody passes the end on
            end.transport.unregisterProducer()
            end.transport.loseConnection()
        else:
            end.outgoing.end(clean=True)

    def lost(self, end: _Socket, failure: Failure) -> None:
        """Go on after the connection of one end is gone."""
        self.passage.lost(at_client=end is self.client, failure=failure)
        if end is self.client and self._connecting is not None:
            self._connecting.cancel()
        if self.is_half_open:
            for direction in self._directions:
                direction.is_mute = True
        else:
            end.outgoing.end(clean=failure.check(ConnectionDone) is not None)
        if self.client.closed and (self.target.closed or self.target.transport is None):
            for direction in self._directions:
                direction.cancel()
            self.relay.open_connections.pop(self.number, None)
            if not self.ended.called:
                self.passage.closed()
                self.ended.callback(None)

    def close(self) -> None:
        """Close both ends, after the bytes that were written have left."""
        self.is_ending = True
        for end in self._open_ends():
            end.transport.unregisterProducer()
            end.transport.loseConnection()

    def reset(self) -> None:
        """Reset both ends at once."""
        self.is_half_open = False
        self.is_ending = True
        for end in self._open_ends():
            end.transport.abortConnection()

    def _open_ends(self) -> list[_Socket]:
        """Return the ends that are connected. TLS fails if a connection that is gone is ended again."""
        return [end for end in (self.client, self.target) if end.transport is not None and not end.closed]

    def leave_half_open(self, *, close_target: bool) -> None:
        """Close one end. The other end stays open and hears nothing. Lose its bytes."""
        self.is_half_open = True
        end, other = (self.target, self.client) if close_target else (self.client, self.target)
        for direction in self._directions:
            direction.is_mute = True
            direction.deliver()
        # An end that has finished sending has nothing to wait for.
        for each in [end, other] if other.outgoing.has_ended else [end]:
            if each in self._open_ends():
                each.transport.unregisterProducer()
                each.transport.loseConnection()


@implementer(IHalfCloseableProtocol)
class _Socket(Protocol):
    transport: Any

    outgoing: Direction
    """The direction that begins here."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.closed = False

    def connectionMade(self) -> None:
        if hasattr(self.transport, "setTcpNoDelay"):
            self.transport.setTcpNoDelay(True)
        self._connection.opened(self)

    def dataReceived(self, data: bytes) -> None:
        self.outgoing.receive(data)

    def readConnectionLost(self) -> None:
        self._connection.finished(self)

    def writeConnectionLost(self) -> None:
        """Do nothing: the end of the stream was passed on."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.closed = True
        self._connection.lost(self, reason)
