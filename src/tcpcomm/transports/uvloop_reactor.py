"""
The reactor that ``twistd --reactor uvloop`` installs: uvloop, with native transports for all TCP.

On Windows it uses winloop instead, because uvloop does not exist there. Both are built on libuv.
"""

from __future__ import annotations

import sys
from importlib import import_module

from twisted.internet.main import installReactor

from tcpcomm._lazy import HiddenPackage, check_package
from tcpcomm.errors import ConfigurationError
from tcpcomm.transports.reactors import NativeReactor


def install() -> NativeReactor:
    """
    Install this reactor in the process, before any other is installed.

    Raises:
        ConfigurationError: uvloop is not installed.
        twisted.internet.error.ReactorAlreadyInstalledError: a reactor is installed already.
    """
    name = "winloop" if sys.platform == "win32" else "uvloop"
    try:
        check_package(name)
        loops = import_module(name)
    except HiddenPackage as hidden:
        raise ConfigurationError(str(hidden)) from None
    except ImportError as error:
        packages = name if sys.platform == "win32" else "tcpcomm[fast]"
        raise ConfigurationError(f"{name} is not installed: pip install {packages} ({error})") from None
    reactor = NativeReactor(loops.new_event_loop())
    installReactor(reactor)
    return reactor


def choose() -> None:
    """
    Install this reactor in the process, unless it is installed already.

    Raises:
        ConfigurationError: uvloop is not installed, or another reactor is installed.
    """
    installed = sys.modules.get("twisted.internet.reactor")
    if installed is None:
        install()
    elif not isinstance(installed, NativeReactor):
        raise ConfigurationError(
            f"too late for uvloop: --reactor or an import has already installed {type(installed).__name__}"
        )
