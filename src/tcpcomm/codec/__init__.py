"""
Codecs turn frames into messages and messages into frames, without I/O.

Every codec fits the interfaces in :mod:`tcpcomm.codec.base`. Each kind of codec has its own folder.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tcpcomm.codec._public import *  # noqa: F403
else:
    from tcpcomm._lazy import lazy_exports
    from tcpcomm.codec._public import DEFINED_IN

    __getattr__, __dir__, __all__ = lazy_exports(__name__, DEFINED_IN)
