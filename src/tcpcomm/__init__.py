"""
tcpcomm: the TCP links of factory automation, on Twisted.

This package offers everything that a program needs for declarations, servers, hosts, links and sessions.
Framings are in :mod:`tcpcomm.framing`, codecs in :mod:`tcpcomm.codec`, commands without ``await`` in
:mod:`tcpcomm.blocking`, fast transports in :mod:`tcpcomm.transports`, and what tests need in
:mod:`tcpcomm.testing`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tcpcomm._public import *  # noqa: F403
    from tcpcomm._version import __version__ as __version__
else:
    from tcpcomm._lazy import lazy_exports
    from tcpcomm._public import DEFINED_IN

    __getattr__, __dir__, __all__ = lazy_exports(__name__, DEFINED_IN)
