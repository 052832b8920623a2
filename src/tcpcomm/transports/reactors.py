"""
What gives these transports to a program: a reactor, or a view of one, that listens and connects with them.

Twisted's endpoints ask the reactor that they are given for a port or a connection. So whatever endpoint is
given a view from here makes our transports, and is otherwise what it was.
"""

from __future__ import annotations

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
from tcpcomm.transports.tls import NativeTLSClient, NativeTLSServer

__all__ = ["AtOnce", "MakesTCP", "NativeReactor", "NativeTCP", "at_once"]


@implementer(IReactorTCP)
class MakesTCP:
    """Mix it in before a reactor: its TCP then has ports and connectors of the kinds that it names."""

    port_kind: type[tcp.Port]
    connector_kind: type[tcp.Connector]

    def listenTCP(self, port: Any, factory: Any, backlog: int = 50, interface: str = "") -> tcp.Port:
        """Listen; see :class:`~twisted.internet.interfaces.IReactorTCP`."""
        return self._listen(self.port_kind(port, factory, backlog, interface, self))

    def connectTCP(
        self, host: str, port: Any, factory: Any, timeout: float = 30.0, bindAddress: Any = None
    ) -> tcp.Connector:
        """Connect; see :class:`~twisted.internet.interfaces.IReactorTCP`."""
        connector = self.connector_kind(host, port, factory, timeout, bindAddress, self)
        self._prepare_connector(connector)
        connector.connect()
        return connector

    def adoptStreamPort(self, fileDescriptor: int, addressFamily: Any, factory: Any) -> Any:
        """Listen with a socket of others; see :class:`~twisted.internet.interfaces.IReactorSocket`."""
        if addressFamily not in (socket.AF_INET, socket.AF_INET6):
            return super().adoptStreamPort(fileDescriptor, addressFamily, factory)  # type: ignore[misc]
        return self._listen(
            self.port_kind._fromListeningDescriptor(self, fileDescriptor, addressFamily, factory)
        )

    def _listen(self, port: tcp.Port) -> tcp.Port:
        self._prepare_port(port)
        port.startListening()
        return port

    def _prepare_port(self, port: Any) -> None:
        """For those who have more to say to a port."""

    def _prepare_connector(self, connector: Any) -> None:
        """For those who have more to say to a connector."""


class _Others:
    """All of a reactor that is not said otherwise."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        alsoProvides(self, providedBy(reactor))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)


class _View(MakesTCP, _Others):
    """A reactor, but for its TCP."""

    def listenSSL(
        self, port: Any, factory: Any, contextFactory: Any, backlog: int = 50, interface: str = ""
    ) -> tcp.Port:
        """Listen, with TLS by pyOpenSSL; see :class:`~twisted.internet.interfaces.IReactorSSL`."""
        from twisted.protocols.tls import TLSMemoryBIOFactory  # noqa: PLC0415 - TLS is an extra

        secured = TLSMemoryBIOFactory(contextFactory, False, factory)
        listening = self.listenTCP(port, secured, backlog, interface)
        listening._type = "TLS"  # what the log calls it
        return listening

    def connectSSL(  # noqa: PLR0917 - the parameters are the interface's
        self,
        host: str,
        port: Any,
        factory: Any,
        contextFactory: Any,
        timeout: float = 30.0,
        bindAddress: Any = None,
    ) -> tcp.Connector:
        """Connect, with TLS by pyOpenSSL; see :class:`~twisted.internet.interfaces.IReactorSSL`."""
        from twisted.protocols.tls import TLSMemoryBIOFactory  # noqa: PLC0415 - TLS is an extra

        secured = TLSMemoryBIOFactory(contextFactory, True, factory)
        return self.connectTCP(host, port, secured, timeout, bindAddress)


class AtOnce(_View):
    """
    A view of a reactor that has Twisted's own TCP: its connections send at once what can leave at once.

    Args:
        reactor: what it listens and connects with.
    """

    port_kind = AtOncePort
    connector_kind = AtOnceConnector


def at_once(reactor: Any) -> Any:
    """The reactor, seen so that its TCP connections send at once; itself, if its TCP is not Twisted's."""
    is_twisteds = isinstance(reactor, PosixReactorBase) and not isinstance(reactor, MakesTCP)
    return AtOnce(reactor) if is_twisteds else reactor


class NativeTCP(_View):
    """
    A view of Twisted's asyncio reactor, whose connections are carried by its loop.

    Args:
        reactor: an :class:`~twisted.internet.asyncioreactor.AsyncioSelectorReactor`.
        tls: the context of its connections, if they are to have TLS.
        server_name: whose certificate a client that connects with TLS wants to see; None: the host's.

    Raises:
        ConfigurationError: it is another reactor, so that there is no loop to carry them.
    """

    port_kind = NativePort
    connector_kind = NativeConnector

    def __init__(
        self, reactor: Any, *, tls: ssl.SSLContext | None = None, server_name: str | None = None
    ) -> None:
        if isinstance(reactor, _View):
            reactor = reactor._reactor
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
            port._type = "TLS"  # what the log calls it

    def _prepare_connector(self, connector: Any) -> None:
        if self._tls is not None:
            name = connector.host if self._server_name is None else self._server_name
            connector.transport_kind = partial(NativeTLSClient, self._tls, name)


_connections: WeakKeyDictionary[Any, set[Native]] = WeakKeyDictionary()
"""The open native connections of reactors that do not keep them themselves."""


def _native_connections(reactor: Any) -> set[Native]:
    """The open native connections of a reactor, which are told that they are lost when it stops."""
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
    Twisted's asyncio reactor, with native transports for whoever uses TCP.

    Args:
        eventloop: the loop; None: that which is running, or a new one.
    """

    port_kind = NativePort
    connector_kind = NativeConnector

    def __init__(self, eventloop: Any = None) -> None:
        self.native_connections: set[Native] = set()
        super().__init__(eventloop)

    def getReaders(self) -> list[Any]:
        """What is read from."""
        return [*super().getReaders(), *(each for each in self.native_connections if each.reading)]

    def removeAll(self) -> list[Any]:
        """Forget all connections, and return them: what is left at the end is told that it is lost."""
        return [*super().removeAll(), *self.native_connections]
