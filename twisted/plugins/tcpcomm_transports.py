"""
Lists, among Twisted's, the endpoints of tcpcomm and its reactor.

Every Twisted program that reads an endpoint string imports this file, so it imports what it needs when that
is needed.
"""

from __future__ import annotations

from typing import Any

from twisted.application.reactors import Reactor
from twisted.internet.interfaces import (
    IStreamClientEndpointStringParserWithReactor,
    IStreamServerEndpointStringParser,
)
from twisted.plugin import IPlugin
from zope.interface import implementer


@implementer(IPlugin, IStreamServerEndpointStringParser, IStreamClientEndpointStringParserWithReactor)
class _NativeEndpoints:
    """The strings that begin with ``native:``."""

    prefix = "native"

    def parseStreamServer(self, reactor: Any, *args: Any, **options: Any) -> Any:
        from tcpcomm.transports.endpoints import server_endpoint  # noqa: PLC0415

        return server_endpoint(reactor, *args, **options)

    def parseStreamClient(self, reactor: Any, *args: Any, **options: Any) -> Any:
        from tcpcomm.transports.endpoints import client_endpoint  # noqa: PLC0415

        return client_endpoint(reactor, *args, **options)


native = _NativeEndpoints()

uvloop = Reactor("uvloop", "tcpcomm.transports.uvloop_reactor", "uvloop with native transports (tcpcomm).")

epoll = Reactor(
    "tcpcomm-epoll",
    "tcpcomm.transports.epoll_reactor",
    "epoll without a logging context for each event, Linux only (tcpcomm).",
)
