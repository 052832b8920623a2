"""
Bytes to frames and back: the rules that cut a TCP stream into messages.

Nothing here knows a socket, a clock or Twisted: a framing is configuration, its decoder is the state of
one connection, and :func:`decode` drives one. How a framing is chosen is in the howto; how it is written
on a command line is in :mod:`tcpcomm.framing.notation`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tcpcomm.framing._public import *  # noqa: F403
    from tcpcomm.framing._public import __all__ as __all__
else:
    from tcpcomm._lazy import names_of

    __getattr__, __dir__ = names_of("tcpcomm.framing._public")
