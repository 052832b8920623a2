"""
Reactors, and views of a reactor, that listen and connect with these transports.

Any endpoint of Twisted uses these transports if it is made with one of these views.
"""

from __future__ import annotations

import os
import socket
import ssl
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from twisted.internet import tcp
from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IReactorTCP
from twisted.internet.posixbase import PosixReactorBase
from twisted.python.failure import Failure
from zope.interface import alsoProvides, implementer, providedBy

from tcpcomm.errors import ConfigurationError
from tcpcomm.transports.at_once import AtOnceConnector, AtOncePort
from tcpcomm.transports.native import Native, NativeConnector, NativePort
from tcpcomm.transports.tls import NativeTLSClient, NativeTLSServer, ServerTLSFiles


@implementer(IReactorTCP)
class MakesTCP:
    """A mixin for a reactor that has its own kinds of TCP ports and connectors; it is the first base."""

    port_kind: type[tcp.Port]
    connector_kind: type[tcp.Connector]

    def listenTCP(self, port: Any, factory: Any, backlog: int = 50, interface: str = "") -> tcp.Port:
        return self._listen(self.port_kind(port, factory, backlog, interface, self))

    def connectTCP(
        self, host: str, port: Any, factory: Any, timeout: float = 30.0, bindAddress: Any = None
    ) -> tcp.Connector:
        connector = self.connector_kind(host, port, factory, timeout, bindAddress, self)
        self._prepare_connector(connector)
        connector.connect()
        return connector

    def adoptStreamPort(self, fileDescriptor: int, addressFamily: Any, factory: Any) -> Any:
        if addressFamily not in (socket.AF_INET, socket.AF_INET6):
            other: Any = self  # a view is not a PosixReactorBase, but has its attributes
            return PosixReactorBase.adoptStreamPort(other, fileDescriptor, addressFamily, factory)
        # Twisted has no public function for this: its own reactors call the same method.
        make_port = self.port_kind._fromListeningDescriptor
        return self._listen(make_port(self, fileDescriptor, addressFamily, factory))

    def _listen(self, port: tcp.Port) -> tcp.Port:
        self._prepare_port(port)
        port.startListening()
        return port

    def _prepare_port(self, port: Any) -> None:
        """Set up a new port; subclasses may override this."""

    def _prepare_connector(self, connector: Any) -> None:
        """Set up a new connector; subclasses may override this."""


class _View(MakesTCP):
    """A view of a reactor, with all its attributes and interfaces. It replaces only its TCP."""

    # Both call listenTCP or connectTCP of the view.
    listenSSL: Any = PosixReactorBase.listenSSL
    connectSSL: Any = PosixReactorBase.connectSSL

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        alsoProvides(self, providedBy(reactor))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)


class AtOnce(_View):
    """
    A view of a reactor with Twisted's own TCP; its connections send data at once if the system accepts it.

    Args:
        reactor: the reactor to listen and connect with.
    """

    port_kind = AtOncePort
    connector_kind = AtOnceConnector


def at_once(reactor: Any) -> Any:
    """Return an :class:`AtOnce` view of the reactor, or the reactor itself if its TCP is not Twisted's."""
    is_twisteds = isinstance(reactor, PosixReactorBase) and not isinstance(reactor, MakesTCP)
    return AtOnce(reactor) if is_twisteds else reactor


class Inheriting(_View):
    """
    A view of a reactor that listens with a socket which this process inherited, in place of a new one.

    Args:
        reactor: the reactor, or a view of it, that accepts the connections.
        number: the file descriptor of the socket, which listens already.
    """

    def __init__(self, reactor: Any, number: int) -> None:
        super().__init__(reactor)
        self.number = number

    def listenTCP(self, port: Any, factory: Any, backlog: int = 50, interface: str = "") -> Any:
        with socket.socket(fileno=os.dup(self.number)) as inherited:
            family = inherited.family
        return self._reactor.adoptStreamPort(self.number, family, factory)

    def over(self, reactor: Any) -> Inheriting:
        """Return the same view of another reactor."""
        return Inheriting(reactor, self.number)


def plain_reactor(reactor: Any) -> Any:
    """Return the reactor behind all views, or the reactor itself if it is not a view."""
    while isinstance(reactor, _View):
        reactor = reactor._reactor
    return reactor


class NativeTCP(_View):
    """
    A view of Twisted's asyncio reactor; the asyncio loop carries the bytes of its connections.

    Args:
        reactor: an :class:`~twisted.internet.asyncioreactor.AsyncioSelectorReactor`.
        tls: the TLS context of its connections; None: no TLS.
        server_name: the name that a TLS client requires in the server's certificate; None: the host.

    Raises:
        ConfigurationError: the reactor is not an asyncio reactor.
    """

    port_kind = NativePort
    connector_kind = NativeConnector

    def __init__(
        self,
        reactor: Any,
        *,
        tls: ssl.SSLContext | ServerTLSFiles | None = None,
        server_name: str | None = None,
    ) -> None:
        reactor = plain_reactor(reactor)
        if not isinstance(reactor, AsyncioSelectorReactor):
            raise ConfigurationError(
                f"native transports need an asyncio loop, and {type(reactor).__name__} has none: "
                "run twistd with --reactor uvloop, or with --reactor asyncio"
            )
        super().__init__(reactor)
        self._tls = tls
        self._server_name = server_name
        self.native_connections = _native_connections(reactor)

    def _prepare_port(self, port: Any) -> None:
        if self._tls is not None:
            port.transport = partial(NativeTLSServer, self._tls)
            port._type = "TLS"  # Twisted's logs name the port by this attribute, which has no public setter

    def _prepare_connector(self, connector: Any) -> None:
        if isinstance(self._tls, ssl.SSLContext):
            name = connector.host if self._server_name is None else self._server_name
            connector.transport_kind = partial(NativeTLSClient, self._tls, name)


_connections: WeakKeyDictionary[Any, set[Native]] = WeakKeyDictionary()
"""The open native connections of each reactor that does not store them itself."""


def _native_connections(reactor: Any) -> set[Native]:
    """Return the open native connections of a reactor. They end when it stops."""
    if isinstance(reactor, NativeReactor):
        return reactor.native_connections
    found = _connections.get(reactor)
    if found is None:
        found = _connections[reactor] = set()
        reactor.addSystemEventTrigger("during", "shutdown", _disconnect_all, found)
    return found


def _disconnect_all(connections: set[Native]) -> None:
    for each in tuple(connections):
        each.connectionLost(Failure(ConnectionLost()))


class NativeReactor(MakesTCP, AsyncioSelectorReactor):
    """
    Twisted's asyncio reactor, with native transports for all TCP.

    Args:
        eventloop: the loop; None: the running loop, or a new one.
    """

    port_kind = NativePort
    connector_kind = NativeConnector

    def __init__(self, eventloop: Any = None) -> None:
        self.native_connections: set[Native] = set()
        super().__init__(eventloop)

    def getReaders(self) -> list[Any]:
        return [*super().getReaders(), *(each for each in self.native_connections if each.reading)]

    def removeAll(self) -> list[Any]:
        """Remove and return all connections, so that Twisted ends those that are left when it stops."""
        return [*super().removeAll(), *self.native_connections]
