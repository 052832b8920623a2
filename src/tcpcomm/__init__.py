"""
tcpcomm: the TCP links of factory automation, on Twisted.

The public names. Framings are in :mod:`tcpcomm.framing`, what holds them to their laws is in
:mod:`tcpcomm.testing`.
"""

from tcpcomm._version import __version__
from tcpcomm.errors import (
    ConfigurationError,
    EncodeError,
    FramingError,
    SessionClosed,
    TcpcommError,
)
from tcpcomm.factory import FrameFactory
from tcpcomm.kinds import (
    DelimitedFactory,
    DelimitedProtocol,
    LengthPrefixedFactory,
    LengthPrefixedProtocol,
)
from tcpcomm.limits import Limits
from tcpcomm.protocol import FrameProtocol

__all__ = [
    "ConfigurationError",
    "DelimitedFactory",
    "DelimitedProtocol",
    "EncodeError",
    "FrameFactory",
    "FrameProtocol",
    "FramingError",
    "LengthPrefixedFactory",
    "LengthPrefixedProtocol",
    "Limits",
    "SessionClosed",
    "TcpcommError",
    "__version__",
]
