"""
Faster transports for Twisted protocols, which stay as they are.

:class:`NativeTCP` and its endpoints let the asyncio loop carry the bytes, best uvloop: a small frame then
costs little more than half. :class:`AtOnce` needs nothing but Twisted, and saves the reactor's turn that a
reply otherwise waits for. docs/explanation/native-transports.md tells how, and what was measured.
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
