"""
The reactor that ``twistd --reactor uvloop`` installs: uvloop, with native transports for all TCP.

On Windows, where there is no uvloop, it is winloop, which is made of the same libuv.
"""

from __future__ import annotations

import sys
from importlib import import_module

from twisted.internet.main import installReactor

from tcpcomm.errors import ConfigurationError
from tcpcomm.transports.reactors import NativeReactor

__all__ = ["choose", "install"]


def install() -> NativeReactor:
    """
    Make it the reactor of this process, before anything else has.

    Raises:
        ConfigurationError: there is no uvloop here.
        twisted.internet.error.ReactorAlreadyInstalledError: there is a reactor already.
    """
    name = "winloop" if sys.platform == "win32" else "uvloop"
    try:
        loops = import_module(name)
    except ImportError as error:
        packages = name if sys.platform == "win32" else "tcpcomm[fast]"
        raise ConfigurationError(f"there is no {name} here: pip install {packages} ({error})") from None
    reactor = NativeReactor(loops.new_event_loop())
    installReactor(reactor)
    return reactor


def choose() -> None:
    """
    Make it the reactor of this process, unless it is that already.

    Raises:
        ConfigurationError: there is no uvloop here, or another reactor was chosen before.
    """
    chosen = sys.modules.get("twisted.internet.reactor")
    if chosen is None:
        install()
    elif not isinstance(chosen, NativeReactor):
        raise ConfigurationError(
            f"it comes too late: {type(chosen).__name__} was chosen already, by --reactor or by an import"
        )
