"""
Bytes to frames and back: the rules that cut a TCP stream into messages.

Nothing here knows a socket, a clock or Twisted. A framing is configuration, its decoder holds the state of
one connection, and :func:`decode` drives a decoder.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tcpcomm.framing._public import *  # noqa: F403
else:
    from tcpcomm._lazy import lazy_exports
    from tcpcomm.framing._public import DEFINED_IN

    __getattr__, __dir__, __all__ = lazy_exports(__name__, DEFINED_IN)
