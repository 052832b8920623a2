"""
tcpcomm: the TCP links of factory automation, on Twisted.

The public names are those of :mod:`tcpcomm._public`. Framings are in :mod:`tcpcomm.framing`, codecs in
:mod:`tcpcomm.codec`, what holds both to their laws is in :mod:`tcpcomm.testing`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tcpcomm._public import *  # noqa: F403
    from tcpcomm._public import __all__ as __all__
else:
    from tcpcomm._lazy import names_of

    __getattr__, __dir__ = names_of("tcpcomm._public")
