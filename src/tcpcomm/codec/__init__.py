"""
Codecs: frames to messages and back, without any I/O.

What all codecs have in common is in :mod:`tcpcomm.codec.base`; each kind has a module of its own.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tcpcomm.codec._public import *  # noqa: F403
    from tcpcomm.codec._public import __all__ as __all__
else:
    from tcpcomm._lazy import names_of

    __getattr__, __dir__ = names_of("tcpcomm.codec._public")
