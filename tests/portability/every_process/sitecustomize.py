"""
Change each Python process of a test run, before it imports anything of Twisted or tcpcomm.

``TCPCOMM_TEST_REACTOR=select`` makes that reactor the default one of Twisted.
``TCPCOMM_TEST_WITHOUT_UNIX=1`` hides what Windows does not have, and makes ``select`` the default reactor.

tests/conftest.py imports this module, and :func:`begin` puts its folder into PYTHONPATH. Python then
imports it in all processes that the tests start.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any, Final

__all__ = ["begin"]

HIDDEN_MODULES: Final = ("fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty", "uvloop")
"""Modules that cannot be imported."""

NEEDED: Final = {
    "tcpcomm.runtime.file_lock": "fcntl",
    "twisted.internet.fdesc": "fcntl",
    "twisted.scripts._twistd_unix": "pwd",
}
"""Modules that may import a hidden module, because they cannot do without it on Linux."""

HIDDEN_NAMES: Final = (
    (socket, ("AF_UNIX", "TCP_USER_TIMEOUT")),
    (os, ("fork", "forkpty", "register_at_fork")),
    (signal, ("SIGHUP",)),
)
"""Names that are removed from modules for everybody."""


class _Replacing(MetaPathFinder, Loader):
    """
    A finder that runs a function in place of one module's code.

    Args:
        name: the module.
        execute: gets the module, which is empty, and its usual loader.
    """

    def __init__(self, name: str, execute: Callable[[ModuleType, Any], None]) -> None:
        self._name = name
        self._execute = execute
        self._usual: Any = None

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != self._name:
            return None
        usual = PathFinder.find_spec(name, path)
        if usual is None:
            return None
        self._usual = usual.loader
        return spec_from_loader(name, self, origin=usual.origin)

    def exec_module(self, module: ModuleType) -> None:
        self._execute(module, self._usual)


def _use_reactor(name: str) -> None:
    """Make a reactor, by its name at ``twistd --reactor``, the one that Twisted installs by default."""

    def execute(module: Any, usual: Any) -> None:
        def install() -> None:
            from twisted.application.reactors import installReactor

            installReactor(name)

        module.install = install

    sys.meta_path.insert(0, _Replacing("twisted.internet.default", execute))


def _hide_what_windows_lacks() -> None:
    for module, names in HIDDEN_NAMES:
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    socket.socketpair = _socketpair_of_tcp  # type: ignore[assignment]
    for name, hidden in NEEDED.items():
        sys.meta_path.insert(0, _Replacing(name, partial(_with_module, hidden, import_module(hidden))))
    sys.meta_path.insert(0, _Replacing("twisted.internet.posixbase", _without_unix_sockets))
    for name in HIDDEN_MODULES:
        sys.modules[name] = None  # type: ignore[assignment] # import then raises ImportError


def _with_module(name: str, visible: ModuleType, module: ModuleType, usual: Any) -> None:
    """Import a module that sees a hidden one."""
    sys.modules[name] = visible
    usual.exec_module(module)
    sys.modules[name] = None  # type: ignore[assignment]


def _without_unix_sockets(module: ModuleType, usual: Any) -> None:
    """Import Twisted's base of reactors without UNIX sockets and processes, as on Windows."""
    import twisted.internet._signals
    import twisted.internet.tcp
    import twisted.internet.udp  # noqa: F401 - these see that the system is Linux
    from twisted.python import runtime

    runtime.platformType = "win32"
    try:
        usual.exec_module(module)
    finally:
        runtime.platformType = "posix"


def _socketpair_of_tcp(*arguments: Any) -> tuple[socket.socket, socket.socket]:
    """Return two connected sockets, made as Python makes them on Windows."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        near = socket.create_connection(listening.getsockname())
        far, _ = listening.accept()
    return near, far


def begin() -> None:
    """Change this process as the environment variables say, and all that it starts."""
    without_unix = os.environ.get("TCPCOMM_TEST_WITHOUT_UNIX", "") not in ("", "0")
    reactor = os.environ.get("TCPCOMM_TEST_REACTOR") or ("select" if without_unix else None)
    if reactor is None or any(type(each).__name__ == _Replacing.__name__ for each in sys.meta_path):
        return  # the second is so if Python has imported this module as sitecustomize
    if without_unix:
        _hide_what_windows_lacks()
    _use_reactor(reactor)
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    folder = str(Path(__file__).parent)
    if folder not in paths:
        os.environ["PYTHONPATH"] = os.pathsep.join([folder, *filter(None, paths)])


if __name__ == "sitecustomize":  # and not tests.portability.every_process.sitecustomize
    begin()
