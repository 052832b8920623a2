"""
Faster transports for unchanged Twisted protocols.

:class:`NativeTCP` and its endpoints let the asyncio loop carry the bytes. With uvloop, a small frame costs
little more than half. :class:`AtOnce` needs only Twisted, and sends a reply without waiting for the
reactor's next turn. docs/explanation/native-transports.md explains both.
"""

from tcpcomm.transports.endpoints import NativeClientEndpoint, NativeServerEndpoint
from tcpcomm.transports.reactors import AtOnce, NativeReactor, NativeTCP
from tcpcomm.transports.tls import client_context, server_context

__all__ = [
    "AtOnce",
    "NativeClientEndpoint",
    "NativeReactor",
    "NativeServerEndpoint",
    "NativeTCP",
    "client_context",
    "server_context",
]
