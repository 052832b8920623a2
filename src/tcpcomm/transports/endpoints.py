"""
Endpoints that listen and connect with native transports, and their endpoint strings.

``native:9999:interface=127.0.0.1`` listens, ``native:10.0.0.5:9999`` connects; both may have TLS.
"""

from __future__ import annotations

import ssl
from functools import partial
from typing import Any

from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.interfaces import IStreamClientEndpoint

from tcpcomm.errors import ConfigurationError
from tcpcomm.runtime.socket_options import BACKLOG
from tcpcomm.transports.reactors import Inheriting, NativeTCP
from tcpcomm.transports.tls import ServerTLSFiles, client_context


class NativeServerEndpoint(TCP4ServerEndpoint):
    """
    An endpoint that accepts native connections over IPv4, or IPv6 if the interface is an IPv6 address.

    Args:
        reactor: Twisted's asyncio reactor.
        port: the port; 0: any free port.
        backlog: connections that the system keeps until they are accepted.
        interface: the address to listen at; empty: all IPv4 addresses.
        tls: the TLS context; None: no TLS.

    Raises:
        ConfigurationError: the reactor is not an asyncio reactor.
    """

    def __init__(
        self,
        reactor: Any,
        port: int,
        *,
        backlog: int = BACKLOG,
        interface: str = "",
        tls: ssl.SSLContext | ServerTLSFiles | None = None,
    ) -> None:
        view: Any = NativeTCP(reactor, tls=tls)
        if isinstance(reactor, Inheriting):
            view = reactor.over(view)
        super().__init__(view, port, backlog, interface)
        self.reload = tls.reload if isinstance(tls, ServerTLSFiles) else None
        """Loads the files of its TLS again, for new connections; None if it has no such files."""


class NativeClientEndpoint(TCP4ClientEndpoint):
    """
    An endpoint that makes native connections over IPv4, or IPv6 if the host is an IPv6 address.

    A name is looked up in the reactor's threads, and only its IPv4 address is used. For a name, pass
    ``native:NAME:PORT`` to :func:`tcpcomm.client` instead: that looks it up apart, and tries all addresses.

    Args:
        reactor: Twisted's asyncio reactor.
        host: a name or an address.
        port: the port of the peer.
        timeout: seconds after which the attempt fails.
        bind_address: the address to connect from; None: the system chooses.
        tls: the TLS context, as from :func:`~tcpcomm.transports.tls.client_context`; None: no TLS.
        server_name: the name in the server's certificate; None: the host.

    Raises:
        ConfigurationError: the reactor is not an asyncio reactor.
    """

    def __init__(
        self,
        reactor: Any,
        host: str,
        port: int,
        *,
        timeout: float = 30.0,
        bind_address: str | None = None,
        tls: ssl.SSLContext | None = None,
        server_name: str | None = None,
    ) -> None:
        view = NativeTCP(reactor, tls=tls, server_name=host if server_name is None else server_name)
        own_address = None if bind_address is None else (bind_address, 0)
        super().__init__(view, host, port, timeout, own_address)
        self._same_but_host = partial(
            TCP4ClientEndpoint, view, port=port, timeout=timeout, bindAddress=own_address
        )

    def at(self, address: str) -> IStreamClientEndpoint:
        """Return the endpoint for one address of the host; its certificate must still be the host's."""
        return self._same_but_host(address)


def server_endpoint(
    reactor: Any,
    port: str,
    *,
    interface: str = "",
    backlog: str = str(BACKLOG),
    privateKey: str | None = None,
    certKey: str | None = None,
    caCerts: str | None = None,
    clientNames: str = "",
    revoked: str | None = None,
) -> NativeServerEndpoint:
    """
    Make the endpoint of ``native:PORT`` and its options; those of TLS are PEM files and names.

    Raises:
        ConfigurationError: an option is wrong, or it names a file that cannot be used.
    """
    tls = None
    if privateKey is not None:
        names = [each.strip() for each in clientNames.split(",") if each.strip()]
        tls = ServerTLSFiles(privateKey, certKey, caCerts, names, revoked)
    elif not (certKey is caCerts is revoked is None and clientNames == ""):
        raise ConfigurationError("TLS needs privateKey=FILE")
    return NativeServerEndpoint(
        reactor, _number("port", port), backlog=_number("backlog", backlog), interface=interface, tls=tls
    )


def client_endpoint(
    reactor: Any,
    host: str,
    port: str,
    *,
    timeout: str = "30",
    bindAddress: str | None = None,
    tls: str = "no",
    name: str | None = None,
    caCerts: str | None = None,
    privateKey: str | None = None,
    clientCert: str | None = None,
) -> NativeClientEndpoint:
    """
    Make the endpoint of ``native:HOST:PORT`` and its options: ``tls=yes``, and PEM files for it.

    Raises:
        ConfigurationError: an option is wrong, or it names a file that cannot be used.
    """
    if tls not in ("yes", "no"):
        raise ConfigurationError(f"tls must be yes or no, not {tls!r}")
    if tls == "no" and any(each is not None for each in (name, caCerts, privateKey, clientCert)):
        raise ConfigurationError("name, caCerts, privateKey and clientCert need tls=yes")
    if clientCert is not None and privateKey is None:
        raise ConfigurationError("clientCert needs privateKey=FILE")
    return NativeClientEndpoint(
        reactor,
        host,
        _number("port", port),
        timeout=_number("timeout", timeout),
        bind_address=bindAddress,
        tls=client_context(caCerts, privateKey, clientCert) if tls == "yes" else None,
        server_name=name,
    )


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 0xFFFF):
        raise ConfigurationError(f"the {name} must be a whole number from 0 to 65535, not {text!r}")
    return int(text)
